package webhook

import (
	"path"
	"regexp"
	"strings"
)

// compile turns a pattern of paths into an expression: * is anything but a
// slash, ? one such character, ** anything, and **/ any folders or none. A
// pattern without any of them, or with a slash at its end, is a file, or a
// folder with all that is in it.
func compile(pattern string) (*regexp.Regexp, error) {
	p := strings.TrimPrefix(strings.TrimPrefix(pattern, "./"), "/")
	tail := ""
	if folder := strings.TrimSuffix(p, "/"); folder != p || !strings.ContainsAny(p, "*?") {
		p, tail = folder, "(?:/.*)?"
	}
	var b strings.Builder
	b.WriteString("(?s)^")
	for i := 0; i < len(p); {
		rest := p[i:]
		switch {
		case strings.HasPrefix(rest, "**/") && (i == 0 || p[i-1] == '/'):
			b.WriteString("(?:.*/)?")
			i += 3
		case strings.HasPrefix(rest, "**"):
			b.WriteString(".*")
			i += 2
		case rest[0] == '*':
			b.WriteString("[^/]*")
			i++
		case rest[0] == '?':
			b.WriteString("[^/]")
			i++
		default:
			n := strings.IndexAny(rest, "*?")
			if n < 0 {
				n = len(rest)
			}
			b.WriteString(regexp.QuoteMeta(rest[:n]))
			i += n
		}
	}
	b.WriteString(tail + "$")
	return regexp.Compile(b.String())
}

// matches reports whether one of some patterns matches a text. A pattern that
// cannot be read matches nothing.
func matches(patterns []string, text string) bool {
	for _, p := range patterns {
		if e, err := compile(p); err == nil && e.MatchString(text) {
			return true
		}
	}
	return false
}

// A scope is the files whose change matters to a resource.
type scope struct {
	all      bool            // every file does
	folders  map[string]bool // with all that is in them; also single files
	tops     map[string]bool // folders whose own files matter; "" is the root
	patterns []*regexp.Regexp
}

func everything() scope { return scope{all: true} }

// of returns the scope of the patterns of a webhook.
func scopeOf(patterns []string) scope {
	var s scope
	for _, p := range patterns {
		if e, err := compile(p); err == nil {
			s.patterns = append(s.patterns, e)
		}
	}
	return s
}

// add adds a folder, or a file, of the repository. The root is everything.
func (s *scope) add(p string) {
	p, ok := inRepo(p)
	switch {
	case !ok: // outside the repository: no push touches it
	case p == "":
		s.all = true
	default:
		if s.folders == nil {
			s.folders = map[string]bool{}
		}
		s.folders[p] = true
	}
}

// beside adds the folder that a file lies in; of the root its own files alone.
func (s *scope) beside(file string) {
	p, ok := inRepo(path.Dir(path.Clean(file)))
	if !ok {
		return
	}
	if p != "" {
		s.add(p)
		return
	}
	if s.tops == nil {
		s.tops = map[string]bool{}
	}
	s.tops[p] = true
}

// join adds all of another scope.
func (s *scope) join(other scope) {
	s.all = s.all || other.all
	for p := range other.folders {
		s.add(p)
	}
	for p := range other.tops {
		s.beside(p + "x")
	}
	s.patterns = append(s.patterns, other.patterns...)
}

// touched reports whether one of some files matters.
func (s *scope) touched(files []string) bool {
	for _, f := range files {
		if s.all || s.has(f) {
			return true
		}
	}
	return false
}

func (s *scope) has(file string) bool {
	file = strings.TrimPrefix(file, "/")
	for at := file; ; {
		if s.folders[at] {
			return true
		}
		i := strings.LastIndexByte(at, '/')
		if i < 0 {
			break
		}
		at = at[:i]
	}
	if s.tops[""] && !strings.Contains(file, "/") {
		return true
	}
	for _, e := range s.patterns {
		if e.MatchString(file) {
			return true
		}
	}
	return false
}

// inRepo cleans a path of the repository; "" is the root. ok is false for one
// that leads out.
func inRepo(p string) (clean string, ok bool) {
	clean = path.Clean(strings.TrimLeft(p, "/"))
	if clean == ".." || strings.HasPrefix(clean, "../") {
		return "", false
	}
	if clean == "." {
		clean = ""
	}
	return clean, true
}
