package vaulttest_test

import (
	"fmt"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"rinca/internal/connectapi"
	"rinca/internal/rinca"
	"rinca/internal/vault/connect"
	"rinca/internal/vault/embedded"
	"rinca/internal/vault/opcli"
	"rinca/internal/vault/vaulttest"
)

func TestEmbedded(t *testing.T) {
	vaulttest.Run(t, vaulttest.Suite{Open: func(t *testing.T, items []rinca.Item) rinca.Provider {
		_, db := vaulttest.NewHome(t, items)
		return db
	}})
}

// Our client of Connect against our server of it.
func TestConnect(t *testing.T) {
	vaulttest.Run(t, vaulttest.Suite{TextOnly: true, Open: func(t *testing.T, items []rinca.Item) rinca.Provider {
		_, db := vaulttest.NewHome(t, items)
		vaults, err := db.Vaults(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		token, _, err := connectapi.NewToken(t.Context(), db, embedded.Token{Name: "test", Vaults: map[string]embedded.Right{vaults[0].ID: {Read: true, Write: true}}})
		if err != nil {
			t.Fatal(err)
		}
		api := connectapi.New(connectapi.Config{DB: db})
		t.Cleanup(api.Close)
		s := httptest.NewServer(api)
		t.Cleanup(s.Close)
		p, err := connect.New(connect.Config{Host: s.URL, Token: token})
		if err != nil {
			t.Fatal(err)
		}
		return p
	}})
}

// Our driver of op against our own op, the real binary.
func TestOp(t *testing.T) {
	bin := filepath.Join(t.TempDir(), "rinca")
	build := exec.CommandContext(t.Context(), "go", "build", "-tags", "nosdk", "-o", bin, "../../..")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("build: %v\n%s", err, out)
	}
	vaulttest.Run(t, vaulttest.Suite{TextOnly: true, EmptyIsUnset: true, Open: func(t *testing.T, items []rinca.Item) rinca.Provider {
		dir, _ := vaulttest.NewHome(t, items)
		op := filepath.Join(t.TempDir(), "op")
		script := fmt.Sprintf("#!/bin/sh\nRINCA_HOME='%s' RINCA_PROVIDER=embedded exec '%s' op \"$@\"\n", dir, bin)
		if err := os.WriteFile(op, []byte(script), 0o700); err != nil {
			t.Fatal(err)
		}
		return opcli.New(opcli.Config{Path: op, Environ: os.Environ()})
	}})
}
