package vault

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"rinca/internal/rinca"
)

// A place is what a reference means within an item: a field, or a file.
type place struct {
	field *rinca.Field
	file  *rinca.File
}

// locate finds what ref means within it. A field wins over a file. Among
// fields: an id wins over labels; with three segments, a field outside every
// section wins over those in sections; exact case wins over other case. What
// is left must be one, else the error is a Conflict that lists them.
func locate(it *rinca.Item, ref rinca.SecretRef) (place, error) {
	sections := sectionIDs(it, ref.Section)
	if ref.Section != "" && len(sections) == 0 {
		return place{}, noSection(it, ref)
	}
	in := func(id string) bool { return ref.Section == "" || slices.Contains(sections, id) }
	if ref.Attribute != "content" && ref.Attribute != "size" {
		fields, err := fieldNamed(it, ref, in)
		if err != nil {
			return place{}, err
		}
		if fields != nil {
			return place{field: fields}, nil
		}
	}
	var files []*rinca.File
	for i := range it.Files {
		if in(it.Files[i].SectionID) {
			files = append(files, &it.Files[i])
		}
	}
	found := match(files, ref.Field, func(f *rinca.File) (string, string) { return f.ID, f.Name })
	switch len(found) {
	case 1:
		return place{file: found[0]}, nil
	case 0:
		return place{}, noField(it, ref)
	}
	ids := make([]string, len(found))
	for i, f := range found {
		ids[i] = f.ID
	}
	return place{}, rinca.Errorf(rinca.Conflict, "item '%s/%s' has several files '%s': %s", ref.Vault, ref.Item, ref.Field, strings.Join(ids, ", ")).
		Try("name the file by one of these ids")
}

// fieldNamed returns the one field that ref means, or nil.
func fieldNamed(it *rinca.Item, ref rinca.SecretRef, in func(string) bool) (*rinca.Field, error) {
	var top, inside []*rinca.Field
	for i := range it.Fields {
		f := &it.Fields[i]
		switch {
		case !in(f.SectionID):
		case f.ID == ref.Field && f.ID != "":
			return f, nil
		case f.SectionID == "":
			top = append(top, f)
		default:
			inside = append(inside, f)
		}
	}
	label := func(f *rinca.Field) (string, string) { return "", f.Label }
	found := match(top, ref.Field, label)
	if len(found) == 0 {
		found = match(inside, ref.Field, label)
	}
	switch len(found) {
	case 0:
		return nil, nil
	case 1:
		return found[0], nil
	}
	full := make([]string, len(found))
	for i, f := range found {
		full[i] = fullRef(it, ref, f)
	}
	return nil, rinca.Errorf(rinca.Conflict, "item '%s/%s' has %d fields '%s': %s", ref.Vault, ref.Item, len(found), ref.Field, strings.Join(full, ", ")).
		Try("name the field by one of these")
}

// fullRef names f so that nothing else is meant: by its section if that is
// enough, else by its id.
func fullRef(it *rinca.Item, ref rinca.SecretRef, f *rinca.Field) string {
	section := f.SectionID
	if s, ok := it.Section(f.SectionID); ok && s.Label != "" {
		section = s.Label
	}
	out := rinca.SecretRef{Vault: ref.Vault, Item: ref.Item, Section: section, Field: f.Label}
	same := 0
	ids := sectionIDs(it, section)
	for i := range it.Fields {
		g := &it.Fields[i]
		if strings.EqualFold(g.Label, f.Label) && (g.SectionID == f.SectionID || slices.Contains(ids, g.SectionID)) {
			same++
		}
	}
	if same > 1 || ref.Section != "" {
		out.Field = f.ID
	}
	return out.String()
}

// sectionIDs returns the ids of the sections that a name means. Old items
// repeat a section; some sections have an id and no label ("add more").
func sectionIDs(it *rinca.Item, name string) []string {
	if name == "" {
		return nil
	}
	var ids []string
	for _, s := range match(it.Sections, name, func(s rinca.Section) (string, string) { return s.ID, s.Label }) {
		ids = append(ids, s.ID)
	}
	if len(ids) > 0 {
		return ids
	}
	for _, s := range it.Sections {
		if strings.EqualFold(s.ID, strings.TrimSpace(name)) {
			return []string{s.ID}
		}
	}
	return nil
}

func noSection(it *rinca.Item, ref rinca.SecretRef) error {
	names := make([]string, len(it.Sections))
	for i, s := range it.Sections {
		names[i] = s.Label
		if s.Label == "" {
			names[i] = s.ID
		}
	}
	e := rinca.Errorf(rinca.NotFound, "item '%s/%s' does not have a section '%s'", ref.Vault, ref.Item, ref.Section)
	if near := Nearest(ref.Section, names); near != "" {
		return e.Try("the section '%s' instead", near)
	}
	return e
}

func noField(it *rinca.Item, ref rinca.SecretRef) error {
	var names []string
	for _, f := range it.Fields {
		names = append(names, f.Label)
	}
	for _, f := range it.Files {
		names = append(names, f.Name)
	}
	name := ref.Field
	if ref.Section != "" {
		name = ref.Section + "." + ref.Field
	}
	e := rinca.Errorf(rinca.NotFound, "item '%s/%s' does not have a field '%s'", ref.Vault, ref.Item, name)
	if near := Nearest(ref.Field, names); near != "" {
		return e.Try("the field '%s' instead", near)
	}
	return e
}

// readField returns what ref asks of a field.
func readField(f *rinca.Field, ref rinca.SecretRef, now time.Time) (rinca.Secret, error) {
	if ref.SSHFormat != "" {
		return opensshKey(f.Value)
	}
	switch ref.Attribute {
	case "", "value":
		return rinca.NewSecret(f.Value.Reveal()), nil // a field without a value is empty
	case "type":
		return rinca.NewSecret(string(f.Type)), nil
	case "id":
		return rinca.NewSecret(f.ID), nil
	case "purpose":
		return rinca.NewSecret(string(f.Purpose)), nil
	case "otp":
		if f.TOTP.IsSet() {
			return f.TOTP, nil
		}
		if f.Type != rinca.TypeOTP {
			return rinca.Secret{}, rinca.Errorf(rinca.Invalid, "field '%s' is not a one-time password", ref.Field)
		}
		return TOTP(f.Value, now)
	}
	return rinca.Secret{}, rinca.Errorf(rinca.Invalid, "a field has no attribute '%s'", ref.Attribute).
		Try("attribute=value, type, id, purpose or otp")
}

// readFileAttribute returns what ref asks of a file, apart from its content.
func readFileAttribute(f *rinca.File, ref rinca.SecretRef) (rinca.Secret, error) {
	switch ref.Attribute {
	case "type":
		return rinca.NewSecret(string(rinca.TypeFile)), nil
	case "id":
		return rinca.NewSecret(f.ID), nil
	case "name":
		return rinca.NewSecret(f.Name), nil
	case "size":
		return rinca.NewSecret(strconv.FormatInt(f.Size, 10)), nil
	}
	return rinca.Secret{}, rinca.Errorf(rinca.Invalid, "a file has no attribute '%s'", ref.Attribute).
		Try("attribute=content, type, id, name or size")
}
