package store_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"rinca/internal/rinca"
	"rinca/internal/store"
)

// canary is in every secret that fillAll stores.
const canary = "c4n4ry"

// fillAll stores something of everything.
func fillAll(t testing.TB, db *store.DB) {
	t.Helper()
	ctx := t.Context()
	putUser(t, db, "alice", true)
	for i := range 3 {
		name := fmt.Sprintf("stack%d", i)
		_, err := db.PutStack(ctx, rinca.Stack{Name: name, Environment: "A = " + canary, Source: rinca.Source{Files: []rinca.InlineFile{{Path: "a", Content: canary}}}}, store.Upsert)
		must(t, err)
		for k := range 3 {
			_, err = db.PutVariable(ctx, rinca.Variable{Name: "V", Stack: name, Secret: true, Value: secret(fmt.Sprint(canary, k))}, store.Upsert)
			must(t, err)
		}
		must(t, db.PutMark(ctx, store.Mark{Stack: name, Plain: json.RawMessage(`"` + canary + `"`), Sealed: secret(strings.Repeat(canary, 2000))}))
		u, _, err := db.Enqueue(ctx, update("DeployStack", name), canary)
		if rinca.CodeOf(err) != rinca.Conflict {
			must(t, err)
			u.State = rinca.Succeeded
			must(t, db.SaveUpdate(ctx, u))
		}
		must(t, db.AppendEvents(ctx, []rinca.Event{{Seq: int64(i + 1), Update: u.ID, Type: "line", Data: json.RawMessage(`{"text":"` + canary + `"}`)}}))
		_, err = db.Audit(ctx, rinca.AuditEntry{Actor: "alice", Detail: canary})
		must(t, err)
	}
	_, err := db.PutServer(ctx, rinca.Server{Name: "nas", Key: secret(canary), SSHKey: secret(canary)}, store.Upsert)
	must(t, err)
	_, err = db.PutGitAccount(ctx, rinca.GitAccount{Name: "hub", Token: secret(canary), Key: secret(canary)}, store.Upsert)
	must(t, err)
	must(t, db.SetCredentials(ctx, "alice", store.Credentials{PasswordHash: secret(canary), TOTPSeed: secret(canary)}))
	_, err = db.PutGroup(ctx, rinca.UserGroup{Name: "ops", Users: []string{"alice"}}, store.Upsert)
	must(t, err)
	_, err = db.PutAPIKey(ctx, rinca.APIKey{User: "alice", Name: "ci"}, [32]byte{1})
	must(t, err)
	_, err = db.PutSession(ctx, rinca.Session{User: "alice", Agent: canary, ExpiresAt: time.Now().Add(time.Hour)}, [32]byte{2})
	must(t, err)
	must(t, db.PutSetting(ctx, "vault/token", secret(canary)))
}

// dump reads everything and returns it as text; what it could read before it
// failed is not part of it.
func dump(ctx context.Context, dir string) (string, error) {
	db, err := store.Open(ctx, store.Config{Dir: dir})
	if err != nil {
		return "", err
	}
	defer db.Close()
	var b strings.Builder
	add := func(v any, err error) {
		if err != nil {
			b.Reset()
			panic(err)
		}
		fmt.Fprintf(&b, "%+v\n", v)
	}
	err = func() (err error) {
		defer func() {
			if e, ok := recover().(error); ok {
				err = e
			}
		}()
		add(db.Stacks(ctx))
		vars, err := db.Variables(ctx)
		add(vars, err)
		for _, v := range vars {
			add(v.Value.Reveal(), nil)
			add(db.VariableVersions(ctx, v.Stack, v.Name))
		}
		servers, err := db.Servers(ctx)
		add(len(servers), err)
		for _, s := range servers {
			add(s.Key.Reveal()+s.SSHKey.Reveal(), nil)
		}
		accounts, err := db.GitAccounts(ctx)
		add(len(accounts), err)
		add(db.Users(ctx))
		add(db.Groups(ctx))
		add(db.APIKeys(ctx, ""))
		add(db.Sessions(ctx, "alice"))
		c, err := db.Credentials(ctx, "alice")
		add(c.PasswordHash.Reveal()+c.TOTPSeed.Reveal(), err)
		s, err := db.Setting(ctx, "vault/token")
		add(s.Reveal(), err)
		for i := range 3 {
			m, err := db.Mark(ctx, fmt.Sprintf("stack%d", i))
			add(m.Sealed.Reveal(), err)
		}
		return nil
	}()
	return b.String(), err
}

// A flipped bit anywhere in the database is an error that names the database,
// or changes nothing that is read. It never gives other data.
func TestFlippedBits(t *testing.T) {
	dir := newHome(t)
	db := open(t, dir)
	fillAll(t, db)
	must(t, db.Close())
	want, err := dump(t.Context(), dir)
	must(t, err)
	path := filepath.Join(dir, store.DatabaseName)
	whole, err := os.ReadFile(path)
	must(t, err)
	rng := rand.New(rand.NewPCG(1, 2))
	var positions []int
	for range 250 {
		positions = append(positions, rng.IntN(len(whole)))
	}
	for i := range 100 { // the header, where the most depends on each byte
		positions = append(positions, i)
	}
	if os.Getenv("RINCA_SOAK") != "" {
		positions = positions[:0]
		for i := range whole {
			positions = append(positions, i)
		}
	}
	detected := 0
	for _, pos := range positions {
		damaged := append([]byte{}, whole...)
		damaged[pos] ^= 1 << rng.IntN(8)
		for _, suffix := range []string{"-wal", "-shm", "-journal"} {
			os.Remove(path + suffix)
		}
		must(t, os.WriteFile(path, damaged, 0o600))
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		got, err := dump(ctx, dir)
		cancel()
		switch {
		case err == nil && got != want:
			t.Fatalf("byte %d: other data, and no error", pos)
		case err != nil:
			detected++
			if !strings.Contains(err.Error(), store.DatabaseName) {
				t.Errorf("byte %d: the error does not name the database: %q %v", pos, rinca.CodeOf(err), err)
			}
			if strings.Contains(err.Error(), canary) {
				t.Errorf("byte %d: the error holds a value: %v", pos, err)
			}
		}
	}
	t.Logf("%d of %d flips noticed; the others are in bytes that nothing reads here", detected, len(positions))
}

// Rows that are removed, or put back as they were, are noticed.
func TestRemovedAndOldRows(t *testing.T) {
	for name, statement := range map[string]string{
		"removed":  `DELETE FROM resources WHERE family = 'variable' AND name = 'stack1/V'`,
		"copied":   `UPDATE resources SET body = (SELECT body FROM resources WHERE name = 'stack2/V') WHERE name = 'stack1/V'`,
		"old head": `UPDATE heads SET rev = rev - 1 WHERE family = 'variable'`,
		"no head":  `DELETE FROM heads WHERE family = 'variable'`,
	} {
		t.Run(name, func(t *testing.T) {
			dir := newHome(t)
			fillAll(t, open(t, dir))
			raw(t, dir, statement)
			_, err := open(t, dir).Variables(t.Context())
			wantCode(t, rinca.Corrupt, err)
		})
	}
	t.Run("put back", func(t *testing.T) {
		dir := newHome(t)
		db := open(t, dir)
		fillAll(t, db)
		raw(t, dir, `CREATE TABLE old AS SELECT * FROM resources WHERE name = 'stack1/V'`)
		_, err := db.PutVariable(t.Context(), rinca.Variable{Stack: "stack1", Name: "V", Secret: true, Value: secret("new")}, store.Upsert)
		must(t, err)
		raw(t, dir, `UPDATE resources SET (rev, body) = (SELECT rev, body FROM old) WHERE name = 'stack1/V'`)
		_, err = open(t, dir).Variables(t.Context())
		wantCode(t, rinca.Corrupt, err)
		r, err := open(t, dir).Check(t.Context())
		if must(t, err); len(r.Damage) == 0 {
			t.Error("Check found nothing")
		}
	})
}

func TestNothingIsReadable(t *testing.T) {
	dir := newHome(t)
	db := open(t, dir)
	fillAll(t, db)
	search := func(when string) {
		t.Helper()
		files, err := filepath.Glob(filepath.Join(dir, "*"))
		must(t, err)
		for _, f := range files {
			data, err := os.ReadFile(f)
			must(t, err)
			if strings.Contains(string(data), canary) {
				t.Errorf("%s: %s holds a value", when, filepath.Base(f))
			}
		}
		if len(files) < 3 {
			t.Errorf("%s: only %v", when, files)
		}
	}
	search("while open")
	must(t, db.Copy(t.Context(), filepath.Join(dir, "copy")))
	must(t, db.Close())
	search("closed")
}

func TestRefusals(t *testing.T) {
	path := func(dir string) string { return filepath.Join(dir, store.DatabaseName) }
	key := func(dir string) string { return filepath.Join(dir, "rinca.key") }
	for name, c := range map[string]struct {
		do   func(t *testing.T, dir string) error
		code rinca.Code
		text string
	}{
		"no database": {func(_ *testing.T, dir string) error {
			return os.WriteFile(path(dir), []byte(strings.Repeat("no", 5000)), 0o600)
		}, rinca.Corrupt, "is damaged"},
		"empty":    {func(_ *testing.T, dir string) error { return os.Truncate(path(dir), 0) }, rinca.Corrupt, "is empty"},
		"cut off":  {func(_ *testing.T, dir string) error { return os.Truncate(path(dir), 9000) }, rinca.Corrupt, "is damaged"},
		"newer":    {func(t *testing.T, dir string) error { t.Helper(); raw(t, dir, `PRAGMA user_version = 99`); return nil }, rinca.Corrupt, "newer rinca"},
		"no key":   {func(_ *testing.T, dir string) error { return os.Remove(key(dir)) }, rinca.NotFound, "there is no key file"},
		"open key": {func(_ *testing.T, dir string) error { return os.Chmod(key(dir), 0o644) }, rinca.Unauthenticated, "others can read"},
		"other key": {func(t *testing.T, dir string) error {
			t.Helper()
			other := newHome(t)
			open(t, other)
			return os.Rename(key(other), key(dir))
		}, rinca.Unauthenticated, "is not the one that"},
		"vault without its key": {func(_ *testing.T, dir string) error {
			return errors.Join(os.Rename(path(dir), filepath.Join(dir, "vault.db")), os.Remove(key(dir)))
		}, rinca.NotFound, "there is no key file"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := newHome(t)
			must(t, open(t, dir).Close())
			must(t, c.do(t, dir))
			_, err := store.Open(t.Context(), store.Config{Dir: dir})
			wantCode(t, c.code, err)
			if err == nil || !strings.Contains(err.Error(), c.text) || rinca.HintOf(err) == "" {
				t.Errorf("%v (%s)", err, rinca.HintOf(err))
			}
		})
	}
}

func TestHomeIsPrivate(t *testing.T) {
	dir := newHome(t)
	open(t, dir)
	for name, want := range map[string]os.FileMode{".": 0o700, "rinca.key": 0o600, store.DatabaseName: 0o600, store.DatabaseName + "-wal": 0o600} {
		info, err := os.Stat(filepath.Join(dir, name))
		if err != nil || info.Mode().Perm() != want {
			t.Errorf("%s: %v, %v", name, info.Mode().Perm(), err)
		}
	}
}

// A home that cannot be written is one clear error. Root may write anywhere,
// so another user plays.
func TestReadOnlyHome(t *testing.T) {
	shared, err := os.MkdirTemp("", "rinca-readonly") //nolint:usetesting // the other user must get there
	must(t, err)
	t.Cleanup(func() { _ = os.RemoveAll(shared) })
	must(t, os.Chmod(shared, 0o755))
	program := filepath.Join(shared, "test")
	in, err := os.Open(os.Args[0])
	must(t, err)
	defer in.Close()
	out, err := os.OpenFile(program, os.O_CREATE|os.O_WRONLY, 0o755)
	must(t, err)
	_, err = io.Copy(out, in)
	must(t, errors.Join(err, out.Close()))
	asOther := func(dir string) string {
		cmd := command(t, program, "open", dir, "")
		cmd.Dir = shared
		if os.Geteuid() == 0 {
			cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
		}
		text, err := cmd.CombinedOutput()
		if err == nil {
			t.Error("it could be opened")
		}
		return string(text)
	}
	dir := filepath.Join(shared, "home")
	must(t, open(t, dir).Close())
	must(t, errors.Join(os.Chmod(dir, 0o555), os.Chmod(filepath.Join(dir, store.DatabaseName), 0o444)))
	if os.Geteuid() == 0 {
		must(t, os.Chown(filepath.Join(dir, "rinca.key"), 65534, 65534))
	}
	if text := asOther(dir); !strings.Contains(text, "cannot be written") {
		t.Errorf("%s", text)
	}
	empty := filepath.Join(shared, "empty")
	must(t, os.Mkdir(empty, 0o555))
	if text := asOther(empty); !strings.Contains(text, "lock the home") {
		t.Errorf("%s", text)
	}
	must(t, os.Mkdir(filepath.Join(shared, "closed"), 0o000))
	if text := asOther(filepath.Join(shared, "closed", "home")); !strings.Contains(text, "permission denied") {
		t.Errorf("%s", text)
	}
}
