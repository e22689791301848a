// Package lint finds what is wrong with the env items of a vault: values that
// are placeholders, weak, or used in several stacks; names and titles that
// cannot be exported; items that no stack gets. Findings name items and
// variables, never a value.
package lint

import (
	"fmt"
	"slices"
	"strings"

	"rinca/internal/envfile"
	"rinca/internal/rinca"
)

// A Rule is one sort of finding.
type Rule string

// The rules.
const (
	Placeholder    Rule = "placeholder"     // REPLACE_ME and the like
	Unexpanded     Rule = "unexpanded"      // ${NAME}, which nobody replaces
	IllegalName    Rule = "illegal-name"    // not a name for a variable
	DuplicateLabel Rule = "duplicate-label" // two fields of one name in an item
	DuplicateTitle Rule = "duplicate-title" // two items for one file
	IllegalTitle   Rule = "illegal-title"   // not a file name: ../x.env
	IllegalStack   Rule = "illegal-stack"   // a tag that names no stack
	Untagged       Rule = "untagged"        // .env in the title, no stack: tag
	Unwritable     Rule = "unwritable"      // a value that no file can hold
	Weak           Rule = "weak"            // short, common, or easily guessed
	Identical      Rule = "identical"       // the same secret in two stacks
)

// Rules lists the rules and what each finds.
func Rules() [][2]string {
	return [][2]string{
		{string(Placeholder), "a value that somebody has yet to fill in, such as REPLACE_ME"},
		{string(Unexpanded), "a value that is nothing but ${NAME}, which no reader replaces"},
		{string(IllegalName), "a field whose label is no name for a variable"},
		{string(DuplicateLabel), "two fields of one name in an item"},
		{string(DuplicateTitle), "two items of one title in a stack"},
		{string(IllegalTitle), "a title that is no file name, such as ../x.env"},
		{string(IllegalStack), "a stack: tag that names no stack"},
		{string(Untagged), "a title that ends in .env, without a stack: tag"},
		{string(Unwritable), "a value that no single format can write; export needs --format"},
		{string(Weak), "a password, token or key that is short, common or easily guessed"},
		{string(Identical), "the same secret in items of different stacks"},
	}
}

// A Finding is one thing that is wrong.
type Finding struct {
	Rule   Rule     `json:"rule"`
	Item   string   `json:"item"` // id
	Title  string   `json:"title"`
	Stacks []string `json:"stacks"`
	Key    string   `json:"key,omitempty"`
	// Problem says what is wrong, and Others where else it is.
	Problem string  `json:"problem"`
	Others  []Place `json:"others,omitempty"`
}

// A Place is another item, or another field, that a finding is about.
type Place struct {
	Item  string `json:"item"`
	Title string `json:"title"`
	Key   string `json:"key,omitempty"`
}

// Check examines the items whose titles end in .env, against one another.
// Others are left out. Findings come in the order of the items, for each in
// the order of its fields.
func Check(items []rinca.Item) []Finding {
	l := &linter{}
	for i := range items {
		if it := &items[i]; strings.HasSuffix(it.Title, rinca.EnvSuffix) {
			l.items = append(l.items, it)
		}
	}
	l.findIdentical()
	l.titles()
	for _, it := range l.items {
		l.item(it)
		l.labels(it)
		for _, f := range it.Fields {
			if it.Variable(f) {
				l.field(it, f)
			}
		}
	}
	return l.found
}

type linter struct {
	items     []*rinca.Item
	identical map[*rinca.Item]map[string][]Place // by item and label
	sameTitle map[*rinca.Item][]Place
	found     []Finding
}

func (l *linter) add(it *rinca.Item, rule Rule, key, problem string, others ...Place) {
	stacks := it.Stacks()
	if stacks == nil {
		stacks = []string{}
	}
	l.found = append(l.found, Finding{rule, it.ID, it.Title, stacks, key, problem, others})
}

// titles finds items that would be one file.
func (l *linter) titles() {
	l.sameTitle = map[*rinca.Item][]Place{}
	byFile := map[string][]*rinca.Item{}
	for _, it := range l.items {
		for _, s := range it.Stacks() {
			name := strings.ToLower(s + "/" + it.Title)
			byFile[name] = append(byFile[name], it)
		}
	}
	for _, same := range byFile {
		for _, it := range same {
			for _, other := range same {
				p := Place{Item: other.ID, Title: other.Title}
				if other != it && !slices.Contains(l.sameTitle[it], p) {
					l.sameTitle[it] = append(l.sameTitle[it], p)
				}
			}
			slices.SortFunc(l.sameTitle[it], func(x, y Place) int { return strings.Compare(x.Item, y.Item) })
		}
	}
}

// item checks everything but the fields.
func (l *linter) item(it *rinca.Item) {
	if why := rinca.TitleProblem(it.Title); why != "" {
		l.add(it, IllegalTitle, "", "the title "+why)
	}
	if len(it.Stacks()) == 0 {
		l.add(it, Untagged, "", "no tag "+rinca.StackTag+"NAME, so no stack gets it")
	}
	for _, s := range it.Stacks() {
		if !rinca.ValidStackName(s) {
			l.add(it, IllegalStack, "", fmt.Sprintf("the tag %q names no stack", rinca.StackTag+s))
		}
	}
	if others := l.sameTitle[it]; len(others) > 0 {
		l.add(it, DuplicateTitle, "", "another item of the stack has this title", others...)
	}
}

// labels finds names that are there twice, and such that are none.
func (l *linter) labels(it *rinca.Item) {
	n := map[string]int{}
	for _, f := range it.Fields {
		if !it.Variable(f) {
			continue
		}
		switch n[f.Label]++; {
		case f.Label == "":
			l.add(it, IllegalName, f.ID, "a field without a label has a value")
		case !envfile.ValidKey(f.Label) && n[f.Label] == 1:
			l.add(it, IllegalName, f.Label, "no name for a variable: use letters, digits and _, not starting with a digit")
		case n[f.Label] == 2:
			l.add(it, DuplicateLabel, f.Label, "the item has several fields of this name")
		}
	}
}

// field checks one value.
func (l *linter) field(it *rinca.Item, f rinca.Field) {
	value := f.Value.Reveal()
	switch {
	case envfile.IsPlaceholder(value):
		l.add(it, Placeholder, f.Label, "the value is a placeholder")
		return
	case envfile.IsUnexpanded(value):
		l.add(it, Unexpanded, f.Label, "the value is a ${NAME} that nobody replaces")
		return
	}
	if _, err := envfile.Quote(value, envfile.Auto); err != nil {
		l.add(it, Unwritable, f.Label, err.Error())
	}
	if why := weakness(f.Label, value, it); why != "" {
		l.add(it, Weak, f.Label, why)
	}
	if others := l.identical[it][f.Label]; len(others) > 0 {
		l.add(it, Identical, f.Label, "the same value is in another stack", others...)
	}
}
