package vault

import (
	"fmt"
	"strings"
)

// A draft is a template as one text, in which a token of letters and digits
// stands for each reference, so that it can be read as the target already.
type draft struct {
	text   string
	tokens []token
	starts map[int]bool // offsets of the tokens
	size   int          // of every token
	mark   string       // what every token begins with, and nothing else
}

// A token is where a reference stands in a draft.
type token struct {
	at   int
	node int // its index among the nodes
}

func newDraft(nodes []node) *draft {
	var all strings.Builder
	for _, n := range nodes {
		all.WriteString(n.text)
	}
	mark := "RINCA"
	for strings.Contains(all.String(), mark) {
		mark += "X"
	}
	mark += "Q"
	d := &draft{starts: map[int]bool{}, mark: mark}
	var b strings.Builder
	for i, n := range nodes {
		if n.ref == nil {
			b.WriteString(n.text)
			continue
		}
		t := fmt.Sprintf("%s%08dZ", mark, i)
		d.size = len(t)
		d.tokens = append(d.tokens, token{b.Len(), i})
		d.starts[b.Len()] = true
		b.WriteString(t)
	}
	d.text = b.String()
	return d
}

// in returns the tokens between two offsets.
func (d *draft) in(start, end int) []token {
	var found []token
	for _, t := range d.tokens {
		if t.at >= start && t.at < end {
			found = append(found, t)
		}
	}
	return found
}

// isToken reports whether a token begins at an offset.
func (d *draft) isToken(at int) bool { return d.starts[at] }

// dollar looks whether a variable, or a lone "$", stands right before the
// token at an offset: a value there would change its name. It returns where
// that begins and what to write in its place.
func (d *draft) dollar(at int) (start int, instead string) {
	i := at
	for i > 0 && (d.text[i-1] == '_' || isAlnum(d.text[i-1])) {
		i--
	}
	name := d.text[i:at]
	if i == 0 || d.text[i-1] != '$' || name != "" && identifier(name) != len(name) {
		return at, ""
	}
	i--
	same := func(c byte) int {
		n := 0
		for n < i && d.text[i-1-n] == c {
			n++
		}
		return n
	}
	if same('\\')%2 == 1 || same('$')%2 == 1 { // \$ or $$: this one is text
		return at, ""
	}
	if name == "" {
		return i, `\$`
	}
	return i, "${" + name + "}"
}

// A filling puts texts, one for each node, in place of the tokens.
type filling struct {
	d     *draft
	texts func(node int) string
	all   *strings.Replacer
}

func (d *draft) filling(texts func(node int) string) filling {
	f := filling{d: d, texts: texts}
	f.all = f.changed(func(s string) string { return s })
	return f
}

// in fills a part of the draft.
func (f filling) in(part string) string { return f.all.Replace(part) }

// each fills a part of the draft with texts that are changed first.
func (f filling) each(part string, change func(string) string) string {
	return f.changed(change).Replace(part)
}

func (f filling) changed(change func(string) string) *strings.Replacer {
	pairs := make([]string, 0, 2*len(f.d.tokens))
	for _, t := range f.d.tokens {
		pairs = append(pairs, f.d.text[t.at:t.at+f.d.size], change(f.texts(t.node)))
	}
	return strings.NewReplacer(pairs...)
}

// unfilled leaves the tokens as they are.
func (d *draft) unfilled() filling {
	names := map[int]string{}
	for _, t := range d.tokens {
		names[t.node] = d.text[t.at : t.at+d.size]
	}
	return d.filling(func(node int) string { return names[node] })
}
