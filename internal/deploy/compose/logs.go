package compose

import (
	"context"
	"errors"
	"io"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/containerd/errdefs"
	"github.com/docker/compose/v5/pkg/api"
	"github.com/moby/moby/api/pkg/stdcopy"
	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/api/types/events"
	"github.com/moby/moby/client"

	"rinca/internal/rinca"
)

// Logs sends what the containers of a project print; with Follow, also of
// those that start later. Each container has a reader of its own.
func (e *Engine) Logs(ctx context.Context, project string, o rinca.LogOptions, out rinca.Output) error {
	f := &follower{e: e, o: o, out: out, seen: map[string]bool{}, last: map[string]time.Time{}}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var started client.EventsResult
	if o.Follow {
		// Listen before looking: nothing that starts in between is missed.
		started = e.client.Events(ctx, client.EventsListOptions{Filters: make(client.Filters).
			Add("type", "container").Add("event", "start").Add("label", api.ProjectLabel+"="+project)})
	}
	list, err := e.mine(ctx, project)
	if err != nil {
		return e.fault(ctx, "read logs of "+project, err)
	}
	slices.SortFunc(list, func(a, b container.Summary) int { return strings.Compare(containerName(a), containerName(b)) })
	for _, c := range list {
		f.follow(ctx, c.ID, c.Labels[api.ServiceLabel])
	}
	if !o.Follow {
		f.wait.Wait()
		return f.failure(ctx, project)
	}
	err = f.attend(ctx, started)
	cancel()
	f.wait.Wait()
	if err != nil {
		return e.fault(ctx, "read logs of "+project, err)
	}
	return nil
}

// A follower reads several containers.
type follower struct {
	e    *Engine
	o    rinca.LogOptions
	out  rinca.Output
	wait sync.WaitGroup
	mu   sync.Mutex
	seen map[string]bool      // that are read now
	last map[string]time.Time // when the last line of one was that has been read
	err  error
}

// attend reads containers that start, until ctx ends.
func (f *follower) attend(ctx context.Context, started client.EventsResult) error {
	for {
		select {
		case <-ctx.Done():
			return nil
		case err := <-started.Err:
			if ctx.Err() != nil || errors.Is(err, io.EOF) {
				return nil
			}
			return err
		case m := <-started.Messages:
			f.restarted(ctx, m)
		}
	}
}

func (f *follower) restarted(ctx context.Context, m events.Message) {
	service := m.Actor.Attributes[api.ServiceLabel]
	if service == "" || m.Actor.Attributes[api.OneoffLabel] == "True" {
		return
	}
	f.mu.Lock()
	reading, last := f.seen[m.Actor.ID], f.last[m.Actor.ID]
	f.mu.Unlock()
	if reading {
		return
	}
	// All of it, since it is new, or what comes after what has been read.
	f.o.Tail, f.o.Since = 0, last
	if !last.IsZero() {
		f.o.Since = last.Add(time.Nanosecond)
	}
	f.follow(ctx, m.Actor.ID, service)
}

func (f *follower) follow(ctx context.Context, id, service string) {
	if len(f.o.Services) > 0 && !slices.Contains(f.o.Services, service) {
		return
	}
	f.mu.Lock()
	f.seen[id] = true
	f.mu.Unlock()
	options := f.o
	f.wait.Go(func() {
		var last time.Time
		err := f.e.read(ctx, id, service, options, func(l rinca.Line) {
			if l.At.After(last) {
				last = l.At
			}
			say(f.out, l)
		})
		f.mu.Lock()
		defer f.mu.Unlock()
		delete(f.seen, id)
		f.last[id] = last
		if err != nil && f.err == nil && ctx.Err() == nil && !errdefs.IsNotFound(err) {
			f.err = err
		}
	})
}

func (f *follower) failure(ctx context.Context, project string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.err == nil && ctx.Err() != nil {
		f.err = ctx.Err()
	}
	if f.err == nil {
		return nil
	}
	return f.e.fault(ctx, "read logs of "+project, f.err)
}

// read sends the lines of one container.
func (e *Engine) read(ctx context.Context, id, service string, o rinca.LogOptions, out rinca.Output) error {
	inspected, err := e.client.ContainerInspect(ctx, id, client.ContainerInspectOptions{})
	if err != nil {
		return err
	}
	options := client.ContainerLogsOptions{ShowStdout: true, ShowStderr: true, Timestamps: true, Follow: o.Follow, Tail: "all"}
	if o.Tail > 0 {
		options.Tail = strconv.Itoa(o.Tail)
	}
	if !o.Since.IsZero() {
		options.Since = o.Since.UTC().Format(time.RFC3339Nano)
	}
	res, err := e.client.ContainerLogs(ctx, id, options)
	if err != nil {
		return err
	}
	defer res.Close()
	stream := func(name string) *lineWriter {
		return &lineWriter{each: func(text string) { say(out, logLine(service, name, text, o.Timestamps)) }}
	}
	stdout, stderr := stream("out"), stream("err")
	if inspected.Container.Config != nil && inspected.Container.Config.Tty {
		_, err = io.Copy(stdout, res)
	} else {
		_, err = stdcopy.StdCopy(stdout, stderr, res)
	}
	stdout.close()
	stderr.close()
	if errors.Is(err, io.ErrUnexpectedEOF) {
		err = nil // the container ended while a line was on its way
	}
	return err
}

// logLine takes the engine's time off a line.
func logLine(service, stream, text string, keep bool) rinca.Line {
	l := rinca.Line{Service: service, Stream: stream, Text: text}
	stamp, rest, ok := strings.Cut(text, " ")
	at, err := time.Parse(time.RFC3339Nano, stamp)
	if !ok && err != nil || err != nil {
		return l // a piece of a long line
	}
	l.At = at
	if !keep {
		l.Text = rest
	}
	return l
}

// tail is how many lines of a failed container are shown.
const tail = 20

// lastLines sends the last lines that a container printed; failing to is no
// failure.
func (e *Engine) lastLines(ctx context.Context, c container.Summary, out rinca.Output) {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	service := c.Labels[api.ServiceLabel]
	sayf(out, service, "The last lines of %s:", containerName(c))
	_ = e.read(ctx, c.ID, service, rinca.LogOptions{Tail: tail}, out)
}
