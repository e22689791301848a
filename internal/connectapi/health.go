package connectapi

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
)

func (s *Server) heartbeat(*request) (any, error) {
	return raw{"text/plain; charset=utf-8", []byte(".")}, nil
}

type dependency struct {
	Service string `json:"service"`
	Status  string `json:"status"`
	Message string `json:"message,omitempty"`
}

// health reads the vaults, so ACTIVE means that the key fits and the database
// answers.
func (s *Server) health(r *request) (any, error) {
	db := dependency{"sqlite", "ACTIVE", "Connected to vault.db"}
	if _, err := s.cfg.DB.Vaults(r.Context()); err != nil {
		s.cfg.Log.Error("health", "error", err)
		db.Status, db.Message = "ERROR", "The vault cannot be read; the log says why"
	}
	return struct {
		Name         string       `json:"name"`
		Version      string       `json:"version"`
		Dependencies []dependency `json:"dependencies"`
	}{"1Password Connect API", APIVersion, []dependency{db, {"sync", db.Status, ""}, {"1Password", db.Status, ""}}}, nil
}

// counters counts requests by method, route and status.
type counters struct {
	mu sync.Mutex
	by map[[3]string]int
}

func (c *counters) add(method, route string, status int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.by == nil {
		c.by = map[[3]string]int{}
	}
	c.by[[3]string{method, route, fmt.Sprint(status)}]++
}

func (s *Server) metrics(*request) (any, error) {
	s.counts.mu.Lock()
	defer s.counts.mu.Unlock()
	var b strings.Builder
	b.WriteString("# HELP rinca_connect_requests_total Requests to the Connect API.\n# TYPE rinca_connect_requests_total counter\n")
	keys := slices.SortedFunc(maps.Keys(s.counts.by), func(x, y [3]string) int { return slices.Compare(x[:], y[:]) })
	for _, k := range keys {
		fmt.Fprintf(&b, "rinca_connect_requests_total{method=%q,route=%q,status=%q} %d\n", k[0], k[1], k[2], s.counts.by[k])
	}
	return raw{"text/plain; version=0.0.4; charset=utf-8", []byte(b.String())}, nil
}
