package compose

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/containerd/errdefs"
	"github.com/docker/compose/v5/pkg/api"
	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/client"

	"rinca/internal/rinca"
)

const (
	verifyEvery   = 150 * time.Millisecond
	verifyTimeout = 2 * time.Minute
	verifySettle  = 2 * time.Second
	// crashes is how often a service may restart while we watch before it is
	// given up; that takes half a minute, since the engine waits longer each
	// time. Some services wait for another one by failing.
	crashes = 8
	// old is the age of a container that has settled long ago, whatever the
	// difference between our clock and the engine's.
	old = 5 * time.Minute
)

// Verify waits until every service is good, and ends at once when one cannot
// become it.
func (d *deployment) Verify(ctx context.Context, v rinca.Verify, out rinca.Output) error {
	if v.Skip {
		return nil
	}
	timeout, settle := time.Duration(v.Timeout), time.Duration(v.Settle)
	if timeout <= 0 {
		timeout = verifyTimeout
	}
	if settle <= 0 {
		settle = verifySettle
	}
	w := &verifier{d: d, only: v.Only, settle: settle, out: out, watched: map[string]*watched{}, said: map[string]bool{}}
	limit, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	ticker := time.NewTicker(verifyEvery)
	defer ticker.Stop()
	for {
		done, err := w.look(limit)
		if err == nil && done {
			return nil
		}
		if ctx.Err() != nil {
			return d.engine.fault(ctx, "verify project "+d.project.Name, ctx.Err())
		}
		if limit.Err() != nil {
			return w.late(ctx, timeout)
		}
		if err != nil {
			return err
		}
		select {
		case <-limit.Done():
		case <-ticker.C:
		}
	}
}

// A verifier watches the containers of a project.
type verifier struct {
	d       *deployment
	only    []string // services; none means all
	settle  time.Duration
	out     rinca.Output
	watched map[string]*watched // by id of the container
	said    map[string]bool
	waiting map[string]string // what services are not good yet, and why
	last    map[string]container.Summary
}

// wanted reports whether a service is one to look at.
func (w *verifier) wanted(service string) bool {
	return len(w.only) == 0 || slices.Contains(w.only, service)
}

// Watched is what is known of a container that may crash.
type watched struct {
	started  string    // when it started last, in the engine's words
	since    time.Time // when we first saw it like that
	restarts int       // when we first saw it
	settled  bool
	crashed  bool
}

// look reports whether all is good now; an error is for what cannot become it.
func (w *verifier) look(ctx context.Context) (bool, error) {
	list, err := w.d.engine.mine(ctx, w.d.project.Name)
	if err != nil {
		return false, w.d.engine.fault(ctx, "verify project "+w.d.project.Name, err)
	}
	waiting, last := map[string]string{}, map[string]container.Summary{}
	found := map[string]int{}
	for _, c := range list {
		service := c.Labels[api.ServiceLabel]
		if _, ok := w.d.project.Services[service]; !ok || !w.wanted(service) {
			continue
		}
		found[service]++
		why, err := w.container(ctx, service, c)
		if err != nil {
			return false, err
		}
		if why != "" {
			waiting[service], last[service] = why, c
		}
	}
	for name, s := range w.d.project.Services {
		if w.wanted(name) && found[name] < s.GetScale() {
			waiting[name] = "has no container"
		}
	}
	w.waiting, w.last = waiting, last // not when the look was cut short
	return len(w.waiting) == 0, nil
}

// container says why a container is not good yet; "" when it is.
func (w *verifier) container(ctx context.Context, service string, c container.Summary) (string, error) {
	switch statusOf(c) {
	case rinca.StatusHealthy:
		w.tell(service, c, "is healthy")
		return "", nil
	case rinca.StatusUnhealthy:
		if c.State == container.StateRunning {
			return "", w.fail(ctx, service, c, "is unhealthy")
		}
	}
	once := once(w.d.project, w.d.project.Services[service])
	switch c.State {
	case container.StateRunning:
		return w.running(ctx, service, c, once)
	case container.StateExited, container.StateDead:
		return w.exited(ctx, service, c)
	case container.StateRestarting:
		return w.restarting(ctx, service, c)
	case container.StatePaused:
		return "", w.fail(ctx, service, c, "is paused")
	}
	return "is " + string(c.State), nil
}

func (w *verifier) running(ctx context.Context, service string, c container.Summary, once bool) (string, error) {
	if strings.Contains(c.Status, "(health: starting)") {
		return "is not healthy yet", nil
	}
	if once {
		return "has not finished yet", nil
	}
	known := w.watched[c.ID]
	if known != nil && known.settled {
		return "", nil
	}
	if known == nil || time.Since(known.since) >= w.settle {
		full, gone, err := w.inspect(ctx, c)
		if err != nil || gone {
			return "is being replaced", err
		}
		started, _ := time.Parse(time.RFC3339Nano, full.State.StartedAt)
		switch {
		case known == nil:
			known = &watched{started: full.State.StartedAt, since: time.Now(), restarts: full.RestartCount, crashed: full.RestartCount > 0}
			known.settled = !started.IsZero() && time.Since(started) > w.settle+old
			w.watched[c.ID] = known
		case known.started != full.State.StartedAt: // it has crashed in between
			known.started, known.since, known.crashed = full.State.StartedAt, time.Now(), true
		default:
			known.settled = true
		}
	}
	switch {
	case known.settled:
	case known.crashed:
		return "has restarted and not settled yet", nil
	default:
		return "has not settled yet", nil
	}
	w.tell(service, c, "is up")
	return "", nil
}

func (w *verifier) exited(ctx context.Context, service string, c container.Summary) (string, error) {
	code := exitCode(c.Status)
	s := w.d.project.Services[service]
	if code == 0 && c.State == container.StateExited && !hasHealthCheck(s) {
		if s.Restart == "" || once(w.d.project, s) || strings.HasPrefix(s.Restart, "on-failure") {
			w.tell(service, c, "is done")
			return "", nil
		}
	}
	return "", w.fail(ctx, service, c, fmt.Sprintf("exited with %d", code))
}

// restarting counts the crashes of a container.
func (w *verifier) restarting(ctx context.Context, service string, c container.Summary) (string, error) {
	full, gone, err := w.inspect(ctx, c)
	if err != nil || gone {
		return "is being replaced", err
	}
	known := w.watched[c.ID]
	if known == nil {
		known = &watched{restarts: full.RestartCount}
		w.watched[c.ID] = known
	}
	known.started, known.settled, known.crashed = "", false, true
	if full.RestartCount-known.restarts >= crashes {
		return "", w.fail(ctx, service, c, fmt.Sprintf("crashes again and again, with %d", full.State.ExitCode))
	}
	return fmt.Sprintf("exited with %d and restarts", full.State.ExitCode), nil
}

func (w *verifier) inspect(ctx context.Context, c container.Summary) (full container.InspectResponse, gone bool, err error) {
	res, err := w.d.engine.client.ContainerInspect(ctx, c.ID, client.ContainerInspectOptions{})
	if errdefs.IsNotFound(err) || err == nil && res.Container.State == nil {
		return full, true, nil
	}
	if err != nil {
		return full, false, w.d.engine.fault(ctx, "verify project "+w.d.project.Name, err)
	}
	return res.Container, false, nil
}

func (w *verifier) tell(service string, c container.Summary, how string) {
	text := fmt.Sprintf("Container %s %s", containerName(c), how)
	if !w.said[text] {
		w.said[text] = true
		say(w.out, rinca.Line{Service: service, Text: text})
	}
}

// fail makes the error of a service that cannot become good.
func (w *verifier) fail(ctx context.Context, service string, c container.Summary, how string) error {
	w.probe(ctx, service, c)
	w.d.engine.lastLines(ctx, c, w.out)
	return rinca.Errorf(rinca.Unavailable, "service %s %s", service, how).
		Try("see its lines: rinca stack logs %s %s", w.d.stack(), service)
}

// stack is what commands of ours call the project.
func (d *deployment) stack() string { return stackOf(d.spec) }

func stackOf(p rinca.Project) string {
	if p.Stack != "" {
		return p.Stack
	}
	return p.Name
}

// probe sends what the last health check said.
func (w *verifier) probe(ctx context.Context, service string, c container.Summary) {
	res, err := w.d.engine.client.ContainerInspect(ctx, c.ID, client.ContainerInspectOptions{})
	if err != nil || res.Container.State == nil || res.Container.State.Health == nil {
		return
	}
	checks := res.Container.State.Health.Log
	if len(checks) == 0 {
		return
	}
	last := checks[len(checks)-1]
	for text := range strings.SplitSeq(strings.TrimSpace(last.Output), "\n") {
		sayf(w.out, service, "health check (%d): %s", last.ExitCode, text)
	}
}

// late makes the error of services that have not become good in time.
func (w *verifier) late(ctx context.Context, timeout time.Duration) error {
	var texts []string
	for service, why := range w.waiting {
		texts = append(texts, "service "+service+" "+why)
		if c, ok := w.last[service]; ok {
			w.probe(ctx, service, c)
			w.d.engine.lastLines(ctx, c, w.out)
		}
	}
	slices.Sort(texts)
	if len(texts) == 0 {
		texts = []string{"server " + w.d.engine.name + " does not answer"}
	}
	return rinca.Errorf(rinca.Unavailable, "not good after %s: %s", timeout, strings.Join(texts, "; ")).
		Try("see its lines: rinca stack logs %s; give it more time: rinca stack set %s --verify-timeout 5m", w.d.stack(), w.d.stack())
}
