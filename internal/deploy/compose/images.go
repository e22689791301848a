package compose

import (
	"context"
	"maps"
	"slices"

	"github.com/containerd/errdefs"
	"github.com/docker/compose/v5/pkg/api"
	"github.com/moby/moby/client"

	"rinca/internal/rinca"
)

// Images returns the id of the image of each service that has a container.
func (d *deployment) Images(ctx context.Context) (map[string]string, error) {
	list, err := d.engine.mine(ctx, d.project.Name)
	if err != nil {
		return nil, d.engine.fault(ctx, "look at project "+d.project.Name, err)
	}
	images := map[string]string{}
	for _, c := range list {
		if service := c.Labels[api.ServiceLabel]; images[service] == "" {
			images[service] = c.ImageID
		}
	}
	return images, nil
}

// RestoreImages gives images their names back.
func (d *deployment) RestoreImages(ctx context.Context, images map[string]string) error {
	for _, service := range slices.Sorted(maps.Keys(images)) {
		s, ok := d.project.Services[service]
		if !ok {
			continue
		}
		id, name := images[service], api.GetImageNameOrDefault(s, d.project.Name)
		if isID(name) {
			continue // it always means the same
		}
		res, err := d.engine.client.ImageInspect(ctx, name)
		if err == nil && res.ID == id {
			continue
		}
		_, err = d.engine.client.ImageTag(ctx, client.ImageTagOptions{Source: id, Target: name})
		if errdefs.IsNotFound(err) {
			return rinca.Errorf(rinca.NotFound, "the image that service %s ran before is gone: %s", service, name).Because(err).
				Try("pull it again, or name an older tag")
		}
		if err != nil {
			return d.engine.fault(ctx, "restore image "+name, err)
		}
	}
	return nil
}
