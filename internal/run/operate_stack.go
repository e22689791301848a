package run

import (
	"context"
	"time"

	"rinca/internal/deploy"
	"rinca/internal/rinca"
)

// OperateParams are those of starting, stopping and restarting.
type OperateParams struct {
	Stack    string   `json:"stack"`
	Services []string `json:"services,omitempty"` // none means all
	// Timeout is how long a container may take to stop before it is killed.
	Timeout rinca.Duration `json:"timeout,omitempty"`
}

func operate(name, doc, op string) Kind {
	return kind(Kind{Name: name, Doc: doc, Level: rinca.Execute}, func(p OperateParams) (rinca.Target, error) {
		return onStack(p.Stack)
	}, func(ctx context.Context, r *Runner, p OperateParams, rec *deploy.Record) error {
		return r.Deploy.Operate(ctx, p.Stack, rinca.Operation{Kind: op, Services: p.Services, Timeout: time.Duration(p.Timeout)}, rec)
	})
}

func startStack() Kind {
	return operate("StartStack", "Start the containers of a stack as they are.", "start")
}

func stopStack() Kind {
	return operate("StopStack", "Stop the containers of a stack and keep them.", "stop")
}

func restartStack() Kind {
	return operate("RestartStack", "Restart the containers of a stack as they are.", "restart")
}

// DestroyParams are those of destroying.
type DestroyParams struct {
	Stack    string         `json:"stack"`
	Services []string       `json:"services,omitempty"` // none means all
	Volumes  bool           `json:"volumes,omitempty"`  // remove the volumes too: their data is lost
	Timeout  rinca.Duration `json:"timeout,omitempty"`
}

func destroyStack() Kind {
	return kind(Kind{
		Name: "DestroyStack", Doc: "Remove the containers and networks of a stack; its volumes only when asked.", Level: rinca.Execute,
	}, func(p DestroyParams) (rinca.Target, error) {
		return onStack(p.Stack)
	}, func(ctx context.Context, r *Runner, p DestroyParams, rec *deploy.Record) error {
		return r.Deploy.Operate(ctx, p.Stack, rinca.Operation{Kind: "destroy", Services: p.Services, Volumes: p.Volumes, Timeout: time.Duration(p.Timeout)}, rec)
	})
}

// PullParams are those of pulling.
type PullParams struct {
	Stack    string   `json:"stack"`
	Services []string `json:"services,omitempty"` // none means all
}

func pullStack() Kind {
	return kind(Kind{
		Name: "PullStack", Doc: "Fetch the newest images of a stack without deploying them.", Level: rinca.Execute,
	}, func(p PullParams) (rinca.Target, error) {
		return onStack(p.Stack)
	}, func(ctx context.Context, r *Runner, p PullParams, rec *deploy.Record) error {
		return r.Deploy.Pull(ctx, p.Stack, p.Services, rec)
	})
}
