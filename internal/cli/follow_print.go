package cli

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"rinca/internal/rinca"
)

// newProgress chooses how updates are drawn: as JSON, not at all, live on a
// terminal, or as plain lines.
func (a *app) newProgress(several, verbose bool) progress {
	text := &textProgress{
		app: a, out: a.Stdout, several: several, verbose: true,
		color: a.colorful(a.Stdout), now: time.Now, views: map[string]*updateView{},
	}
	switch {
	case a.json:
		return &jsonProgress{app: a}
	case a.quiet:
		text.out = io.Discard
	case isTerminal(a.Stdout) && a.Getenv("TERM") != "dumb":
		text.verbose = verbose
		return newLive(text, func() int { return width(a.Stdout) })
	}
	return text
}

// jsonProgress writes every event as it came, one in a line.
type jsonProgress struct{ *app }

func (p *jsonProgress) event(e rinca.Event)     { _ = encodeJSON(p.Stdout, e) }
func (p *jsonProgress) update(rinca.Update)     {}
func (p *jsonProgress) line(string, rinca.Line) {}
func (p *jsonProgress) note(text string)        { fmt.Fprintln(p.Stderr, text) }
func (p *jsonProgress) close()                  {}

// An updateView is what has been drawn of an update.
type updateView struct {
	u      rinca.Update
	seen   map[int]time.Time // when we saw a stage begin
	stages int               // drawn, because they have ended
	ended  bool
	last   string       // the last line that was said
	tail   []rinca.Line // the last lines of the stage, in case it fails
	pulls  []rinca.Line // one for each image that is on its way
}

// textProgress draws lines that stay.
type textProgress struct {
	*app
	out     io.Writer
	several bool // more than one update: lines begin with whose they are
	verbose bool // every line; else those of a stage that failed
	color   bool
	now     func() time.Time
	views   map[string]*updateView
	order   []string
}

func (p *textProgress) event(rinca.Event) {}
func (p *textProgress) close()            {}
func (p *textProgress) note(text string)  { fmt.Fprintln(p.Stderr, text) }

func (p *textProgress) view(id string) *updateView {
	v, ok := p.views[id]
	if !ok {
		v = &updateView{seen: map[int]time.Time{}}
		p.views[id] = v
		p.order = append(p.order, id)
	}
	return v
}

// prefix says whose line it is.
func (p *textProgress) prefix(v *updateView) string {
	if !p.several && len(p.views) < 2 {
		return ""
	}
	return paint(p.color, dim, printable(v.u.Target.Name)+" | ")
}

func (p *textProgress) println(v *updateView, text string) {
	fmt.Fprintf(p.out, "%s%s\n", p.prefix(v), text)
}

func (p *textProgress) update(u rinca.Update) {
	v := p.view(u.ID)
	v.u = u
	for i, s := range u.Stages {
		if _, ok := v.seen[i]; !ok {
			v.seen[i] = p.now()
		}
		if i < v.stages || !s.State.Final() {
			continue
		}
		v.stages = i + 1
		p.stage(v, s)
		v.tail, v.pulls, v.last = nil, nil, ""
	}
	if u.State.Final() && !v.ended {
		v.ended = true
		p.end(v)
	}
}

// stage draws a stage that has ended.
func (p *textProgress) stage(v *updateView, s rinca.Stage) {
	if s.State != rinca.Succeeded && !p.verbose {
		for _, l := range v.tail {
			p.said(v, l)
		}
	}
	mark, st := stageMark(s.State)
	text := fmt.Sprintf("%s %-12s %5s", paint(p.color, st, mark), printable(s.Name), took(s.EndedAt.Sub(s.StartedAt)))
	if s.Note != "" {
		text += "  " + printable(s.Note)
	}
	p.println(v, text)
}

func stageMark(s rinca.UpdateState) (string, style) {
	switch s {
	case rinca.Succeeded:
		return "✓", green
	case rinca.Failed:
		return "✗", red
	case rinca.Running, rinca.Queued:
		return "…", cyan
	}
	return "⊘", yellow
}

// end draws how it went.
func (p *textProgress) end(v *updateView) {
	u := v.u
	if u.RolledBack != "" {
		p.println(v, paint(p.color, yellow, "↩ ")+printable(u.RolledBack))
	}
	if u.State == rinca.Succeeded {
		text := printable(subject(u))
		if u.Summary != "" {
			text += ": " + printable(u.Summary)
		}
		if !u.StartedAt.IsZero() && !u.EndedAt.IsZero() {
			text += paint(p.color, dim, " ("+took(u.EndedAt.Sub(u.StartedAt))+")")
		}
		p.println(v, paint(p.color, green, "✓ ")+text)
		return
	}
	// The error of a single update is printed by who ends the program.
	if err := updateError(u); err != nil && p.several {
		fmt.Fprintf(p.Stderr, "✗ %v\n", err)
		if hint := rinca.HintOf(err); hint != "" {
			fmt.Fprintf(p.Stderr, "  Try: %s\n", hint)
		}
	}
}

func (p *textProgress) line(id string, l rinca.Line) {
	v := p.view(id)
	const keep = 30
	if l.Stream == "pull" {
		v.pull(l)
	}
	if l.Transient {
		return
	}
	v.last = lineText(l)
	if p.verbose || news(v, l) {
		p.said(v, l)
		return
	}
	v.tail = append(v.tail, l)
	if len(v.tail) > keep {
		v.tail = slices.Delete(v.tail, 0, len(v.tail)-keep)
	}
}

// news reports whether a line is for everybody: what is going to change, and
// why; a warning; what becomes of each stack of several.
func news(v *updateView, l rinca.Line) bool {
	return l.Stage == "Plan" || strings.HasPrefix(l.Text, "warning: ") || startsOthers(v.u.Execution.Kind)
}

// pull remembers how far each image is.
func (v *updateView) pull(l rinca.Line) {
	i := slices.IndexFunc(v.pulls, func(x rinca.Line) bool { return x.Service == l.Service })
	switch {
	case !l.Transient && i >= 0:
		v.pulls = slices.Delete(v.pulls, i, i+1)
	case l.Transient && i >= 0:
		v.pulls[i] = l
	case l.Transient:
		v.pulls = append(v.pulls, l)
	}
}

// said draws a line of what was said.
func (p *textProgress) said(v *updateView, l rinca.Line) {
	p.println(v, "    "+lineText(l))
}

func lineText(l rinca.Line) string {
	text := printable(l.Text)
	if l.Service != "" && l.Stage != "Plan" { // a plan says itself whose it is
		return printable(l.Service) + ": " + text
	}
	return text
}

// safeLines makes text of several lines safe to show.
func safeLines(s string) string {
	lines := strings.Split(s, "\n")
	for i, l := range lines {
		lines[i] = printable(strings.ReplaceAll(l, "\t", "    "))
	}
	return strings.Join(lines, "\n")
}
