package alert

import (
	"context"
	"encoding/json"
	"strings"

	"rinca/internal/rinca"
	"rinca/internal/store"
)

// update raises, or resolves, what the end of an execution means.
func (f *follower) update(ctx context.Context, u *rinca.Update) error {
	typ := typeOf(u.Execution.Kind)
	switch u.State {
	case rinca.Succeeded:
		return f.succeeded(ctx, u, typ)
	case rinca.Failed:
		if typ == "" {
			return nil
		}
		return f.failed(ctx, u, typ)
	}
	return nil // who cancels knows; what was interrupted is repeated
}

// typeOf is the type of alert that a failed execution is; "" for none.
func typeOf(kind string) string {
	switch {
	case strings.HasPrefix(kind, "DeployStack"):
		return rinca.AlertDeployFailed
	case kind == "ExportSecrets":
		return rinca.AlertExportFailed
	case kind == "RunSync":
		return rinca.AlertSyncFailed
	case kind == "RunProcedure":
		return rinca.AlertProcedureFailed
	}
	return ""
}

func (f *follower) failed(ctx context.Context, u *rinca.Update, typ string) error {
	quiet, err := f.quiet(ctx, u)
	if err != nil || quiet {
		return err
	}
	x := rinca.Alert{
		Type: typ, Level: rinca.AlertCritical, Target: u.Target, Update: u.ID, Hint: "rinca update show " + u.ID,
		Message: u.Execution.Kind + " failed", At: u.EndedAt,
	}
	if u.Error != nil {
		x.Message = u.Error.Message
		if u.Error.Hint != "" {
			x.Hint = u.Error.Hint
		}
	}
	if u.RolledBack != "" {
		x.Details = "Rolled back: " + u.RolledBack
	}
	if u.Cause != "" {
		x.Details = strings.TrimPrefix(x.Details+"\nStarted by: "+u.Cause, "\n")
	}
	if x.Lines, err = f.lines(ctx, u); err != nil {
		return err
	}
	return f.Raise(ctx, x)
}

// succeeded resolves what went wrong before, and tells of scheduled runs that
// somebody wants to be told of.
func (f *follower) succeeded(ctx context.Context, u *rinca.Update, typ string) error {
	if u.Execution.Kind == "DestroyStack" {
		typ = rinca.AlertDeployFailed // what is gone on purpose is not broken
	}
	if typ != "" {
		x := rinca.Alert{Type: typ, Target: u.Target}
		if err := f.Resolve(ctx, x.DedupeKey()); err != nil {
			return err
		}
	}
	if u.Execution.Kind == "ExportSecrets" && everything(u.Execution.Params) {
		if err := f.resolveAll(ctx, rinca.AlertExportFailed); err != nil {
			return err
		}
	}
	if u.Execution.Kind != "RunProcedure" || u.Trigger != "schedule" || u.Parent != "" {
		return nil
	}
	p, err := f.DB.Procedure(ctx, u.Target.Name)
	if err != nil || !p.ScheduleAlert {
		return ignoreGone(err)
	}
	message := "The procedure " + p.Name + " ran by its schedule"
	if u.Summary != "" {
		message += ": " + u.Summary
	}
	return f.Raise(ctx, rinca.Alert{
		Type: rinca.AlertScheduleRun, Level: rinca.AlertOK, Target: u.Target, Update: u.ID, Once: true, Message: message, At: u.EndedAt,
	})
}

// everything reports whether an export was one of every stack.
func everything(params json.RawMessage) bool {
	var p struct {
		Stack  string
		Stacks []string
		Vault  string
	}
	return len(params) == 0 || json.Unmarshal(params, &p) == nil && p.Stack == "" && len(p.Stacks) == 0 && p.Vault == ""
}

// resolveAll resolves every alert of a type.
func (f *follower) resolveAll(ctx context.Context, typ string) error {
	open, err := f.List(ctx, Filter{Open: true, Type: typ})
	for i := range open {
		if err == nil {
			err = f.Resolve(ctx, open[i].DedupeKey())
		}
	}
	return err
}

func ignoreGone(err error) error {
	if rinca.CodeOf(err) == rinca.NotFound {
		return nil
	}
	return err
}

// quiet reports whether somebody else tells of a failure: the rotation that it
// is part of; or whether nobody wants to hear of it.
func (f *follower) quiet(ctx context.Context, u *rinca.Update) (bool, error) {
	if u.Execution.Kind == "RunProcedure" {
		p, err := f.DB.Procedure(ctx, u.Target.Name)
		if err == nil && p.QuietFailure {
			return true, nil
		}
		if err := ignoreGone(err); err != nil {
			return false, err
		}
	}
	parent := u.Parent
	for range 20 { // deeper than anything nests
		if parent == "" {
			return false, nil
		}
		up, err := f.DB.Update(ctx, parent)
		if err != nil {
			return false, ignoreGone(err)
		}
		if up.Execution.Kind == "RotateSecrets" {
			return true, nil
		}
		parent = up.Parent
	}
	return false, nil
}

const shownLines = 20

// lines returns the last lines of what failed: of the service, if it was one,
// else of the stage.
func (f *follower) lines(ctx context.Context, u *rinca.Update) ([]string, error) {
	stage := ""
	for _, s := range u.Stages {
		if s.State == rinca.Failed {
			stage = s.Name
			break
		}
	}
	var service, any ring
	after := f.Hub.Before(u.ID)
	for {
		events, err := f.Hub.Since(ctx, after, store.EventFilter{Update: u.ID, Types: []string{"line"}}, eventsAtOnce)
		if err != nil {
			return nil, err
		}
		for _, e := range events {
			after = e.Seq
			var l rinca.Line
			if json.Unmarshal(e.Data, &l) != nil || l.Transient || l.Stream == "pull" || stage != "" && l.Stage != stage {
				continue
			}
			text := l.Text
			if l.Service != "" {
				text = l.Service + " | " + text
			}
			any.add(text)
			if l.Service != "" && (l.Stream == "out" || l.Stream == "err") {
				service.add(text)
			}
		}
		if len(events) < eventsAtOnce {
			break
		}
	}
	if len(service) > 0 {
		return service, nil
	}
	return any, nil
}

// A ring keeps the last lines.
type ring []string

func (r *ring) add(text string) {
	if *r = append(*r, text); len(*r) > shownLines {
		*r = (*r)[1:]
	}
}
