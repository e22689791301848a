package deploy

import (
	"context"
	"encoding/json"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"rinca/internal/rinca"
)

// States returns how every stack is: one request for each server.
func (d *Deployer) States(ctx context.Context) (map[string]rinca.StackState, error) {
	stacks, err := d.DB.Stacks(ctx)
	if err != nil {
		return nil, err
	}
	byServer := map[string][]*rinca.Stack{}
	for i := range stacks {
		s := &stacks[i]
		byServer[s.ServerName()] = append(byServer[s.ServerName()], s)
	}
	out := make(map[string]rinca.StackState, len(stacks))
	results := make(chan map[string]rinca.StackState, len(byServer))
	var g errgroup.Group
	g.SetLimit(8)
	for server, list := range byServer {
		g.Go(func() error {
			results <- d.statesOn(ctx, server, list)
			return nil
		})
	}
	_ = g.Wait() // a server that does not answer is a state, not an error
	close(results)
	for r := range results {
		for name, s := range r {
			out[name] = s
		}
	}
	return out, nil
}

func (d *Deployer) statesOn(ctx context.Context, server string, stacks []*rinca.Stack) map[string]rinca.StackState {
	out := map[string]rinca.StackState{}
	var projects []string
	for _, s := range stacks {
		projects = append(projects, s.ProjectName())
	}
	states, err := d.serverStates(ctx, server, projects)
	for _, s := range stacks {
		state, ok := states[s.ProjectName()]
		switch {
		case err != nil:
			state = rinca.StackState{Status: rinca.StatusUnknown, Error: err.Error()}
		case !ok:
			state.Status = rinca.StatusDown
		}
		state.At = d.Now().UTC()
		out[s.Name] = d.maskState(state)
	}
	return out
}

func (d *Deployer) serverStates(ctx context.Context, server string, projects []string) (map[string]rinca.StackState, error) {
	engine, err := d.Engines.Get(ctx, server)
	if err != nil {
		return nil, err
	}
	return engine.States(ctx, projects...)
}

// State returns how one stack is.
func (d *Deployer) State(ctx context.Context, name string) (rinca.StackState, error) {
	s, err := d.DB.Stack(ctx, name)
	if err != nil {
		return rinca.StackState{}, err
	}
	return d.statesOn(ctx, s.ServerName(), []*rinca.Stack{&s})[s.Name], nil
}

// Logs sends what the stack's containers print, masked.
func (d *Deployer) Logs(ctx context.Context, name string, o rinca.LogOptions, out rinca.Output) error {
	s, err := d.DB.Stack(ctx, name)
	if err != nil {
		return err
	}
	engine, err := d.Engines.Get(ctx, s.ServerName())
	if err != nil {
		return err
	}
	return engine.Logs(ctx, s.ProjectName(), o, func(l rinca.Line) {
		l.Text = d.Known.Masker().String(l.Text)
		out(l)
	})
}

// Operate starts, stops, restarts or destroys a stack's containers.
func (d *Deployer) Operate(ctx context.Context, name string, op rinca.Operation, rec *Record) error {
	s, err := d.DB.Stack(ctx, name)
	if err != nil {
		return err
	}
	return rec.Stage(ctx, strings.ToUpper(op.Kind[:1])+op.Kind[1:], func(ctx context.Context) (string, error) {
		engine, err := d.Engines.Get(ctx, s.ServerName())
		if err != nil {
			return "", err
		}
		return "", engine.Operate(ctx, s.ProjectName(), op, rec.Line)
	})
}

// Pull fetches the images of a stack, or of some of its services, and deploys
// nothing.
func (d *Deployer) Pull(ctx context.Context, name string, services []string, rec *Record) error {
	j, err := d.newJob(ctx, Options{Stack: name, SkipSecrets: true}, rec)
	if err != nil {
		return err
	}
	j.planning = true
	for _, s := range []struct {
		name string
		run  func(context.Context) (string, error)
	}{
		{"Source", j.source},
		{"Interpolate", j.interpolate},
		{"Secrets", j.secrets},
		{"Load", j.load},
		{"Pull", func(ctx context.Context) (string, error) { return "", j.dep.Pull(ctx, false, rec.Line, services...) }},
	} {
		if err := rec.Stage(ctx, s.name, s.run); err != nil {
			return err
		}
	}
	return nil
}

// Watch looks at every stack, now and every interval, and publishes those
// whose status has changed, until ctx ends.
func (d *Deployer) Watch(ctx context.Context, interval time.Duration) {
	last := map[string]rinca.StackStatus{}
	for {
		states, err := d.States(ctx)
		if err != nil && ctx.Err() == nil {
			d.Log.Error("look at the stacks", "error", err)
		}
		for name, s := range states {
			if last[name] == s.Status {
				continue
			}
			last[name] = s.Status
			data, err := json.Marshal(s)
			if err != nil {
				continue // a state of text, numbers and times is always encoded
			}
			d.Hub.Publish(rinca.Event{Type: "stack", Target: rinca.Target{Kind: rinca.KindStack, Name: name}, Data: data})
		}
		t := time.NewTimer(interval)
		select {
		case <-ctx.Done():
			t.Stop()
			return
		case <-t.C:
		}
	}
}

// Sweep removes mirrors of repositories that nothing names any more, every
// interval, until ctx ends.
func (d *Deployer) Sweep(ctx context.Context, interval time.Duration) {
	t := time.NewTicker(interval)
	defer t.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-t.C:
		}
		keep, err := d.sources(ctx)
		if err != nil {
			d.Log.Error("list the sources", "error", err)
			continue
		}
		if err := d.Mirrors.Sweep(ctx, keep); err != nil {
			d.Log.Error("remove old mirrors", "error", err)
		}
	}
}

// sources lists where files may come from: what stacks, resource syncs and
// repos name, and what stacks would go back to, which may be from elsewhere.
func (d *Deployer) sources(ctx context.Context) ([]rinca.Source, error) {
	stacks, err := d.DB.Stacks(ctx)
	if err != nil {
		return nil, err
	}
	syncs, err := d.DB.Syncs(ctx)
	if err != nil {
		return nil, err
	}
	repos, err := d.DB.Repos(ctx) // what is linked takes its source from them
	if err != nil {
		return nil, err
	}
	var out []rinca.Source
	for i := range stacks {
		out = append(out, stacks[i].Source)
		if g, err := d.goodGeneration(ctx, stacks[i].Name); err == nil {
			out = append(out, g.Stack.Source)
		}
	}
	for i := range syncs {
		out = append(out, syncs[i].Source)
	}
	for i := range repos {
		out = append(out, repos[i].Source)
	}
	return out, nil
}
