package api

import "rinca/internal/auth"

// authRoutes are about signing in, users, groups and the audit log. What they
// change is written into the audit log by package auth.
func authRoutes() []route {
	var out []route
	for _, rows := range [][]route{loginRoutes(), oidcRoutes(), meRoutes(), userRoutes(), groupRoutes(), auditRoutes()} {
		out = append(out, rows...)
	}
	return out
}

// caller says who asks, for package auth.
func caller(r *request) auth.Caller { return auth.Caller{Who: r.who, Remote: r.remote} }

// self needs a session, for what guards the account: an API key must not be
// able to make itself more, or last longer.
func self() need { return need{access: signedIn, session: true} }
