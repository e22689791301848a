// Package tomltree reads TOML documents as trees that know where in the file
// everything is, so that what is wrong can be told with its line and column.
package tomltree

import (
	"errors"
	"fmt"
	"slices"
	"unicode/utf8"

	"github.com/pelletier/go-toml/v2"
	"github.com/pelletier/go-toml/v2/unstable"

	"rinca/internal/rinca"
)

// A Kind is what a node of a document is.
type Kind int

// The kinds of nodes.
const (
	Other Kind = iota // dates
	String
	Bool
	Number
	Table
	Array
)

// A Place is where something begins in a document, counted from 1. A tab or
// a letter of several bytes counts as so many columns as it has bytes.
type Place struct{ Line, Column int }

// In returns "file:line:column".
func (p Place) In(file string) string {
	return fmt.Sprintf("%s:%d:%d", file, max(p.Line, 1), max(p.Column, 1))
}

// A Node is a value of a document; lists and tables begin where their keys do.
type Node struct {
	Place
	Kind    Kind
	Text    string  // of a string its value, of a number or a truth value as it is written
	Entries []Entry // of a table, in order
	Items   []*Node // of an array

	index map[string]*Node
}

// An Entry is a key of a table, where it begins, and its value.
type Entry struct {
	Place
	Key  string
	Node *Node
}

// Get returns the value of a key of a table, or nil.
func (n *Node) Get(key string) *Node { return n.index[key] }

// maxParts bounds how many parts a dotted key has.
const maxParts = 100

// Parse reads a document. Errors have code Invalid, say where, and quote
// nothing of it.
func Parse(file, text string) (*Node, error) { return parse(file, plainTOML(text)) }

// ParseLiteral reads a document in which backslashes between """ and """ are
// just that.
func ParseLiteral(file, text string) (*Node, error) { return parse(file, literal(text)) }

// parse reads a document. The first pass finds everything that is no TOML,
// keys that are given twice too; the second keeps positions.
func parse(file string, d dialect) (*Node, error) {
	t := &treeParser{dialect: d}
	t.index()
	if at := t.tooDeep(); at >= 0 {
		return nil, rinca.Errorf(rinca.Invalid, "%s: a key has more than %d parts", t.at(at).In(file), maxParts)
	}
	if !utf8.ValidString(d.text) {
		return nil, rinca.Errorf(rinca.Invalid, "%s: this is not UTF-8", t.at(invalidAt(d.text)).In(file))
	}
	data := []byte(d.text)
	var whole map[string]any
	if err := toml.Unmarshal(data, &whole); err != nil {
		// Not err's own text: it may quote the file.
		at := Place{1, 1}
		if e, ok := errors.AsType[*toml.DecodeError](err); ok {
			at = t.shown(e.Position())
		}
		return nil, rinca.Errorf(rinca.Invalid, "%s: this is not TOML, or a key is there twice", at.In(file)).Because(err)
	}
	root := &Node{Kind: Table, Place: Place{1, 1}}
	table := root
	t.p.Reset(data)
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
		return nil, rinca.Errorf(rinca.Invalid, "%s: this is not TOML", root.In(file)).Because(err)
	}
	return root, nil
}

func invalidAt(text string) int {
	for i, r := range text {
		if r == utf8.RuneError {
			if _, n := utf8.DecodeRuneInString(text[i:]); n <= 1 {
				return i
			}
		}
	}
	return 0
}

type treeParser struct {
	dialect
	p     unstable.Parser
	lines []int // offsets where lines begin
}

func (t *treeParser) index() {
	t.lines = []int{0}
	for i := range len(t.text) {
		if t.text[i] == '\n' {
			t.lines = append(t.lines, i+1)
		}
	}
}

// tooDeep returns where a key begins to have too many parts, or -1: the
// parser calls itself for each.
func (t *treeParser) tooDeep() int {
	dots, at := 0, 0
	for at < len(t.text) {
		n := token(t.text[at:])
		if c := t.text[at]; c != '"' && c != '\'' && c != '#' {
			for i := at; i < at+n; i++ {
				switch t.text[i] {
				case '.':
					dots++
				case '\n', '=', ',', '{', '[':
					dots = 0
				}
				if dots >= maxParts {
					return i
				}
			}
		}
		at += n
	}
	return -1
}

// at is the place of an offset of the text that is parsed.
func (t *treeParser) at(offset int) Place {
	line, found := slices.BinarySearch(t.lines, offset)
	if !found {
		line--
	}
	return t.shown(line+1, offset-t.lines[line]+1)
}

// shown is a place in the original, of a line and a column in what is parsed.
func (t *treeParser) shown(line, column int) Place {
	if len(t.inserted) > 0 && line >= 1 && line <= len(t.lines) {
		start := t.lines[line-1]
		from, _ := slices.BinarySearch(t.inserted, start)
		to, _ := slices.BinarySearch(t.inserted, start+column-1)
		column -= to - from
	}
	return Place{line, column}
}

// place returns where a range begins, or otherwise when it has no place.
func (t *treeParser) place(r unstable.Range, otherwise Place) Place {
	if r.Length == 0 {
		return otherwise
	}
	return t.at(int(r.Offset))
}

// child returns the value of a key of a table, made if it is missing.
func (t *treeParser) child(table *Node, key *unstable.Node) *Node {
	name := string(key.Data)
	if n := table.index[name]; n != nil {
		return n
	}
	if table.index == nil {
		table.index = map[string]*Node{}
	}
	at := t.place(key.Raw, table.Place)
	n := &Node{Kind: Table, Place: at}
	table.Entries, table.index[name] = append(table.Entries, Entry{at, name, n}), n
	return n
}

// descend goes from a table along a key, into the last element of lists.
func (t *treeParser) descend(n *Node, key unstable.Iterator) *Node {
	for key.Next() {
		n = last(t.child(n, key.Node()))
	}
	return n
}

// last returns the last element of a list of tables, and any other node.
func last(n *Node) *Node {
	if n.Kind == Array && len(n.Items) > 0 {
		return n.Items[len(n.Items)-1]
	}
	return n
}

// element adds an element to the list of tables that a key names.
func (t *treeParser) element(n *Node, key unstable.Iterator) *Node {
	for key.Next() {
		c := t.child(n, key.Node())
		if !key.IsLast() {
			n = last(c)
			continue
		}
		c.Kind = Array
		n = &Node{Kind: Table, Place: t.place(key.Node().Raw, c.Place)}
		c.Items = append(c.Items, n)
	}
	return n
}

// assign sets a key, which may be dotted, to its value.
func (t *treeParser) assign(table *Node, x *unstable.Node) {
	t.fill(t.descend(table, x.Key()), x.Value())
}

// fill makes a node of a value.
func (t *treeParser) fill(n *Node, v *unstable.Node) {
	switch v.Kind {
	case unstable.String:
		n.Kind, n.Text, n.Place = String, string(v.Data), t.place(v.Raw, n.Place)
	case unstable.Bool:
		n.Kind, n.Text, n.Place = Bool, string(v.Data), t.place(v.Raw, n.Place)
	case unstable.Integer, unstable.Float:
		n.Kind, n.Text, n.Place = Number, string(v.Data), t.place(v.Raw, n.Place)
	case unstable.InlineTable:
		n.Kind, n.Place = Table, t.place(v.Raw, n.Place)
		for it := v.Children(); it.Next(); {
			t.assign(n, it.Node())
		}
	case unstable.Array:
		n.Kind = Array
		for it := v.Children(); it.Next(); {
			if it.Node().Kind == unstable.Comment {
				continue
			}
			item := &Node{Place: n.Place}
			t.fill(item, it.Node())
			n.Items = append(n.Items, item)
		}
	default:
		n.Kind, n.Place = Other, t.place(v.Raw, n.Place)
	}
}
