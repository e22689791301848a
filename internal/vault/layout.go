package vault

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"rinca/internal/rinca"
)

// A layout is a draft and its slots, in order.
type layout struct {
	draft   *draft
	slots   []slot
	grammar grammar
	// model is what the target's reader sees in the draft.
	model any
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
