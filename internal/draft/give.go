package draft

import (
	"fmt"
	"slices"
	"strings"

	"rinca/internal/envfile"
	"rinca/internal/generate"
	"rinca/internal/rinca"
	"rinca/internal/vault"
)

// A Gift is a value, or a recipe, that the caller has for a variable.
type Gift struct {
	Item   string // title; "" for every item that has the variable
	Key    string
	Value  rinca.Secret
	Recipe *generate.Spec // instead of Value
	// Argv reports that the value was in the arguments of the process, where
	// everybody on the machine can read it. Concealed variables refuse that.
	Argv bool
}

// Give hands values to the fields. It reports everything that does not fit at
// once: variables that no example has, values in argv for concealed ones.
func (d *Draft) Give(gifts []Gift) error {
	var problems []string
	for _, g := range gifts {
		n := 0
		for _, it := range d.Items {
			if g.Item != "" && g.Item != it.File.Title {
				continue
			}
			f := it.want(g.Key)
			if f == nil {
				continue
			}
			n++
			if p := f.give(g); p != "" {
				problems = append(problems, p)
				break
			}
		}
		if n == 0 {
			problems = append(problems, d.unknown(g))
		}
	}
	if len(problems) > 0 {
		return rinca.Errorf(rinca.Usage, "%s", strings.Join(problems, "\n"))
	}
	return nil
}

// want returns the field of a variable; one that is commented out in the
// example joins the others.
func (it *Item) want(key string) *Field {
	if f := it.Field(key); f != nil {
		return f
	}
	f := it.optional[key]
	if f == nil {
		return nil
	}
	i, _ := slices.BinarySearchFunc(it.Fields, f.Line, func(g *Field, line int) int { return g.Line - line })
	it.Fields = slices.Insert(it.Fields, i, f)
	it.Kept = slices.DeleteFunc(it.Kept, func(k string) bool { return k == key })
	return f
}

func (f *Field) give(g Gift) string {
	if g.Recipe != nil {
		if f.Origin != Vault {
			f.Use(g.Recipe)
		}
		return ""
	}
	value := g.Value.Reveal()
	switch {
	case g.Argv && value != "" && (f.Concealed || envfile.HoldsPassword(value)):
		return fmt.Sprintf("--set %s=…: a concealed value does not belong in the arguments of a process, where others can read it; use --set-file %s=FILE or --set %s=- (from standard input)", f.Key, f.Key, f.Key)
	case strings.ContainsRune(value, 0):
		return fmt.Sprintf("%s: the value holds a NUL byte, which no environment can carry", f.Key)
	}
	if envfile.IsPlaceholder(value) {
		return fmt.Sprintf("%s: the value given is a placeholder, which export would refuse", f.Key)
	}
	f.Enter(g.Value, Given)
	return ""
}

func (d *Draft) unknown(g Gift) string {
	var keys []string
	title := "the examples"
	for _, it := range d.Items {
		if g.Item != "" && g.Item != it.File.Title {
			continue
		}
		title = it.File.Path
		for _, e := range it.File.Entries {
			keys = append(keys, e.Key)
		}
	}
	if len(d.Items) > 1 && g.Item == "" {
		title = "any of the examples"
	}
	problem := fmt.Sprintf("%s is not in %s", g.Key, title)
	if len(keys) == 0 {
		return fmt.Sprintf("%s/%s: no example is for an item %s", g.Item, g.Key, g.Item)
	}
	if near := vault.Nearest(g.Key, keys); near != "" {
		return problem + "; is it " + near + "?"
	}
	return problem + "; add it there first"
}

// GiveFile hands the values of an env file to an item: those of variables
// that the example lacks as well, so that nothing of the file is lost. Values
// given otherwise win. References in the file are resolved within it.
func (it *Item) GiveFile(name string, entries []envfile.Entry) error {
	entries, err := envfile.Expand(entries)
	if err != nil {
		return rinca.Errorf(rinca.Invalid, "%s: %w", name, err)
	}
	last := map[string]int{}
	for i, e := range entries {
		last[e.Key] = i
	}
	for i, e := range entries {
		if last[e.Key] != i || !e.Value.IsSet() {
			continue
		}
		if !envfile.ValidKey(e.Key) {
			return rinca.Errorf(rinca.Invalid, "%s", at(name, e.Line, "%q is no name for a variable", e.Key))
		}
		f := it.want(e.Key)
		if f == nil {
			stored, err := it.storedField(e.Key)
			if err != nil {
				return err
			}
			f = &Field{Key: e.Key, Concealed: envfile.IsConcealed(e.Key, e.Value.Reveal()), item: it}
			f.keep(stored)
			it.Fields = append(it.Fields, f)
			it.Kept = slices.DeleteFunc(it.Kept, func(k string) bool { return k == e.Key })
		}
		if f.Origin == Given || envfile.IsPlaceholder(e.Value.Reveal()) {
			continue
		}
		f.Enter(e.Value, From)
	}
	return nil
}
