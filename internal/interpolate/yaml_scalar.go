package interpolate

import (
	"slices"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v4"
)

// blanks are what YAML takes for blanks and for ends of lines.
const blanks = " \t\r\n\u0085\u2028\u2029"

// index finds where the lines of marked begin, as YAML counts them.
func (y *yamlFile) index() {
	y.lines = []int{0}
	for i, r := range y.marked {
		switch r {
		case '\r':
			if strings.HasPrefix(y.marked[i:], "\r\n") {
				continue
			}
		case '\n', '\u0085', '\u2028', '\u2029':
		default:
			continue
		}
		y.lines = append(y.lines, i+utf8.RuneLen(r))
	}
}

// lineOf returns the line of an offset in marked, from 1.
func (y *yamlFile) lineOf(offset int) int {
	line, found := slices.BinarySearch(y.lines, offset)
	if found {
		line++
	}
	return line
}

// extent returns where a scalar stands in marked, without its tag and anchor.
func (y *yamlFile) extent(n *yaml.Node) (start, end int, ok bool) {
	if n.Line < 1 || n.Line > len(y.lines) {
		return 0, 0, false
	}
	start = y.lines[n.Line-1]
	for range n.Column - 1 {
		_, size := utf8.DecodeRuneInString(y.marked[start:])
		start += size
	}
	start = y.skipProperties(start)
	rest := y.marked[start:]
	var length int
	switch {
	case n.Style&yaml.DoubleQuotedStyle != 0:
		length = endOfDouble(rest)
	case n.Style&yaml.SingleQuotedStyle != 0:
		length = endOfSingle(rest)
	case n.Style&(yaml.LiteralStyle|yaml.FoldedStyle) != 0:
		length = endOfBlock(rest, n.Value)
	default:
		length = match(rest, n.Value)
	}
	return start, start + length, length > 0
}

// skipProperties moves over tags and anchors, and what stands between them.
func (y *yamlFile) skipProperties(at int) int {
	for {
		rest := y.marked[at:]
		switch {
		case strings.HasPrefix(rest, "&"), strings.HasPrefix(rest, "!"):
			n := strings.IndexAny(rest, blanks)
			if n < 0 {
				return at
			}
			at += n
		case strings.HasPrefix(rest, "#"):
			n := strings.IndexAny(rest, "\r\n")
			if n < 0 {
				return at
			}
			at += n
		default:
			n := len(rest) - len(strings.TrimLeft(rest, blanks))
			if n == 0 {
				return at
			}
			at += n
		}
	}
}

// endOfDouble returns the length of a double-quoted scalar, 0 if it is none.
func endOfDouble(s string) int {
	if !strings.HasPrefix(s, `"`) {
		return 0
	}
	for i := 1; i < len(s); i++ {
		switch s[i] {
		case '\\':
			i++
		case '"':
			return i + 1
		}
	}
	return 0
}

// endOfSingle returns the length of a single-quoted scalar, 0 if it is none.
func endOfSingle(s string) int {
	if !strings.HasPrefix(s, "'") {
		return 0
	}
	for i := 1; i < len(s); i++ {
		if s[i] != '\'' {
			continue
		}
		if !strings.HasPrefix(s[i:], "''") {
			return i + 1
		}
		i++
	}
	return 0
}

// endOfBlock returns the length of a block scalar, without the end of its last
// line, 0 if it is none.
func endOfBlock(s, value string) int {
	if s == "" || s[0] != '|' && s[0] != '>' {
		return 0
	}
	head := strings.IndexAny(s, "\r\n")
	if head < 0 {
		return 0
	}
	n := match(s[head:], value)
	if n == 0 {
		return 0
	}
	end := head + n
	// Blanks behind the last line, and lines of nothing else, belong to it.
	tail := len(s[end:]) - len(strings.TrimLeft(s[end:], blanks))
	if end+tail == len(s) {
		if strings.HasSuffix(s, "\n") {
			tail--
		}
		return end + tail
	}
	last := strings.LastIndexAny(s[:end+tail], "\r\n")
	if last > 0 && s[last] == '\n' && s[last-1] == '\r' {
		last--
	}
	return last
}

// match returns the length of the shortest beginning of s that holds the same
// characters as value, blanks aside; 0 if there is none. Plain and block
// scalars have no escapes: folding changes blanks alone.
func match(s, value string) int {
	at := 0
	for _, r := range value {
		if strings.ContainsRune(blanks, r) {
			continue
		}
		at += len(s[at:]) - len(strings.TrimLeft(s[at:], blanks))
		got, size := utf8.DecodeRuneInString(s[at:])
		if got != r || size == 0 {
			return 0
		}
		at += size
	}
	return at
}
