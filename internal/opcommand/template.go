package opcommand

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"
	"unicode/utf8"

	"rinca/internal/rinca"
)

// readTemplate returns the JSON that describes an item, if there is any, and
// the arguments that are left: from --template, from standard input when an
// argument is "-", and, if piped, from a standard input that somebody has put
// there when nothing else says what is wanted.
func (s *session) readTemplate(f writeFlags, args []string, piped bool) ([]byte, []string, error) {
	dash := slices.Index(args, "-")
	var data []byte
	var err error
	switch {
	case f.template != "":
		if data, _, err = s.readInput(f.template, "template"); err == nil && len(bytes.TrimSpace(data)) == 0 {
			err = fail("the template %s is empty", f.template)
		}
	case dash >= 0:
		args = slices.Delete(slices.Clone(args), dash, dash+1)
		if data, _, err = s.readInput("-", "template"); err == nil && len(bytes.TrimSpace(data)) == 0 {
			err = fail("expected data on stdin but none found")
		}
	case piped && len(args) == 0 && s.piped():
		data, _, err = s.readInput("-", "template")
	}
	return bytes.TrimSpace(data), args, err
}

// jsonText is a string, or a number or a truth value that stands for one.
type jsonText struct {
	set  bool
	text string
}

// UnmarshalJSON refuses objects and lists.
func (t *jsonText) UnmarshalJSON(data []byte) error {
	switch {
	case bytes.Equal(data, []byte("null")):
		return nil
	case data[0] == '"':
		t.set = true
		return json.Unmarshal(data, &t.text)
	case data[0] == '{', data[0] == '[':
		return fail("a value is a string")
	}
	t.set, t.text = true, string(data)
	return nil
}

// itemTemplate is an item as op item get prints it; what a vault sets itself
// is left out.
type itemTemplate struct {
	Title    string   `json:"title"`
	Category string   `json:"category"`
	Vault    vaultRef `json:"vault"`
	Tags     []string `json:"tags"`
	Favorite bool     `json:"favorite"`
	URLs     []struct {
		Label   string `json:"label"`
		Primary bool   `json:"primary"`
		Href    string `json:"href"`
	} `json:"urls"`
	Sections []sectionJSON `json:"sections"`
	Fields   []struct {
		ID      string       `json:"id"`
		Section *sectionJSON `json:"section"`
		Type    string       `json:"type"`
		Purpose string       `json:"purpose"`
		Label   string       `json:"label"`
		Value   jsonText     `json:"value"`
	} `json:"fields"`
}

// parseTemplate reads a template. Its errors do not show what it holds.
func parseTemplate(data []byte) (*rinca.Item, error) {
	if !utf8.Valid(data) { // the decoder would change values without a word
		return nil, fail("the item template isn't valid UTF-8")
	}
	var t itemTemplate
	if json.Unmarshal(data, &t) != nil {
		return nil, fail("invalid JSON in the item template: run `op item template get` for its form")
	}
	it := &rinca.Item{Info: rinca.Info{Title: t.Title, Tags: t.Tags, Favorite: t.Favorite, VaultID: t.Vault.ID}}
	if it.VaultID == "" {
		it.VaultID = t.Vault.Name
	}
	if t.Category != "" {
		c, err := needCategory(t.Category)
		if err != nil {
			return nil, err
		}
		it.Category = c.id
	}
	for _, u := range t.URLs {
		if u.Href != "" {
			it.URLs = append(it.URLs, rinca.URL(u))
		}
	}
	for _, sec := range t.Sections {
		if sec.ID == "" {
			sec.ID = "Section_" + randomID()
		}
		it.Sections = append(it.Sections, rinca.Section(sec))
	}
	for _, f := range t.Fields {
		field := rinca.Field{ID: f.ID, Type: templateType(f.Type), Purpose: rinca.Purpose(strings.ToUpper(f.Purpose)), Label: f.Label}
		if field.ID == "" {
			field.ID = randomID()
		}
		if f.Section != nil && (f.Section.ID != "" || f.Section.Label != "") {
			field.SectionID = templateSection(it, *f.Section)
		}
		if f.Value.text != "" {
			field.Value = rinca.NewSecret(f.Value.text)
			// What is in a vault already is not refused when it comes back.
			if stored, err := storedValue(field.Type, field.Value, f.Label); err == nil {
				field.Value = stored
			}
		}
		it.Fields = append(it.Fields, field)
	}
	return it, nil
}

// templateType is a field's type in any case; a field without one is text.
func templateType(s string) rinca.FieldType {
	switch t := rinca.FieldType(strings.ToUpper(s)); t {
	case "":
		return rinca.TypeString
	case "TOTP":
		return rinca.TypeOTP
	default:
		return t
	}
}

// templateSection returns the id of the section that a field is in, which is
// made when the template has it there alone.
func templateSection(it *rinca.Item, sec sectionJSON) string {
	for _, known := range it.Sections {
		if known.ID == sec.ID || (sec.ID == "" && known.Label == sec.Label) {
			return known.ID
		}
	}
	if sec.ID == "" {
		sec.ID = "Section_" + randomID()
	}
	it.Sections = append(it.Sections, rinca.Section(sec))
	return sec.ID
}
