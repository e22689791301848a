package run

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"time"

	"rinca/internal/rinca"
	"rinca/internal/store"
)

// Check says which resource an execution is about, and what its operator must
// be allowed there. Invalid for an unknown kind or bad parameters, with the
// nearest name; NotFound for a stack that does not exist.
func (r *Runner) Check(ctx context.Context, e rinca.Execution) (rinca.Target, rinca.Level, error) {
	kind, ok := kindOf(e.Kind)
	if !ok {
		return rinca.Target{}, 0, unknownKind(e.Kind)
	}
	t, err := kind.target(e.Params)
	if err != nil {
		return rinca.Target{}, 0, err
	}
	if t.Kind == rinca.KindStack && !isPattern(t.Name) {
		if _, err := r.DB.Stack(ctx, t.Name); err != nil {
			return t, kind.Level, err
		}
	}
	return t, kind.Level, nil
}

// Submit queues an execution. When its stack refuses to be busy, and is, the
// error is a Conflict.
func (r *Runner) Submit(ctx context.Context, q rinca.Submission) (rinca.Update, error) {
	r.init()
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
	if q.Parent != "" && q.Cause == "" {
		if parent, err := r.DB.Update(ctx, q.Parent); err == nil {
			q.Cause = parent.Cause
		}
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
	r.init()
	u, ok, err := r.DB.CancelQueued(ctx, id)
	if err != nil {
		return err
	}
	if ok {
		r.publish(u)
		r.mu.Lock()
		if c := r.waiting[id]; c != nil {
			c <- u
			delete(r.waiting, id)
		}
		r.mu.Unlock()
		return nil
	}
	r.mu.Lock()
	a := r.active[id]
	r.mu.Unlock()
	if a != nil {
		a.cancel(rinca.Errorf(rinca.Canceled, "canceled"))
		return nil
	}
	if u, err = r.DB.Update(ctx, id); err != nil {
		return err
	}
	return rinca.Errorf(rinca.Conflict, "the update %s has ended already: %s", id, u.State)
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
