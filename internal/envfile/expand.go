package envfile

import (
	"strings"

	"rinca/internal/rinca"
)

// set gives an entry its value.
func (e *Entry) set(parts []part) {
	e.parts = parts
	e.Refs = nil
	var b strings.Builder
	for _, p := range parts {
		if p.name == "" {
			b.WriteString(p.text.Reveal())
			continue
		}
		e.Refs = append(e.Refs, p.name)
		if p.more {
			b.WriteString(p.text.Reveal())
		} else {
			b.WriteString("${" + p.name + "}")
		}
	}
	e.Value = rinca.NewSecret(b.String())
}

// Template returns the value as text in which ${NAME} is a reference and "$$"
// a dollar sign. It reports false when a reference has an operator, such as
// ${NAME:-default}.
func (e *Entry) Template() (string, bool) {
	var b strings.Builder
	for _, p := range e.parts {
		switch {
		case p.more:
			return "", false
		case p.name != "":
			b.WriteString("${" + p.name + "}")
		default:
			b.WriteString(strings.ReplaceAll(p.text.Reveal(), "$", "$$"))
		}
	}
	return b.String(), true
}

// Expand replaces each reference by the value of the last entry above that
// has its name. A name that the file does not define, and a reference with
// an operator, is an error with code Invalid that names line and keys.
// Commented-out entries are left out.
func Expand(entries []Entry) ([]Entry, error) {
	values := map[string]rinca.Secret{}
	out := make([]Entry, 0, len(entries))
	for _, e := range entries {
		if e.Optional {
			continue
		}
		parts := make([]part, 0, len(e.parts))
		for _, p := range e.parts {
			if p.name != "" {
				v, ok := values[p.name]
				if !ok || p.more {
					return nil, rinca.Errorf(rinca.Invalid, "line %d: %s refers to $%s, which this file does not define above it", e.Line, e.Key, p.name).
						Try("put the value in single quotes if the dollar sign belongs to it")
				}
				p = part{text: v}
			}
			parts = append(parts, p)
		}
		if e.Value.IsSet() {
			e.set(parts)
			values[e.Key] = e.Value
		}
		out = append(out, e)
	}
	return out, nil
}

// ExpandFrom replaces each reference by the value of the last entry above
// that has its name, else by what lookup has, as Compose does: what neither
// has is empty, ${NAME:-text} and ${NAME-text} have an alternative, and any
// other operator is an error with code Invalid that names line and key.
// Commented-out entries are left out.
func ExpandFrom(entries []Entry, lookup func(name string) (string, bool)) ([]Entry, error) {
	values := map[string]rinca.Secret{}
	out := make([]Entry, 0, len(entries))
	for _, e := range entries {
		if e.Optional {
			continue
		}
		parts := make([]part, 0, len(e.parts))
		for _, p := range e.parts {
			if p.name != "" {
				v, ok := values[p.name]
				if !ok {
					var text string
					text, ok = lookup(p.name)
					v = rinca.NewSecret(text)
				}
				if p.more {
					if v, ok = p.alternative(v, ok); !ok {
						return nil, rinca.Errorf(rinca.Invalid, "line %d: %s refers to $%s with an operator that is not known", e.Line, e.Key, p.name).
							Try("${%s:-text}, or single quotes if the dollar sign belongs to the value", p.name)
					}
				}
				p = part{text: v}
			}
			parts = append(parts, p)
		}
		if e.Value.IsSet() {
			e.set(parts)
			values[e.Key] = e.Value
		}
		out = append(out, e)
	}
	return out, nil
}

// alternative returns what ${NAME:-text} and ${NAME-text} mean when the
// variable has this value, if any. It reports false for other operators.
func (p part) alternative(v rinca.Secret, set bool) (rinca.Secret, bool) {
	rest := strings.TrimSuffix(strings.TrimPrefix(p.text.Reveal(), "${"+p.name), "}")
	if text, ok := strings.CutPrefix(rest, ":-"); ok {
		if v.IsEmpty() {
			v = rinca.NewSecret(text)
		}
		return v, true
	}
	text, ok := strings.CutPrefix(rest, "-")
	if ok && !set {
		v = rinca.NewSecret(text)
	}
	return v, ok
}
