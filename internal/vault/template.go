package vault

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"rinca/internal/rinca"
)

// A Syntax says how the text of a template is to be read. Its zero value has
// no variables and otherwise op's rules.
type Syntax struct {
	// Lookup returns the value of a variable; nil means that "$" is text.
	Lookup func(name string) (string, bool)
	// Comments says what becomes of references in comments.
	Comments Comments
	// Target is the format of the output: values are escaped so that its
	// readers get them exactly. Plain puts them in as they are.
	Target Target
}

// Comments says what becomes of references in comments. Only the first rule
// is op's; the result of the second is the same wherever op has one.
type Comments int

const (
	// ResolveComments treats a comment as any other text.
	ResolveComments Comments = iota
	// TryComments leaves a reference in a comment as it stands when it cannot
	// be resolved, and says so in a note.
	TryComments
	// SkipComments leaves comments as they are.
	SkipComments
)

// A Problem is something wrong, or worth a note, at a place in a file.
type Problem struct { //nolint:errname // it may be a note, too
	File   string
	Line   int // from 1
	Column int // from 1, in characters
	Err    error
}

// Error returns file:line:column and the reason.
func (p Problem) Error() string {
	return fmt.Sprintf("%s:%d:%d: %v", p.File, p.Line, p.Column, p.Err)
}

// Unwrap returns the reason.
func (p Problem) Unwrap() error { return p.Err }

// Problems is the error of templates that cannot be rendered: everything that
// is wrong with them, in order.
type Problems []Problem //nolint:errname // see Problem

// Error has a line for each problem.
func (ps Problems) Error() string {
	lines := make([]string, len(ps))
	for i, p := range ps {
		lines[i] = p.Error()
	}
	return strings.Join(lines, "\n")
}

// Unwrap returns the problems.
func (ps Problems) Unwrap() []error {
	errs := make([]error, len(ps))
	for i, p := range ps {
		errs[i] = p
	}
	return errs
}

// A Template is text with secret references in it.
type Template struct {
	Name  string
	Notes []Problem // references in comments that stay as they are

	nodes    []node
	syntax   Syntax
	layout   *layout // nil for Plain
	problems Problems
}

// A node is text, or a reference.
type node struct {
	text    string // the text; of a reference, how it is written
	ref     *rinca.SecretRef
	line    int
	column  int
	comment bool // stands in a comment
}

// ParseTemplate reads a template. When the error is a Problems the Template
// is there too: Render reports what else is wrong with it.
func ParseTemplate(name, text string, syntax Syntax) (*Template, error) {
	t := &Template{Name: name, syntax: syntax}
	s := scanner{t: t, src: text, line: 1}
	s.scan()
	if syntax.Target != Plain {
		t.lay()
	}
	if len(t.problems) > 0 {
		return t, t.problems
	}
	return t, nil
}

// Refs returns the references to resolve, in order, with repeats.
func (t *Template) Refs() []rinca.SecretRef {
	var refs []rinca.SecretRef
	for _, n := range t.nodes {
		if n.ref != nil {
			refs = append(refs, *n.ref)
		}
	}
	return refs
}

// Render resolves the references of all templates at once and returns the
// texts in the order of the templates. When anything is wrong with any of
// them, the error is a Problems with all of it, and there is no text at all.
// A vault that does not answer is an error of its own. Without references the
// Resolver is not used.
func Render(ctx context.Context, r *Resolver, templates ...*Template) ([]rinca.Secret, error) {
	var refs []rinca.SecretRef
	for _, t := range templates {
		refs = append(refs, t.Refs()...)
	}
	var values map[rinca.SecretRef]rinca.Secret
	failed := map[rinca.SecretRef]error{}
	if len(refs) > 0 {
		var err error
		values, err = r.Resolve(ctx, refs)
		var lost *Unresolved
		switch {
		case errors.As(err, &lost):
			for _, f := range lost.Failures {
				failed[f.Ref] = f.Err
			}
		case err != nil:
			return nil, err
		}
	}
	var problems Problems
	out := make([]rinca.Secret, len(templates))
	for i, t := range templates {
		text, wrong := t.fill(values, failed)
		wrong = append(slices.Clone(t.problems), wrong...)
		slices.SortStableFunc(wrong, func(a, b Problem) int {
			return cmp.Or(a.Line-b.Line, a.Column-b.Column)
		})
		problems = append(problems, wrong...)
		out[i] = text
	}
	if len(problems) > 0 {
		return nil, problems
	}
	return out, nil
}

// fill puts the values in.
func (t *Template) fill(values map[rinca.SecretRef]rinca.Secret, failed map[rinca.SecretRef]error) (rinca.Secret, Problems) {
	var problems Problems
	texts := make([]string, len(t.nodes)) // of each reference, its value
	for i, n := range t.nodes {
		if n.ref == nil {
			continue
		}
		v, ok := values[*n.ref]
		switch {
		case ok:
			texts[i] = v.Reveal()
			continue
		case n.comment && t.syntax.Comments == TryComments:
			texts[i] = n.text
			t.note(n, failed[*n.ref])
			continue
		}
		err := failed[*n.ref]
		if err == nil {
			err = rinca.Errorf(rinca.Internal, "no answer for this reference")
		}
		problems = append(problems, t.at(n, named(*n.ref, err)))
	}
	if len(problems) > 0 || len(t.problems) > 0 {
		return rinca.Secret{}, problems
	}
	if t.layout != nil {
		text, wrong := t.layout.fill(t, texts)
		return rinca.NewSecret(text), wrong
	}
	var b strings.Builder
	for i, n := range t.nodes {
		if n.ref != nil {
			b.WriteString(texts[i])
		} else {
			b.WriteString(n.text)
		}
	}
	return rinca.NewSecret(b.String()), nil
}

// named puts the reference before the reason, and keeps code and hint.
func named(ref rinca.SecretRef, err error) error {
	e := rinca.Errorf(rinca.CodeOf(err), "%s: %w", ref, err)
	e.Hint = rinca.HintOf(err)
	return e
}

func (t *Template) at(n node, err error) Problem {
	return Problem{File: t.Name, Line: n.line, Column: n.column, Err: err}
}

// note says that a reference stays as it is.
func (t *Template) note(n node, err error) {
	t.Notes = append(t.Notes, t.at(n, fmt.Errorf("a reference in a comment stays as it is: %w", err)))
}

// Variables makes a Lookup of an environment: names are compared exactly, and
// else without regard to case.
func Variables(environ []string) func(name string) (string, bool) {
	exact, folded := map[string]string{}, map[string]string{}
	for _, e := range environ {
		if name, value, ok := strings.Cut(e, "="); ok {
			exact[name], folded[strings.ToUpper(name)] = value, value
		}
	}
	return func(name string) (string, bool) {
		if v, ok := exact[name]; ok {
			return v, true
		}
		v, ok := folded[strings.ToUpper(name)]
		return v, ok
	}
}
