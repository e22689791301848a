package api

import (
	"time"

	"rinca/internal/auth"
	"rinca/internal/rinca"
)

func loginRoutes() []route {
	change := need{access: signedIn, session: true, change: true}
	return []route{
		{
			pattern: "POST /v1/login", need: anyone(), audit: "login", audited: true,
			doc: "Sign in with a password, and a code if the account has a second factor.",
			in:  loginInput{}, out: loginJSON{}, serve: (*Server).postLogin,
		}, {
			pattern: "POST /v1/logout", need: change, audit: "logout", audited: true,
			doc: "End this session.", serve: (*Server).postLogout,
		}, {
			pattern: "POST /v1/logout-everywhere", need: change, audit: "logout", audited: true,
			doc: "End all sessions of the caller; API keys stay.", serve: (*Server).postLogoutEverywhere,
		},
	}
}

// A typedText is a secretText that proves who somebody is. Anybody may send
// anything as one, so it is not masked as a value that is known: that would
// hide words of a stranger's choice in what others see. No error repeats it.
type typedText struct{ secretText }

type loginInput struct {
	Username string    `json:"username"`
	Password typedText `json:"password"`
	TOTP     string    `json:"totp,omitempty"`
	// Cookie keeps the session in a cookie of the browser, in place of showing
	// its token.
	Cookie bool `json:"cookie,omitempty"`
}

// loginJSON is a new session. With totp_required there is none yet: the
// password was right, and the same request with a code will do.
type loginJSON struct {
	Token        string    `json:"token,omitempty"` // shown this once
	User         string    `json:"user,omitempty"`
	ExpiresAt    time.Time `json:"expires_at,omitzero"`
	MustChange   bool      `json:"must_change_password,omitempty"`
	TOTPRequired bool      `json:"totp_required,omitempty"`
}

func newLogin(token rinca.Secret, session rinca.Session) loginJSON {
	return loginJSON{Token: token.Reveal(), User: session.User, ExpiresAt: session.ExpiresAt, MustChange: session.ChangeOnly} // to its owner
}

func (s *Server) postLogin(r *request) (any, error) {
	in := body[loginInput](r)
	token, session, err := s.cfg.Auth.Login(r.Context(), auth.LoginRequest{
		User: in.Username, Password: in.Password.Secret, TOTP: in.TOTP, Remote: r.remote, Agent: r.UserAgent(),
	})
	if auth.NeedsTOTP(err) {
		return loginJSON{TOTPRequired: true}, nil
	}
	if err != nil {
		return nil, err
	}
	return s.signIn(r, token, session, in.Cookie)
}

func (s *Server) postLogout(r *request) (any, error) {
	s.setCookie(r, rinca.Secret{}, time.Time{})
	return nil, s.cfg.Auth.Logout(r.Context(), caller(r))
}

func (s *Server) postLogoutEverywhere(r *request) (any, error) {
	s.setCookie(r, rinca.Secret{}, time.Time{})
	return nil, s.cfg.Auth.LogoutEverywhere(r.Context(), caller(r), r.user())
}
