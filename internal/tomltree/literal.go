package tomltree

import "strings"

// A dialect is a document as a TOML parser can read it, and where its bytes
// come from.
type dialect struct {
	text     string
	inserted []int // offsets in text of bytes that are not in the original
}

// plainTOML is a document as it is.
func plainTOML(text string) dialect { return dialect{text: text} }

// literal doubles each backslash between """ and """: there Komodo's files
// mean them as they stand, for shell commands and the like.
func literal(text string) dialect {
	d := dialect{text: text}
	if !strings.Contains(text, `"""`) || !strings.Contains(text, `\`) {
		return d
	}
	var b strings.Builder
	b.Grow(len(text) + len(text)/16)
	at := 0
	for at < len(text) {
		n := token(text[at:])
		part := text[at : at+n]
		if strings.HasPrefix(part, `"""`) {
			for i := range len(part) {
				if part[i] == '\\' {
					d.inserted = append(d.inserted, b.Len())
					b.WriteByte('\\')
				}
				b.WriteByte(part[i])
			}
		} else {
			b.WriteString(part)
		}
		at += n
	}
	d.text = b.String()
	return d
}

// token returns how long the comment, the string or the other text is that s
// begins with.
func token(s string) int {
	switch {
	case strings.HasPrefix(s, `"""`):
		return ended(s, `"""`)
	case strings.HasPrefix(s, `'''`):
		return ended(s, `'''`)
	case s[0] == '#':
		return upTo(s, "\n")
	case s[0] == '\'':
		return 1 + upTo(s[1:], "'\n") + closing(s, '\'')
	case s[0] == '"':
		for i := 1; i < len(s); i++ {
			switch s[i] {
			case '\\':
				i++
			case '"':
				return i + 1
			case '\n':
				return i
			}
		}
		return len(s)
	}
	return upTo(s, `"'#`)
}

// upTo returns how many bytes come before the first of the signs.
func upTo(s, signs string) int {
	if i := strings.IndexAny(s, signs); i >= 0 {
		return i
	}
	return len(s)
}

// closing is 1 when the string that s begins with is closed in its line.
func closing(s string, quote byte) int {
	if i := 1 + upTo(s[1:], string(quote)+"\n"); i < len(s) && s[i] == quote {
		return 1
	}
	return 0
}

// ended returns how long a string of several lines is; it may end with one or
// two quotes of its own.
func ended(s, quotes string) int {
	i := strings.Index(s[3:], quotes)
	if i < 0 {
		return len(s)
	}
	n := 3 + i + 3
	for range 2 {
		if n < len(s) && s[n] == quotes[0] {
			n++
		}
	}
	return n
}
