package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/spf13/cobra"

	"rinca/internal/lazyregexp"
	"rinca/internal/rinca"
)

// logFlags are the flags of rinca stack logs.
type logFlags struct {
	follow, timestamps bool
	tail               int
	since              string
}

func newStackLogs(a *app) *cobra.Command {
	var f logFlags
	c := &cobra.Command{
		Use:   "logs NAME [SERVICE...]",
		Short: "Show what the containers of a stack print",
		Long: `Shows what containers print, with every value that Rinca knows masked. On a
terminal, colours are kept and what would move the cursor is not.`,
		Example: `  rinca stack logs authentik
  rinca stack logs authentik worker -f --tail 20
  rinca stack logs authentik --since 10m --json`,
		Args: cobra.MinimumNArgs(1), ValidArgsFunction: a.completeServices,
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.stackLogs(cmd.Context(), f, args[0], args[1:])
		},
	}
	fl := c.Flags()
	fl.BoolVarP(&f.follow, "follow", "f", false, "go on until Ctrl-C")
	fl.BoolVarP(&f.timestamps, "timestamps", "t", false, "show when each line was printed")
	fl.IntVarP(&f.tail, "tail", "n", 200, "`LINES` of each container to begin with; 0 is all of them")
	fl.StringVar(&f.since, "since", "", "lines since `WHEN`: 10m ago, or a time such as 2026-11-23T08:00:00Z")
	return c
}

func (f logFlags) query(services []string) (url.Values, error) {
	q := url.Values{}
	if len(services) > 0 {
		q.Set("service", strings.Join(services, ","))
	}
	if f.tail < 0 {
		return nil, rinca.Errorf(rinca.Usage, "--tail is below zero").Try("--tail 0 for all lines")
	}
	q.Set("tail", strconv.Itoa(f.tail))
	if f.follow {
		q.Set("follow", "true")
	}
	if f.since == "" {
		return q, nil
	}
	at, err := time.Parse(time.RFC3339Nano, f.since)
	if err != nil {
		d, err := time.ParseDuration(f.since)
		if err != nil || d < 0 {
			return nil, rinca.Errorf(rinca.Usage, "--since %q is neither a time nor how long ago", printable(f.since)).Try("--since 10m")
		}
		at = time.Now().Add(-d)
	}
	q.Set("since", at.UTC().Format(time.RFC3339Nano))
	return q, nil
}

func (a *app) stackLogs(ctx context.Context, f logFlags, name string, services []string) error {
	query, err := f.query(services)
	if err != nil {
		return err
	}
	c, err := a.client(ctx)
	if err != nil {
		return err
	}
	p := &logPrinter{app: a, timestamps: f.timestamps, several: len(services) != 1, color: a.colorful(a.Stdout), safe: isTerminal(a.Stdout)}
	err = c.Lines(ctx, stackPath(name, "logs"), query, p.line)
	if f.follow && rinca.CodeOf(err) == rinca.Canceled {
		return nil // Ctrl-C is how it ends
	}
	return err
}

// A logPrinter prints lines of containers.
type logPrinter struct {
	*app
	timestamps, several, color, safe bool
	wide                             int
	colors                           map[string]style
}

func (p *logPrinter) line(l rinca.Line) error {
	var err error
	if p.json {
		err = encodeJSON(p.Stdout, l)
	} else {
		_, err = io.WriteString(p.Stdout, p.text(l))
	}
	if err != nil {
		return rinca.Errorf(rinca.Destination, "write to standard output: %w", errors.Unwrap(err))
	}
	return nil
}

func (p *logPrinter) text(l rinca.Line) string {
	var b strings.Builder
	if p.several && l.Service != "" {
		name := printable(l.Service)
		p.wide = max(p.wide, utf8.RuneCountInString(name))
		b.WriteString(paint(p.color, p.hue(name), fmt.Sprintf("%-*s | ", p.wide, name)))
	}
	if p.timestamps && !l.At.IsZero() {
		b.WriteString(paint(p.color, dim, l.At.UTC().Format("2006-01-02T15:04:05.000Z")) + " ")
	}
	text := l.Text
	if p.safe {
		text = terminalSafe(text, p.color)
	}
	return b.String() + text + "\n"
}

// hue gives each service a colour of its own, in the order they speak.
func (p *logPrinter) hue(name string) style {
	hues := []style{cyan, green, yellow, "35", "34"}
	if p.colors == nil {
		p.colors = map[string]style{}
	}
	if _, ok := p.colors[name]; !ok {
		p.colors[name] = hues[len(p.colors)%len(hues)]
	}
	return p.colors[name]
}

var sgr = lazyregexp.New("\x1b\\[[0-9;:]*m")

// terminalSafe keeps colours, if there are any, and nothing else that a
// terminal would obey.
func terminalSafe(s string, color bool) string {
	s = strings.ReplaceAll(s, "\t", "    ")
	if !strings.Contains(s, "\x1b") {
		return printable(s)
	}
	var b strings.Builder
	at := 0
	for _, m := range sgr.FindAllStringIndex(s, -1) {
		b.WriteString(printable(s[at:m[0]]))
		if color {
			b.WriteString(s[m[0]:m[1]])
		}
		at = m[1]
	}
	b.WriteString(printable(s[at:]))
	if color {
		b.WriteString("\x1b[0m")
	}
	return b.String()
}
