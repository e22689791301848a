package deploy

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"rinca/internal/rinca"
)

func named(after map[string][]string, names ...string) []rinca.Stack {
	var out []rinca.Stack
	for _, n := range names {
		out = append(out, rinca.Stack{Name: n, After: after[n]})
	}
	return out
}

func TestWaves(t *testing.T) {
	after := map[string][]string{"web": {"db", "elsewhere"}, "db": {"export"}, "mail": {"export"}}
	waves, err := Waves(named(after, "web", "mail", "db", "export", "alone"))
	if err != nil {
		t.Fatal(err)
	}
	var got [][]string
	for _, w := range waves {
		var names []string
		for _, s := range w {
			names = append(names, s.Name)
		}
		got = append(got, names)
	}
	want := [][]string{{"alone", "export"}, {"db", "mail"}, {"web"}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestWavesPrintTheCycle(t *testing.T) {
	_, err := Waves(named(map[string][]string{"a": {"b"}, "b": {"c"}, "c": {"a"}, "x": {"a"}}, "a", "b", "c", "x"))
	if rinca.CodeOf(err) != rinca.Invalid || !strings.Contains(err.Error(), "a → b → c → a") {
		t.Errorf("%v", err)
	}
	if _, err := Waves(named(map[string][]string{"a": {"a"}}, "a")); err == nil || !strings.Contains(err.Error(), "a → a") {
		t.Errorf("%v", err)
	}
}

func TestCheckAfterNamesTheNearest(t *testing.T) {
	all := named(nil, "op-export", "authentik")
	err := CheckAfter(rinca.Stack{Name: "authentik", After: []string{"op-exprt"}}, all)
	if rinca.CodeOf(err) != rinca.Invalid || !strings.Contains(rinca.HintOf(err), "op-export") {
		t.Errorf("%v (%s)", err, rinca.HintOf(err))
	}
	if err := CheckAfter(rinca.Stack{Name: "authentik", After: []string{"op-export"}}, all); err != nil {
		t.Error(err)
	}
}

func TestIncluded(t *testing.T) {
	text := `
include:
  - common.yaml
  - path: [a.yaml, ../b.yaml]
services:
  web:
    extends: {file: base.yaml, service: web}
  db:
    extends: web
    environment: {X: [[X]]}
`
	want := []string{"/s/b.yaml", "/s/stack/a.yaml", "/s/stack/base.yaml", "/s/stack/common.yaml"}
	got := sorted(included("/s/stack/compose.yaml", []byte(text)))
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// The value of a plain variable may mention secret ones, and nothing deeper.
func TestVariablesMentionSecrets(t *testing.T) {
	v := &variables{
		all: map[string]rinca.Variable{
			"URL":  {Name: "URL", Value: rinca.NewSecret("postgres://u:[[PASS]]@db/[[PLAIN]]")},
			"BOTH": {Name: "BOTH", Value: rinca.NewSecret("[[PASS]]-[[REF]]")},
			"PASS": {Name: "PASS", Secret: true, Value: rinca.NewSecret("p[[REF]]")},
			"REF":  {Name: "REF", From: "op://v/i/f"},
		},
		values: map[string]rinca.Secret{"REF": rinca.NewSecret("r")},
		used:   map[string]rinca.Secret{},
	}
	for name, want := range map[string]string{
		"URL":  "postgres://u:[[PASS]]@db/[[PLAIN]]", // PLAIN is not known: the text stays
		"BOTH": "p[[REF]]-r",
		"PASS": "p[[REF]]",
	} {
		if got, ok := v.lookup(name); !ok || got.Reveal() != want {
			t.Errorf("%s: %q, %v", name, got.Reveal(), ok)
		}
	}
	if _, ok := v.lookup("NONE"); ok {
		t.Error("an unknown name has a value")
	}
	if diff := cmp.Diff([]string{"PASS", "PLAIN", "REF", "URL"}, v.mentioned([]string{"URL", "REF"})); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"op://v/i/f"}, (&variables{all: v.all, used: map[string]rinca.Secret{"REF": {}}}).refs()); diff != "" {
		t.Error(diff)
	}
}
