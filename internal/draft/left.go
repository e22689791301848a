package draft

import (
	"slices"

	"rinca/internal/rinca"
)

// A Leftover is a variable of the vault that has the value which this draft
// replaces somewhere else in the stack, and that keeps it.
type Leftover struct {
	Title, Key   string // where the old value stays
	Source, From string // the item and the variable that get a new one
}

// minShared is the length from which equal values are no coincidence.
const minShared = 8

// Leftovers finds what would no longer match: a password that changes in
// postgres.env and stays in authentik.env. Values are compared, not shown.
func (d *Draft) Leftovers() []Leftover {
	var left []Leftover
	for _, it := range d.Items {
		for _, f := range it.Fields {
			if it.Skip || f.State() != Changed || f.stored == nil || f.stored.Value.Len() < minShared || !f.Concealed {
				continue
			}
			left = append(left, d.holders(it, f)...)
		}
	}
	return left
}

// holders finds the variables of the stack that keep the old value of f.
func (d *Draft) holders(it *Item, f *Field) []Leftover {
	var left []Leftover
	for i := range d.vault {
		other := &d.vault[i]
		if !slices.Contains(other.Stacks(), it.File.Stack) {
			continue
		}
		for j := range other.Fields {
			g := &other.Fields[j]
			if other.Variable(*g) && g != f.stored && g.Value.Equal(f.stored.Value) && !d.changes(g) {
				left = append(left, Leftover{other.Title, g.Label, it.File.Title, f.Key})
			}
		}
	}
	return left
}

// changes reports whether this draft replaces the value of a vault's field.
func (d *Draft) changes(stored *rinca.Field) bool {
	for _, it := range d.Items {
		for _, f := range it.Fields {
			if f.stored == stored {
				return !it.Skip && f.State() == Changed
			}
		}
	}
	return false
}
