package compose

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/compose-spec/compose-go/v2/paths"
	"github.com/compose-spec/compose-go/v2/template"
	"go.yaml.in/yaml/v4"

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

// withReferences writes references into a file that includes or extends others.
func (s *sources) withReferences(t target, text []byte) ([]byte, error) {
	if !bytes.Contains(text, []byte("include")) && !bytes.Contains(text, []byte("extends")) {
		return text, nil
	}
	var out bytes.Buffer
	decoder, encoder := yaml.NewDecoder(bytes.NewReader(text)), yaml.NewEncoder(&out)
	changed := false
	for {
		var doc yaml.Node
		err := decoder.Decode(&doc)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return text, nil //nolint:nilerr // the loader says it better
		}
		if len(doc.Content) == 1 && s.refer(t, doc.Content[0]) {
			changed = true
		}
		nameNulls(&doc)
		if err := encoder.Encode(&doc); err != nil {
			return nil, rinca.Errorf(rinca.Invalid, "read %s: %w", t.Path, err)
		}
	}
	if !changed {
		return text, nil
	}
	if err := encoder.Close(); err != nil {
		return nil, rinca.Errorf(rinca.Invalid, "read %s: %w", t.Path, err)
	}
	return out.Bytes(), nil
}

// refer writes references into a document, and reports whether it did.
func (s *sources) refer(t target, root *yaml.Node) bool {
	changed := false
	if root.Kind == yaml.MappingNode {
		for i := 0; i+1 < len(root.Content); i += 2 {
			if root.Content[i].Value == "include" {
				root.Content[i+1] = keepAnchor(root.Content[i+1], s.includes(t, root.Content[i+1]))
				changed = true
			}
		}
	}
	// Services may come by anchors and merges; extends looks the same everywhere.
	walk(root, func(key string, value *yaml.Node) {
		m := real(value)
		if key != "extends" || m.Kind != yaml.MappingNode {
			return
		}
		for i := 0; i+1 < len(m.Content); i += 2 {
			file := real(m.Content[i+1])
			if m.Content[i].Value == "file" && file.Kind == yaml.ScalarNode && !strings.HasPrefix(file.Value, s.mark) {
				ref := s.reference(fileRef{Kind: "extends", Base: t.Base, Path: file.Value})
				m.Content[i+1] = keepAnchor(m.Content[i+1], ref)
				changed = true
			}
		}
	})
	return changed
}

// nameNulls writes out values that are left out, as in {KEY:}: the encoder would
// make empty texts of them.
func nameNulls(n *yaml.Node) {
	if n.Kind == yaml.ScalarNode && n.ShortTag() == "!!null" && n.Value == "" && n.Style == 0 {
		n.Value = "null"
	}
	for _, c := range n.Content {
		nameNulls(c)
	}
}

// keepAnchor gives a node the anchor of the one that it replaces.
func keepAnchor(old, replacement *yaml.Node) *yaml.Node {
	if old != replacement {
		replacement.Anchor = old.Anchor
	}
	return replacement
}

func (s *sources) includes(t target, list *yaml.Node) *yaml.Node {
	list = real(list)
	if list.Kind != yaml.SequenceNode {
		return list // the loader says what is wrong
	}
	out := &yaml.Node{Kind: yaml.SequenceNode, Tag: "!!seq"}
	for _, entry := range list.Content {
		n := real(entry)
		switch n.Kind {
		case yaml.ScalarNode:
			n = s.include(t, include{files: []string{n.Value}})
		case yaml.MappingNode:
			if in := readInclude(n); len(in.files) > 0 {
				n = s.include(t, in)
			}
		}
		out.Content = append(out.Content, keepAnchor(entry, n))
	}
	return out
}

// An include is an entry of a file's list.
type include struct {
	files     []string
	directory string
	env       []string
	hasEnv    bool
}

func readInclude(n *yaml.Node) (in include) {
	for i := 0; i+1 < len(n.Content); i += 2 {
		value := real(n.Content[i+1])
		switch n.Content[i].Value {
		case "path":
			in.files = scalars(value)
		case "project_directory":
			in.directory = value.Value
		case "env_file":
			in.env, in.hasEnv = scalars(value), true
		}
	}
	return in
}

func (s *sources) include(t target, in include) *yaml.Node {
	list := func(kind string, files []string) *yaml.Node {
		out := &yaml.Node{Kind: yaml.SequenceNode, Tag: "!!seq"}
		for _, f := range files {
			out.Content = append(out.Content, s.reference(fileRef{
				Kind: kind, Base: t.Base, Path: f, Directory: in.directory, First: in.files[0],
			}))
		}
		return out
	}
	entry := &yaml.Node{Kind: yaml.MappingNode, Tag: "!!map", Content: []*yaml.Node{
		word("path"), list("include", in.files),
		word("project_directory"), list("directory", []string{""}).Content[0],
	}}
	if in.hasEnv {
		entry.Content = append(entry.Content, word("env_file"), list("env", in.env))
	}
	return entry
}

func word(s string) *yaml.Node {
	return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: s, Style: yaml.DoubleQuotedStyle}
}

func (s *sources) reference(r fileRef) *yaml.Node {
	text, err := json.Marshal(r)
	if err != nil {
		text = []byte("{}") // strings always encode
	}
	return word(s.mark + string(text))
}

// real is the node that an alias stands for.
func real(n *yaml.Node) *yaml.Node {
	for n.Kind == yaml.AliasNode && n.Alias != nil {
		n = n.Alias
	}
	return n
}

func scalars(n *yaml.Node) []string {
	switch n.Kind {
	case yaml.ScalarNode:
		return []string{n.Value}
	case yaml.SequenceNode:
		var out []string
		for _, e := range n.Content {
			out = append(out, real(e).Value)
		}
		return out
	}
	return nil
}

// walk visits each pair of each mapping; aliases are not followed, since what
// they stand for is visited where it is.
func walk(n *yaml.Node, visit func(key string, value *yaml.Node)) {
	for i, c := range n.Content {
		if n.Kind == yaml.MappingNode && i%2 == 1 {
			visit(n.Content[i-1].Value, c)
		}
		walk(c, visit)
	}
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
