package api

import (
	"net/http"
	"strings"

	"rinca/internal/rinca"
)

// authenticate finds out who asks.
func (s *Server) authenticate(rt *route, r *request) error {
	if rt.need.access == public {
		return nil
	}
	token := credential(r.Request)
	if token.IsEmpty() {
		r.header.Set("WWW-Authenticate", `Bearer realm="rinca"`)
		return rinca.Errorf(rinca.Unauthenticated, "this needs an API key or a session").Try("rinca login, or the header Authorization: Bearer …")
	}
	who, err := s.cfg.Auth.Authenticate(r.Context(), token, r.remote)
	if err != nil {
		if rinca.CodeOf(err) == rinca.Unauthenticated {
			r.header.Set("WWW-Authenticate", `Bearer realm="rinca", error="invalid_token"`)
		}
		return err
	}
	r.who, r.token = who, token
	return nil
}

// credential returns what came in the header Authorization or X-Api-Key, or in
// the cookie of a browser. One
// in the URL would end up in logs; there is none.
func credential(r *http.Request) rinca.Secret {
	if h := r.Header.Get("Authorization"); h != "" {
		scheme, token, ok := strings.Cut(h, " ")
		if ok && strings.EqualFold(scheme, "Bearer") && len(token) < 1024 {
			return rinca.NewSecret(strings.TrimSpace(token))
		}
		return rinca.Secret{}
	}
	if h := r.Header.Get("X-Api-Key"); h != "" && len(h) < 1024 {
		return rinca.NewSecret(strings.TrimSpace(h))
	}
	return cookie(r)
}

// authorize is the one permission check. It also decodes the body: after the
// check where the path names the resource, before it where the body does.
func (s *Server) authorize(rt *route, r *request) error {
	n := rt.need
	if r.who != nil && r.who.Session != nil && r.who.Session.ChangeOnly && !n.change {
		return rinca.Errorf(rinca.Forbidden, "a new password has to be set first").Try("rinca passwd")
	}
	if n.session && r.who.Session == nil {
		return rinca.Errorf(rinca.Forbidden, "this needs a session: an API key cannot do it").Try("rinca login")
	}
	switch n.access {
	case public, signedIn, listed:
		return decodeBody(rt, r)
	case asAdmin:
		r.target = rinca.Target{Kind: rinca.KindSystem}
		if err := r.need(n.level); err != nil {
			return err
		}
		return decodeBody(rt, r)
	case execution:
		return s.authorizeExecution(rt, r)
	case onUpdate:
		u, err := s.update(r, r.PathValue("id"), n.level)
		r.target = u.Target
		if err != nil {
			return err
		}
		return decodeBody(rt, r)
	case onAlert:
		a, err := s.alert(r, r.PathValue("alert"), n.level)
		r.target = a.Target
		if err != nil {
			return err
		}
		return decodeBody(rt, r)
	case onRotation:
		rot, err := s.wholeRotation(r, n.level)
		if err != nil {
			return err
		}
		r.rotation, r.detail = rot, rot.ID
		return decodeBody(rt, r)
	case onQuarantine:
		if err := decodeBody(rt, r); err != nil {
			return err
		}
		var err error
		r.quarantine, err = s.quarantined(r, body[releaseInput](r).Item, n.level)
		return err
	case onTarget:
		return s.authorizeTarget(rt, r)
	}
	return rinca.Errorf(rinca.Internal, "route %s has no permission", rt.pattern)
}

func (s *Server) authorizeTarget(rt *route, r *request) error {
	named := rt.need.name.body
	if named {
		if err := decodeBody(rt, r); err != nil {
			return err
		}
	}
	t, err := rt.need.name.find(s, r)
	if err != nil {
		return err
	}
	r.target = t
	if err := r.need(rt.need.level); err != nil {
		return err
	}
	if rt.need.reveal {
		if err := s.mayReveal(r); err != nil {
			return err
		}
	}
	if named {
		return nil
	}
	return decodeBody(rt, r)
}

func (s *Server) authorizeExecution(rt *route, r *request) error {
	if err := decodeBody(rt, r); err != nil {
		return err
	}
	t, level, err := s.cfg.Runner.Check(r.Context(), *body[rinca.Execution](r))
	r.target = t
	if err != nil {
		if rinca.CodeOf(err) == rinca.NotFound && t.Name != "" {
			return missing(t)
		}
		return err
	}
	return s.needExecution(r, t, level)
}

// needExecution checks what an execution needs: a level on what it is about,
// or nothing.
func (s *Server) needExecution(r *request, t rinca.Target, level rinca.Level) error {
	r.target = t
	switch {
	case level == rinca.None:
		return nil
	case several(t) && t.Name != "":
		return s.needSeveral(r, level)
	case t.Kind == rinca.KindSystem || t.Name == "":
		r.target, level = rinca.Target{Kind: rinca.KindSystem}, rinca.Write
	}
	return r.need(level)
}

// need checks the level of the caller on the target. Who has no level at all
// is told that there is nothing, unless the request would make it.
func (r *request) need(level rinca.Level) error {
	r.grant = on(r.who, r.target)
	if r.grant.Level >= level {
		return nil
	}
	if r.grant.Level == rinca.None && r.target.Kind != rinca.KindSystem && !r.makes() {
		return missing(r.target)
	}
	return denied(r.target, level)
}

// makes reports whether the request would make a resource that is not there.
func (r *request) makes() bool {
	return r.Method == http.MethodPut || r.Method == http.MethodPost && r.PathValue("stack") == "" && r.URL.Path != "/v1/executions"
}

// mayReveal checks the right to see the value of a variable, if that is a
// secret one.
func (s *Server) mayReveal(r *request) error {
	v, err := s.variable(r)
	if err != nil {
		return err
	}
	if v.Secret && !r.grant.Reveals() {
		return rinca.Errorf(rinca.Forbidden, "the value of %q is only shown to those with the right %s", cut(v.Name), rinca.Reveal).
			Try("values are needed rarely: stacks get them with [[%s]]", v.Name)
	}
	return nil
}

// stackOf returns the stack of a variable that belongs to one.
func stackOf(t rinca.Target) (string, bool) {
	if t.Kind != rinca.KindVariable {
		return "", false
	}
	stack, _, ok := strings.Cut(t.Name, "/")
	return stack, ok
}
