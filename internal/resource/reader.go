package resource

import (
	"fmt"
	"strings"

	"rinca/internal/rinca"
	"rinca/internal/tomltree"
	"rinca/internal/vault"
)

// Bounds of what is told.
const (
	maxWrong    = 50
	maxWarnings = 500
	maxName     = 100 // bytes of a key in a message
)

// A reader reads files into a set, and collects what is wrong.
type reader struct {
	set      Set
	schema   *schema
	kinds    map[string]rinca.ExecutionKind
	names    []string // of kinds
	file     string
	wrong    []string
	more     int // that are not in wrong
	hint     string
	warnings []string
	unsaid   int
	places   map[string]tomltree.Place // of the keys of the resource that is read
}

func newReader(kinds []rinca.ExecutionKind) *reader {
	r := &reader{schema: newSchema(), kinds: map[string]rinca.ExecutionKind{}}
	r.set.Foreign = map[string]bool{}
	for _, k := range kinds {
		r.kinds[k.Name] = k
		r.names = append(r.names, k.Name)
	}
	return r
}

// wrongf adds something that is wrong.
func (r *reader) wrongf(format string, args ...any) {
	if len(r.wrong) >= maxWrong {
		r.more++
		return
	}
	r.wrong = append(r.wrong, fmt.Sprintf(format, args...))
}

// complain says what is wrong at a place of the file.
func (r *reader) complain(at tomltree.Place, format string, args ...any) {
	r.wrongf("%s: %s", at.In(r.file), fmt.Sprintf(format, args...))
}

// fault complains with an error's message, and keeps its hint.
func (r *reader) fault(at tomltree.Place, err error) {
	if r.hint == "" {
		r.hint = rinca.HintOf(err)
	}
	r.complain(at, "%s", err.Error())
}

// warn tells what is ignored.
func (r *reader) warn(at tomltree.Place, format string, args ...any) {
	if len(r.warnings) >= maxWarnings {
		r.unsaid++
		return
	}
	r.warnings = append(r.warnings, at.In(r.file)+": "+fmt.Sprintf(format, args...))
}

func (r *reader) warned() []string {
	if r.unsaid > 0 {
		return append(r.warnings, fmt.Sprintf("and %d more like these", r.unsaid))
	}
	return r.warnings
}

func (r *reader) err() error {
	if len(r.wrong) == 0 {
		return nil
	}
	return listed(r.wrong, r.more, r.hint)
}

// listed makes one error of all that is wrong.
func listed(wrong []string, more int, hint string) error {
	text := strings.Join(wrong, "\n")
	if more > 0 {
		text += fmt.Sprintf("\nand %d more", more)
	}
	e := rinca.Errorf(rinca.Invalid, "%s", text)
	if hint != "" {
		return e.Try("%s", hint)
	}
	return e
}

func (r *reader) readFile(f File) {
	r.file = f.Path
	root, err := tomltree.ParseLiteral(f.Path, strings.TrimPrefix(f.Text.Reveal(), "\ufeff"))
	if err != nil {
		r.wrongf("%s", err.Error())
		return
	}
	r.schema.top.read(r, root, "", r)
}

// each reads the tables of a list of resources.
func (r *reader) each(n *tomltree.Node, path string, read func(*tomltree.Node)) {
	if n.Kind != tomltree.Array {
		r.complain(n.Place, "%s is written [[%s]], with two brackets", path, path)
		return
	}
	for _, item := range n.Items {
		if item.Kind != tomltree.Table {
			r.complain(item.Place, "%s is a table", path)
			continue
		}
		r.places = map[string]tomltree.Place{}
		read(item)
	}
}

// text reads text in quotes.
func (r *reader) text(n *tomltree.Node, path string) string {
	if n.Kind != tomltree.String {
		r.complain(n.Place, "%s is text in quotes", path)
		return ""
	}
	return n.Text
}

func (r *reader) flag(n *tomltree.Node, path string) bool {
	if n.Kind != tomltree.Bool {
		r.complain(n.Place, "%s is true or false", path)
	}
	return n.Text == "true"
}

// texts reads a list of texts.
func (r *reader) texts(n *tomltree.Node, path string) []string {
	if n.Kind != tomltree.Array {
		r.complain(n.Place, "%s is a list", path)
		return nil
	}
	var out []string
	for i, item := range n.Items {
		r.places[fmt.Sprintf("%s[%d]", path, i)] = item.Place
		out = append(out, r.text(item, path))
	}
	return out
}

// stringList reads a list of texts, or one text with an entry in each line or
// between commas, and comments after #.
func (r *reader) stringList(n *tomltree.Node, path string) []string {
	if n.Kind == tomltree.Array {
		return r.texts(n, path)
	}
	if n.Kind != tomltree.String {
		r.complain(n.Place, "%s is a list, or text with one entry in each line", path)
		return nil
	}
	var out []string
	for line := range strings.SplitSeq(n.Text, "\n") {
		line, _, _ = strings.Cut(line, "#")
		for part := range strings.SplitSeq(line, ",") {
			if part = strings.TrimSpace(part); part != "" {
				out = append(out, part)
			}
		}
	}
	return out
}

// near adds the name that is likely meant.
func near(name string, known []string) string {
	if len(name) > 200 {
		return ""
	}
	if n := vault.Nearest(name, known); n != "" {
		return "; is it " + n + "?"
	}
	return ""
}

// shown is a key of a file as it may be shown.
func shown(key string) string {
	key = printed(key)
	if len(key) > maxName {
		return strings.ToValidUTF8(key[:maxName], "") + "…"
	}
	return key
}
