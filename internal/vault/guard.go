package vault

import (
	"context"
	"errors"
	"io"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"rinca/internal/rinca"
)

// A Guard keeps a server within what its vault allows: it counts requests
// against the limits, keeps a part of them for people, remembers what does not
// exist, and leaves a vault alone that does not answer. It outlives the
// providers that it guards.
type Guard struct {
	Now func() time.Time
	// Tell is told about the budget and about a vault that is out of reach,
	// and when each is well again. nil tells nobody.
	Tell func(rinca.Alert)

	mu      sync.Mutex
	limits  Limits
	token   *Ledger // by the hour
	account *Ledger // by the day
	breaker breaker
	absent  map[string]refusal    // what does not exist, or is not ours to see
	lists   map[string]*guardList // items, by vault
	low     bool
}

// reservePart is the share of a budget that only people may use: one in ten.
const reservePart = 10

// reserve is the part of a budget that is for people.
func reserve(b Budget) Budget { return Budget{Hour: b.Hour / reservePart, Day: b.Day / reservePart} }

// Use says which limits and which counts hold from here on: those of another
// token or account than before.
func (g *Guard) Use(limits Limits, token, account *Ledger) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.limits, g.token, g.account = limits, token, account
	g.absent, g.lists, g.breaker = nil, nil, breaker{}
}

// Count counts requests that somebody has sent past the guard.
func (g *Guard) Count(requests int) error { return g.allow(requests, false) }

// allow counts requests that are about to be sent, or refuses them.
func (g *Guard) allow(requests int, background bool) error {
	g.mu.Lock()
	limits, token, account := g.limits, g.token, g.account
	g.mu.Unlock()
	if token == nil || account == nil {
		return nil
	}
	err := g.count(token, limits.Token, requests, background, limits.Assumed)
	if err == nil {
		if err = g.count(account, limits.Account, requests, background, limits.Assumed); err != nil {
			token.refund(requests)
		}
	}
	g.tellBudget()
	return err
}

func (g *Guard) count(l *Ledger, b Budget, requests int, background, assumed bool) error {
	if !background {
		err := l.allow(requests, Budget{}, assumed || !b.Limited())
		if rinca.CodeOf(err) == rinca.RateLimited {
			return rinca.Errorf(rinca.RateLimited, "%w", err).Try("rinca provider --server shows the budget; RINCA_VAULT_PLAN or RINCA_VAULT_BUDGET raises it")
		}
		return err
	}
	err := l.allow(requests, reserve(b), !b.Limited())
	if rinca.CodeOf(err) == rinca.RateLimited {
		l.mu.Lock()
		at := l.next(requests, reserve(b))
		l.mu.Unlock()
		return rinca.Errorf(rinca.RateLimited, "what is left of the budget of %s requests to the vault is kept for people; background work goes on at %s", b, at.Format("15:04")).
			Try("rinca provider --server shows the budget; RINCA_VAULT_PLAN or RINCA_VAULT_BUDGET raises it")
	}
	return err
}

// tellBudget raises the alert about a budget that is nearly used up, and
// resolves it when there is room again.
func (g *Guard) tellBudget() {
	left, what := 1.0, ""
	for _, b := range g.Budgets() {
		if b.Limit == 0 {
			continue
		}
		if part := float64(b.Left) / float64(b.Limit); part < left {
			left, what = part, b.Window
		}
	}
	g.mu.Lock()
	was := g.low
	if left < 0.2 {
		g.low = true
	} else if left > 0.3 {
		g.low = false
	}
	now := g.low
	g.mu.Unlock()
	if g.Tell == nil || was == now {
		return
	}
	a := rinca.Alert{Type: rinca.AlertVaultBudgetLow, Target: rinca.Target{Kind: rinca.KindSystem}, Level: rinca.AlertWarning, Resolved: !now}
	a.Message = "less than a fifth is left of the requests that the vault takes"
	if what != "" {
		a.Message += " in one " + what
	}
	a.Hint = "rinca provider --server"
	g.Tell(a)
}

// Budgets say how much of each limit is used.
func (g *Guard) Budgets() []rinca.VaultBudget {
	g.mu.Lock()
	limits, token, account := g.limits, g.token, g.account
	g.mu.Unlock()
	if token == nil || account == nil {
		return nil
	}
	hour, _ := token.used()
	_, day := account.used()
	out := []rinca.VaultBudget{
		{Scope: "token", Window: "hour", Limit: limits.Token.Hour, Used: hour},
		{Scope: "account", Window: "day", Limit: limits.Account.Day, Used: day},
	}
	for i, l := range []*Ledger{token, account} {
		b := &out[i]
		if b.Limit == 0 {
			continue
		}
		b.Left, b.Reserve = max(b.Limit-b.Used, 0), b.Limit/reservePart
		if b.Left <= b.Reserve {
			l.mu.Lock()
			b.NextAt = l.next(1, reserve(l.budget)).UTC()
			l.mu.Unlock()
		}
	}
	return out
}

// Plan says which limits hold.
func (g *Guard) Plan() Limits {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.limits
}

// MinInterval is the shortest time between two looks of a watch that leaves
// half of what background work may still send to others; 0 for no limit. The
// less is left, the longer it is.
func (g *Guard) MinInterval() time.Duration {
	var out time.Duration
	now := g.Now()
	for _, b := range g.Budgets() {
		if b.Limit == 0 {
			continue
		}
		window := time.Hour
		if b.Window == "day" {
			window = 24 * time.Hour
		}
		room := (b.Left - b.Reserve) / 2
		every := window
		if room > 0 {
			every = window / time.Duration(room)
		} else if !b.NextAt.IsZero() {
			every = max(b.NextAt.Sub(now), time.Minute)
		}
		out = max(out, every)
	}
	return out
}

// Wrap returns a provider that asks the guard first. It can do what p can.
func (g *Guard) Wrap(p rinca.Provider) rinca.Provider {
	out := &guarded{Guard: g, p: p}
	if gated, ok := p.(rinca.Gated); ok {
		out.gated = true
		gated.Gate(out.leave)
	}
	if w, ok := p.(rinca.Writer); ok {
		return &guardedWriter{out, w}
	}
	return out
}

// A guarded provider belongs to one piece of work at a time, as a Gated one
// does.
type guarded struct {
	*Guard
	p     rinca.Provider
	gated bool // it asks before each request itself
	calls atomic.Int64

	mu         sync.Mutex
	outer      func(int) error
	background bool
	refusal    error // the last one of our own
}

// Requests returns how many requests have been sent.
func (c *guarded) Requests() int {
	if l, ok := c.p.(rinca.Limiter); ok {
		return l.Requests()
	}
	return int(c.calls.Load())
}

// Gate sets who else is asked before requests are sent.
func (c *guarded) Gate(allow func(requests int) error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.outer = allow
}

// Close ends connections, where the provider has any.
func (c *guarded) Close() error {
	if closer, ok := c.p.(io.Closer); ok {
		return closer.Close()
	}
	return nil
}

// leave is asked before requests are sent.
func (c *guarded) leave(requests int) error {
	c.mu.Lock()
	outer, background := c.outer, c.background
	c.mu.Unlock()
	var err error
	if outer != nil {
		err = outer(requests)
	}
	if err == nil {
		err = c.Guard.allow(requests, background)
	}
	if err != nil {
		c.mu.Lock()
		c.refusal = err
		c.mu.Unlock()
	}
	return err
}

// call sends what takes so many requests, unless the guard is against it.
func (c *guarded) call(ctx context.Context, requests int, send func() error) error {
	background := IsBackground(ctx)
	c.mu.Lock()
	c.background = background
	c.mu.Unlock()
	if err := c.Guard.closed(background); err != nil {
		return err
	}
	if !c.gated {
		if err := c.leave(requests); err != nil {
			return err
		}
		c.calls.Add(int64(requests))
	}
	err := send()
	c.mu.Lock()
	ours := err != nil && c.refusal != nil && errors.Is(err, c.refusal)
	c.mu.Unlock()
	if !ours { // else it is no answer of the vault
		c.Guard.answered(err, background)
	}
	return err
}

// Vaults lists the vaults.
func (c *guarded) Vaults(ctx context.Context) (out []rinca.Vault, err error) {
	err = c.call(ctx, 1, func() (err error) {
		out, err = c.p.Vaults(ctx)
		return err
	})
	if err == nil {
		c.Guard.listed(out)
	}
	return out, err
}

// Items lists the items of a vault. The list of before is taken once where
// the vault has just said that nothing in it has changed.
func (c *guarded) Items(ctx context.Context, vaultID string) (out []rinca.Info, err error) {
	if kept, ok := c.Guard.sameItems(vaultID); ok {
		return kept, nil
	}
	err = c.remembered(ctx, "items "+vaultID, 1, func() (err error) {
		out, err = c.p.Items(ctx, vaultID)
		return err
	})
	if err == nil {
		c.Guard.keepItems(vaultID, out)
	}
	return out, err
}

// Get fetches items.
func (c *guarded) Get(ctx context.Context, vaultID string, ids ...string) (out []rinca.Item, err error) {
	err = c.remembered(ctx, "get "+vaultID+" "+strings.Join(ids, " "), max(len(ids), 1), func() (err error) {
		out, err = c.p.Get(ctx, vaultID, ids...)
		return err
	})
	return out, err
}

// ReadFile returns the content of an attachment.
func (c *guarded) ReadFile(ctx context.Context, vaultID, itemID, fileID string) (out rinca.Secret, err error) {
	err = c.remembered(ctx, "file "+vaultID+" "+itemID+" "+fileID, 1, func() (err error) {
		out, err = c.p.ReadFile(ctx, vaultID, itemID, fileID)
		return err
	})
	return out, err
}

// remembered answers background work from memory when the same was refused a
// moment ago.
func (c *guarded) remembered(ctx context.Context, key string, requests int, send func() error) error {
	if IsBackground(ctx) {
		if err := c.Guard.refused(key); err != nil {
			return err
		}
	}
	err := c.call(ctx, requests, send)
	c.Guard.remember(key, err)
	return err
}

// guardedWriter can write, too.
type guardedWriter struct {
	*guarded
	w rinca.Writer
}

// Create adds an item.
func (c *guardedWriter) Create(ctx context.Context, item rinca.Item) (out rinca.Item, err error) {
	defer c.Guard.forget()
	err = c.call(ctx, 1, func() (err error) {
		out, err = c.w.Create(ctx, item)
		return err
	})
	return out, err
}

// Update replaces an item.
func (c *guardedWriter) Update(ctx context.Context, item rinca.Item) (out rinca.Item, err error) {
	defer c.Guard.forget()
	err = c.call(ctx, 1, func() (err error) {
		out, err = c.w.Update(ctx, item)
		return err
	})
	return out, err
}

// Delete removes an item.
func (c *guardedWriter) Delete(ctx context.Context, vaultID, itemID string) error {
	defer c.Guard.forget()
	return c.call(ctx, 1, func() error { return c.w.Delete(ctx, vaultID, itemID) })
}
