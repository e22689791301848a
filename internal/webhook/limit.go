package webhook

import (
	"net"
	"net/netip"
	"sync"
	"time"
)

// A guard slows down who guesses secrets: after some failures of one address
// at one resource, further ones are not even looked at for a while. Failures
// at one resource do not count at another: many senders share their addresses.
type guard struct {
	mu    sync.Mutex
	names map[string]*guess
}

type guess struct {
	count int
	last  time.Time
	until time.Time
}

const (
	freeGuesses = 10
	longestWait = time.Minute
	forgetAfter = 15 * time.Minute
	maxGuesses  = 20_000 // names that are remembered
)

// blocked returns how long a name has to wait.
func (g *guard) blocked(name string, now time.Time) time.Duration {
	g.mu.Lock()
	defer g.mu.Unlock()
	f := g.names[name]
	if f == nil {
		return 0
	}
	if f.last.After(now) { // the clock was set back
		f.last, f.until = now, now
	}
	return f.until.Sub(now)
}

// failed counts a failure.
func (g *guard) failed(name string, now time.Time) {
	g.mu.Lock()
	defer g.mu.Unlock()
	f := g.names[name]
	if f == nil {
		if len(g.names) >= maxGuesses || g.names == nil {
			g.forget(now)
		}
		f = &guess{}
		g.names[name] = f
	}
	if now.Sub(f.last) > forgetAfter {
		f.count = 0
	}
	f.count++
	f.last, f.until = now, now
	if over := f.count - freeGuesses; over > 0 {
		f.until = now.Add(min(time.Second<<min(over-1, 10), longestWait))
	}
}

// passed forgets the failures of a name.
func (g *guard) passed(name string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	delete(g.names, name)
}

// forget makes room: what is old goes, or everything.
func (g *guard) forget(now time.Time) {
	for n, f := range g.names {
		if now.Sub(f.last) > forgetAfter {
			delete(g.names, n)
		}
	}
	if len(g.names) >= maxGuesses || g.names == nil {
		g.names = map[string]*guess{}
	}
}

// network returns what an address counts as: itself, or the /64 network of an
// IPv6 one.
func network(remote string) string {
	if host, _, err := net.SplitHostPort(remote); err == nil {
		remote = host
	}
	addr, err := netip.ParseAddr(remote)
	if err != nil {
		return "unknown"
	}
	addr = addr.Unmap().WithZone("")
	if addr.Is6() {
		if p, err := addr.Prefix(64); err == nil {
			return p.String()
		}
	}
	return addr.String()
}

// Bounds of how often deliveries start one resource.
const (
	sameMost   = 20 // starts by one commit
	samePeriod = time.Hour
	allMost    = 60 // starts at all
	allPeriod  = 10 * time.Minute
)

// A brake keeps a resource from starting itself over and over: a procedure
// that calls its own webhook, or pushes a commit that starts it again. It
// remembers the starts of the last hour.
type brake struct {
	mu     sync.Mutex
	starts map[string][]started // by resource
}

type started struct {
	at     time.Time
	what   string // the ref and the commit
	update string
}

// last returns the update that was started last.
func (b *brake) last(target string) string {
	b.mu.Lock()
	defer b.mu.Unlock()
	if list := b.starts[target]; len(list) > 0 {
		return list[len(list)-1].update
	}
	return ""
}

// check says whether a resource may be started now: if one push has started it
// often (same) or anything has, it has to wait for so long. The zero wait is
// none.
func (b *brake) check(target, what string, now time.Time) (wait time.Duration, same bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	var kept []started
	var equal, lately []time.Time
	for _, s := range b.starts[target] {
		if age := now.Sub(s.at); age >= samePeriod || age < 0 {
			continue
		}
		kept = append(kept, s)
		if s.what == what {
			equal = append(equal, s.at)
		}
		if now.Sub(s.at) < allPeriod {
			lately = append(lately, s.at)
		}
	}
	if b.starts == nil {
		b.starts = map[string][]started{}
	}
	if len(kept) == 0 {
		delete(b.starts, target)
	} else {
		b.starts[target] = kept
	}
	if len(equal) >= sameMost {
		return samePeriod - now.Sub(equal[len(equal)-sameMost]), true
	}
	if len(lately) >= allMost {
		return allPeriod - now.Sub(lately[len(lately)-allMost]), false
	}
	return 0, false
}

// note counts a start, unless the update was counted before: then it was
// joined.
func (b *brake) note(target, what, update string, now time.Time) (joined bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, s := range b.starts[target] {
		if s.update == update {
			return true
		}
	}
	if b.starts == nil {
		b.starts = map[string][]started{}
	}
	b.starts[target] = append(b.starts[target], started{now, what, update})
	return false
}
