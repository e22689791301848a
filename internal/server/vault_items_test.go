package server

import (
	"encoding/json"
	"path/filepath"
	"strings"
	"testing"

	"rinca/internal/rinca"
	"rinca/internal/store"
)

// An empty home gets a vault, and its items are made, changed and removed by
// people: nothing that they did not name changes, and no value is shown.
func TestItemsArePeoples(t *testing.T) {
	home := filepath.Join(t.TempDir(), "home")
	db, err := store.Open(t.Context(), store.Config{Dir: home})
	must(t, err)
	defer db.Close()
	var s Sources
	s.Embedded.Dir = home
	k := keeperFor(t, db, s, VaultLimits{})
	k.guard = nil

	if _, err := k.Items(t.Context(), ""); rinca.CodeOf(err) != rinca.Unauthenticated {
		t.Errorf("without a vault: %v", err)
	}
	state, err := k.Make(t.Context())
	if err != nil || state.Provider != "embedded" || state.Error != "" {
		t.Fatal(state, err)
	}
	if _, err := k.Make(t.Context()); rinca.CodeOf(err) != rinca.Conflict {
		t.Errorf("a second vault: %v", err)
	}

	made, err := k.Change(t.Context(), &rinca.VaultItemChange{
		Title: "web.env", Tags: []string{"stack:web"}, Env: rinca.NewSecret("# from a file\nHOST=db\nDB_PASSWORD='a b'\n#OFF=1\n"),
		Set: []rinca.VaultFieldChange{{Label: "TOKEN", Recipe: "hex:16"}},
	})
	must(t, err)
	if made.Version != 1 || len(made.Fields) != 3 || made.Stacks[0] != "web" || made.Vault != rinca.DefaultVault {
		t.Errorf("%+v", made)
	}
	field := func(label string) rinca.VaultField {
		item, err := k.Item(t.Context(), "", "web.env")
		must(t, err)
		for _, f := range item.Fields {
			if f.Label == label {
				return f
			}
		}
		return rinca.VaultField{}
	}
	value := func(label string) string {
		v, err := k.Value(t.Context(), "", made.ID, field(label).ID)
		must(t, err)
		return v.Reveal()
	}
	if value("DB_PASSWORD") != "a b" || value("HOST") != "db" || len(value("TOKEN")) != 32 {
		t.Errorf("%q %q %q", value("DB_PASSWORD"), value("HOST"), value("TOKEN"))
	}
	if !field("DB_PASSWORD").Concealed || !field("TOKEN").Concealed || field("HOST").Concealed || !field("HOST").Variable {
		t.Errorf("%+v %+v", field("DB_PASSWORD"), field("HOST"))
	}
	if data, err := json.Marshal(made); err != nil || strings.Contains(string(data), "a b") {
		t.Errorf("an item shows its values: %s %v", data, err)
	}

	token := value("TOKEN")
	next, err := k.Change(t.Context(), &rinca.VaultItemChange{
		Item: made.ID, Version: 1, Set: []rinca.VaultFieldChange{{ID: field("DB_PASSWORD").ID, Value: rinca.NewSecret("new")}, {Label: "EXTRA", Value: rinca.NewSecret("1")}},
		Remove: []string{field("HOST").ID},
	})
	must(t, err)
	if next.Version != 2 || value("DB_PASSWORD") != "new" || value("TOKEN") != token || field("HOST").ID != "" || value("EXTRA") != "1" || next.Title != "web.env" || next.Stacks[0] != "web" {
		t.Errorf("%+v", next)
	}
	same, err := k.Change(t.Context(), &rinca.VaultItemChange{Item: made.ID, Set: []rinca.VaultFieldChange{{Label: "EXTRA", Value: rinca.NewSecret("1")}, {Label: "TOKEN"}}})
	if err != nil || same.Version != 2 {
		t.Errorf("a change that changes nothing was written: %+v %v", same, err)
	}

	for what, c := range map[string]rinca.VaultItemChange{
		"conflict: an old version":     {Item: made.ID, Version: 1, Title: "x.env"},
		"conflict: a twin":             {Title: "web.env", Tags: []string{"stack:web"}},
		"not_found: no such item":      {Item: strings.Repeat("z", 26), Title: "x.env"},
		"not_found: no such vault":     {Vault: "other", Title: "x.env"},
		"not_found: no such field":     {Item: made.ID, Set: []rinca.VaultFieldChange{{ID: "nope"}}},
		"not_found: nothing to remove": {Item: made.ID, Remove: []string{"nope"}},
		"invalid: no title":            {Tags: []string{"stack:web"}},
		"invalid: a path":              {Title: "../../etc/x.env", Tags: []string{"stack:web"}},
		"invalid: no file":             {Title: "web", Tags: []string{"stack:web"}},
		"invalid: a line":              {Title: "a\nb.env"},
		"invalid: a stack that is not": {Title: "b.env", Tags: []string{"stack:../x"}},
		"invalid: no label":            {Item: made.ID, Set: []rinca.VaultFieldChange{{Value: rinca.NewSecret("1")}}},
		"invalid: a label of lines":    {Item: made.ID, Set: []rinca.VaultFieldChange{{Label: "A\nB", Value: rinca.NewSecret("1")}}},
		"invalid: no lines":            {Item: made.ID, Env: rinca.NewSecret("# nothing\n")},
		"invalid: no such recipe":      {Item: made.ID, Set: []rinca.VaultFieldChange{{Label: "A", Recipe: "dice:3"}}},
		"invalid: from others":         {Item: made.ID, Set: []rinca.VaultFieldChange{{Label: "A", Recipe: "same:TOKEN"}}},
		"invalid: too large":           {Item: made.ID, Set: []rinca.VaultFieldChange{{Label: "A", Value: rinca.NewSecret(strings.Repeat("x", 2<<20))}}},
	} {
		want, _, _ := strings.Cut(what, ":")
		if _, err := k.Change(t.Context(), &c); string(rinca.CodeOf(err)) != want {
			t.Errorf("%s: %v", what, err)
		}
	}
	if again, err := k.Item(t.Context(), "", made.ID); err != nil || again.Version != 2 {
		t.Errorf("what was refused changed something: %+v %v", again, err)
	}
	must(t, k.DeleteItem(t.Context(), "", made.ID))
	if all, err := k.Items(t.Context(), ""); err != nil || len(all) != 0 {
		t.Errorf("%+v %v", all, err)
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
