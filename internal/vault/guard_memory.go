package vault

import (
	"slices"
	"strings"
	"time"

	"rinca/internal/rinca"
)

// A refusal is an answer that is kept for a moment: not there, or not ours.
type refusal struct {
	err   error
	until time.Time
}

const (
	refusalFor  = 5 * time.Minute
	maxRefusals = 1000
	// listFresh is how long the vault's word counts that nothing has changed.
	listFresh = 10 * time.Second
)

// A guardList is what a vault listed at one content version.
type guardList struct {
	version   int64
	updatedAt time.Time
	items     []rinca.Info
	known     bool // items are those of the version
	// What the vault said last, when, and whether that was made use of.
	saidVersion   int64
	saidUpdatedAt time.Time
	saidAt        time.Time
	used          bool
}

// listed notes what vaults say of themselves. One that has changed may have
// now what it had not.
func (g *Guard) listed(vaults []rinca.Vault) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.lists == nil {
		g.lists = map[string]*guardList{}
	}
	for i := range vaults {
		v := &vaults[i]
		l := g.lists[v.ID]
		if l == nil {
			l = &guardList{}
			g.lists[v.ID] = l
		}
		if l.saidVersion != v.ContentVersion || !l.saidUpdatedAt.Equal(v.UpdatedAt) {
			for key := range g.absent {
				if _, rest, _ := strings.Cut(key, " "); rest == v.ID || strings.HasPrefix(rest, v.ID+" ") {
					delete(g.absent, key)
				}
			}
		}
		l.saidVersion, l.saidUpdatedAt, l.saidAt, l.used = v.ContentVersion, v.UpdatedAt, g.Now(), false
	}
}

// sameItems returns the items of a vault that has just said that it has not
// changed. It does so once: who asks again does so because items moved.
func (g *Guard) sameItems(vaultID string) ([]rinca.Info, bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	l := g.lists[vaultID]
	if l == nil || l.used || !l.known || l.saidVersion == 0 || l.version != l.saidVersion || !l.updatedAt.Equal(l.saidUpdatedAt) {
		return nil, false
	}
	if age := g.Now().Sub(l.saidAt); age < 0 || age > listFresh {
		return nil, false
	}
	l.used = true
	return slices.Clone(l.items), true
}

func (g *Guard) keepItems(vaultID string, items []rinca.Info) {
	g.mu.Lock()
	defer g.mu.Unlock()
	l := g.lists[vaultID]
	if l == nil {
		return
	}
	// A list that is newer than the version is taken for the older one: the
	// next version differs, and it is asked for again.
	l.known, l.version, l.updatedAt, l.items, l.used = true, l.saidVersion, l.saidUpdatedAt, slices.Clone(items), true
}

// forget drops what is known of items, after a write of our own.
func (g *Guard) forget() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.lists, g.absent = nil, nil
}

func (g *Guard) refused(key string) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	r, ok := g.absent[key]
	if !ok || !g.Now().Before(r.until) {
		delete(g.absent, key)
		return nil
	}
	return r.err
}

// remember keeps that something is not there, and forgets that when it is.
func (g *Guard) remember(key string, err error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	switch rinca.CodeOf(err) {
	case rinca.NotFound, rinca.Forbidden:
	default:
		delete(g.absent, key)
		return
	}
	if g.absent == nil || len(g.absent) >= maxRefusals {
		g.absent = map[string]refusal{}
	}
	g.absent[key] = refusal{err, g.Now().Add(refusalFor)}
}

// A breaker leaves a vault alone that has failed several times in a row.
type breaker struct {
	failures int
	tries    int       // of background work, in vain, since it is open
	since    time.Time // of the first failure
	open     bool
	retryAt  time.Time
	last     error
}

const (
	breakAfter = 3
	retryFirst = 30 * time.Second
	retryMost  = 15 * time.Minute
)

// closed returns an error for background work while the breaker is open.
// Every now and then one is let through, to see; people always are.
func (g *Guard) closed(background bool) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	b := &g.breaker
	if !b.open || !background {
		return nil
	}
	now := g.Now()
	wait := b.pause()
	if now.Before(b.retryAt) && b.retryAt.Sub(now) <= wait { // else the clock was set back
		return rinca.Errorf(rinca.CodeOf(b.last), "the vault is left alone until %s, after %d failures: %w", b.retryAt.Format("15:04:05"), b.failures, b.last).
			Try("rinca provider --server; a person's command asks it at once")
	}
	b.retryAt = now.Add(wait)
	return nil
}

// pause is how long the vault is left alone: longer with every try in vain.
// What people ask for meanwhile does not count: they would lengthen it.
func (b *breaker) pause() time.Duration {
	wait := retryFirst
	for i := 0; i < b.tries && wait < retryMost; i++ {
		wait *= 2
	}
	return min(wait, retryMost)
}

// answered notes how the vault has answered.
func (g *Guard) answered(err error, background bool) {
	code := rinca.CodeOf(err)
	g.mu.Lock()
	b := &g.breaker
	was := b.open
	switch code {
	case rinca.Unauthenticated, rinca.RateLimited, rinca.Unavailable:
		if b.failures == 0 {
			b.since = g.Now()
		}
		b.failures++
		b.last = err
		switch {
		case b.failures < breakAfter:
		case !b.open:
			b.open = true
			b.retryAt = g.Now().Add(b.pause())
		case background:
			b.tries++
			b.retryAt = g.Now().Add(b.pause())
		}
	case rinca.Canceled, rinca.Internal:
		// it says nothing of the vault
	default:
		g.breaker = breaker{}
	}
	now := g.breaker
	g.mu.Unlock()
	if g.Tell == nil || was == now.open {
		return
	}
	a := rinca.Alert{Type: rinca.AlertVaultUnreachable, Target: rinca.Target{Kind: rinca.KindSystem}, Level: rinca.AlertCritical, Resolved: !now.open}
	a.Message = "the vault cannot be used"
	if now.last != nil {
		a.Message, a.Hint = "the vault cannot be used: "+now.last.Error(), rinca.HintOf(now.last)
	}
	g.Tell(a)
}

// Breaker says whether the vault is left alone.
func (g *Guard) Breaker() rinca.VaultBreaker {
	g.mu.Lock()
	defer g.mu.Unlock()
	b := &g.breaker
	out := rinca.VaultBreaker{Open: b.open, Failures: b.failures}
	if b.failures > 0 {
		out.Since, out.Error = b.since.UTC(), b.last.Error()
	}
	if b.open {
		out.RetryAt = b.retryAt.UTC()
	}
	return out
}
