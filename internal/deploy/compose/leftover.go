package compose

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/containerd/errdefs"
	"github.com/docker/compose/v5/pkg/api"
	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/client"

	"rinca/internal/lazyregexp"
	"rinca/internal/rinca"
)

// Compose replaces a container by making another one under a name of its own,
// "ID_name", removing the one with that ID, and renaming. What is interrupted
// in between leaves both behind, or a container with a wrong name, and Compose
// does not find out of that by itself.

var unfinished = lazyregexp.New(`^([0-9a-f]{12})_(.+)$`)

// leftover reports whether a container was to replace another one, what the
// ID of that one starts with, and the name that it should have.
func leftover(c container.Summary) (id, name string, ok bool) {
	m := unfinished.FindStringSubmatch(containerName(c))
	if m == nil || c.Labels[api.ContainerReplaceLabel] == "" {
		return "", "", false
	}
	return m[1], m[2], true
}

// splitLeftovers separates the containers of a service from those that were to
// replace one of them. One whose original is gone is a container of the
// service; it will get its name.
func splitLeftovers(list []container.Summary) (containers, leftovers []container.Summary) {
	for _, c := range list {
		id, _, ok := leftover(c)
		if ok && slices.ContainsFunc(list, func(o container.Summary) bool { return strings.HasPrefix(o.ID, id) }) {
			leftovers = append(leftovers, c)
			continue
		}
		containers = append(containers, c)
	}
	return containers, leftovers
}

// removalLimit is how long the engine may take to end removals of its own.
const removalLimit = 20 * time.Second

// tidy puts in order what an interrupted deploy left behind, and returns the
// project's containers.
func (d *deployment) tidy(ctx context.Context, changes map[string]rinca.Change, out rinca.Output) ([]container.Summary, error) {
	list, err := d.settled(ctx)
	if err != nil {
		return nil, err
	}
	services := map[string][]container.Summary{}
	for _, c := range list {
		services[c.Labels[api.ServiceLabel]] = append(services[c.Labels[api.ServiceLabel]], c)
	}
	tidied := false
	for service, all := range services {
		if _, changing := changes[service]; !changing {
			continue
		}
		containers, leftovers := splitLeftovers(all)
		for _, c := range leftovers {
			tidied = true
			sayf(out, service, "Container %s Removing, left behind by an interrupted deploy", containerName(c))
			// Its volumes may be those of the one that it was to replace.
			_, err := d.engine.client.ContainerRemove(ctx, c.ID, client.ContainerRemoveOptions{Force: true})
			if err != nil && !errdefs.IsNotFound(err) && !strings.Contains(err.Error(), "already in progress") {
				return nil, d.engine.fault(ctx, "remove container "+containerName(c), err)
			}
		}
		for _, c := range containers {
			_, name, ok := leftover(c)
			if !ok {
				continue
			}
			tidied = true
			sayf(out, service, "Container %s Renaming, left behind by an interrupted deploy", containerName(c))
			_, err := d.engine.client.ContainerRename(ctx, c.ID, client.ContainerRenameOptions{NewName: name})
			if err != nil && !errdefs.IsNotFound(err) {
				return nil, d.engine.fault(ctx, "rename container "+containerName(c), err)
			}
		}
	}
	if !tidied {
		return list, nil
	}
	return d.settled(ctx)
}

// settled lists the project's containers once the engine is done with those
// that it is removing.
func (d *deployment) settled(ctx context.Context) ([]container.Summary, error) {
	limit := time.Now().Add(removalLimit)
	for {
		list, err := d.engine.mine(ctx, d.project.Name)
		if err != nil {
			return nil, d.engine.fault(ctx, "look at project "+d.project.Name, err)
		}
		going := slices.ContainsFunc(list, func(c container.Summary) bool {
			return c.State == container.StateRemoving || c.State == container.StateDead
		})
		if !going || time.Now().After(limit) {
			return list, nil
		}
		for _, c := range list {
			if c.State == container.StateDead { // nobody else removes it
				_, _ = d.engine.client.ContainerRemove(ctx, c.ID, client.ContainerRemoveOptions{Force: true})
			}
		}
		select {
		case <-ctx.Done():
			return nil, d.engine.fault(ctx, "look at project "+d.project.Name, ctx.Err())
		case <-time.After(200 * time.Millisecond):
		}
	}
}
