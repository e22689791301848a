package cli

import (
	"bytes"
	"fmt"
	"io"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"rinca/internal/rinca"
)

// A live draws on a terminal: what has ended stays, and below it a few lines
// change in place.
type live struct {
	text  *textProgress
	out   io.Writer // the terminal; text.out is a buffer
	width func() int

	mu      sync.Mutex // the ticker draws, too
	pending bytes.Buffer
	drawn   int // lines that change in place
	frame   int
	done    chan struct{}
	ended   sync.WaitGroup
}

// frames of the spinner.
const frames = "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏"

// tick is how often the spinner turns.
const tick = 120 * time.Millisecond

func newLive(text *textProgress, width func() int) *live {
	p := &live{text: text, out: text.out, width: width, done: make(chan struct{})}
	text.out = &p.pending
	p.ended.Go(func() {
		t := time.NewTicker(tick)
		defer t.Stop()
		for {
			select {
			case <-p.done:
				return
			case <-t.C:
				p.mu.Lock()
				p.frame++
				p.draw(true)
				p.mu.Unlock()
			}
		}
	})
	return p
}

func (p *live) event(rinca.Event) {}

func (p *live) update(u rinca.Update) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.text.update(u)
	if p.pending.Len() > 0 {
		p.draw(true)
	}
}

func (p *live) line(id string, l rinca.Line) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.text.line(id, l)
	if p.pending.Len() > 0 {
		p.draw(true)
	}
}

func (p *live) note(text string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	fmt.Fprintln(&p.pending, text)
	p.draw(true)
}

func (p *live) close() {
	close(p.done)
	p.ended.Wait()
	p.mu.Lock()
	defer p.mu.Unlock()
	p.draw(false)
}

// draw replaces the lines that change, in one write.
func (p *live) draw(more bool) {
	var b strings.Builder
	if p.drawn > 0 {
		fmt.Fprintf(&b, "\x1b[%dA", p.drawn)
	}
	b.WriteString("\r\x1b[J")
	b.Write(p.pending.Bytes())
	p.pending.Reset()
	p.drawn = 0
	if more {
		for _, l := range p.current() {
			b.WriteString(l + "\n")
			p.drawn++
		}
	}
	_, _ = io.WriteString(p.out, b.String())
}

// current is what goes on now: the stage of each update, and images on their
// way, each cut to one line of the terminal.
func (p *live) current() []string {
	const mostUpdates, mostPulls = 10, 6
	columns := p.width()
	if columns < 20 {
		columns = 80
	}
	var out []string
	running := 0
	for _, id := range p.text.order {
		v := p.text.views[id]
		if v.u.ID == "" || v.u.State.Final() {
			continue
		}
		if running++; running > mostUpdates {
			continue
		}
		out = append(out, p.stage(v, columns))
		for i, l := range v.pulls {
			if i == mostPulls {
				out = append(out, cutText(fmt.Sprintf("    and %d more", len(v.pulls)-i), columns-1))
				break
			}
			out = append(out, cutText("    "+pullText(l, columns), columns-1))
		}
	}
	if running > mostUpdates {
		out = append(out, fmt.Sprintf("and %d more", running-mostUpdates))
	}
	return out
}

func (p *live) stage(v *updateView, columns int) string {
	text := p.text
	prefix := text.prefix(v)
	wide := 0
	if prefix != "" {
		wide = utf8.RuneCountInString(printable(v.u.Target.Name)) + 3
	}
	spinner := string([]rune(frames)[p.frame%utf8.RuneCountInString(frames)])
	name, since := "Waiting", time.Time{}
	switch {
	case v.stages > 0:
		name = "…" // between two stages
	case v.u.State == rinca.Running:
		name = "Starting"
	}
	if i := len(v.u.Stages) - 1; i >= v.stages {
		name, since = v.u.Stages[i].Name, v.seen[i]
	}
	line := fmt.Sprintf("%-12s", printable(name))
	if !since.IsZero() {
		line += fmt.Sprintf(" %5s", took(text.now().Sub(since)))
	}
	if v.last != "" {
		line += "  " + v.last
	}
	return prefix + paint(text.color, cyan, spinner) + " " + cutText(line, columns-wide-3)
}

// pullText is an image and how much of it is there.
func pullText(l rinca.Line, columns int) string {
	name := printable(l.Service)
	if l.Text != "" {
		name = strings.TrimSpace(name + " " + printable(l.Text))
	}
	const bar = 20
	wide := min(max(columns-bar-30, 12), 40)
	name = fmt.Sprintf("%-*s", wide, cutText(name, wide))
	switch {
	case l.Current <= 0:
		return name
	case l.Total <= 0:
		return name + "  " + size(l.Current)
	}
	full := int(min(l.Current, l.Total) * bar / l.Total)
	return fmt.Sprintf("%s  %s%s  %s of %s", name, strings.Repeat("█", full), strings.Repeat("░", bar-full), size(min(l.Current, l.Total)), size(l.Total))
}
