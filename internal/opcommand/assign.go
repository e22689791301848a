package opcommand

import (
	"fmt"
	"strings"
)

// An assignment is one statement of op item create and edit:
// [<section>.]<field>[[<type>]][=<value>].
type assignment struct {
	section  string
	field    string
	kind     string // the text between the brackets, in lower case; "" for none
	value    string
	hasValue bool
}

// parseAssignment reads a statement. In the part before the first unescaped
// "=", a backslash keeps ".", "=" and "\" as they are; what follows is taken
// to the letter. Errors never hold the value.
func parseAssignment(s string) (assignment, error) {
	name, value, hasValue := cutUnescaped(s, '=')
	a := assignment{value: value, hasValue: hasValue}
	if open := strings.LastIndexByte(name, '['); open >= 0 && strings.HasSuffix(name, "]") {
		a.kind = strings.ToLower(name[open+1 : len(name)-1])
		name = name[:open]
	}
	section, field, hasSection := cutUnescaped(name, '.')
	if hasSection {
		a.section, name = unescape(section), field
		if a.section == "" {
			return a, fmt.Errorf("invalid assignment statement: the section before %q has no name", unescape(name))
		}
	}
	a.field = unescape(name)
	switch {
	case !hasValue && a.kind == "":
		return a, fmt.Errorf("invalid assignment statement %q: it should match [<section>.]<field>[[<fieldType>]]=<value>", a.field)
	case a.field == "" && a.kind != "file":
		return a, fmt.Errorf("invalid assignment statement: the field has no name")
	case a.kind == "delete" && hasValue:
		return a, fmt.Errorf("invalid assignment statement for %q: [delete] takes no value", a.field)
	case a.kind != "" && a.kind != "delete" && a.kind != "file" && fieldTypeOf(a.kind) == "":
		return a, fmt.Errorf("invalid assignment statement for %q: %q is not a field type", a.field, a.kind)
	}
	return a, nil
}

// cutUnescaped cuts at the first sep that no backslash escapes.
func cutUnescaped(s string, sep byte) (before, after string, found bool) {
	for i := 0; i < len(s); i++ {
		switch s[i] {
		case '\\':
			i++
		case sep:
			return s[:i], s[i+1:], true
		}
	}
	return s, "", false
}

func unescape(s string) string {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '\\' && i+1 < len(s) && strings.IndexByte(`.=\`, s[i+1]) >= 0 {
			i++
		}
		b.WriteByte(s[i])
	}
	return b.String()
}

func parseAssignments(args []string) ([]assignment, error) {
	var out []assignment
	for _, arg := range args {
		a, err := parseAssignment(arg)
		if err != nil {
			return nil, err
		}
		out = append(out, a)
	}
	return out, nil
}
