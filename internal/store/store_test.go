package store_test

import (
	"path/filepath"
	"testing"
	"time"

	"rinca/internal/rinca"
	"rinca/internal/store"
)

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

func TestSmoke(t *testing.T) {
	db := newDB(t)
	ctx := t.Context()
	r0 := db.Revision()
	s, err := db.PutStack(ctx, rinca.Stack{Name: "web"}, store.CreateOnly)
	must(t, err)
	got, err := db.Stack(ctx, "web")
	must(t, err)
	if got.UpdatedAt != s.UpdatedAt || db.Revision() <= r0 {
		t.Errorf("%+v", got)
	}
	_, err = db.PutVariable(ctx, rinca.Variable{Name: "A", Stack: "web", Value: rinca.NewSecret("x"), Secret: true}, store.Upsert)
	must(t, err)
	v, err := db.Variable(ctx, "web", "A")
	must(t, err)
	if v.Value.Reveal() != "x" || v.Version != 1 {
		t.Errorf("%+v", v)
	}
	_, _, err = db.Enqueue(ctx, rinca.Update{Execution: rinca.Execution{Kind: "DeployStack"}, Target: rinca.Target{Kind: rinca.KindStack, Name: "web"}}, "k")
	must(t, err)
	u, ok, err := db.ClaimNext(ctx, nil)
	must(t, err)
	if !ok || u.State != rinca.Running {
		t.Errorf("%+v", u)
	}
	must(t, db.AppendEvents(ctx, []rinca.Event{{Seq: 1, At: time.Now(), Type: "line"}}))
	_, err = db.Audit(ctx, rinca.AuditEntry{Actor: "me", Action: "x"})
	must(t, err)
	r, err := db.Check(ctx)
	must(t, err)
	t.Logf("%+v", r)
}
