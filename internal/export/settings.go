package export

import (
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"strconv"
	"strings"

	"rinca/internal/atomicfile"
	"rinca/internal/envfile"
	"rinca/internal/rinca"
)

// Settings say how a file is written; an empty one is not given.
type Settings struct {
	Mode   string `json:"mode,omitempty" toml:"mode"`   // octal, such as "0640"
	Owner  string `json:"owner,omitempty" toml:"owner"` // a name or an id
	Group  string `json:"group,omitempty" toml:"group"` // a name or an id
	Format string `json:"format,omitempty" toml:"format"`
}

// StackSettings are a stack's, and those of single items by title.
type StackSettings struct {
	Settings
	Items map[string]Settings
}

// Rules are all the settings of a run. Of several that are given, the first of
// this list holds: Flags, the item's in Stacks, the stack's in Stacks, the
// fields of the item's own section "rinca", Default, mode 0600 and the
// process's own owner.
type Rules struct {
	Flags   Settings
	Default Settings
	Stacks  map[string]StackSettings
	// UserID and GroupID look names up. They are not asked for numbers.
	UserID  func(name string) (int, error)
	GroupID func(name string) (int, error)
}

// An Attr is settings after everything is looked up. UID and GID are -1 where
// nothing was asked for.
type Attr struct {
	Mode   fs.FileMode
	UID    int
	GID    int
	Format envfile.Format
}

// over returns s, with what is missing taken from under.
func (s Settings) over(under Settings) Settings {
	pick := func(a, b string) string {
		if a != "" {
			return a
		}
		return b
	}
	return Settings{
		Mode: pick(s.Mode, under.Mode), Owner: pick(s.Owner, under.Owner),
		Group: pick(s.Group, under.Group), Format: pick(s.Format, under.Format),
	}
}

// stack returns what holds for a whole stack, and so for its directory.
func (r Rules) stack(name string) Settings {
	return r.Flags.over(r.Stacks[name].Settings).over(r.Default)
}

// file returns what holds for one file, whose item asks for own.
func (r Rules) file(stack, title string, own Settings) Settings {
	s := r.Stacks[stack]
	return r.Flags.over(s.Items[title]).over(s.Settings).over(own).over(r.Default)
}

// resolve checks settings and looks names up. Errors have code Invalid.
func (r Rules) resolve(s Settings) (Attr, error) {
	a := Attr{Mode: 0o600, UID: -1, GID: -1}
	var err error
	if s.Mode != "" {
		if a.Mode, err = ParseMode(s.Mode); err != nil {
			return Attr{}, err
		}
	}
	if a.UID, err = lookUp("owner", s.Owner, r.UserID); err != nil {
		return Attr{}, err
	}
	if a.GID, err = lookUp("group", s.Group, r.GroupID); err != nil {
		return Attr{}, err
	}
	if a.Format, err = envfile.ParseFormat(s.Format); err != nil {
		return Attr{}, rinca.Errorf(rinca.Invalid, "%w", err)
	}
	return a, nil
}

// Attr returns what Flags alone say about a file. Its error has code Invalid.
func (r Rules) Attr() (Attr, error) { return r.resolve(r.Flags) }

// Check finds what is wrong in rules before anything is asked of a vault. Its
// error has code Usage and says where.
func (r Rules) Check() error {
	check := func(where string, s Settings) error {
		_, err := r.resolve(s)
		if err == nil {
			return nil
		}
		return rinca.Errorf(rinca.Usage, "%s%w", where, err).Try("%s", hint(err))
	}
	if err := check("", r.Flags); err != nil {
		return err
	}
	if err := check("[export]: ", r.Default); err != nil {
		return err
	}
	for _, stack := range slices.Sorted(maps.Keys(r.Stacks)) {
		s := r.Stacks[stack]
		if err := check(fmt.Sprintf("[export.stack.%s]: ", stack), s.Settings); err != nil {
			return err
		}
		for _, title := range slices.Sorted(maps.Keys(s.Items)) {
			if err := check(fmt.Sprintf("[export.stack.%s.item.%q]: ", stack, title), s.Items[title]); err != nil {
				return err
			}
		}
	}
	return nil
}

// ParseMode reads an octal mode of a file that holds secrets: its owner can
// read it, nobody can execute it, and not everybody can write it.
func ParseMode(s string) (fs.FileMode, error) {
	n, err := strconv.ParseUint(strings.TrimPrefix(s, "0o"), 8, 32)
	if err != nil || n > 0o7777 {
		return 0, rinca.Errorf(rinca.Invalid, "mode %q is not an octal number", s).Try(`a mode such as "0640"`)
	}
	m := fs.FileMode(n)
	switch {
	case n > 0o777 || m&0o111 != 0:
		return 0, rinca.Errorf(rinca.Invalid, "mode %q makes a file of secrets executable", s).Try(`a mode such as "0640"`)
	case m&0o400 == 0:
		return 0, rinca.Errorf(rinca.Invalid, "mode %q keeps the owner from reading the file", s).Try(`a mode such as "0600"`)
	case m&0o002 != 0:
		return 0, rinca.Errorf(rinca.Invalid, "mode %q lets everybody write the file", s).Try(`a mode such as "0660"`)
	}
	return m, nil
}

// lookUp turns a name or an id into an id; -1 for "".
func lookUp(what, s string, byName func(string) (int, error)) (int, error) {
	if s == "" {
		return -1, nil
	}
	if n, err := strconv.ParseUint(s, 10, 31); err == nil {
		return int(n), nil
	}
	if byName != nil && !strings.HasPrefix(s, "-") {
		if id, err := byName(s); err == nil {
			return id, nil
		}
	}
	return 0, rinca.Errorf(rinca.Invalid, "this system knows no %s %q", what, s).
		Try("give its number, which also works where there is no /etc/passwd")
}

// dirAttr derives the attributes of a stack's directory from those of its
// files: whoever may read a file may enter the directory.
func dirAttr(stack Attr, files []Attr) Attr {
	mode := stack.Mode
	var enter fs.FileMode
	for _, f := range files {
		mode |= f.Mode
		// An owner or group that differs from the directory's comes in as
		// one of the others.
		if (f.UID != stack.UID && f.UID != -1) || (f.GID != stack.GID && f.GID != -1 && f.Mode&0o040 != 0) {
			enter = 0o001
		}
	}
	return Attr{Mode: mode | mode&0o444>>2 | 0o700 | enter, UID: stack.UID, GID: stack.GID}
}

// file returns the attributes in the words of atomicfile.
func (a Attr) file() atomicfile.Attr { return atomicfile.Attr{Mode: a.Mode, UID: a.UID, GID: a.GID} }
