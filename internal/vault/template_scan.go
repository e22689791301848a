package vault

import (
	"strings"
	"unicode/utf8"

	"rinca/internal/rinca"
)

// A scanner cuts the text of a template into nodes.
type scanner struct {
	t     *Template
	src   string
	pos   int
	begin int // of the text not yet in a node
	plain strings.Builder

	line      int // of pos
	lineStart int
	comment   bool // the line is a comment
}

func (s *scanner) scan() {
	s.startLine()
	for s.pos < len(s.src) {
		if s.comment && s.t.syntax.Comments == SkipComments {
			s.skipLine()
			continue
		}
		rest := s.src[s.pos:]
		switch {
		case rest[0] == '\n':
			s.pos++
			s.line++
			s.startLine()
		case strings.HasPrefix(rest, "{{") && s.enclosed():
		case rest[0] == '$' && s.variable():
		case strings.HasPrefix(rest, rinca.RefScheme) && s.mayStart() && s.bare():
		default:
			s.pos++
		}
	}
	s.flush(s.pos)
}

// startLine looks whether the line that begins at pos is a comment.
func (s *scanner) startLine() {
	s.lineStart = s.pos
	line := strings.TrimLeft(s.src[s.pos:], " \t")
	s.comment = false
	for _, mark := range commentMarks(s.t.syntax.Target) {
		s.comment = s.comment || strings.HasPrefix(line, mark)
	}
}

// skipLine takes the rest of the line as it is.
func (s *scanner) skipLine() {
	end := len(s.src)
	if i := strings.IndexByte(s.src[s.pos:], '\n'); i >= 0 {
		end = s.pos + i
	}
	s.comment = false
	s.pos = end
}

// flush makes a node of the text up to end.
func (s *scanner) flush(end int) {
	s.plain.WriteString(s.src[s.begin:end])
	if s.plain.Len() > 0 {
		s.t.nodes = append(s.t.nodes, node{text: s.plain.String()})
		s.plain.Reset()
	}
	s.begin = end
}

// put replaces the source from pos to end with text.
func (s *scanner) put(text string, end int) {
	s.plain.WriteString(s.src[s.begin:s.pos])
	s.plain.WriteString(text)
	s.move(end)
	s.begin = s.pos
}

// move goes on to end, which may be some lines further.
func (s *scanner) move(end int) {
	if i := strings.LastIndexByte(s.src[s.pos:end], '\n'); i >= 0 {
		s.line += strings.Count(s.src[s.pos:end], "\n")
		s.lineStart = s.pos + i + 1
	}
	s.pos = end
}

// here is a node at an offset of the current line.
func (s *scanner) here(at int) node {
	return node{line: s.line, column: utf8.RuneCountInString(s.src[s.lineStart:at]) + 1, comment: s.comment}
}

// reference makes a node of the reference written from pos to end. One that
// is wrong is a problem, or stays as it is in a comment.
func (s *scanner) reference(text string, end int, wrong error) {
	start := s.pos
	n := s.here(start)
	n.text = s.src[start:end]
	ref, err := rinca.ParseSecretRef(text)
	if wrong != nil {
		err = wrong
	}
	switch {
	case err == nil:
		s.flush(start)
		n.ref = &ref
		s.t.nodes = append(s.t.nodes, n)
		s.begin = end
	case s.comment && s.t.syntax.Comments == TryComments:
		s.t.note(n, err)
	default:
		s.t.problems = append(s.t.problems, s.t.at(n, err))
	}
	s.move(end)
}

// enclosed reads {{ op://… }} or {{ "text" }}; false when it is neither.
func (s *scanner) enclosed() bool {
	i := s.pos + 2
	for i < len(s.src) && isBlank(s.src[i]) {
		i++
	}
	switch {
	case strings.HasPrefix(s.src[i:], `"`):
		text, end, ok := quotedLiteral(s.src, i)
		if ok {
			s.put(text, end)
		}
		return ok
	case strings.HasPrefix(s.src[i:], rinca.RefScheme):
		var text strings.Builder
		var wrong error
		for i < len(s.src) && s.src[i] != '\n' {
			if strings.HasPrefix(s.src[i:], "}}") {
				s.reference(strings.TrimRight(text.String(), " \t"), i+2, wrong)
				return true
			}
			value, n, err := s.expand(i)
			if n == 0 {
				value, n = s.src[i:i+1], 1
			}
			if err != nil && wrong == nil {
				wrong = err
			}
			text.WriteString(value)
			i += n
		}
	}
	return false
}

// quotedLiteral reads "text" }} with \" for a quote within.
func quotedLiteral(src string, i int) (text string, end int, ok bool) {
	var b strings.Builder
	for i++; i < len(src) && src[i] != '"'; i++ {
		if strings.HasPrefix(src[i:], `\"`) {
			i++
		}
		b.WriteByte(src[i])
	}
	for i++; i < len(src) && isBlank(src[i]); i++ {
	}
	if i >= len(src) || !strings.HasPrefix(src[i:], "}}") {
		return "", 0, false
	}
	return b.String(), i + 2, true
}

// mayStart reports whether what stands before pos lets a bare reference begin.
func (s *scanner) mayStart() bool {
	if s.pos == 0 {
		return true
	}
	c := s.src[s.pos-1]
	return !isAlnum(c) && strings.IndexByte(`-+\.`, c) < 0
}

// bare reads a reference that no braces enclose.
func (s *scanner) bare() bool {
	i := s.pos + len(rinca.RefScheme)
	text := strings.Builder{}
	text.WriteString(rinca.RefScheme)
	var wrong error
	for i < len(s.src) {
		value, n, err := s.expand(i)
		if n == 0 {
			if !isAlnum(s.src[i]) && strings.IndexByte("?_./-", s.src[i]) < 0 {
				break
			}
			value, n = s.src[i:i+1], 1
		}
		if err != nil && wrong == nil {
			wrong = err
		}
		text.WriteString(value)
		i += n
	}
	if wrong == nil && i < len(s.src) && s.src[i] == '=' && strings.Contains(text.String(), "?") {
		wrong = rinca.Errorf(rinca.Invalid, "%s: a reference with a query must be enclosed in braces", text.String()).
			Try("{{ %s=… }}", text.String())
	}
	s.reference(text.String(), i, wrong)
	return true
}

// variable replaces a variable at pos; false when there is none.
func (s *scanner) variable() bool {
	value, n, err := s.expand(s.pos)
	switch {
	case n == 0:
		return false
	case err == nil:
		s.put(value, s.pos+n)
		return true
	}
	at := s.here(s.pos)
	if s.comment && s.t.syntax.Comments == TryComments {
		s.move(s.pos + n)
		return true
	}
	s.t.problems = append(s.t.problems, s.t.at(at, err))
	s.move(s.pos + n)
	return true
}

// expand reads the variable at i: its value and the length of what names it.
// n is 0 when there is none.
func (s *scanner) expand(i int) (value string, n int, err error) {
	if s.t.syntax.Lookup == nil || s.src[i] != '$' {
		return "", 0, nil
	}
	name, other, hasOther := "", "", false
	if strings.HasPrefix(s.src[i:], "${") {
		end := strings.IndexByte(s.src[i:], '}')
		if end < 0 {
			return "", 0, nil
		}
		n = end + 1
		name, other, hasOther = strings.Cut(s.src[i+2:i+end], ":-")
		if name = strings.TrimSpace(name); name == "" || identifier(name) != len(name) {
			return "", 0, nil
		}
	} else {
		length := identifier(s.src[i+1:])
		if length == 0 {
			return "", 0, nil
		}
		name, n = s.src[i+1:i+1+length], length+1
	}
	if v, ok := s.t.syntax.Lookup(name); ok {
		return v, n, nil
	}
	if hasOther {
		return other, n, nil
	}
	return s.src[i : i+n], n, rinca.Errorf(rinca.Invalid, "variable %s is not set", name).
		Try("set %s, or write ${%s:-default}; with --no-vars \"$\" is text", name, name)
}

// ExpandRef reads a reference in which variables stand for names, such as
// op://$APP_ENV/db/password. Its errors are those of rinca.ParseSecretRef, and
// Invalid for a variable that is not set.
func ExpandRef(text string, lookup func(name string) (string, bool)) (rinca.SecretRef, error) {
	s := scanner{t: &Template{syntax: Syntax{Lookup: lookup}}, src: text}
	var b strings.Builder
	for i := 0; i < len(text); {
		value, n, err := s.expand(i)
		if err != nil {
			return rinca.SecretRef{}, err
		}
		if n == 0 {
			value, n = text[i:i+1], 1
		}
		b.WriteString(value)
		i += n
	}
	return rinca.ParseSecretRef(b.String())
}

// identifier returns how many bytes at the start of s can name a variable.
func identifier(s string) int {
	i := 0
	for i < len(s) && (s[i] == '_' || isAlnum(s[i]) && (i > 0 || s[i] > '9')) {
		i++
	}
	return i
}

func isAlnum(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9'
}

func isBlank(c byte) bool { return c == ' ' || c == '\t' }
