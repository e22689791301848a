package api

import (
	"time"

	"rinca/internal/rinca"
)

func meRoutes() []route {
	change := need{access: signedIn, session: true, change: true}
	return []route{
		{
			pattern: "GET /v1/me", need: need{access: signedIn, change: true}, doc: "Say who the caller is, and what they may do.",
			out: meJSON{}, serve: (*Server).getMe,
		}, {
			pattern: "POST /v1/me/password", need: change, audit: "user.password", audited: true,
			doc: "Set a new password; the caller's other sessions end.",
			in:  passwordInput{}, serve: (*Server).postMyPassword,
		}, {
			pattern: "POST /v1/me/totp", need: self(), audit: "user.totp", audited: true,
			doc: "Make the secret of a second factor, which counts once it is confirmed.",
			out: totpJSON{}, serve: (*Server).postMyTOTP,
		}, {
			pattern: "PUT /v1/me/totp", need: self(), audit: "user.totp", audited: true,
			doc: "Confirm the second factor with a code of it.",
			in:  codeInput{}, serve: (*Server).putMyTOTP,
		}, {
			pattern: "DELETE /v1/me/totp", need: self(), audit: "user.totp", audited: true,
			doc: "End the second factor, with a code of it.",
			in:  codeInput{}, serve: (*Server).deleteMyTOTP,
		}, {
			pattern: "GET /v1/me/keys", need: user(), doc: "List the caller's API keys, never the keys themselves.",
			out: []rinca.APIKey{}, serve: (*Server).getMyKeys,
		}, {
			pattern: "POST /v1/me/keys", need: self(), audit: "apikey.create", audited: true,
			doc: "Make an API key and show it, this once.",
			in:  keyInput{}, out: keyJSON{}, status: 201, serve: (*Server).postMyKey,
		}, {
			pattern: "DELETE /v1/me/keys/{id}", need: self(), audit: "apikey.delete", audited: true,
			doc: "End an API key of the caller, by its id or name.", serve: (*Server).deleteMyKey,
		}, {
			pattern: "GET /v1/me/sessions", need: user(), doc: "List the caller's sessions.",
			out: []rinca.Session{}, serve: (*Server).getMySessions,
		},
	}
}

type meJSON struct {
	User rinca.User `json:"user"`
	// Rights are those of the user and of every group, in a list.
	Rights []rinca.Rights `json:"rights"`
	// Scope bounds them, for an API key that has one.
	Scope     *rinca.Rights  `json:"scope,omitempty"`
	Admin     bool           `json:"admin"`
	KeyID     string         `json:"key_id,omitempty"`
	Session   *rinca.Session `json:"session,omitempty"`
	ExpiresAt time.Time      `json:"expires_at,omitzero"`
}

func (s *Server) getMe(r *request) (any, error) {
	me := meJSON{User: r.who.User, Rights: append([]rinca.Rights{}, r.who.Rights...), Scope: r.who.Scope, Admin: r.who.Admin(), KeyID: r.who.KeyID, Session: r.who.Session}
	if me.Session != nil {
		me.ExpiresAt = me.Session.ExpiresAt
	}
	return me, nil
}

type passwordInput struct {
	Old typedText `json:"old"`
	New typedText `json:"new"`
}

func (s *Server) postMyPassword(r *request) (any, error) {
	in := body[passwordInput](r)
	return nil, s.cfg.Auth.ChangePassword(r.Context(), caller(r), in.Old.Secret, in.New.Secret)
}

type totpJSON struct {
	Secret string `json:"secret"`
	URI    string `json:"uri"` // otpauth://, for a picture code
}

type codeInput struct {
	Code string `json:"code"`
}

func (s *Server) postMyTOTP(r *request) (any, error) {
	secret, uri, err := s.cfg.Auth.BeginTOTP(r.Context(), caller(r))
	if err != nil {
		return nil, err
	}
	return totpJSON{secret.Reveal(), uri.Reveal()}, nil // to its owner
}

func (s *Server) putMyTOTP(r *request) (any, error) {
	return nil, s.cfg.Auth.ConfirmTOTP(r.Context(), caller(r), body[codeInput](r).Code)
}

func (s *Server) deleteMyTOTP(r *request) (any, error) {
	return nil, s.cfg.Auth.DropTOTP(r.Context(), caller(r), body[codeInput](r).Code)
}

type keyInput struct {
	Name string `json:"name"`
	// Expires is when the key ends; left out, it does not.
	Expires time.Time `json:"expires,omitzero"`
	// Scope bounds what the key may do; left out, it may what its user may.
	Scope *rinca.Rights `json:"scope,omitempty"`
}

type keyJSON struct {
	Key string `json:"key"` // shown this once
	rinca.APIKey
}

func (s *Server) postMyKey(r *request) (any, error) {
	return s.createKey(r, r.user())
}

func (s *Server) createKey(r *request, user string) (any, error) {
	in := body[keyInput](r)
	key, made, err := s.cfg.Auth.CreateKey(r.Context(), caller(r), rinca.APIKey{Name: in.Name, User: user, ExpiresAt: in.Expires, Scope: in.Scope})
	if err != nil {
		return nil, err
	}
	return keyJSON{key.Reveal(), made}, nil // to its owner
}

func (s *Server) getMyKeys(r *request) (any, error) { return s.keys(r, r.user()) }

func (s *Server) keys(r *request, user string) (any, error) {
	return s.cfg.Auth.Keys(r.Context(), user)
}

func (s *Server) deleteMyKey(r *request) (any, error) { return s.deleteKey(r, r.user()) }

func (s *Server) deleteKey(r *request, user string) (any, error) {
	return nil, s.cfg.Auth.DeleteKey(r.Context(), caller(r), user, r.PathValue("id"))
}

func (s *Server) getMySessions(r *request) (any, error) {
	return s.cfg.Auth.Sessions(r.Context(), r.user())
}
