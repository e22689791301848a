package opcommand

import (
	"crypto/rand"
	"encoding/base32"
	"path/filepath"
	"slices"
	"strings"

	"rinca/internal/rinca"
)

// apply changes an item by the statements. creating drops empty values, as op
// does. Files have been read before: see readFiles.
func apply(it *rinca.Item, statements []assignment, creating bool) error {
	for _, a := range statements {
		var err error
		switch a.kind {
		case "file":
			attach(it, a)
		case "delete":
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

// readFiles replaces the paths of attachments by what the files hold, and
// names those without a name after their file.
func (s *session) readFiles(statements []assignment) error {
	for i, a := range statements {
		if a.kind != "file" {
			continue
		}
		path := a.value.Reveal()
		data, _, err := s.readInput(path, "file of "+a.name())
		if err != nil {
			return err
		}
		if a.field == "" {
			statements[i].field = filepath.Base(path)
		}
		statements[i].value = rinca.NewSecret(string(data))
	}
	return nil
}

func attach(it *rinca.Item, a assignment) {
	f := rinca.File{Name: a.field, Size: int64(a.value.Len()), Content: a.value}
	if a.section != "" {
		f.SectionID = sectionFor(it, a.section)
	}
	it.Files = slices.Clone(it.Files)
	for i := range it.Files {
		if it.Files[i].Name == f.Name && (a.section == "" || it.Files[i].SectionID == f.SectionID) {
			it.Files[i] = f
			return
		}
	}
	it.Files = append(it.Files, f)
}

// remove takes a field or a file out of the item; a built-in field stays, and
// is empty.
func remove(it *rinca.Item, a assignment) error {
	section := ""
	i, err := findField(*it, a)
	switch {
	case err != nil:
		return err
	case i >= 0 && it.Fields[i].Purpose != rinca.PurposeNone:
		it.Fields[i].Value = rinca.Secret{}
		return nil
	case i >= 0:
		section = it.Fields[i].SectionID
		it.Fields = slices.Delete(slices.Clone(it.Fields), i, i+1)
	default:
		i = slices.IndexFunc(it.Files, func(f rinca.File) bool {
			return f.Name == a.field && (a.section == "" || inSection(*it, f.SectionID, a.section))
		})
		if i < 0 {
			return noField(*it, a.name())
		}
		section = it.Files[i].SectionID
		it.Files = slices.Delete(slices.Clone(it.Files), i, i+1)
	}
	dropIfEmpty(it, section)
	return nil
}

func noField(it rinca.Item, name string) error {
	return fail("%q isn't a field in the %q item.", name, it.Title)
}

// dropIfEmpty removes a section that nothing is in any more.
func dropIfEmpty(it *rinca.Item, section string) {
	if section == "" ||
		slices.ContainsFunc(it.Fields, func(f rinca.Field) bool { return f.SectionID == section }) ||
		slices.ContainsFunc(it.Files, func(f rinca.File) bool { return f.SectionID == section }) {
		return
	}
	it.Sections = slices.DeleteFunc(slices.Clone(it.Sections), func(s rinca.Section) bool { return s.ID == section })
}

// assign sets a field, and makes it when there is none of that name: outside
// every section, if the statement names none.
func assign(it *rinca.Item, a assignment, creating bool) error {
	i, err := findField(*it, a)
	if err != nil {
		return err
	}
	typ := fieldTypeOf(a.kind)
	if i < 0 {
		if creating && a.hasValue && a.value.IsEmpty() {
			return nil
		}
		if !a.hasValue {
			return noField(*it, a.name())
		}
		f := rinca.Field{ID: randomID(), Type: rinca.TypeConcealed, Label: a.field}
		if typ == rinca.TypeOTP {
			f.ID = "TOTP_" + f.ID
		}
		if a.section != "" {
			f.SectionID = sectionFor(it, a.section)
		}
		it.Fields = append(it.Fields, f)
		i = len(it.Fields) - 1
	}
	f := &it.Fields[i]
	value := a.value
	if !a.hasValue { // the type alone is changed
		value = plainValue(*f)
	}
	if typ != "" {
		f.Type = typ
	}
	f.Value = rinca.Secret{}
	if !value.IsEmpty() {
		f.Value, err = storedValue(f.Type, value, a.name())
	}
	return err
}

// findField returns the index of the field that a statement names, -1 for
// none. An id comes before labels; a label counts to the letter, or without
// its blanks, and that of a built-in field in any case. Of fields with the
// same label, one outside every section is meant, unless a section is named.
func findField(it rinca.Item, a assignment) (int, error) {
	var exact, close, loose []int
	for i, f := range it.Fields {
		switch {
		case a.section != "" && !inSection(it, f.SectionID, a.section):
		case f.ID == a.field:
			return i, nil
		case f.Label == a.field:
			exact = append(exact, i)
		case unspaced(f.Label) == unspaced(a.field):
			close = append(close, i)
		case strings.EqualFold(unspaced(f.Label), unspaced(a.field)) && builtIn(it, f):
			loose = append(loose, i)
		}
	}
	found := first(exact, close, loose)
	if len(found) == 0 {
		return -1, nil
	}
	if top := slices.DeleteFunc(slices.Clone(found), func(i int) bool { return it.Fields[i].SectionID != "" }); len(top) == 1 && a.section == "" {
		found = top
	}
	if len(found) > 1 {
		return -1, fail("%q matches more than one field of the %q item. Specify the section, or use the ID of the field.", a.name(), it.Title)
	}
	return found[0], nil
}

// inSection reports whether the section with that id is one that the name
// means: by its id, or by its label without regard to blanks and case.
func inSection(it rinca.Item, id, name string) bool {
	sec := sectionOf(it, id)
	return sec != nil && (sec.ID == name || (sec.Label != "" && strings.EqualFold(unspaced(sec.Label), unspaced(name))))
}

func unspaced(s string) string { return strings.ReplaceAll(s, " ", "") }

// sectionFor returns the id of the section with that name, which is made when
// there is none.
func sectionFor(it *rinca.Item, name string) string {
	for _, s := range it.Sections {
		if inSection(*it, s.ID, name) {
			return s.ID
		}
	}
	id := "Section_" + randomID()
	it.Sections = append(slices.Clone(it.Sections), rinca.Section{ID: id, Label: name})
	return id
}

// randomID is an id as 1Password forms them: 26 of [a-z2-7].
func randomID() string {
	b := make([]byte, 17)
	rand.Read(b)
	return strings.ToLower(base32.StdEncoding.EncodeToString(b)[:26])
}
