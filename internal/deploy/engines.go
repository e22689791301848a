package deploy

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"rinca/internal/rinca"
)

// Engines keeps one engine for each server, and what is known of it.
type Engines struct {
	// List returns the servers; Local is the address of the one that is
	// always there, unless List has one of that name.
	List  func(ctx context.Context) ([]rinca.Server, error)
	Local string
	Open  func(ctx context.Context, s rinca.Server) (rinca.Engine, error)
	Now   func() time.Time
	Log   *slog.Logger
	// Changed is told when a server becomes reachable, or stops being it.
	Changed func(server string, s rinca.ServerState)

	mu   sync.Mutex
	open map[string]*endpoint
}

type endpoint struct {
	server rinca.Server
	engine rinca.Engine
	state  rinca.ServerState
}

// Servers returns every server, the local one among them.
func (e *Engines) Servers(ctx context.Context) ([]rinca.Server, error) {
	servers, err := e.List(ctx)
	if err != nil {
		return nil, err
	}
	for _, s := range servers {
		if s.Name == rinca.LocalServer {
			return servers, nil
		}
	}
	return append([]rinca.Server{{Name: rinca.LocalServer, Address: e.Local}}, servers...), nil
}

// Server returns one server by its name.
func (e *Engines) Server(ctx context.Context, name string) (rinca.Server, error) {
	servers, err := e.Servers(ctx)
	if err != nil {
		return rinca.Server{}, err
	}
	for _, s := range servers {
		if s.Name == name {
			return s, nil
		}
	}
	return rinca.Server{}, rinca.Errorf(rinca.NotFound, "no server is named %q", name).Try("rinca server list")
}

// Get returns the engine of a server. It need not be reachable.
func (e *Engines) Get(ctx context.Context, name string) (rinca.Engine, error) {
	s, err := e.Server(ctx, name)
	if err != nil {
		return nil, err
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if p := e.open[name]; p != nil {
		if same(p.server, s) {
			return p.engine, nil
		}
		_ = p.engine.Close() // its replacement is what matters
		delete(e.open, name)
	}
	engine, err := e.Open(ctx, s)
	if err != nil {
		return nil, err
	}
	if e.open == nil {
		e.open = map[string]*endpoint{}
	}
	e.open[name] = &endpoint{server: s, engine: engine}
	return engine, nil
}

func same(a, b rinca.Server) bool {
	return a.Address == b.Address && a.CA == b.CA && a.Cert == b.Cert && a.Key.Equal(b.Key) &&
		a.SSHKey.Equal(b.SSHKey) && a.KnownHosts == b.KnownHosts
}

// State returns what is known of a server, without asking it.
func (e *Engines) State(name string) rinca.ServerState {
	e.mu.Lock()
	defer e.mu.Unlock()
	if p := e.open[name]; p != nil {
		return p.state
	}
	return rinca.ServerState{}
}

// Check asks a server how it is, within a few seconds.
func (e *Engines) Check(ctx context.Context, name string) rinca.ServerState {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	now := e.Now().UTC()
	engine, err := e.Get(ctx, name)
	var info rinca.EngineInfo
	if err == nil {
		info, err = engine.Info(ctx)
	}
	s := rinca.ServerState{
		Reachable: err == nil, Since: now, CheckedAt: now,
		Version: info.Version, APIVersion: info.APIVersion, OS: info.OS, Containers: info.Containers,
	}
	if err != nil {
		s.Error = err.Error()
	}
	e.mu.Lock()
	p := e.open[name]
	changed := true
	if p != nil {
		if before := p.state; !before.CheckedAt.IsZero() && before.Reachable == s.Reachable {
			s.Since, changed = before.Since, false
		}
		p.state = s
	}
	e.mu.Unlock()
	if changed && e.Changed != nil {
		e.Changed(name, s)
	}
	return s
}

// Try opens a server that is not kept, and asks it who it is.
func (e *Engines) Try(ctx context.Context, s rinca.Server) (rinca.EngineInfo, error) {
	ctx, cancel := context.WithTimeout(ctx, 15*time.Second)
	defer cancel()
	engine, err := e.Open(ctx, s)
	if err != nil {
		return rinca.EngineInfo{}, err
	}
	info, err := engine.Info(ctx)
	return info, errors.Join(err, engine.Close())
}

// Watch asks every server how it is, now and every interval, until ctx ends.
func (e *Engines) Watch(ctx context.Context, interval time.Duration) {
	for {
		servers, err := e.Servers(ctx)
		if err != nil && ctx.Err() == nil {
			e.Log.Error("list servers", "error", err)
		}
		var g errgroup.Group
		g.SetLimit(8)
		for _, s := range servers {
			g.Go(func() error {
				e.Check(ctx, s.Name)
				return nil
			})
		}
		_ = g.Wait() // each result is in the server's state
		t := time.NewTimer(interval)
		select {
		case <-ctx.Done():
			t.Stop()
			return
		case <-t.C:
		}
	}
}

// Close ends every connection.
func (e *Engines) Close() {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, p := range e.open {
		_ = p.engine.Close() // we are leaving
	}
	e.open = nil
}
