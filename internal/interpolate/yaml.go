package interpolate

import (
	"bytes"
	"errors"
	"io"
	"slices"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v4"

	"rinca/internal/rinca"
)

// Options say how YAML works.
type Options struct {
	Lookup Lookup
	// Env reports whether Compose can fill in ${NAME}. When it is set, $NAME
	// and ${NAME} that Compose cannot fill in stay for the container's shell,
	// in services.*.command, entrypoint and healthcheck.test. And a command
	// that is one text, behind an entrypoint such as ["sh", "-c"], reaches the
	// shell whole; Compose would split it, and sh would run its first word.
	Env func(name string) bool
	// Kept is told of each $NAME and command that stays; may be nil.
	Kept func(Kept)
}

// The limits of YAML.
const (
	MaxYAML   = 16 << 20  // bytes of a file
	maxDepth  = 1000      // of nesting
	maxAlias  = 1_000_000 // nodes that aliases stand for, all together
	maxKeyLen = 1024      // characters of a key in one line; YAML's own
)

// YAML fills in every [[NAME]] of a compose file, in values and in keys. What
// a scalar becomes is written as one double-quoted string; everything else,
// comments too, stays as it is to the byte. The result is read again and
// compared before it is returned: a value arrives exactly, and adds nothing.
//
// A value never takes part in Compose's own interpolation: its dollar signs
// are doubled, but for keys, which Compose does not interpolate.
//
// When variables are missing they are returned, in their order, and the text
// is not set. Errors have code Invalid and name file and line, never a value.
func YAML(file string, content []byte, o Options) (rinca.Secret, []Missing, error) {
	if o.Lookup == nil {
		return rinca.Secret{}, nil, errNoLookup()
	}
	if len(content) > MaxYAML {
		return rinca.Secret{}, nil, rinca.Errorf(rinca.Invalid, "%s is larger than %d MB", file, MaxYAML>>20)
	}
	if !utf8.Valid(content) {
		return rinca.Secret{}, nil, rinca.Errorf(rinca.Invalid, "%s is not UTF-8", file).Try("save it as UTF-8")
	}
	y := &yamlFile{name: file, o: o, text: string(bytes.TrimPrefix(content, []byte("\ufeff")))}
	if err := y.mark(); err != nil {
		return rinca.Secret{}, nil, err
	}
	docs, err := y.parse(y.marked, true)
	if err != nil {
		return rinca.Secret{}, nil, err
	}
	y.index()
	if o.Env != nil {
		y.findCommands(docs)
	}
	for _, d := range docs {
		if err := y.walk(d, place{}); err != nil {
			return rinca.Secret{}, nil, err
		}
	}
	if y.missing != nil {
		slices.SortStableFunc(y.missing, func(a, b Missing) int { return a.Line - b.Line })
		return rinca.Secret{}, y.missing, nil
	}
	out := y.splice()
	if len(y.edits) > 0 {
		if err := y.verify(docs, out); err != nil {
			return rinca.Secret{}, nil, err
		}
	}
	return rinca.NewSecret(out), nil, nil
}

// A yamlFile is a file on its way through YAML.
type yamlFile struct {
	name   string
	o      Options
	text   string // as it is
	marked string // with marks in place of the brackets of names
	// open and shut are the two characters that marks are made of. They occur
	// nowhere else in the text, and YAML takes them for letters: so [[NAME]]
	// is a scalar, or a part of one, wherever it stands.
	open, shut string
	lines      []int // offsets in marked where lines begin
	commands   map[*yaml.Node]bool
	whole      map[*yaml.Node]string // commands that must not be split; their services
	edits      []edit
	missing    []Missing
}

// An edit replaces marked[start:end] by text.
type edit struct {
	start, end int
	text       string
	line       int
}

// A place is what the node that is being walked lies in.
type place struct {
	depth int
	key   bool
	flow  bool
}

// mark replaces the brackets of each name by as many marks, so that lines and
// columns stay what they are.
func (y *yamlFile) mark() error {
	var free []string
	for r := rune(0xe000); r <= 0xf8ff && len(free) < 2; r++ {
		if !strings.ContainsRune(y.text, r) {
			free = append(free, string(r))
		}
	}
	if len(free) < 2 {
		return rinca.Errorf(rinca.Invalid, "%s holds every private-use character", y.name)
	}
	y.open, y.shut = free[0], free[1]
	var b strings.Builder
	last := 0
	for _, t := range tokens(y.text) {
		n := (t.end - t.start - len(t.name)) / 2
		b.WriteString(y.text[last:t.start])
		b.WriteString(strings.Repeat(y.open, n) + t.name + strings.Repeat(y.shut, n))
		last = t.end
	}
	b.WriteString(y.text[last:])
	y.marked = b.String()
	return nil
}

// unmark turns marks back into brackets.
func (y *yamlFile) unmark(s string) string {
	return strings.NewReplacer(y.open, "[", y.shut, "]").Replace(s)
}

// parse reads all documents. When told so, errors say what the parser says;
// else it may quote values.
func (y *yamlFile) parse(text string, explain bool) ([]*yaml.Node, error) {
	var docs []*yaml.Node
	dec := yaml.NewDecoder(strings.NewReader(text))
	for {
		var doc yaml.Node
		err := dec.Decode(&doc)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			detail := ""
			if explain {
				detail = ": " + strings.TrimPrefix(y.unmark(err.Error()), "yaml: ")
			}
			return nil, rinca.Errorf(rinca.Invalid, "read %s as YAML%s", y.name, detail)
		}
		docs = append(docs, &doc)
	}
	return docs, y.checkSize(docs)
}

// walk makes the edits of a node and of what is below it.
func (y *yamlFile) walk(n *yaml.Node, in place) error {
	if in.depth > maxDepth {
		return rinca.Errorf(rinca.Invalid, "%s:%d: nested more than %d deep", y.name, n.Line, maxDepth)
	}
	in.depth++
	switch n.Kind {
	case yaml.ScalarNode:
		return y.scalar(n, in)
	case yaml.AliasNode:
		return nil // its target is walked where it is defined
	}
	in.flow = in.flow || n.Style&yaml.FlowStyle != 0
	key := in.key
	before := len(y.edits)
	for i, child := range n.Content {
		in.key = key || n.Kind == yaml.MappingNode && i%2 == 0
		if err := y.walk(child, in); err != nil {
			return err
		}
	}
	if n.Kind == yaml.MappingNode && len(y.edits) > before {
		return y.checkKeys(n)
	}
	return nil
}

// checkKeys refuses a mapping in which two keys have become the same.
func (y *yamlFile) checkKeys(n *yaml.Node) error {
	seen := map[string]bool{}
	for i := 0; i < len(n.Content); i += 2 {
		k := n.Content[i]
		if k.Kind != yaml.ScalarNode {
			continue
		}
		if seen[k.Value] {
			return rinca.Errorf(rinca.Invalid, "%s:%d: this key is in the mapping twice once its variables are filled in", y.name, k.Line)
		}
		seen[k.Value] = true
	}
	return nil
}

// scalar makes the edit of a scalar that holds names, or references that stay
// for a container's shell.
func (y *yamlFile) scalar(n *yaml.Node, in place) error {
	command, service := y.commands[n], y.whole[n]
	if !strings.Contains(n.Value, y.open) && service == "" && !(command && strings.Contains(n.Value, "$")) {
		return nil
	}
	if in.flow && n.Style == 0 && strings.Contains(n.Value, ":"+y.open) {
		return rinca.Errorf(rinca.Invalid, "%s:%d: a colon right before [[ inside { } or [ ]", y.name, n.Line).
			Try("put a space behind the colon, or the text in quotes")
	}
	start, end, ok := y.extent(n)
	if !ok {
		return y.cannot(n.Line)
	}
	value, err := y.fill(n, start, in.key)
	if err != nil {
		return err
	}
	if service == "" && command && value == n.Value { // no names, and no reference that stays
		return nil
	}
	text := quote(value)
	if service != "" {
		text = "[" + text + "]"
		y.kept(Kept{Service: y.unmark(service), File: y.name, Line: n.Line})
	}
	set(n, value, service != "")
	if in.key && utf8.RuneCountInString(text) > maxKeyLen {
		return rinca.Errorf(rinca.Invalid, "%s:%d: a key of more than %d characters once its variables are filled in", y.name, n.Line, maxKeyLen)
	}
	if n.Style&(yaml.LiteralStyle|yaml.FoldedStyle) != 0 { // keep the lines below where they are
		text += strings.Repeat("\n", strings.Count(y.marked[start:end], "\n"))
	}
	y.edits = append(y.edits, edit{start: start, end: end, text: text, line: n.Line})
	return nil
}

func (y *yamlFile) cannot(line int) error {
	return rinca.Errorf(rinca.Invalid, "%s:%d: this text cannot be filled in as it is written", y.name, line).
		Try("write it in double quotes, on one line")
}

// fill returns what a scalar becomes, as Compose is to read it. start is where
// the scalar stands in marked.
func (y *yamlFile) fill(n *yaml.Node, start int, key bool) (string, error) {
	d := y.dollarsOf(n)
	var out, text strings.Builder // text is what stands around values
	flush := func(last bool) {
		if s := text.String(); key {
			out.WriteString(s)
		} else {
			out.WriteString(d.text(s, last))
		}
		text.Reset()
	}
	rest := n.Value
	for {
		before, after, found := strings.Cut(rest, y.open)
		text.WriteString(before)
		if !found {
			break
		}
		start += strings.Index(y.marked[start:], y.open) + len(y.open)
		opened := strings.TrimLeft(after, y.open)
		name, _, _ := strings.Cut(opened, y.shut)
		start += len(after) - len(opened) + len(name)
		rest = strings.TrimLeft(opened[len(name):], y.shut)
		if len(after)-len(opened) == 2*len(y.open) { // three in a row
			text.WriteString("[[" + name + "]]")
			continue
		}
		flush(false)
		value, err := y.value(name, y.lineOf(start), d.open > 0)
		if err != nil {
			return "", err
		}
		if !key {
			value = escapeDollars(value)
		}
		out.WriteString(value)
	}
	flush(true)
	return out.String(), nil
}

// set gives a scalar its value; listed makes it a list of that value.
func set(n *yaml.Node, value string, listed bool) {
	if n.Style&yaml.TaggedStyle == 0 {
		n.Tag = "!!str"
	}
	n.Value = value
	if !listed {
		return
	}
	item := &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Style: yaml.DoubleQuotedStyle, Value: value, Line: n.Line}
	n.Kind, n.Tag, n.Value, n.Content = yaml.SequenceNode, "!!seq", "", []*yaml.Node{item}
}

func (y *yamlFile) kept(k Kept) {
	if y.o.Kept != nil {
		y.o.Kept(k)
	}
}

// dollarsOf returns what looks after the dollar signs of a scalar.
func (y *yamlFile) dollarsOf(n *yaml.Node) *dollars {
	d := &dollars{}
	if y.commands[n] {
		d.env = y.o.Env
		d.kept = func(name string) { y.kept(Kept{Name: name, File: y.name, Line: n.Line}) }
	}
	return d
}

// value looks a name up.
func (y *yamlFile) value(name string, line int, inside bool) (string, error) {
	v, ok := y.o.Lookup(name)
	if !ok {
		y.missing = append(y.missing, Missing{Name: name, File: y.name, Line: line})
		return "", nil
	}
	if inside {
		return "", rinca.Errorf(rinca.Invalid, "%s:%d: [[%s]] stands inside ${ }", y.name, line, name).
			Try("write [[%s]] alone, or put it into the stack's environment", name)
	}
	if !utf8.ValidString(v.Reveal()) {
		return "", rinca.Errorf(rinca.Invalid, "%s:%d: the value of %s is not UTF-8, which YAML cannot carry", y.name, line, name)
	}
	return v.Reveal(), nil
}

// splice makes the edits.
func (y *yamlFile) splice() string {
	var b strings.Builder
	last := 0
	slices.SortFunc(y.edits, func(a, b edit) int { return a.start - b.start })
	for _, e := range y.edits {
		b.WriteString(y.unmark(y.marked[last:e.start]))
		b.WriteString(e.text)
		last = e.end
	}
	b.WriteString(y.unmark(y.marked[last:]))
	return b.String()
}

// verify reads the result and compares it with what it should be.
func (y *yamlFile) verify(want []*yaml.Node, out string) error {
	got, err := y.parse(out, false)
	if err != nil || len(got) != len(want) {
		return y.cannot(y.edits[0].line)
	}
	for i := range want {
		if line, ok := y.same(want[i], got[i]); !ok {
			return y.cannot(line)
		}
	}
	return nil
}
