// Package api is the HTTP API: one table of routes, which the server, the
// OpenAPI document and the reference are made from. Every request goes one
// way: who asks, may they, is the body right, the handler, the audit log, the
// answer.
package api

import (
	"context"
	"log/slog"
	"net/http"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"rinca/internal/alert"
	"rinca/internal/auth"
	"rinca/internal/event"
	"rinca/internal/redact"
	"rinca/internal/rinca"
	"rinca/internal/store"
)

// Config says what the API works with. DB, Auth, Runner, Deploy and Hub are
// needed.
type Config struct {
	DB     *store.DB
	Auth   *auth.Service
	Runner Runner
	Deploy Deploys
	Vault  Vault         // nil: there is no vault to ask
	Alerts *alert.Alerts // nil: there are none
	// Secrets knows where secrets are used; nil: nobody does.
	Secrets   Secrets
	Hub       *event.Hub
	UI        UI        // nil: there are no pages
	Schedules Schedules // nil: nothing runs by itself
	// Webhooks receives deliveries below /listener/; nil: nobody does.
	Webhooks Webhooks
	// Syncs make resources what files say; nil: nobody does.
	Syncs Syncs
	// Rotations carry changed secrets to stacks; nil: nobody does.
	Rotations Rotations
	Known     *redact.Known // what is masked in errors, events and logs; nil: nothing
	Log       *slog.Logger  // nil: none
	Now       func() time.Time

	Version string
	// LocalServer is the address of the server that is always there.
	LocalServer string
	// Trusted are the addresses of reverse proxies whose X-Forwarded-For and
	// X-Forwarded-Proto are believed.
	Trusted []netip.Prefix
	// Heartbeat is how often a stream says that it lives, and looks whether
	// its reader may still read; 0 means 15 seconds.
	Heartbeat time.Duration
	// Patience is how long a reader may take for what it was sent before it is
	// dropped; 0 means 15 seconds.
	Patience time.Duration
	// MaxStreams is how many streams there may be at once; 0 means 2000.
	MaxStreams int
}

// A Server answers the API. Close it when no new requests come.
type Server struct {
	cfg     Config
	handler http.Handler
	routes  []route
	lists   *lists
	events  encodedEvents
	reveals *reveals
	metrics *metrics
	streams atomic.Int64
	editing sync.Mutex // one change of a resource at a time, so that If-Match is exact
	openapi []byte

	closing context.Context //nolint:containedctx // ends streams when the server does
	close   context.CancelFunc
	work    sync.WaitGroup
}

// New returns a server of the API.
func New(cfg Config) *Server {
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Known == nil {
		cfg.Known = &redact.Known{}
	}
	cfg.Heartbeat = or(cfg.Heartbeat, 15*time.Second)
	cfg.Patience = or(cfg.Patience, 15*time.Second)
	cfg.MaxStreams = or(cfg.MaxStreams, 2000)
	s := &Server{cfg: cfg, routes: routes(), lists: newLists()}
	s.closing, s.close = context.WithCancel(context.Background())
	s.openapi = OpenAPI(cfg.Version, cfg.Runner.Kinds())
	s.metrics = newMetrics(s)
	s.reveals = &reveals{server: s}
	s.handler = s.mux()
	s.work.Go(func() { s.metrics.follow(s.closing) })
	return s
}

// Close ends every stream, and writes what is left of the audit log. Closing
// again does nothing.
func (s *Server) Close() {
	s.close()
	s.work.Wait()
	s.reveals.close()
}

func or[T comparable](v, otherwise T) T {
	var zero T
	if v == zero {
		return otherwise
	}
	return v
}

// NewHTTPServer returns an HTTP server with limits on the time and the size
// of requests, which streams lift for themselves.
func NewHTTPServer(h http.Handler) *http.Server {
	return &http.Server{
		Handler:           h,
		ReadHeaderTimeout: 10 * time.Second,
		ReadTimeout:       time.Minute,
		WriteTimeout:      3 * time.Minute,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    32 << 10,
	}
}

// mask hides known values in a text that leaves.
func (s *Server) mask(text string) string { return s.cfg.Known.Masker().String(text) }

// on returns what somebody may do with a resource. Rights on a stack are
// rights on its own variables too.
func on(who *rinca.Identity, t rinca.Target) rinca.Grant {
	if who == nil {
		return rinca.Grant{}
	}
	if several(t) {
		t = anyStack()
	}
	g := who.On(t)
	if stack, ok := stackOf(t); ok {
		g = g.Join(who.On(rinca.Target{Kind: rinca.KindStack, Name: stack}))
	}
	return g
}
