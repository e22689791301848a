// Package draft turns .env.example files into items of a vault: it compares
// what an example asks for with what the vault has, takes values from its
// caller, makes the ones that have a recipe, and writes each item once.
//
// A value that the vault has is kept: it is never made anew, and replaced
// only by one that the caller gives. Nothing here asks or prints.
package draft

import (
	"path/filepath"
	"slices"
	"strings"

	"rinca/internal/envfile"
	"rinca/internal/rinca"
)

// A File is an example that has been read, and the item it describes.
type File struct {
	Path    string // as the user wrote it, for messages
	Stack   string
	Title   string
	Entries []envfile.Entry
}

// Names say what an item is called, where the path does not; empty means
// that the path decides.
type Names struct{ Stack, Title string }

// Read parses an example. abs is its absolute path: the stack is its
// directory's name, the title is the file's name without ".example". A file
// called just .env.example is titled after the stack.
func Read(path, abs string, data []byte, names Names) (File, error) {
	f := File{Path: path, Stack: names.Stack, Title: names.Title}
	if f.Stack == "" {
		f.Stack = filepath.Base(filepath.Dir(abs))
	}
	if !rinca.ValidStackName(f.Stack) {
		return f, rinca.Errorf(rinca.Invalid, "%s: %q names no stack", path, f.Stack).Try("--stack NAME")
	}
	if f.Title == "" {
		f.Title = titleOf(filepath.Base(abs), f.Stack)
	}
	if why := rinca.TitleProblem(f.Title); why != "" {
		return f, rinca.Errorf(rinca.Invalid, "%s: the title %q %s", path, f.Title, why).Try("--title %s.env", f.Stack)
	}
	var err error
	if f.Entries, err = envfile.Parse(data); err != nil {
		return f, rinca.Errorf(rinca.Invalid, "%s:%w", path, err)
	}
	return f, f.check()
}

// exampleEndings are the endings of the names of example files.
var exampleEndings = []string{".example", ".sample", ".template", ".dist"}

func titleOf(base, stack string) string {
	for _, e := range exampleEndings {
		if name, ok := strings.CutSuffix(base, e); ok {
			base = name
			break
		}
	}
	if base == ".env" || base == "env" {
		return stack + rinca.EnvSuffix
	}
	return base
}

// check finds names that no reader takes, and variables that are there twice.
func (f *File) check() error {
	var problems []string
	line := map[string]int{}
	for _, e := range f.Entries {
		switch {
		case !envfile.ValidKey(e.Key):
			problems = append(problems, at(f.Path, e.Line, "%q is no name for a variable: use letters, digits and _, not starting with a digit", e.Key))
		case e.Optional:
		case line[e.Key] > 0:
			problems = append(problems, at(f.Path, e.Line, "%s is on line %d already", e.Key, line[e.Key]))
		default:
			line[e.Key] = e.Line
		}
	}
	if len(problems) > 0 {
		return rinca.Errorf(rinca.Invalid, "%s", strings.Join(problems, "\n"))
	}
	if !slices.ContainsFunc(f.Entries, func(e envfile.Entry) bool { return !e.Optional }) {
		return rinca.Errorf(rinca.Invalid, "%s: there is no variable in it", f.Path).Try("a line KEY=value for each variable of the stack")
	}
	return nil
}
