package web_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/fstest"

	"rinca/internal/web"
)

func ask(u *web.UI, path string, header ...string) (*httptest.ResponseRecorder, bool) {
	r := httptest.NewRequest(http.MethodGet, path, nil)
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	return w, u.Serve(w, r)
}

func build() *web.UI {
	return web.New(fstest.MapFS{
		"index.html":             {Data: []byte(`<script nonce="__CSP_NONCE__"></script>`)},
		"theme.js":               {Data: []byte("theme")},
		"assets/app-1a2b.js":     {Data: []byte("plain")},
		"assets/app-1a2b.js.gz":  {Data: []byte("gz")},
		"assets/app-1a2b.js.br":  {Data: []byte("br")},
		".vite/manifest.json":    {Data: []byte("{}")},
		"assets/.hidden/key.txt": {Data: []byte("x")},
	})
}

// Every page has a nonce of its own, in the policy and in the page, and the
// policy lets nothing in from elsewhere.
func TestPage(t *testing.T) {
	u := build()
	seen := map[string]bool{}
	for _, path := range []string{"/", "/stacks/my.stack", "/settings"} {
		w, ok := ask(u, path, "Accept", "text/html,*/*")
		if !ok || w.Code != http.StatusOK {
			t.Fatalf("%s: %v, status %d", path, ok, w.Code)
		}
		_, nonce, _ := strings.Cut(w.Body.String(), `nonce="`)
		nonce, _, _ = strings.Cut(nonce, `"`)
		csp := w.Header().Get("Content-Security-Policy")
		if len(nonce) < 20 || seen[nonce] || !strings.Contains(csp, "'nonce-"+nonce+"'") {
			t.Errorf("%s: nonce %q, policy %s", path, nonce, csp)
		}
		seen[nonce] = true
		for _, bad := range []string{"unsafe", "http:", "https:", "*"} {
			if strings.Contains(csp, bad) {
				t.Errorf("the policy has %q: %s", bad, csp)
			}
		}
		if w.Header().Get("Cache-Control") != "no-store" {
			t.Errorf("%s is kept: %s", path, w.Header().Get("Cache-Control"))
		}
	}
}

func TestFiles(t *testing.T) {
	u := build()
	for _, c := range []struct{ path, accept, body, encoding, cache string }{
		{"/assets/app-1a2b.js", "gzip, deflate, br", "br", "br", "immutable"},
		{"/assets/app-1a2b.js", "gzip, br;q=0", "gz", "gzip", "immutable"},
		{"/assets/app-1a2b.js", "br;q=0.5", "br", "br", "immutable"},
		{"/assets/app-1a2b.js", "", "plain", "", "immutable"},
		{"/theme.js", "gzip", "theme", "", "no-cache"},
	} {
		w, ok := ask(u, c.path, "Accept-Encoding", c.accept)
		if !ok || w.Body.String() != c.body || w.Header().Get("Content-Encoding") != c.encoding || !strings.Contains(w.Header().Get("Cache-Control"), c.cache) {
			t.Errorf("%s with %q: %v, %q, %v", c.path, c.accept, ok, w.Body, w.Header())
		}
		if csp := w.Header().Get("Content-Security-Policy"); !strings.Contains(csp, "connect-src 'self'") {
			t.Errorf("a worker in %s may not ask the server: %s", c.path, csp)
		}
		again, _ := ask(u, c.path, "If-None-Match", w.Header().Get("ETag"))
		if again.Code != http.StatusNotModified {
			t.Errorf("%s again: status %d", c.path, again.Code)
		}
	}
	for _, path := range []string{"/assets/gone.js", "/.vite/manifest.json", "/assets/.hidden/key.txt", "/assets/app-1a2b.js.br/x"} {
		if w, ok := ask(u, path, "Accept", "*/*"); ok {
			t.Errorf("%s is served: %q", path, w.Body)
		}
	}
	if w, ok := ask(u, "/assets/gone.js", "Accept", "text/html"); ok {
		t.Errorf("an asset that is gone is the page: %q", w.Body)
	}
	r := httptest.NewRequest(http.MethodPost, "/", nil)
	if u.Serve(httptest.NewRecorder(), r) {
		t.Error("something that was posted is served")
	}
}

// A program that was built without Node says how to build the pages.
func TestNotBuilt(t *testing.T) {
	w, ok := ask(web.New(fstest.MapFS{".keep": {}}), "/")
	if !ok || w.Code != http.StatusServiceUnavailable || !strings.Contains(w.Body.String(), "make build") {
		t.Errorf("%v, status %d: %s", ok, w.Code, w.Body)
	}
	if strings.Contains(w.Body.String(), "__CSP_NONCE__") {
		t.Error("the page has no nonce")
	}
	if w, ok := ask(web.Embedded(), "/"); !ok || w.Body.Len() == 0 {
		t.Error("the embedded UI serves nothing")
	}
}
