package connectapi

import (
	"net/url"
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

// filterOf finds the filter in a raw query. Some clients leave & ; and + in
// titles as they are. So a filter that is not closed goes on behind the &;
// and where blanks are written %20, + stands for itself. A filter that cannot
// be decoded is an error: without it, the answer would be everything.
func filterOf(query string) (filter, error) {
	parts := strings.Split(query, "&")
	for i, p := range parts {
		text, ok := strings.CutPrefix(p, "filter=")
		if !ok {
			continue
		}
		var f filter
		var err error
		for end := i; end < min(len(parts), i+maxAmpersands+1); end++ {
			if end > i {
				text += "&" + parts[end]
			}
			if f, err = decodeFilter(text); err == nil {
				return f, nil
			}
		}
		return decodeFilter(parts[i][len("filter="):])
	}
	return filter{}, nil
}

// maxAmpersands is how many raw & a filter may hold.
const maxAmpersands = 20

func decodeFilter(text string) (filter, error) {
	if strings.Contains(text, "%20") {
		text = strings.ReplaceAll(text, "+", "%2B")
	}
	text, err := url.QueryUnescape(text)
	if err != nil {
		return filter{}, badFilter()
	}
	return parseFilter(text)
}

func badFilter() error {
	return errorf(400, `Invalid filter: use name eq "…", title eq "…" or tag eq "…"`)
}

// parseFilter reads a filter. Some clients do not escape quotes in values, so
// a quote within the outer ones is taken as it is.
func parseFilter(s string) (filter, error) {
	s = strings.TrimSpace(s)
	if s == "" {
		return filter{}, nil
	}
	bad := badFilter()
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
