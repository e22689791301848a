package vault

import (
	"fmt"
	"path"
	"strings"
	"unicode/utf8"

	"rinca/internal/rinca"
)

// A Target is the format of what a template renders to.
type Target string

// The targets. Plain is any text: values are put in as they are.
const (
	Plain Target = ""
	Env   Target = "env"
	YAML  Target = "yaml"
	JSON  Target = "json"
	TOML  Target = "toml"
	Shell Target = "sh"
)

// A grammar is what there is to know about a target. split finds the places
// that hold references; check reads the text as the target's own readers do.
type grammar struct {
	target Target
	split  func(d *draft) ([]slot, error)
	check  func(text string) (any, error) // nil: there is no reader to ask
}

// grammars lists the targets that escape.
func grammars() []grammar {
	return []grammar{
		{Env, splitEnv, readEnv},
		{YAML, splitYAML, readYAML},
		{JSON, splitJSON, readJSON},
		{TOML, splitTOML, readTOML},
		{Shell, splitShell, nil},
	}
}

// Targets lists the formats that values can be escaped for.
func Targets() []Target {
	var ts []Target
	for _, g := range grammars() {
		ts = append(ts, g.target)
	}
	return ts
}

// ParseTarget returns the target of that name; "" is Plain.
func ParseTarget(name string) (Target, error) {
	names := make([]string, 0, len(grammars()))
	for _, t := range append(Targets(), Plain) {
		if string(t) == name {
			return t, nil
		}
		names = append(names, string(t))
	}
	return Plain, rinca.Errorf(rinca.Usage, "unknown format %q", name).
		Try("one of %s", strings.Join(names[:len(names)-1], ", "))
}

// TargetOf guesses the target of a file from its name; Plain if it does not
// say.
func TargetOf(name string) Target {
	base := strings.ToLower(path.Base(name))
	switch ext := path.Ext(base); {
	case ext == ".env" || strings.HasPrefix(base, ".env."):
		return Env
	case ext == ".yaml" || ext == ".yml":
		return YAML
	case ext == ".json":
		return JSON
	case ext == ".toml":
		return TOML
	case ext == ".sh" || ext == ".bash":
		return Shell
	}
	return Plain
}

// commentMarks are what a comment line begins with.
func commentMarks(t Target) []string {
	switch t {
	case Plain:
		return []string{"#", ";", "//"}
	case JSON:
		return nil
	}
	return []string{"#"}
}

// A draft is a template as one text, in which a token of letters and digits
// stands for each reference, so that it can be read as the target already.
type draft struct {
	text   string
	tokens []token
	starts map[int]bool // offsets of the tokens
	size   int          // of every token
}

// A token is where a reference stands in a draft.
type token struct {
	at   int
	node int // its index among the nodes
}

// A slot is a part of a draft that is written anew: at least one token and
// what has to change with it.
type slot struct {
	start, end int
	// write returns the text for the slot. fill puts the values into a part
	// of the draft. no says why there is no such text.
	write func(fill filling) (text, no string)
	// retry is another way to write it, for when the first does not read
	// back; nil if there is none.
	retry func(fill filling) (text, no string)
}

// A layout is a draft and its slots, in order.
type layout struct {
	draft   *draft
	slots   []slot
	grammar grammar
	// model is what the target's reader sees in the draft.
	model any
}

func newDraft(nodes []node) *draft {
	var all strings.Builder
	for _, n := range nodes {
		all.WriteString(n.text)
	}
	mark := "RINCA"
	for strings.Contains(all.String(), mark) {
		mark += "X"
	}
	mark += "Q"
	d := &draft{starts: map[int]bool{}}
	var b strings.Builder
	for i, n := range nodes {
		if n.ref == nil {
			b.WriteString(n.text)
			continue
		}
		t := fmt.Sprintf("%s%08dZ", mark, i)
		d.size = len(t)
		d.tokens = append(d.tokens, token{b.Len(), i})
		d.starts[b.Len()] = true
		b.WriteString(t)
	}
	d.text = b.String()
	return d
}

// in returns the tokens between two offsets.
func (d *draft) in(start, end int) []token {
	var found []token
	for _, t := range d.tokens {
		if t.at >= start && t.at < end {
			found = append(found, t)
		}
	}
	return found
}

// isToken reports whether a token begins at an offset.
func (d *draft) isToken(at int) bool { return d.starts[at] }

// dollar looks whether a variable, or a lone "$", stands right before the
// token at an offset: a value there would change its name. It returns where
// that begins and what to write in its place.
func (d *draft) dollar(at int) (start int, instead string) {
	i := at
	for i > 0 && (d.text[i-1] == '_' || isAlnum(d.text[i-1])) {
		i--
	}
	name := d.text[i:at]
	if i == 0 || d.text[i-1] != '$' || name != "" && identifier(name) != len(name) {
		return at, ""
	}
	i--
	same := func(c byte) int {
		n := 0
		for n < i && d.text[i-1-n] == c {
			n++
		}
		return n
	}
	if same('\\')%2 == 1 || same('$')%2 == 1 { // \$ or $$: this one is text
		return at, ""
	}
	if name == "" {
		return i, `\$`
	}
	return i, "${" + name + "}"
}

// A filling puts texts, one for each node, in place of the tokens.
type filling struct {
	d     *draft
	texts func(node int) string
	all   *strings.Replacer
}

func (d *draft) filling(texts func(node int) string) filling {
	f := filling{d: d, texts: texts}
	f.all = f.changed(func(s string) string { return s })
	return f
}

// in fills a part of the draft.
func (f filling) in(part string) string { return f.all.Replace(part) }

// each fills a part of the draft with texts that are changed first.
func (f filling) each(part string, change func(string) string) string {
	return f.changed(change).Replace(part)
}

func (f filling) changed(change func(string) string) *strings.Replacer {
	pairs := make([]string, 0, 2*len(f.d.tokens))
	for _, t := range f.d.tokens {
		pairs = append(pairs, f.d.text[t.at:t.at+f.d.size], change(f.texts(t.node)))
	}
	return strings.NewReplacer(pairs...)
}

// unfilled leaves the tokens as they are.
func (d *draft) unfilled() filling {
	names := map[int]string{}
	for _, t := range d.tokens {
		names[t.node] = d.text[t.at : t.at+d.size]
	}
	return d.filling(func(node int) string { return names[node] })
}

// lay finds the slots of a template, before any value is known, and what is
// wrong with it as a text of its target.
func (t *Template) lay() {
	if len(t.problems) > 0 {
		return // what does not resolve is not in the draft either
	}
	l := &layout{draft: newDraft(t.nodes)}
	for _, g := range grammars() {
		if g.target == t.syntax.Target {
			l.grammar = g
		}
	}
	var err error
	if l.slots, err = l.grammar.split(l.draft); err != nil {
		t.problems = append(t.problems, t.whole(l.draft, err))
		return
	}
	t.leaveComments(l)
	if l.grammar.check == nil {
		t.layout = l
		return
	}
	text, problems := l.compose(t, l.draft.unfilled(), false)
	if len(problems) == 0 {
		if l.model, err = l.grammar.check(text); err != nil {
			problems = Problems{t.whole(l.draft, err)}
		}
	}
	t.problems = append(t.problems, problems...)
	t.layout = l
}

// leaveComments turns references that are in no slot into text: the target's
// reader does not see them.
func (t *Template) leaveComments(l *layout) {
	for _, tok := range l.draft.tokens {
		seen := false
		for _, s := range l.slots {
			seen = seen || tok.at >= s.start && tok.at < s.end
		}
		n := &t.nodes[tok.node]
		if !seen {
			n.ref = nil
		}
	}
}

// A placeError is a problem at an offset of a draft, or at a line of it.
type placeError struct {
	at   int // -1: see line
	line int
	err  error
}

func (e *placeError) Error() string { return e.err.Error() }
func (e *placeError) Unwrap() error { return e.err }

// badAt makes an error of code Invalid at an offset of the draft.
func badAt(at int, format string, args ...any) error {
	return &placeError{at: at, err: rinca.Errorf(rinca.Invalid, format, args...)}
}

// whole places an error of the draft in the template.
func (t *Template) whole(d *draft, err error) Problem {
	p := Problem{File: t.Name, Line: 1, Column: 1, Err: err}
	pe, ok := err.(*placeError) //nolint:errorlint // made by the grammar just called
	if !ok {
		return p
	}
	p.Err = pe.err
	if pe.at < 0 {
		p.Line = max(pe.line, 1)
		return p
	}
	for _, tok := range d.tokens { // a token may be longer than what it stands for
		if pe.at >= tok.at && pe.at <= tok.at+d.size {
			n := t.nodes[tok.node]
			p.Line, p.Column = n.line, n.column
			return p
		}
	}
	before := d.filling(func(node int) string { return t.nodes[node].text }).in(d.text[:pe.at])
	p.Line = strings.Count(before, "\n") + 1
	p.Column = utf8.RuneCountInString(before[strings.LastIndexByte(before, '\n')+1:]) + 1
	return p
}

// fill writes the draft with the values in it, and reads it back: every text
// in it must be what the draft has there, with the values.
func (l *layout) fill(t *Template, texts []string) (string, Problems) {
	fill := l.draft.filling(func(i int) string {
		if t.nodes[i].ref == nil {
			return t.nodes[i].text
		}
		return texts[i]
	})
	text, problems := l.compose(t, fill, false)
	if len(problems) > 0 || l.grammar.check == nil || l.holds(text, fill) {
		return text, problems
	}
	text, problems = l.compose(t, fill, true)
	if len(problems) > 0 || l.holds(text, fill) {
		return text, problems
	}
	first := t.nodes[l.draft.tokens[0].node]
	return "", Problems{t.at(first, rinca.Errorf(rinca.Invalid,
		"with these values the result would not read back as the %s that the template is", l.grammar.target).
		Try("put the references into simple strings, in double quotes"))}
}

func (l *layout) holds(text string, fill filling) bool {
	got, err := l.grammar.check(text)
	return err == nil && sameTree(l.model, got, fill)
}

// compose writes the draft, its slots anew; in the other way, if retry.
func (l *layout) compose(t *Template, fill filling, retry bool) (string, Problems) {
	var b strings.Builder
	var problems Problems
	// What tokens are outside every slot are in comments, and stand as they
	// were written.
	plain := l.draft.filling(func(i int) string { return t.nodes[i].text })
	done := 0
	for _, s := range l.slots {
		write := s.write
		if retry && s.retry != nil {
			write = s.retry
		}
		text, no := write(fill)
		if no != "" {
			n := t.nodes[l.draft.in(s.start, s.end)[0].node]
			problems = append(problems, t.at(n, named(*n.ref, rinca.Errorf(rinca.Invalid, "%s", no))))
		}
		b.WriteString(plain.in(l.draft.text[done:s.start]))
		b.WriteString(text)
		done = s.end
	}
	b.WriteString(plain.in(l.draft.text[done:]))
	if len(problems) > 0 {
		return "", problems
	}
	return b.String(), nil
}

// sameTree reports whether got is model with the values put in.
func sameTree(model, got any, fill filling) bool {
	switch m := model.(type) {
	case string:
		g, ok := got.(string)
		return ok && fill.in(m) == g
	case []any:
		g, ok := got.([]any)
		if !ok || len(g) != len(m) {
			return false
		}
		for i := range m {
			if !sameTree(m[i], g[i], fill) {
				return false
			}
		}
		return true
	case map[string]any:
		g, ok := got.(map[string]any)
		if !ok || len(g) != len(m) {
			return false
		}
		for k, v := range m {
			gv, ok := g[fill.in(k)]
			if !ok || !sameTree(v, gv, fill) {
				return false
			}
		}
		return true
	}
	return fmt.Sprint(model) == fmt.Sprint(got)
}

// badLine makes an error of code Invalid at a line of the draft.
func badLine(line int, format string, args ...any) error {
	return &placeError{at: -1, line: line, err: rinca.Errorf(rinca.Invalid, format, args...)}
}
