package run

import (
	"context"

	"rinca/internal/deploy"
	"rinca/internal/rinca"
)

func deployStack() Kind {
	k := kind(Kind{
		Name:  "DeployStack",
		Doc:   "Bring a stack to what its source, variables and secrets say; recreate only what differs, verify, and roll back if it fails.",
		Level: rinca.Execute,
	}, func(p deploy.Options) (rinca.Target, error) {
		return onStack(p.Stack)
	}, func(ctx context.Context, r *Runner, p deploy.Options, rec *deploy.Record) error {
		return r.Deploy.Deploy(ctx, p, rec)
	})
	k.ordered = true
	return k
}
