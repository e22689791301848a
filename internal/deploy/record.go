package deploy

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"time"

	"rinca/internal/event"
	"rinca/internal/redact"
	"rinca/internal/rinca"
	"rinca/internal/store"
)

// A Record is an update while it is written: its stages and lines go to the
// event stream as they happen, masked, and the update to the database at the
// moments that matter after a crash. The zero DB and Hub record nothing.
type Record struct {
	DB    *store.DB
	Hub   *event.Hub
	Known *redact.Known
	Now   func() time.Time
	Log   *slog.Logger

	saving sync.Mutex // so that the database ends with the newest
	mu     sync.Mutex
	u      rinca.Update
	saved  time.Time
	// OnLine, when set, is told each line, masked, instead of the stream.
	OnLine rinca.Output
}

// Begin begins to write an update, with what r has.
func (r *Record) Begin(u rinca.Update) *Record {
	return &Record{DB: r.DB, Hub: r.Hub, Known: r.Known, Now: r.Now, Log: r.Log, OnLine: r.OnLine, u: u, saved: r.Now()}
}

// Update returns the update as it is now.
func (r *Record) Update() rinca.Update {
	r.mu.Lock()
	defer r.mu.Unlock()
	u := r.u
	u.Stages = append([]rinca.Stage(nil), r.u.Stages...)
	return u
}

// touching are the stages after which something outside may have changed:
// the update is saved before they begin, so that a crash tells how far it was.
func touching(stage string) bool {
	switch stage {
	case "Pre-deploy", "Apply", "Verify", "Rollback", "Post-deploy":
		return true
	}
	return false
}

// Stage runs one stage and records it. The function's text is a note on what
// it found.
func (r *Record) Stage(ctx context.Context, name string, run func(context.Context) (string, error)) error {
	if err := ctx.Err(); err != nil {
		return canceled(ctx)
	}
	r.begin(ctx, name)
	note, err := run(ctx)
	if err != nil && ctx.Err() != nil && rinca.CodeOf(err) != rinca.Canceled {
		err = rinca.Errorf(rinca.Canceled, "%s was stopped", strings.ToLower(name)).Because(err)
	}
	r.end(name, note, err)
	return err
}

// canceled is the error of work that its caller ended: a cancel, or a timeout
// that it set.
func canceled(ctx context.Context) error {
	cause := context.Cause(ctx)
	if e, ok := errors.AsType[*rinca.Error](cause); ok {
		return e
	}
	return rinca.Errorf(rinca.Canceled, "stopped before it was done").Because(cause)
}

func (r *Record) begin(ctx context.Context, name string) {
	r.mu.Lock()
	now := r.Now().UTC()
	r.u.Stages = append(r.u.Stages, rinca.Stage{Name: name, State: rinca.Running, StartedAt: now})
	save := touching(name) || now.Sub(r.saved) > 100*time.Millisecond
	r.mu.Unlock()
	if save {
		r.Save(ctx)
	} else {
		r.saveSoon(ctx)
	}
	r.publish()
}

// saveSoon saves the update when the stage that has just begun takes long, so
// that everybody who asks sees where it is.
func (r *Record) saveSoon(ctx context.Context) {
	if r.DB == nil {
		return
	}
	n := len(r.Update().Stages)
	time.AfterFunc(200*time.Millisecond, func() {
		if now := r.Update(); len(now.Stages) == n && now.Stages[n-1].State == rinca.Running && !now.State.Final() {
			r.Save(ctx)
		}
	})
}

func (r *Record) end(name, note string, err error) {
	r.mu.Lock()
	s := &r.u.Stages[len(r.u.Stages)-1]
	s.EndedAt, s.Note, s.State = r.Now().UTC(), r.mask(note), rinca.Succeeded
	if err != nil {
		s.State = rinca.Failed
		if rinca.CodeOf(err) == rinca.Canceled {
			s.State = rinca.CanceledRun
		}
	}
	r.mu.Unlock()
	r.publish()
}

// Save writes the update to the database. A database that takes nothing does
// not stop a deploy that is under way.
func (r *Record) Save(ctx context.Context) {
	if r.DB == nil {
		return
	}
	r.saving.Lock()
	defer r.saving.Unlock()
	u := r.Update()
	r.mu.Lock()
	r.saved = r.Now()
	r.mu.Unlock()
	if err := r.DB.SaveUpdate(context.WithoutCancel(ctx), u); err != nil {
		r.Log.Error("save an update", "update", u.ID, "error", err)
	}
}

func (r *Record) publish() {
	if r.Hub == nil {
		return
	}
	u := r.Update()
	u.Plan = nil // it is asked for when it is wanted
	data, err := json.Marshal(u)
	if err != nil {
		r.Log.Error("encode an update", "update", u.ID, "error", err)
		return
	}
	r.Hub.Publish(rinca.Event{Type: "update", Update: u.ID, Target: u.Target, Data: data})
}

// Say records a line of ours.
func (r *Record) Say(format string, args ...any) {
	r.Line(rinca.Line{Text: fmt.Sprintf(format, args...)})
}

// Line records a line. It is a rinca.Output.
func (r *Record) Line(l rinca.Line) {
	l.Text = r.mask(l.Text)
	if l.At.IsZero() {
		l.At = r.Now().UTC()
	}
	r.mu.Lock()
	if n := len(r.u.Stages); n > 0 && l.Stage == "" {
		l.Stage = r.u.Stages[n-1].Name
	}
	id, target := r.u.ID, r.u.Target
	r.mu.Unlock()
	if r.OnLine != nil {
		r.OnLine(l)
		return
	}
	if r.Hub == nil {
		return
	}
	data, err := json.Marshal(l)
	if err != nil {
		return // a Line of text and numbers is always encoded
	}
	e := rinca.Event{At: l.At, Type: "line", Update: id, Target: target, Data: data}
	if l.Transient {
		r.Hub.Transient(e)
		return
	}
	r.Hub.Publish(e)
}

func (r *Record) mask(text string) string {
	if r.Known == nil || text == "" {
		return text
	}
	return r.Known.Masker().String(text)
}

// SetPlan notes what is about to be done.
func (r *Record) SetPlan(p rinca.Plan, commit string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	p = MaskPlan(p, r.mask)
	r.u.Plan, r.u.Commit = &p, commit
}

// Summary sets the line that lists show.
func (r *Record) Summary(text string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.u.Summary = r.mask(text)
}

// RolledBack notes what was put back.
func (r *Record) RolledBack(text string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.u.RolledBack = r.mask(text)
}

// Finish closes the update: succeeded, failed or canceled.
func (r *Record) Finish(ctx context.Context, err error) rinca.Update {
	r.mu.Lock()
	r.u.EndedAt, r.u.State = r.Now().UTC(), rinca.Succeeded
	if err != nil {
		r.u.State = rinca.Failed
		if rinca.CodeOf(err) == rinca.Canceled {
			r.u.State = rinca.CanceledRun
		}
		r.u.Error = r.errorOf(err)
	}
	r.mu.Unlock()
	r.Save(ctx)
	r.publish()
	return r.Update()
}

// errorOf is an error for a person. What nobody classified stays in the log,
// since nobody knows what is in it.
func (r *Record) errorOf(err error) *rinca.UpdateError {
	code := rinca.CodeOf(err)
	out := &rinca.UpdateError{Code: code, Message: r.mask(err.Error()), Hint: r.mask(rinca.HintOf(err))}
	if code == rinca.Internal {
		r.Log.Error("an execution failed", "update", r.u.ID, "error", r.mask(err.Error()))
	}
	return out
}

// ErrStopping is the cause of the end of work when the server stops. Such
// work is closed as interrupted, and nothing is rolled back in a hurry: to
// repeat it is safe.
var ErrStopping = rinca.Errorf(rinca.Canceled, "the server is stopping")

// Interrupt closes the update as one that the end of the server cut off.
func (r *Record) Interrupt(ctx context.Context) rinca.Update {
	r.mu.Lock()
	r.u.EndedAt, r.u.State = r.Now().UTC(), rinca.Interrupted
	r.u.Error = &rinca.UpdateError{Code: rinca.Canceled, Message: ErrStopping.Message, Hint: "repeat it; what was done is kept"}
	r.mu.Unlock()
	r.Save(ctx)
	r.publish()
	return r.Update()
}

// Quiet returns a record that nobody sees, for looking before doing.
func (r *Record) Quiet() *Record {
	return &Record{Known: r.Known, Now: r.Now, Log: r.Log, OnLine: func(rinca.Line) {}}
}
