package run

import (
	"context"

	"rinca/internal/rinca"
)

// SubmitAndWait queues an execution and returns its update when it has ended.
// When ctx ends first, the execution is canceled.
func (r *Runner) SubmitAndWait(ctx context.Context, q rinca.Submission) (rinca.Update, error) {
	u, err := r.Submit(ctx, q)
	if err != nil {
		return u, err
	}
	c := make(chan rinca.Update, 1)
	r.mu.Lock()
	r.waiting[u.ID] = c
	r.mu.Unlock()
	// It may have ended before anybody waited.
	if now, err := r.DB.Update(ctx, u.ID); err == nil && now.State.Final() {
		r.mu.Lock()
		delete(r.waiting, u.ID)
		r.mu.Unlock()
		return now, nil
	}
	select {
	case u = <-c:
		return u, nil
	case <-ctx.Done():
		_ = r.Cancel(context.WithoutCancel(ctx), u.ID) // it may just have ended
		return <-c, nil
	}
}
