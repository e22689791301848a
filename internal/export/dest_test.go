package export

import (
	"context"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"rinca/internal/rinca"
)

func needRoot(t *testing.T) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("needs root")
	}
}

// wantDestination exports, and wants an error of the destination that says so
// much, with what to do about it.
func (b *testbed) wantDestination(want string) {
	b.Helper()
	p, err := b.e.Export(b.Context(), b.req)
	if err == nil && p != nil {
		err = p.Err()
		for _, s := range p.Stacks {
			if s.Err != nil {
				err = s.Err
			}
		}
	}
	if rinca.CodeOf(err) != rinca.Destination || !strings.Contains(fmt.Sprint(err), want) || rinca.HintOf(err) == "" && !strings.Contains(fmt.Sprint(err), "move it away") {
		b.Errorf("got %v (try: %s)\nwant an error of the destination that says %q", err, rinca.HintOf(err), want)
	}
}

func TestDestinations(t *testing.T) {
	setUp := func(t *testing.T) *testbed {
		t.Helper()
		b := newTestbed(t)
		b.vault.put("a.env", stack("s"), "K=1")
		b.vault.put("b.env", stack("s"), "K=1")
		return b
	}
	must := func(t *testing.T, errs ...error) {
		t.Helper()
		for _, err := range errs {
			if err != nil {
				t.Fatal(err)
			}
		}
	}
	t.Run("missing parent", func(t *testing.T) {
		b := setUp(t)
		b.req.Dest = filepath.Join(b.dest, "not/mounted")
		b.wantDestination("does not exist")
	})
	t.Run("a file", func(t *testing.T) {
		b := setUp(t)
		must(t, os.WriteFile(b.dest, nil, 0o600))
		b.wantDestination("is not a directory")
	})
	t.Run("a symbolic link", func(t *testing.T) {
		b := setUp(t)
		real := t.TempDir()
		must(t, os.Symlink(real, b.dest))
		p, err := b.e.Export(t.Context(), b.req)
		if err != nil || p.Dest != real || len(p.Notes) != 1 || !strings.Contains(p.Notes[0], "is a symbolic link to "+real) {
			t.Errorf("%v %+v", err, p)
		}
	})
	t.Run("the stack's directory is a symbolic link", func(t *testing.T) {
		b := setUp(t)
		victim := t.TempDir()
		must(t, os.Mkdir(b.dest, 0o700), os.Symlink(victim, filepath.Join(b.dest, "s")))
		b.wantDestination("is a symbolic link")
		if entries, _ := os.ReadDir(victim); len(entries) > 0 {
			t.Errorf("written through the link: %v", entries)
		}
	})
	t.Run("the stack's directory is a file", func(t *testing.T) {
		b := setUp(t)
		b.write("s", "")
		b.wantDestination("is not a directory")
	})
	t.Run("the state is a symbolic link", func(t *testing.T) {
		b := setUp(t)
		must(t, os.Mkdir(b.dest, 0o700), os.Symlink(t.TempDir(), filepath.Join(b.dest, stateDir)))
		b.wantDestination("is not a directory")
	})
	t.Run("the lock is a pipe", func(t *testing.T) {
		b := setUp(t)
		must(t, os.MkdirAll(filepath.Join(b.dest, stateDir), 0o700), syscall.Mkfifo(filepath.Join(b.dest, lockFile), 0o600))
		p, err := b.e.Export(t.Context(), b.req)
		if rinca.CodeOf(err) != rinca.Destination {
			t.Errorf("%v, %v", p, err)
		}
	})
	for name, make := range map[string]func(path string) error{
		"a pipe":      func(p string) error { return syscall.Mkfifo(p, 0o600) },
		"a directory": func(p string) error { return os.Mkdir(p, 0o700) },
		"a socket":    func(p string) error { return syscall.Mknod(p, syscall.S_IFSOCK|0o600, 0) },
	} {
		t.Run("the target is "+name, func(t *testing.T) {
			b := setUp(t)
			must(t, os.MkdirAll(filepath.Join(b.dest, "s"), 0o700), make(filepath.Join(b.dest, "s/a.env")))
			b.wantDestination("s/a.env is not a file")
			if _, err := os.Lstat(filepath.Join(b.dest, "s/b.env")); !os.IsNotExist(err) {
				t.Error("the other file of the stack was written")
			}
		})
	}
	t.Run("the target is a symbolic link", func(t *testing.T) {
		b := setUp(t)
		victim := filepath.Join(t.TempDir(), "victim")
		must(t, os.WriteFile(victim, []byte("victim"), 0o600), os.MkdirAll(filepath.Join(b.dest, "s"), 0o700), os.Symlink(victim, filepath.Join(b.dest, "s/a.env")))
		b.must("s/a.env updated (was a symbolic link); s/b.env exported")
		if data, _ := os.ReadFile(victim); string(data) != "victim" {
			t.Errorf("the victim holds %q", data)
		}
	})
	t.Run("the target has another name", func(t *testing.T) {
		b := setUp(t)
		b.write("other", "other")
		must(t, os.MkdirAll(filepath.Join(b.dest, "s"), 0o700), os.Link(filepath.Join(b.dest, "other"), filepath.Join(b.dest, "s/a.env")))
		b.must("s/a.env updated (had another name: a hard link); s/b.env exported")
		if got := b.file("other"); got != "other" {
			t.Errorf("the other name holds %q", got)
		}
	})
}

// As an ordinary user: directories of somebody else, and ones without rights.
func TestPermissionDenied(t *testing.T) {
	if os.Getenv("EXPORT_TEST_NOBODY") == "" {
		needRoot(t)
		dir := t.TempDir()
		for p := dir; p != "/tmp" && p != "/"; p = filepath.Dir(p) {
			_ = os.Chmod(p, 0o755)
		}
		bin := filepath.Join(dir, "test")
		data, err := os.ReadFile(os.Args[0])
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(bin, data, 0o755); err != nil {
			t.Fatal(err)
		}
		work := filepath.Join(dir, "work")
		if err := os.Mkdir(work, 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.Chown(work, 65534, 65534); err != nil {
			t.Fatal(err)
		}
		// Two directories of root, one of which the child may write in.
		for name, mode := range map[string]fs.FileMode{"closed": 0o755, "open": 0o777} {
			if err := os.MkdirAll(filepath.Join(dir, name, "s"), 0o755); err != nil {
				t.Fatal(err)
			}
			_ = os.Chmod(filepath.Join(dir, name), 0o777)
			if err := os.Chmod(filepath.Join(dir, name, "s"), mode); err != nil {
				t.Fatal(err)
			}
		}
		cmd := exec.Command(bin, "-test.run", "^TestPermissionDenied$", "-test.v")
		cmd.Env = append(os.Environ(), "EXPORT_TEST_NOBODY="+dir, "TMPDIR="+work, "HOME="+work)
		cmd.Dir = work
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Errorf("%v\n%s", err, out)
		}
		return
	}
	dir := os.Getenv("EXPORT_TEST_NOBODY")
	b := newTestbed(t)
	b.vault.put("a.env", stack("s"), "K=1")

	b.req.Dest = filepath.Join(dir, "closed")
	b.wantDestination("permission denied")
	if _, err := b.e.Export(t.Context(), b.req); err == nil {
		p, _ := b.e.Export(t.Context(), b.req)
		if h := rinca.HintOf(p.Stacks[0].Err); !strings.Contains(h, "sudo chown -R 65534:65534 "+b.req.Dest+"/s") {
			t.Errorf("the fix is %q", h)
		}
	}
	// Somebody else's directory that we may write in is used, and said.
	b.req.Dest = filepath.Join(dir, "open")
	p, err := b.e.Export(t.Context(), b.req)
	if err != nil || p.Err() != nil || len(p.Stacks[0].Notes) != 1 || !strings.Contains(p.Stacks[0].Notes[0], "belongs to somebody else") {
		t.Errorf("%v %+v", err, p)
	}
	// A plan needs no right to write.
	b.req.Dest = b.dest
	b.must("s/a.env exported")
	for _, path := range []string{"s", ".rinca", "."} {
		if err := os.Chmod(filepath.Join(b.dest, path), 0o500); err != nil {
			t.Fatal(err)
		}
	}
	if got, err := b.plan(); err != nil || got != "s/a.env unchanged" {
		t.Errorf("plan: %s, %v", got, err)
	}
	_ = os.Chmod(b.dest, 0o700)
	_ = os.Chmod(filepath.Join(b.dest, stateDir), 0o700)
	p, err = b.e.Export(t.Context(), b.req)
	if err != nil || p.Stacks[0].DirChange != "0500 → 0700" {
		t.Errorf("%v %+v", err, p)
	}
}

func TestOwners(t *testing.T) {
	needRoot(t)
	b := newTestbed(t)
	b.vault.put("a.env", stack("s"), "K=1")
	b.req.Rules.Stacks = map[string]StackSettings{"s": {Settings: Settings{Mode: "0640", Group: "472"}}}
	b.must("s/a.env exported")
	check := func(name string, uid, gid int, mode fs.FileMode) {
		t.Helper()
		info, err := os.Stat(filepath.Join(b.dest, name))
		if err != nil {
			t.Fatal(err)
		}
		if s := statOf(info); s.UID != uid || s.GID != gid || s.Mode != mode {
			t.Errorf("%s: %d:%d %v; want %d:%d %v", name, s.UID, s.GID, s.Mode, uid, gid, mode)
		}
	}
	check("s/a.env", 0, 472, 0o640)
	check("s", 0, 472, 0o750)
	b.req.Rules.Stacks["s"] = StackSettings{Settings: Settings{Owner: "1000", Group: "472"}}
	b.must("s/a.env permissions (0640 → 0600, owner 0 → 1000)")
	check("s/a.env", 1000, 472, 0o600)

	// Nothing is asked for any more: what somebody chose by hand stays, also
	// when the content changes.
	b.req.Rules.Stacks = nil
	if err := os.Chown(filepath.Join(b.dest, "s/a.env"), 33, 33); err != nil {
		t.Fatal(err)
	}
	b.must("s/a.env unchanged")
	b.vault.put("a.env", stack("s"), "K=2")
	b.must("s/a.env updated")
	check("s/a.env", 33, 33, 0o600)

	// An item whose owner differs from its directory's can be reached.
	b.req.Rules.Stacks = map[string]StackSettings{"s": {Items: map[string]Settings{"a.env": {Owner: "1000"}}}}
	b.must("s/a.env permissions (owner 33 → 1000)")
	check("s", 1000, 472, 0o701)
}

func (b *testbed) noTemps() {
	b.Helper()
	_ = filepath.Walk(b.dest, func(path string, _ os.FileInfo, _ error) error {
		if strings.HasSuffix(path, ".tmp") {
			b.Errorf("left behind: %s", path)
		}
		return nil
	})
}

func TestLockIsWaitedFor(t *testing.T) {
	b := newTestbed(t)
	b.vault.put("a.env", stack("s"), "K=1")
	b.must("s/a.env exported")
	d, err := openDest(b.dest, false)
	if err != nil {
		t.Fatal(err)
	}
	defer d.close()
	held, err := d.lock(t.Context(), time.Second, nil)
	if err != nil {
		t.Fatal(err)
	}
	said := ""
	b.e.Waiting = func(holder string) { said = holder }
	b.e.Wait = 100 * time.Millisecond
	b.wantDestination("another export is writing to " + b.dest)
	if !strings.Contains(said, fmt.Sprint("process ", os.Getpid())) && !strings.Contains(said, "does not name") {
		t.Errorf("the holder is %q", said)
	}
	ctx, cancel := context.WithCancel(t.Context())
	time.AfterFunc(20*time.Millisecond, cancel)
	b.e.Wait = time.Minute
	if _, err := b.e.Export(ctx, b.req); rinca.CodeOf(err) != rinca.Canceled {
		t.Errorf("%v", err)
	}
	time.AfterFunc(20*time.Millisecond, func() { held.Close() })
	b.must("s/a.env unchanged")
}
