package run

import (
	"context"
	"fmt"

	"rinca/internal/deploy"
	"rinca/internal/rinca"
)

// CheckDriftParams are those of CheckDrift.
type CheckDriftParams struct {
	Stacks []string `json:"stacks,omitempty"` // none means all
	Deep   bool     `json:"deep,omitempty"`   // read what is in containers, in place of their labels
	// Fail makes an execution that finds drift a failed one, so that a
	// procedure stops there.
	Fail bool `json:"fail,omitempty"`
}

func checkDrift() Kind {
	return kind(Kind{
		Name:  "CheckDrift",
		Doc:   "Compare every value in the vault, in exported files and in running containers, and raise or resolve alerts, also about secrets that are older than they may be; it changes nothing.",
		Level: rinca.Read,
	}, func(p CheckDriftParams) (rinca.Target, error) {
		for _, s := range p.Stacks {
			if _, err := onStack(s); err != nil {
				return rinca.Target{}, err
			}
		}
		if len(p.Stacks) == 1 {
			return onStack(p.Stacks[0])
		}
		return rinca.Target{Kind: rinca.KindStack, Name: "*"}, nil
	}, func(ctx context.Context, r *Runner, p CheckDriftParams, rec *deploy.Record) error {
		return r.carryOutDrift(ctx, p, rec)
	})
}

func (r *Runner) carryOutDrift(ctx context.Context, p CheckDriftParams, rec *deploy.Record) error {
	var report rinca.DriftReport
	err := rec.Stage(ctx, "Compare", func(ctx context.Context) (note string, err error) {
		report, err = r.drift(ctx, deploy.DriftOptions{Stacks: p.Stacks, Deep: p.Deep}, rec.Update().ID)
		return deploy.DriftSummary(report), err
	})
	if err != nil {
		return err
	}
	for i := range report.Stacks {
		s := &report.Stacks[i]
		for _, k := range s.Keys {
			if k.State.Drifted() {
				rec.Line(rinca.Line{Service: s.Stack, Text: DriftLine(k)})
			}
		}
	}
	summary := deploy.DriftSummary(report)
	if len(p.Stacks) == 0 {
		if err := rec.Stage(ctx, "Ages", func(ctx context.Context) (string, error) {
			note, err := r.tellOverdue(ctx, rec)
			summary += "; " + note
			return note, err
		}); err != nil {
			return err
		}
	}
	rec.Summary(summary)
	if n := report.Counts[rinca.DriftStale] + report.Counts[rinca.DriftEdited]; n > 0 && p.Fail {
		return rinca.Errorf(rinca.Changes, "%d values are not what the vault says", n).Try("rinca drift --repair")
	}
	return nil
}

// DriftLine is one line about a value.
func DriftLine(k rinca.DriftKey) string {
	name := k.Key
	if name == "" {
		name = k.File
	}
	if k.Service != "" {
		name = k.Service + ": " + name
	}
	text := name + " is " + string(k.State)
	if k.State == rinca.DriftEdited {
		text = name + " was edited by hand"
	}
	if k.Why != "" {
		text += ": " + k.Why
	}
	return text
}

// CheckDrift compares stacks now, remembers what it found, and tells people.
func (r *Runner) CheckDrift(ctx context.Context, o deploy.DriftOptions) (rinca.DriftReport, error) {
	r.init()
	return r.drift(ctx, o, "drift "+newID(r.Now().UTC()))
}

func (r *Runner) drift(ctx context.Context, o deploy.DriftOptions, by string) (rinca.DriftReport, error) {
	o.Borrow = func(stack string) (func(), bool) { return r.borrow(stack, by) }
	report, err := r.Deploy.Drift(ctx, o)
	if err != nil {
		return report, err
	}
	if err := r.Deploy.KeepDrift(ctx, report); err != nil {
		return report, err
	}
	for i := range report.Stacks {
		r.tellDrift(&report.Stacks[i], by)
	}
	return report, nil
}

// borrow keeps a stack for a moment; false when something works on it.
func (r *Runner) borrow(stack, by string) (release func(), ok bool) {
	t := rinca.Target{Kind: rinca.KindStack, Name: stack}
	r.mu.Lock()
	defer r.mu.Unlock()
	switch r.busy[t] {
	case by:
		return func() {}, true // we are what works on it
	case "":
	default:
		return nil, false
	}
	r.busy[t] = by
	return func() {
		r.mu.Lock()
		delete(r.busy, t)
		close(r.freed)
		r.freed = make(chan struct{})
		r.mu.Unlock()
		r.poke()
	}, true
}

// tellDrift raises an alert about a stack, or resolves it. What is unknown
// does neither: it may still be so.
func (r *Runner) tellDrift(s *rinca.StackDrift, update string) {
	a := rinca.Alert{Type: rinca.AlertDrift, Target: rinca.Target{Kind: rinca.KindStack, Name: s.Stack}}
	switch {
	case s.State == rinca.DriftProven, s.State == rinca.DriftHeld:
		a.Resolved = true
	case s.State.Drifted():
		n := 0
		for _, k := range s.Keys {
			if k.State.Drifted() {
				n++
				a.Lines = append(a.Lines, DriftLine(k))
			}
		}
		a.Level, a.Hint = rinca.AlertWarning, "rinca drift "+s.Stack+" --repair"
		a.Message = fmt.Sprintf("%s of stack %s %s not what the vault says", count(n, "value"), s.Stack, isAre(n))
		if len(update) == 26 {
			a.Update = update
		}
	default:
		return
	}
	r.Alerts.Tell(a)
}

func count(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

func isAre(n int) string {
	if n == 1 {
		return "is"
	}
	return "are"
}
