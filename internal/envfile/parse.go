package envfile

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"rinca/internal/lazyregexp"
	"rinca/internal/rinca"
)

// An Entry is one variable of an env file, with what is written around it.
type Entry struct {
	Key string
	// Value is the value with its quotes and escapes resolved, and not set
	// for a line that is a name alone. Where Refs is not empty a reader would
	// put other variables in; the value has them as ${NAME}.
	Value rinca.Secret
	// Refs are the names that the value refers to, in order.
	Refs []string
	// Export reports a leading "export".
	Export bool
	// Optional reports a variable that is commented out: "#KEY=value".
	Optional bool
	// Comment is the block of comment lines directly above, without "#".
	Comment string
	// Trailing is the comment behind the value, without "#".
	Trailing string
	// Line is where the name stands, from 1.
	Line int

	parts []part // Value, cut at its references
}

// A part is text, or a reference to a variable.
type part struct {
	text rinca.Secret // of a reference: as it was written
	name string       // "" for text
	more bool         // a reference with an operator, such as ${NAME:-default}
}

// Parse reads the text of a .env or .env.example file as Compose does:
// single quotes, double quotes with escapes, several lines within quotes,
// "export", comments, CRLF, a byte order mark. It returns the entries in
// their order, duplicates and commented-out variables among them; names are
// those that Compose accepts, which are more than ValidKey does.
//
// It is stricter than Compose where readers disagree: text behind a closing
// quote is an error, and "KEY= # note" is an empty value with a comment.
// Errors have code Invalid and say line:column, never a value.
func Parse(data []byte) ([]Entry, error) {
	text := strings.TrimPrefix(string(data), "\ufeff")
	p := &parser{src: text, line: 1}
	if i := strings.IndexByte(text, 0); i >= 0 {
		p.advance(i)
		return nil, p.fail(i, "holds a NUL byte; is it UTF-16? save it as UTF-8")
	}
	var entries []Entry
	for p.next() {
		e, err := p.entry()
		if err != nil {
			return nil, err
		}
		entries = append(entries, e)
	}
	return entries, nil
}

// A parser walks over the text, line by line, but for quoted values.
type parser struct {
	src       string
	pos       int
	line      int // of pos
	lineStart int
	comments  []string // the comment lines directly above pos
	optional  *Entry   // a commented-out variable that next found
}

// fail makes an error at an offset of the current line or a later one.
func (p *parser) fail(at int, format string, args ...any) error {
	col := utf8.RuneCountInString(p.src[p.lineStart:at]) + 1
	return rinca.Errorf(rinca.Invalid, "%d:%d: %s", p.line, col, fmt.Sprintf(format, args...))
}

// advance moves to an offset and counts the lines on the way.
func (p *parser) advance(to int) {
	if n := strings.Count(p.src[p.pos:to], "\n"); n > 0 {
		p.line += n
		p.lineStart = p.pos + strings.LastIndexByte(p.src[p.pos:to], '\n') + 1
	}
	p.pos = to
}

// lineEnd is the offset of the newline that ends the line of at, or the end.
func (p *parser) lineEnd(at int) int {
	if i := strings.IndexByte(p.src[at:], '\n'); i >= 0 {
		return at + i
	}
	return len(p.src)
}

// next moves to the next variable and collects the comments above it.
// It reports false at the end of the text.
func (p *parser) next() bool {
	for p.pos < len(p.src) {
		end := p.lineEnd(p.pos)
		line := strings.TrimSpace(p.src[p.pos:end])
		switch {
		case line == "":
			p.comments = nil
		case line[0] == '#':
			if p.commentedOut(line) {
				return true
			}
			p.comments = append(p.comments, strings.TrimSpace(strings.TrimLeft(line, "#")))
		default:
			start := strings.IndexFunc(p.src[p.pos:end], func(r rune) bool { return !unicode.IsSpace(r) })
			p.advance(p.pos + start)
			return true
		}
		p.advance(min(end+1, len(p.src)))
	}
	return false
}

// A commented-out variable has no blanks around "=", so that prose such as
// "# see also: x = y" is not taken for one.
var commentedOut = lazyregexp.New(`^#[ \t]?((?:export[ \t]+)?[A-Za-z_][A-Za-z0-9_]*=\S?.*)$`)

func (p *parser) commentedOut(line string) bool {
	m := commentedOut.FindStringSubmatch(line)
	if m == nil {
		return false
	}
	found, err := Parse([]byte(m[1]))
	if err != nil || len(found) != 1 || prose(m[1]) {
		return false
	}
	p.optional = &found[0]
	return true
}

// prose reports whether what follows "# " reads as a sentence that happens
// to start with NAME=value.
func prose(s string) bool {
	name, rest, _ := strings.Cut(s, "=")
	if strings.ToUpper(name) == name || strings.ContainsAny(rest, `"'#`) {
		return false
	}
	return strings.Contains(strings.TrimSpace(rest), " ")
}

// entry reads the variable at the current position.
func (p *parser) entry() (Entry, error) {
	e := Entry{Line: p.line}
	if p.optional != nil {
		e, p.optional = *p.optional, nil
		e.Line, e.Optional = p.line, true
		p.takeComments(&e)
		p.advance(min(p.lineEnd(p.pos)+1, len(p.src)))
		return e, nil
	}
	p.takeComments(&e)
	if m := exportWord.FindString(p.src[p.pos:p.lineEnd(p.pos)]); m != "" {
		e.Export = true
		p.advance(p.pos + len(m))
	}
	hasValue, err := p.key(&e)
	if err != nil || !hasValue {
		return e, err
	}
	return e, p.value(&e)
}

func (p *parser) takeComments(e *Entry) {
	e.Comment = strings.Join(p.comments, "\n")
	p.comments = nil
}

var exportWord = lazyregexp.New(`^export[ \t]+`)

// key reads a name and what separates it from its value.
func (p *parser) key(e *Entry) (hasValue bool, err error) {
	end := p.lineEnd(p.pos)
	i := p.pos
	for i < end {
		r, size := utf8.DecodeRuneInString(p.src[i:])
		if !unicode.IsLetter(r) && !unicode.IsNumber(r) && !strings.ContainsRune("_.-[]", r) {
			break
		}
		i += size
	}
	e.Key = p.src[p.pos:i]
	if e.Key == "" {
		return false, p.fail(i, "no name of a variable before this")
	}
	after := i
	for after < end && isBlank(rune(p.src[after])) {
		after++
	}
	switch {
	case after == end || p.src[after] == '#' && after > i: // a name alone: inherit
		if after < end {
			e.Trailing = trailing(p.src[after:end])
		}
		p.advance(min(end+1, len(p.src)))
		return false, nil
	case p.src[after] == '=' || p.src[after] == ':':
		p.advance(after + 1)
		return true, nil
	case after > i:
		return false, p.fail(i, "the name of a variable cannot contain a blank")
	}
	return false, p.fail(i, "a name of a variable cannot contain this character")
}

// value reads what follows "KEY=".
func (p *parser) value(e *Entry) error {
	end := p.lineEnd(p.pos)
	start := end
	if i := strings.IndexFunc(p.src[p.pos:end], func(r rune) bool { return !isBlank(r) }); i >= 0 {
		start = p.pos + i
	}
	switch {
	case start == end:
		e.set([]part{})
	case p.src[start] == '"' || p.src[start] == '\'':
		return p.quoted(e, start)
	case p.src[start] == '#' && start > p.pos:
		e.set([]part{})
		e.Trailing = trailing(p.src[start:end])
	default:
		text, note, found := strings.Cut(p.src[start:end], " #")
		if found {
			e.Trailing = trailing("#" + note)
		}
		parts, bad := references(strings.TrimRightFunc(text, unicode.IsSpace))
		if bad >= 0 {
			return p.fail(start+bad, "this ${ is not closed; write $$ for a dollar sign, or use single quotes")
		}
		e.set(parts)
	}
	p.advance(min(end+1, len(p.src)))
	return nil
}

func trailing(s string) string { return strings.TrimSpace(strings.TrimLeft(s, "#")) }

// isBlank reports a blank within a line, as Compose sees it.
func isBlank(r rune) bool {
	switch r {
	case ' ', '\t', '\v', '\f', '\r', 0x85, 0xa0:
		return true
	}
	return false
}
