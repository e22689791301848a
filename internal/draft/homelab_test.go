package draft_test

import (
	"os"
	"path/filepath"
	"testing"

	"rinca/internal/draft"
	"rinca/internal/envfile"
	"rinca/internal/lint"
	"rinca/internal/rinca"
)

// The examples of the homelab become items that export and that lint finds
// nothing wrong with.
func TestHomelabExamples(t *testing.T) {
	db, v := newVault(t)
	paths, err := filepath.Glob(filepath.Join("..", "..", "examples", "homelab", "stacks", "platform", "*", "*", "*.env.example"))
	if err != nil || len(paths) < 4 {
		t.Fatalf("%d examples, %v", len(paths), err)
	}
	var files []draft.File
	for _, path := range paths {
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		f, err := draft.Read(path, path, data, draft.Names{})
		if err != nil {
			t.Fatal(err)
		}
		if f.Stack != "op-export" {
			files = append(files, f)
		}
	}
	d := plan(t, db, v, files...)
	if err := d.Give([]draft.Gift{{Key: "RESTIC_REPOSITORY", Value: rinca.NewSecret("s3:https://s3.internal.lan/homelab"), Argv: true}}); err != nil {
		t.Fatal(err)
	}
	items := write(t, db, v, d)
	for _, f := range lint.Check(items) {
		t.Errorf("%s/%s: %s", f.Title, f.Key, f.Problem)
	}
	for _, it := range items {
		var vars []envfile.Var
		for _, f := range it.Fields {
			vars = append(vars, envfile.Var{Key: f.Label, Value: f.Value})
		}
		if _, _, err := envfile.Render(vars, envfile.Auto); err != nil {
			t.Errorf("%s: %v", it.Title, err)
		}
	}
}
