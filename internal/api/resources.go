package api

// resourceRoutes are about what stacks use: servers, variables and Git
// accounts.
func resourceRoutes() []route {
	var out []route
	for _, rows := range [][]route{serverRoutes(), variableRoutes(), gitAccountRoutes()} {
		out = append(out, rows...)
	}
	return out
}
