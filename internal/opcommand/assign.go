package opcommand

import (
	"strings"
	"unicode/utf8"

	"rinca/internal/rinca"
)

// An assignment is one statement of op item create and edit:
// [<section>.]<field>[[<type>]][=<value>].
type assignment struct {
	section  string
	field    string
	kind     string // the text between the brackets, in lower case; "" for none
	value    rinca.Secret
	hasValue bool
}

// name is what the statement calls the field.
func (a assignment) name() string {
	if a.section != "" {
		return a.section + "." + a.field
	}
	return a.field
}

const assignmentForm = "[<section>.]<field>[[<fieldType>]]=<value>"

// parseAssignments reads the statements. Errors hold no value, and of an
// argument that is no statement nothing at all: it may be half a password.
func parseAssignments(args []string) ([]assignment, error) {
	var out []assignment
	for i, arg := range args {
		a, err := parseAssignment(arg)
		if err != nil {
			return nil, fail("invalid assignment statement, number %d: %v", i+1, err)
		}
		out = append(out, a)
	}
	return out, nil
}

// parseAssignment reads a statement. In the part before the first unescaped
// "=", a backslash keeps ".", "=" and "\" as they are; what follows is taken
// to the letter.
func parseAssignment(s string) (assignment, error) {
	name, value, hasValue := cutUnescaped(s, '=')
	if !utf8.ValidString(name) {
		return assignment{}, fail("the name of a field is UTF-8")
	}
	a := assignment{hasValue: hasValue}
	if hasValue {
		a.value = rinca.NewSecret(value)
	}
	if open := strings.LastIndexByte(name, '['); open >= 0 && strings.HasSuffix(name, "]") {
		a.kind = strings.ToLower(name[open+1 : len(name)-1])
		if a.kind != "delete" && a.kind != "file" && fieldTypeOf(a.kind) == "" {
			return a, fail("its field type is not one of %s", kindNames)
		}
		name = name[:open]
	}
	if a.kind == "" && !hasValue {
		return a, fail("it should match %s", assignmentForm)
	}
	section, field, hasSection := cutUnescaped(name, '.')
	if hasSection {
		a.section, name = unescape(section), field
		if a.section == "" {
			return a, fail("the section has no name; write a dot in the name of a field as \\.")
		}
	}
	a.field = unescape(name)
	switch {
	case a.field == "" && a.kind != "file":
		return a, fail("the field has no name; it should match %s", assignmentForm)
	case a.kind == "delete" && value != "":
		return a, fail("[delete] takes no value")
	case a.kind == "file" && value == "":
		return a, fail("[file] takes the path of a file: [<section>.]<name>[file]=<path>")
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

// kinds lists the types of assignment statements, and the types of fields
// they make.
func kinds() []struct {
	kind string
	typ  rinca.FieldType
} {
	return []struct {
		kind string
		typ  rinca.FieldType
	}{
		{"password", rinca.TypeConcealed},
		{"concealed", rinca.TypeConcealed},
		{"text", rinca.TypeString},
		{"string", rinca.TypeString},
		{"email", rinca.TypeEmail},
		{"url", rinca.TypeURL},
		{"date", rinca.TypeDate},
		{"monthyear", rinca.TypeMonthYear},
		{"month_year", rinca.TypeMonthYear},
		{"phone", rinca.TypePhone},
		{"otp", rinca.TypeOTP},
	}
}

const kindNames = "password, text, email, url, date, monthYear, phone, otp, file, delete"

func fieldTypeOf(kind string) rinca.FieldType {
	for _, k := range kinds() {
		if k.kind == kind {
			return k.typ
		}
	}
	return ""
}
