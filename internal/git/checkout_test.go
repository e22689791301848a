package git_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/filemode"
	"github.com/go-git/go-git/v5/plumbing/object"
	"github.com/google/go-cmp/cmp"

	"rinca/internal/rinca"
)

func TestCheckoutFollowsTheBranch(t *testing.T) {
	r := newRepo(t)
	m := mirrors(t)
	req := request(t, r.url())
	states := []files{
		{"compose.yaml": "one", "conf/a": "a", "conf/b/c": "c", "run.sh": "x:#!", "now": "l:conf/a", "empty": ""},
		{"compose.yaml": "two", "conf/a": "a", "run.sh": "not any more", "now": "l:compose.yaml"},
		{"compose.yaml": "two", "conf": "a file now", "now/a": "a folder now"},
		{"compose.yaml": "x:two", "conf/a": "l:../now", "conf/b/c": "c", "now": "a file again"},
	}
	for i, want := range states {
		commit := r.push("main", want)
		f := fetch(t, m, req)
		if f.Commit != commit || f.Ref != "refs/heads/main" || !f.New {
			t.Fatalf("%d: %+v; want %s", i, f, commit)
		}
		if again := fetch(t, m, req); again.Commit != commit || again.New {
			t.Errorf("%d: again: %+v", i, again)
		}
		c := checkout(t, m, req, commit)
		if diff := cmp.Diff(want, read(t, req.Dest)); diff != "" {
			t.Fatalf("%d: %s", i, diff)
		}
		if c.Commit != commit || c.Message != "Change" || c.Author != "Ada" || c.When.IsZero() || c.Root != req.Dest || c.Dir != req.Dest || !c.Changed || len(c.Files) != len(want) {
			t.Errorf("%d: %+v", i, c)
		}
		if c := checkout(t, m, req, commit); c.Changed {
			t.Errorf("%d: changed again", i)
		}
	}
	if got := names(t, filepath.Dir(req.Dest)); got != "src src.state" {
		t.Errorf("left beside it: %s", got)
	}
	// Back to the first one: it is still in the mirror.
	c := checkout(t, m, req, fmt.Sprint(r.parent(3)))
	if diff := cmp.Diff(states[0], read(t, req.Dest)); diff != "" || !c.Changed {
		t.Error(diff)
	}
}

// parent returns the nth parent of main.
func (r *repo) parent(n int) plumbing.Hash {
	r.t.Helper()
	h := r.last["main"]
	for range n {
		c, err := object.GetCommit(r.r.Storer, h)
		if err != nil {
			r.t.Fatal(err)
		}
		h = c.ParentHashes[0]
	}
	return h
}

func TestOnlyThePathAndSparseFolders(t *testing.T) {
	r := newRepo(t)
	m := mirrors(t)
	all := files{"README": "r", "stacks/web/compose.yaml": "w", "stacks/web/x/y": "y", "stacks/blog/compose.yaml": "b", "lib/common.yaml": "c", "lib/sub": "m:", "stacks/webs": "s"}
	commit := r.push("main", all)
	for name, tc := range map[string]struct {
		path   string
		sparse []string
		want   []string
	}{
		"path":        {"stacks/web", nil, []string{"stacks/web/compose.yaml", "stacks/web/x/y"}},
		"ornaments":   {"./stacks//web/", nil, []string{"stacks/web/compose.yaml", "stacks/web/x/y"}},
		"sparse":      {"stacks/web/x", []string{"stacks/blog", "lib/common.yaml"}, []string{"stacks/web/x/y", "stacks/blog/compose.yaml", "lib/common.yaml"}},
		"root sparse": {"", []string{"stacks/blog"}, []string{"README", "stacks/blog/compose.yaml"}},
	} {
		req := request(t, r.url())
		req.Source.Path, req.Source.Sparse = tc.path, tc.sparse
		fetch(t, m, req)
		c := checkout(t, m, req, commit)
		want := files{}
		for _, p := range tc.want {
			want[p] = all[p]
		}
		if diff := cmp.Diff(want, read(t, req.Dest)); diff != "" || c.Dir != filepath.Join(req.Dest, tc.path) {
			t.Errorf("%s: %s %s", name, c.Dir, diff)
		}
	}
	for path, want := range map[string]string{
		"stacks/wob":              "has no folder stacks/wob",
		"stacks/web/compose.yaml": "is a file in commit",
		"lib":                     "holds the submodule lib/sub",
		"":                        "holds the submodule lib/sub",
		"../x":                    "is not one inside the repository",
		"/etc":                    "is not one inside the repository",
		"stacks/../..":            "is not one inside the repository",
	} {
		req := request(t, r.url())
		req.Source.Path = path
		_, err := m.Checkout(t.Context(), req, commit)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v; want %q", path, err, want)
		}
		if path == "stacks/wob" && rinca.HintOf(err) != "it has stacks/blog, stacks/web" {
			t.Errorf("hint: %s", rinca.HintOf(err))
		}
		if _, err := os.Stat(req.Dest); err == nil {
			t.Errorf("%q: something was made", path)
		}
	}
}

// Files that Checkout has not written stay, and are not written over.
func TestFilesOfOthersStay(t *testing.T) {
	r := newRepo(t)
	m := mirrors(t)
	req := request(t, r.url())
	var said []string
	req.Out = func(l rinca.Line) { said = append(said, l.Text) }
	first := r.push("main", files{"a": "1", "data/config": "1", "gone/x": "1"})
	fetch(t, m, req)
	checkout(t, m, req, first)
	for p, content := range map[string]string{"data/db": "mine", "gone/y": "mine", "new": "mine", "same": "equal"} {
		if err := os.WriteFile(filepath.Join(req.Dest, p), []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	inode := ino(t, filepath.Join(req.Dest, "data"))
	second := r.push("main", files{"a": "2", "data/config": "2", "same": "equal"})
	fetch(t, m, req)
	checkout(t, m, req, second)
	want := files{"a": "2", "data/config": "2", "data/db": "mine", "gone/y": "mine", "new": "mine", "same": "equal"}
	if diff := cmp.Diff(want, read(t, req.Dest)); diff != "" {
		t.Error(diff)
	}
	if ino(t, filepath.Join(req.Dest, "data")) != inode {
		t.Error("the directory is another one")
	}
	for _, f := range []files{{"new": "theirs"}, {"new/x": "theirs"}, {"data": "a file"}} {
		commit := r.push("main", f)
		fetch(t, m, req)
		_, err := m.Checkout(t.Context(), req, commit)
		if rinca.CodeOf(err) != rinca.Conflict {
			t.Errorf("%v: %v", f, err)
		}
		if diff := cmp.Diff(want, read(t, req.Dest)); diff != "" {
			t.Error(diff)
		}
	}
	// A tracked file that somebody changed is put right, and that is said.
	said = nil
	if err := os.WriteFile(filepath.Join(req.Dest, "a"), []byte("9"), 0o644); err != nil {
		t.Fatal(err)
	}
	if c := checkout(t, m, req, second); !c.Changed || read(t, req.Dest)["a"] != "2" || len(said) != 1 || !strings.HasPrefix(said[0], "a was changed here") {
		t.Errorf("%+v %v", c, said)
	}
	// Docker makes an empty folder where it wants to mount a file that is missing.
	if err := os.Mkdir(filepath.Join(req.Dest, "late.conf"), 0o755); err != nil {
		t.Fatal(err)
	}
	third := r.push("main", files{"late.conf": "x"})
	fetch(t, m, req)
	checkout(t, m, req, third)
	if got := read(t, req.Dest); got["late.conf"] != "x" {
		t.Error(got)
	}
}

func ino(t *testing.T, p string) uint64 {
	t.Helper()
	info, err := os.Stat(p)
	if err != nil {
		t.Fatal(err)
	}
	return info.Sys().(*syscall.Stat_t).Ino
}

// Changes that leave size and times alone are seen.
func TestChangesAreSeen(t *testing.T) {
	r := newRepo(t)
	m := mirrors(t)
	req := request(t, r.url())
	commit := r.push("main", files{"a": "1", "l": "l:a", "x": "x:1"})
	fetch(t, m, req)
	checkout(t, m, req, commit)
	time.Sleep(60 * time.Millisecond) // older than what clocks of file systems tell apart
	checkout(t, m, req, commit)       // and now it is known by its stamp
	a := filepath.Join(req.Dest, "a")
	info, _ := os.Stat(a)
	for name, change := range map[string]func() error{
		"content": func() error { return os.WriteFile(a, []byte("2"), 0o644) },
		"times": func() error {
			return joinErrors(os.WriteFile(a, []byte("3"), 0o644), os.Chtimes(a, info.ModTime(), info.ModTime()))
		},
		"mode":    func() error { return os.Chmod(a, 0o755) },
		"removed": func() error { return os.Remove(a) },
		"link":    func() error { return joinErrors(os.Remove(a), os.Symlink("x", a)) },
		"other":   func() error { return joinErrors(os.Remove(a), os.WriteFile(a, []byte("4"), 0o644)) },
	} {
		if err := change(); err != nil {
			t.Fatal(err)
		}
		if c := checkout(t, m, req, commit); !c.Changed {
			t.Errorf("%s: not seen", name)
		}
		if got := read(t, req.Dest); got["a"] != "1" {
			t.Errorf("%s: %v", name, got)
		}
	}
}

func joinErrors(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

func TestHostileTrees(t *testing.T) {
	r := newRepo(t)
	m := mirrors(t)
	b := r.blob("evil")
	sub := r.tree(files{"x": "evil"})
	entry := func(name string, mode filemode.FileMode, h plumbing.Hash) object.TreeEntry {
		return object.TreeEntry{Name: name, Mode: mode, Hash: h}
	}
	link := func(target string) []object.TreeEntry {
		return []object.TreeEntry{entry("l", filemode.Symlink, r.blob(target))}
	}
	deep := r.tree(files{"x": "deep"})
	for range 300 {
		deep = r.treeOf([]object.TreeEntry{entry("d", filemode.Dir, deep)})
	}
	for name, entries := range map[string][]object.TreeEntry{
		"..":              {entry("..", filemode.Dir, sub)},
		".":               {entry(".", filemode.Dir, sub)},
		"slash":           {entry("a/../../b", filemode.Regular, b)},
		"absolute":        {entry("/etc", filemode.Dir, sub)},
		".git":            {entry(".git", filemode.Dir, sub)},
		".GIT":            {entry(".GiT", filemode.Dir, sub)},
		".git ":           {entry(".git . ", filemode.Dir, sub)},
		".git stream":     {entry(".git::$INDEX_ALLOCATION", filemode.Dir, sub)},
		"git~1":           {entry("GIT~1", filemode.Dir, sub)},
		".g\u200cit":      {entry(".g\u200cit", filemode.Dir, sub)},
		`a\.git`:          {entry(`a\.git`, filemode.Regular, b)},
		"twice":           {entry("a", filemode.Symlink, r.blob("x")), entry("a", filemode.Regular, b)},
		"link and folder": {entry("a", filemode.Symlink, r.blob("x")), entry("a", filemode.Dir, sub)},
		"long":            {entry(strings.Repeat("x", 256), filemode.Regular, b)},
		"deep":            {entry("d", filemode.Dir, deep)},
		"absolute link":   link("/etc/passwd"),
		"link out":        link("../x"),
		"link out later":  link("a/../../x"),
		"link up inside":  link("a/../b"),
		"empty link":      link(""),
		"link into .git":  link(".git/config"),
		"long link":       link(strings.Repeat("a/", 3000)),
	} {
		commit := r.commit("main", r.treeOf(entries))
		req := request(t, r.url())
		_, err := m.Fetch(t.Context(), req)
		if err == nil {
			_, err = m.Checkout(t.Context(), req, commit)
		}
		if rinca.CodeOf(err) != rinca.Invalid {
			t.Errorf("%s: %v", name, err)
		}
		if _, err := os.Stat(req.Dest); err == nil {
			t.Errorf("%s: something was made", name)
		}
	}
	// These are good ones.
	good := files{"d/e/l": "l:../../x", "x": "1", "d/here": "l:.", "d/up": "l:..", ".gitignore": "x", "git": "x", "a..b": "x", "...": "x", "é\n": "x"}
	commit := r.push("main", good)
	req := request(t, r.url())
	fetch(t, m, req)
	checkout(t, m, req, commit)
	if diff := cmp.Diff(good, read(t, req.Dest)); diff != "" {
		t.Error(diff)
	}
}

// A link that somebody puts into the checkout leads nowhere.
func TestForeignLinksAreNotFollowed(t *testing.T) {
	r := newRepo(t)
	m := mirrors(t)
	req := request(t, r.url())
	fetchAll := func(f files) string { c := r.push("main", f); fetch(t, m, req); return c }
	checkout(t, m, req, fetchAll(files{"a/b": "1", "c": "1"}))
	outside := t.TempDir()
	for _, err := range []error{
		os.RemoveAll(filepath.Join(req.Dest, "a")), os.Symlink(outside, filepath.Join(req.Dest, "a")),
		os.WriteFile(filepath.Join(outside, "b"), []byte("precious"), 0o600),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	for _, f := range []files{{"a/b": "2", "c": "1"}, {"c": "2"}} {
		_, err := m.Checkout(t.Context(), req, fetchAll(f))
		if _, has := f["a/b"]; has && rinca.CodeOf(err) != rinca.Conflict || !has && err != nil {
			t.Errorf("%v: %v", f, err)
		}
		if got, _ := os.ReadFile(filepath.Join(outside, "b")); string(got) != "precious" {
			t.Fatalf("outside: %q", got)
		}
	}
}

func TestConcurrentCheckouts(t *testing.T) {
	r := newRepo(t)
	m := mirrors(t)
	req := request(t, r.url())
	var commits []string
	for i := range 4 {
		f := files{}
		for j := range 50 {
			f[fmt.Sprintf("d%d/f%d", j%5, j)] = fmt.Sprint("commit ", i)
		}
		commits = append(commits, r.push("main", f))
		fetch(t, m, req)
	}
	var group sync.WaitGroup
	for i := range 12 {
		group.Go(func() {
			if _, err := m.Checkout(t.Context(), req, commits[i%4]); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	c := checkout(t, m, req, commits[1])
	for p, content := range read(t, c.Root) {
		if content != "commit 1" {
			t.Errorf("%s: %s", p, content)
		}
	}
}
