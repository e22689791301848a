package draft

import (
	"fmt"
	"slices"

	"rinca/internal/envfile"
	"rinca/internal/generate"
	"rinca/internal/rinca"
)

func at(path string, line int, format string, args ...any) string {
	return fmt.Sprintf("%s:%d: ", path, line) + fmt.Sprintf(format, args...)
}

// A Draft is what would become of the items of several examples.
type Draft struct {
	Items []*Item
	vault []rinca.Item // what the vault has for these stacks
}

// An Item is one item to create or update.
type Item struct {
	File   File
	Fields []*Field // in the order of the example; optional ones only when given
	// Existing is the item that the vault has, or nil.
	Existing *rinca.Item
	// Kept are the names of the variables that only the vault has. They stay.
	Kept []string
	// Skip leaves the item as the vault has it.
	Skip bool

	optional map[string]*Field // commented out in the example
}

// An Action is what happens to an item.
type Action string

// The actions.
const (
	Create    Action = "create"
	Update    Action = "update"
	Unchanged Action = "unchanged"
)

// Action tells what writing the item would do, from the values known so far.
func (it *Item) Action() Action {
	switch {
	case it.Existing == nil:
		return Create
	case it.Untagged() || slices.ContainsFunc(it.Fields, func(f *Field) bool { return f.State() != Same }):
		return Update
	}
	return Unchanged
}

// Untagged reports whether the vault's item lacks the tag of the stack.
func (it *Item) Untagged() bool {
	return it.Existing != nil && !slices.Contains(it.Existing.Stacks(), it.File.Stack)
}

// Field returns the item's field for a variable, or nil. One that is
// commented out in the example is not among them.
func (it *Item) Field(key string) *Field {
	for _, f := range it.Fields {
		if f.Key == key {
			return f
		}
	}
	return nil
}

// A State compares a field with the vault.
type State string

// The states of a field.
const (
	New     State = "new"     // the vault has no such field
	Changed State = "changed" // the vault has another value
	Same    State = "same"
)

// An Origin says where a field's value comes from.
type Origin string

// The origins of values. None is the zero value.
const (
	None      Origin = ""
	Vault     Origin = "vault"     // the vault has it; it stays
	Given     Origin = "given"     // by --set, --set-file
	From      Origin = "file"      // by --from
	Asked     Origin = "entered"   // at the prompt
	Generated Origin = "generated" // by a recipe
	Derived   Origin = "derived"   // by a recipe, from other variables
	Example   Origin = "example"   // as the example has it
)

// A Field is one variable of an item.
type Field struct {
	Key       string
	Line      int // in the example; 0 when it is not there
	Comment   string
	Hint      envfile.Hint
	Concealed bool
	// Origin and Value are set once the value is known; Derived and
	// Generated values are made by Make.
	Origin Origin
	Value  rinca.Secret
	// Recipe is how the value is, or could be, made; nil when nothing tells.
	Recipe *generate.Spec
	// Default is the example's value, when that is one to use as it is.
	Default rinca.Secret
	// Missing says why there is no value.
	Missing string

	item     *Item
	stored   *rinca.Field // the vault's, or nil
	template string       // the example's value, when it refers to other variables
	asked    bool         // Recipe was given by the caller, for this value
}

// State compares the value with the vault's.
func (f *Field) State() State {
	switch {
	case f.stored == nil:
		return New
	case f.Origin != Vault && f.Value.IsSet() && !sameValue(f.Value, f.stored.Value):
		return Changed
	case f.Origin == None:
		return Changed // the vault's is a placeholder
	}
	return Same
}

// sameValue takes no value for an empty one, as vaults do.
func sameValue(a, b rinca.Secret) bool {
	return a.IsEmpty() && b.IsEmpty() || a.Equal(b)
}

// Open reports whether the field has no value yet, so that one may be asked
// for.
func (f *Field) Open() bool { return f.Origin == None }

// Enter gives the field a value.
func (f *Field) Enter(value rinca.Secret, origin Origin) {
	f.Value, f.Origin, f.Missing = value, origin, ""
}

// Use makes the field's value by a recipe, when Make runs.
func (f *Field) Use(recipe *generate.Spec) {
	f.Recipe, f.asked, f.Missing = recipe, true, ""
}

// Item returns the item that the field belongs to.
func (f *Field) Item() *Item { return f.item }
