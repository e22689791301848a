package atomicfile

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"rinca/internal/rinca"
)

func openRoot(t *testing.T) (*os.Root, string) {
	t.Helper()
	dir := t.TempDir()
	root, err := os.OpenRoot(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { root.Close() })
	return root, dir
}

func names(t *testing.T, dir string) string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var s []string
	for _, e := range entries {
		s = append(s, e.Name())
	}
	return strings.Join(s, " ")
}

func TestWriteReplacesWhole(t *testing.T) {
	root, dir := openRoot(t)
	for _, data := range []string{"one\n", "", strings.Repeat("x", 1<<20)} {
		if err := Write(root, "a.env", []byte(data), Mode(0o640)); err != nil {
			t.Fatal(err)
		}
		got, err := os.ReadFile(filepath.Join(dir, "a.env"))
		if err != nil || string(got) != data {
			t.Fatalf("read %d bytes, %v; want %d", len(got), err, len(data))
		}
	}
	info, err := os.Stat(filepath.Join(dir, "a.env"))
	if err != nil || info.Mode() != 0o640 {
		t.Errorf("mode %v, %v; want 0640 whatever the umask", info.Mode(), err)
	}
	if got := names(t, dir); got != "a.env" {
		t.Errorf("left behind: %s", got)
	}
}

func TestWriteSetsTheOwner(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("needs root to give files away")
	}
	root, dir := openRoot(t)
	if err := Write(root, "a.env", []byte("x"), Attr{Mode: 0o440, UID: 1234, GID: 5678}); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(filepath.Join(dir, "a.env"))
	if err != nil {
		t.Fatal(err)
	}
	st := info.Sys().(*syscall.Stat_t)
	if st.Uid != 1234 || st.Gid != 5678 || info.Mode() != 0o440 {
		t.Errorf("owner %d:%d mode %v", st.Uid, st.Gid, info.Mode())
	}
}

// A reader that has the old file open keeps it; links to it keep their content.
func TestWriteLeavesOtherNamesAlone(t *testing.T) {
	root, dir := openRoot(t)
	victim := filepath.Join(t.TempDir(), "victim")
	for _, err := range []error{
		os.WriteFile(victim, []byte("victim"), 0o600),
		os.Symlink(victim, filepath.Join(dir, "soft.env")),
		os.Link(victim, filepath.Join(dir, "hard.env")),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{"soft.env", "hard.env"} {
		if err := Write(root, name, []byte("new"), Mode(0o600)); err != nil {
			t.Fatal(err)
		}
		info, err := os.Lstat(filepath.Join(dir, name))
		if err != nil || !info.Mode().IsRegular() {
			t.Errorf("%s: %v, %v; want a regular file", name, info.Mode(), err)
		}
	}
	if got, _ := os.ReadFile(victim); string(got) != "victim" {
		t.Errorf("the victim now holds %q", got)
	}
}

func TestWriteRefuses(t *testing.T) {
	root, dir := openRoot(t)
	outside := t.TempDir()
	for _, err := range []error{
		os.Mkdir(filepath.Join(dir, "dir.env"), 0o700),
		syscall.Mkfifo(filepath.Join(dir, "fifo.env"), 0o600),
		os.Symlink(outside, filepath.Join(dir, "out")),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	for name, want := range map[string]string{
		"dir.env":       "is a directory, not a file",
		"fifo.env":      "is a named pipe, not a file",
		"out/x.env":     "path escapes",
		"../x.env":      "path escapes",
		"missing/x.env": "no such file or directory",
		"a\x00b":        "invalid argument",
	} {
		err := Write(root, name, []byte("hunter2"), Mode(0o600))
		if rinca.CodeOf(err) != rinca.Destination || !strings.Contains(fmt.Sprint(err), want) {
			t.Errorf("%q: %v; want %q with code destination", name, err, want)
		}
		if strings.Contains(fmt.Sprint(err), "hunter2") {
			t.Errorf("%q: the error holds the data", name)
		}
	}
	if got := names(t, outside); got != "" {
		t.Errorf("written outside: %s", got)
	}
}

func TestLongNames(t *testing.T) {
	root, dir := openRoot(t)
	for _, name := range []string{strings.Repeat("x", 251) + ".env", strings.Repeat("é", 125) + ".env"} {
		if err := Write(root, name, []byte("v"), Mode(0o600)); err != nil {
			t.Errorf("%d bytes: %v", len(name), err)
		}
		if _, err := os.Stat(filepath.Join(dir, name)); err != nil {
			t.Error(err)
		}
	}
	if err := Write(root, strings.Repeat("x", 256), nil, Mode(0o600)); rinca.CodeOf(err) != rinca.Destination {
		t.Errorf("256 bytes: %v", err)
	}
}

// What a killed writer left is removed by the next; a living writer's is not.
func TestSweep(t *testing.T) {
	root, dir := openRoot(t)
	dead, err := Stage(root, "a.env", []byte("secret"), Mode(0o600))
	if err != nil {
		t.Fatal(err)
	}
	kept, err := Stage(root, "a.env", []byte("secret"), Mode(0o600))
	if err != nil {
		t.Fatal(err)
	}
	f, alive, err := stage(root, "a.env", []byte("secret"), Mode(0o600))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for _, name := range []string{".a.env.tmp", ".a.env.xyz.tmp", "a.env.0123456789abcdef.tmp", ".0123456789abcdef.tmp"} {
		if err := os.WriteFile(filepath.Join(dir, name), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	gone, err := Sweep(root, ".", map[string]bool{kept: true})
	if err != nil || len(gone) != 1 || gone[0] != dead {
		t.Errorf("Sweep removed %v, %v; want %s", gone, err, dead)
	}
	old := time.Now().Add(-time.Minute)
	if err := root.Chtimes(kept, old, old); err != nil {
		t.Fatal(err)
	}
	if err := root.Chtimes(alive, old, old); err != nil {
		t.Fatal(err)
	}
	if err := Write(root, "a.env", nil, Mode(0o600)); err != nil {
		t.Fatal(err)
	}
	if _, err := root.Lstat(kept); !errors.Is(err, fs.ErrNotExist) {
		t.Error("Write left an abandoned file of its own target")
	}
	if _, err := root.Lstat(alive); err != nil {
		t.Errorf("a living writer lost its file: %v", err)
	}
	if gone, err := Sweep(root, "missing", nil); err != nil || gone != nil {
		t.Errorf("missing directory: %v, %v", gone, err)
	}
}

// Many writers of one name: every read is one of the versions, whole.
func TestConcurrentWriters(t *testing.T) {
	root, dir := openRoot(t)
	if err := Write(root, "a.env", bytes.Repeat([]byte{'0'}, 5000), Mode(0o600)); err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	for w := range 4 {
		wg.Go(func() {
			for range 25 {
				if err := Write(root, "a.env", bytes.Repeat([]byte{byte('1' + w)}, 5000), Mode(0o600)); err != nil {
					t.Error(err)
				}
			}
		})
	}
	done := make(chan struct{})
	go func() { wg.Wait(); close(done) }()
	for {
		got, err := os.ReadFile(filepath.Join(dir, "a.env"))
		if err != nil || len(got) != 5000 || len(bytes.Trim(got, string(got[:1]))) != 0 {
			t.Fatalf("read %d bytes, %v", len(got), err)
		}
		select {
		case <-done:
			if got := names(t, dir); got != "a.env" {
				t.Errorf("left behind: %s", got)
			}
			return
		default:
		}
	}
}

func ExampleWrite() {
	dir, _ := os.MkdirTemp("", "example")
	defer os.RemoveAll(dir)
	root, _ := os.OpenRoot(dir)
	defer root.Close()

	err := Write(root, "postgres.env", []byte("POSTGRES_USER=authentik\n"), Mode(0o600))
	data, _ := root.ReadFile("postgres.env")
	fmt.Printf("%v %s", err, data)
	// Output: <nil> POSTGRES_USER=authentik
}

func FuzzTempName(f *testing.F) {
	f.Add("a.env")
	f.Add(".é.0123456789abcdef.tmp")
	f.Fuzz(func(t *testing.T, base string) {
		if strings.ContainsRune(base, '/') || base == "" {
			return
		}
		temp := TempName(base)
		if s, ok := tempStem(temp); !ok || s != stem(base) || !IsTemp(temp) {
			t.Errorf("%q becomes %q, read back as %q, %v", base, temp, s, ok)
		}
		if len(temp) > 255 {
			t.Errorf("%q: %d bytes", base, len(temp))
		}
	})
}
