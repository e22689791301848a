package embedded_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"rinca/internal/rinca"
	"rinca/internal/vault/embedded"
)

func open(t *testing.T, dir string) *embedded.DB {
	t.Helper()
	db, err := embedded.Open(t.Context(), embedded.Config{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db
}

func newHome(t *testing.T) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "home")
	if err := embedded.Init(t.Context(), embedded.Config{Dir: dir}, rinca.Secret{}); err != nil {
		t.Fatal(err)
	}
	return dir
}

func newVault(t *testing.T, db *embedded.DB) string {
	t.Helper()
	v, err := db.CreateVault(t.Context(), "homelab", "")
	if err != nil {
		t.Fatal(err)
	}
	return v.ID
}

func item(vault, title, value string) rinca.Item {
	return rinca.Item{
		Info:   rinca.Info{VaultID: vault, Title: title, Category: rinca.CategorySecureNote, Tags: []string{"stack:web"}},
		Fields: []rinca.Field{{Label: "KEY", Type: rinca.TypeConcealed, Value: rinca.NewSecret(value)}, {Label: "NONE", Type: rinca.TypeString}},
	}
}

func TestVersionsCountWrites(t *testing.T) {
	db := open(t, newHome(t))
	v := newVault(t, db)
	made, err := db.Create(t.Context(), item(v, "a.env", "one"))
	if err != nil || made.Version != 1 {
		t.Fatalf("version %d, %v", made.Version, err)
	}
	made.Fields[0].Value = rinca.NewSecret("two")
	made.Fields[1].Value = rinca.NewSecret("")
	next, err := db.Update(t.Context(), made)
	if err != nil || next.Version != 2 {
		t.Fatalf("version %d, %v", next.Version, err)
	}
	if _, err := db.Update(t.Context(), made); rinca.CodeOf(err) != rinca.Conflict {
		t.Errorf("an update of version 1 after version 2: %v", err)
	}
	if err := db.Archive(t.Context(), v, made.ID); err != nil {
		t.Fatal(err)
	}
	versions, err := db.History(t.Context(), v, made.ID)
	if err != nil || len(versions) != 3 || versions[0].Fields[0].Value.Reveal() != "one" || versions[0].Fields[1].Value.IsSet() || !versions[1].Fields[1].Value.IsSet() {
		t.Errorf("%d versions, %v", len(versions), err)
	}
	vaults, err := db.Vaults(t.Context())
	if err != nil || vaults[0].ContentVersion != 4 || vaults[0].Items != 0 {
		t.Errorf("%+v, %v", vaults, err)
	}
	if err := db.Delete(t.Context(), v, made.ID); err != nil {
		t.Fatal(err)
	}
	if _, err := db.Get(t.Context(), v, made.ID); rinca.CodeOf(err) != rinca.NotFound {
		t.Errorf("get after delete: %v", err)
	}
}

func TestRotateKeyWhileOthersWrite(t *testing.T) {
	dir := newHome(t)
	a, b := open(t, dir), open(t, dir)
	v := newVault(t, a)
	ctx := context.WithoutCancel(t.Context())
	done := make(chan error, 1)
	go func() {
		var failed error
		for i := range 30 {
			_, err := b.Create(ctx, item(v, "w.env", string(rune('a'+i%26))))
			failed = errors.Join(failed, err)
		}
		done <- failed
	}()
	for range 3 {
		if err := a.RotateKey(ctx); err != nil {
			t.Fatal(err)
		}
	}
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	c := open(t, dir)
	r, err := c.Check(ctx)
	if err != nil || len(r.Damage) > 0 || r.Items != 30 {
		t.Errorf("%+v, %v", r, err)
	}
}

func TestHomeIsPrivate(t *testing.T) {
	dir := newHome(t)
	for name, want := range map[string]os.FileMode{".": 0o700, embedded.KeyName: 0o600, embedded.DatabaseName: 0o600} {
		info, err := os.Stat(filepath.Join(dir, name))
		if err != nil || info.Mode().Perm() != want {
			t.Errorf("%s: %v, %v", name, info.Mode().Perm(), err)
		}
	}
	if err := embedded.Init(t.Context(), embedded.Config{Dir: dir}, rinca.Secret{}); rinca.CodeOf(err) != rinca.Conflict {
		t.Errorf("init again: %v", err)
	}
}
