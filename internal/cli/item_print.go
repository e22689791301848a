package cli

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"rinca/internal/draft"
	"rinca/internal/rinca"
)

// mask stands for every concealed value, whatever its length.
const mask = "••••••••"

// The documents of rinca item create --json. They hold names, never values.
type (
	createDoc struct {
		Vault exportVault   `json:"vault"`
		Items []createdItem `json:"items"`
		Notes []string      `json:"notes,omitempty"`
		Error *jsonError    `json:"error,omitempty"`
	}
	createdItem struct {
		Title   string         `json:"title"`
		Stack   string         `json:"stack"`
		Action  string         `json:"action"` // created, updated, unchanged, skipped
		ID      string         `json:"id,omitempty"`
		Version int64          `json:"version,omitempty"`
		Tagged  bool           `json:"tag_added,omitempty"`
		Fields  []createdField `json:"fields,omitempty"`
		Kept    []string       `json:"only_in_vault,omitempty"`
	}
	createdField struct {
		Key       string       `json:"key"`
		State     draft.State  `json:"state"`
		From      draft.Origin `json:"from"`
		Recipe    string       `json:"recipe,omitempty"`
		Concealed bool         `json:"concealed"`
	}
)

func encodeJSON(w io.Writer, doc any) error {
	if err := json.NewEncoder(w).Encode(doc); err != nil {
		return rinca.Errorf(rinca.Destination, "write the result: %w", err)
	}
	return nil
}

// leftovers tells which other variables of the stack no longer match.
func (c *creation) leftovers() []string {
	var notes []string
	for _, l := range c.draft.Leftovers() {
		notes = append(notes, fmt.Sprintf("%s/%s has the value that %s/%s had; give both examples in one call, or change it as well", printable(l.Title), printable(l.Key), l.Source, l.From))
	}
	return notes
}

func (c *creation) printNotes(notes []string) {
	for _, note := range notes {
		if !c.quiet {
			fmt.Fprintf(c.Stderr, "Note: %s\n", note)
		}
	}
}

// done notes what was written.
func (out *createdItem) done(it *draft.Item, action draft.Action, item rinca.Item) {
	out.Action = map[draft.Action]string{draft.Create: "created", draft.Update: "updated", draft.Unchanged: "unchanged"}[action]
	out.ID, out.Version, out.Tagged, out.Kept = item.ID, item.Version, it.Untagged(), it.Kept
	for _, f := range it.Fields {
		field := createdField{Key: f.Key, State: f.State(), From: f.Origin, Concealed: f.Concealed}
		if f.Origin == draft.Generated || f.Origin == draft.Derived {
			field.Recipe = f.Recipe.String()
		}
		out.Fields = append(out.Fields, field)
	}
}

// result prints what became of an item.
func (c *creation) result(it *draft.Item, out createdItem) {
	if c.json || c.quiet {
		return
	}
	switch out.Action {
	case "created":
		fmt.Fprintf(c.Stdout, "✓ Created: %s (%s)\n", out.Title, origins(it))
	case "updated":
		fmt.Fprintf(c.Stdout, "✓ Updated: %s (version %d)\n", out.Title, out.Version)
		for _, line := range differences(it) {
			fmt.Fprintf(c.Stdout, "    %s\n", line)
		}
	case "unchanged":
		fmt.Fprintf(c.Stdout, "⊘ No changes: %s (up to date)\n", out.Title)
	default:
		fmt.Fprintf(c.Stdout, "⊘ Skipped: %s\n", out.Title)
	}
}

func count(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

// origins sums up where the values of a new item come from.
func origins(it *draft.Item) string {
	n := map[draft.Origin]int{}
	for _, f := range it.Fields {
		n[f.Origin]++
	}
	parts := []string{}
	for _, o := range []struct {
		origin draft.Origin
		what   string
	}{
		{draft.Generated, "generated"},
		{draft.Derived, "derived"},
		{draft.Given, "given"},
		{draft.From, "from a file"},
		{draft.Asked, "entered"},
		{draft.Example, "from the example"},
	} {
		if n[o.origin] > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n[o.origin], o.what))
		}
	}
	return count(len(it.Fields), "variable") + ": " + strings.Join(parts, ", ")
}

// differences names what differs from the vault, never the values.
func differences(it *draft.Item) []string {
	byState := map[draft.State][]string{}
	for _, f := range it.Fields {
		byState[f.State()] = append(byState[f.State()], f.Key)
	}
	var lines []string
	for _, s := range []struct {
		state draft.State
		what  string
	}{{draft.New, "added"}, {draft.Changed, "changed"}} {
		if keys := byState[s.state]; len(keys) > 0 {
			lines = append(lines, s.what+": "+strings.Join(keys, ", "))
		}
	}
	if it.Untagged() {
		lines = append(lines, "tagged: "+rinca.StackTag+it.File.Stack)
	}
	return lines
}

// comparison shows an item that exists, field by field, without values.
func (c *creation) comparison(it *draft.Item) {
	fmt.Fprintf(c.Stderr, "\n%s exists in the vault %s (version %d):\n", it.File.Title, c.vault.Name, it.Existing.Version)
	width := keyWidth(it)
	for _, f := range it.Fields {
		sign, what := "=", "the same"
		switch f.State() {
		case draft.New:
			sign, what = "+", "new"
		case draft.Changed:
			sign, what = "~", "differs"
			if f.Origin == draft.None {
				what = "the vault has a placeholder"
			}
		}
		if f.Origin == draft.Vault {
			what = "kept"
		}
		fmt.Fprintf(c.Stderr, "  %s %-*s  %s\n", sign, width, f.Key, what)
	}
	for _, key := range it.Kept {
		fmt.Fprintf(c.Stderr, "  · %-*s  only in the vault, kept\n", width, printable(key))
	}
	if it.Untagged() {
		fmt.Fprintf(c.Stderr, "  + %-*s  tag, new\n", width, rinca.StackTag+it.File.Stack)
	}
}

func keyWidth(it *draft.Item) int {
	width := 0
	for _, f := range it.Fields {
		width = max(width, len(f.Key))
	}
	return width
}

// review shows what would be written. Only values that are not secret, and
// that the terminal has seen already, are shown.
func (c *creation) review(it *draft.Item) {
	fmt.Fprintf(c.Stderr, "\n%s, stack %s:\n", it.File.Title, it.File.Stack)
	width := keyWidth(it)
	for _, f := range it.Fields {
		value := mask
		switch {
		case f.Origin == draft.Vault:
			value = "kept"
		case f.Value.IsEmpty():
			value = "(empty)"
		case !f.Concealed && (f.Origin == draft.Asked || f.Origin == draft.Example):
			value = printable(f.Value.Reveal())
		}
		note := ""
		switch f.Origin {
		case draft.Generated, draft.Derived:
			note = "  " + string(f.Origin) + ", " + printable(f.Recipe.String())
		case draft.Given, draft.From, draft.Example:
			note = "  from " + map[draft.Origin]string{draft.Given: "the command line", draft.From: "the file", draft.Example: "the example"}[f.Origin]
		}
		fmt.Fprintf(c.Stderr, "  %-*s  %s%s\n", width, f.Key, value, note)
	}
}
