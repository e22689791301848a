package rinca

import "strings"

// A Selection chooses resources by their names.
type Selection struct {
	// Exact are the names that are written out; the rest are patterns.
	Exact    []string
	patterns []func(name string) bool
	texts    []string
}

// ParseSelection reads names, patterns with * and ?, and regular expressions
// between two backslashes, with commas, blanks or line breaks between; what
// follows a # is a comment, up to the end of the line. None means all.
func ParseSelection(text string) (Selection, error) {
	var s Selection
	if len(text) > maxSelection {
		return s, Errorf(Invalid, "the names have more than %d bytes", maxSelection)
	}
	for rest := text; rest != ""; {
		var word string
		switch rest[0] {
		case ',', ' ', '\t', '\n', '\r':
			rest = rest[1:]
			continue
		case '#':
			_, rest, _ = strings.Cut(rest, "\n")
			continue
		case '\\':
			end := strings.IndexByte(rest[1:], '\\')
			if end < 1 || strings.ContainsAny(rest[:end+2], "\n\r") {
				return s, Errorf(Invalid, "%.80q is no regular expression", rest).Try(`between two backslashes, such as \^media-(a|b)$\`)
			}
			word, rest = rest[:end+2], rest[end+2:]
		default:
			end := strings.IndexAny(rest, ", \t\n\r#")
			if end < 0 {
				end = len(rest)
			}
			word, rest = rest[:end], rest[end:]
		}
		if err := s.add(word); err != nil {
			return Selection{}, err
		}
	}
	return s, nil
}

const maxSelection = 32 << 10

func (s *Selection) add(word string) error {
	plain := !isRegexp(word)
	if plain && !ValidStackName(strings.NewReplacer("*", "x", "?", "x").Replace(word)) {
		return Errorf(Invalid, "%.80q is no pattern", word).Try("names with * and ?, separated by commas")
	}
	match, err := compilePattern(word)
	if err != nil {
		return err
	}
	if plain && !strings.ContainsAny(word, "*?") {
		s.Exact = append(s.Exact, word)
	}
	s.patterns, s.texts = append(s.patterns, match), append(s.texts, word)
	return nil
}

// All reports whether nothing is named, so that everything is chosen.
func (s Selection) All() bool { return len(s.patterns) == 0 }

// Matches reports whether a name is chosen.
func (s Selection) Matches(name string) bool {
	for _, match := range s.patterns {
		if match(name) {
			return true
		}
	}
	return s.All()
}

// String writes the selection so that it is read as the same one, and never
// as the name of one resource. All is "*".
func (s Selection) String() string {
	switch {
	case s.All():
		return "*"
	case len(s.texts) == 1 && len(s.Exact) == 1:
		return s.texts[0] + ","
	}
	return strings.Join(s.texts, ",")
}
