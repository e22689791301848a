package vaulttest

import (
	"path/filepath"
	"testing"

	"rinca/internal/rinca"
	"rinca/internal/vault/embedded"
)

// NewHome makes a home whose vault "homelab" holds the items, and returns its
// directory and the open vault. Suites of providers that reach a vault through
// something else start from it.
func NewHome(t *testing.T, items []rinca.Item) (dir string, db *embedded.DB) {
	t.Helper()
	cfg := embedded.Config{Dir: filepath.Join(t.TempDir(), "home")}
	if err := embedded.Init(t.Context(), cfg, rinca.Secret{}); err != nil {
		t.Fatal(err)
	}
	db, err := embedded.Open(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	v, err := db.CreateVault(t.Context(), "homelab", "")
	if err != nil {
		t.Fatal(err)
	}
	for _, it := range items {
		it.VaultID = v.ID
		if _, err := db.Create(t.Context(), it); err != nil {
			t.Fatal(err)
		}
	}
	return cfg.Dir, db
}
