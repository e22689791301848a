package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"rinca/internal/export"
	"rinca/internal/rinca"
)

// watchExport exports until it is asked to stop, which is no failure. It tells
// of the first look, and then of what changes and what fails.
func (a *app) watchExport(ctx context.Context, e *export.Exporter, req export.Request, f exportFlags) error {
	interval := f.interval
	if interval == 0 {
		interval = req.Budget.Interval(time.Minute)
	}
	if !a.quiet {
		fmt.Fprintf(a.Stderr, "Looking every %s", interval)
		if req.Budget.Limited() {
			fmt.Fprintf(a.Stderr, ", with at most %s requests", req.Budget)
		}
		fmt.Fprintln(a.Stderr)
	}
	first := true
	w := export.Watch{
		Interval: interval,
		Sleep:    export.Sleep,
		Tick: func(p *export.Plan, err error, next time.Duration) {
			a.tick(p, err, next, first)
			first = false
		},
	}
	return e.Watch(ctx, req, w)
}

// tick tells of one look.
func (a *app) tick(p *export.Plan, err error, next time.Duration, first bool) {
	happened := first || err != nil || p.Changes() || p.Err() != nil
	if !happened {
		return
	}
	if a.json {
		if p == nil {
			p = &export.Plan{}
		}
		d := exportDocument(p, false, err)
		d.Time, d.NextSeconds = time.Now().UTC().Truncate(time.Second), next.Round(time.Second).Seconds()
		_ = json.NewEncoder(a.Stdout).Encode(d)
		return
	}
	stamp := time.Now().UTC().Format(time.RFC3339)
	if err != nil {
		fmt.Fprintf(a.Stderr, "%s Error: %v\n", stamp, err)
		if hint := rinca.HintOf(err); hint != "" {
			fmt.Fprintf(a.Stderr, "Try: %s\n", hint)
		}
	} else {
		if !a.quiet {
			fmt.Fprintln(a.Stdout, stamp)
		}
		out := &exportPrinter{app: a, changes: !first}
		out.notes(p)
		for i := range p.Stacks {
			if s := &p.Stacks[i]; first || s.Changes() || s.Err != nil {
				out.stack(p, s)
			}
		}
	}
	if !a.quiet {
		fmt.Fprintf(a.Stderr, "Looking again in %s\n", next.Round(time.Second))
	}
}
