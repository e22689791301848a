package run

import (
	"context"

	"rinca/internal/deploy"
	"rinca/internal/rinca"
	"rinca/internal/rotation"
)

func restoreStack() Kind {
	k := kind(Kind{
		Name:  "RestoreStack",
		Doc:   "Bring a stack back to what it was before a rotation: its files, values and images, verified.",
		Level: rinca.Execute,
	}, func(p rotation.RestoreParams) (rinca.Target, error) {
		if p.Rotation == "" || len(p.Rotation) > 64 {
			return rinca.Target{}, rinca.Errorf(rinca.Invalid, "RestoreStack takes the id of a rotation").Try("rinca rotate list")
		}
		return onStack(p.Stack)
	}, func(ctx context.Context, r *Runner, p rotation.RestoreParams, rec *deploy.Record) error {
		if r.Rotator == nil {
			return rinca.Errorf(rinca.Unavailable, "this server rotates nothing")
		}
		return r.Rotator.Restore(ctx, p, rec)
	})
	return k
}
