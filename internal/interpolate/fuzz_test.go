package interpolate_test

import (
	"errors"
	"io"
	"strings"
	"testing"
	"unicode/utf8"

	"go.yaml.in/yaml/v4"

	"rinca/internal/interpolate"
	"rinca/internal/rinca"
)

// nodes counts what a YAML text holds; -1 if it is none.
func nodes(text string) int {
	var count func(n *yaml.Node) int
	count = func(n *yaml.Node) int {
		total := 1
		for _, c := range n.Content {
			total += count(c)
		}
		return total
	}
	total := 0
	dec := yaml.NewDecoder(strings.NewReader(text))
	for {
		var n yaml.Node
		err := dec.Decode(&n)
		if errors.Is(err, io.EOF) {
			return total
		}
		if err != nil {
			return -1
		}
		total += count(&n)
	}
}

// What comes out is YAML, and has as many nodes for one value as for another.
func FuzzYAML(f *testing.F) {
	f.Add(everything, ": '\"\n- $")
	f.Add("a: [[V]]", "x")
	f.Add("- >\n  [[V]]\n\n  x\n- y", "\n")
	f.Add("[[V]]: [ [[V]], [[[V]]]]\n---\n? [[V]]\n: x", "<<")
	f.Add("a: &b !c [[V]] # d\ne: *b", "")
	f.Add("services: {a: {entrypoint: [sh, -c], command: echo $x [[V]]}}", "$")
	f.Fuzz(func(t *testing.T, content, value string) {
		o := interpolate.Options{Lookup: lookup(map[string]string{"V": value}), Env: func(string) bool { return false }}
		out, missing, err := interpolate.YAML("f", []byte(content), o)
		if err != nil {
			if rinca.CodeOf(err) != rinca.Invalid {
				t.Fatal(err)
			}
			return
		}
		if missing != nil {
			return
		}
		o.Lookup = lookup(map[string]string{"V": "other"})
		other, _, err := interpolate.YAML("f", []byte(content), o)
		if err != nil {
			return // a key that is there twice, for one
		}
		if n := nodes(out.Reveal()); n < 0 || n != nodes(other.Reveal()) {
			t.Errorf("%d nodes and %d:\n%s\n%s", n, nodes(other.Reveal()), out.Reveal(), other.Reveal())
		}
	})
}

func FuzzEnvironment(f *testing.F) {
	f.Add("A = [[V]] # x\nB: \"$A\\n\"\n- 'C=${A:-x}'", "x")
	f.Fuzz(func(t *testing.T, text, value string) {
		_, _, err := interpolate.Environment("f", text, lookup(map[string]string{"V": value}))
		if err != nil && rinca.CodeOf(err) != rinca.Invalid {
			t.Fatal(err)
		}
		// As the whole of a value, it arrives exactly.
		pairs, missing, err := interpolate.Environment("f", "A = [[V]]\nB=\"[[V]]\"\nC='[[V]]' # x\nD=$A", lookup(map[string]string{"V": value}))
		if err != nil || missing != nil || len(pairs) != 4 {
			t.Fatal(pairs, missing, err)
		}
		for _, p := range pairs {
			if p.Value.Reveal() != value {
				t.Errorf("%s: %q; want %q", p.Key, p.Value.Reveal(), value)
			}
		}
	})
}

func FuzzText(f *testing.F) {
	f.Add("[[[[V]]]] [[V]]")
	f.Fuzz(func(t *testing.T, text string) {
		got, missing, err := interpolate.Text("f", text, lookup(map[string]string{"V": "[[V]]"}))
		if err != nil {
			t.Fatal(err)
		}
		if missing == nil && utf8.ValidString(text) && !utf8.ValidString(got.Reveal()) {
			t.Error("no longer UTF-8")
		}
	})
}
