package rinca

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// EnvSuffix ends the title of an item that is exported as a file.
const EnvSuffix = ".env"

// OwnSection is the label of the section whose fields say how the item's file
// is written. They are no variables.
const OwnSection = "rinca"

// TitleProblem says why a title cannot be the name of an exported file; ""
// when it can.
func TitleProblem(title string) string {
	switch {
	case !utf8.ValidString(title):
		return "is not valid UTF-8"
	case strings.ContainsAny(title, `/\`):
		return "is a path, not a file name"
	case strings.ContainsFunc(title, func(r rune) bool { return unicode.IsControl(r) || unicode.In(r, unicode.Cf, unicode.Zl, unicode.Zp) }):
		return "holds a control character"
	case strings.HasPrefix(title, "."):
		return "begins with a dot; name it after the stack, as in authentik.env"
	case strings.HasPrefix(title, "-"):
		return "begins with a dash, which commands take for a flag"
	case strings.TrimSpace(title) != title:
		return "begins or ends with a blank"
	case len(title) > 255:
		return "is longer than the 255 bytes of a file name"
	case !strings.HasSuffix(title, EnvSuffix):
		return "does not end in .env"
	}
	return ""
}

// Variable reports whether a field of the item is a variable of its file:
// everything but notes, links between items, attachments, and the section
// that says how the file is written.
func (it *Item) Variable(f Field) bool {
	section, _ := it.Section(f.SectionID)
	switch {
	case f.Purpose == PurposeNotes, f.Type == TypeReference, f.Type == TypeFile:
		return false
	case section.ID == "linked items", section.Label == "Related Items", strings.EqualFold(section.Label, OwnSection):
		return false
	}
	return f.Label != "" || !f.Value.IsEmpty()
}
