package opcommand

import (
	"encoding/base32"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"crypto/rand"

	"rinca/internal/rinca"
)

// addMore is the section without a label that 1Password puts fields into when
// none is named.
const addMore = "add more"

// The types of assignment statements, and the types of fields they make.
var kinds = []struct {
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

func fieldTypeOf(kind string) rinca.FieldType {
	for _, k := range kinds {
		if k.kind == kind {
			return k.typ
		}
	}
	return ""
}

// apply changes an item by the statements. creating drops empty values, as op
// does.
func apply(it *rinca.Item, statements []assignment, creating bool) error {
	for _, a := range statements {
		var err error
		switch {
		case a.kind == "file":
			err = attach(it, a)
		case a.kind == "delete":
			err = remove(it, a)
		default:
			err = assign(it, a, creating)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func attach(it *rinca.Item, a assignment) error {
	if !a.hasValue || a.value == "" {
		return fmt.Errorf("the file of %q is not named: use %s[file]=<path>", a.field, a.field)
	}
	data, err := os.ReadFile(a.value)
	if err != nil {
		return fmt.Errorf("read the file of %q: %w", a.field, err)
	}
	name := a.field
	if name == "" {
		name = filepath.Base(a.value)
	}
	f := rinca.File{Name: name, Size: int64(len(data)), Content: rinca.NewSecret(string(data))}
	if a.section != "" {
		f.SectionID = sectionFor(it, a.section)
	}
	for i := range it.Files {
		if it.Files[i].Name == name {
			it.Files[i] = f
			return nil
		}
	}
	it.Files = append(it.Files, f)
	return nil
}

func remove(it *rinca.Item, a assignment) error {
	for i, f := range it.Files {
		if f.Name == a.field {
			it.Files = append(it.Files[:i:i], it.Files[i+1:]...)
			return nil
		}
	}
	i, err := findField(*it, a)
	if err != nil {
		return err
	}
	if i < 0 {
		return fmt.Errorf("%q isn't a field in the %q item.", qualified(a), it.Title) //nolint:staticcheck // op's own words
	}
	section := it.Fields[i].SectionID
	if it.Fields[i].Purpose != rinca.PurposeNone { // a built-in field is emptied
		it.Fields[i].Value = rinca.Secret{}
		return nil
	}
	it.Fields = append(it.Fields[:i:i], it.Fields[i+1:]...)
	for _, f := range it.Fields {
		if f.SectionID == section {
			return nil
		}
	}
	for j, s := range it.Sections {
		if s.ID == section {
			it.Sections = append(it.Sections[:j:j], it.Sections[j+1:]...)
			break
		}
	}
	return nil
}

func assign(it *rinca.Item, a assignment, creating bool) error {
	i, err := findField(*it, a)
	if err != nil {
		return err
	}
	typ := fieldTypeOf(a.kind)
	if i < 0 {
		if creating && a.value == "" {
			return nil
		}
		if !a.hasValue {
			return fmt.Errorf("%q isn't a field in the %q item.", qualified(a), it.Title) //nolint:staticcheck // op's own words
		}
		section := addMore
		if a.section != "" {
			section = sectionFor(it, a.section)
		} else if _, ok := it.Section(addMore); !ok {
			it.Sections = append(it.Sections, rinca.Section{ID: addMore})
		}
		it.Fields = append(it.Fields, rinca.Field{ID: randomID(), SectionID: section, Type: rinca.TypeConcealed, Label: a.field})
		i = len(it.Fields) - 1
	}
	f := &it.Fields[i]
	if typ != "" {
		f.Type = typ
	}
	if !a.hasValue {
		return nil // the type alone is changed
	}
	if a.value == "" {
		f.Value = rinca.Secret{}
		return nil
	}
	value, err := normal(f.Type, a)
	if err != nil {
		return err
	}
	f.Value = value
	return nil
}

// normal checks a value against its type, and stores dates as 1Password does.
func normal(typ rinca.FieldType, a assignment) (rinca.Secret, error) {
	switch typ {
	case rinca.TypeDate:
		t, err := time.Parse(time.DateOnly, a.value)
		if err != nil {
			return rinca.Secret{}, fmt.Errorf("the value of %q is not a date: use YYYY-MM-DD", a.field)
		}
		return rinca.NewSecret(fmt.Sprint(t.Unix())), nil
	case rinca.TypeMonthYear:
		digits := strings.ReplaceAll(a.value, "/", "")
		if _, err := time.Parse("200601", digits); err != nil {
			return rinca.Secret{}, fmt.Errorf("the value of %q is not a month: use YYYYMM or YYYY/MM", a.field)
		}
		return rinca.NewSecret(digits), nil
	}
	return rinca.NewSecret(a.value), nil
}

func qualified(a assignment) string {
	if a.section != "" {
		return a.section + "." + a.field
	}
	return a.field
}

// findField returns the index of the field that a statement names, -1 for
// none. A name that fits several fields is an error.
func findField(it rinca.Item, a assignment) (int, error) {
	var found []int
	for i, f := range it.Fields {
		if a.section != "" && !inSection(it, f, a.section) {
			continue
		}
		if f.ID == a.field {
			return i, nil
		}
		if sameName(f.Label, a.field) {
			found = append(found, i)
		}
	}
	switch len(found) {
	case 0:
		return -1, nil
	case 1:
		return found[0], nil
	}
	for _, i := range found { // a built-in field comes first
		if it.Fields[i].Purpose != rinca.PurposeNone {
			return i, nil
		}
	}
	return -1, fmt.Errorf("%q matches more than one field of the %q item. Specify its section: <section>.%s", qualified(a), it.Title, a.field)
}

func inSection(it rinca.Item, f rinca.Field, name string) bool {
	sec := sectionOf(it, f.SectionID)
	return sec != nil && (sec.ID == name || sameName(sec.Label, name))
}

// sameName compares names as op does: without regard to case and spaces.
func sameName(a, b string) bool {
	return strings.EqualFold(strings.ReplaceAll(a, " ", ""), strings.ReplaceAll(b, " ", "")) && a != ""
}

func sectionFor(it *rinca.Item, name string) string {
	for _, s := range it.Sections {
		if s.ID == name || sameName(s.Label, name) {
			return s.ID
		}
	}
	id := "Section_" + strings.ToUpper(randomID())
	it.Sections = append(it.Sections, rinca.Section{ID: id, Label: name})
	return id
}

func randomID() string {
	b := make([]byte, 17)
	rand.Read(b)
	return strings.ToLower(base32.StdEncoding.EncodeToString(b)[:26])
}
