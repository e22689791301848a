package connectapi

import (
	"strings"

	"rinca/internal/rinca"
)

// A filter is `attribute operator "value"`, as SCIM writes it: name or title
// (the same here, because clients mix them up) or tag; eq or co (contains).
// The zero filter matches everything.
type filter struct {
	attribute string // "title" or "tag"
	contains  bool
	value     string
}

// parseFilter reads a filter. Some clients do not escape quotes in values, so
// a quote within the outer ones is taken as it is.
func parseFilter(s string) (filter, error) {
	s = strings.TrimSpace(s)
	if s == "" {
		return filter{}, nil
	}
	bad := errorf(400, "Invalid filter: use name eq \"…\", title eq \"…\" or tag eq \"…\"")
	attribute, rest, _ := strings.Cut(s, " ")
	operator, rest, _ := strings.Cut(strings.TrimLeft(rest, " "), " ")
	rest = strings.TrimSpace(rest)
	var f filter
	switch strings.ToLower(attribute) {
	case "name", "title":
		f.attribute = "title"
	case "tag", "tags":
		f.attribute = "tag"
	default:
		return filter{}, bad
	}
	switch strings.ToLower(operator) {
	case "eq":
	case "co":
		f.contains = true
	default:
		return filter{}, bad
	}
	if len(rest) < 2 || rest[0] != '"' || rest[len(rest)-1] != '"' {
		return filter{}, bad
	}
	value, ok := unquote(rest[1 : len(rest)-1])
	if !ok {
		return filter{}, bad
	}
	f.value = value
	return f, nil
}

// unquote resolves \" and \\; another backslash is itself. One that escapes
// the closing quote leaves the value open: not ok.
func unquote(s string) (string, bool) {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '\\' {
			if i+1 == len(s) {
				return "", false
			}
			if s[i+1] == '"' || s[i+1] == '\\' {
				i++
			}
		}
		b.WriteByte(s[i])
	}
	return b.String(), true
}

// matches compares without regard to case.
func (f filter) matches(title string, tags []string) bool {
	switch f.attribute {
	case "":
		return true
	case "tag":
		for _, t := range tags {
			if f.text(t) || (!f.contains && len(t) > len(f.value) && strings.EqualFold(t[:len(f.value)+1], f.value+"/")) {
				return true
			}
		}
		return false
	}
	return f.text(title)
}

func (f filter) text(s string) bool {
	if f.contains {
		return strings.Contains(strings.ToLower(s), strings.ToLower(f.value))
	}
	return strings.EqualFold(s, f.value)
}

func (f filter) item(i rinca.Info) bool { return f.matches(i.Title, i.Tags) }
