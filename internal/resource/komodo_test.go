package resource

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"rinca/internal/rinca"
)

func moreKinds() []rinca.ExecutionKind {
	type batch struct {
		Pattern string `json:"pattern"`
	}
	return append(kinds(), rinca.ExecutionKind{Name: "BatchDeployStackIfChanged", Target: rinca.KindStack, Params: batch{}},
		rinca.ExecutionKind{Name: "GlobalAutoUpdate", Params: struct{}{}})
}

// Files as people have them for Komodo load as they are: what is not supported
// is named, and the rest is planned. UPDATE=1 writes what is said anew.
func TestKomodoFiles(t *testing.T) {
	list, err := ReadFiles(filepath.Join("testdata", "komodo"), "", nil)
	if err != nil {
		t.Fatal(err)
	}
	set, warnings, err := Parse(list, moreKinds())
	if err != nil {
		t.Fatal(err)
	}
	p, err := MakePlan(set, &State{Guess: true}, Options{})
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	for _, w := range append(warnings, p.Warnings...) {
		fmt.Fprintln(&b, w)
	}
	for i := range p.Changes {
		c := &p.Changes[i]
		fmt.Fprintf(&b, "\n%s %s\n  %s\n", c.Action, c.Target, strings.Join(c.Diff, "\n  "))
	}
	fmt.Fprintf(&b, "\n%s\nto be deployed: %s\n", p.Summary(), strings.Join(p.Deploy, ", "))
	golden := filepath.Join("testdata", "komodo.golden")
	if os.Getenv("UPDATE") != "" {
		if err := os.WriteFile(golden, []byte(b.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), b.String()); diff != "" {
		t.Errorf("UPDATE=1 writes %s anew; it differs:\n%s", golden, diff)
	}
}

// One key of theirs that is written wrong is found among all of them, and
// nothing is planned.
func TestOneWrongKeyAmongMany(t *testing.T) {
	list, err := ReadFiles(filepath.Join("testdata", "komodo"), "", nil)
	if err != nil {
		t.Fatal(err)
	}
	for i := range list {
		list[i].Text = rinca.NewSecret(strings.Replace(list[i].Text.Reveal(), "run_directory = \"stacks/photos\"", "run_directori = \"stacks/photos\"", 1))
	}
	_, _, err = Parse(list, moreKinds())
	if want := "stacks.toml:38:1: unknown key stack.config.run_directori; is it run_directory?"; err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("%v; want %s", err, want)
	}
}
