package compose

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/containerd/errdefs"
	"github.com/docker/compose/v5/pkg/api"
	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/client"
	"golang.org/x/sync/errgroup"

	"rinca/internal/lazyregexp"
	"rinca/internal/rinca"
)

// States returns the services of projects with one request, and one more for
// each container that is not simply up.
func (e *Engine) States(ctx context.Context, projects ...string) (map[string]rinca.StackState, error) {
	ctx, cancel := context.WithTimeout(ctx, quick)
	defer cancel()
	filters := make(client.Filters).Add("label", api.ConfigHashLabel)
	if len(projects) == 1 {
		filters = projectFilter(projects[0])
	}
	res, err := e.client.ContainerList(ctx, client.ContainerListOptions{All: true, Filters: filters})
	if err != nil {
		return nil, e.fault(ctx, "ask for states", err)
	}
	services := map[string][]rinca.ServiceState{}
	for _, name := range projects {
		services[name] = nil
	}
	var list []container.Summary
	for _, c := range res.Items {
		project := c.Labels[api.ProjectLabel]
		_, wanted := services[project]
		if project != "" && (wanted || len(projects) == 0) && c.Labels[api.OneoffLabel] != "True" && c.Labels[api.HookLabel] == "" {
			list = append(list, c)
		}
	}
	states, err := e.serviceStates(ctx, list)
	if err != nil {
		return nil, err
	}
	for i, c := range list {
		services[c.Labels[api.ProjectLabel]] = append(services[c.Labels[api.ProjectLabel]], states[i])
	}
	out, now := map[string]rinca.StackState{}, time.Now()
	for project, list := range services {
		slices.SortFunc(list, func(a, b rinca.ServiceState) int {
			return cmp.Or(cmp.Compare(a.Service, b.Service), cmp.Compare(a.Container, b.Container))
		})
		out[project] = rinca.StackState{Status: overall(list), Services: list, At: now}
	}
	return out, nil
}

func (e *Engine) serviceStates(ctx context.Context, list []container.Summary) ([]rinca.ServiceState, error) {
	states := make([]rinca.ServiceState, len(list))
	group, groupCtx := errgroup.WithContext(ctx)
	group.SetLimit(8)
	for i, c := range list {
		states[i] = rinca.ServiceState{
			Service: c.Labels[api.ServiceLabel], Container: containerName(c), ID: c.ID, Image: c.Image,
			Status: statusOf(c), Text: c.Status, ExitCode: exitCode(c.Status), Ports: ports(c),
		}
		if s := states[i].Status; s == rinca.StatusRunning || s == rinca.StatusHealthy {
			continue
		}
		group.Go(func() error {
			res, err := e.client.ContainerInspect(groupCtx, c.ID, client.ContainerInspectOptions{})
			if errdefs.IsNotFound(err) {
				return nil // gone since
			}
			if err != nil {
				return err
			}
			refine(&states[i], c, res.Container)
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		return nil, e.fault(ctx, "ask for states", err)
	}
	return states, nil
}

// statusOf reads the status of a container from the list's own words.
func statusOf(c container.Summary) rinca.StackStatus {
	switch c.State {
	case container.StateRunning:
		switch {
		case strings.Contains(c.Status, "(healthy)"):
			return rinca.StatusHealthy
		case strings.Contains(c.Status, "(unhealthy)"):
			return rinca.StatusUnhealthy
		case strings.Contains(c.Status, "(health: starting)"):
			return rinca.StatusStarting
		}
		return rinca.StatusRunning
	case container.StateExited:
		switch {
		case exitCode(c.Status) == 0 && c.Labels[labelOnce] == "true":
			return rinca.StatusDone
		case exitCode(c.Status) == 0:
			return rinca.StatusStopped
		}
		return rinca.StatusUnhealthy
	case container.StateRestarting, container.StateDead:
		return rinca.StatusUnhealthy
	case container.StateCreated, container.StatePaused:
		return rinca.StatusStopped
	}
	return rinca.StatusStarting // on its way in or out
}

// refine adds what only a closer look tells.
func refine(s *rinca.ServiceState, c container.Summary, full container.InspectResponse) {
	if full.State == nil {
		return
	}
	if t, err := time.Parse(time.RFC3339Nano, full.State.StartedAt); err == nil && t.Year() > 1 {
		s.StartedAt = t
	}
	s.ExitCode = full.State.ExitCode
	if full.State.Status != container.StateExited {
		return
	}
	once := c.Labels[labelOnce] == "true"
	if c.Labels[labelOnce] == "" && full.HostConfig != nil && full.Config != nil {
		// Not ours: a container without a restart policy that ended well.
		once = full.Config.Healthcheck == nil && (full.HostConfig.RestartPolicy.Name == "" || full.HostConfig.RestartPolicy.Name == "no") &&
			c.Labels[labelDigest] == ""
	}
	switch code := full.State.ExitCode; {
	case code == 0 && once:
		s.Status = rinca.StatusDone
	case code == 0, (code == 137 || code == 143) && !full.State.OOMKilled:
		s.Status = rinca.StatusStopped // by a signal, as "stop" sends it
	default:
		s.Status = rinca.StatusUnhealthy
	}
}

// severity orders statuses, the worst last.
var severity = [...]rinca.StackStatus{
	rinca.StatusDone, rinca.StatusHealthy, rinca.StatusRunning, rinca.StatusStarting, rinca.StatusStopped, rinca.StatusUnhealthy,
}

// overall is the status of a stack: that of its worst service. One that is
// stopped while others run is not well.
func overall(list []rinca.ServiceState) rinca.StackStatus {
	if len(list) == 0 {
		return rinca.StatusDown
	}
	worst, stopped, up := 0, 0, 0
	for _, s := range list {
		worst = max(worst, slices.Index(severity[:], s.Status))
		switch s.Status {
		case rinca.StatusStopped:
			stopped++
		case rinca.StatusHealthy, rinca.StatusRunning, rinca.StatusStarting:
			up++
		}
	}
	if severity[worst] == rinca.StatusStopped && stopped > 0 && up > 0 {
		return rinca.StatusUnhealthy
	}
	return severity[worst]
}

var exited = lazyregexp.New(`^(?:Exited|Restarting) \((\d+)\)`)

// exitCode reads "Exited (3) 2 seconds ago"; 0 for anything else.
func exitCode(status string) int {
	if m := exited.FindStringSubmatch(status); m != nil {
		n, _ := strconv.Atoi(m[1])
		return n
	}
	return 0
}

// ports lists what a container publishes, such as "0.0.0.0:8080->80/tcp".
func ports(c container.Summary) []string {
	var out []string
	for _, p := range c.Ports {
		if p.PublicPort == 0 {
			continue
		}
		host := ""
		if p.IP.IsValid() {
			host = p.IP.String() + ":"
			if p.IP.Is6() {
				host = "[" + p.IP.String() + "]:"
			}
		}
		out = append(out, fmt.Sprintf("%s%d->%d/%s", host, p.PublicPort, p.PrivatePort, p.Type))
	}
	slices.Sort(out)
	return slices.Compact(out)
}

var imageID = lazyregexp.New(`^(sha256:)?[0-9a-f]{64}$|@sha256:[0-9a-f]{64}$`)

// isID reports whether an image is named by what it holds.
func isID(name string) bool { return imageID.MatchString(name) }
