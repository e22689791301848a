package doctor

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"rinca/internal/rinca"
	"rinca/internal/server"
	"rinca/internal/store"
	"rinca/internal/vault/embedded"
)

func TestVariablesThatAreNotMasked(t *testing.T) {
	ctx, dir := t.Context(), t.TempDir()
	look := func() []Finding {
		d := &Doctor{Sources: server.Sources{Embedded: embedded.Config{Dir: dir}}}
		d.checkVariables(ctx)
		return d.findings
	}
	if got := look(); len(got) != 0 || store.Exists(dir) {
		t.Errorf("a home without a server: %v", got)
	}
	db, err := store.Open(ctx, store.Config{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close() // it is open in a server meanwhile
	if _, err := db.PutStack(ctx, rinca.Stack{Name: "wiki", Source: rinca.Source{Kind: rinca.SourceHost, Dir: "/srv"}}, store.Upsert); err != nil {
		t.Fatal(err)
	}
	put := func(v rinca.Variable, value string) {
		t.Helper()
		v.Value = rinca.NewSecret(value)
		if _, err := db.PutVariable(ctx, v, store.Upsert); err != nil {
			t.Fatal(err)
		}
	}
	put(rinca.Variable{Name: "GOOD", Secret: true}, "Xk3vQz9pLw7TnB5m")
	put(rinca.Variable{Name: "PLAIN"}, "abc")
	put(rinca.Variable{Name: "EMPTY", Secret: true}, "")
	want := []Finding{{Check: "variables", Status: OK, Message: "1 secret variables are masked wherever they appear"}}
	if diff := cmp.Diff(want, look()); diff != "" {
		t.Error(diff)
	}
	put(rinca.Variable{Name: "PIN", Secret: true}, "1234")
	put(rinca.Variable{Name: "SHORT", Stack: "wiki", Secret: true}, "abc")
	want = []Finding{
		{"variables", Warning, "PIN: a number of fewer than six digits, so it is not masked in logs", "choose a longer value: rinca variable set PIN", false},
		{"variables", Warning, "wiki/SHORT: shorter than 4 bytes, so it is not masked in logs", "choose a longer value: rinca variable set SHORT --stack wiki", false},
	}
	if diff := cmp.Diff(want, look()); diff != "" {
		t.Error(diff)
	}
}
