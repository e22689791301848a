package home_test

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"rinca/internal/home"
	"rinca/internal/rinca"
	"rinca/internal/seal"
	"rinca/internal/store"
	"rinca/internal/vault/embedded"
)

const canary = "c4n4ry"

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func wantCode(t testing.TB, code rinca.Code, err error) {
	t.Helper()
	if rinca.CodeOf(err) != code {
		t.Errorf("want %q, got %q: %v", code, rinca.CodeOf(err), err)
	}
}

func openStore(t testing.TB, dir string) *store.DB {
	t.Helper()
	db, err := store.Open(t.Context(), store.Config{Dir: dir})
	must(t, err)
	t.Cleanup(func() { _ = db.Close() })
	return db
}

func openVault(t testing.TB, dir string) *embedded.DB {
	t.Helper()
	db, err := embedded.Open(t.Context(), embedded.Config{Dir: dir})
	must(t, err)
	t.Cleanup(func() { _ = db.Close() })
	return db
}

// newHome has both databases, with a secret in each.
func newHome(t testing.TB) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "home")
	must(t, embedded.Init(t.Context(), embedded.Config{Dir: dir}, rinca.Secret{}))
	_, err := openVault(t, dir).CreateVault(t.Context(), "homelab", canary)
	must(t, err)
	setVariable(t, openStore(t, dir), canary)
	return dir
}

func setVariable(t testing.TB, db *store.DB, value string) {
	t.Helper()
	_, err := db.PutVariable(t.Context(), rinca.Variable{Name: "A", Value: rinca.NewSecret(value)}, store.Upsert)
	must(t, err)
}

func variable(t testing.TB, dir string) string {
	t.Helper()
	v, err := openStore(t, dir).Variable(t.Context(), "", "A")
	must(t, err)
	return v.Value.Reveal()
}

func backup(t testing.TB, dir string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "x.bak")
	must(t, home.Backup(t.Context(), home.Config{Dir: dir}, path))
	return path
}

func TestBackupAndRestore(t *testing.T) {
	dir := newHome(t)
	ctx := t.Context()
	db := openStore(t, dir)
	_, err := db.PutUser(ctx, rinca.User{Name: "bob"}, store.Upsert)
	must(t, err)
	_, err = db.PutSession(ctx, rinca.Session{User: "bob", ExpiresAt: time.Now().Add(time.Hour)}, [32]byte{1})
	must(t, err)
	u, _, err := db.Enqueue(ctx, rinca.Update{Execution: rinca.Execution{Kind: "X", Params: json.RawMessage(`{}`)}}, "")
	must(t, err)
	path := backup(t, dir)
	data, err := os.ReadFile(path)
	must(t, err)
	for _, readable := range []string{canary, "SQLite", "CREATE TABLE", "bob", "vault.db"} {
		if strings.Contains(string(data), readable) {
			t.Errorf("%q can be read in the backup", readable)
		}
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info.Mode(), err)
	}
	wantCode(t, rinca.Conflict, home.Backup(ctx, home.Config{Dir: dir}, path))

	setVariable(t, db, "changed")
	unlock, err := store.LockServer(dir)
	must(t, err)
	_, err = home.Restore(ctx, home.Config{Dir: dir}, path)
	wantCode(t, rinca.Conflict, err)
	unlock()
	must(t, db.Close())
	r, err := home.Restore(ctx, home.Config{Dir: dir}, path)
	must(t, err)
	if len(r.Kept) != 2 || r.Vault.Vaults != 1 || r.Server.Records["variable"] != 1 {
		t.Errorf("%+v", r)
	}
	if got := variable(t, dir); got != canary {
		t.Errorf("%q was restored", got)
	}
	// Nothing old happens again.
	db = openStore(t, dir)
	_, err = db.SessionByHash(ctx, [32]byte{1})
	wantCode(t, rinca.NotFound, err)
	if got, err := db.Update(ctx, u.ID); err != nil || got.State != rinca.Interrupted {
		t.Errorf("%v, %v", got.State, err)
	}
	// What was replaced is whole.
	old := t.TempDir()
	for name, from := range map[string]string{"vault.db": r.Kept[0], "rinca.db": r.Kept[1], "rinca.key": filepath.Join(dir, "rinca.key")} {
		must(t, os.Link(from, filepath.Join(old, name)))
	}
	if got := variable(t, old); got != "changed" {
		t.Errorf("%q was kept", got)
	}
	left, err := filepath.Glob(filepath.Join(dir, "*.tmp"))
	if more, _ := filepath.Glob(filepath.Join(dir, "restore")); err != nil || len(left)+len(more) > 0 {
		t.Errorf("left over: %v %v", left, more)
	}
}

func TestRestoreIntoAnEmptyHome(t *testing.T) {
	dir := newHome(t)
	path := backup(t, dir)
	fresh := t.TempDir()
	must(t, os.Link(filepath.Join(dir, "rinca.key"), filepath.Join(fresh, "rinca.key")))
	r, err := home.Restore(t.Context(), home.Config{Dir: fresh}, path)
	if must(t, err); len(r.Kept) != 0 {
		t.Errorf("%+v", r)
	}
	if variable(t, fresh) != canary {
		t.Error("another value")
	}
}

// A backup of older versions is the vault's database itself.
func TestRestoreOfAnOldBackup(t *testing.T) {
	dir := newHome(t)
	path := filepath.Join(t.TempDir(), "old.db")
	v := openVault(t, dir)
	must(t, v.Copy(t.Context(), path))
	_, err := v.CreateVault(t.Context(), "later", "")
	must(t, err)
	must(t, v.Close())
	setVariable(t, openStore(t, dir), "stays")
	r, err := home.Restore(t.Context(), home.Config{Dir: dir}, path)
	must(t, err)
	if r.Server != nil || r.Vault.Vaults != 1 || variable(t, dir) != "stays" {
		t.Errorf("%+v", r)
	}
}

func TestRefusedRestoresChangeNothing(t *testing.T) {
	dir := newHome(t)
	path := backup(t, dir)
	data, err := os.ReadFile(path)
	must(t, err)
	setVariable(t, openStore(t, dir), "now")
	try := func(name string, content []byte, code rinca.Code) {
		t.Helper()
		bad := filepath.Join(t.TempDir(), "bad")
		must(t, os.WriteFile(bad, content, 0o600))
		_, err := home.Restore(t.Context(), home.Config{Dir: dir}, bad)
		if rinca.CodeOf(err) != code {
			t.Errorf("%s: %v", name, err)
		}
		if variable(t, dir) != "now" {
			t.Fatalf("%s: something was changed", name)
		}
	}
	for i := 1; i < 10; i++ {
		try("cut off", data[:len(data)*i/10], rinca.Corrupt)
		flipped := append([]byte{}, data...)
		flipped[len(backupMagic)+100+(len(data)-200)*i/10] ^= 1
		try("flipped", flipped, rinca.Corrupt)
	}
	try("longer", append(append([]byte{}, data...), 0), rinca.Corrupt)
	try("empty", nil, rinca.Corrupt)
	try("text", []byte("hello"), rinca.Corrupt)
	try("half a database", []byte("SQLite format 3\x00"), rinca.Corrupt)
	_, err = home.Restore(t.Context(), home.Config{Dir: dir}, filepath.Join(dir, "none"))
	wantCode(t, rinca.NotFound, err)
	_, err = home.Restore(t.Context(), home.Config{Dir: newHome(t)}, path)
	wantCode(t, rinca.Unauthenticated, err)
}

const backupMagic = "rinca-backup/1\n"

func TestRotateKeyOfBoth(t *testing.T) {
	dir := newHome(t)
	server, vault := openStore(t, dir), openVault(t, dir) // as in a process that goes on
	before := backup(t, dir)
	oldKey, err := os.ReadFile(filepath.Join(dir, "rinca.key"))
	must(t, err)
	ctx := context.WithoutCancel(t.Context())
	stop, done := make(chan struct{}), make(chan error)
	go func() {
		for i := 0; ; i++ {
			select {
			case <-stop:
				done <- nil
				return
			default:
			}
			if _, err := server.PutVariable(ctx, rinca.Variable{Name: "B", Value: rinca.NewSecret(fmt.Sprint(i))}, store.Upsert); err != nil {
				done <- err
				return
			}
			if _, err := vault.Vaults(ctx); err != nil {
				done <- err
				return
			}
		}
	}()
	for range 3 {
		old, fresh, err := home.RotateKey(ctx, home.Config{Dir: dir})
		if must(t, err); old.ID == fresh.ID {
			t.Error("the key is the same")
		}
	}
	close(stop)
	must(t, <-done)
	ring, err := seal.Open(seal.Source{Path: filepath.Join(dir, "rinca.key")})
	if must(t, err); ring.Len() != 1 {
		t.Errorf("%d keys", ring.Len())
	}
	if variable(t, dir) != canary {
		t.Error("another value")
	}
	if r, err := openVault(t, dir).Check(ctx); err != nil || len(r.Damage) > 0 {
		t.Errorf("%+v, %v", r, err)
	}
	// A backup of before needs the key of before.
	_, err = home.Restore(ctx, home.Config{Dir: dir}, before)
	wantCode(t, rinca.Unauthenticated, err)
	must(t, os.WriteFile(filepath.Join(dir, "old.key"), oldKey, 0o600))
	_, err = home.Restore(ctx, home.Config{Dir: dir, Keys: seal.Source{Path: filepath.Join(dir, "old.key")}}, before)
	must(t, err)
}

// A home whose server was started first has no vault.
func TestHomeWithoutAVault(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "home")
	setVariable(t, openStore(t, dir), "x")
	_, _, err := home.RotateKey(t.Context(), home.Config{Dir: dir})
	must(t, err)
	r, err := home.Restore(t.Context(), home.Config{Dir: dir}, backup(t, dir))
	if must(t, err); r.Vault != nil || r.Server == nil {
		t.Errorf("%+v", r)
	}
	// The vault joins it, with the same key.
	must(t, embedded.Init(t.Context(), embedded.Config{Dir: dir}, rinca.Secret{}))
	if variable(t, dir) != "x" {
		t.Error("another value")
	}
	// Without the key, no other one is made.
	must(t, os.Remove(filepath.Join(dir, "rinca.key")))
	must(t, os.Remove(filepath.Join(dir, "vault.db")))
	wantCode(t, rinca.NotFound, embedded.Init(t.Context(), embedded.Config{Dir: dir}, rinca.Secret{}))
}

func TestNoHome(t *testing.T) {
	cfg := home.Config{Dir: filepath.Join(t.TempDir(), "none")}
	_, err := home.ShowKey(cfg)
	wantCode(t, rinca.NotFound, err)
	_, _, err = home.RotateKey(t.Context(), cfg)
	wantCode(t, rinca.NotFound, err)
	wantCode(t, rinca.NotFound, home.Backup(t.Context(), cfg, filepath.Join(t.TempDir(), "b")))
}

func TestPassphrase(t *testing.T) {
	dir := newHome(t)
	cfg := home.Config{Dir: dir}
	must(t, home.SetPassphrase(t.Context(), cfg, rinca.NewSecret("correct horse")))
	_, err := home.ShowKey(cfg)
	wantCode(t, rinca.Unauthenticated, err)
	asked := 0
	cfg.Keys.Passphrase = func() (rinca.Secret, error) { asked++; return rinca.NewSecret("correct horse"), nil }
	_, fresh, err := home.RotateKey(t.Context(), cfg)
	if must(t, err); !fresh.Locked || asked != 1 {
		t.Errorf("%+v, asked %d times", fresh, asked)
	}
}
