package inject

import (
	"os"
	"path/filepath"
	"testing"

	"rinca/internal/atomicfile"
	"rinca/internal/rinca"
)

// TestUndo: when the last of several files cannot be put into its place, the
// ones before are what they were.
func TestUndo(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "a"), []byte("old"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("a", filepath.Join(dir, "link")); err != nil {
		t.Fatal(err)
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close()
	j := &job{root: root}
	var outputs []Output
	for _, name := range []string{"a", "link", "sub/new", "last"} {
		outputs = append(outputs, Output{name, rinca.NewSecret("new")})
	}
	if err := j.stage(outputs, atomicfile.Mode(0o600)); err != nil {
		t.Fatal(err)
	}
	if err := root.Remove(j.staged[3].temp); err != nil { // somebody cleans up
		t.Fatal(err)
	}
	if err := j.swap(); rinca.CodeOf(err) != rinca.Destination {
		t.Fatalf("got %v", err)
	}
	j.undo()
	if text, _ := os.ReadFile(filepath.Join(dir, "a")); string(text) != "old" {
		t.Errorf("a is %q", text)
	}
	if info, err := os.Stat(filepath.Join(dir, "a")); err != nil || info.Mode() != 0o644 {
		t.Error(info, err)
	}
	if to, _ := os.Readlink(filepath.Join(dir, "link")); to != "a" {
		t.Errorf("link leads to %q", to)
	}
	entries, _ := os.ReadDir(dir)
	if len(entries) != 2 {
		t.Errorf("left: %v", entries)
	}
}
