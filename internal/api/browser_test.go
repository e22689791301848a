package api

import (
	"net/http"
	"strings"
	"testing"

	"rinca/internal/rinca"
)

// The session of a browser is in a cookie that no script reads, and counts for
// requests of our own pages only.
func TestBrowserSession(t *testing.T) {
	w := newWorld(t)
	w.admin()
	w.person(rinca.User{Name: "bob", Admin: true})
	in := `{"username":"bob","password":"` + goodPassword + `","cookie":true}`
	if a := w.do(rinca.Secret{}, "POST /v1/login", in, "Sec-Fetch-Site", "cross-site"); a.code() != rinca.Forbidden || a.header.Get("Set-Cookie") != "" {
		t.Errorf("another site signs in: %s", a.body)
	}
	a := w.must(rinca.Secret{}, "POST /v1/login", in, "Sec-Fetch-Site", "same-origin")
	set := a.header.Get("Set-Cookie")
	for _, want := range []string{"HttpOnly", "SameSite=Strict", "Path=/v1/"} {
		if !strings.Contains(set, want) {
			t.Errorf("the cookie is not %s: %s", want, set)
		}
	}
	if strings.Contains(string(a.body), "rs_") {
		t.Error("the body has the token too")
	}
	pair, _, _ := strings.Cut(set, ";")
	for _, c := range []struct {
		what   string
		header []string
		status int
	}{
		{"GET /v1/me", []string{"Sec-Fetch-Site", "same-origin"}, http.StatusOK},
		{"GET /v1/me", nil, http.StatusOK},
		{"GET /v1/me", []string{"Sec-Fetch-Site", "cross-site"}, http.StatusUnauthorized},
		{"GET /v1/me", []string{"Sec-Fetch-Site", "same-site"}, http.StatusUnauthorized},
		{"POST /v1/logout-everywhere", []string{"Origin", "https://elsewhere.example"}, http.StatusUnauthorized},
		{"GET /v1/me", []string{"Authorization", "Bearer rk_wrong"}, http.StatusUnauthorized},
	} {
		if a := w.do(rinca.Secret{}, c.what, "", append(c.header, "Cookie", pair)...); a.status != c.status {
			t.Errorf("%s with %v: %d, not %d", c.what, c.header, a.status, c.status)
		}
	}
	out := w.must(rinca.Secret{}, "POST /v1/logout", "", "Cookie", pair)
	if !strings.Contains(out.header.Get("Set-Cookie"), "Max-Age=0") {
		t.Errorf("the browser keeps the cookie: %s", out.header.Get("Set-Cookie"))
	}
	if a := w.do(rinca.Secret{}, "GET /v1/me", "", "Cookie", pair); a.status != http.StatusUnauthorized {
		t.Errorf("after the logout: %d", a.status)
	}
}

type pages struct{}

func (pages) Serve(w http.ResponseWriter, _ *http.Request) bool {
	_, _ = w.Write([]byte("page"))
	return true
}

// What is no endpoint is a page, but never below the paths of the API.
func TestPages(t *testing.T) {
	w := newWorld(t, func(c *Config) { c.UI = pages{} })
	for path, page := range map[string]bool{"/": true, "/stacks/my.stack": true, "/v1/nothing": false, "/listener/github/x": false, "/v1/stacks": false, "/healthz": false} {
		a := w.do(rinca.Secret{}, "GET "+path, "")
		if got := string(a.body) == "page"; got != page {
			t.Errorf("%s: %s", path, a.body)
		}
	}
}
