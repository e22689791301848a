package cli

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"rinca/internal/export"
	"rinca/internal/rinca"
)

// An exportPrinter tells a person, or with --json a program, what an export
// does.
type exportPrinter struct {
	*app
	plan    bool // what would be done, not what was
	changes bool // only stacks that something happened to
	started bool // a stack has been printed
}

// waiting tells why nothing happens.
func (o *exportPrinter) waiting(holder string) {
	if !o.quiet {
		fmt.Fprintf(o.Stderr, "Waiting for another export: %s\n", holder)
	}
}

// progress shows, on a terminal, how much has been fetched.
func (o *exportPrinter) progress(done, total int) {
	if o.quiet || o.json || total == 0 || !isTerminal(o.Stderr) {
		return
	}
	const clear = "\r\x1b[K"
	if done == total {
		fmt.Fprint(o.Stderr, clear)
		return
	}
	fmt.Fprintf(o.Stderr, clear+"Fetching %d of %d items…", done, total)
}

// finish prints what is left to print, and returns what decides the status.
func (o *exportPrinter) finish(p *export.Plan, err error) error {
	if p == nil {
		return err
	}
	switch {
	case o.json:
		if e := json.NewEncoder(o.Stdout).Encode(exportDocument(p, o.plan, err)); e != nil {
			return rinca.Errorf(rinca.Destination, "write the result: %w", e)
		}
	case o.plan:
		o.notes(p)
		for i := range p.Stacks {
			o.stack(p, &p.Stacks[i])
		}
	}
	if err != nil {
		if o.json {
			return &reported{err}
		}
		return err
	}
	if !o.json && !o.plan && !o.started {
		o.notes(p)
	}
	if err := p.Err(); err != nil {
		return &reported{err}
	}
	if o.plan && p.Changes() {
		return rinca.Errorf(rinca.Changes, "the export would change something")
	}
	return nil
}

func (o *exportPrinter) notes(p *export.Plan) {
	if o.quiet {
		return
	}
	for _, n := range p.Notes {
		fmt.Fprintf(o.Stderr, "Note: %s\n", n)
	}
}

// stack prints one stack: a header, a line per file, a summary.
func (o *exportPrinter) stack(p *export.Plan, s *export.Stack) {
	if !o.started && !o.plan {
		o.notes(p)
	}
	if o.changes && s.Err == nil && !s.Changes() && o.started {
		return
	}
	if !o.quiet {
		if o.started {
			fmt.Fprintln(o.Stdout)
		}
		fmt.Fprintf(o.Stdout, "Stack %s: %s\n", s.Name, p.Dir(s.Name))
		for i := range s.Files {
			o.file(&s.Files[i])
		}
		if s.DirChange != "" {
			fmt.Fprintf(o.Stdout, "%s: the directory (%s)\n", o.word(export.Permissions), s.DirChange)
		}
	}
	o.started = true
	if s.Err != nil {
		fmt.Fprintf(o.Stderr, "✗ Failed: %v\n", s.Err)
		if hint := rinca.HintOf(s.Err); hint != "" {
			fmt.Fprintf(o.Stderr, "  Try: %s\n", hint)
		}
	}
	if o.quiet {
		return
	}
	for _, n := range s.Notes {
		fmt.Fprintf(o.Stderr, "Note: %s\n", n)
	}
	fmt.Fprintf(o.Stdout, "%s: %s\n", s.Name, summary(s, o.plan))
}

// exportWords are the words for each action: when done, and when planned.
var exportWords = map[export.Action]struct{ done, count, planned, toDo string }{
	export.Exported:    {"✓ Exported", "exported", "+ Export", "to export"},
	export.Updated:     {"✓ Updated", "updated", "~ Update", "to update"},
	export.Repaired:    {"✓ Repaired", "repaired", "~ Repair", "to repair"},
	export.Permissions: {"✓ Permissions", "with new permissions", "~ Permissions", "to get new permissions"},
	export.Unchanged:   {"⊘ No changes", "unchanged", "⊘ No changes", "unchanged"},
	export.Offline:     {"⊘ Offline", "kept offline", "⊘ Offline", "kept offline"},
	export.Stale:       {"! Stale", "stale", "! Stale", "stale"},
	export.Pruned:      {"✓ Pruned", "pruned", "- Prune", "to prune"},
}

// exportOrder is the order of summaries.
var exportOrder = []export.Action{
	export.Exported, export.Updated, export.Repaired, export.Permissions,
	export.Unchanged, export.Offline, export.Stale, export.Pruned,
}

func (o *exportPrinter) word(a export.Action) string {
	if o.plan {
		return exportWords[a].planned
	}
	return exportWords[a].done
}

func (o *exportPrinter) file(f *export.File) {
	fmt.Fprintf(o.Stdout, "%s: %s%s\n", o.word(f.Action), f.Title, remark(f))
	if exact(f.Action) {
		for _, d := range details(f) {
			fmt.Fprintf(o.Stdout, "    %s\n", d)
		}
	}
	for _, k := range []struct {
		what string
		keys []string
	}{{"added", f.Keys.Added}, {"removed", f.Keys.Removed}, {"changed", f.Keys.Changed}} {
		// A new file has added everything, which is news in a plan only.
		if len(k.keys) > 0 && (o.plan || f.Action != export.Exported) {
			fmt.Fprintf(o.Stdout, "    %s: %s\n", k.what, strings.Join(k.keys, ", "))
		}
	}
	if f.Keys.Others > 0 {
		fmt.Fprintf(o.Stdout, "    removed: %d other lines\n", f.Keys.Others)
	}
	if f.Action == export.Updated && f.Keys.Empty() {
		fmt.Fprintln(o.Stdout, "    the same values, written another way")
	}
}

// remark is what stands in brackets behind a file.
func remark(f *export.File) string {
	var parts []string
	switch f.Action {
	case export.Unchanged:
		parts = append(parts, "up to date")
	case export.Offline:
		parts = append(parts, "exported "+f.Age.Round(time.Second).String()+" ago")
	case export.Stale, export.Pruned:
		parts = append(parts, "gone from the vault")
	}
	if !exact(f.Action) {
		parts = append(parts, details(f)...)
	}
	if f.Action == export.Stale {
		parts = append(parts, "--prune removes it")
	}
	if len(parts) == 0 {
		return ""
	}
	return " (" + strings.Join(parts, "; ") + ")"
}

// exact reports whether the line of an action stands alone, as scripts that
// read the log expect it; details follow below.
func exact(a export.Action) bool { return a == export.Exported || a == export.Updated }

func details(f *export.File) []string {
	var parts []string
	for _, d := range []string{f.Drift, f.Change} {
		if d != "" {
			parts = append(parts, d)
		}
	}
	return parts
}

func summary(s *export.Stack, plan bool) string {
	if s.Err != nil {
		return "failed, no file was changed"
	}
	count := s.Count()
	var parts []string
	for _, action := range exportOrder {
		n, word := count[action], exportWords[action].count
		if plan {
			word = exportWords[action].toDo
		}
		if n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n, word))
		}
	}
	return strings.Join(parts, ", ")
}
