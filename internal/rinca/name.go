package rinca

import (
	"strings"
	"unicode/utf8"
)

// isName reports whether a name has at most that many bytes: letters, digits
// and the signs, the first a letter or a digit.
func isName(name string, most int, signs string) bool {
	return len(name) > 0 && len(name) <= most && strings.IndexByte(signs, name[0]) < 0 && allOf(name, signs)
}

// allOf reports whether a text has letters, digits and the signs alone.
func allOf(text, signs string) bool {
	for i := range len(text) {
		c := text[i]
		if !isLetter(c) && !isDigit(c) && strings.IndexByte(signs, c) < 0 {
			return false
		}
	}
	return true
}

func isLetter(c byte) bool { return 'a' <= c|0x20 && c|0x20 <= 'z' }

func isDigit(c byte) bool { return '0' <= c && c <= '9' }

func validProjectName(name string) bool {
	return isName(name, len(name), "_-") && strings.ToLower(name) == name
}

// validTag reports whether a text has 1 to 100 characters, and none that would
// need quotes.
func validTag(tag string) bool {
	n := utf8.RuneCountInString(tag)
	return n > 0 && n <= 100 && !strings.ContainsAny(tag, "\t\n\f\r ,\"'\\")
}
