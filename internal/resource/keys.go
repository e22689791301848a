package resource

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"rinca/internal/rinca"
	"rinca/internal/tomltree"
)

// A key is one key of a table: what its value is, and how it is read. A key
// without read is one that only Komodo has.
type key[T any] struct {
	name    string
	aliases []string
	form    string // what its value is, in a word
	doc     string // a sentence for the reference
	own     bool   // Komodo does not have it
	read    func(r *reader, n *tomltree.Node, path string, into *T)
	nested  documented // the keys of its tables
}

// A table is the keys that a table of a file may have.
type table[T any] struct {
	keys  []key[T]
	by    map[string]*key[T]
	names []string
}

// tableOf makes a table of keys.
func tableOf[T any](lists ...[]key[T]) *table[T] {
	t := &table[T]{keys: slices.Concat(lists...), by: map[string]*key[T]{}}
	for i := range t.keys {
		k := &t.keys[i]
		for _, name := range append([]string{k.name}, k.aliases...) {
			t.by[name] = k
		}
		if k.form != "" { // nobody is told to write what is ignored
			t.names = append(t.names, k.name)
		}
	}
	return t
}

// read reads a table into a value. Keys that are not known are wrong.
func (t *table[T]) read(r *reader, n *tomltree.Node, path string, into *T) {
	if n.Kind != tomltree.Table {
		r.complain(n.Place, "%s is a table", path)
		return
	}
	var seen map[*key[T]]string
	for _, e := range n.Entries {
		k, ok := t.by[e.Key]
		name := strings.TrimPrefix(path+"."+shown(e.Key), ".")
		if !ok {
			r.complain(e.Place, "unknown key %s%s", name, t.near(e.Key))
			continue
		}
		if len(k.aliases) > 0 {
			if other, twice := seen[k]; twice {
				r.complain(e.Place, "%s and %s are the same key", other, name)
				continue
			}
			if seen == nil {
				seen = map[*key[T]]string{}
			}
			seen[k] = name
		}
		if k.read == nil {
			r.warn(e.Place, "%s is not supported, ignored", name)
			continue
		}
		at := strings.TrimPrefix(path+"."+k.name, ".")
		if r.places != nil {
			r.places[at] = e.Node.Place
		}
		k.read(r, e.Node, at, into)
	}
}

// near says which key is likely meant: one of the same name deeper down, or
// one with a similar name here.
func (t *table[T]) near(name string) string {
	for i := range t.keys {
		if k := &t.keys[i]; k.nested != nil && k.name == "config" && k.nested.has(name) {
			return "; is it config." + name + "?"
		}
	}
	return near(name, t.names)
}

func (t *table[T]) has(name string) bool { return t.by[name] != nil }

// ours marks keys that Komodo does not have.
func ours[T any](keys ...key[T]) []key[T] {
	for i := range keys {
		keys[i].own = true
	}
	return keys
}

// also gives a key other names.
func (k key[T]) also(names ...string) key[T] {
	k.aliases = names
	return k
}

// ignored are keys that only Komodo has.
func ignored[T any](names ...string) []key[T] {
	var out []key[T]
	for _, name := range names {
		main, aliases, _ := strings.Cut(name, "|")
		k := key[T]{name: main}
		if aliases != "" {
			k.aliases = []string{aliases}
		}
		out = append(out, k)
	}
	return out
}

func textKey[T any](name, doc string, field func(*T) *string) key[T] {
	return key[T]{name: name, form: "text", doc: doc, read: func(r *reader, n *tomltree.Node, path string, into *T) {
		*field(into) = r.text(n, path)
	}}
}

func flagKey[T any](name, doc string, field func(*T) *bool) key[T] {
	return key[T]{name: name, form: "true or false", doc: doc, read: func(r *reader, n *tomltree.Node, path string, into *T) {
		*field(into) = r.flag(n, path)
	}}
}

// unlessKey is a flag whose field means the opposite.
func unlessKey[T any](name, doc string, field func(*T) *bool) key[T] {
	return key[T]{name: name, form: "true or false", doc: doc, read: func(r *reader, n *tomltree.Node, path string, into *T) {
		*field(into) = !r.flag(n, path)
	}}
}

func listKey[T any](name, doc string, field func(*T) *[]string) key[T] {
	return key[T]{name: name, form: "list", doc: doc, read: func(r *reader, n *tomltree.Node, path string, into *T) {
		*field(into) = r.stringList(n, path)
	}}
}

func durationKey[T any](name, doc string, field func(*T) *rinca.Duration) key[T] {
	return key[T]{name: name, form: "duration", doc: doc, read: func(r *reader, n *tomltree.Node, path string, into *T) {
		*field(into) = r.duration(n, path)
	}}
}

func (r *reader) duration(n *tomltree.Node, path string) rinca.Duration {
	d, err := time.ParseDuration(n.Text)
	if n.Kind != tomltree.String || err != nil || d < 0 {
		r.complain(n.Place, `%s is a duration, such as "90s" or "5m"`, path)
		return 0
	}
	return rinca.Duration(d)
}

func numberKey[T any](name, doc string, most int, field func(*T) *int) key[T] {
	return key[T]{name: name, form: "number", doc: doc, read: func(r *reader, n *tomltree.Node, path string, into *T) {
		v, err := strconv.ParseInt(n.Text, 0, 64)
		if n.Kind != tomltree.Number || err != nil || v < 0 || v > int64(most) {
			r.complain(n.Place, "%s is a number from 0 to %d", path, most)
			return
		}
		*field(into) = int(v)
	}}
}

// oneOfKey is text that is one of a few words.
func oneOfKey[T any, S ~string](name, doc string, words []S, field func(*T) *S) key[T] {
	texts := make([]string, len(words))
	for i, w := range words {
		texts[i] = string(w)
	}
	return key[T]{name: name, form: strings.Join(texts, " or "), doc: doc, read: func(r *reader, n *tomltree.Node, path string, into *T) {
		text := r.text(n, path)
		if n.Kind == tomltree.String && text != "" && !slices.Contains(texts, text) {
			r.complain(n.Place, "%s is %s", path, strings.Join(texts, " or "))
			return
		}
		*field(into) = S(text)
	}}
}

func secretKey[T any](name, doc string, field func(*T) *rinca.Secret) key[T] {
	return key[T]{name: name, form: "text", doc: doc, read: func(r *reader, n *tomltree.Node, path string, into *T) {
		if text := r.text(n, path); n.Kind == tomltree.String {
			*field(into) = rinca.NewSecret(text)
		}
	}}
}

// tableKey is a table in a table.
func tableKey[T, U any](name, doc string, t *table[U], field func(*T) *U) key[T] {
	return key[T]{name: name, form: "table", doc: doc, nested: t, read: func(r *reader, n *tomltree.Node, path string, into *T) {
		t.read(r, n, path, field(into))
	}}
}

// tablesKey is a list of tables.
func tablesKey[T, U any](name, doc string, t *table[U], add func(*T, U)) key[T] {
	return key[T]{name: name, form: "list of tables", doc: doc, nested: t, read: func(r *reader, n *tomltree.Node, path string, into *T) {
		if n.Kind != tomltree.Array {
			r.complain(n.Place, "%s is a list of tables", path)
			return
		}
		for i, item := range n.Items {
			var u U
			t.read(r, item, path+"["+strconv.Itoa(i)+"]", &u)
			add(into, u)
		}
	}}
}
