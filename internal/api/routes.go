package api

// routes lists every endpoint.
func routes() []route {
	var out []route
	for _, rows := range [][]route{systemRoutes(), vaultRoutes(), authRoutes(), stackRoutes(), resourceRoutes(), executionRoutes(), procedureRoutes(), scheduleRoutes(), alertRoutes(), secretRoutes(), driftRoutes(), webhookRoutes(), syncRoutes(), repoRoutes(), rotationRoutes()} {
		out = append(out, rows...)
	}
	return out
}
