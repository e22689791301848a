package compose

import (
	"archive/tar"
	"context"
	"errors"
	"io"
	"maps"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/compose-spec/compose-go/v2/types"
	"github.com/containerd/errdefs"
	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/client"
	"golang.org/x/sync/errgroup"

	"rinca/internal/rinca"
)

var _ rinca.Inspector = (*deployment)(nil)

// Inspect compares the project with its containers. Values that are read from
// them are digested and forgotten.
func (d *deployment) Inspect(ctx context.Context, deep bool) ([]rinca.InspectedContainer, error) {
	ctx, cancel := context.WithTimeout(ctx, 3*quick)
	defer cancel()
	o := &observed{}
	if err := d.observeContainers(ctx, o); err != nil {
		return nil, d.engine.fault(ctx, "look at project "+d.project.Name, err)
	}
	g := newDigester(d)
	var out []rinca.InspectedContainer
	var ids []string
	for _, name := range d.project.ServiceNames() {
		list, _ := splitLeftovers(o.containers[name])
		for _, c := range list {
			out = append(out, d.labelled(name, c))
			ids = append(ids, c.ID)
		}
	}
	if !deep {
		return out, nil
	}
	group, inner := errgroup.WithContext(ctx)
	group.SetLimit(4)
	for i := range out {
		group.Go(func() error { return d.lookInto(inner, g, ids[i], &out[i]) })
	}
	if err := group.Wait(); err != nil {
		return nil, d.engine.fault(ctx, "look into project "+d.project.Name, err)
	}
	return out, nil
}

// labelled compares what a service is to be made from with a container's label.
func (d *deployment) labelled(service string, c container.Summary) rinca.InspectedContainer {
	want := d.inputs[service]
	out := rinca.InspectedContainer{Service: service, Name: containerName(c), CreatedAt: time.Unix(c.Created, 0).UTC()}
	was, ok := readInputs(c.Labels, want.Key)
	switch {
	case !ours(c):
		out.Unlabelled = "docker compose made it, and not rinca"
	case !ok:
		out.Unlabelled = "its digests were made with another key"
	}
	names := map[string]bool{}
	for name := range want.Parts {
		names[name] = true
	}
	for name := range was.Parts {
		if ok {
			names[name] = true
		}
	}
	for _, name := range slices.Sorted(maps.Keys(names)) {
		if strings.HasPrefix(name, partSetup) {
			continue
		}
		p := d.partOf(service, name)
		if ok {
			p.Label = rinca.Differs
			if was.Parts[name] == want.Parts[name] {
				p.Label = rinca.Same
			}
		}
		if _, there := want.Parts[name]; !there {
			p.Why = "the project has it no more"
		}
		out.Parts = append(out.Parts, p)
	}
	return out
}

// partOf names a part for a person.
func (d *deployment) partOf(service, part string) rinca.InspectedPart {
	prefix, name, _ := strings.Cut(part, ":")
	p := rinca.InspectedPart{Name: name}
	switch prefix + ":" {
	case partEnv:
		p.Via = "environment"
		if file := d.origins[service][name]; file != "" {
			p.Via, p.File = "env_file", file
		}
	case partSecret:
		p.Via, p.File = "secret", d.project.Secrets[name].File
	case partConfig:
		p.Via, p.File = "config", d.project.Configs[name].File
	case partMount:
		p.Via = "mount"
		for _, v := range d.project.Services[service].Volumes {
			if v.Target == name {
				p.File = v.Source
			}
		}
	}
	return p
}

// lookInto compares the parts with what is really in a container. One that
// has gone meanwhile is left as it was.
func (d *deployment) lookInto(ctx context.Context, g *digester, id string, out *rinca.InspectedContainer) error {
	res, err := d.engine.client.ContainerInspect(ctx, id, client.ContainerInspectOptions{})
	if errdefs.IsNotFound(err) {
		return nil
	}
	if err != nil {
		return err
	}
	if res.Container.Config == nil {
		return nil
	}
	in := &insides{d: d, g: g, id: id, full: res.Container, service: d.project.Services[out.Service], env: map[string]*string{}}
	for _, entry := range res.Container.Config.Env {
		key, value, set := strings.Cut(entry, "=")
		in.env[key] = nil
		if set {
			in.env[key] = &value
		}
	}
	for i := range out.Parts {
		if err := in.compare(ctx, &out.Parts[i]); err != nil {
			return err
		}
	}
	return in.added(ctx, out)
}

// Insides are what one container really has.
type insides struct {
	d       *deployment
	g       *digester
	id      string
	full    container.InspectResponse
	service types.ServiceConfig
	env     map[string]*string
}

func (in *insides) compare(ctx context.Context, p *rinca.InspectedPart) error {
	switch p.Via {
	case "environment", "env_file":
		in.compareEnv(p)
		return nil
	case "secret":
		for _, ref := range in.service.Secrets {
			if ref.Source == p.Name {
				return in.compareObject(ctx, p, partSecret+p.Name, targetIn("/run/secrets/", ref.Source, ref.Target), types.FileObjectConfig(in.d.project.Secrets[p.Name]))
			}
		}
	case "config":
		for _, ref := range in.service.Configs {
			if ref.Source == p.Name {
				return in.compareObject(ctx, p, partConfig+p.Name, targetIn("/", ref.Source, ref.Target), types.FileObjectConfig(in.d.project.Configs[p.Name]))
			}
		}
	case "mount":
		in.compareMount(p, p.Name, p.File)
	}
	return nil
}

// targetIn is where Compose puts a secret or a config.
func targetIn(dir, source, to string) string {
	switch {
	case to == "":
		return dir + source
	case path.IsAbs(to):
		return to
	}
	return dir + to
}

func (in *insides) compareEnv(p *rinca.InspectedPart) {
	want, wanted := in.d.inputs[in.service.Name].Parts[partEnv+p.Name]
	value, there := in.env[p.Name]
	var got string
	switch {
	case there && value != nil:
		got = in.g.part(in.service.Name, partEnv+p.Name, "set", *value)
	default:
		got = in.g.part(in.service.Name, partEnv+p.Name, "unset", "")
	}
	p.Real = rinca.Differs
	if wanted && got == want || !wanted && !there {
		p.Real = rinca.Same
	}
}

// compareMount tells whether a container has the mount at all. What is in it
// is the host's, and is compared there.
func (in *insides) compareMount(p *rinca.InspectedPart, to, from string) {
	for _, m := range in.full.Mounts {
		if m.Destination == to {
			p.Real = rinca.Same
			if m.Source != from && p.Via != "mount" {
				p.Real, p.Why = rinca.Differs, "the container mounts something else there"
			}
			return
		}
	}
	p.Real, p.Why = rinca.Differs, "the container does not mount it"
}

// maxInside is the largest file that is read from a container.
const maxInside = 4 << 20

// compareObject reads a secret or config from the container. A file that is
// mounted is the host's own, which the container's label is about; what
// Compose has put into the container is there to be read.
func (in *insides) compareObject(ctx context.Context, p *rinca.InspectedPart, name, at string, o types.FileObjectConfig) error {
	if o.File != "" {
		in.compareMount(p, at, in.d.live(o.File))
		return nil
	}
	text, err := in.read(ctx, at)
	switch {
	case errdefs.IsNotFound(err) && in.d.inline(o) == "": // Compose makes no empty file
		p.Real = rinca.Same
	case errdefs.IsNotFound(err):
		p.Real, p.Why = rinca.Differs, "it is not in the container"
	case err != nil && ctx.Err() != nil:
		return err
	case err != nil:
		p.Why = "it cannot be read from the container"
	default:
		p.Real = rinca.Differs
		if in.g.part(in.service.Name, name, "text", "", string(text)) == in.d.inputs[in.service.Name].Parts[name] {
			p.Real = rinca.Same
		}
	}
	return nil
}

// read returns a file of the container.
func (in *insides) read(ctx context.Context, at string) ([]byte, error) {
	res, err := in.d.engine.client.CopyFromContainer(ctx, in.id, client.CopyFromContainerOptions{SourcePath: at})
	if err != nil {
		return nil, err
	}
	defer res.Content.Close()
	archive := tar.NewReader(res.Content)
	h, err := archive.Next()
	if err != nil {
		return nil, err
	}
	if h.Typeflag != tar.TypeReg || h.Size > maxInside {
		return nil, errNoFile
	}
	return io.ReadAll(io.LimitReader(archive, maxInside))
}

var errNoFile = errors.New("it is no file, or a large one")

// added finds variables that neither the project nor the image has.
func (in *insides) added(ctx context.Context, out *rinca.InspectedContainer) error {
	known := map[string]bool{}
	for _, p := range out.Parts {
		if p.Via == "environment" || p.Via == "env_file" {
			known[p.Name] = true
		}
	}
	var more []string
	for key := range in.env {
		if !known[key] {
			more = append(more, key)
		}
	}
	if len(more) == 0 {
		return nil
	}
	res, err := in.d.engine.client.ImageInspect(ctx, in.full.Image)
	if err != nil || res.Config == nil {
		return ctx.Err() // its image is gone: nobody knows
	}
	for _, entry := range res.Config.Env {
		key, _, _ := strings.Cut(entry, "=")
		known[key] = true
	}
	slices.Sort(more)
	for _, key := range more {
		if !known[key] {
			out.Parts = append(out.Parts, rinca.InspectedPart{Via: "environment", Name: key, Real: rinca.Differs, Why: "the container has it, and neither the project nor the image does"})
		}
	}
	return nil
}
