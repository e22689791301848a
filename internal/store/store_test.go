package store_test

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"rinca/internal/rinca"
	"rinca/internal/store"
)

// TestMain also plays the processes that tests start.
func TestMain(m *testing.M) {
	if dir := os.Getenv("RINCA_TEST_HOME"); dir != "" {
		if err := play(os.Getenv("RINCA_TEST_ROLE"), dir); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

func newHome(t testing.TB) string {
	t.Helper()
	return filepath.Join(t.TempDir(), "home")
}

func open(t testing.TB, dir string) *store.DB {
	t.Helper()
	db, err := store.Open(t.Context(), store.Config{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	return db
}

func newDB(t testing.TB) *store.DB {
	t.Helper()
	return open(t, newHome(t))
}

// A clock is set by the test.
type clock struct{ now time.Time }

func newClockDB(t testing.TB) (*store.DB, *clock) {
	t.Helper()
	c := &clock{time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)}
	db, err := store.Open(t.Context(), store.Config{Dir: newHome(t), Now: func() time.Time { return c.now }})
	must(t, err)
	t.Cleanup(func() { _ = db.Close() })
	return db, c
}

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

func mustCheck(t testing.TB, db *store.DB) store.Report {
	t.Helper()
	r, err := db.Check(t.Context())
	must(t, err)
	if len(r.Damage) > 0 {
		t.Errorf("damage: %v", r.Damage)
	}
	return r
}

func putUser(t testing.TB, db *store.DB, name string, admin bool) {
	t.Helper()
	_, err := db.PutUser(t.Context(), rinca.User{Name: name, Admin: admin}, store.Upsert)
	must(t, err)
}

func putStack(t testing.TB, db *store.DB, name string) {
	t.Helper()
	_, err := db.PutStack(t.Context(), rinca.Stack{Name: name}, store.Upsert)
	must(t, err)
}

func secret(s string) rinca.Secret { return rinca.NewSecret(s) }
