package run

import (
	"context"

	"rinca/internal/deploy"
	"rinca/internal/rinca"
)

// ExportParams are those of an export.
type ExportParams struct {
	Stack  string   `json:"stack,omitempty"`
	Stacks []string `json:"stacks,omitempty"` // none, and no Stack, means every one that an item is tagged with
	Vault  string   `json:"vault,omitempty"`
}

func exportSecrets() Kind {
	return kind(Kind{
		Name: "ExportSecrets", Doc: "Write the secrets of stacks from the vault to their files, and deploy nothing.", Level: rinca.Execute,
	}, func(p ExportParams) (rinca.Target, error) {
		switch {
		case p.Stack != "" && len(p.Stacks) > 0:
			return rinca.Target{}, rinca.Errorf(rinca.Invalid, "ExportSecrets takes stack or stacks, not both")
		case p.Stack != "":
			// An export may be about a stack that is deployed elsewhere.
			return onStack(p.Stack)
		}
		for _, s := range p.Stacks {
			if _, err := onStack(s); err != nil {
				return rinca.Target{}, err
			}
		}
		return rinca.Target{Kind: rinca.KindStack, Name: "*"}, nil
	}, func(ctx context.Context, r *Runner, p ExportParams, rec *deploy.Record) error {
		stacks := p.Stacks
		if p.Stack != "" {
			stacks = []string{p.Stack}
		}
		return r.Deploy.Export(ctx, p.Vault, stacks, rec)
	})
}
