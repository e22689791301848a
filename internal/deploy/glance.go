package deploy

import (
	"context"
	"sync"

	"rinca/internal/rinca"
)

// A glance is a provider for one look: the vaults are listed once, and who
// lists items is remembered, so that a version needs no second request.
type glance struct {
	rinca.Provider

	mu     sync.Mutex
	vaults []rinca.Vault
	listed bool
	items  map[string][]rinca.Info // by vault id
	fresh  map[string]bool         // lists that nobody has used yet
	asked  int                     // lists and fetches, for a provider that does not count
	allow  func(requests int) error
}

// glanceAt begins a look.
func glanceAt(p rinca.Provider) *glance {
	return &glance{Provider: p, items: map[string][]rinca.Info{}, fresh: map[string]bool{}}
}

// pay asks for leave, for a provider that does not ask itself.
func (g *glance) pay(requests int) error {
	g.mu.Lock()
	allow := g.allow
	g.asked += requests
	g.mu.Unlock()
	if allow == nil {
		return nil
	}
	return allow(requests)
}

// Vaults asks once.
func (g *glance) Vaults(ctx context.Context) ([]rinca.Vault, error) {
	if g.listed { // one goroutine lists
		return g.vaults, nil
	}
	if err := g.pay(1); err != nil {
		return nil, err
	}
	vaults, err := g.Provider.Vaults(ctx)
	if err == nil {
		g.vaults, g.listed = vaults, true
	}
	return vaults, err
}

// Items remembers the newest list. One that was asked for by known, and not
// been used otherwise, is that.
func (g *glance) Items(ctx context.Context, vaultID string) ([]rinca.Info, error) {
	g.mu.Lock()
	infos, fresh := g.items[vaultID], g.fresh[vaultID]
	delete(g.fresh, vaultID)
	g.mu.Unlock()
	if fresh {
		return infos, nil
	}
	return g.list(ctx, vaultID)
}

func (g *glance) list(ctx context.Context, vaultID string) ([]rinca.Info, error) {
	if err := g.pay(1); err != nil {
		return nil, err
	}
	infos, err := g.Provider.Items(ctx, vaultID)
	g.mu.Lock()
	defer g.mu.Unlock()
	if err == nil {
		g.items[vaultID] = infos
	}
	return infos, err
}

// Get counts.
func (g *glance) Get(ctx context.Context, vaultID string, ids ...string) ([]rinca.Item, error) {
	if err := g.pay(len(ids)); err != nil {
		return nil, err
	}
	return g.Provider.Get(ctx, vaultID, ids...)
}

// known returns the items of a vault: as they were listed, or listed now.
func (g *glance) known(ctx context.Context, vaultID string) ([]rinca.Info, error) {
	g.mu.Lock()
	infos, ok := g.items[vaultID]
	g.mu.Unlock()
	if ok {
		return infos, nil
	}
	infos, err := g.list(ctx, vaultID)
	if err == nil {
		g.mu.Lock()
		g.fresh[vaultID] = true
		g.mu.Unlock()
	}
	return infos, err
}

// Requests is rinca.Limiter.
func (g *glance) Requests() int {
	if l, ok := g.Provider.(rinca.Limiter); ok {
		return l.Requests()
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.asked
}

// Gate is rinca.Gated, for a provider that can be.
func (g *glance) Gate(allow func(requests int) error) {
	if gated, ok := g.Provider.(rinca.Gated); ok {
		gated.Gate(allow)
		return
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	g.allow = allow
}
