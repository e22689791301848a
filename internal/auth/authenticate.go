package auth

import (
	"context"
	"crypto/sha256"
	"maps"
	"sync"
	"sync/atomic"
	"time"

	"rinca/internal/rinca"
)

// The cache keeps what tokens mean until something changes.
type cache struct {
	mu    sync.RWMutex
	epoch epoch
	known map[[32]byte]*known
	// unknown are tokens that the database does not have.
	unknown map[[32]byte]struct{}
}

// An epoch tells whether what was read is still so.
type epoch struct{ revision, ended int64 }

const (
	maxKnown   = 20_000
	maxUnknown = 2_000
)

// known is a token that was found.
type known struct {
	identity *rinca.Identity
	id       string // of the session or key
	session  bool
	expires  time.Time // zero: never
	used     atomic.Int64
}

func (s *Service) epoch() epoch { return epoch{s.cfg.DB.Revision(), s.ended.Load()} }

func unauthenticated(what string) error {
	return rinca.Errorf(rinca.Unauthenticated, "%s", what).Try("rinca login, or another API key")
}

// Authenticate returns who a token stands for, and what they may do; the
// Identity is shared, so nobody may write into it. It takes a few
// microseconds at most unless something changed. Code Unauthenticated for
// every token that does not count.
func (s *Service) Authenticate(ctx context.Context, token rinca.Secret, _ string) (*rinca.Identity, error) {
	sum := sha256.Sum256([]byte(token.Reveal()))
	// Before anything is read: what is read while something changes is kept
	// under the epoch that is over.
	now, e := s.cfg.Now(), s.epoch()
	k, absent := s.cache.get(e, sum)
	if absent {
		return nil, unauthenticated("the token is not known, or was ended")
	}
	if k == nil {
		prefix, err := parseToken(token.Reveal())
		if err != nil {
			return nil, err
		}
		k, err = s.load(ctx, prefix, s.digest(token))
		if rinca.CodeOf(err) == rinca.NotFound {
			s.cache.put(e, sum, nil)
			return nil, unauthenticated("the token is not known, or was ended")
		}
		if err != nil {
			return nil, err
		}
		s.cache.put(e, sum, k)
	}
	switch {
	case !k.expires.IsZero() && !now.Before(k.expires):
		if k.session {
			return nil, unauthenticated("the session is over; sign in again")
		}
		return nil, unauthenticated("the API key has expired")
	case k.identity.User.Disabled:
		return nil, unauthenticated("the account is disabled")
	}
	if at := now.Unix(); at-k.used.Load() >= touchEvery || at < k.used.Load() {
		k.used.Store(at)
		s.used.add(k.session, k.id, now)
	}
	return k.identity, nil
}

// load reads from the database what a token means.
func (s *Service) load(ctx context.Context, prefix string, digest [32]byte) (*known, error) {
	k := &known{identity: &rinca.Identity{}}
	var user string
	if prefix == sessionPrefix {
		session, err := s.cfg.DB.SessionByHash(ctx, digest)
		if err != nil {
			return nil, err
		}
		user, k.id, k.session, k.expires = session.User, session.ID, true, session.ExpiresAt
		k.identity.Session = &session
	} else {
		key, err := s.cfg.DB.APIKeyByHash(ctx, digest)
		if err != nil {
			return nil, err
		}
		user, k.id, k.expires = key.User, key.ID, key.ExpiresAt
		k.identity.KeyID, k.identity.Scope = key.ID, key.Scope
	}
	u, err := s.cfg.DB.User(ctx, user)
	if err != nil {
		return nil, err
	}
	groups, err := s.cfg.DB.Groups(ctx)
	if err != nil {
		return nil, err
	}
	k.identity.User = u
	if k.identity.Session != nil {
		k.identity.Session.ChangeOnly = u.MustChange
	}
	k.identity.Rights = []rinca.Rights{u.Rights}
	for _, g := range groups {
		if member(g, u) {
			k.identity.Rights = append(k.identity.Rights, g.Rights)
		}
	}
	k.identity.Prepare()
	return k, nil
}

func (c *cache) get(e epoch, sum [32]byte) (k *known, absent bool) {
	c.mu.RLock()
	defer c.mu.RUnlock()
	if c.epoch != e {
		return nil, false
	}
	_, absent = c.unknown[sum]
	return c.known[sum], absent
}

// put remembers a token, or that there is none (k is nil).
func (c *cache) put(e epoch, sum [32]byte, k *known) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.epoch != e {
		if e.revision < c.epoch.revision || e.ended < c.epoch.ended {
			return // what was read is older than what is here
		}
		c.epoch, c.known, c.unknown = e, nil, nil
	}
	if k == nil {
		if c.unknown == nil || len(c.unknown) >= maxUnknown {
			c.unknown = map[[32]byte]struct{}{}
		}
		c.unknown[sum] = struct{}{}
		return
	}
	if c.known == nil || len(c.known) >= maxKnown {
		c.known = map[[32]byte]*known{}
	}
	c.known[sum] = k
}

// uses collects when sessions and keys were used; see Service.Run.
type uses struct {
	mu             sync.Mutex
	sessions, keys map[string]time.Time
}

const (
	touchEvery = 60 // seconds between two notes of one token
	flushEvery = 30 * time.Second
)

func (u *uses) add(session bool, id string, at time.Time) {
	u.mu.Lock()
	defer u.mu.Unlock()
	m := &u.keys
	if session {
		m = &u.sessions
	}
	if *m == nil {
		*m = map[string]time.Time{}
	}
	(*m)[id] = at.UTC()
}

func (u *uses) take() (sessions, keys map[string]time.Time) {
	u.mu.Lock()
	defer u.mu.Unlock()
	sessions, keys = u.sessions, u.keys
	u.sessions, u.keys = nil, nil
	return sessions, keys
}

// Run writes the times of last use, in batches, until ctx ends; then what is
// left.
func (s *Service) Run(ctx context.Context) {
	t := time.NewTicker(flushEvery)
	defer t.Stop()
	for {
		select {
		case <-t.C:
		case <-ctx.Done():
			bounded, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
			defer cancel()
			s.Flush(bounded)
			return
		}
		s.Flush(ctx)
	}
}

// Flush writes the times of last use now. What cannot be written is tried
// again the next time.
func (s *Service) Flush(ctx context.Context) {
	sessions, keys := s.used.take()
	if len(sessions) > 0 {
		if err := s.cfg.DB.TouchSessions(ctx, maps.Clone(sessions)); err != nil {
			s.cfg.Log.Warn("note the last use of sessions", "err", err)
			s.again(true, sessions)
		}
	}
	if len(keys) > 0 {
		if err := s.cfg.DB.TouchAPIKeys(ctx, maps.Clone(keys)); err != nil {
			s.cfg.Log.Warn("note the last use of API keys", "err", err)
			s.again(false, keys)
		}
	}
}

func (s *Service) again(session bool, used map[string]time.Time) {
	s.used.mu.Lock()
	defer s.used.mu.Unlock()
	m := &s.used.keys
	if session {
		m = &s.used.sessions
	}
	maps.Copy(used, *m) // newer ones win
	if len(used) <= maxKnown {
		*m = used
	}
}
