package interpolate

import (
	"strings"

	"rinca/internal/lazyregexp"
	"rinca/internal/rinca"
)

// A Pair is one variable of a stack's environment.
type Pair struct {
	Key   string
	Value rinca.Secret
	Line  int // from 1
}

var environmentKey = lazyregexp.New(`^[A-Za-z_][A-Za-z0-9_.\-]*$`)

// Environment reads the text of a stack's environment: lines of KEY = VALUE or
// KEY: VALUE, a leading "-" allowed; lines that are empty or begin with # or //
// are comments, and so is what follows " #" outside quotes. The lines are read
// first and values filled in then, so that a value arrives exactly, whatever it
// holds. A name that comes twice is in the result twice; the last one counts.
//
// As Compose does with env files: quotes around a value are not part of it;
// outside single quotes $NAME and ${NAME} stand for a line above and "$$" for
// a dollar sign; double quotes know \n, \r, \t, \", \\ and \$. Errors have code
// Invalid and name file and line, never a value.
func Environment(file, text string, lookup Lookup) ([]Pair, []Missing, error) {
	return EnvironmentFrom(file, text, lookup, nil)
}

// EnvironmentFrom is Environment where $NAME may also stand for what defined
// returns, for names that no line above has.
func EnvironmentFrom(file, text string, lookup, defined Lookup) ([]Pair, []Missing, error) {
	if lookup == nil {
		return nil, nil, errNoLookup()
	}
	e := &environment{file: file, lookup: lookup, defined: defined, values: map[string]rinca.Secret{}}
	var pairs []Pair
	text = strings.TrimPrefix(text, "\ufeff")
	for line := range strings.SplitSeq(text, "\n") {
		e.line++
		key, raw, err := e.split(line)
		if err != nil {
			return nil, nil, err
		}
		if key == "" {
			continue
		}
		value, err := e.value(key, raw)
		if err != nil {
			return nil, nil, err
		}
		e.values[key] = value
		pairs = append(pairs, Pair{Key: key, Value: value, Line: e.line})
	}
	if e.missing != nil {
		return nil, e.missing, nil
	}
	return pairs, nil, nil
}

// environment is the state of reading one.
type environment struct {
	file    string
	line    int
	lookup  Lookup
	defined Lookup
	values  map[string]rinca.Secret
	missing []Missing
}

func (e *environment) fail(format string, args ...any) *rinca.Error {
	return rinca.Errorf(rinca.Invalid, "%s:%d: "+format, append([]any{e.file, e.line}, args...)...)
}

// split returns the key of a line and its value as it is written; "" for a
// line that is none.
func (e *environment) split(line string) (key, raw string, err error) {
	line = strings.TrimSpace(line)
	if line == "" || strings.HasPrefix(line, "#") || strings.HasPrefix(line, "//") {
		return "", "", nil
	}
	line = strings.TrimSpace(strings.TrimPrefix(line, "-"))
	if n := len(line); n > 1 && (line[0] == '"' || line[0] == '\'') && line[n-1] == line[0] {
		line = strings.TrimSpace(line[1 : n-1])
	}
	i := strings.IndexAny(line, "=:")
	comment := strings.Index(line, " #")
	if i < 0 || comment >= 0 && comment < i {
		return "", "", e.fail("no = in this line").Try("KEY = VALUE, or # in front of a comment")
	}
	key = strings.TrimSpace(line[:i])
	if rest, ok := strings.CutPrefix(key, "export "); ok {
		key = strings.TrimSpace(rest)
	}
	if !environmentKey.MatchString(key) {
		return "", "", e.fail("the text before %q is no name of a variable", line[i:i+1]).
			Try("letters, digits and underscores")
	}
	return key, strings.TrimSpace(line[i+1:]), nil
}

// value resolves quotes, references and names.
func (e *environment) value(key, raw string) (rinca.Secret, error) {
	if strings.IndexByte(raw, 0) >= 0 {
		return rinca.Secret{}, e.fail("%s holds a NUL byte", key)
	}
	quote := byte(0)
	if raw != "" && (raw[0] == '"' || raw[0] == '\'') {
		quote = raw[0]
		end := endOfDouble(raw)
		if quote == '\'' {
			end = 1 + strings.IndexByte(raw[1:], '\'') + 1
		}
		if end < 2 {
			return rinca.Secret{}, e.fail("%s has no closing quote", key).Try("a value of several lines goes into a variable")
		}
		if rest := strings.TrimSpace(raw[end:]); rest != "" && rest[0] != '#' {
			return rinca.Secret{}, e.fail("%s has text behind its closing quote", key)
		}
		raw = raw[1 : end-1]
	} else if i := strings.Index(" "+raw, " #"); i >= 0 {
		raw = strings.TrimSpace(raw[:max(i-1, 0)])
	}
	var b strings.Builder
	last := 0
	for _, t := range tokens(raw) {
		if err := e.text(&b, key, raw[last:t.start], quote); err != nil {
			return rinca.Secret{}, err
		}
		last = t.end
		if t.escaped {
			b.WriteString(raw[t.start+1 : t.end-1])
			continue
		}
		v, ok := e.lookup(t.name)
		if !ok {
			e.missing = append(e.missing, Missing{Name: t.name, File: e.file, Line: e.line})
		}
		b.WriteString(v.Reveal())
	}
	if err := e.text(&b, key, raw[last:], quote); err != nil {
		return rinca.Secret{}, err
	}
	return rinca.NewSecret(b.String()), nil
}

var escapes = strings.NewReplacer(`\n`, "\n", `\r`, "\r", `\t`, "\t", `\"`, `"`, `\\`, `\`, `\$`, "$")

// text adds what stands around names.
func (e *environment) text(b *strings.Builder, key, s string, quote byte) error {
	if quote == '\'' {
		b.WriteString(s)
		return nil
	}
	for s != "" {
		i := strings.IndexAny(s, `$\`)
		if i < 0 {
			break
		}
		b.WriteString(s[:i])
		s = s[i:]
		n := 1
		switch {
		case s[0] == '\\' && quote == '"' && len(s) > 1:
			n = 2
			b.WriteString(escapes.Replace(s[:2]))
		case s[0] == '\\':
			b.WriteByte('\\')
		case strings.HasPrefix(s, "$$"):
			n = 2
			b.WriteByte('$')
		default:
			var err error
			if n, err = e.reference(b, key, s); err != nil {
				return err
			}
		}
		s = s[n:]
	}
	b.WriteString(s)
	return nil
}

// reference adds what the reference at the start of s stands for and returns
// its length; a dollar sign that begins none stays.
func (e *environment) reference(b *strings.Builder, key, s string) (int, error) {
	name, n := nameAt(s, 1), 1
	alternative, hasAlternative, emptyToo := "", false, false
	if strings.HasPrefix(s, "${") {
		name = nameAt(s, 2)
		end := strings.IndexByte(s, '}')
		if name == "" || end < 0 {
			return 0, e.fail("%s has a ${ that is no reference", key).Try("write $$ for a dollar sign")
		}
		n = end + 1
		op := s[2+len(name) : end]
		switch {
		case op == "":
		case strings.HasPrefix(op, ":-"):
			alternative, hasAlternative, emptyToo = op[2:], true, true
		case strings.HasPrefix(op, "-"):
			alternative, hasAlternative = op[1:], true
		default:
			return 0, e.fail("%s refers to $%s with an operator that is not known", key, name).Try("${%s:-text}", name)
		}
	} else if name == "" {
		b.WriteByte('$')
		return 1, nil
	} else {
		n += len(name)
	}
	v, ok := e.values[name]
	if !ok && e.defined != nil {
		v, ok = e.defined(name)
	}
	switch {
	case hasAlternative && (!ok || emptyToo && v.IsEmpty()):
		b.WriteString(alternative)
	case !ok:
		return 0, e.fail("%s refers to $%s, which no line above defines", key, name).
			Try("write $$%s if the dollar sign belongs to the value", name)
	default:
		b.WriteString(v.Reveal())
	}
	return n, nil
}
