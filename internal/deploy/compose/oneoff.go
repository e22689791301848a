package compose

import (
	"context"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/compose-spec/compose-go/v2/types"
	"github.com/docker/compose/v5/pkg/api"
	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/client"

	"rinca/internal/rinca"
)

// labelOneOff is the project that a container of RunService was made for.
const labelOneOff = "io.rinca.run"

// RunService runs a service once, in a container of its own, and returns its
// exit status. Compose's own command for that takes over the signals of the
// whole process; so the container is that of a project beside this one, which
// uses its networks and volumes, and nothing reaches it by the service's name.
func (d *deployment) RunService(ctx context.Context, run rinca.ServiceRun, out rinca.Output) (status int, err error) {
	if _, ok := d.project.Services[run.Service]; !ok {
		return 0, rinca.Errorf(rinca.NotFound, "project %s has no service %q", d.project.Name, run.Service).
			Try("it has: %s", strings.Join(d.project.ServiceNames(), ", "))
	}
	if err := d.sweepRuns(ctx); err != nil {
		return 0, err
	}
	if !run.NoDeps {
		if err := d.needed(ctx, run.Service, out); err != nil {
			return 0, err
		}
	}
	svc, _, err := d.engine.service(nil)
	if err != nil {
		return 0, err
	}
	beside, err := d.beside(ctx, svc, run)
	if err != nil {
		return 0, err
	}
	// Whatever happens, nothing of it stays.
	defer func() {
		if left := d.sweepRuns(context.WithoutCancel(ctx)); left != nil && err == nil {
			err = left
		}
	}()
	err = svc.Create(ctx, beside, api.CreateOptions{Recreate: api.RecreateNever, IgnoreOrphans: true, QuietPull: true, Build: d.build(beside)})
	if err == nil {
		err = svc.Start(ctx, beside.Name, api.StartOptions{Project: beside})
	}
	if err == nil {
		err = ctx.Err()
	}
	if err != nil {
		return 0, d.engine.fault(ctx, "run service "+run.Service, err)
	}
	return d.attend(ctx, run, out)
}

// runs lists the containers of RunService.
func (d *deployment) runs(ctx context.Context) ([]container.Summary, error) {
	res, err := d.engine.client.ContainerList(ctx, client.ContainerListOptions{
		All: true, Filters: make(client.Filters).Add("label", labelOneOff+"="+d.project.Name),
	})
	return res.Items, err
}

// sweepRuns removes containers of RunService, also what the end of a server
// has left: nobody runs two of one stack at once.
func (d *deployment) sweepRuns(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	list, err := d.runs(ctx)
	for _, c := range list {
		if _, err = d.engine.client.ContainerRemove(ctx, c.ID, client.ContainerRemoveOptions{Force: true, RemoveVolumes: true}); err != nil {
			break
		}
	}
	return d.engine.fault(ctx, "remove the container of an earlier run", err)
}

// needed starts what the service depends on and does not run.
func (d *deployment) needed(ctx context.Context, service string, out rinca.Output) error {
	want := map[string]bool{}
	var add func(name string)
	add = func(name string) {
		for dep := range d.project.Services[name].DependsOn {
			if !want[dep] {
				want[dep] = true
				add(dep)
			}
		}
	}
	add(service)
	if len(want) == 0 {
		return nil
	}
	plan, err := d.Plan(ctx, false)
	if err != nil {
		return err
	}
	for i := range plan.Services {
		// What runs stays as it is: a deploy changes it.
		if s := &plan.Services[i]; !want[s.Service] || s.Change != rinca.Create && s.Change != rinca.Start {
			s.Change = rinca.Keep
		}
	}
	return d.Apply(ctx, plan, out)
}

// beside is the project with one container of the service.
func (d *deployment) beside(ctx context.Context, svc api.Compose, run rinca.ServiceRun) (*types.Project, error) {
	project, err := d.project.WithSelectedServices([]string{run.Service}, types.IgnoreDependencies)
	if err != nil {
		return nil, rinca.Errorf(rinca.Internal, "select services: %w", err)
	}
	project = project.WithoutUnnecessaryResources()
	s := project.Services[run.Service]
	// The networks and volumes are those of the project itself.
	own := *project
	own.Services = types.Services{}
	if err := svc.Create(ctx, &own, api.CreateOptions{IgnoreOrphans: true}); err != nil {
		return nil, d.engine.fault(ctx, "make networks and volumes of "+project.Name, err)
	}
	project.Networks, project.Volumes = maps.Clone(project.Networks), maps.Clone(project.Volumes)
	for name, n := range project.Networks {
		n.External = true
		project.Networks[name] = n
	}
	for name, v := range project.Volumes {
		v.External = true
		project.Volumes[name] = v
	}
	name := run.Service + "-run"
	project.Name = d.project.Name + "-run"
	s.Name, s.ContainerName = name, d.project.Name+"-"+name
	s.Scale, s.Restart, s.Ports, s.DependsOn = nil, "", nil, nil
	if s.Deploy != nil {
		deploy := *s.Deploy
		deploy.RestartPolicy, deploy.Replicas = nil, nil
		s.Deploy = &deploy
	}
	s.Networks = maps.Clone(s.Networks)
	for n, config := range s.Networks {
		if config != nil { // an address is that of the one that runs
			c := *config
			c.Aliases, c.Ipv4Address, c.Ipv6Address, c.MacAddress = nil, "", "", ""
			s.Networks[n] = &c
		}
	}
	override(&s, run)
	s.CustomLabels = maps.Clone(s.CustomLabels)
	s.CustomLabels[api.ProjectLabel], s.CustomLabels[api.ServiceLabel], s.CustomLabels[labelOneOff] = project.Name, name, d.project.Name
	if s.PullPolicy != types.PullPolicyNever && s.PullPolicy != types.PullPolicyBuild {
		s.PullPolicy = types.PullPolicyMissing
	}
	project.Services = types.Services{name: s}
	return project, nil
}

// override changes the service for a run.
func override(s *types.ServiceConfig, run rinca.ServiceRun) {
	if len(run.Command) > 0 {
		s.Command = slices.Clone(run.Command)
	}
	if run.Entrypoint != nil {
		s.Entrypoint = slices.Clone(run.Entrypoint)
		if len(run.Command) == 0 {
			s.Command = types.ShellCommand{}
		}
	}
	if run.User != "" {
		s.User = run.User
	}
	if run.WorkingDir != "" {
		s.WorkingDir = run.WorkingDir
	}
	s.Environment = maps.Clone(s.Environment)
	if s.Environment == nil {
		s.Environment = types.MappingWithEquals{}
	}
	for k, v := range run.Environment {
		s.Environment[k] = &v
	}
}

// attend sends what the container prints until it ends.
func (d *deployment) attend(ctx context.Context, run rinca.ServiceRun, out rinca.Output) (int, error) {
	what := "run service " + run.Service
	list, err := d.runs(ctx)
	if err != nil {
		return 0, d.engine.fault(ctx, what, err)
	}
	if len(list) != 1 {
		return 0, rinca.Errorf(rinca.Unavailable, "%s: its container is gone", what)
	}
	if err := d.engine.read(ctx, list[0].ID, run.Service, rinca.LogOptions{Follow: true}, out); err != nil {
		return 0, d.engine.fault(ctx, what, err)
	}
	for { // the log ends a moment before the container
		res, err := d.engine.client.ContainerInspect(ctx, list[0].ID, client.ContainerInspectOptions{})
		if err == nil {
			err = ctx.Err()
		}
		if err != nil {
			return 0, d.engine.fault(ctx, what, err)
		}
		if s := res.Container.State; s != nil && (s.Status == container.StateExited || s.Status == container.StateDead) {
			return s.ExitCode, nil
		}
		select {
		case <-ctx.Done():
		case <-time.After(50 * time.Millisecond):
		}
	}
}
