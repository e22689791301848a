// Package interpolate fills in [[NAME]]: in text, in YAML, in the environment
// of a stack and in shell commands. It is pure.
//
// [[NAME]] stands for the value of a variable; NAME is a letter or underscore,
// then letters, digits and underscores, without blanks. [[[NAME]]] is how the
// text "[[NAME]]" is written. Any other brackets stay as they are. Values are
// not looked at again: a value that holds [[X]] arrives as it is.
package interpolate

import (
	"fmt"
	"strings"

	"rinca/internal/rinca"
)

// A Lookup returns the value of a variable, false when there is none.
type Lookup func(name string) (rinca.Secret, bool)

// A Missing is a variable that is used and not known.
type Missing struct {
	Name string
	File string
	Line int // from 1
}

// A token is a [[NAME]], or a [[[NAME]]] that stands for the text "[[NAME]]".
type token struct {
	start, end int // in the text, with the brackets
	name       string
	escaped    bool
}

// tokens finds what is to be filled in, in order.
func tokens(text string) []token {
	var found []token
	for i := 0; ; {
		next := strings.Index(text[i:], "[[")
		if next < 0 {
			return found
		}
		i += next
		if name := nameAt(text, i+3); name != "" && text[i+2] == '[' && strings.HasPrefix(text[i+3+len(name):], "]]]") {
			found = append(found, token{start: i, end: i + len(name) + 6, name: name, escaped: true})
			i += len(name) + 6
			continue
		}
		name := nameAt(text, i+2)
		if name == "" || !strings.HasPrefix(text[i+2+len(name):], "]]") {
			i++
			continue
		}
		found = append(found, token{start: i, end: i + len(name) + 4, name: name})
		i += len(name) + 4
	}
}

// nameAt returns the name of a variable that stands at an offset, "" for none.
func nameAt(text string, at int) string {
	end := at
	for end < len(text) && (text[end] == '_' || text[end]|0x20 >= 'a' && text[end]|0x20 <= 'z' ||
		end > at && text[end] >= '0' && text[end] <= '9') {
		end++
	}
	if end <= at || !rinca.ValidVariableName(text[at:end]) {
		return ""
	}
	return text[at:end]
}

// Text fills in every [[NAME]] of a text. When some are missing they are
// returned, in their order, and the text is not set. The error is for a Lookup
// that is nil and for nothing else.
func Text(file, text string, lookup Lookup) (rinca.Secret, []Missing, error) {
	if lookup == nil {
		return rinca.Secret{}, nil, errNoLookup()
	}
	var missing []Missing
	var b strings.Builder
	last, line := 0, 1
	for _, t := range tokens(text) {
		line += strings.Count(text[last:t.start], "\n")
		b.WriteString(text[last:t.start])
		last = t.end
		if t.escaped {
			b.WriteString(text[t.start+1 : t.end-1])
			continue
		}
		value, ok := lookup(t.name)
		if !ok {
			missing = append(missing, Missing{Name: t.name, File: file, Line: line})
		}
		b.WriteString(value.Reveal())
	}
	if missing != nil {
		return rinca.Secret{}, missing, nil
	}
	b.WriteString(text[last:])
	return rinca.NewSecret(b.String()), nil, nil
}

func errNoLookup() error {
	return rinca.Errorf(rinca.Internal, "interpolate without a lookup")
}

// Names returns the names of the variables that a text uses, in their order,
// without repeats.
func Names(text string) []string {
	var names []string
	seen := map[string]bool{}
	for _, t := range tokens(text) {
		if !t.escaped && !seen[t.name] {
			seen[t.name] = true
			names = append(names, t.name)
		}
	}
	return names
}

// Error returns nil when nothing is missing; else an error with code Invalid
// that lists every name with the places that use it.
func Error(missing []Missing) error {
	if len(missing) == 0 {
		return nil
	}
	var names []string
	places := map[string][]string{}
	for _, m := range missing {
		at := fmt.Sprintf("%s:%d", m.File, m.Line)
		seen, known := places[m.Name]
		if !known {
			names = append(names, m.Name)
		}
		if len(seen) == 0 || seen[len(seen)-1] != at {
			places[m.Name] = append(seen, at)
		}
	}
	var list, commands []string
	for _, n := range names {
		list = append(list, fmt.Sprintf("%s (%s)", n, strings.Join(places[n], ", ")))
		commands = append(commands, "rinca variable set "+n)
	}
	noun := "variables"
	if len(names) == 1 {
		noun = "variable"
	}
	return rinca.Errorf(rinca.Invalid, "no %s %s", noun, strings.Join(list, ", ")).
		Try("%s", strings.Join(commands, "; "))
}
