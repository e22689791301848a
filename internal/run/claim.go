package run

import (
	"context"
	"slices"

	"rinca/internal/deploy"
	"rinca/internal/rinca"
	"rinca/internal/store"
)

// order is which stacks come after which, as of a revision of the database.
type order struct {
	known    bool
	revision int64
	stacks   deploy.Order
}

// claim takes the oldest execution that can run now. r.mu is held.
func (r *Runner) claim(ctx context.Context) (rinca.Update, bool, error) {
	if err := r.learnOrder(ctx); err != nil {
		return rinca.Update{}, false, err
	}
	queued := map[string]bool{} // stacks that a deploy waits for already
	return r.DB.ClaimNext(ctx, func(w store.Waiting) bool {
		kind, known := r.kinds[r.kindName(w)]
		wait := r.slots >= r.Workers && known && !kind.orchestrates ||
			!kind.shares && r.busy[w.Target] != "" ||
			kind.ordered && r.tooEarly(w.Target.Name, queued)
		if wait && kind.ordered {
			queued[w.Target.Name] = true
		}
		return wait
	})
}

// kindName returns the kind of an update that is queued. Its row is sealed, so
// it is opened once. r.mu is held.
func (r *Runner) kindName(w store.Waiting) string {
	if name, ok := r.names[w.ID]; ok {
		return name
	}
	u, err := w.Open()
	if err != nil {
		return "" // what reads it next tells of the damage
	}
	r.names[w.ID] = u.Execution.Kind
	return u.Execution.Kind
}

func (r *Runner) learnOrder(ctx context.Context) error {
	rev := r.DB.Revision()
	if r.order.known && r.order.revision == rev {
		return nil
	}
	stacks, err := r.DB.Stacks(ctx)
	if err != nil {
		return err
	}
	r.order = order{true, rev, deploy.OrderOf(stacks)}
	return nil
}

// tooEarly reports whether something is done, or will be before, to a stack
// that this one comes after, directly or not. r.mu is held.
func (r *Runner) tooEarly(stack string, queued map[string]bool) bool {
	return slices.ContainsFunc(r.order.stacks.Dependencies(stack), func(name string) bool {
		return queued[name] || r.busy[rinca.Target{Kind: rinca.KindStack, Name: name}] != ""
	})
}
