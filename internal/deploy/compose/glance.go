package compose

import (
	"context"
	"sync"
	"time"

	"github.com/docker/compose/v5/pkg/api"
	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/api/types/network"
	"github.com/moby/moby/api/types/volume"
	"github.com/moby/moby/client"

	"rinca/internal/rinca"
)

// fresh is how long what the engine has said counts as what is.
const fresh = 2 * time.Second

// A glance keeps for a moment what the engine said about all projects, so that
// plans of many of them ask once.
type glance struct {
	containers kept[[]container.Summary]
	networks   kept[[]network.Summary]
	volumes    kept[map[string]volume.Volume]
	options    kept[[]client.ImageInspectOption]

	mu     sync.Mutex
	images map[string]*kept[[]string]
}

// Glance returns an engine for the plans of many projects in a row: what it
// has asked for one of them it knows of the others too, for two seconds. It
// needs no Close.
func (e *Engine) Glance() rinca.Engine {
	seen := *e
	seen.glance = &glance{images: map[string]*kept[[]string]{}}
	return &seen
}

// A kept is an answer, and when it was given.
type kept[T any] struct {
	mu     sync.Mutex
	at     time.Time
	answer T
}

// get returns the answer while it is fresh, else that of ask. Who comes
// meanwhile waits for it.
func (k *kept[T]) get(ctx context.Context, ask func(context.Context) (T, error)) (T, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if !k.at.IsZero() && time.Since(k.at) < fresh {
		return k.answer, nil
	}
	at := time.Now()
	answer, err := ask(ctx)
	if err == nil {
		k.at, k.answer = at, answer
	}
	return answer, err
}

// containers lists what a filter chooses. A glance lists all, for the caller
// to choose.
func (e *Engine) containers(ctx context.Context, o client.ContainerListOptions) ([]container.Summary, error) {
	ask := func(ctx context.Context) ([]container.Summary, error) {
		res, err := e.client.ContainerList(ctx, o)
		return res.Items, err
	}
	if e.glance == nil {
		return ask(ctx)
	}
	o = client.ContainerListOptions{All: true}
	return e.glance.containers.get(ctx, ask)
}

// service reports whether a container is one of a service of a project.
func service(c container.Summary, project string) bool {
	// As Compose does: what has no config hash is no container of a service.
	_, hashed := c.Labels[api.ConfigHashLabel]
	return hashed && c.Labels[api.ProjectLabel] == project && c.Labels[api.OneoffLabel] != "True" && c.Labels[api.HookLabel] == ""
}

func (e *Engine) networks(ctx context.Context) ([]network.Summary, error) {
	ask := func(ctx context.Context) ([]network.Summary, error) {
		res, err := e.client.NetworkList(ctx, client.NetworkListOptions{})
		return res.Items, err
	}
	if e.glance == nil {
		return ask(ctx)
	}
	return e.glance.networks.get(ctx, ask)
}

// allVolumes lists every volume, by name.
func (e *Engine) allVolumes(ctx context.Context) (map[string]volume.Volume, error) {
	return e.glance.volumes.get(ctx, func(ctx context.Context) (map[string]volume.Volume, error) {
		res, err := e.client.VolumeList(ctx, client.VolumeListOptions{})
		all := map[string]volume.Volume{}
		for _, v := range res.Items {
			all[v.Name] = v
		}
		return all, err
	})
}

// image returns the ids that the name of an image stands for.
func (e *Engine) image(ctx context.Context, name string, options []client.ImageInspectOption) ([]string, error) {
	ask := func(ctx context.Context) ([]string, error) { return e.inspectImage(ctx, name, options) }
	if e.glance == nil {
		return ask(ctx)
	}
	e.glance.mu.Lock()
	k := e.glance.images[name]
	if k == nil {
		k = &kept[[]string]{}
		e.glance.images[name] = k
	}
	e.glance.mu.Unlock()
	return k.get(ctx, ask)
}
