package vault

import (
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/pelletier/go-toml/v2"

	"rinca/internal/lazyregexp"
)

// splitTOML makes a slot of every reference in a basic string or outside of
// strings, and of every literal string that holds one, since that may have to
// become a basic string.
func splitTOML(d *draft) ([]slot, error) {
	var slots []slot
	for i := 0; i < len(d.text); {
		switch c := d.text[i]; {
		case d.isToken(i):
			slots = append(slots, tomlBare(d, i))
			i += d.size
		case c == '#':
			i = lineEnd(d.text, i)
		case c == '"' || c == '\'':
			quote := d.text[i : i+1]
			if strings.HasPrefix(d.text[i:], strings.Repeat(quote, 3)) {
				quote = strings.Repeat(quote, 3)
			}
			end, found, err := tomlString(d, i, quote)
			if err != nil {
				return nil, err
			}
			slots = append(slots, found...)
			i = end
		default:
			i++
		}
	}
	return slots, nil
}

func lineEnd(text string, i int) int {
	if n := strings.IndexByte(text[i:], '\n'); n >= 0 {
		return i + n
	}
	return len(text)
}

// tomlString reads the string that begins at start with quote.
func tomlString(d *draft, start int, quote string) (end int, slots []slot, err error) {
	basic := quote[0] == '"'
	for i := start + len(quote); i < len(d.text); i++ {
		switch {
		case d.isToken(i):
			if basic {
				slots = append(slots, tomlInBasic(d, i))
			}
			i += d.size - 1
		case basic && d.text[i] == '\\':
			i++
			if d.isToken(i) {
				return 0, nil, badAt(i, "a backslash stands before the reference")
			}
		case strings.HasPrefix(d.text[i:], quote):
			i += len(quote)
			for len(quote) == 3 && i < len(d.text) && d.text[i] == quote[0] {
				i++ // quotes right before the closing ones
			}
			if !basic && len(d.in(start, i)) > 0 {
				slots = append(slots, tomlLiteral(d, start, i, quote))
			}
			return i, slots, nil
		}
	}
	return 0, nil, badAt(start, "this string does not end")
}

func tomlBare(d *draft, at int) slot {
	name := d.text[at : at+d.size]
	return slot{start: at, end: at + d.size, write: func(fill filling) (string, string) {
		return tomlBasic(fill.in(name))
	}}
}

func tomlInBasic(d *draft, at int) slot {
	name := d.text[at : at+d.size]
	inner := func(fill filling) (string, string) {
		text, no := tomlBasic(fill.in(name))
		return strings.TrimSuffix(strings.TrimPrefix(text, `"`), `"`), no
	}
	return slot{
		start: at, end: at + d.size, write: inner,
		// A backslash at the end of the line before swallows blanks.
		retry: func(fill filling) (string, string) {
			text, no := inner(fill)
			rest := strings.TrimLeft(text, " ")
			return strings.Repeat(`\u0020`, len(text)-len(rest)) + rest, no
		},
	}
}

var (
	tomlNotLiteral      = lazyregexp.New(`['\x00-\x08\x0a-\x1f\x7f]`)
	tomlNotMultiLiteral = lazyregexp.New(`'''|'$|[\x00-\x08\x0b-\x1f\x7f]`)
)

func tomlLiteral(d *draft, start, end int, quote string) slot {
	raw := d.text[start+len(quote) : end-len(quote)]
	return slot{start: start, end: end, write: func(fill filling) (string, string) {
		value := fill.in(raw)
		if len(quote) == 1 {
			if utf8.ValidString(value) && !tomlNotLiteral.MatchString(value) {
				return quote + value + quote, ""
			}
			return tomlBasic(value)
		}
		// The newline right after the quotes is not part of the string.
		content := strings.TrimPrefix(strings.TrimPrefix(raw, "\r"), "\n")
		if utf8.ValidString(value) && !tomlNotMultiLiteral.MatchString(value) && (content != raw || !strings.HasPrefix(value, "\n")) {
			return quote + value + quote, ""
		}
		return tomlBasic(fill.in(content))
	}}
}

// tomlBasic returns a basic string, with quotes.
func tomlBasic(s string) (text, no string) {
	if !utf8.ValidString(s) {
		return "", notUTF8 + ", which TOML cannot carry"
	}
	var b strings.Builder
	b.WriteByte('"')
	for _, c := range s {
		switch {
		case c == '"' || c == '\\':
			b.WriteByte('\\')
			b.WriteRune(c)
		case c == '\n':
			b.WriteString(`\n`)
		case c == '\t':
			b.WriteString(`\t`)
		case c == '\r':
			b.WriteString(`\r`)
		case c < ' ' || c == 0x7f:
			fmt.Fprintf(&b, `\u%04X`, c)
		default:
			b.WriteRune(c)
		}
	}
	b.WriteByte('"')
	return b.String(), ""
}

func readTOML(text string) (any, error) {
	var v map[string]any
	err := toml.Unmarshal([]byte(text), &v)
	if err == nil {
		return any(v), nil
	}
	line := 1
	if de, ok := errors.AsType[*toml.DecodeError](err); ok {
		line, _ = de.Position()
	}
	return nil, badLine(line, "the template is not valid TOML once its references are filled in")
}
