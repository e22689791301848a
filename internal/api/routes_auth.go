package api

// authRoutes are about signing in, users, groups and the audit log.
func authRoutes() []route { return nil }
