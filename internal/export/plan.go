package export

import (
	"path/filepath"
	"time"

	"rinca/internal/rinca"
)

// An Action is what happens, or has happened, to a file.
type Action string

// The actions.
const (
	Exported    Action = "exported"    // there was no file
	Updated     Action = "updated"     // the content changed
	Repaired    Action = "repaired"    // somebody had changed the file
	Permissions Action = "permissions" // mode or owner alone changed
	Unchanged   Action = "unchanged"   // nothing is written
	Stale       Action = "stale"       // ours, gone from the vault, still there
	Pruned      Action = "pruned"      // ours, gone from the vault, removed
	Offline     Action = "offline"     // the vault was not asked
)

// A Plan says what an export would do, or has done. It holds no values but the
// new contents, as secrets.
type Plan struct {
	Vault    rinca.Vault
	Dest     string
	Stacks   []Stack
	Notes    []string
	Requests int // sent to the vault, so far as can be told
	Offline  bool
	// anyItems tells that the vault lists items of stacks at all.
	anyItems bool
}

// A Stack is the part of a plan for one stack: all of its files, or, with Err,
// none.
type Stack struct {
	Name  string
	Files []File
	// Err is why nothing of the stack is changed. Problems are its parts when
	// there are several.
	Err      error
	Problems []string
	Notes    []string
	// DirChange says how the directory's permissions change; "" when not.
	DirChange string

	dirAttr   Attr
	dirExists bool
}

// A File is the part of a plan for one file.
type File struct {
	Title   string
	Action  Action
	Item    string // the id of the item; "" for one that is gone
	Version int64
	// Drift says what was found on disk that no export had left there.
	Drift string
	// Held says why the file stays as it is, whatever the vault has; "" when
	// it does not.
	Held string
	// Change says how the permissions change; "" when not.
	Change string
	Keys   Keys
	// Age is how long ago the file was written, where the vault was not asked.
	Age time.Duration
	// Because says which keys keep readers without quoting from the file.
	Because []string

	attr  Attr
	disk  diskState
	data  rinca.Secret // the new content, where the action writes it
	entry entry        // what the manifest is to hold
	note  bool         // the manifest has to be told
	// copied tells that a change of permissions needs a new file.
	copied bool
}

// writes reports whether the action replaces the content.
func (f *File) writes() bool {
	return f.Action == Exported || f.Action == Updated || f.Action == Repaired
}

// changes reports whether anything on disk changes.
func (f *File) changes() bool { return f.writes() || f.Action == Permissions || f.Action == Pruned }

// Changes reports whether anything of the stack changes on disk.
func (s *Stack) Changes() bool {
	if s.Err != nil {
		return false
	}
	for i := range s.Files {
		if s.Files[i].changes() {
			return true
		}
	}
	return s.DirChange != "" && len(s.Files) > 0
}

// Changes reports whether anything changes on disk.
func (p *Plan) Changes() bool {
	for i := range p.Stacks {
		if p.Stacks[i].Changes() {
			return true
		}
	}
	return false
}

// Count returns how many files there are by action.
func (s *Stack) Count() map[Action]int {
	n := map[Action]int{}
	for _, f := range s.Files {
		n[f.Action]++
	}
	return n
}

// Err returns nil when no stack failed; the error of the stacks when all of
// them failed for one kind of reason; else an error with code Partial.
func (p *Plan) Err() error {
	var failed []error
	for _, s := range p.Stacks {
		if s.Err != nil {
			failed = append(failed, s.Err)
		}
	}
	if len(failed) == 0 {
		return nil
	}
	code := rinca.CodeOf(failed[0])
	for _, err := range failed {
		if rinca.CodeOf(err) != code {
			code = rinca.Partial
		}
	}
	if len(failed) < len(p.Stacks) {
		code = rinca.Partial
	}
	return rinca.Errorf(code, "%d of %d stacks failed", len(failed), len(p.Stacks)).Because(failed[0])
}

// Dir returns the directory of a stack.
func (p *Plan) Dir(stack string) string { return filepath.Join(p.Dest, stack) }
