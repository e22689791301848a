package compose

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/docker/compose/v5/pkg/api"
	"github.com/moby/moby/api/types/container"

	"rinca/internal/rinca"
)

// Operate starts, stops, restarts or destroys the containers of a project, in
// the order of what they depend on, as their labels tell it.
func (e *Engine) Operate(ctx context.Context, project string, op rinca.Operation, out rinca.Output) error {
	list, err := e.mine(ctx, project)
	if err != nil {
		return e.fault(ctx, op.Kind+" "+project, err)
	}
	if err := known(project, op.Services, list); err != nil {
		return err
	}
	svc, progress, err := e.service(out)
	if err != nil {
		return err
	}
	progress.serviceOf = func(name string) string {
		for _, c := range list {
			if containerName(c) == name {
				return c.Labels[api.ServiceLabel]
			}
		}
		return ""
	}
	var timeout *time.Duration
	if op.Timeout > 0 {
		timeout = &op.Timeout
	}
	if len(list) == 0 && op.Kind != "destroy" {
		return rinca.Errorf(rinca.NotFound, "%s %s: it has no containers", op.Kind, project).Try("deploy it first")
	}
	switch op.Kind {
	case "start":
		err = svc.Start(ctx, project, api.StartOptions{AttachTo: op.Services, Services: op.Services})
	case "stop":
		err = svc.Stop(ctx, project, api.StopOptions{Services: op.Services, Timeout: timeout})
	case "restart":
		err = svc.Restart(ctx, project, api.RestartOptions{Services: op.Services, Timeout: timeout, NoDeps: len(op.Services) > 0})
	case "destroy":
		err = down(ctx, svc, project, api.DownOptions{
			Services: op.Services, Timeout: timeout, Volumes: op.Volumes, RemoveOrphans: len(op.Services) == 0,
		})
	default:
		return rinca.Errorf(rinca.Invalid, "%q is no operation", op.Kind).Try("start, stop, restart or destroy")
	}
	if err == nil {
		err = ctx.Err()
	}
	return e.fault(ctx, op.Kind+" "+project, err)
}

// down removes a project. An engine that is busy may say for a moment that a
// network is in use by containers that it has removed.
func down(ctx context.Context, svc api.Compose, project string, o api.DownOptions) error {
	for try := 1; ; try++ {
		err := svc.Down(ctx, project, o)
		if err == nil || try == 5 || !strings.Contains(err.Error(), "has active endpoints") {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(time.Duration(try) * 300 * time.Millisecond):
		}
	}
}

// known refuses names of services that have no container.
func known(project string, services []string, list []container.Summary) error {
	for _, name := range services {
		if !slices.ContainsFunc(list, func(c container.Summary) bool { return c.Labels[api.ServiceLabel] == name }) {
			return rinca.Errorf(rinca.NotFound, "stack %s has no container of a service %s", project, name).
				Try("rinca stack show %s", project)
		}
	}
	return nil
}
