package draft

import (
	"slices"
	"strconv"
	"strings"

	"rinca/internal/generate"
	"rinca/internal/rinca"
)

func numbered(recipe string, n int) string { return recipe + ":" + strconv.Itoa(n) }

// same turns "must match postgres.env" into a recipe. When the comment names
// no variable, it is the one of the same name there, else the only one that
// ends in the same word.
func (d *Draft) same(f *Field) error {
	h := f.Hint
	ref := generate.Ref{Item: h.SameFile, Key: h.SameKey}
	if ref.Item == f.item.File.Title {
		ref.Item = ""
	}
	if ref.Key == "" {
		keys := d.keys(f.item, ref.Item)
		ref.Key = matching(f.Key, keys)
		if ref.Key == "" {
			f.Missing = "it must match a variable of " + h.SameFile + ", and which one is not clear"
			if len(keys) == 0 {
				f.Missing = "it must match a variable of " + h.SameFile + ", which is neither in the vault nor in this call"
			}
			return nil
		}
	}
	var err error
	f.Recipe, err = generate.Parse("same:" + ref.String())
	return err
}

// keys lists the variables of an item of the stack: of this call, or of the
// vault.
func (d *Draft) keys(from *Item, title string) []string {
	var keys []string
	for _, it := range d.Items {
		if it.File.Stack == from.File.Stack && it.File.Title == title {
			for _, f := range it.Fields {
				keys = append(keys, f.Key)
			}
			return keys
		}
	}
	if it, err := d.find(from.File.Stack, title); err == nil && it != nil {
		for _, f := range it.Fields {
			if it.Variable(f) {
				keys = append(keys, f.Label)
			}
		}
	}
	return keys
}

func matching(key string, keys []string) string {
	if slices.Contains(keys, key) {
		return key
	}
	word := key[strings.LastIndexByte(key, '_')+1:]
	var found []string
	for _, k := range keys {
		if strings.EqualFold(k[strings.LastIndexByte(k, '_')+1:], word) {
			found = append(found, k)
		}
	}
	if len(found) == 1 {
		return found[0]
	}
	return ""
}

// A maker makes the values of a draft, each after those it is made from.
type maker struct {
	d    *Draft
	busy map[*Field]bool
}

// Make settles every field: by its recipe, else by the example's value. It
// returns the fields that still have no value, each with the reason in
// Missing. Values that derive from others follow them: when the source
// changes in this call, so do they.
func (d *Draft) Make() []*Field {
	m := &maker{d: d, busy: map[*Field]bool{}}
	var open []*Field
	for _, it := range d.Items {
		if it.Skip {
			continue
		}
		for _, f := range it.Fields {
			m.settle(f)
			if f.Open() {
				open = append(open, f)
			}
		}
	}
	return open
}

func (m *maker) settle(f *Field) {
	if m.busy[f] || f.item.Skip {
		return
	}
	m.busy[f] = true
	defer delete(m.busy, f)
	switch {
	case f.Recipe != nil && f.Recipe.Derived() && (f.Open() || f.Origin == Vault && m.follows(f)):
		m.derive(f)
	case !f.Open():
	case f.Recipe != nil:
		v, err := f.Recipe.Make(nil)
		if err != nil {
			f.Missing = err.Error()
			return
		}
		f.Enter(v, Generated)
	case f.Default.IsSet():
		f.Enter(f.Default, Example)
	case f.Missing == "":
		f.Missing = why(f)
	}
}

func why(f *Field) string {
	if f.Hint.Placeholder {
		return "the example has a placeholder"
	}
	return "it has no value"
}

// follows reports whether a value that the vault has is made from one that
// changes.
func (m *maker) follows(f *Field) bool {
	for _, r := range f.Recipe.Refs() {
		if src := m.d.target(f, r); src != nil {
			m.settle(src)
			if !src.item.Skip && src.State() == Changed {
				return true
			}
		}
	}
	return false
}

func (m *maker) derive(f *Field) {
	v, err := f.Recipe.Make(func(r generate.Ref) (rinca.Secret, error) { return m.lookup(f, r) })
	if err != nil {
		if f.Open() {
			f.Missing = err.Error()
		}
		return
	}
	f.Enter(v, Derived)
}

// target finds the field of this call that a reference means, or nil.
func (d *Draft) target(from *Field, r generate.Ref) *Field {
	if r.Item == "" {
		if f := from.item.Field(r.Key); f != nil {
			return f
		}
		return nil
	}
	for _, it := range d.Items {
		if it.File.Stack == from.item.File.Stack && it.File.Title == r.Item {
			return it.Field(r.Key)
		}
	}
	return nil
}

func (m *maker) lookup(from *Field, r generate.Ref) (rinca.Secret, error) {
	if f := m.d.target(from, r); f != nil && !f.item.Skip {
		if m.busy[f] && f.Open() {
			return rinca.Secret{}, rinca.Errorf(rinca.Invalid, "%s is made from itself, through %s", from.Key, r)
		}
		m.settle(f)
		if f.Open() {
			return rinca.Secret{}, rinca.Errorf(rinca.NotFound, "%s, which it is made from, has no value", r)
		}
		return f.Value, nil
	}
	title := r.Item
	if title == "" {
		title = from.item.File.Title
	}
	it, err := m.d.find(from.item.File.Stack, title)
	if err != nil {
		return rinca.Secret{}, err
	}
	if it == nil && r.Item == "" {
		return rinca.Secret{}, rinca.Errorf(rinca.NotFound, "it refers to %s, which this example does not have", r)
	}
	if it == nil {
		return rinca.Secret{}, rinca.Errorf(rinca.NotFound, "it is made from %s, and %s is neither in the vault nor in this call", r, title)
	}
	for _, f := range it.Fields {
		if f.Label == r.Key && it.Variable(f) {
			return f.Value, nil
		}
	}
	return rinca.Secret{}, rinca.Errorf(rinca.NotFound, "it is made from %s, which does not exist", r)
}
