package interpolate

import (
	"strings"

	"rinca/internal/rinca"
)

// heredocStart moves over "<<END" and notes that its text is to come.
func (s *shell) heredocStart(rest string) {
	d := heredoc{}
	n := 2
	if strings.HasPrefix(rest[n:], "-") {
		d.tabs = true
		n++
	}
	for n < len(rest) && (rest[n] == ' ' || rest[n] == '\t') {
		n++
	}
	for n < len(rest) && strings.IndexByte(" \t\n;&|()<>", rest[n]) < 0 {
		switch c := rest[n]; c {
		case '\'', '"':
			d.quoted = true
			end := strings.IndexByte(rest[n+1:], c)
			if end < 0 {
				end = len(rest) - n - 1
			}
			d.end += rest[n+1 : n+1+end]
			n += end + 1
		case '\\':
			d.quoted = true
			if n+1 < len(rest) {
				d.end += rest[n+1 : n+2]
			}
			n++
		default:
			d.end += string(c)
		}
		n++
	}
	s.take(n)
	s.docs = append(s.docs, d)
}

// heredocs moves over the texts of the here-documents that begin here.
func (s *shell) heredocs() error {
	docs := s.docs
	s.docs = nil
	for _, d := range docs {
		for s.pos < len(s.src) {
			length := strings.IndexByte(s.src[s.pos:], '\n') + 1
			if length == 0 {
				length = len(s.src) - s.pos
			}
			text := strings.TrimSuffix(s.src[s.pos:s.pos+length], "\n")
			if d.tabs {
				text = strings.TrimLeft(text, "\t")
			}
			if text == d.end {
				s.take(length)
				break
			}
			if err := s.heredocLine(s.pos+length, d); err != nil {
				return err
			}
		}
	}
	return nil
}

// heredocLine moves over one line of a here-document's text.
func (s *shell) heredocLine(end int, d heredoc) error {
	start := s.pos
	for s.pos < end {
		t, ok := s.marks[s.pos]
		switch {
		case ok && d.quoted && !t.escaped:
			return rinca.Errorf(rinca.Invalid, "%s:%d: [[%s]] stands in a here-document that expands nothing", s.file, s.line, t.name).
				Try("write <<%s without quotes", d.end)
		case ok && strings.Contains(s.src[start:s.pos], "$(("):
			return rinca.Errorf(rinca.Invalid, "%s:%d: [[%s]] stands behind $((, where the shell would compute with it", s.file, s.line, t.name)
		case ok:
			s.push(double) // as between double quotes, where nothing is split
			err := s.name(t)
			s.pop()
			if err != nil {
				return err
			}
		case s.src[s.pos] == '\\' && !d.quoted:
			s.push(double)
			s.backslash()
			s.pop()
		default:
			s.take(1)
		}
	}
	return nil
}
