package envfile

import (
	"strconv"
	"strings"

	"rinca/internal/lazyregexp"
	"rinca/internal/rinca"
)

// quoted reads a value in quotes, which may go over several lines.
func (p *parser) quoted(e *Entry, start int) error {
	quote := p.src[start]
	var text strings.Builder
	i := start + 1
	for ; ; i++ {
		if i >= len(p.src) {
			return p.fail(start, "this quote is not closed")
		}
		c := p.src[i]
		if c == quote {
			break
		}
		// A backslash hides a quote. Any other pair stays as it is here;
		// double quotes resolve it below.
		if c == '\\' && i+1 < len(p.src) {
			i++
			if p.src[i] != quote {
				text.WriteByte('\\')
			}
			text.WriteByte(p.src[i])
			continue
		}
		text.WriteByte(c)
	}
	if quote == '\'' {
		e.set([]part{{text: rinca.NewSecret(text.String())}})
	} else {
		parts, bad := references(unescape(text.String()))
		if bad >= 0 {
			return p.fail(start, `a ${ in this value is not closed; write \$ for a dollar sign, or use single quotes`)
		}
		e.set(parts)
	}
	p.advance(i + 1)
	return p.afterQuote(e)
}

// afterQuote accepts blanks and a comment between a closing quote and the end
// of the line.
func (p *parser) afterQuote(e *Entry) error {
	end := p.lineEnd(p.pos)
	rest := strings.TrimFunc(p.src[p.pos:end], isBlank)
	switch {
	case rest == "":
	case rest[0] == '#':
		e.Trailing = trailing(rest)
	default:
		return p.fail(p.pos, "text behind the closing quote; sh would read it as part of the value, Compose would not")
	}
	p.advance(min(end+1, len(p.src)))
	return nil
}

var escape = lazyregexp.New(`\\(?:[abcfnrtv$"\\]|0\d{0,3})`)

// unescape resolves the escapes of double quotes as Compose does. "\$"
// becomes "$$", which references takes for a dollar sign.
func unescape(s string) string {
	return escape.ReplaceAllStringFunc(s, func(seq string) string {
		if seq == `\$` {
			return "$$"
		}
		if seq[1] == '0' { // \0101 is octal 101; shorter ones lose their zero
			seq = `\` + seq[2:]
		}
		r, _, _, err := strconv.UnquoteChar(seq, '"')
		if err != nil {
			return seq
		}
		return string(r)
	})
}

var (
	named  = lazyregexp.New(`^\$([A-Za-z_][A-Za-z0-9_]*)`)
	braced = lazyregexp.New(`^\$\{([A-Za-z_][A-Za-z0-9_]*)(\}|:?[-+?])`)
)

// references cuts text at the variables that a reader would put in. bad is
// the offset of a reference that cannot be understood, or -1.
func references(s string) (parts []part, bad int) {
	var text strings.Builder
	flush := func() {
		if text.Len() > 0 {
			parts = append(parts, part{text: rinca.NewSecret(text.String())})
			text.Reset()
		}
	}
	for i := 0; i < len(s); {
		rest := s[i:]
		if s[i] != '$' {
			n := strings.IndexByte(rest, '$')
			if n < 0 {
				n = len(rest)
			}
			text.WriteString(rest[:n])
			i += n
			continue
		}
		if strings.HasPrefix(rest, "$$") {
			text.WriteByte('$')
			i += 2
			continue
		}
		n, name, more := reference(rest)
		switch {
		case n < 0:
			return nil, i
		case n == 0:
			text.WriteByte('$')
			i++
			continue
		}
		flush()
		parts = append(parts, part{text: rinca.NewSecret(rest[:n]), name: name, more: more})
		i += n
	}
	flush()
	return parts, -1
}

// reference looks for a reference at the start of s, which begins with "$".
// n is its length, 0 when there is none, -1 when it is malformed.
func reference(s string) (n int, name string, more bool) {
	if m := named.FindStringSubmatch(s); m != nil {
		return len(m[0]), m[1], false
	}
	if !strings.HasPrefix(s, "${") {
		return 0, "", false
	}
	m := braced.FindStringSubmatch(s)
	if m == nil {
		return -1, "", false
	}
	if m[2] == "}" {
		return len(m[0]), m[1], false
	}
	depth := 0
	for i := 1; i < len(s); i++ {
		switch s[i] {
		case '{':
			depth++
		case '}':
			if depth--; depth == 0 {
				return i + 1, m[1], true
			}
		}
	}
	return -1, "", false
}
