package vault

import (
	"strings"

	"rinca/internal/lazyregexp"
)

// splitShell makes a slot of every reference in a POSIX shell script (and
// $'…' of bash): how a value is escaped depends on the quotes around it.
func splitShell(d *draft) ([]slot, error) {
	sh := &shell{d: d, open: []opened{{kind: inCode}}}
	for sh.i < len(d.text) {
		if err := sh.step(); err != nil {
			return nil, err
		}
	}
	for _, o := range sh.open[1:] {
		if o.kind != inCode && o.kind != inParens {
			return nil, badAt(o.at, "what begins here does not end")
		}
	}
	return sh.slots, nil
}

// A place in a script decides how it goes on.
type shellPlace int

const (
	inCode    shellPlace = iota // words are split, quotes quote
	inParens                    // $( … ) and ( … ), otherwise code
	inParam                     // ${ … }, otherwise code
	inDouble                    // "…"
	inQuotedP                   // "…${ … }…"
	inTicks                     // `…`
	inSum                       // $(( … ))
)

type opened struct {
	kind shellPlace
	at   int
}

// shell reads a script.
type shell struct {
	d     *draft
	i     int
	open  []opened
	slots []slot
	docs  []hereDoc // whose text begins on the next line
}

type hereDoc struct {
	end    string
	quoted bool // nothing in it is special
	tabs   bool // leading tabs are dropped
}

func (sh *shell) top() shellPlace { return sh.open[len(sh.open)-1].kind }

func (sh *shell) push(kind shellPlace, size int) {
	sh.open = append(sh.open, opened{kind, sh.i})
	sh.i += size
}

func (sh *shell) pop(size int) {
	if len(sh.open) > 1 {
		sh.open = sh.open[:len(sh.open)-1]
	}
	sh.i += size
}

func (sh *shell) step() error {
	text, top := sh.d.text, sh.top()
	rest := text[sh.i:]
	code := top == inCode || top == inParens || top == inParam
	switch {
	case sh.d.isToken(sh.i):
		return sh.reference(top, code)
	case rest[0] == '\\':
		if sh.d.isToken(sh.i + 1) {
			return badAt(sh.i+1, "a backslash stands before the reference")
		}
		sh.i += 2
	case rest[0] == '\n' && len(sh.docs) > 0 && code:
		sh.i++
		return sh.hereDocs()
	case strings.HasPrefix(rest, "$(("):
		sh.push(inSum, 3)
	case strings.HasPrefix(rest, "$("):
		sh.push(inParens, 2)
	case strings.HasPrefix(rest, "${"):
		kind := inParam
		if top == inDouble || top == inQuotedP {
			kind = inQuotedP
		}
		sh.push(kind, 2)
	case rest[0] == '`' && top == inTicks:
		sh.pop(1)
	case rest[0] == '`':
		sh.push(inTicks, 1)
	case rest[0] == '"' && top == inDouble:
		sh.pop(1)
	case rest[0] == '"':
		sh.push(inDouble, 1)
	case rest[0] == '}' && (top == inParam || top == inQuotedP), rest[0] == ')' && top == inParens:
		sh.pop(1)
	case top == inSum && strings.HasPrefix(rest, "))"):
		sh.pop(2)
	case code:
		return sh.code(rest)
	default:
		sh.i++
	}
	return nil
}

// code goes on where quotes, comments and here-documents may begin.
func (sh *shell) code(rest string) error {
	switch {
	case strings.HasPrefix(rest, "$'"):
		return sh.single(2, true)
	case rest[0] == '\'':
		return sh.single(1, false)
	case rest[0] == '(' && sh.top() != inParam:
		sh.push(inParens, 1)
	case rest[0] == '#' && (sh.i == 0 || strings.IndexByte(" \t\n;&|()", sh.d.text[sh.i-1]) >= 0) && sh.top() != inParam:
		sh.i = lineEnd(sh.d.text, sh.i)
	case strings.HasPrefix(rest, "<<<"):
		sh.i += 3
	case strings.HasPrefix(rest, "<<"):
		m := hereStart.FindStringSubmatch(rest)
		if m == nil {
			return badAt(sh.i, "this here-document has no end that can be understood")
		}
		end := strings.NewReplacer("'", "", `"`, "", `\`, "").Replace(m[2])
		sh.docs = append(sh.docs, hereDoc{end: end, quoted: end != m[2], tabs: m[1] == "-"})
		sh.i += len(m[0])
	default:
		sh.i++
	}
	return nil
}

var hereStart = lazyregexp.New(`^<<(-?)[ \t]*('[^'\n]+'|"[^"\n]+"|\\?[A-Za-z0-9_.]+)`)

// reference makes a slot of the token at i.
func (sh *shell) reference(top shellPlace, code bool) error {
	switch {
	case code:
		sh.slot(true, func(v string) string { return "'" + strings.ReplaceAll(v, "'", `'\''`) + "'" })
	case top == inDouble:
		sh.slot(true, shellDouble.Replace)
	default:
		return badAt(sh.i, "a reference cannot stand within ${…} in quotes, `…` or $((…)); put it into a variable first")
	}
	return nil
}

var shellDouble = strings.NewReplacer(`\`, `\\`, `"`, `\"`, `$`, `\$`, "`", "\\`")

// slot makes a slot of the token at i and goes behind it. dollars says that
// variables mean something here.
func (sh *shell) slot(dollars bool, escape func(string) string) {
	at, name := sh.i, sh.d.text[sh.i:sh.i+sh.d.size]
	start, before := at, ""
	if dollars {
		start, before = sh.d.dollar(at)
	}
	sh.slots = append(sh.slots, slot{start: start, end: at + sh.d.size, write: func(fill filling) (string, string) {
		value := fill.in(name)
		if strings.ContainsRune(value, 0) {
			return "", "the value holds a NUL byte, which no shell can carry"
		}
		return before + escape(value), ""
	}})
	sh.i += sh.d.size
}

// single reads '…', or $'…' with its escapes.
func (sh *shell) single(size int, escapes bool) error {
	start := sh.i
	for sh.i += size; sh.i < len(sh.d.text); {
		switch c := sh.d.text[sh.i]; {
		case sh.d.isToken(sh.i) && escapes:
			sh.slot(false, strings.NewReplacer(`\`, `\\`, `'`, `\'`).Replace)
		case sh.d.isToken(sh.i):
			sh.slot(false, func(v string) string { return strings.ReplaceAll(v, "'", `'\''`) })
		case c == '\'':
			sh.i++
			return nil
		case c == '\\' && escapes:
			if sh.d.isToken(sh.i + 1) {
				return badAt(sh.i+1, "a backslash stands before the reference")
			}
			sh.i += 2
		default:
			sh.i++
		}
	}
	return badAt(start, "this quote does not end")
}

// hereDocs reads the texts of the here-documents that began on the last line.
func (sh *shell) hereDocs() error {
	docs := sh.docs
	sh.docs = nil
	for _, doc := range docs {
		start, ended := sh.i, false
		for sh.i < len(sh.d.text) && !ended {
			end := lineEnd(sh.d.text, sh.i)
			line := sh.d.text[sh.i:end]
			if doc.tabs {
				line = strings.TrimLeft(line, "\t")
			}
			if ended = line == doc.end; ended {
				sh.i = min(end+1, len(sh.d.text))
				continue
			}
			if err := sh.hereLine(doc, end); err != nil {
				return err
			}
		}
		if !ended {
			return badAt(min(start, len(sh.d.text)-1), "this here-document does not end with %s", doc.end)
		}
	}
	return nil
}

// hereLine makes slots of the references up to the end of the line.
func (sh *shell) hereLine(doc hereDoc, end int) error {
	nested := 0
	for ; sh.i < end; sh.i++ {
		switch {
		case sh.d.isToken(sh.i):
			if nested > 0 {
				return badAt(sh.i, "a reference cannot stand within $(…), ${…} or `…` in a here-document; put it into a variable first")
			}
			sh.hereSlot(doc)
			sh.i-- // the loop goes on by one
		case doc.quoted:
		case sh.d.text[sh.i] == '\\':
			if sh.d.isToken(sh.i + 1) {
				return badAt(sh.i+1, "a backslash stands before the reference")
			}
			sh.i++
		case sh.d.text[sh.i] == '`' && nested == 0:
			nested = 1
		case sh.d.text[sh.i] == '`':
			nested = 0
		case strings.HasPrefix(sh.d.text[sh.i:end], "$(") || strings.HasPrefix(sh.d.text[sh.i:end], "${"):
			nested++
		case nested > 0 && (sh.d.text[sh.i] == ')' || sh.d.text[sh.i] == '}'):
			nested--
		}
	}
	sh.i = min(sh.i+1, len(sh.d.text))
	return nil
}

func (sh *shell) hereSlot(doc hereDoc) {
	sh.slot(!doc.quoted, func(v string) string {
		if doc.quoted {
			return v
		}
		return strings.NewReplacer(`\`, `\\`, `$`, `\$`, "`", "\\`").Replace(v)
	})
	s := &sh.slots[len(sh.slots)-1]
	write := s.write
	s.write = func(fill filling) (string, string) {
		text, no := write(fill)
		for line := range strings.SplitSeq(text, "\n") {
			if line != "" && strings.Contains(doc.end, line) { // with what stands beside it
				return "", "a line of the value may be " + doc.end + ", which ends this here-document"
			}
			if doc.tabs && strings.HasPrefix(line, "\t") {
				return "", "the value holds a tab at the start of a line, which <<- drops"
			}
		}
		return text, no
	}
}
