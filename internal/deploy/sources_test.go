package deploy

import (
	"slices"
	"testing"

	"rinca/internal/rinca"
	"rinca/internal/store"
)

// Mirrors that only a repo or a resource sync needs are kept: what is linked
// takes its source from there.
func TestSourcesOfEverything(t *testing.T) {
	ctx := t.Context()
	db, err := store.Open(ctx, store.Config{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	from := func(url string) rinca.Source { return rinca.Source{Kind: rinca.SourceGit, Repo: url} }
	for _, err := range []error{
		second(db.PutRepo(ctx, rinca.Repo{Name: "infra", Source: from("https://a.example/infra")}, store.Upsert)),
		second(db.PutStack(ctx, rinca.Stack{Name: "web", Source: rinca.Source{Kind: rinca.SourceGit, Linked: "infra"}}, store.Upsert)),
		second(db.PutStack(ctx, rinca.Stack{Name: "wiki", Source: from("https://a.example/wiki")}, store.Upsert)),
		second(db.PutSync(ctx, rinca.ResourceSync{Name: "all", Source: from("https://a.example/sync")}, store.Upsert)),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	all, err := (&Deployer{DB: db}).sources(ctx)
	if err != nil {
		t.Fatal(err)
	}
	for _, url := range []string{"https://a.example/infra", "https://a.example/wiki", "https://a.example/sync"} {
		if !slices.ContainsFunc(all, func(s rinca.Source) bool { return s.Repo == url }) {
			t.Errorf("the mirror of %s would go", url)
		}
	}
}

func second[T any](_ T, err error) error { return err }
