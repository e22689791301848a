package interpolate

import (
	"strings"
)

// A Kept is something that Compose would have taken apart, and that was left
// to the shell of a container as it is.
type Kept struct {
	Name    string // of the variable; "" for a whole command
	Service string // of a whole command: its service
	File    string
	Line    int // from 1, where the text begins that it stands in
}

// dollars looks at the references of Compose in the text around values.
type dollars struct {
	env  func(name string) bool // nil: leave every reference as it is
	kept func(name string)
	open int // braces of ${ that are not closed yet
}

// text returns a piece of text as it must be written for Compose. last says
// that no value follows it.
func (d *dollars) text(s string, last bool) string {
	var b strings.Builder
	for i := 0; i < len(s); {
		switch {
		case s[i] == '}' && d.open > 0:
			d.open--
		case s[i] != '$':
		case strings.HasPrefix(s[i:], "$$"):
			b.WriteString("$$")
			i += 2
			continue
		case i == len(s)-1 && !last && d.open == 0:
			b.WriteByte('$') // or Compose would read on in the value
		case d.keep(s[i:]):
			b.WriteByte('$')
		case !last && d.open == 0 && nameAt(s, i+1) != "" && i+1+len(nameAt(s, i+1)) == len(s):
			b.WriteString("${" + s[i+1:] + "}") // the same
			return b.String()
		case strings.HasPrefix(s[i:], "${"):
			d.open++
		}
		b.WriteByte(s[i])
		i++
	}
	return b.String()
}

// keep reports whether s begins with a reference that is not Compose's.
func (d *dollars) keep(s string) bool {
	if d.env == nil || d.open > 0 {
		return false
	}
	name := nameAt(s, 1)
	if strings.HasPrefix(s, "${") {
		name = nameAt(s, 2)
		if !strings.HasPrefix(s[2+len(name):], "}") {
			return false // it has an operator, which Compose knows too
		}
	}
	if name == "" || d.env(name) {
		return false
	}
	d.kept(name)
	return true
}

// escapeDollars writes a value so that Compose reads it as it is.
func escapeDollars(value string) string { return strings.ReplaceAll(value, "$", "$$") }
