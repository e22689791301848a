package vault

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"go.yaml.in/yaml/v4"

	"rinca/internal/lazyregexp"
)

// splitYAML makes a slot of every scalar that holds a reference: its quotes
// may have to change. A YAML reader finds the scalars.
func splitYAML(d *draft) ([]slot, error) {
	docs, err := loadYAML(d.text)
	if err != nil {
		return nil, err
	}
	var slots []slot
	lines := lineStarts(d.text)
	var walk func(n *yaml.Node) error
	walk = func(n *yaml.Node) error {
		if n.Kind == yaml.ScalarNode && len(d.tokens) > 0 && strings.Contains(n.Value, d.mark) {
			s, err := yamlSlot(d, n, yamlOffset(d.text, lines, n))
			if err != nil {
				return err
			}
			slots = append(slots, s)
		}
		for _, c := range n.Content {
			if err := walk(c); err != nil {
				return err
			}
		}
		return nil
	}
	for _, doc := range docs {
		if err := walk(doc); err != nil {
			return nil, err
		}
	}
	slices.SortFunc(slots, func(a, b slot) int { return a.start - b.start })
	return slots, nil
}

func loadYAML(text string) ([]*yaml.Node, error) {
	var docs []*yaml.Node
	loader, err := yaml.NewLoader(strings.NewReader(text))
	for err == nil {
		doc := &yaml.Node{}
		if err = loader.Load(doc); err == nil {
			docs = append(docs, doc)
		}
	}
	if errors.Is(err, io.EOF) {
		return docs, nil
	}
	line := 1
	if m := yamlErrorLine.FindStringSubmatch(err.Error()); m != nil {
		line, _ = strconv.Atoi(m[1])
	}
	return nil, badLine(line, "the template is not valid YAML once its references are filled in")
}

var yamlErrorLine = lazyregexp.New(`line (\d+)`)

func lineStarts(text string) []int {
	starts := []int{0}
	for i := range len(text) {
		if text[i] == '\n' || text[i] == '\r' && !strings.HasPrefix(text[i+1:], "\n") {
			starts = append(starts, i+1)
		}
	}
	return starts
}

// yamlOffset returns where the text of a scalar begins, behind its tag and
// anchor.
func yamlOffset(text string, lines []int, n *yaml.Node) int {
	at := lines[min(max(n.Line, 1), len(lines))-1]
	for col := 1; col < n.Column && at < len(text); col++ {
		_, size := utf8.DecodeRuneInString(text[at:])
		at += size
	}
	for at < len(text) && (text[at] == '!' || text[at] == '&') {
		at += strings.IndexAny(text[at:]+" ", " \t\r\n")
		at += len(text[at:]) - len(strings.TrimLeft(text[at:], " \t\r\n"))
	}
	return at
}

func yamlSlot(d *draft, n *yaml.Node, at int) (slot, error) {
	quoted := func(fill filling) (string, string) { return yamlDouble(fill.in(n.Value)) }
	if at >= len(d.text) {
		return slot{}, badLine(n.Line, "this text cannot be found again")
	}
	s := slot{start: at, write: quoted, retry: quoted}
	switch d.text[at] {
	case '|', '>':
		return yamlBlock(d, s)
	case '"':
		s.end = at + 1
		for s.end < len(d.text) && d.text[s.end] != '"' {
			if d.text[s.end] == '\\' {
				s.end++
			}
			s.end++
		}
		s.end++
	case '\'':
		s.end = at + 1
		for s.end < len(d.text) && (d.text[s.end] != '\'' || strings.HasPrefix(d.text[s.end:], "''")) {
			if d.text[s.end] == '\'' {
				s.end++
			}
			s.end++
		}
		s.end++
		s.write = func(fill filling) (string, string) {
			if v := fill.in(n.Value); yamlOneLine(v) {
				return "'" + strings.ReplaceAll(v, "'", "''") + "'", ""
			}
			return quoted(fill)
		}
	default:
		s.end = plainEnd(d.text, at, n.Value)
		s.write = func(fill filling) (string, string) {
			if v := fill.in(n.Value); yamlPlain.MatchString(v) && !yamlWord.MatchString(v) {
				return v, ""
			}
			return quoted(fill)
		}
	}
	if s.end < 0 || s.end > len(d.text) || len(d.in(s.start, s.end)) == 0 {
		return slot{}, badAt(at, "the end of this text cannot be found; write it in quotes")
	}
	return s, nil
}

var (
	// yamlPlain is text that no reader takes for anything but a string, apart
	// from the words of yamlWord.
	yamlPlain = lazyregexp.New(`^[A-Za-z_][A-Za-z0-9_./@+-]*$`)
	yamlWord  = lazyregexp.New(`^(?i:y|n|yes|no|on|off|true|false|null|nan|inf)$`)
)

// plainEnd returns where the plain scalar that begins at `at` ends: its text
// is the value, but for blanks and line breaks.
func plainEnd(text string, at int, value string) int {
	i := at
	for _, c := range []byte(value) {
		if c == ' ' || c == '\t' || c == '\n' {
			continue
		}
		for i < len(text) && strings.IndexByte(" \t\r\n", text[i]) >= 0 {
			i++
		}
		if i >= len(text) || text[i] != c {
			return -1
		}
		i++
	}
	return i
}

// yamlBlock is the slot of a literal or folded block. Values of several lines
// are indented as the block is; what a block cannot hold makes it a string in
// double quotes.
func yamlBlock(d *draft, s slot) (slot, error) {
	head := lineEnd(d.text, s.start)
	if strings.ContainsAny(strings.SplitN(d.text[s.start:head], "#", 2)[0], "0123456789") {
		return slot{}, badAt(s.start, "a block with an indentation indicator cannot hold a reference; write it without the number")
	}
	folded := d.text[s.start] == '>'
	indent := -1
	s.end = head
	for i := head + 1; i < len(d.text); {
		end := lineEnd(d.text, i)
		line := strings.TrimSuffix(d.text[i:end], "\r")
		content := strings.TrimLeft(line, " ")
		depth := len(line) - len(content)
		if content != "" {
			if indent < 0 {
				indent = depth
			}
			if depth < indent || indent == 0 && (strings.HasPrefix(line, "---") || strings.HasPrefix(line, "...")) {
				break
			}
			s.end = i + len(line)
		}
		i = end + 1
	}
	block := d.text[s.start:s.end]
	s.write = func(fill filling) (string, string) {
		fits := true
		text := fill.each(block, func(value string) string {
			for line := range strings.SplitSeq(value, "\n") {
				fits = fits && yamlOneLine(line) && (!folded || line == value)
			}
			return strings.ReplaceAll(value, "\n", "\n"+strings.Repeat(" ", indent))
		})
		if !fits {
			return s.retry(fill)
		}
		return text, ""
	}
	return s, nil
}

// yamlOneLine reports whether s can stand in YAML without escapes, on one line.
func yamlOneLine(s string) bool {
	return utf8.ValidString(s) && strings.IndexFunc(s, func(c rune) bool { return !yamlPrintable(c) }) < 0
}

func yamlPrintable(c rune) bool {
	return c == ' ' || c < utf8.RuneSelf && c > ' ' && c != 0x7f || c >= 0xa1 && unicode.IsPrint(c)
}

// yamlDouble returns a string in double quotes.
func yamlDouble(s string) (text, no string) {
	if !utf8.ValidString(s) {
		return "", notUTF8 + ", which YAML cannot carry"
	}
	var b strings.Builder
	b.WriteByte('"')
	for _, c := range s {
		switch {
		case c == '"' || c == '\\':
			b.WriteByte('\\')
			b.WriteRune(c)
		case c == '\n':
			b.WriteString(`\n`)
		case c == '\t':
			b.WriteString(`\t`)
		case c == '\r':
			b.WriteString(`\r`)
		case yamlPrintable(c):
			b.WriteRune(c)
		case c <= 0xff:
			fmt.Fprintf(&b, `\x%02X`, c)
		case c <= 0xffff:
			fmt.Fprintf(&b, `\u%04X`, c)
		default:
			fmt.Fprintf(&b, `\U%08X`, c)
		}
	}
	b.WriteByte('"')
	return b.String(), ""
}

// readYAML reads documents as lists of texts, each with its type before it.
func readYAML(text string) (any, error) {
	docs, err := loadYAML(text)
	if err != nil {
		return nil, err
	}
	var tree func(n *yaml.Node) any
	tree = func(n *yaml.Node) any {
		if n.Kind == yaml.ScalarNode {
			return n.ShortTag() + " " + n.Value
		}
		out := []any{fmt.Sprint(n.Kind, " ", n.ShortTag(), " ", n.Anchor, " ", n.Value)}
		for _, c := range n.Content {
			out = append(out, tree(c))
		}
		return out
	}
	var out []any
	for _, doc := range docs {
		out = append(out, tree(doc))
	}
	return out, nil
}
