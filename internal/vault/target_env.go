package vault

import (
	"strings"

	"rinca/internal/envfile"
	"rinca/internal/lazyregexp"
)

// envName is what stands before the value on a line of an env file.
var envName = lazyregexp.New(`^[ \t]*(?:export[ \t]+)?[^=\s'"#]+[ \t]*=[ \t]*`)

// splitEnv makes a slot of every value that holds a reference.
func splitEnv(d *draft) ([]slot, error) {
	var slots []slot
	for i := 0; i < len(d.text); {
		end := lineEnd(d.text, i)
		line := d.text[i:end]
		name := envName.FindString(line)
		if name == "" || strings.HasPrefix(strings.TrimLeft(line, " \t"), "#") {
			if found := d.in(i, end); len(found) > 0 && !strings.HasPrefix(strings.TrimLeft(line, " \t"), "#") {
				return nil, badAt(found[0].at, "a reference stands where no value is; write NAME={{ op://… }}")
			}
			i = end + 1
			continue
		}
		if found := d.in(i, i+len(name)); len(found) > 0 {
			return nil, badAt(found[0].at, "a reference cannot be the name of a variable")
		}
		s, err := envValue(d, i+len(name))
		if err != nil {
			return nil, err
		}
		if len(d.in(s.start, s.end)) > 0 {
			slots = append(slots, s)
		}
		i = lineEnd(d.text, s.end) + 1
	}
	return slots, nil
}

// envValue is the slot of the value that begins at an offset.
func envValue(d *draft, at int) (slot, error) {
	s := slot{start: at, end: lineEnd(d.text, at)}
	if at < len(d.text) && (d.text[at] == '\'' || d.text[at] == '"') {
		quote := d.text[at]
		for i := at + 1; i < len(d.text); i++ {
			if quote == '"' && d.text[i] == '\\' {
				i++
				if d.isToken(i) {
					return s, badAt(i, "a backslash stands before the reference")
				}
			} else if d.text[i] == quote {
				s.end = i + 1
				raw := d.text[at+1 : i]
				rest := strings.TrimLeft(d.text[s.end:lineEnd(d.text, s.end)], " \t\r")
				if rest != "" && rest[0] != '#' {
					return s, badAt(at, "text follows the closing quote, which Compose and sh read differently")
				}
				s.write = envSingle(raw)
				if quote == '"' {
					s.write = envDouble(raw, d.apart(at+1, i))
				}
				return s, nil
			}
		}
		return s, badAt(at, "this quote does not end")
	}
	raw := strings.TrimSuffix(d.text[s.start:s.end], "\r")
	m := envComment.FindStringIndex(raw)
	if m != nil {
		raw = raw[:m[0]]
	}
	raw = strings.TrimRight(raw, " \t")
	s.end = s.start + len(raw)
	if len(d.in(s.start, s.end)) > 0 && strings.ContainsAny(raw, "'\"`\\") {
		return s, badAt(at, "quotes in the middle of a value, which Compose and sh read differently; quote all of it")
	}
	s.write = envUnquoted(raw, d.apart(s.start, s.end), m != nil)
	return s, nil
}

// apart is a part of the draft in which no variable touches a token.
func (d *draft) apart(start, end int) string {
	var b strings.Builder
	for _, t := range d.in(start, end) {
		from, instead := d.dollar(t.at)
		b.WriteString(d.text[start:from] + instead)
		start = t.at
	}
	return b.String() + d.text[start:end]
}

var envComment = lazyregexp.New(`(^|[ \t])#`)

// envSingle writes a value that stands in single quotes.
func envSingle(raw string) func(filling) (string, string) {
	return func(fill filling) (string, string) {
		value := fill.in(raw)
		if !strings.ContainsAny(value, "'\x00") && !strings.HasSuffix(value, `\`) {
			return "'" + value + "'", ""
		}
		return envQuote(value)
	}
}

// envDouble writes a value that stands in double quotes. If there are
// variables or escapes in it, it has to stay there, with raw written as apart.
func envDouble(raw, apart string) func(filling) (string, string) {
	return func(fill filling) (string, string) {
		value := fill.in(raw)
		if !strings.ContainsAny(raw, "$\\`") {
			if strings.ContainsAny(value, "`\x00") {
				return envQuote(value)
			}
			return `"` + envEscapes.Replace(value) + `"`, ""
		}
		return envMixed(apart, fill)
	}
}

// envUnquoted writes a value without quotes, in quotes if it needs them.
func envUnquoted(raw, apart string, comment bool) func(filling) (string, string) {
	return func(fill filling) (string, string) {
		if strings.Contains(raw, "$") {
			return envMixed(apart, fill)
		}
		text, no := envQuote(fill.in(raw))
		if text == "" && comment {
			text = "''" // else the comment is the value
		}
		return text, no
	}
}

var envEscapes = strings.NewReplacer(`\`, `\\`, `"`, `\"`, `$`, `\$`)

// envMixed keeps raw as it is, with its variables, and escapes the values in
// double quotes.
func envMixed(raw string, fill filling) (text, no string) {
	if strings.ContainsRune(raw, '`') {
		return "", "it stands next to a backtick, which Compose and sh read differently"
	}
	text = fill.each(raw, func(value string) string {
		if strings.ContainsAny(value, "`\x00") {
			no = "the value holds a backtick or a NUL byte, which cannot stand next to a variable"
		}
		return envEscapes.Replace(value)
	})
	return `"` + text + `"`, no
}

func envQuote(value string) (text, no string) {
	text, err := envfile.Quote(value, envfile.Auto)
	if err != nil {
		return "", err.Error()
	}
	return text, ""
}

func readEnv(text string) (any, error) {
	entries, err := envfile.Parse([]byte(text))
	if err != nil {
		return nil, &placeError{at: -1, line: 1, err: err}
	}
	out := []any{}
	for _, e := range entries {
		if !e.Optional {
			out = append(out, e.Key+"="+e.Value.Reveal())
		}
	}
	return out, nil
}
