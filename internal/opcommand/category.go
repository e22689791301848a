package opcommand

import (
	"strings"

	"github.com/spf13/cobra"

	"rinca/internal/rinca"
)

// A category is a kind of item.
type category struct {
	uuid   string
	name   string // for people
	id     rinca.Category
	fields string // see categories
}

// findCategory finds a kind by its name, without regard to case and blanks,
// by its number, or by the name it has in JSON.
func findCategory(name string) (category, bool) {
	folded := func(s string) string { return strings.ToLower(strings.NewReplacer(" ", "", "_", "").Replace(s)) }
	for _, c := range categories() {
		if folded(c.name) == folded(name) || folded(string(c.id)) == folded(name) || c.uuid == name {
			return c, true
		}
	}
	return category{}, false
}

func needCategory(name string) (category, error) {
	c, ok := findCategory(name)
	if !ok {
		return c, fail("%q isn't a category of items. Run `op item template list` for a list of them.", name)
	}
	return c, nil
}

// item is a new item of this kind, with its built-in fields empty.
func (c category) item() rinca.Item {
	it := rinca.Item{Info: rinca.Info{Category: c.id}}
	for line := range strings.Lines(c.fields) {
		line = strings.TrimSpace(line)
		if line == "" {
			continue
		}
		id, rest, _ := strings.Cut(line, " ")
		if section, ok := strings.CutPrefix(id, "="); ok {
			it.Sections = append(it.Sections, rinca.Section{ID: section, Label: rest})
			continue
		}
		typ, label, _ := strings.Cut(rest, " ")
		f := rinca.Field{ID: id, Label: label, Type: rinca.FieldType(typ)}
		if section, field, ok := strings.Cut(id, "/"); ok {
			f.SectionID, f.ID = section, field
		}
		f.Purpose = c.purpose(f.ID)
		it.Fields = append(it.Fields, f)
	}
	return it
}

// purpose marks the fields that 1Password fills into forms.
func (c category) purpose(field string) rinca.Purpose {
	login := c.id == rinca.CategoryLogin || c.id == rinca.CategoryPassword
	switch {
	case field == "notesPlain":
		return rinca.PurposeNotes
	case field == "username" && login:
		return rinca.PurposeUsername
	case field == "password" && login:
		return rinca.PurposePassword
	}
	return rinca.PurposeNone
}

// builtIn reports whether a field came with the category of its item.
func builtIn(it rinca.Item, f rinca.Field) bool {
	if f.Purpose != rinca.PurposeNone {
		return true
	}
	c, _ := findCategory(string(it.Category))
	for _, known := range c.item().Fields {
		if known.ID == f.ID {
			return true
		}
	}
	return false
}

func newItemTemplate(s *session) *cobra.Command {
	type row struct {
		UUID string `json:"uuid"`
		Name string `json:"name"`
	}
	list := &cobra.Command{Use: "list [flags]", Aliases: []string{"ls"}, Short: "Get a list of templates", Args: noArgs, RunE: func(*cobra.Command, []string) error {
		rows, t := []row{}, table{s.Stdout, []string{"UUID", "NAME"}, nil}
		for _, c := range categories() {
			rows = append(rows, row{c.uuid, c.name})
			t.row(c.uuid, c.name)
		}
		if s.json() {
			return s.printJSON(rows)
		}
		return t.print()
	}}
	var out outFlags
	get := &cobra.Command{Use: "get [{ <category> | - }] [flags]", Short: "Get an item template", Args: exactArgs(1), RunE: func(_ *cobra.Command, args []string) error {
		c, err := needCategory(args[0])
		if err != nil {
			return err
		}
		text, err := encodeJSON(toTemplate(c.item()))
		if err != nil {
			return err
		}
		return s.write(out, rinca.NewSecret(text))
	}}
	out.add(get)
	return group("template", "Manage templates", list, get)
}

type templateJSON struct {
	Title    string          `json:"title"`
	Category string          `json:"category"`
	Sections []sectionJSON   `json:"sections,omitempty"`
	Fields   []templateField `json:"fields"`
}

type templateField struct {
	ID      string        `json:"id"`
	Section *sectionJSON  `json:"section,omitempty"`
	Type    string        `json:"type"`
	Purpose string        `json:"purpose,omitempty"`
	Label   string        `json:"label"`
	Details *passwordJSON `json:"password_details,omitempty"`
	Value   string        `json:"value"`
}

func toTemplate(it rinca.Item) templateJSON {
	out := templateJSON{Category: string(it.Category)}
	for _, s := range it.Sections {
		out.Sections = append(out.Sections, sectionJSON(s))
	}
	for _, f := range it.Fields {
		t := templateField{ID: f.ID, Section: sectionOf(it, f.SectionID), Type: string(f.Type), Purpose: string(f.Purpose), Label: f.Label}
		if f.Purpose == rinca.PurposePassword {
			t.Details = &passwordJSON{strength("")}
		}
		out.Fields = append(out.Fields, t)
	}
	return out
}
