package git_test

import (
	"os"
	"path/filepath"
	"slices"
	"sort"
	"strings"
	"testing"
	"time"

	gogit "github.com/go-git/go-git/v5"
	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/filemode"
	"github.com/go-git/go-git/v5/plumbing/object"

	"rinca/internal/git"
	"rinca/internal/rinca"
)

// A repo is a bare repository that tests push to.
type repo struct {
	t    testing.TB
	dir  string
	r    *gogit.Repository
	last map[string]plumbing.Hash // by branch
	n    int
}

func newRepo(t testing.TB) *repo {
	t.Helper()
	return newRepoAt(t, filepath.Join(t.TempDir(), "repo.git"))
}

func newRepoAt(t testing.TB, dir string) *repo {
	t.Helper()
	r, err := gogit.PlainInitWithOptions(dir, &gogit.PlainInitOptions{Bare: true, InitOptions: gogit.InitOptions{DefaultBranch: "refs/heads/main"}})
	if err != nil {
		t.Fatal(err)
	}
	return &repo{t: t, dir: dir, r: r, last: map[string]plumbing.Hash{}}
}

// A file is one of a commit: its content begins with "x:" for an executable,
// "l:" for a link to the rest, "m:" for a submodule.
type files map[string]string

func (r *repo) blob(content string) plumbing.Hash {
	r.t.Helper()
	o := r.r.Storer.NewEncodedObject()
	o.SetType(plumbing.BlobObject)
	w, _ := o.Writer()
	_, _ = w.Write([]byte(content))
	w.Close()
	h, err := r.r.Storer.SetEncodedObject(o)
	if err != nil {
		r.t.Fatal(err)
	}
	return h
}

func (r *repo) tree(f files) plumbing.Hash {
	r.t.Helper()
	sub := map[string]files{}
	var entries []object.TreeEntry
	for p, content := range f {
		dir, rest, nested := strings.Cut(p, "/")
		if nested {
			if sub[dir] == nil {
				sub[dir] = files{}
			}
			sub[dir][rest] = content
			continue
		}
		e := object.TreeEntry{Name: p, Mode: filemode.Regular}
		switch {
		case strings.HasPrefix(content, "x:"):
			e.Mode = filemode.Executable
		case strings.HasPrefix(content, "l:"):
			e.Mode, content = filemode.Symlink, content[2:]
		case strings.HasPrefix(content, "m:"):
			e.Mode = filemode.Submodule
			e.Hash = plumbing.NewHash(strings.Repeat("1", 40))
			entries = append(entries, e)
			continue
		}
		e.Hash = r.blob(content)
		entries = append(entries, e)
	}
	for dir, f := range sub {
		entries = append(entries, object.TreeEntry{Name: dir, Mode: filemode.Dir, Hash: r.tree(f)})
	}
	return r.treeOf(entries)
}

func (r *repo) treeOf(entries []object.TreeEntry) plumbing.Hash {
	r.t.Helper()
	sort.Sort(object.TreeEntrySorter(entries))
	o := r.r.Storer.NewEncodedObject()
	o.SetType(plumbing.TreeObject)
	w, _ := o.Writer()
	for _, e := range entries { // by hand: some of them are not what they should be
		_, _ = w.Write([]byte(strings.TrimLeft(e.Mode.String(), "0") + " " + e.Name + "\x00"))
		_, _ = w.Write(e.Hash[:])
	}
	w.Close()
	h, err := r.r.Storer.SetEncodedObject(o)
	if err != nil {
		r.t.Fatal(err)
	}
	return h
}

// push commits files to a branch and returns the commit.
func (r *repo) push(branch string, f files) string {
	r.t.Helper()
	return r.commit(branch, r.tree(f))
}

func (r *repo) commit(branch string, tree plumbing.Hash) string {
	r.t.Helper()
	r.n++
	who := object.Signature{Name: "Ada", Email: "ada@example.com", When: time.Unix(1_700_000_000+int64(r.n), 0).UTC()}
	c := object.Commit{Author: who, Committer: who, Message: "Change\n\nmore", TreeHash: tree}
	if parent, ok := r.last[branch]; ok {
		c.ParentHashes = []plumbing.Hash{parent}
	}
	o := r.r.Storer.NewEncodedObject()
	if err := c.Encode(o); err != nil {
		r.t.Fatal(err)
	}
	h, err := r.r.Storer.SetEncodedObject(o)
	if err != nil {
		r.t.Fatal(err)
	}
	r.last[branch] = h
	r.ref("refs/heads/"+branch, h)
	return h.String()
}

func (r *repo) ref(name string, h plumbing.Hash) {
	r.t.Helper()
	if err := r.r.Storer.SetReference(plumbing.NewHashReference(plumbing.ReferenceName(name), h)); err != nil {
		r.t.Fatal(err)
	}
}

// tag makes an annotated tag of a branch.
func (r *repo) tag(name, branch string) {
	r.t.Helper()
	tag := object.Tag{Name: name, Tagger: object.Signature{Name: "Ada", When: time.Unix(1, 0)}, Message: "x\n", TargetType: plumbing.CommitObject, Target: r.last[branch]}
	o := r.r.Storer.NewEncodedObject()
	if err := tag.Encode(o); err != nil {
		r.t.Fatal(err)
	}
	h, err := r.r.Storer.SetEncodedObject(o)
	if err != nil {
		r.t.Fatal(err)
	}
	r.ref("refs/tags/"+name, h)
}

func (r *repo) url() string { return "file://" + r.dir }

// request is one for a repository, with a destination of its own.
func request(t testing.TB, url string) git.Request {
	t.Helper()
	return git.Request{Source: rinca.Source{Kind: rinca.SourceGit, Repo: url}, Dest: filepath.Join(t.TempDir(), "src")}
}

func mirrors(t testing.TB) *git.Mirrors {
	t.Helper()
	return &git.Mirrors{Dir: filepath.Join(t.TempDir(), "git"), Stall: 5 * time.Second}
}

func fetch(t testing.TB, m *git.Mirrors, r git.Request) git.Fetched {
	t.Helper()
	f, err := m.Fetch(t.Context(), r)
	if err != nil {
		t.Fatalf("fetch: %v (%s) %v", err, rinca.HintOf(err), cause(err))
	}
	return f
}

func cause(err error) error {
	for {
		u, ok := err.(interface{ Unwrap() error })
		if !ok || u.Unwrap() == nil {
			return err
		}
		err = u.Unwrap()
	}
}

func checkout(t testing.TB, m *git.Mirrors, r git.Request, commit string) git.Checkout {
	t.Helper()
	c, err := m.Checkout(t.Context(), r, commit)
	if err != nil {
		t.Fatalf("checkout: %v (%s) %v", err, rinca.HintOf(err), cause(err))
	}
	return c
}

// read returns what a directory holds, as push takes it.
func read(t testing.TB, dir string) files {
	t.Helper()
	got := files{}
	err := filepath.WalkDir(dir, func(p string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		rel, _ := filepath.Rel(dir, p)
		if d.Type()&os.ModeSymlink != 0 {
			target, err := os.Readlink(p)
			got[rel] = "l:" + target
			return err
		}
		data, err := os.ReadFile(p)
		got[rel] = string(data)
		info, _ := d.Info()
		want := os.FileMode(0o644)
		if strings.HasPrefix(got[rel], "x:") {
			want = 0o755
		}
		if info.Mode() != want {
			t.Errorf("%s: mode %v; want %v", rel, info.Mode(), want)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return got
}

func names(t testing.TB, dir string) string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var list []string
	for _, e := range entries {
		list = append(list, e.Name())
	}
	slices.Sort(list)
	return strings.Join(list, " ")
}
