package run

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"slices"
	"strings"
	"time"

	"rinca/internal/rinca"
	"rinca/internal/store"
)

// Check says which resource an execution is about, and what its operator must
// be allowed there; None means nothing. Invalid for an unknown kind or bad
// parameters, with the nearest name; NotFound for a resource that does not
// exist.
func (r *Runner) Check(ctx context.Context, e rinca.Execution) (rinca.Target, rinca.Level, error) {
	t, level, err := targetOf(e)
	if err != nil {
		return t, level, err
	}
	if err := r.exists(ctx, t); err != nil {
		return t, level, err
	}
	kind, _ := kindOf(e.Kind)
	if kind.check != nil {
		err = kind.check(ctx, r, e.Params)
	}
	if kind.expand != nil && err == nil {
		t, err = kind.expand(ctx, r, e.Params, t)
	}
	return t, level, err
}

// targetOf says what Check says, and does not look whether it exists.
func targetOf(e rinca.Execution) (rinca.Target, rinca.Level, error) {
	kind, ok := kindOf(e.Kind)
	if !ok {
		return rinca.Target{}, 0, unknownKind(e.Kind)
	}
	t, err := kind.target(e.Params)
	if err != nil {
		return rinca.Target{}, 0, err
	}
	level := kind.Level
	if kind.needs != nil {
		level = max(level, kind.needs(e.Params))
	}
	return t, level, nil
}

// exists returns NotFound when there is no such resource.
func (r *Runner) exists(ctx context.Context, t rinca.Target) (err error) {
	switch {
	case t.Name == "" || t.Name == "*" || t.Kind == rinca.KindStack && isPattern(t.Name): // several
	case t.Kind == rinca.KindStack:
		_, err = r.DB.Stack(ctx, t.Name)
	case t.Kind == rinca.KindProcedure:
		_, err = r.DB.Procedure(ctx, t.Name)
	case t.Kind == rinca.KindSync:
		_, err = r.DB.Sync(ctx, t.Name)
	case t.Kind == rinca.KindAlerter:
		_, err = r.DB.Alerter(ctx, t.Name)
	case t.Kind == rinca.KindRepo:
		_, err = r.DB.Repo(ctx, t.Name)
	}
	return err
}

// Submit queues an execution. When its stack refuses to be busy, and is, the
// error is a Conflict.
func (r *Runner) Submit(ctx context.Context, q rinca.Submission) (rinca.Update, error) {
	r.init()
	if u, ok, err := r.repeated(ctx, q); err != nil || ok {
		return u, err
	}
	target, _, err := r.Check(ctx, q.Execution)
	if err != nil {
		return rinca.Update{}, err
	}
	if err := r.refuseBusy(ctx, target); err != nil {
		return rinca.Update{}, err
	}
	if q.Join {
		if u, ok, err := r.waits(ctx, q.Execution, target); err != nil || ok {
			return u, err
		}
	}
	if err := r.inherit(ctx, &q, target); err != nil {
		return rinca.Update{}, err
	}
	now, before := r.Now().UTC(), r.Hub.Last()
	u, existed, err := r.DB.Enqueue(ctx, rinca.Update{
		ID: newID(now), Execution: q.Execution, Target: target, State: rinca.Queued,
		Operator: q.Operator, Trigger: q.Trigger, Parent: q.Parent, Cause: q.Cause, CreatedAt: now,
	}, q.IdempotencyKey)
	if err != nil {
		return rinca.Update{}, err
	}
	if !existed {
		if e, ok := r.event(u); ok {
			r.Hub.Begin(before, e)
		}
		r.poke()
	}
	return u, nil
}

// repeated returns the update that a submission has made before.
func (r *Runner) repeated(ctx context.Context, q rinca.Submission) (rinca.Update, bool, error) {
	if q.IdempotencyKey == "" {
		return rinca.Update{}, false, nil
	}
	u, ok, err := r.DB.Submitted(ctx, q.Operator, q.IdempotencyKey)
	if err != nil || !ok || u.Execution.Kind != q.Execution.Kind || !sameJSON(u.Execution.Params, q.Execution.Params) {
		return rinca.Update{}, false, err // another execution is refused when it is queued
	}
	return u, true, nil
}

func sameJSON(a, b json.RawMessage) bool {
	var x, y bytes.Buffer
	if json.Compact(&x, a) != nil || json.Compact(&y, b) != nil {
		return bytes.Equal(a, b)
	}
	return bytes.Equal(x.Bytes(), y.Bytes())
}

// inherit takes from the parent what started the whole chain, and refuses a
// procedure that would wait for itself.
func (r *Runner) inherit(ctx context.Context, q *rinca.Submission, t rinca.Target) error {
	if q.Parent == "" {
		return nil
	}
	parent, err := r.DB.Update(ctx, q.Parent)
	if err != nil {
		return err
	}
	if q.Cause == "" {
		q.Cause = parent.Cause
	}
	if t.Kind != rinca.KindProcedure {
		return nil
	}
	path := []string{t.Name}
	for {
		if parent.Target.Kind == rinca.KindProcedure {
			path = append(path, parent.Target.Name)
		}
		if parent.Target == t {
			slices.Reverse(path)
			return rinca.Errorf(rinca.Conflict, "the procedure calls itself: %s", strings.Join(path, " → ")).
				Try("take one of them out of the other's stages")
		}
		if parent.Parent == "" {
			return nil
		}
		if parent, err = r.DB.Update(ctx, parent.Parent); err != nil {
			return err
		}
	}
}

// waits returns an update that is queued for the same execution.
func (r *Runner) waits(ctx context.Context, e rinca.Execution, t rinca.Target) (rinca.Update, bool, error) {
	list, err := r.DB.Updates(ctx, store.UpdateFilter{Kind: t.Kind, Name: t.Name, State: rinca.Queued})
	for i := range list {
		if list[i].Execution.Kind == e.Kind && bytes.Equal(list[i].Execution.Params, e.Params) {
			return list[i], true, nil
		}
	}
	return rinca.Update{}, false, err
}

func (r *Runner) refuseBusy(ctx context.Context, t rinca.Target) error {
	if t.Kind != rinca.KindStack || isPattern(t.Name) {
		return nil
	}
	s, err := r.DB.Stack(ctx, t.Name)
	if err != nil || s.OnBusy != rinca.Refuse {
		return err
	}
	for _, state := range []rinca.UpdateState{rinca.Running, rinca.Queued} {
		list, err := r.DB.Updates(ctx, store.UpdateFilter{Kind: t.Kind, Name: t.Name, State: state, Limit: 1})
		if err != nil {
			return err
		}
		if len(list) > 0 {
			return rinca.Errorf(rinca.Conflict, "stack %s is busy: %s %s by %s", t.Name, list[0].Execution.Kind, state, list[0].Operator).
				Try("rinca update follow %s", list[0].ID)
		}
	}
	return nil
}

// Cancel ends an execution: one that is queued never runs; one that runs stops
// at the next safe point, and puts back what it had touched.
func (r *Runner) Cancel(ctx context.Context, id string) error {
	return r.cancel(ctx, id, nil)
}

// cancel is Cancel with a reason that the update shows.
func (r *Runner) cancel(ctx context.Context, id string, why *rinca.Error) error {
	r.init()
	var shown *rinca.UpdateError
	if why != nil {
		shown = &rinca.UpdateError{Code: why.Code, Message: why.Message, Hint: why.Hint}
	} else {
		why = rinca.Errorf(rinca.Canceled, "canceled")
	}
	u, ok, err := r.DB.CancelQueuedBecause(ctx, id, shown)
	if err != nil {
		return err
	}
	if ok {
		r.publish(u)
		r.mu.Lock()
		delete(r.names, id)
		r.tellWaiting(u)
		r.mu.Unlock()
		kind, _ := kindOf(u.Execution.Kind)
		r.closed(ctx, kind, u)
		return r.cancelChildren(ctx, u)
	}
	r.mu.Lock()
	a := r.active[id]
	r.mu.Unlock()
	if a != nil {
		a.cancel(why)
		return nil
	}
	if u, err = r.DB.Update(ctx, id); err != nil {
		return err
	}
	return rinca.Errorf(rinca.Conflict, "the update %s has ended already: %s", id, u.State)
}

// cancelChildren ends what an update had started before the end of a server,
// when it does not go on itself.
func (r *Runner) cancelChildren(ctx context.Context, u rinca.Update) error {
	if kind, _ := kindOf(u.Execution.Kind); !kind.resumes || u.StartedAt.IsZero() {
		return nil
	}
	children, err := r.DB.Updates(ctx, store.UpdateFilter{Parent: u.ID, Limit: 1000})
	for i := range children {
		if !children[i].State.Final() {
			_ = r.cancel(ctx, children[i].ID, nil) // it may just have ended
		}
	}
	return err
}

// Stats are numbers for a monitor.
type Stats struct {
	Queued, Running int
}

// Stats counts what is queued and what runs.
func (r *Runner) Stats(ctx context.Context) (Stats, error) {
	r.init()
	queued, err := r.DB.Updates(ctx, store.UpdateFilter{State: rinca.Queued, Limit: 1000})
	r.mu.Lock()
	defer r.mu.Unlock()
	return Stats{Queued: len(queued), Running: len(r.active)}, err
}

func (r *Runner) publish(u rinca.Update) {
	if e, ok := r.event(u); ok {
		r.Hub.Publish(e)
	}
}

func (r *Runner) event(u rinca.Update) (rinca.Event, bool) {
	u.Plan = nil
	data, err := json.Marshal(u)
	if err != nil {
		r.Log.Error("encode an update", "update", u.ID, "error", err)
		return rinca.Event{}, false
	}
	return rinca.Event{Type: "update", Update: u.ID, Target: u.Target, Data: data}, true
}

// newID returns an id that sorts by time: 10 digits of it, and 16 at random.
func newID(now time.Time) string {
	const digits = "0123456789abcdefghjkmnpqrstvwxyz"
	var b [26]byte
	ms := now.UnixMilli()
	for i := 9; i >= 0; i-- {
		b[i] = digits[ms&31]
		ms >>= 5
	}
	var random [16]byte
	rand.Read(random[:])
	for i, r := range random {
		b[10+i] = digits[r&31]
	}
	return string(b[:])
}
