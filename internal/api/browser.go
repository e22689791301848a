package api

import (
	"net/http"
	"strings"
	"time"

	"rinca/internal/rinca"
)

// Browsers keep a session in a cookie that no script can read. It counts only
// for requests that come from pages of this server itself.

const sessionCookie = "rinca_session"

// UI serves the pages. Serve reports whether there was one.
type UI interface {
	Serve(w http.ResponseWriter, r *http.Request) bool
}

// page answers with a page, where nothing of the API has that path.
func (s *Server) page(w http.ResponseWriter, r *http.Request) bool {
	for _, own := range []string{"/v1/", "/listener/", "/metrics/"} {
		if strings.HasPrefix(r.URL.Path, own) {
			return false
		}
	}
	return s.cfg.UI != nil && s.cfg.UI.Serve(w, r)
}

// cookie returns the session of a browser. A request that another site made
// the browser send has none.
func cookie(r *http.Request) rinca.Secret {
	c, err := r.Cookie(sessionCookie)
	if err != nil || len(c.Value) >= 1024 || !sameSite(r) {
		return rinca.Secret{}
	}
	return rinca.NewSecret(c.Value)
}

// sameSite reports whether a page of this server made the request, as the
// browser says it.
func sameSite(r *http.Request) bool {
	if site := r.Header.Get("Sec-Fetch-Site"); site != "" && site != "same-origin" && site != "none" {
		return false
	}
	return new(http.CrossOriginProtection).Check(r) == nil
}

// setCookie keeps a session in the browser until it ends; without a token the
// browser forgets it.
func (s *Server) setCookie(r *request, token rinca.Secret, expires time.Time) {
	c := http.Cookie{
		Name: sessionCookie, Value: token.Reveal(), Path: "/v1/", Expires: expires, // to its owner
		HttpOnly: true, Secure: s.overTLS(r.Request), SameSite: http.SameSiteStrictMode,
	}
	if c.Value == "" {
		c.MaxAge = -1
	}
	r.header.Add("Set-Cookie", c.String())
}

// signIn answers with a new session: with its token, or with a cookie that
// has it.
func (s *Server) signIn(r *request, token rinca.Secret, session rinca.Session, inCookie bool) (any, error) {
	out := newLogin(token, session)
	if !inCookie {
		return out, nil
	}
	if !sameSite(r.Request) {
		return nil, rinca.Errorf(rinca.Forbidden, "a page of another site cannot sign in here")
	}
	s.setCookie(r, token, session.ExpiresAt)
	out.Token = ""
	return out, nil
}

// fromPage reports whether the request came with the cookie of a browser.
func fromPage(r *request) bool {
	return r.Header.Get("Authorization") == "" && r.Header.Get("X-Api-Key") == "" && r.who != nil && r.who.Session != nil
}
