package connectapi

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
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

// counters counts requests by method, route and status, and how long they
// took by method and route.
type counters struct {
	mu     sync.Mutex
	by     map[[3]string]int
	took   map[[2]string]time.Duration
	number map[[2]string]int
}

func newCounters() *counters {
	return &counters{by: map[[3]string]int{}, took: map[[2]string]time.Duration{}, number: map[[2]string]int{}}
}

func (c *counters) add(method, route string, status int, took time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.by[[3]string{method, route, strconv.Itoa(status)}]++
	c.took[[2]string{method, route}] += took
	c.number[[2]string{method, route}]++
}

func (s *Server) metrics(*request) (any, error) {
	c := s.counts
	c.mu.Lock()
	defer c.mu.Unlock()
	var b strings.Builder
	b.WriteString("# HELP rinca_connect_requests_total Requests to the Connect API.\n# TYPE rinca_connect_requests_total counter\n")
	for _, k := range slices.SortedFunc(maps.Keys(c.by), func(x, y [3]string) int { return slices.Compare(x[:], y[:]) }) {
		fmt.Fprintf(&b, "rinca_connect_requests_total{method=%q,route=%q,status=%q} %d\n", k[0], k[1], k[2], c.by[k])
	}
	b.WriteString("# HELP rinca_connect_request_duration_seconds How long requests took.\n# TYPE rinca_connect_request_duration_seconds summary\n")
	for _, k := range slices.SortedFunc(maps.Keys(c.took), func(x, y [2]string) int { return slices.Compare(x[:], y[:]) }) {
		fmt.Fprintf(&b, "rinca_connect_request_duration_seconds_sum{method=%q,route=%q} %g\n", k[0], k[1], c.took[k].Seconds())
		fmt.Fprintf(&b, "rinca_connect_request_duration_seconds_count{method=%q,route=%q} %d\n", k[0], k[1], c.number[k])
	}
	b.WriteString("# HELP rinca_connect_start_time_seconds When the server started.\n# TYPE rinca_connect_start_time_seconds gauge\n")
	fmt.Fprintf(&b, "rinca_connect_start_time_seconds %d\n", s.started.Unix())
	return raw{"text/plain; version=0.0.4; charset=utf-8", []byte(b.String())}, nil
}
