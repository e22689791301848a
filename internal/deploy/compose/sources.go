package compose

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/compose-spec/compose-go/v2/paths"
	"github.com/compose-spec/compose-go/v2/template"

	"rinca/internal/rinca"
)

// maxSources is how many files a project may consist of.
const maxSources = 200

// maxSource is the largest compose file, in bytes.
const maxSource = 8 << 20

// sources serves the files of a project to Compose's loader, all of them
// through Project.Read, also those that are included and extended.
//
// The loader opens files by their path, and only the ones named first can be
// handed to it as text. What Read returns may hold secrets and is never
// written to a disk; so the others are files in memory, /proc/self/fd/N, and
// since such a path says nothing of the folder that relative paths in the file
// start from, every path of an include or extends is rewritten, before the
// loader sees it, into a reference: a marked string that says from where, and
// what. The loader interpolates references as it does any other text, which
// turns them into absolute ones, and then asks for them.
type sources struct {
	project rinca.Project
	policy  policy
	mark    string // nobody can guess it, so no file can hold a reference
	memory  map[target]string
	names   []string // pairs: what the loader calls a file, and its path
	open    []*os.File
	warned  map[string]bool
	failed  error // the first error of Read or of the policy
}

// A fileRef is a path as a file writes it, not interpolated yet.
type fileRef struct {
	Kind string // "include", "extends", "directory" or "env"
	Base string // where relative paths start from
	Path string
	// Of include: the folder of its project, and the first of its files,
	// whose folder that is when none is named.
	Directory, First string
}

// A target is a file, and the folder that relative paths in it start from.
type target struct{ Path, Base string }

func newSources(p rinca.Project, pol policy) *sources {
	return &sources{
		project: p, policy: pol, mark: "rinca:" + rand.Text() + ":",
		memory: map[target]string{}, warned: map[string]bool{},
	}
}

// close lets go of the files in memory.
func (s *sources) close() {
	for _, f := range s.open {
		f.Close()
	}
}

// read returns a compose file, with references in it.
func (s *sources) read(t target) ([]byte, error) {
	if err := s.policy.check("compose file", t.Path); err != nil {
		return nil, err
	}
	text, err := s.project.Read(t.Path)
	if err != nil {
		return nil, err
	}
	if text.Len() > maxSource {
		return nil, rinca.Errorf(rinca.Invalid, "%s has %d MB; a compose file has at most %d", t.Path, text.Len()>>20, maxSource>>20)
	}
	return s.withReferences(t, []byte(text.Reveal()))
}

// substitute interpolates a text, and turns references into absolute paths.
func (s *sources) substitute(text string, mapping template.Mapping) (string, error) {
	encoded, ok := strings.CutPrefix(text, s.mark)
	if !ok {
		return s.interpolate(text, mapping)
	}
	var r fileRef
	if err := json.Unmarshal([]byte(encoded), &r); err != nil {
		return "", err
	}
	var failed error
	absolute := func(base, path string) string {
		path, err := s.interpolate(path, mapping)
		if err != nil {
			failed = err
		}
		path = paths.ExpandUser(path)
		if !filepath.IsAbs(path) {
			path = filepath.Join(base, path)
		}
		return filepath.Clean(path)
	}
	directory := func() string {
		if r.Directory != "" {
			return absolute(r.Base, r.Directory)
		}
		return filepath.Dir(absolute(r.Base, r.First))
	}
	var out string
	switch r.Kind {
	case "include":
		out = s.ask(target{absolute(r.Base, r.Path), directory()})
	case "extends":
		path := absolute(r.Base, r.Path)
		out = s.ask(target{path, filepath.Dir(path)})
	case "directory":
		out = directory()
		// Without another env_file, the .env there is read.
		s.refuse(s.policy.check("folder of an include", out))
		if _, err := os.Lstat(filepath.Join(out, ".env")); err == nil {
			s.refuse(s.policy.check("env_file of an include", filepath.Join(out, ".env")))
		}
	case "env":
		out = absolute(r.Base, r.Path)
		if out != os.DevNull {
			s.refuse(s.policy.check("env_file of an include", out))
		}
	}
	if s.failed != nil && failed == nil {
		failed = s.failed
	}
	return out, failed
}

func (s *sources) refuse(err error) {
	if err != nil && s.failed == nil {
		s.failed = err
	}
}

// interpolate fills in ${NAME}, and warns once of each that is not set.
func (s *sources) interpolate(text string, mapping template.Mapping) (string, error) {
	return template.SubstituteWithOptions(text, mapping, template.WithoutLogging, template.WithReplacementFunction(
		func(sub string, m template.Mapping, cfg *template.Config) (string, error) {
			name := strings.TrimSuffix(strings.TrimPrefix(strings.TrimPrefix(sub, "$"), "{"), "}")
			if rinca.ValidVariableName(name) && !s.warned[name] {
				if _, set := m(name); !set {
					s.warned[name] = true
					if s.project.Warn != nil {
						s.project.Warn("${" + name + "} is not set; it stands for an empty text")
					}
				}
			}
			return template.DefaultReplacementFunc(sub, m, cfg)
		}))
}

// ask is how the loader asks for a target.
func (s *sources) ask(t target) string {
	text, err := json.Marshal(t)
	if err != nil {
		return t.Path
	}
	return s.mark + string(text)
}

func (s *sources) asked(path string) (target, bool) {
	encoded, ok := strings.CutPrefix(path, s.mark)
	if !ok {
		return target{}, false
	}
	var t target
	return t, json.Unmarshal([]byte(encoded), &t) == nil && t.Path != ""
}

// Accept takes every path: none is left to the loader.
func (s *sources) Accept(string) bool { return true }

// Dir returns the folder that relative paths of a file start from.
func (s *sources) Dir(path string) string {
	if t, ok := s.asked(path); ok {
		return t.Base
	}
	return s.project.Dir
}

// Load makes a file in memory of what is asked for, once.
func (s *sources) Load(_ context.Context, path string) (string, error) {
	t, ok := s.asked(path)
	switch {
	case ok:
	case strings.HasPrefix(path, "/proc/self/fd/"): // loaded already
		return path, nil
	case strings.Contains(path, "://"), strings.HasPrefix(path, "git@"):
		return "", s.note(rinca.Errorf(rinca.Invalid, "%s is not a file: what is included must be in the source", path).
			Try("add it to the repository, or to the stack's sparse folders"))
	default:
		if !filepath.IsAbs(path) {
			path = filepath.Join(s.project.Dir, path)
		}
		t = target{filepath.Clean(path), s.project.Dir}
	}
	if strings.Contains(t.Path, ":/") {
		return "", s.note(rinca.Errorf(rinca.Invalid, "%s is not a file: what is included must be in the source", t.Path))
	}
	if known, ok := s.memory[t]; ok {
		return known, nil
	}
	if len(s.memory) >= maxSources {
		return "", s.note(rinca.Errorf(rinca.Invalid, "the project includes more than %d files, perhaps itself", maxSources).
			Try("look for a circle of include or extends"))
	}
	text, err := s.read(t)
	if err != nil {
		return "", s.note(err)
	}
	f, err := memoryFile("compose", text)
	if err != nil {
		return "", s.note(err)
	}
	s.open = append(s.open, f)
	s.memory[t] = memoryPath(f)
	s.names = append(s.names, s.ask(t), t.Path, memoryPath(f), t.Path)
	return s.memory[t], nil
}

func (s *sources) note(err error) error {
	s.refuse(err)
	return err
}

// explain gives an error of the loader our form: the true names of files, and
// the code and hint of what went wrong below.
func (s *sources) explain(err error) error {
	if s.failed != nil {
		return s.failed
	}
	if known, ok := errors.AsType[*rinca.Error](err); ok {
		return known
	}
	text := strings.NewReplacer(s.longestFirst()...).Replace(err.Error())
	return rinca.Errorf(rinca.Invalid, "load project %s: %s", s.project.Name, text).Because(err)
}

// longestFirst orders the names so that /proc/self/fd/11 is not taken for
// /proc/self/fd/1 with a 1.
func (s *sources) longestFirst() []string {
	pairs := slices.Collect(slices.Chunk(s.names, 2))
	slices.SortFunc(pairs, func(a, b []string) int { return len(b[0]) - len(a[0]) })
	return slices.Concat(pairs...)
}
