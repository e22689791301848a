package compose

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/compose-spec/compose-go/v2/types"
	"github.com/containerd/platforms"
	"github.com/distribution/reference"
	"github.com/docker/compose/v5/pkg/api"
	"github.com/moby/moby/api/pkg/authconfig"
	"github.com/moby/moby/api/types/jsonstream"
	"github.com/moby/moby/api/types/registry"
	"github.com/moby/moby/client"
	"golang.org/x/sync/errgroup"

	"rinca/internal/rinca"
)

// pulls is how many images are pulled at once.
const pulls = 4

// Pull fetches the images of the services, of all when none is named, each
// once. Services that are built
// and those with pull_policy "never" or "build" are left out. One that fails
// is an error; the others are pulled all the same.
func (d *deployment) Pull(ctx context.Context, missingOnly bool, out rinca.Output, services ...string) error {
	for _, name := range services {
		if _, ok := d.project.Services[name]; !ok {
			return rinca.Errorf(rinca.NotFound, "the stack has no service %q", name).Try("one of %s", strings.Join(d.project.ServiceNames(), ", "))
		}
	}
	o := &observed{}
	group, groupCtx := errgroup.WithContext(ctx)
	images, err := d.engine.imageIDs(groupCtx, group, d.imageNames())
	if failed := group.Wait(); failed != nil {
		err = failed
	}
	if err != nil {
		return d.engine.fault(ctx, "look at images", err)
	}
	o.images = images()
	want := map[string]string{} // image → platform
	for _, s := range d.project.Services {
		if len(services) > 0 && !slices.Contains(services, s.Name) {
			continue
		}
		for _, image := range d.pulled(s) {
			_, there := o.images[image]
			if there && (missingOnly || s.PullPolicy == types.PullPolicyMissing || s.PullPolicy == types.PullPolicyIfNotPresent) {
				continue
			}
			want[image] = s.Platform
		}
	}
	group = &errgroup.Group{}
	group.SetLimit(pulls)
	var mu sync.Mutex
	var failed []error
	for _, image := range slices.Sorted(maps.Keys(want)) {
		group.Go(func() error {
			if err := d.pull(ctx, image, want[image], out); err != nil {
				mu.Lock()
				failed = append(failed, err)
				mu.Unlock()
			}
			return nil
		})
	}
	_ = group.Wait()
	if len(failed) > 0 {
		return joined(failed)
	}
	return nil
}

// pulled lists the images of a service that come from a registry.
func (d *deployment) pulled(s types.ServiceConfig) []string {
	var images []string
	if s.Image != "" && s.Build == nil && s.PullPolicy != types.PullPolicyNever && s.PullPolicy != types.PullPolicyBuild {
		images = append(images, s.Image)
	}
	images = append(images, api.GetDependentImages(s, d.project.Name)...)
	for _, v := range s.Volumes {
		if v.Type == types.VolumeTypeImage {
			images = append(images, v.Source)
		}
	}
	return images
}

func (d *deployment) pull(ctx context.Context, image, platform string, out rinca.Output) error {
	named, err := reference.ParseNormalizedNamed(image)
	if err != nil {
		return rinca.Errorf(rinca.Invalid, "%q is no name of an image", image).Because(err)
	}
	options := client.ImagePullOptions{}
	if platform != "" {
		p, err := platforms.Parse(platform)
		if err != nil {
			return rinca.Errorf(rinca.Invalid, "image %s: %q is no platform", image, platform).Because(err)
		}
		options.Platforms = append(options.Platforms, p)
	}
	if options.RegistryAuth, err = d.auth(named); err != nil {
		return err
	}
	say(out, rinca.Line{Service: image, Stream: "pull", Text: "Pulling"})
	res, err := d.engine.client.ImagePull(ctx, image, options)
	if err != nil {
		return d.pullFault(ctx, image, err)
	}
	defer res.Close()
	p := pullProgress{image: image, out: out, layers: map[string]*jsonstream.Progress{}}
	for message, err := range res.JSONMessages(ctx) {
		if err == nil && message.Error != nil {
			err = message.Error
		}
		if err != nil {
			return d.pullFault(ctx, image, err)
		}
		p.take(message)
	}
	say(out, rinca.Line{Service: image, Stream: "pull", Text: "Pulled"})
	return nil
}

func (d *deployment) auth(named reference.Named) (string, error) {
	if d.spec.Auth == nil {
		return "", nil
	}
	host := reference.Domain(named)
	user, password, ok := d.spec.Auth(host)
	if !ok {
		return "", nil
	}
	if host == "docker.io" {
		host = "https://index.docker.io/v1/"
	}
	text, err := authconfig.Encode(registry.AuthConfig{Username: user, Password: password.Reveal(), ServerAddress: host})
	if err != nil {
		return "", rinca.Errorf(rinca.Internal, "encode credentials of %s: %w", host, err)
	}
	return text, nil
}

func (d *deployment) pullFault(ctx context.Context, image string, err error) error {
	err = d.engine.fault(ctx, "pull image "+image, err)
	if e, ok := errors.AsType[*rinca.Error](err); ok && e.Hint == "" && e.Code != rinca.Canceled {
		return e.Try("see that the name is right, and that %s reaches its registry and may read it", d.engine.name)
	}
	return err
}

// A pullProgress sums up the layers of an image.
type pullProgress struct {
	image  string
	out    rinca.Output
	layers map[string]*jsonstream.Progress
	last   time.Time
	text   string
}

// take sends a line when the state changed, and ten a second at most.
func (p *pullProgress) take(m jsonstream.Message) {
	if m.ID == "" {
		if m.Status != "" && m.Status != p.text {
			p.text = m.Status
		}
		return
	}
	if m.Progress != nil && m.Progress.Total > 0 && m.Status == "Downloading" {
		progress := *m.Progress
		p.layers[m.ID] = &progress
	}
	if layer := p.layers[m.ID]; layer != nil && (m.Status == "Download complete" || m.Status == "Pull complete") {
		layer.Current = layer.Total
	}
	if time.Since(p.last) < 100*time.Millisecond || len(p.layers) == 0 {
		return
	}
	p.last = time.Now()
	var current, total int64
	for _, l := range p.layers {
		current += l.Current
		total += l.Total
	}
	say(p.out, rinca.Line{
		Service: p.image, Stream: "pull", Transient: true, Current: current, Total: total,
		Text: fmt.Sprintf("Downloading %d of %d MB", current>>20, total>>20),
	})
}
