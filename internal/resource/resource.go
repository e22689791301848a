// Package resource reads resources from TOML files, in Komodo's form, says
// what they would change, changes it all at once, and writes resources as TOML
// again.
//
// What is read is complete, and every mistake is told with its file, line and
// column, before anything is compared; what is compared is complete before
// anything is changed.
package resource

import (
	"fmt"
	"path"
	"strings"
	"unicode/utf8"

	"rinca/internal/rinca"
	"rinca/internal/tomltree"
)

// Bounds of what is read.
const (
	maxFile  = 16 << 20
	maxFiles = 10_000
	maxTree  = 64 << 20
)

// A File is a TOML file. Path is for messages; Text may hold values.
type File struct {
	Path string
	Text rinca.Secret
}

// A Where is a place in a file.
type Where struct {
	File string
	tomltree.Place
}

// String returns "file:line:column".
func (w Where) String() string { return w.In(w.File) }

// A Set is what files say.
type Set struct {
	Variables  []Item[rinca.Variable]
	Groups     []Item[rinca.UserGroup]
	Servers    []Item[rinca.Server]
	Alerters   []Item[rinca.Alerter]
	Repos      []Item[rinca.Repo]
	Stacks     []Item[rinca.Stack]
	Syncs      []Item[rinca.ResourceSync]
	Procedures []Item[rinca.Procedure]

	// Foreign are names of resources of kinds that only Komodo has.
	Foreign map[string]bool
}

// Len returns how many resources there are.
func (s *Set) Len() int {
	return len(s.Variables) + len(s.Groups) + len(s.Servers) + len(s.Alerters) + len(s.Repos) + len(s.Stacks) + len(s.Syncs) + len(s.Procedures)
}

// An Item is one resource as a file says it.
type Item[T any] struct {
	Value T
	At    Where
	// RenamedFrom is the name that it had.
	RenamedFrom string
	Tags        []string
	// Hook is the secret of its webhook; not set keeps the one that it has.
	Hook rinca.Secret
	// Bare says that the file has no config for it: what is there stays.
	Bare bool
	// Sourceless says that the file names no source: the one that it has
	// stays.
	Sourceless bool

	keys map[string]tomltree.Place // where its keys have their values
}

// at returns where a key is, or else where the resource is.
func (it *Item[T]) at(key string) Where {
	if p, ok := it.keys[key]; ok {
		return Where{it.At.File, p}
	}
	return it.At
}

// Parse reads files. What only Komodo has is told in warnings. Everything that
// is wrong is told in one error, up to a limit, with code Invalid; it never
// quotes a value. Kinds are the kinds of executions that there are.
func Parse(files []File, kinds []rinca.ExecutionKind) (*Set, []string, error) {
	r := newReader(kinds)
	if len(files) > maxFiles {
		return nil, nil, rinca.Errorf(rinca.Invalid, "there are %d files; at most %d", len(files), maxFiles).Try("name the folder that has the resources")
	}
	total, seen := 0, map[string]bool{}
	for _, f := range files {
		total += f.Text.Len()
		switch {
		case !goodPath(f.Path):
			r.wrongf("%q is no path of a file", cut(f.Path))
			continue
		case seen[f.Path]:
			r.wrongf("%s is there twice", f.Path)
			continue
		case f.Text.Len() > maxFile:
			r.wrongf("%s is larger than %d MiB", f.Path, maxFile>>20)
			continue
		case total > maxTree:
			return nil, nil, rinca.Errorf(rinca.Invalid, "the files are larger than %d MiB together", maxTree>>20)
		}
		seen[f.Path] = true
		r.readFile(f)
	}
	r.duplicates()
	if err := r.err(); err != nil {
		return nil, r.warned(), err
	}
	return &r.set, r.warned(), nil
}

// goodPath reports whether a path can be shown, and means one file.
func goodPath(p string) bool {
	if p == "" || len(p) > 1000 || !utf8.ValidString(p) || path.Clean(p) != p {
		return false
	}
	return cut(p) == printed(p) && !strings.Contains("/"+p+"/", "/../")
}

// printed leaves out what is no text.
func printed(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f || r == utf8.RuneError || (r >= 0x80 && r < 0xa0) || r == 0x2028 || r == 0x2029 {
			return -1
		}
		return r
	}, s)
}

// cut is a name from a file as it may be shown.
func cut(s string) string {
	s = printed(s)
	if len(s) > 1000 {
		return fmt.Sprintf("%.1000s…", s)
	}
	return s
}
