package compose

import (
	"context"
	"time"

	"github.com/moby/moby/client"
)

// finishLimit is how long a request that changes something may go on after
// its work was canceled; for one that stops a container, beside the time that
// the container may take.
const (
	finishLimit = 15 * time.Second
	stopLimit   = 45 * time.Second
)

// A finisher is an engine's API for Compose, in which a request that changes
// something is never abandoned half way: the engine would carry it out all the
// same, a little later, under the hands of who puts back what was touched. A
// container that is still stopping looks like one that runs.
type finisher struct{ client.APIClient }

// finish returns a context that ends some time after ctx does.
func finish(ctx context.Context, limit time.Duration) (context.Context, context.CancelFunc) {
	lasting, cancel := context.WithCancelCause(context.WithoutCancel(ctx))
	done := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		t := time.NewTimer(limit)
		defer t.Stop()
		select {
		case <-t.C:
			cancel(context.Cause(ctx))
		case <-done:
		}
	})
	return lasting, func() {
		stop()
		close(done)
		cancel(nil)
	}
}

func (f finisher) ContainerStop(ctx context.Context, id string, o client.ContainerStopOptions) (client.ContainerStopResult, error) {
	if err := ctx.Err(); err != nil {
		return client.ContainerStopResult{}, err
	}
	limit := stopLimit
	if o.Timeout != nil {
		limit += time.Duration(max(0, *o.Timeout)) * time.Second
	}
	ctx, done := finish(ctx, limit)
	defer done()
	return f.APIClient.ContainerStop(ctx, id, o)
}

func (f finisher) ContainerRestart(ctx context.Context, id string, o client.ContainerRestartOptions) (client.ContainerRestartResult, error) {
	if err := ctx.Err(); err != nil {
		return client.ContainerRestartResult{}, err
	}
	ctx, done := finish(ctx, stopLimit)
	defer done()
	return f.APIClient.ContainerRestart(ctx, id, o)
}

func (f finisher) ContainerCreate(ctx context.Context, o client.ContainerCreateOptions) (client.ContainerCreateResult, error) {
	if err := ctx.Err(); err != nil {
		return client.ContainerCreateResult{}, err
	}
	ctx, done := finish(ctx, finishLimit)
	defer done()
	return f.APIClient.ContainerCreate(ctx, o)
}

func (f finisher) ContainerStart(ctx context.Context, id string, o client.ContainerStartOptions) (client.ContainerStartResult, error) {
	if err := ctx.Err(); err != nil {
		return client.ContainerStartResult{}, err
	}
	ctx, done := finish(ctx, finishLimit)
	defer done()
	return f.APIClient.ContainerStart(ctx, id, o)
}

func (f finisher) ContainerRemove(ctx context.Context, id string, o client.ContainerRemoveOptions) (client.ContainerRemoveResult, error) {
	if err := ctx.Err(); err != nil {
		return client.ContainerRemoveResult{}, err
	}
	ctx, done := finish(ctx, finishLimit)
	defer done()
	return f.APIClient.ContainerRemove(ctx, id, o)
}

func (f finisher) ContainerRename(ctx context.Context, id string, o client.ContainerRenameOptions) (client.ContainerRenameResult, error) {
	if err := ctx.Err(); err != nil {
		return client.ContainerRenameResult{}, err
	}
	ctx, done := finish(ctx, finishLimit)
	defer done()
	return f.APIClient.ContainerRename(ctx, id, o)
}
