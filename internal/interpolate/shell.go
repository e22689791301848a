package interpolate

import (
	"strings"

	"rinca/internal/rinca"
)

// shellPrefix is what the names of the variables begin with that carry values
// to a command.
const shellPrefix = "RINCA_VAR_"

// maxEnv is what Linux takes as one variable of an environment, name and all.
const maxEnv = 128<<10 - 1

// Shell makes a command for sh safe to run: each [[NAME]] becomes an expansion
// of a variable that holds the value, and env is those variables. The value is
// one word, or a part of the word or string that it stands in, exactly; no part
// of it is ever read as shell. It works bare, inside '…' and "…", in $( ), in
// backquotes and in here-documents. A [[NAME]] in a comment stays.
//
// Where an expansion is not possible (a here-document whose end is quoted), or
// where shells disagree on what is quoted, or the value would be computed with
// ($(( ))), the error has code Invalid and names file and line.
func Shell(file, command string, lookup Lookup) (script string, env map[string]rinca.Secret, missing []Missing, err error) {
	if lookup == nil {
		return "", nil, nil, errNoLookup()
	}
	s := &shell{file: file, src: command, lookup: lookup, env: map[string]rinca.Secret{}, marks: map[int]token{}, line: 1}
	for _, t := range tokens(command) {
		s.marks[t.start] = t
	}
	if err := s.run(); err != nil {
		return "", nil, nil, err
	}
	if s.missing != nil {
		return "", nil, s.missing, nil
	}
	return s.out.String(), s.env, nil, nil
}

// A quoting is what the text of a command is read as.
type quoting byte

const (
	bare       quoting = iota
	double             // "…"
	single             // '…'
	substitute         // $( … )
	group              // ( … ) in a bare place
	brace              // ${ … }, quoted as what it stands in
	backquote          // ` … `
	arithmetic         // $(( … ))
)

// A heredoc is a here-document whose text is still to come.
type heredoc struct {
	end    string
	quoted bool // nothing is expanded in it
	tabs   bool // <<-
}

// shell is the state of walking over a command.
type shell struct {
	file    string
	src     string
	lookup  Lookup
	env     map[string]rinca.Secret
	marks   map[int]token
	missing []Missing
	out     strings.Builder
	pos     int
	line    int
	stack   []quoting
	docs    []heredoc
	doubt   string // why what follows may not be what it seems
}

func (s *shell) top() quoting {
	if len(s.stack) == 0 {
		return bare
	}
	return s.stack[len(s.stack)-1]
}

func (s *shell) push(q quoting) { s.stack = append(s.stack, q) }
func (s *shell) pop()           { s.stack = s.stack[:len(s.stack)-1] }

// quoted reports whether the place is one between double quotes.
func (s *shell) quoted() bool {
	for i := len(s.stack) - 1; i >= 0; i-- {
		switch s.stack[i] {
		case brace:
			continue
		case double:
			return true
		}
		return false
	}
	return false
}

// take copies n bytes.
func (s *shell) take(n int) {
	n = min(n, len(s.src)-s.pos)
	part := s.src[s.pos : s.pos+n]
	s.line += strings.Count(part, "\n")
	s.out.WriteString(part)
	s.pos += n
}

func (s *shell) run() error {
	for s.pos < len(s.src) {
		if t, ok := s.marks[s.pos]; ok {
			if err := s.name(t); err != nil {
				return err
			}
			continue
		}
		if s.src[s.pos] == '\n' && len(s.docs) > 0 && s.top() != single && !s.quoted() {
			s.take(1)
			if err := s.heredocs(); err != nil {
				return err
			}
			continue
		}
		s.step()
	}
	return nil
}

// step moves over one piece of the command.
func (s *shell) step() {
	c, rest := s.src[s.pos], s.src[s.pos:]
	top := s.top()
	switch {
	case top == single:
		if c == '\'' {
			s.pop()
		}
		s.take(1)
	case c == '\\':
		s.backslash()
	case strings.HasPrefix(rest, "$(("):
		s.push(arithmetic)
		s.take(3)
	case strings.HasPrefix(rest, "$("):
		s.push(substitute)
		s.take(2)
	case strings.HasPrefix(rest, "${"):
		s.push(brace)
		s.take(2)
	case c == '`':
		if top == backquote {
			s.pop()
		} else {
			s.push(backquote)
		}
		s.take(1)
	case c == '"':
		if top == double {
			s.pop()
		} else {
			s.push(double)
		}
		s.take(1)
	case top == brace && c == '}':
		s.pop()
		s.take(1)
	case top == arithmetic && strings.HasPrefix(rest, "))"):
		s.pop()
		s.take(2)
	case s.quoted() || top == arithmetic:
		s.take(1)
	default:
		s.bare(c, rest)
	}
}

// bare moves over what is special outside of quotes only.
func (s *shell) bare(c byte, rest string) {
	switch {
	case c == '\'':
		s.push(single)
		if s.pos > 0 && s.src[s.pos-1] == '$' {
			s.doubt = "behind $'…', which shells read differently"
		}
	case c == '#' && s.atWord() && s.top() != brace:
		end := strings.IndexByte(rest, '\n')
		if end < 0 {
			end = len(rest)
		}
		s.take(end)
		return
	case strings.HasPrefix(rest, "((") && s.atWord():
		s.push(arithmetic)
		s.take(2)
		return
	case c == '(' && s.top() != brace:
		s.push(group)
	case c == ')' && (s.top() == group || s.top() == substitute):
		s.pop()
	case strings.HasPrefix(rest, "<<<"):
		s.take(3)
		return
	case strings.HasPrefix(rest, "<<") && s.top() != brace:
		s.heredocStart(rest)
		return
	case len(s.stack) > 0 && s.atWord() && (strings.HasPrefix(rest, "case ") || strings.HasPrefix(rest, "case\t")):
		s.doubt = "behind a case inside ( ), whose ) cannot be told apart"
	}
	s.take(1)
}

// atWord reports whether a word begins here.
func (s *shell) atWord() bool {
	return s.pos == 0 || strings.IndexByte(" \t\n;&|()`", s.src[s.pos-1]) >= 0
}

// backslash moves over a backslash and what it quotes.
func (s *shell) backslash() {
	if !s.quoted() {
		s.take(2)
		return
	}
	if s.pos+1 < len(s.src) && strings.IndexByte("$`\"\\\n", s.src[s.pos+1]) >= 0 {
		s.take(2)
		return
	}
	if _, ok := s.marks[s.pos+1]; ok {
		s.out.WriteByte('\\') // or it would quote the $ of the expansion
	}
	s.take(1)
}

// name writes the expansion of a [[NAME]].
func (s *shell) name(t token) error {
	defer func() { s.pos = t.end }()
	if t.escaped {
		s.out.WriteString(s.src[t.start+1 : t.end-1])
		return nil
	}
	fail := func(why string) error {
		return rinca.Errorf(rinca.Invalid, "%s:%d: [[%s]] stands %s", s.file, s.line, t.name, why).
			Try("put it into a variable of the shell first: x=[[%s]]", t.name)
	}
	if s.doubt != "" {
		return fail(s.doubt)
	}
	for _, q := range s.stack {
		if q == arithmetic {
			return fail("inside $(( )), where the shell would compute with it")
		}
	}
	variable, err := s.define(t.name)
	if err != nil {
		return err
	}
	switch {
	case s.top() == single:
		s.out.WriteString(`'"${` + variable + `}"'`)
	case s.quoted():
		s.out.WriteString("${" + variable + "}")
	default:
		s.out.WriteString(`"${` + variable + `}"`)
	}
	return nil
}

// define makes the variable that carries a value.
func (s *shell) define(name string) (variable string, err error) {
	variable = shellPrefix + name
	value, ok := s.lookup(name)
	switch {
	case !ok:
		s.missing = append(s.missing, Missing{Name: name, File: s.file, Line: s.line})
		return variable, nil
	case strings.IndexByte(value.Reveal(), 0) >= 0:
		return "", rinca.Errorf(rinca.Invalid, "%s:%d: the value of %s holds a NUL byte, which a command cannot be given", s.file, s.line, name)
	case len(variable)+1+value.Len() > maxEnv:
		return "", rinca.Errorf(rinca.Invalid, "%s:%d: the value of %s is too long for a command (%d bytes; %d are possible)", s.file, s.line, name, value.Len(), maxEnv-len(variable)-1)
	}
	s.env[variable] = value
	return variable, nil
}
