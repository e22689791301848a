package envfile

import (
	"bytes"
	"fmt"
	"slices"
	"strings"

	"rinca/internal/rinca"
)

// A Var is one variable of a file. A Value that is not set is written as an
// empty one.
type Var struct {
	Key   string
	Value rinca.Secret
}

// A Report says who reads a rendered file exactly.
type Report struct {
	// Dialect is the file's: Bare when every value is, else the narrowest
	// of its values.
	Dialect Dialect
	// Universal reports whether every reader gets every value right.
	Universal bool
	// Because lists the keys that prevent it, in the order of the file.
	Because []Reason
}

// A Reason names a key and says, without its value, what is the matter.
type Reason struct {
	Key    string
	Reason string
	// Formats are those that can write this value; empty when none can, or
	// when the trouble is the name.
	Formats []Format
}

// Problems are all the reasons why a file cannot be written. Render returns
// them as the cause of an error with code Invalid.
type Problems []Reason //nolint:errname // it is a list, and reads as one

// Error lists the problems, one per line when there are several.
func (p Problems) Error() string {
	lines := make([]string, len(p))
	for i, r := range p {
		lines[i] = r.Key + " " + r.Reason
		if len(r.Formats) > 0 {
			lines[i] += " (" + tryFormats(r.Formats) + ")"
		}
	}
	if len(lines) == 1 {
		return lines[0]
	}
	return fmt.Sprintf("%d variables cannot be written:\n  %s", len(p), strings.Join(lines, "\n  "))
}

// Render returns the text of an env file: the variables in the given order,
// one "KEY=value" each, LF line ends, a newline at the end. The same input
// gives the same bytes. Every name and value is checked first; the error
// lists all that is wrong, by key, and wraps Problems.
func Render(vars []Var, format Format) ([]byte, Report, error) {
	var (
		out      bytes.Buffer
		report   = Report{Dialect: Bare, Universal: true}
		problems Problems
		seen     = make(map[string]bool, len(vars))
	)
	for _, v := range vars {
		if r, ok := badKey(v.Key, seen); ok {
			problems = append(problems, r)
			continue
		}
		seen[v.Key] = true
		value := v.Value.Reveal()
		text, dialect, no := encode(value, format)
		tooLong := len(v.Key)+len("=")+len(value) > maxRawLine
		if no == "" && format == Raw && tooLong {
			no = "is longer, with its name, than the 65,535 bytes of a line that raw readers take"
		}
		if no != "" {
			problems = append(problems, Reason{v.Key, no, carriersOf(value, tooLong)})
			continue
		}
		report.add(v.Key, value, dialect, tooLong)
		out.WriteString(v.Key)
		out.WriteByte('=')
		out.WriteString(text)
		out.WriteByte('\n')
	}
	if len(problems) > 0 {
		err := rinca.Errorf(rinca.Invalid, "%w", problems)
		if can := problems.formats(); len(can) > 0 {
			return nil, Report{}, err.Try("%s", tryFormats(can))
		}
		return nil, Report{}, err.Try("change these variables in the vault")
	}
	return out.Bytes(), report, nil
}

// badKey checks a name.
func badKey(key string, seen map[string]bool) (Reason, bool) {
	switch {
	case key == "":
		return Reason{Key: `""`, Reason: "is no name for a variable"}, true
	case !ValidKey(key):
		return Reason{Key: fmt.Sprintf("%.200q", key), Reason: "is no name for a variable: use letters, digits and _, not starting with a digit"}, true
	case seen[key]:
		return Reason{Key: key, Reason: "is there twice"}, true
	}
	return Reason{}, false
}

// add notes what one value means for the readers of the whole file.
func (r *Report) add(key, value string, d Dialect, tooLong bool) {
	if d != Bare && (r.Dialect == Bare || r.Dialect == Quoted) {
		r.Dialect = d
	}
	if d == Bare && !tooLong {
		return
	}
	r.Universal = false
	why := "is longer than the lines that raw readers take"
	if d != Bare {
		why = "holds " + notBare(value)
	}
	r.Because = append(r.Because, Reason{key, why, carriersOf(value, tooLong)})
}

// carriersOf is carriers for a value with its name.
func carriersOf(value string, tooLong bool) []Format {
	can := carriers(value)
	if tooLong {
		can = slices.DeleteFunc(can, func(f Format) bool { return f == Raw })
	}
	return can
}

// notBare names, by kind, what keeps a value from being bare. It tells less
// than the characters themselves would.
func notBare(value string) string {
	kinds := []struct {
		name string
		has  func(rune) bool
	}{
		{"a line break", func(r rune) bool { return r == '\n' || r == '\r' }},
		{"a blank", func(r rune) bool { return r == ' ' || r == '\t' }},
		{"a quote", func(r rune) bool { return r == '\'' || r == '"' || r == '`' }},
		{"$", func(r rune) bool { return r == '$' }},
		{"a backslash", func(r rune) bool { return r == '\\' }},
		{"a shell operator", func(r rune) bool { return strings.ContainsRune("~;&|<>()", r) }},
		{"a character outside ASCII", func(r rune) bool { return r >= 0x80 }},
		{"a control character", func(r rune) bool { return r < 0x20 && !strings.ContainsRune("\n\r\t", r) || r == 0x7f }},
	}
	var found []string
	for _, k := range kinds {
		if strings.ContainsFunc(value, k.has) {
			found = append(found, k.name)
		}
	}
	if n := len(found); n > 1 {
		found = []string{strings.Join(found[:n-1], ", ") + " and " + found[n-1]}
	}
	return strings.Join(found, "")
}

// formats lists the formats that can write every value that has a problem.
func (p Problems) formats() []Format {
	var can []Format
	for _, f := range Formats() {
		if !slices.ContainsFunc(p, func(r Reason) bool { return !slices.Contains(r.Formats, f) }) {
			can = append(can, f)
		}
	}
	return can
}
