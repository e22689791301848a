package draft_test

import (
	"strings"
	"testing"

	"rinca/internal/draft"
	"rinca/internal/rinca"
)

// FuzzDraft: whatever an example holds, each variable ends with a value or
// with the reason why it has none, and a second run keeps every value.
func FuzzDraft(f *testing.F) {
	f.Add(webExample)
	f.Add(pgExample)
	f.Add("# same as B\nA=\n# rinca: template:${A}x\nB=${A}\n# must match y.env\nC=REPLACE_ME\n#D=${C}")
	f.Fuzz(func(t *testing.T, text string) {
		if strings.Contains(strings.ToLower(text), "rsa") || strings.Contains(strings.ToLower(text), "bcrypt") || strings.Contains(strings.ToLower(text), "htpasswd") {
			t.Skip("too slow")
		}
		file, err := draft.Read("e", "/x/web/a.env.example", []byte(text), draft.Names{})
		if err != nil {
			return
		}
		d, err := draft.Compare([]draft.File{file}, nil)
		if err != nil {
			return
		}
		for _, open := range d.Make() {
			if open.Missing == "" || !open.Open() {
				t.Errorf("%s: no value and no reason", open.Key)
			}
			open.Enter(rinca.NewSecret("given"), draft.Given)
		}
		if left := d.Make(); len(left) > 0 {
			t.Fatalf("%d are open after all were given", len(left))
		}
		stored := rinca.Item{Info: rinca.Info{ID: "i", Title: "a.env", Tags: []string{"stack:web"}}}
		for _, field := range d.Items[0].Fields {
			stored.Fields = append(stored.Fields, rinca.Field{Label: field.Key, Type: rinca.TypeConcealed, Value: field.Value})
		}
		again, err := draft.Compare([]draft.File{file}, []rinca.Item{stored})
		if err != nil {
			t.Fatal(err)
		}
		if again.Make(); again.Items[0].Action() != draft.Unchanged {
			t.Errorf("a second run would %s", again.Items[0].Action())
		}
	})
}
