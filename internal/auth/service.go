package auth

import (
	"context"
	"crypto/rand"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"time"
	"unicode"

	"rinca/internal/rinca"
	"rinca/internal/store"
)

// Config is what a Service works with.
type Config struct {
	DB  *store.DB
	Now func() time.Time // nil means time.Now
	Log *slog.Logger     // nil means none
	// OIDC is the identity provider; nil means that there is none.
	OIDC *OIDCConfig
	// SessionLife is how long a session lasts; 0 means 14 days. Sessions of an
	// identity provider last 12 hours, or less if this is less.
	SessionLife time.Duration
}

// Limits of what one user may have.
const (
	sessionLife     = 14 * 24 * time.Hour
	oidcSessionLife = 12 * time.Hour
	maxSessions     = 100
	maxKeys         = 100
	maxUsers        = 10_000
)

// A Service authenticates, and changes users, groups, sessions and keys. It is
// safe for use by several goroutines. One process at a time may use it with a
// database.
type Service struct {
	cfg  Config
	hash *hasher
	oidc *provider

	// Failures by user, by names that are no users, and by network.
	users, strangers, networks limiter
	opens                      opener

	// mu is held while users, groups, credentials, sessions and keys change,
	// so that what was checked is still so when it is written.
	mu    sync.Mutex
	ended atomic.Int64 // counts what ended, for the cache
	cache cache
	used  uses
}

// New makes a Service.
func New(c Config) *Service {
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if c.SessionLife <= 0 {
		c.SessionLife = sessionLife
	}
	s := &Service{
		cfg: c, hash: newHasher(),
		users:     limiter{free: 5, first: time.Second, most: 15 * time.Minute, keep: time.Hour, size: maxUsers},
		strangers: limiter{free: 5, first: time.Second, most: 15 * time.Minute, keep: time.Hour, size: maxUsers},
		networks:  limiter{free: 20, first: time.Second, most: time.Minute, keep: 15 * time.Minute, size: maxUsers},
	}
	if c.OIDC != nil {
		s.oidc = newProvider(*c.OIDC, c.Now)
	}
	return s
}

// A Caller is who asks for a change, for the audit log.
type Caller struct {
	Who    *rinca.Identity // nil means the system, or who owns the machine
	Remote string          // the client's address
}

func (c Caller) name() string {
	if c.Who == nil {
		return "system"
	}
	return c.Who.User.Name
}

func (c Caller) via() string {
	switch {
	case c.Who == nil:
		return ""
	case c.Who.KeyID != "":
		return "key " + c.Who.KeyID
	case c.Who.Session != nil:
		return "session " + c.Who.Session.ID
	}
	return ""
}

// audit writes an entry for a change that was made. When that is not possible
// the caller is told, for the change is there and unrecorded.
func (s *Service) audit(ctx context.Context, c Caller, action, target, detail string) error {
	return s.record(ctx, rinca.AuditEntry{Actor: c.name(), Via: c.via(), Remote: c.Remote, Action: action, Target: target, Detail: detail, OK: true})
}

func (s *Service) record(ctx context.Context, e rinca.AuditEntry) error {
	e.At = s.cfg.Now().UTC()
	e.Detail = line(e.Detail, 500)
	// What was changed is recorded even if who asked has gone.
	if _, err := s.cfg.DB.Audit(context.WithoutCancel(ctx), e); err != nil {
		s.cfg.Log.Error("not recorded in the audit log", "action", e.Action, "err", err)
		return rinca.Errorf(rinca.Internal, "record it in the audit log: %w", err).Try("rinca doctor")
	}
	return nil
}

// refused writes an entry for something that was refused. That it cannot be
// written does not make the refusal another one.
func (s *Service) refused(ctx context.Context, e rinca.AuditEntry) { _ = s.record(ctx, e) }

// line makes one printable line of text of at most n bytes.
func line(s string, n int) string {
	s = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || unicode.In(r, unicode.Cf, unicode.Zl, unicode.Zp) {
			return -1
		}
		return r
	}, strings.ToValidUTF8(s, ""))
	if len(s) > n {
		s = strings.ToValidUTF8(s[:n], "") + "…"
	}
	return s
}

// newID makes the id of a session or a key.
func newID() string { return strings.ToLower(rand.Text())[:16] }

func (s *Service) digest(token rinca.Secret) [32]byte {
	return s.cfg.DB.Digest("auth token", []byte(token.Reveal()))
}

// invalidate makes the next Authenticate look at the database again.
func (s *Service) invalidate() { s.ended.Add(1) }

func userTarget(name string) string { return "User " + name }
