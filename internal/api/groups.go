package api

import (
	"rinca/internal/rinca"
	"rinca/internal/store"
)

func groupRoutes() []route {
	const one = "/v1/groups/{group}"
	look, change := admin(rinca.Read), admin(rinca.Write)
	return []route{
		{
			pattern: "GET /v1/groups", need: look, doc: "List the groups of users.",
			out: []rinca.UserGroup{}, serve: (*Server).getGroups,
		}, {
			pattern: "GET " + one, need: look, doc: "Show a group.",
			out: rinca.UserGroup{}, serve: (*Server).getGroup,
		}, {
			pattern: "PUT " + one, need: change, audit: "group.update", audited: true, limit: 1 << 20,
			doc: "Replace a group, or add it.",
			in:  groupInput{}, out: rinca.UserGroup{}, serve: (*Server).putGroup,
		}, {
			pattern: "DELETE " + one, need: change, audit: "group.delete", audited: true,
			doc: "Delete a group; its members stay.", serve: (*Server).deleteGroup,
		},
	}
}

type groupInput struct {
	Name     string   `json:"name,omitempty"` // that of the path, if it is given
	Everyone bool     `json:"everyone,omitempty"`
	Users    []string `json:"users,omitempty"`
	Claims   []string `json:"claims,omitempty"`
	rinca.Rights
}

func (s *Server) getGroups(r *request) (any, error) {
	return s.cfg.Auth.Groups(r.Context())
}

func (s *Server) getGroup(r *request) (any, error) {
	return s.cfg.Auth.Group(r.Context(), r.PathValue("group"))
}

func (s *Server) putGroup(r *request) (any, error) {
	in, name := body[groupInput](r), r.PathValue("group")
	if in.Name != "" && in.Name != name {
		return nil, rinca.Errorf(rinca.Invalid, "name differs from the one in the path")
	}
	if modeOf(r) == store.CreateOnly {
		_, err := s.cfg.Auth.Group(r.Context(), name)
		if err == nil {
			return nil, rinca.Errorf(rinca.Conflict, "there is a group %s already", name)
		} else if rinca.CodeOf(err) != rinca.NotFound {
			return nil, err
		}
	}
	return s.cfg.Auth.PutGroup(r.Context(), caller(r), rinca.UserGroup{Name: name, Everyone: in.Everyone, Users: in.Users, Claims: in.Claims, Rights: in.Rights})
}

func (s *Server) deleteGroup(r *request) (any, error) {
	return nil, s.cfg.Auth.DeleteGroup(r.Context(), caller(r), r.PathValue("group"))
}
