package compose

import (
	"context"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/compose-spec/compose-go/v2/types"
	"github.com/docker/compose/v5/pkg/api"
	engine "github.com/docker/compose/v5/pkg/compose"
	"github.com/moby/moby/api/types/container"

	"rinca/internal/rinca"
)

// Plan compares the project with what there is. It reaches Compose's own
// conclusions about its config hash, images, networks and volumes, and adds
// what Compose does not notice: that a secret, a config or a mounted file
// holds something else.
func (d *deployment) Plan(ctx context.Context, force bool) (rinca.Plan, error) {
	o := d.seen
	d.seen = nil // what has been planned may be applied next
	if o == nil || time.Since(o.at) > fresh {
		var err error
		if o, err = d.observe(ctx); err != nil {
			return rinca.Plan{}, err
		}
	}
	p := &planner{d: d, o: o, force: force, done: map[string]rinca.ServicePlan{}, created: map[string]int64{}}
	if err := p.adoptable(ctx); err != nil {
		return rinca.Plan{}, err
	}
	for _, name := range d.inOrder() {
		if err := p.service(d.project.Services[name]); err != nil {
			return rinca.Plan{}, err
		}
	}
	p.dependents()
	plan := rinca.Plan{Services: []rinca.ServicePlan{}, Resources: p.resources()}
	for _, name := range slices.Sorted(maps.Keys(p.done)) {
		plan.Services = append(plan.Services, p.done[name])
	}
	plan.Services = append(plan.Services, p.gone()...)
	p.warnOfOrphans()
	return plan, nil
}

// inOrder lists the services, each after those it depends on.
func (d *deployment) inOrder() []string {
	var order []string
	seen := map[string]bool{}
	var visit func(name string)
	visit = func(name string) {
		s, ok := d.project.Services[name]
		if !ok || seen[name] {
			return
		}
		seen[name] = true
		for _, dep := range slices.Sorted(maps.Keys(s.DependsOn)) {
			visit(dep)
		}
		for _, dep := range sharedWith(s) {
			visit(dep)
		}
		order = append(order, name)
	}
	for _, name := range d.project.ServiceNames() {
		visit(name)
	}
	return order
}

// sharedWith lists the services whose containers a service refers to by id:
// it is made anew with them.
func sharedWith(s types.ServiceConfig) []string {
	var names []string
	for _, mode := range []string{s.NetworkMode, s.Ipc, s.Pid} {
		if name, ok := strings.CutPrefix(mode, types.ServicePrefix); ok {
			names = append(names, name)
		}
	}
	for _, from := range s.VolumesFrom {
		if !strings.HasPrefix(from, types.ContainerPrefix) {
			name, _, _ := strings.Cut(from, ":")
			names = append(names, name)
		}
	}
	return names
}

// A planner makes one plan.
type planner struct {
	d       *deployment
	o       *observed
	force   bool
	done    map[string]rinca.ServicePlan
	created map[string]int64 // when containers that are not ours were made, in nanoseconds
	inside  map[string][]string
}

func (p *planner) service(s types.ServiceConfig) error {
	list, leftovers := splitLeftovers(p.o.containers[s.Name])
	sp := rinca.ServicePlan{Service: s.Name, Change: rinca.Keep, Image: api.GetImageNameOrDefault(s, p.d.project.Name)}
	for _, c := range list {
		sp.Containers = append(sp.Containers, c.ID)
	}
	reasons, err := p.differences(s, list)
	if err != nil {
		return err
	}
	scale := s.GetScale()
	switch {
	case len(list) == 0 && scale > 0:
		sp.Change, sp.Reasons = rinca.Create, []rinca.Reason{{Kind: "new"}}
	case p.force && scale > 0:
		sp.Change, sp.Reasons = rinca.Recreate, append(reasons, rinca.Reason{Kind: "forced"})
	case len(reasons) > 0 && scale > 0:
		sp.Change, sp.Reasons = rinca.Recreate, reasons
	case len(list) != scale, len(leftovers) > 0:
		sp.Change, sp.Reasons = rinca.Scale, []rinca.Reason{{Kind: "scale"}}
	default:
		p.liveliness(s, list, &sp)
	}
	p.done[s.Name] = sp
	return nil
}

// liveliness decides between Keep, Start and Restart for containers that are
// as they should be.
func (p *planner) liveliness(s types.ServiceConfig, list []container.Summary, sp *rinca.ServicePlan) {
	for _, c := range list {
		_, _, misnamed := leftover(c)
		switch {
		case misnamed:
			sp.Change, sp.Reasons = rinca.Start, []rinca.Reason{{Kind: "stopped"}}
			return
		case c.State == container.StateRunning, c.State == container.StateRestarting:
		case c.State == container.StateExited && once(p.d.project, s) && exitCode(c.Status) == 0:
		default:
			sp.Change, sp.Reasons = rinca.Start, []rinca.Reason{{Kind: "stopped"}}
			return
		}
	}
	if len(list) == 0 {
		return
	}
	if names := p.divergedNetworks(s); len(names) > 0 {
		sp.Change, sp.Reasons = rinca.Restart, []rinca.Reason{{Kind: "config", Names: names}}
	}
}

// differences says why the containers of a service are not as they should be.
func (p *planner) differences(s types.ServiceConfig, list []container.Summary) ([]rinca.Reason, error) {
	if len(list) == 0 {
		return nil, nil
	}
	want, err := engine.ServiceHash(p.resolved(s))
	if err != nil {
		return nil, rinca.Errorf(rinca.Internal, "hash service %s: %w", s.Name, err)
	}
	found := reasons{}
	for _, parent := range sharedWith(s) {
		if p.done[parent].Change == rinca.Recreate || p.done[parent].Change == rinca.Create {
			found.add("dependency", parent)
		}
	}
	for _, c := range list {
		p.compare(s, c, want, found)
	}
	return found.list(), nil
}

func (p *planner) compare(s types.ServiceConfig, c container.Summary, hash string, found reasons) {
	now := p.d.inputs[s.Name]
	old, ours := readInputs(c.Labels, now.Key)
	sameHash := c.Labels[api.ConfigHashLabel] == hash
	switch {
	case ours:
		named := false
		for _, name := range now.changed(old) {
			if decides(name) || !sameHash {
				p.name(s.Name, name, found)
				named = true
			}
		}
		if !named && (!sameHash || c.Labels[labelDigest] != now.digest()) {
			found.add("config")
		}
	case !sameHash:
		found.add("config")
	default: // of docker compose: taken for ours, unless what it read has changed
		for _, f := range p.d.newer(now.files, p.created[c.ID]) {
			p.nameFile(s, p.d.live(f), found)
		}
		for _, name := range p.inside[c.ID] {
			p.name(s.Name, name, found)
		}
	}
	image := api.GetImageNameOrDefault(s, p.d.project.Name)
	if ids, ok := p.o.images[image]; ok && !slices.Contains(ids, c.Labels[api.ImageDigestLabel]) {
		found.add("image", image)
	}
	p.compareAttached(s, c, found)
}

// name adds the reason that a part gives.
func (p *planner) name(service, part string, found reasons) {
	prefix, name, _ := strings.Cut(part, ":")
	switch prefix + ":" {
	case partEnv:
		if path := p.d.origins[service][name]; path != "" {
			found.add("env_file", path)
		}
		found.add("environment", name)
	case partSecret:
		found.add("secret", name)
	case partConfig:
		found.add("config_file", name)
	case partMount:
		found.add("mount", name)
	default:
		found.add("config", name)
	}
}

func (p *planner) nameFile(s types.ServiceConfig, path string, found reasons) {
	for _, ref := range s.Secrets {
		if p.d.project.Secrets[ref.Source].File == path {
			found.add("secret", ref.Source)
			return
		}
	}
	for _, ref := range s.Configs {
		if p.d.project.Configs[ref.Source].File == path {
			found.add("config_file", ref.Source)
			return
		}
	}
	for _, v := range s.Volumes {
		if v.Type == types.VolumeTypeBind && within(v.Source, path) {
			found.add("mount", v.Target)
		}
	}
}

// compareAttached looks for networks and volumes that a container lacks.
func (p *planner) compareAttached(s types.ServiceConfig, c container.Summary, found reasons) {
	if c.State == container.StateRunning && c.NetworkSettings != nil {
		for key := range s.Networks {
			n, ok := p.o.networks[key]
			if !ok {
				continue
			}
			attached := false
			for _, e := range c.NetworkSettings.Networks {
				attached = attached || e.NetworkID == n.ID
			}
			if !attached {
				found.add("config", "network "+key)
			}
		}
	}
	for _, v := range s.Volumes {
		if v.Type != types.VolumeTypeVolume || v.Source == "" {
			continue
		}
		mounted := slices.ContainsFunc(c.Mounts, func(m container.MountPoint) bool {
			return m.Name == p.d.project.Volumes[v.Source].Name
		})
		if !mounted {
			found.add("config", "volume "+v.Source)
		}
	}
}

// resolved is a service as Compose hashes it: references to other services
// are ids of their containers.
func (p *planner) resolved(s types.ServiceConfig) types.ServiceConfig {
	first := func(name string) (string, bool) {
		list := slices.Clone(p.o.containers[name])
		slices.SortFunc(list, func(a, b container.Summary) int { return strings.Compare(containerName(a), containerName(b)) })
		if len(list) == 0 {
			return "", false
		}
		return list[0].ID, true
	}
	s.VolumesFrom = slices.Clone(s.VolumesFrom)
	for i, from := range s.VolumesFrom {
		parts := strings.Split(from, ":")
		if parts[0] == "container" && len(parts) > 1 {
			s.VolumesFrom[i] = parts[1]
			continue
		}
		id, ok := first(parts[0])
		if !ok {
			return s
		}
		s.VolumesFrom[i] = id
	}
	for _, mode := range []*string{&s.NetworkMode, &s.Ipc, &s.Pid} {
		name, ok := strings.CutPrefix(*mode, types.ServicePrefix)
		if !ok {
			continue
		}
		id, ok := first(name)
		if !ok {
			return s
		}
		*mode = types.ContainerPrefix + id
	}
	return s
}

// dependents restarts services that ask for it when one they depend on is
// made anew.
func (p *planner) dependents() {
	for _, name := range p.d.inOrder() {
		sp := p.done[name]
		if sp.Change != rinca.Keep || len(sp.Containers) == 0 {
			continue
		}
		found := reasons{}
		for dep, how := range p.d.project.Services[name].DependsOn {
			if how.Restart && p.done[dep].Change == rinca.Recreate {
				found.add("dependency", dep)
			}
		}
		if len(found) > 0 {
			sp.Change, sp.Reasons = rinca.Restart, found.list()
			p.done[name] = sp
		}
	}
}

// ours reports whether we made a container.
func ours(c container.Summary) bool { return c.Labels[labelDigest] != "" }

// gone lists the services that are in no file any more and whose containers we
// made: they are removed. Those of docker compose are somebody's own.
func (p *planner) gone() []rinca.ServicePlan {
	byService := map[string]*rinca.ServicePlan{}
	for _, c := range p.o.orphans {
		if !ours(c) {
			continue
		}
		name := c.Labels[api.ServiceLabel]
		if byService[name] == nil {
			byService[name] = &rinca.ServicePlan{Service: name, Change: rinca.Remove, Reasons: []rinca.Reason{{Kind: "gone"}}, Image: c.Image}
		}
		byService[name].Containers = append(byService[name].Containers, c.ID)
	}
	var out []rinca.ServicePlan
	for _, name := range slices.Sorted(maps.Keys(byService)) {
		out = append(out, *byService[name])
	}
	return out
}

// warnOfOrphans tells of containers that are kept although no file has them.
func (p *planner) warnOfOrphans() {
	var names []string
	for _, c := range p.o.orphans {
		if !ours(c) {
			names = append(names, containerName(c))
		}
	}
	if len(names) > 0 {
		slices.Sort(names)
		p.d.warn("containers of the project that are in no file any more, and that docker compose made, are kept: %s", strings.Join(names, ", "))
	}
}
