package deploy

import (
	"context"
	"io"
	"sync"
	"time"

	"rinca/internal/export"
	"rinca/internal/rinca"
	"rinca/internal/vault"
)

// A Vault is where values come from, and how they are exported. One piece of
// work uses it at a time, so that a budget of requests is kept.
type Vault struct {
	// Open opens the provider that is configured now; Unauthenticated when
	// none is.
	Open func(ctx context.Context) (rinca.Provider, error)
	// Configured reports whether there is one at all.
	Configured func() bool
	// Request has the vault, the destination and the rules of exports.
	Request export.Request
	Now     func() time.Time

	once     sync.Once
	turn     chan struct{} // whose turn it is to use the provider
	mu       sync.Mutex    // of what follows
	provider rinca.Provider
	requests int // of providers that were closed
	exported time.Time
}

// take waits for the turn, or for the end of ctx: what another piece of work
// waits for may be a vault that does not answer.
func (v *Vault) take(ctx context.Context) (release func(), err error) {
	v.once.Do(func() { v.turn = make(chan struct{}, 1) })
	select {
	case v.turn <- struct{}{}:
		return func() { <-v.turn }, nil
	case <-ctx.Done():
		return nil, canceled(ctx)
	}
}

// Reset forgets the provider: what configures it has changed.
func (v *Vault) Reset() {
	release, err := v.take(context.Background())
	if err != nil {
		return // a context that does not end
	}
	defer release()
	v.mu.Lock()
	defer v.mu.Unlock()
	if l, ok := v.provider.(rinca.Limiter); ok {
		v.requests += l.Requests()
	}
	if c, ok := v.provider.(io.Closer); ok {
		_ = c.Close() // nothing is written through it
	}
	v.provider = nil
}

// Requests returns how many requests have been sent to the vault.
func (v *Vault) Requests() int {
	v.mu.Lock()
	defer v.mu.Unlock()
	if l, ok := v.provider.(rinca.Limiter); ok {
		return v.requests + l.Requests()
	}
	return v.requests
}

// ExportedAt returns when an export last went well; zero for never.
func (v *Vault) ExportedAt() time.Time {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.exported
}

// use runs f with the provider.
func (v *Vault) use(ctx context.Context, f func(rinca.Provider) error) error {
	release, err := v.take(ctx)
	if err != nil {
		return err
	}
	defer release()
	v.mu.Lock()
	p := v.provider
	v.mu.Unlock()
	if p == nil {
		if p, err = v.Open(ctx); err != nil {
			return err
		}
		v.mu.Lock()
		v.provider = p
		v.mu.Unlock()
	}
	return f(p)
}

// Resolve returns the values of references.
func (v *Vault) Resolve(ctx context.Context, refs []rinca.SecretRef) (map[rinca.SecretRef]rinca.Secret, error) {
	if len(refs) == 0 {
		return nil, nil
	}
	var out map[rinca.SecretRef]rinca.Secret
	err := v.use(ctx, func(p rinca.Provider) (err error) {
		out, err = (&vault.Resolver{Provider: p, Now: v.Now}).Resolve(ctx, refs)
		return err
	})
	return out, err
}

// PutBack gives exported files the content they had, without asking the vault.
func (v *Vault) PutBack(ctx context.Context, files []export.Saved) error {
	e := &export.Exporter{Now: v.Now, Wait: 10 * time.Second}
	return e.PutBack(context.WithoutCancel(ctx), files) // half of them would be worse
}

// Export exports stacks, or only says what that would do.
func (v *Vault) Export(ctx context.Context, req export.Request, plan bool) (*export.Plan, error) {
	var out *export.Plan
	err := v.use(ctx, func(p rinca.Provider) (err error) {
		e := &export.Exporter{Provider: p, Now: v.Now, Wait: 2 * time.Minute}
		if plan {
			out, err = e.Plan(ctx, req)
		} else {
			out, err = e.Export(ctx, req)
			if err == nil {
				v.mu.Lock()
				v.exported = v.Now()
				v.mu.Unlock()
			}
		}
		return err
	})
	return out, err
}

// Test asks the vault for its vaults, and returns their names.
func (v *Vault) Test(ctx context.Context) ([]string, error) {
	var names []string
	err := v.use(ctx, func(p rinca.Provider) error {
		vaults, err := p.Vaults(ctx)
		for i := range vaults {
			names = append(names, vaults[i].Name)
		}
		return err
	})
	return names, err
}
