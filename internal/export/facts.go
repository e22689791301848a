package export

import (
	"time"

	"rinca/internal/rinca"
)

// Facts are everything a plan is decided from: what the vault lists, what the
// manifest remembers, what is on disk, what was fetched and rendered.
type Facts struct {
	Vault  rinca.Vault
	Dest   string
	Rules  Rules
	Now    time.Time
	stacks []*stackFacts
	// anyItems tells that the vault lists items of stacks at all.
	anyItems bool
}

// stackFacts are the facts about one stack.
type stackFacts struct {
	choice  choice
	missing error // the vault has no items for it
	dir     dirState
	files   []*fileFacts
	orphans []orphan
	err     error // the directory cannot be used, the items not fetched
}

// dirState is the directory of a stack.
type dirState struct {
	exists bool
	stat   stat
}

// fileFacts are the facts about one file that the vault says should exist.
type fileFacts struct {
	name  string // "stack/title"
	item  listedItem
	known bool // entry holds
	entry entry
	disk  diskState
	// out is the item, rendered; nil when it was not fetched.
	out     *rendering
	fetched rinca.Info // the item's own word on its version
	digest  string     // of out
	// oldDigest is that of the file on disk, "" when it was not read.
	oldDigest string
	keys      Keys
	held      string // why the file stays as it is
}

// diskState is what is on disk under a name.
type diskState struct {
	kind kind
	stat stat
	// intact tells that the content is what the manifest says.
	intact bool
	// moved tells that the manifest's stat is out of date nevertheless.
	moved bool
}

// An orphan is a file of ours that the vault no longer has.
type orphan struct {
	name string
	disk diskState
}

// needs reports whether the item has to be fetched to decide about its file.
func (f *fileFacts) needs(vaultID, stack string, rules Rules, allowPlaceholders bool) bool {
	switch {
	case f.disk.kind == special:
		return false // refused, whatever the item says
	case f.held != "":
		return false // it stays, whatever the item says
	case !f.known, f.entry.Vault != vaultID, f.entry.Item != f.item.ID, f.entry.Rule != renderRule:
		return true
	case !f.unchanged():
		return true
	case f.disk.kind != regular, !f.disk.intact, f.disk.stat.Links > 1:
		return true
	case f.entry.Placeholders && !allowPlaceholders:
		return true
	}
	attr, err := rules.resolve(rules.file(stack, f.item.Title, f.entry.Own))
	return err != nil || string(attr.Format) != f.entry.Format
}

// unchanged reports whether the vault lists the version that was exported.
// Times are compared, never ordered: clocks may be set back. Where the vault
// counts no versions, only its times can tell.
func (f *fileFacts) unchanged() bool {
	e, i := f.entry, f.item
	if e.Version != i.Version {
		return false
	}
	if e.UpdatedAt.IsZero() || i.UpdatedAt.IsZero() {
		return i.Version != 0
	}
	return e.UpdatedAt.Equal(i.UpdatedAt)
}
