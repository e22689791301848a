package auth

import (
	"fmt"

	"github.com/pelletier/go-toml/v2"
	"github.com/pelletier/go-toml/v2/unstable"

	"rinca/internal/rinca"
)

// tomlKind is what a node of a TOML document is.
type tomlKind int

const (
	tomlOther tomlKind = iota // numbers and dates, which we never ask for
	tomlString
	tomlBool
	tomlTable
	tomlArray
)

// A place is where something begins in a document.
type place struct{ line, column int }

func (p place) in(file string) string {
	return fmt.Sprintf("%s:%d:%d", file, max(p.line, 1), max(p.column, 1))
}

// A node is a value of a TOML document; lists and tables begin where their
// keys do.
type node struct {
	place
	kind    tomlKind
	text    string
	entries []entry // of a table, in order
	index   map[string]*node
	items   []*node // of an array
}

// An entry is a key of a table, where it begins, and its value.
type entry struct {
	place
	key  string
	node *node
}

// parseTree reads a TOML document. The first pass finds everything that is no
// TOML, keys that are given twice too; the second keeps positions.
func parseTree(file, text string) (*node, error) {
	var whole map[string]any
	if err := toml.Unmarshal([]byte(text), &whole); err != nil {
		// Not err's own text: it may quote the file.
		var e place
		if d, ok := err.(*toml.DecodeError); ok { //nolint:errorlint // Unmarshal returns it as it is
			e.line, e.column = d.Position()
		}
		return nil, rinca.Errorf(rinca.Invalid, "%s: this is not TOML, or a key is there twice", e.in(file)).Because(err)
	}
	root := &node{kind: tomlTable, place: place{1, 1}}
	table := root
	t := &treeParser{}
	t.p.Reset([]byte(text))
	for t.p.NextExpression() {
		x := t.p.Expression()
		switch x.Kind {
		case unstable.Table:
			table = t.descend(root, x.Key())
		case unstable.ArrayTable:
			table = t.element(root, x.Key())
		case unstable.KeyValue:
			t.assign(table, x)
		}
	}
	if err := t.p.Error(); err != nil {
		return nil, rinca.Errorf(rinca.Invalid, "%s: this is not TOML", root.in(file)).Because(err)
	}
	return root, nil
}

type treeParser struct{ p unstable.Parser }

// place returns where a range begins, or otherwise when it has no place.
func (t *treeParser) place(r unstable.Range, otherwise place) place {
	if r.Length == 0 {
		return otherwise
	}
	at := t.p.Shape(r).Start
	return place{at.Line, at.Column}
}

// child returns the value of a key of a table, made if it is missing.
func (t *treeParser) child(table *node, key *unstable.Node) *node {
	name := string(key.Data)
	if n := table.index[name]; n != nil {
		return n
	}
	if table.index == nil {
		table.index = map[string]*node{}
	}
	at := t.place(key.Raw, table.place)
	n := &node{kind: tomlTable, place: at}
	table.entries, table.index[name] = append(table.entries, entry{at, name, n}), n
	return n
}

// descend goes from a table along a key, into the last element of lists.
func (t *treeParser) descend(n *node, key unstable.Iterator) *node {
	for key.Next() {
		n = last(t.child(n, key.Node()))
	}
	return n
}

// last returns the last element of a list of tables, and any other node.
func last(n *node) *node {
	if n.kind == tomlArray && len(n.items) > 0 {
		return n.items[len(n.items)-1]
	}
	return n
}

// element adds an element to the list of tables that a key names.
func (t *treeParser) element(n *node, key unstable.Iterator) *node {
	for key.Next() {
		c := t.child(n, key.Node())
		if !key.IsLast() {
			n = last(c)
			continue
		}
		c.kind = tomlArray
		n = &node{kind: tomlTable, place: t.place(key.Node().Raw, c.place)}
		c.items = append(c.items, n)
	}
	return n
}

// assign sets a key, which may be dotted, to its value.
func (t *treeParser) assign(table *node, x *unstable.Node) {
	t.fill(t.descend(table, x.Key()), x.Value())
}

// fill makes a node of a value.
func (t *treeParser) fill(n *node, v *unstable.Node) {
	switch v.Kind {
	case unstable.String:
		n.kind, n.text, n.place = tomlString, string(v.Data), t.place(v.Raw, n.place)
	case unstable.Bool:
		n.kind, n.text, n.place = tomlBool, string(v.Data), t.place(v.Raw, n.place)
	case unstable.InlineTable:
		n.kind, n.place = tomlTable, t.place(v.Raw, n.place)
		for it := v.Children(); it.Next(); {
			t.assign(n, it.Node())
		}
	case unstable.Array:
		n.kind = tomlArray
		for it := v.Children(); it.Next(); {
			if it.Node().Kind == unstable.Comment {
				continue
			}
			item := &node{place: n.place}
			t.fill(item, it.Node())
			n.items = append(n.items, item)
		}
	default:
		n.kind, n.place = tomlOther, t.place(v.Raw, n.place)
	}
}
