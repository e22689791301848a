package api

import (
	"fmt"
	"html"
	"net/http"
	"strings"

	"rinca/internal/auth"
	"rinca/internal/rinca"
)

func oidcRoutes() []route {
	return []route{
		{
			pattern: "GET /v1/oidc/login", need: anyone(),
			doc: "Send a browser to the identity provider.",
			query: []param{
				{"challenge", "SHA-256 digest, as base64url, of a text that POST /v1/oidc/exchange is given"},
				{"return", "path of this server that the browser goes to in the end, with #code=; without it the code is shown"},
			},
			out: redirect{}, serve: (*Server).getOIDCLogin,
		}, {
			pattern: "GET /v1/oidc/callback", need: anyone(), audit: "login", audited: true,
			doc:   "Take a browser back from the identity provider, and give it a code for the session.",
			query: []param{{"*", "what the identity provider adds: code, state, or error"}},
			out:   raw{}, serve: (*Server).getOIDCCallback,
		}, {
			pattern: "POST /v1/oidc/exchange", need: anyone(), audit: "login", audited: true,
			doc: "Turn the code of a login at the identity provider into a session.",
			in:  exchangeInput{}, out: loginJSON{}, serve: (*Server).postOIDCExchange,
		},
	}
}

type exchangeInput struct {
	Code     typedText `json:"code"`
	Verifier typedText `json:"verifier"`
	// Cookie keeps the session in a cookie of the browser, in place of showing
	// its token.
	Cookie bool `json:"cookie,omitempty"`
}

const oidcCookie = "rinca_oidc"

// setOIDCCookie keeps what a login at the provider began with in the browser.
// Lax: it comes back with the redirect from the provider.
func (s *Server) setOIDCCookie(r *request, start auth.LoginStart) {
	c := http.Cookie{
		Name: oidcCookie, Value: start.Cookie.Reveal(), Path: "/v1/oidc/", MaxAge: int(start.Life.Seconds()),
		HttpOnly: true, Secure: s.overTLS(r.Request), SameSite: http.SameSiteLaxMode,
	}
	if c.Value == "" {
		c.MaxAge = -1
	}
	r.header.Set("Set-Cookie", c.String())
}

func (s *Server) getOIDCLogin(r *request) (any, error) {
	q := r.URL.Query()
	start, err := s.cfg.Auth.LoginURL(r.Context(), q.Get("challenge"), q.Get("return"))
	if err != nil {
		return nil, err
	}
	s.setOIDCCookie(r, start)
	return redirect{start.URL}, nil
}

func (s *Server) getOIDCCallback(r *request) (any, error) {
	q, in := r.URL.Query(), auth.LoginReturn{Remote: r.remote}
	in.Code, in.State, in.Error = q.Get("code"), q.Get("state"), q.Get("error")
	if c, err := r.Cookie(oidcCookie); err == nil {
		in.Cookie = rinca.NewSecret(c.Value)
	}
	s.setOIDCCookie(r, auth.LoginStart{}) // a login counts once
	code, back, err := s.cfg.Auth.Callback(r.Context(), in)
	r.header.Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'")
	r.header.Set("Referrer-Policy", "no-referrer")
	r.header.Set("Cache-Control", "no-store")
	if err != nil {
		return nil, err
	}
	if back != "" {
		// After # it is not sent to any server, nor kept in logs.
		return redirect{back + "#code=" + code.Reveal()}, nil
	}
	return raw{"text/html; charset=utf-8", []byte(codePage(code))}, nil
}

// codePage shows the code of a login, to be typed where it began.
func codePage(code rinca.Secret) string {
	return strings.Join([]string{
		`<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>Rinca</title>`,
		`<style>body{font:1.1rem/1.5 system-ui,sans-serif;max-width:34rem;margin:15vh auto;padding:0 1rem}code{font-size:1.3rem;user-select:all;word-break:break-all}</style>`,
		`<h1>Signed in</h1><p>Copy this code to the terminal where you ran <b>rinca login</b>. It counts once, for two minutes.</p>`,
		fmt.Sprintf(`<p><code>%s</code></p>`, html.EscapeString(code.Reveal())), // to its owner
		`<p>Did you not run it? Then somebody wants you to sign in for them: close this page, and give the code to nobody.</p></html>`,
	}, "\n")
}

func (s *Server) postOIDCExchange(r *request) (any, error) {
	in := body[exchangeInput](r)
	token, session, err := s.cfg.Auth.Exchange(r.Context(), auth.ExchangeRequest{
		Code: in.Code.Reveal(), Verifier: in.Verifier.Secret, Remote: r.remote, Agent: r.UserAgent(),
	})
	if err != nil {
		return nil, err
	}
	return s.signIn(r, token, session, in.Cookie)
}
