package compose

import (
	"cmp"
	"context"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/compose-spec/compose-go/v2/types"
	"github.com/containerd/errdefs"
	"github.com/docker/compose/v5/pkg/api"
	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/api/types/image"
	"github.com/moby/moby/api/types/network"
	"github.com/moby/moby/api/types/volume"
	"github.com/moby/moby/client"
	"golang.org/x/sync/errgroup"
)

// Observed is what there is of a project on its engine.
type observed struct {
	containers map[string][]container.Summary // by service, in the order of their numbers
	orphans    []container.Summary
	networks   map[string]network.Summary // by key of the project
	volumes    map[string]volume.Volume   // by key of the project
	at         time.Time
	images     map[string][]string // ids that an image name stands for; none when it is not there
}

// observe asks the engine, in a few requests at once.
func (d *deployment) observe(ctx context.Context) (*observed, error) {
	ctx, cancel := context.WithTimeout(ctx, 2*quick)
	defer cancel()
	o := &observed{at: time.Now()}
	group, inner := errgroup.WithContext(ctx)
	group.SetLimit(8)
	group.Go(func() error { return d.observeContainers(inner, o) })
	group.Go(func() error { return d.observeNetworks(inner, o) })
	group.Go(func() error { return d.observeVolumes(inner, o) })
	images, err := d.engine.imageIDs(inner, group, d.imageNames())
	// The first of the group to fail ends the others, and says why.
	if failed := group.Wait(); failed != nil {
		err = failed
	}
	if err != nil {
		return nil, d.engine.fault(ctx, "look at project "+d.project.Name, err)
	}
	o.images = images()
	return o, nil
}

func projectFilter(project string) client.Filters {
	return make(client.Filters).Add("label", api.ProjectLabel+"="+project).Add("label", api.ConfigHashLabel)
}

// mine lists the containers of services of a project.
func (e *Engine) mine(ctx context.Context, project string) ([]container.Summary, error) {
	all, err := e.containers(ctx, client.ContainerListOptions{All: true, Filters: projectFilter(project)})
	if err != nil {
		return nil, err
	}
	var mine []container.Summary
	for _, c := range all {
		if service(c, project) {
			mine = append(mine, c)
		}
	}
	return mine, nil
}

func (d *deployment) observeContainers(ctx context.Context, o *observed) error {
	all, err := d.engine.mine(ctx, d.project.Name)
	if err != nil {
		return err
	}
	o.containers = map[string][]container.Summary{}
	for _, c := range all {
		service := c.Labels[api.ServiceLabel]
		_, known := d.project.Services[service]
		_, disabled := d.project.DisabledServices[service]
		switch {
		case known, disabled:
			o.containers[service] = append(o.containers[service], c)
		default:
			o.orphans = append(o.orphans, c)
		}
	}
	for _, list := range o.containers {
		slices.SortFunc(list, func(a, b container.Summary) int {
			return cmp.Or(cmp.Compare(number(a), number(b)), cmp.Compare(a.ID, b.ID))
		})
	}
	return nil
}

func number(c container.Summary) int {
	n, _ := strconv.Atoi(c.Labels[api.ContainerNumberLabel])
	return n
}

func (d *deployment) observeNetworks(ctx context.Context, o *observed) error {
	o.networks = map[string]network.Summary{}
	if len(d.project.Networks) == 0 {
		return nil
	}
	all, err := d.engine.networks(ctx)
	if err != nil {
		return err
	}
	all = slices.Clone(all)
	slices.SortFunc(all, func(a, b network.Summary) int { return cmp.Compare(a.Name, b.Name) })
	for key, want := range d.project.Networks {
		for _, n := range all {
			ours := n.Labels[api.ProjectLabel] == d.project.Name && n.Labels[api.NetworkLabel] == key && !bool(want.External)
			_, found := o.networks[key]
			// An exact name wins; so does anybody's network of that name.
			if n.Name == want.Name || (ours && !found) || (bool(want.External) && n.ID == want.Name) {
				o.networks[key] = n
			}
			if n.Name == want.Name {
				break
			}
		}
	}
	return nil
}

func (d *deployment) observeVolumes(ctx context.Context, o *observed) error {
	o.volumes = map[string]volume.Volume{}
	if len(d.project.Volumes) == 0 {
		return nil
	}
	if d.engine.glance != nil {
		all, err := d.engine.allVolumes(ctx)
		for key, want := range d.project.Volumes {
			if v, ok := all[want.Name]; ok {
				o.volumes[key] = v
			}
		}
		return err
	}
	for key, want := range d.project.Volumes {
		res, err := d.engine.client.VolumeInspect(ctx, want.Name, client.VolumeInspectOptions{})
		switch {
		case err == nil:
			o.volumes[key] = res.Volume
		case !errdefs.IsNotFound(err):
			return err
		}
	}
	return nil
}

// imageNames lists the images that the project's services use.
func (d *deployment) imageNames() []string {
	var names []string
	for _, s := range d.project.Services {
		names = append(names, api.GetImageNameOrDefault(s, d.project.Name))
		for _, v := range s.Volumes {
			if v.Type == types.VolumeTypeImage {
				names = append(names, v.Source)
			}
		}
		names = append(names, api.GetDependentImages(s, d.project.Name)...)
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// imageIDs asks, as part of a group, which images names stand for. Compose
// records one of several ids of an image in its containers, by the engine's
// age: any of them is the image.
func (e *Engine) imageIDs(ctx context.Context, group *errgroup.Group, names []string) (func() map[string][]string, error) {
	options, err := e.imageOptions(ctx)
	if err != nil {
		return nil, err
	}
	ids := make([][]string, len(names))
	for i, name := range names {
		group.Go(func() error {
			found, err := e.image(ctx, name, options)
			ids[i] = found
			return err
		})
	}
	return func() map[string][]string {
		found := map[string][]string{}
		for i, name := range names {
			if len(ids[i]) > 0 {
				found[name] = ids[i]
			}
		}
		return found
	}, nil
}

// imageOptions are what to ask for about an image, by the engine's age.
func (e *Engine) imageOptions(ctx context.Context) ([]client.ImageInspectOption, error) {
	ask := func(ctx context.Context) (options []client.ImageInspectOption, err error) {
		_, err = e.client.Ping(ctx, client.PingOptions{NegotiateAPIVersion: true})
		if err == nil && atLeast(e.client.ClientVersion(), 1, 48) {
			options = append(options, client.ImageInspectWithManifests(true))
		}
		return options, err
	}
	if e.glance == nil {
		return ask(ctx)
	}
	return e.glance.options.get(ctx, ask)
}

// inspectImage returns the ids of an image; none when it is not there.
func (e *Engine) inspectImage(ctx context.Context, name string, options []client.ImageInspectOption) ([]string, error) {
	res, err := e.client.ImageInspect(ctx, name, options...)
	if errdefs.IsNotFound(err) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	ids := []string{res.ID}
	for _, m := range res.Manifests {
		if m.Kind == image.ManifestKindImage && m.Available {
			ids = append(ids, m.ID)
		}
	}
	return ids, nil
}

// atLeast compares an API version, such as "1.41".
func atLeast(version string, major, minor int) bool {
	a, b, _ := strings.Cut(version, ".")
	x, _ := strconv.Atoi(a)
	y, _ := strconv.Atoi(b)
	return x > major || x == major && y >= minor
}

// containerName is the name of a container without the slash.
func containerName(c container.Summary) string {
	for _, n := range c.Names {
		if strings.LastIndex(n, "/") == 0 {
			return n[1:]
		}
	}
	return c.ID[:min(12, len(c.ID))]
}
