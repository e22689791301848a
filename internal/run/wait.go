package run

import (
	"context"
	"errors"
	"fmt"

	"rinca/internal/deploy"
	"rinca/internal/rinca"
)

// SubmitAndWait queues an execution and returns its update when it has ended.
// When ctx ends first, the execution is canceled; it is not when ctx ends
// because the server stops: then it goes on at the next start, or is found as
// it ended.
func (r *Runner) SubmitAndWait(ctx context.Context, q rinca.Submission) (rinca.Update, error) {
	u, err := r.Submit(ctx, q)
	if err != nil {
		return u, err
	}
	return r.wait(ctx, u)
}

// wait returns an update when it has ended, as SubmitAndWait does.
func (r *Runner) wait(ctx context.Context, u rinca.Update) (rinca.Update, error) {
	c := make(chan rinca.Update, 1)
	r.mu.Lock()
	r.waiting[u.ID] = append(r.waiting[u.ID], c)
	r.mu.Unlock()
	// It may have ended before anybody waited.
	if now, err := r.DB.Update(ctx, u.ID); err == nil && now.State.Final() {
		return now, nil
	}
	select {
	case u = <-c:
		return u, nil
	case <-ctx.Done():
	}
	if errors.Is(context.Cause(ctx), deploy.ErrStopping) {
		return u, deploy.ErrStopping
	}
	why, _ := errors.AsType[*rinca.Error](context.Cause(ctx))
	_ = r.cancel(context.WithoutCancel(ctx), u.ID, why) // it may just have ended
	return <-c, nil
}

// runOnce runs an execution for another one, once, also when the server ends
// meanwhile: one that had ended is found again by its place, and one that the
// end of the server interrupted is run again.
func (r *Runner) runOnce(ctx context.Context, parent rinca.Update, place string, e rinca.Execution) (rinca.Update, error) {
	return r.runAt(ctx, parent, place, e, func() {})
}

// runAt is runOnce; begun is called when the execution waits for its turn.
func (r *Runner) runAt(ctx context.Context, parent rinca.Update, place string, e rinca.Execution, begun func()) (rinca.Update, error) {
	for again := 0; ; again++ {
		u, err := r.Submit(ctx, rinca.Submission{
			Execution: e, Operator: parent.Operator, Trigger: parent.Trigger, Parent: parent.ID,
			// No key of a person begins so.
			IdempotencyKey: fmt.Sprintf("\x00%s %s %d", parent.ID, place, again),
		})
		if err != nil {
			return u, err
		}
		begun()
		if u, err = r.wait(ctx, u); err != nil || u.State != rinca.Interrupted || ctx.Err() != nil {
			return u, err
		}
	}
}
