package run

import (
	"context"
	"time"

	"rinca/internal/deploy"
	"rinca/internal/rinca"
)

// PruneParams say which updates stay; what is not given is as the server has it.
type PruneParams struct {
	MaxAge       rinca.Duration `json:"max_age,omitempty"`        // since they ended
	MaxPerTarget int            `json:"max_per_target,omitempty"` // the newest of each resource
}

func pruneUpdates() Kind {
	return kind(Kind{
		Name: "PruneUpdates", Doc: "Remove old updates and their lines.", Level: rinca.Write, on: rinca.KindSystem,
	}, func(p PruneParams) (rinca.Target, error) {
		if p.MaxAge < 0 || p.MaxPerTarget < 0 {
			return rinca.Target{}, rinca.Errorf(rinca.Invalid, "max_age and max_per_target are not below zero")
		}
		return onSystem("PruneUpdates")
	}, func(ctx context.Context, r *Runner, p PruneParams, rec *deploy.Record) error {
		keep := r.Keep
		if p.MaxAge > 0 {
			keep.MaxAge = time.Duration(p.MaxAge)
		}
		if p.MaxPerTarget > 0 {
			keep.MaxPerTarget = p.MaxPerTarget
		}
		n, err := r.DB.PruneUpdates(ctx, keep)
		rec.Summary(counts(n, "update") + " removed")
		return err
	})
}
