package run

import (
	"context"
	"encoding/json"
	"strings"

	"rinca/internal/deploy"
	"rinca/internal/rinca"
)

// RunServiceParams say what is run once.
type RunServiceParams struct {
	Stack      string   `json:"stack"`
	Service    string   `json:"service"`
	Command    []string `json:"command,omitempty"`    // in place of the service's own
	Entrypoint []string `json:"entrypoint,omitempty"` // in place of the image's
	// Env is set over the environment of the service. It is shown with the
	// update: secrets come from the stack.
	Env     map[string]string `json:"env,omitempty"`
	User    string            `json:"user,omitempty"`
	Workdir string            `json:"workdir,omitempty"`
	NoDeps  bool              `json:"no_deps,omitempty"` // start nothing that it depends on
}

func runStackService() Kind {
	k := kind(Kind{
		Name:  "RunStackService",
		Doc:   "Run a service of a stack once, in a container of its own, and show what it prints; an exit status other than 0 is a failure.",
		Level: rinca.Execute,
	}, func(p RunServiceParams) (rinca.Target, error) {
		if p.Service == "" || strings.ContainsAny(p.Service, "/ \n") {
			return rinca.Target{}, rinca.Errorf(rinca.Invalid, "RunStackService needs a service of the stack")
		}
		for name := range p.Env {
			if name == "" || strings.ContainsAny(name, "=\x00\n") {
				return rinca.Target{}, rinca.Errorf(rinca.Invalid, "env: %.60q is no name of a variable", name)
			}
		}
		return onStack(p.Stack)
	}, func(ctx context.Context, r *Runner, p RunServiceParams, rec *deploy.Record) error {
		return r.Deploy.RunService(ctx, p.Stack, rinca.ServiceRun{
			Service: p.Service, Command: p.Command, Entrypoint: p.Entrypoint, Environment: p.Env, User: p.User, WorkingDir: p.Workdir, NoDeps: p.NoDeps,
		}, rec)
	})
	// Another command is another program, with the secrets of the stack.
	k.needs = func(raw json.RawMessage) rinca.Level {
		p, err := decode[RunServiceParams](k.Name, raw)
		if err == nil && len(p.Command) == 0 && p.Entrypoint == nil && len(p.Env) == 0 && p.User == "" && p.Workdir == "" {
			return rinca.Execute
		}
		return rinca.Write
	}
	k.ordered = true
	return k
}
