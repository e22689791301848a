package git

import (
	"path"
	"strings"
	"testing"

	"rinca/internal/rinca"
)

// Whatever a URL is, an address has a host and no credential, and errors do
// not quote what may be one.
func FuzzAddress(f *testing.F) {
	for _, s := range []string{"https://host/a/b.git", "git@host:a/b", "ssh://git@host:22/a", "file:///a", "https://u:p@host/x", "ext::sh", "https://[::1]:1/x", "HTTPS://HOST/%2e%2e/x"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		a, err := parseAddress(rinca.Source{Repo: s}, nil)
		if err != nil {
			if rinca.CodeOf(err) != rinca.Invalid {
				t.Fatal(err)
			}
			return
		}
		if strings.HasPrefix(a.host, "-") || strings.HasPrefix(a.user, "-") || a.scheme != "file" && a.host == "" || a.scheme != "ssh" && strings.Contains(strings.TrimPrefix(a.text, a.scheme+"://"+a.host+a.path), "@") {
			t.Errorf("%q: %+v", s, a)
		}
		again, err := parseAddress(rinca.Source{Repo: a.text}, nil)
		if err != nil || again.text != a.text {
			t.Errorf("%q: %q becomes %q, %v", s, a.text, again.text, err)
		}
	})
}

func FuzzLink(f *testing.F) {
	f.Add("a/b/c", "../../x")
	f.Add("a", ".")
	f.Fuzz(func(t *testing.T, at, target string) {
		if path.Clean("/" + at)[1:] != at || !safeLink(at, target) {
			return
		}
		if to := path.Join(path.Dir(at), target); to == ".." || strings.HasPrefix(to, "../") || strings.HasPrefix(target, "/") {
			t.Errorf("%q to %q leads to %q", at, target, to)
		}
	})
}
