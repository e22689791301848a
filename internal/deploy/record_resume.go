package deploy

import (
	"context"

	"rinca/internal/rinca"
)

// Suspend saves the update as one that goes on when the server has started
// again. The stage that the end of the server cut off begins anew then.
func (r *Record) Suspend(ctx context.Context) rinca.Update {
	r.mu.Lock()
	if n := len(r.u.Stages); n > 0 && (!r.u.Stages[n-1].State.Final() || r.u.Stages[n-1].State == rinca.CanceledRun) {
		r.u.Stages = r.u.Stages[:n-1]
	}
	r.mu.Unlock()
	r.Save(ctx)
	return r.Update()
}

// Restart forgets the stages before the end of a server, of an update that
// goes through all of them again.
func (r *Record) Restart() {
	r.mu.Lock()
	r.u.Stages = nil
	r.mu.Unlock()
}

// Resume returns the stages that had ended before the end of a server, and
// forgets the one that it cut off.
func (r *Record) Resume() []rinca.Stage {
	r.mu.Lock()
	for n := len(r.u.Stages); n > 0 && !r.u.Stages[n-1].State.Final(); n-- {
		r.u.Stages = r.u.Stages[:n-1]
	}
	r.mu.Unlock()
	return r.Update().Stages
}
