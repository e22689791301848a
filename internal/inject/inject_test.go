package inject_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"

	"rinca/internal/atomicfile"
	"rinca/internal/inject"
	"rinca/internal/rinca"
)

// tree makes files below a new directory.
func tree(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// listing shows every file below dir with its text.
func listing(t *testing.T, dir string) map[string]string {
	t.Helper()
	got := map[string]string{}
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		rel, _ := filepath.Rel(dir, path)
		data, err := os.ReadFile(path)
		got[rel] = string(data)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return got
}

func TestReadTree(t *testing.T) {
	dir := tree(t, map[string]string{
		"a.env.template": "A", "sub/b.yml.tpl": "B", "sub/plain.txt": "no", ".tpl": "no", "sub/.template": "no",
		".git/x.tpl": "no", ".hidden/c.tpl": "C", "d.tpl.tpl": "D",
	})
	elsewhere := tree(t, map[string]string{"x.tpl": "X"})
	for link, to := range map[string]string{"inside.tpl": "sub/plain.txt", "dir": elsewhere, "dir.tpl": "sub", "loop": "."} {
		if err := os.Symlink(to, filepath.Join(dir, link)); err != nil {
			t.Fatal(err)
		}
	}
	sources, err := inject.ReadTree(dir)
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	for _, s := range sources {
		got[s.Out] = s.Text
	}
	want := map[string]string{"a.env": "A", "sub/b.yml": "B", ".hidden/c": "C", "d.tpl": "D", "inside": "no"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestReadTreeRefuses(t *testing.T) {
	elsewhere := tree(t, map[string]string{"x.tpl": "X"})
	escape := tree(t, nil)
	if err := os.Symlink(filepath.Join(elsewhere, "x.tpl"), filepath.Join(escape, "y.tpl")); err != nil {
		t.Fatal(err)
	}
	pipe := tree(t, nil)
	if err := syscall.Mkfifo(filepath.Join(pipe, "p.tpl"), 0o600); err != nil {
		t.Fatal(err)
	}
	for dir, want := range map[string]string{
		tree(t, map[string]string{"a.tpl": "", "a.template": ""}): "both render to a",
		tree(t, map[string]string{"a": ""}):                       "has no templates",
		escape:                                                    "path escapes",
		pipe:                                                      "not a regular file",
		"/nonexistent/dir":                                        "no such file",
	} {
		if _, err := inject.ReadTree(dir); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %q", err, want)
		}
	}
}

func TestReadFile(t *testing.T) {
	s, err := inject.ReadFile("-", strings.NewReader("text"))
	if err != nil || s.Text != "text" || s.Name != "stdin" {
		t.Error(s, err)
	}
	if _, err := inject.ReadFile("-", endless{}); err == nil || !strings.Contains(err.Error(), "64 MiB") {
		t.Error(err)
	}
	if _, err := inject.ReadFile("/nonexistent", nil); rinca.CodeOf(err) != rinca.Invalid {
		t.Error(err)
	}
}

type endless struct{}

func (endless) Read(p []byte) (int, error) { return len(p), nil }

func out(name, text string) inject.Output {
	return inject.Output{Name: name, Text: rinca.NewSecret(text)}
}

func TestWrite(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "new", "deep")
	w := &inject.Writer{Dir: dir, Attr: atomicfile.Mode(0o640)}
	r, err := w.Write([]inject.Output{out("a.env", "A"), out("x/y/b", "B")})
	if err != nil || len(r.Written) != 2 {
		t.Fatal(r, err)
	}
	if diff := cmp.Diff(map[string]string{"a.env": "A", "x/y/b": "B"}, listing(t, dir)); diff != "" {
		t.Error(diff)
	}
	for path, mode := range map[string]fs.FileMode{dir: fs.ModeDir | 0o700, dir + "/x/y": fs.ModeDir | 0o700, dir + "/a.env": 0o640} {
		if info, err := os.Stat(path); err != nil || info.Mode() != mode {
			t.Errorf("%s: %v, %v", path, info.Mode(), err)
		}
	}
	before, _ := os.Stat(dir + "/a.env")
	// The same again needs nobody's permission, and writes nothing.
	if r, err = w.Write([]inject.Output{out("a.env", "A"), out("x/y/b", "B")}); err != nil || len(r.Unchanged) != 2 {
		t.Error(r, err)
	}
	after, _ := os.Stat(dir + "/a.env")
	if !os.SameFile(before, after) || before.ModTime() != after.ModTime() {
		t.Error("an unchanged file was written")
	}
	// Another mode is a change.
	w.Attr.Mode = 0o600
	if _, err = w.Write([]inject.Output{out("a.env", "A")}); rinca.CodeOf(err) != rinca.Conflict {
		t.Error(err)
	}
}

func TestWriteAsks(t *testing.T) {
	dir := tree(t, map[string]string{"a": "old"})
	w := &inject.Writer{Dir: dir, Attr: atomicfile.Mode(0o600)}
	_, err := w.Write([]inject.Output{out("a", "new"), out("b", "B")})
	if rinca.CodeOf(err) != rinca.Conflict || !strings.Contains(err.Error(), inject.ErrExists) {
		t.Error(err)
	}
	w.Overwrite = func(paths []string) (bool, error) {
		if len(paths) != 1 || paths[0] != filepath.Join(dir, "a") {
			t.Errorf("asked about %v", paths)
		}
		return false, nil
	}
	if _, err = w.Write([]inject.Output{out("a", "new"), out("b", "B")}); rinca.CodeOf(err) != rinca.Canceled {
		t.Error(err)
	}
	if diff := cmp.Diff(map[string]string{"a": "old"}, listing(t, dir)); diff != "" {
		t.Error(diff)
	}
	w.Overwrite = func([]string) (bool, error) { return true, nil }
	if _, err = w.Write([]inject.Output{out("a", "new"), out("b", "B")}); err != nil {
		t.Error(err)
	}
	if diff := cmp.Diff(map[string]string{"a": "new", "b": "B"}, listing(t, dir)); diff != "" {
		t.Error(diff)
	}
}

// TestWriteAllOrNothing: what cannot be written stops all of it, and leaves
// no file, no directory and no temporary file behind.
func TestWriteAllOrNothing(t *testing.T) {
	yes := func([]string) (bool, error) { return true, nil }
	dir := tree(t, map[string]string{"a": "old", "taken/x": "dir"})
	outside := tree(t, map[string]string{"victim": "victim"})
	if err := os.Symlink(outside, filepath.Join(dir, "out")); err != nil {
		t.Fatal(err)
	}
	before := listing(t, dir)
	w := &inject.Writer{Dir: dir, Attr: atomicfile.Mode(0o600), Overwrite: yes}
	for _, bad := range []string{"taken", "out/victim", "a/b", "../up", "new/../../up"} {
		_, err := w.Write([]inject.Output{out("a", "new"), out("deep/er/b", "B"), out(bad, "x")})
		if rinca.CodeOf(err) != rinca.Destination {
			t.Errorf("%s: %v", bad, err)
		}
		if diff := cmp.Diff(before, listing(t, dir)); diff != "" {
			t.Errorf("%s: %s", bad, diff)
		}
	}
	if _, err := os.Stat(filepath.Join(dir, "deep")); err == nil {
		t.Error("a directory is left")
	}
	if text, _ := os.ReadFile(filepath.Join(outside, "victim")); string(text) != "victim" {
		t.Error("wrote outside")
	}
	gone := filepath.Join(t.TempDir(), "new", "dir")
	w.Dir = gone
	if _, err := w.Write([]inject.Output{out("a", "A"), out("../up", "x")}); err == nil {
		t.Error("no error")
	}
	if _, err := os.Stat(filepath.Dir(gone)); err == nil {
		t.Error("the destination was made for nothing")
	}
}

// TestWriteReplacesALink and does not follow it.
func TestWriteReplacesALink(t *testing.T) {
	dir := t.TempDir()
	victim := filepath.Join(t.TempDir(), "victim")
	if err := os.WriteFile(victim, []byte("victim"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(victim, filepath.Join(dir, "a")); err != nil {
		t.Fatal(err)
	}
	w := &inject.Writer{Dir: dir, Attr: atomicfile.Mode(0o600), Overwrite: func([]string) (bool, error) { return true, nil }}
	if _, err := w.Write([]inject.Output{out("a", "new")}); err != nil {
		t.Fatal(err)
	}
	if text, _ := os.ReadFile(victim); string(text) != "victim" {
		t.Error("followed the link")
	}
}
