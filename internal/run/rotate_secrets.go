package run

import (
	"context"
	"strings"

	"rinca/internal/deploy"
	"rinca/internal/rinca"
	"rinca/internal/rotation"
)

func rotateSecrets() Kind {
	k := kind(Kind{
		Name:  "RotateSecrets",
		Doc:   "Carry changed secrets to the stacks that use them, in order and verified; when one fails, all of them go back.",
		Level: rinca.Execute,
	}, func(p rotation.Params) (rinca.Target, error) {
		if err := p.Check(); err != nil {
			return rinca.Target{}, err
		}
		switch len(p.Stacks) {
		case 0:
			return rinca.Target{Kind: rinca.KindStack, Name: "*"}, nil
		case 1:
			return onStack(p.Stacks[0])
		}
		return rinca.Target{Kind: rinca.KindStack, Name: strings.Join(p.Stacks, ",")}, nil
	}, func(ctx context.Context, r *Runner, p rotation.Params, rec *deploy.Record) error {
		if r.Rotator == nil {
			return rinca.Errorf(rinca.Unavailable, "this server rotates nothing")
		}
		return r.Rotator.Rotate(ctx, p, rec)
	})
	k.orchestrates, k.resumes, k.shares = true, true, true
	return k
}

// RunOnce is the Run of a rotator.
func (r *Runner) RunOnce(ctx context.Context, parent rinca.Update, place string, e rinca.Execution) (rinca.Update, error) {
	return r.runOnce(ctx, parent, place, e)
}
