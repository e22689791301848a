package auth

import (
	"net/netip"
	"sync"
	"time"
)

// A limiter slows down who guesses: after a number of failures each further
// one doubles the time before the next attempt is heard. It remembers a
// bounded number of names.
type limiter struct {
	free  int           // failures without a delay
	first time.Duration // the first delay
	most  time.Duration // the longest delay
	keep  time.Duration // a name without failures for so long is forgotten
	size  int           // names that are remembered

	mu    sync.Mutex
	names map[string]*failures
}

type failures struct {
	count int
	last  time.Time
	until time.Time
}

// attempt counts a failure in advance, so that many at once cannot slip
// through, and returns how long the caller has to wait instead when the name
// is blocked. Attempts while it is blocked do not count.
func (l *limiter) attempt(name string, now time.Time) (wait time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	f := l.names[name]
	if f == nil {
		f = l.add(name, now)
	}
	// A clock that was set back must not block anybody for longer than a delay
	// can be; one that was set forward unblocks early, which does no harm.
	if f.last.After(now) {
		f.last, f.until = now, now.Add(l.delay(f.count))
	}
	if wait := f.until.Sub(now); wait > 0 {
		return wait
	}
	if now.Sub(f.last) > l.keep {
		f.count = 0
	}
	f.count++
	f.last, f.until = now, now.Add(l.delay(f.count))
	return 0
}

// delay returns how long to wait after a number of failures.
func (l *limiter) delay(count int) time.Duration {
	if count <= l.free {
		return 0
	}
	d := l.first
	for range count - l.free - 1 {
		if d *= 2; d >= l.most {
			return l.most
		}
	}
	return d
}

// refund takes one failure back: the attempt was none.
func (l *limiter) refund(name string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if f := l.names[name]; f != nil && f.count > 0 {
		f.count--
		f.until = f.last.Add(l.delay(f.count))
	}
}

// clear forgets the failures of a name.
func (l *limiter) clear(name string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.names, name)
}

// add makes room for a name if there is none: the names that would be
// forgotten soon anyway go first, then the ones that were heard of longest ago.
func (l *limiter) add(name string, now time.Time) *failures {
	if l.names == nil {
		l.names = map[string]*failures{}
	}
	if len(l.names) >= l.size {
		oldest, at := "", now
		for n, f := range l.names {
			if d := now.Sub(f.last); d > l.keep || d < -l.keep {
				delete(l.names, n)
			} else if oldest == "" || f.last.Before(at) {
				oldest, at = n, f.last
			}
		}
		if len(l.names) >= l.size {
			delete(l.names, oldest)
		}
	}
	f := &failures{}
	l.names[name] = f
	return f
}

// network returns what an address is counted as: itself, or the /64 network of
// an IPv6 one, all of which one customer has.
func network(remote string) string {
	addr, err := netip.ParseAddr(remote)
	if err != nil {
		ap, err := netip.ParseAddrPort(remote)
		if err != nil {
			return "unknown"
		}
		addr = ap.Addr()
	}
	addr = addr.Unmap().WithZone("")
	if addr.Is6() {
		if p, err := addr.Prefix(64); err == nil {
			return p.String()
		}
	}
	return addr.String()
}

// An opener remembers for a while which users signed in from which networks.
// Who guesses a password elsewhere cannot lock those out.
type opener struct {
	mu   sync.Mutex
	seen map[[2]string]time.Time
}

const (
	openFor  = 30 * 24 * time.Hour
	maxOpens = 10_000
)

func (o *opener) add(user, network string, now time.Time) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.seen == nil || len(o.seen) >= maxOpens {
		o.seen = map[[2]string]time.Time{}
	}
	o.seen[[2]string{user, network}] = now
}

func (o *opener) has(user, network string, now time.Time) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	at, ok := o.seen[[2]string{user, network}]
	return ok && now.Sub(at) < openFor
}
