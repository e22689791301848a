package compose

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"strings"

	"go.yaml.in/yaml/v4"

	"rinca/internal/rinca"
)

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
			if m.Content[i].Value == "file" && file.Kind == yaml.ScalarNode && file.ShortTag() == "!!str" && file.Value != "" && !strings.HasPrefix(file.Value, s.mark) {
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
