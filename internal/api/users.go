package api

import (
	"rinca/internal/auth"
	"rinca/internal/rinca"
)

func userRoutes() []route {
	const one = "/v1/users/{user}"
	look, change := admin(rinca.Read), admin(rinca.Write)
	return []route{
		{
			pattern: "GET /v1/users", need: look, doc: "List the users.",
			out: []rinca.User{}, serve: (*Server).getUsers,
		}, {
			pattern: "POST /v1/users", need: change, audit: "user.create", audited: true,
			doc: "Add a user; without a password, one for the first login is made and shown.",
			in:  newUserInput{}, out: newUserJSON{}, status: 201, serve: (*Server).postUser,
		}, {
			pattern: "GET " + one, need: look, doc: "Show a user.",
			out: rinca.User{}, serve: (*Server).getUser,
		}, {
			pattern: "PUT " + one, need: change, audit: "user.update", audited: true,
			doc: "Replace what an administrator decides of a user: rights, and what they are.",
			in:  userInput{}, out: rinca.User{}, serve: (*Server).putUser,
		}, {
			pattern: "DELETE " + one, need: change, audit: "user.delete", audited: true,
			doc: "Delete a user with their sessions and API keys.", serve: (*Server).deleteUser,
		}, {
			pattern: "POST " + one + "/password", need: change, audit: "user.password", audited: true,
			doc: "Set a password that has to be changed at the next login, or make one and show it; sessions end.",
			in:  resetInput{}, out: oneTimeJSON{}, serve: (*Server).postUserPassword,
		}, {
			pattern: "DELETE " + one + "/totp", need: change, audit: "user.totp", audited: true,
			doc: "End the second factor of a user who lost it.", serve: (*Server).deleteUserTOTP,
		}, {
			pattern: "POST " + one + "/logout", need: change, audit: "logout", audited: true,
			doc: "End all sessions of a user; API keys stay.", serve: (*Server).postUserLogout,
		}, {
			pattern: "GET " + one + "/keys", need: look, doc: "List the API keys of a user, never the keys themselves.",
			out: []rinca.APIKey{}, serve: (*Server).getUserKeys,
		}, {
			pattern: "POST " + one + "/keys", need: change, audit: "apikey.create", audited: true,
			doc: "Make an API key of a user and show it, this once.",
			in:  keyInput{}, out: keyJSON{}, status: 201, serve: (*Server).postUserKey,
		}, {
			pattern: "DELETE " + one + "/keys/{id}", need: change, audit: "apikey.delete", audited: true,
			doc: "End an API key of a user, by its id or name.", serve: (*Server).deleteUserKey,
		}, {
			pattern: "GET /v1/permissions/{user}", need: look, doc: "Explain what a user may do with a resource, and where that comes from.",
			query: []param{{"type", "kind of the resource, such as Stack"}, {"name", "its name"}},
			out:   auth.Explanation{}, serve: (*Server).getPermissions,
		},
	}
}

type userInput struct {
	Admin    bool `json:"admin,omitempty"`
	Disabled bool `json:"disabled,omitempty"`
	Service  bool `json:"service,omitempty"`
	// MustChange is what it was when it is left out.
	MustChange *bool  `json:"must_change_password,omitempty"`
	Subject    string `json:"subject,omitempty"`
	rinca.Rights
}

type newUserInput struct {
	Name       string    `json:"name"`
	Password   typedText `json:"password,omitzero"`
	Admin      bool      `json:"admin,omitempty"`
	Disabled   bool      `json:"disabled,omitempty"`
	Service    bool      `json:"service,omitempty"`
	MustChange *bool     `json:"must_change_password,omitempty"` // true when it is left out
	Subject    string    `json:"subject,omitempty"`
	rinca.Rights
}

type newUserJSON struct {
	User rinca.User `json:"user"`
	oneTimeJSON
}

type oneTimeJSON struct {
	// OneTimePassword works for one login; shown this once.
	OneTimePassword string `json:"one_time_password,omitempty"`
}

type resetInput struct {
	Password typedText `json:"password,omitzero"`
}

func (s *Server) getUsers(r *request) (any, error) {
	return s.cfg.Auth.Users(r.Context())
}

func (s *Server) postUser(r *request) (any, error) {
	in := body[newUserInput](r)
	u := rinca.User{
		Name: in.Name, Admin: in.Admin, Disabled: in.Disabled, Service: in.Service, Subject: in.Subject, Rights: in.Rights,
		MustChange: in.MustChange == nil || *in.MustChange,
	}
	made, oneTime, err := s.cfg.Auth.CreateUser(r.Context(), caller(r), u, in.Password.Secret)
	if err != nil {
		return nil, err
	}
	return newUserJSON{made, oneTimeJSON{oneTime.Reveal()}}, nil // to the administrator, for the user
}

func (s *Server) getUser(r *request) (any, error) {
	return s.cfg.Auth.User(r.Context(), r.PathValue("user"))
}

func (s *Server) putUser(r *request) (any, error) {
	in, name := body[userInput](r), r.PathValue("user")
	before, err := s.cfg.Auth.User(r.Context(), name)
	if err != nil {
		return nil, err
	}
	u := rinca.User{
		Name: name, Admin: in.Admin, Disabled: in.Disabled, Service: in.Service, Subject: in.Subject, Rights: in.Rights, MustChange: before.MustChange,
	}
	if in.MustChange != nil {
		u.MustChange = *in.MustChange
	}
	return s.cfg.Auth.UpdateUser(r.Context(), caller(r), u)
}

func (s *Server) deleteUser(r *request) (any, error) {
	return nil, s.cfg.Auth.DeleteUser(r.Context(), caller(r), r.PathValue("user"))
}

func (s *Server) postUserPassword(r *request) (any, error) {
	oneTime, err := s.cfg.Auth.ResetPassword(r.Context(), caller(r), r.PathValue("user"), body[resetInput](r).Password.Secret)
	if err != nil {
		return nil, err
	}
	return oneTimeJSON{oneTime.Reveal()}, nil // to the administrator, for the user
}

func (s *Server) deleteUserTOTP(r *request) (any, error) {
	return nil, s.cfg.Auth.ResetTOTP(r.Context(), caller(r), r.PathValue("user"))
}

func (s *Server) postUserLogout(r *request) (any, error) {
	return nil, s.cfg.Auth.LogoutEverywhere(r.Context(), caller(r), r.PathValue("user"))
}

func (s *Server) getUserKeys(r *request) (any, error) { return s.keys(r, r.PathValue("user")) }

func (s *Server) postUserKey(r *request) (any, error) { return s.createKey(r, r.PathValue("user")) }

func (s *Server) deleteUserKey(r *request) (any, error) { return s.deleteKey(r, r.PathValue("user")) }

func (s *Server) getPermissions(r *request) (any, error) {
	t := rinca.Target{Kind: rinca.Kind(r.URL.Query().Get("type")), Name: r.URL.Query().Get("name")}
	if t.Kind == "" {
		return nil, rinca.Errorf(rinca.Invalid, "type is missing").Try("type=Stack&name=authentik")
	}
	if t.Kind != rinca.KindSystem {
		p := rinca.Permission{Target: t}
		if err := (rinca.Rights{Permissions: []rinca.Permission{p}}).Check(); err != nil {
			return nil, err
		}
	}
	return s.cfg.Auth.Explain(r.Context(), r.PathValue("user"), t)
}
