package run

import (
	"context"

	"rinca/internal/deploy"
	"rinca/internal/rinca"
)

// IfChangedParams are those of a deploy of what differs.
type IfChangedParams struct {
	Stack              string   `json:"stack"`
	Services           []string `json:"services,omitempty"`
	SkipSecrets        bool     `json:"skip_secrets,omitempty"`
	IgnoreDependencies bool     `json:"ignore_dependencies,omitempty"`
}

func deployStackIfChanged() Kind {
	k := kind(Kind{
		Name:  "DeployStackIfChanged",
		Doc:   "Deploy a stack if anything of it differs from what runs: its source, a variable, a secret, an image, a container.",
		Level: rinca.Execute,
	}, func(p IfChangedParams) (rinca.Target, error) {
		return onStack(p.Stack)
	}, func(ctx context.Context, r *Runner, p IfChangedParams, rec *deploy.Record) error {
		return r.Deploy.Deploy(ctx, deploy.Options{
			Stack: p.Stack, Services: p.Services, SkipSecrets: p.SkipSecrets, IgnoreDependencies: p.IgnoreDependencies, IfChanged: true,
		}, rec)
	})
	k.ordered = true
	return k
}

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
