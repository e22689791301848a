package deploy

import (
	"context"
	"sync"

	"rinca/internal/git"
	"rinca/internal/rinca"
)

// A Pass is one look at many stacks. What the plan of one has asked engines
// and Git servers, the others need not ask again.
type Pass struct {
	mu      sync.Mutex
	engines map[rinca.Engine]rinca.Engine
	fetched map[fetchKey]*fetching
}

// fetchKey is what a fetch depends on.
type fetchKey struct{ repo, account, branch, tag, commit string }

// A fetching is a fetch that has been made, or is being made.
type fetching struct {
	mu   sync.Mutex
	done bool
	git.Fetched
}

// NewPass begins a pass.
func NewPass() *Pass {
	return &Pass{engines: map[rinca.Engine]rinca.Engine{}, fetched: map[fetchKey]*fetching{}}
}

// engine returns an engine that keeps for a moment what it was told. Without
// a pass it is the engine itself.
func (p *Pass) engine(e rinca.Engine) rinca.Engine {
	g, ok := e.(interface{ Glance() rinca.Engine })
	if p == nil || !ok {
		return e
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.engines[e] == nil {
		p.engines[e] = g.Glance()
	}
	return p.engines[e]
}

// fetch asks each source once; one that fails is asked again.
func (p *Pass) fetch(ctx context.Context, m *git.Mirrors, r git.Request) (git.Fetched, error) {
	if p == nil {
		return m.Fetch(ctx, r)
	}
	s := r.Source
	key := fetchKey{s.Repo, s.Account, s.Branch, s.Tag, s.Commit}
	p.mu.Lock()
	f := p.fetched[key]
	if f == nil {
		f = &fetching{}
		p.fetched[key] = f
	}
	p.mu.Unlock()
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.done {
		return f.Fetched, nil
	}
	got, err := m.Fetch(ctx, r)
	f.Fetched, f.done = got, err == nil
	return got, err
}
