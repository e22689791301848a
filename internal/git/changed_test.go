package git_test

import (
	"slices"
	"strings"
	"testing"

	"rinca/internal/rinca"
)

func TestChangedListsWhatDiffers(t *testing.T) {
	r := newRepo(t)
	base := files{"a": "1", "gone": "1", "run.sh": "x", "d/keep": "1", "d/e/f": "1", "kind": "file", "mod": "m:"}
	one := r.push("main", base)
	two := r.push("main", files{"a": "2", "run.sh": "x:x", "d/keep": "1", "d/e/f": "2", "d/e/new": "1", "kind/now": "folder", "mod": "m:"})
	m, req := mirrors(t), request(t, r.url())
	for _, c := range []struct{ before, after, want string }{
		{one, two, "a d/e/f d/e/new gone kind kind/now run.sh"},
		{two, one, "a d/e/f d/e/new gone kind kind/now run.sh"},
		{one, one, ""},
	} {
		got, err := m.Changed(t.Context(), req, c.before, c.after, 100)
		if err != nil {
			t.Fatal(err)
		}
		slices.Sort(got)
		if strings.Join(got, " ") != c.want {
			t.Errorf("%q differ, want %s", got, c.want)
		}
	}
	if _, err := m.Changed(t.Context(), req, one, two, 6); rinca.CodeOf(err) != rinca.Invalid {
		t.Errorf("more than the limit: %v", err)
	}
	for _, bad := range []string{"", "main", strings.Repeat("0", 40), "../../etc/passwd"} {
		if _, err := m.Changed(t.Context(), req, bad, two, 100); rinca.CodeOf(err) != rinca.Invalid {
			t.Errorf("%q: %v", bad, err)
		}
	}
	if files, err := m.Changed(t.Context(), req, strings.Repeat("ab", 20), two, 100); err == nil {
		t.Errorf("a commit that is nowhere differs in %q", files)
	}
}

// A server that gives no commits by name is not asked for its whole history:
// what was fetched before, and the tip of a branch, are enough.
func TestChangedAsksForLittle(t *testing.T) {
	s := newServer(t)
	r := s.repo(t, "r.git")
	old := r.push("main", files{"a": "1", "b": "1"})
	one := r.push("main", files{"a": "2", "b": "1"})
	m, req := mirrors(t), request(t, s.URL+"/r.git")
	req.Account = s.account()
	fetch(t, m, req)
	two := r.push("main", files{"a": "2", "b": "2"})
	if got, err := m.Changed(t.Context(), req, one, two, 100); err != nil || len(got) != 1 || got[0] != "b" {
		t.Errorf("%q, %v", got, err)
	}
	requests := s.requests.Load()
	if got, err := m.Changed(t.Context(), req, one, two, 100); err != nil || len(got) != 1 || s.requests.Load() != requests {
		t.Errorf("%q, %v, and %d requests for what is here", got, err, s.requests.Load()-requests)
	}
	packs := s.packs.Load()
	if got, err := m.Changed(t.Context(), req, old, two, 100); rinca.CodeOf(err) != rinca.NotFound || s.packs.Load() != packs {
		t.Errorf("%q, %v, and %d packs", got, err, s.packs.Load()-packs)
	}
}
