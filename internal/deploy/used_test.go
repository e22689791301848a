package deploy

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"rinca/internal/rinca"
	"rinca/internal/store"
)

func TestUsedByFollowsStacksAndDeploys(t *testing.T) {
	ctx := t.Context()
	db, err := store.Open(ctx, store.Config{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	d := &Deployer{DB: db}
	put := func(name, environment string) {
		t.Helper()
		s := rinca.Stack{Name: name, Environment: environment, Source: rinca.Source{Kind: rinca.SourceInline}}
		if _, err := db.PutStack(ctx, s, store.Upsert); err != nil {
			t.Fatal(err)
		}
	}
	want := func(variable, stack string, names ...string) {
		t.Helper()
		got, err := d.UsedBy(ctx, rinca.Variable{Name: variable, Stack: stack})
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(names, got); diff != "" {
			t.Errorf("%s of %q:\n%s", variable, stack, diff)
		}
	}
	want("TOKEN", "")
	put("wiki", "A = [[TOKEN]]")
	put("blog", "B = [[TOKEN]][[TOKEN]][[OTHER]]")
	want("TOKEN", "", "blog", "wiki")
	want("TOKEN", "wiki", "wiki")
	want("OTHER", "wiki")
	put("wiki", "")
	want("TOKEN", "", "blog")
	if err := db.PutMark(ctx, store.Mark{Stack: "wiki", Uses: []string{"FROM_GIT"}}); err != nil {
		t.Fatal(err)
	}
	d.uses.marks.Add(1) // as putMark does
	want("FROM_GIT", "", "wiki")
	if err := db.DeleteStack(ctx, "wiki"); err != nil {
		t.Fatal(err)
	}
	want("FROM_GIT", "")
}
