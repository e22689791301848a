package compose

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/compose-spec/compose-go/v2/types"
	"github.com/docker/compose/v5/pkg/api"
	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/client"

	"rinca/internal/lazyregexp"
	"rinca/internal/rinca"
)

// Apply does what the plan says. Compose is given the services that change,
// and those they depend on, so that it waits for them; it is told to recreate
// exactly those of the plan, and nothing by its own decision.
func (d *deployment) Apply(ctx context.Context, plan rinca.Plan, out rinca.Output) error {
	if len(d.missing) > 0 {
		return joined(d.missing)
	}
	changes := map[string]rinca.Change{}
	var forced, removed []string
	for _, s := range plan.Services {
		switch s.Change {
		case rinca.Keep:
			continue
		case rinca.Remove:
			removed = append(removed, s.Containers...)
			continue
		case rinca.Recreate:
			forced = append(forced, s.Service)
		}
		if _, ok := d.project.Services[s.Service]; !ok {
			return rinca.Errorf(rinca.Conflict, "apply project %s: the plan has a service %s that the project has not", d.project.Name, s.Service).
				Try("plan again")
		}
		changes[s.Service] = s.Change
	}
	// First, since what is made may need a port or a name of theirs.
	if err := d.remove(ctx, removed, out); err != nil || len(changes) == 0 {
		return err
	}
	return d.up(ctx, changes, forced, out)
}

func (d *deployment) up(ctx context.Context, changes map[string]rinca.Change, forced []string, out rinca.Output) error {
	there, err := d.tidy(ctx, changes, out)
	if err != nil {
		return err
	}
	project, err := d.selected(there, changes)
	if err != nil {
		return err
	}
	svc, progress, err := d.engine.service(out)
	if err != nil {
		return err
	}
	progress.serviceOf = d.serviceOf
	create := api.CreateOptions{
		Services: forced, Recreate: api.RecreateForce, RecreateDependencies: api.RecreateNever,
		IgnoreOrphans: true, Inherit: true, QuietPull: true, Build: d.build(project),
	}
	if len(forced) == 0 {
		create.Recreate = api.RecreateNever // no names mean all of them
	}
	// Without the project here, Compose 5.6 starts containers without the
	// secrets and configs that it writes into them.
	err = svc.Up(ctx, project, api.UpOptions{Create: create, Start: api.StartOptions{Project: project}})
	for range project.Services {
		service := d.stuck(ctx, err, out)
		if service == "" {
			break
		}
		// Recreated rather than removed: what is in its volumes stays.
		create.Services, create.Recreate = []string{service}, api.RecreateForce
		err = svc.Up(ctx, project, api.UpOptions{Create: create, Start: api.StartOptions{Project: project}})
	}
	if err == nil {
		err = ctx.Err()
	}
	if err == nil {
		return nil
	}
	if ctx.Err() == nil {
		d.tellWhy(ctx, err, out)
	}
	return d.engine.fault(ctx, "apply project "+d.project.Name, err)
}

var cannotStart = lazyregexp.New(`failed to (?:start shim|create task)\b.*mkdir \S*/([0-9a-f]{64}): file exists`)

// stuck returns the service of a container that can never start: an engine
// that ended while it started it left its directory behind, which is named
// after its ID. It is "" when err is about something else.
func (d *deployment) stuck(ctx context.Context, err error, out rinca.Output) string {
	if err == nil || ctx.Err() != nil {
		return ""
	}
	m := cannotStart.FindStringSubmatch(err.Error())
	if m == nil {
		return ""
	}
	list, listErr := d.engine.mine(ctx, d.project.Name)
	if listErr != nil {
		return ""
	}
	for _, c := range list {
		if service := c.Labels[api.ServiceLabel]; c.ID == m[1] && d.project.Services[service].Name != "" {
			sayf(out, service, "Container %s Recreating, cannot start after an engine that ended while it started it", containerName(c))
			return service
		}
	}
	return ""
}

// selected is the project with the services that change, and those that run
// which they depend on.
func (d *deployment) selected(there []container.Summary, changes map[string]rinca.Change) (*types.Project, error) {
	up := map[string]bool{}
	for _, c := range there {
		if c.State == container.StateRunning {
			up[c.Labels[api.ServiceLabel]] = true
		}
	}
	var names []string
	var add func(name string)
	add = func(name string) {
		s, ok := d.project.Services[name]
		if !ok || slices.Contains(names, name) {
			return
		}
		names = append(names, name)
		for dep := range s.DependsOn {
			if _, changing := changes[dep]; changing || up[dep] {
				add(dep)
			}
		}
	}
	for name := range changes {
		add(name)
	}
	project, err := d.project.WithSelectedServices(names, types.IgnoreDependencies)
	if err != nil {
		return nil, rinca.Errorf(rinca.Internal, "select services: %w", err)
	}
	for name, s := range project.Services {
		// What there is to pull has been pulled.
		if s.PullPolicy != types.PullPolicyNever && s.PullPolicy != types.PullPolicyBuild {
			s.PullPolicy = types.PullPolicyMissing
		}
		project.Services[name] = s
	}
	return project.WithoutUnnecessaryResources(), nil
}

// build says how images are built that are not there; nil when none is built.
func (d *deployment) build(project *types.Project) *api.BuildOptions {
	for _, s := range project.Services {
		if s.Build != nil {
			return &api.BuildOptions{Services: project.ServiceNames(), Progress: "plain"}
		}
	}
	return nil
}

func (d *deployment) remove(ctx context.Context, ids []string, out rinca.Output) error {
	for _, id := range ids {
		_, err := d.engine.client.ContainerStop(ctx, id, client.ContainerStopOptions{})
		if err == nil {
			_, err = d.engine.client.ContainerRemove(ctx, id, client.ContainerRemoveOptions{Force: true})
		}
		if err != nil {
			return d.engine.fault(ctx, "remove container "+id[:min(12, len(id))], err)
		}
		say(out, rinca.Line{Text: "Container " + id[:min(12, len(id))] + " Removed"})
	}
	return nil
}

// serviceOf finds the service of a container by its name.
func (d *deployment) serviceOf(name string) string {
	for _, s := range d.project.Services {
		if s.ContainerName == name {
			return s.Name
		}
	}
	// A container that replaces another is called ID_name until it has.
	if id, rest, ok := strings.Cut(name, "_"); ok && len(id) == 12 {
		name = rest
	}
	rest, ok := strings.CutPrefix(name, d.project.Name+api.Separator)
	if i := strings.LastIndex(rest, api.Separator); ok && i > 0 {
		if _, known := d.project.Services[rest[:i]]; known {
			return rest[:i]
		}
	}
	return ""
}

var culprit = lazyregexp.New(`container (\S+) (?:is unhealthy|exited|has no healthcheck)|service "([^"]+)" didn't complete`)

// tellWhy sends the last lines of the container that an error is about.
func (d *deployment) tellWhy(ctx context.Context, err error, out rinca.Output) {
	m := culprit.FindStringSubmatch(err.Error())
	if m == nil {
		return
	}
	service := m[2]
	if service == "" {
		service = d.serviceOf(m[1])
	}
	list, listErr := d.engine.mine(ctx, d.project.Name)
	if listErr != nil {
		return
	}
	for _, c := range list {
		if c.Labels[api.ServiceLabel] == service {
			d.engine.lastLines(ctx, c, out)
			return
		}
	}
}

func say(out rinca.Output, l rinca.Line) {
	if out != nil {
		out(l)
	}
}

func sayf(out rinca.Output, service, format string, args ...any) {
	say(out, rinca.Line{Service: service, Text: fmt.Sprintf(format, args...)})
}
