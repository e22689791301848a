package opcommand

import (
	"encoding/csv"
	"fmt"
	"strings"

	"rinca/internal/rinca"
)

// printFields prints the fields that --fields names: one a line of CSV, or
// JSON, one object for one field.
func (s *session) printFields(it rinca.Item, v rinca.Vault, f getFlags) error {
	found, err := pick(it, f.fields)
	if err != nil {
		return err
	}
	if s.json() {
		var out []fieldJSON
		for _, field := range found {
			out = append(out, s.fieldJSON(it, v, field))
		}
		if len(out) == 1 {
			return s.printJSON(out[0])
		}
		return s.printJSON(out)
	}
	var values []string
	for _, field := range found {
		values = append(values, shown(it, field, f.reveal))
	}
	if len(values) == 1 && values[0] == "" { // CSV would have two quotes
		_, err := fmt.Fprintln(s.Stdout)
		return err
	}
	w := csv.NewWriter(s.Stdout)
	if err := w.Write(values); err != nil {
		return fmt.Errorf("print the fields: %w", err)
	}
	w.Flush()
	return w.Error()
}

// pick returns the fields that a list such as "label=a,type=concealed,b.c"
// names. Each part must name at least one.
func pick(it rinca.Item, list string) ([]rinca.Field, error) {
	var out []rinca.Field
	for part := range strings.SplitSeq(list, ",") {
		part = strings.TrimSpace(part)
		kind, name, _ := strings.Cut(part, "=")
		if kind != "label" && kind != "type" { // a "=" in the name itself
			kind, name = "label", part
		}
		fields := byLabel(it, name)
		if kind == "type" {
			fields = byType(it, name)
		}
		if len(fields) == 0 {
			return nil, noField(it, name)
		}
		out = append(out, fields...)
	}
	return out, nil
}

func byType(it rinca.Item, name string) []rinca.Field {
	return fieldsWhere(it, func(f rinca.Field) bool {
		return strings.EqualFold(string(f.Type), name) || (f.Type != "" && f.Type == fieldTypeOf(strings.ToLower(name)))
	})
}

// byLabel returns the fields with that id, else with that label, else with
// that label in another case, else with the label behind the dot in a section
// of the name before it.
func byLabel(it rinca.Item, name string) []rinca.Field {
	section, field, qualified := strings.Cut(name, ".")
	return first(
		fieldsWhere(it, func(f rinca.Field) bool { return f.ID == name }),
		fieldsWhere(it, func(f rinca.Field) bool { return f.Label == name }),
		fieldsWhere(it, func(f rinca.Field) bool { return strings.EqualFold(f.Label, name) }),
		fieldsWhere(it, func(f rinca.Field) bool {
			return qualified && inSection(it, f.SectionID, section) && (f.ID == field || f.Label == field)
		}),
	)
}

func fieldsWhere(it rinca.Item, ok func(rinca.Field) bool) []rinca.Field {
	var out []rinca.Field
	for _, f := range it.Fields {
		if ok(f) {
			out = append(out, f)
		}
	}
	return out
}
