package api

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"strconv"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"rinca/internal/rinca"
	"rinca/internal/store"
)

// metrics are the figures of one server, in a registry of its own.
type metrics struct {
	server     *Server
	registry   *prometheus.Registry
	executions *prometheus.CounterVec
	took       *prometheus.HistogramVec
	requests   *prometheus.HistogramVec

	mu       sync.Mutex
	observed map[observedKey]prometheus.Observer // looked up once
}

type observedKey struct {
	route  string
	status int
}

func newMetrics(s *Server) *metrics {
	m := &metrics{
		server: s, registry: prometheus.NewRegistry(), observed: map[observedKey]prometheus.Observer{},
		executions: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "rinca_executions_total", Help: "Executions that ended, by kind and result.",
		}, []string{"kind", "result"}),
		took: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "rinca_execution_duration_seconds", Help: "How long executions ran.",
			Buckets: []float64{.1, .5, 1, 2, 5, 10, 30, 60, 120, 300, 900},
		}, []string{"kind"}),
		requests: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "rinca_http_request_duration_seconds", Help: "How long requests took, by route and status; streams excepted.",
			Buckets: []float64{.0005, .002, .01, .05, .2, 1, 5, 30},
		}, []string{"route", "status"}),
	}
	m.registry.MustRegister(m.executions, m.took, m.requests, &scraped{s},
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m
}

// request counts one request.
func (m *metrics) request(route string, status int, took time.Duration) {
	key := observedKey{route, status}
	m.mu.Lock()
	o := m.observed[key]
	if o == nil {
		o = m.requests.WithLabelValues(route, strconv.Itoa(status))
		m.observed[key] = o
	}
	m.mu.Unlock()
	o.Observe(took.Seconds())
}

// follow counts executions as they end, until ctx does.
func (m *metrics) follow(ctx context.Context) {
	hub := m.server.cfg.Hub
	after := hub.Last()
	for hub.Wait(ctx, after) == nil {
		last := hub.Last()
		events, err := hub.Since(ctx, after, store.EventFilter{Types: []string{"update"}}, eventsAtOnce)
		if err != nil {
			m.server.cfg.Log.Warn("count executions", "error", err)
			after = last
			continue
		}
		for _, e := range events {
			var u rinca.Update
			if json.Unmarshal(e.Data, &u) == nil && u.State != "" && u.State.Final() {
				m.executions.WithLabelValues(u.Execution.Kind, string(u.State)).Inc()
				if !u.StartedAt.IsZero() && !u.EndedAt.IsZero() {
					m.took.WithLabelValues(u.Execution.Kind).Observe(u.EndedAt.Sub(u.StartedAt).Seconds())
				}
			}
		}
		if len(events) == eventsAtOnce {
			last = events[len(events)-1].Seq
		}
		after = last
	}
}

// text returns the figures as Prometheus reads them.
func (m *metrics) text(r *http.Request) (raw, error) {
	var out captured
	promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{DisableCompression: true}).ServeHTTP(&out, r)
	if out.status != 0 && out.status != http.StatusOK {
		return raw{}, rinca.Errorf(rinca.Internal, "gather metrics: %s", out.body.String())
	}
	return raw{out.Header().Get("Content-Type"), out.body.Bytes()}, nil
}

// captured is an answer that is not sent yet.
type captured struct {
	header http.Header
	status int
	body   bytes.Buffer
}

func (c *captured) Header() http.Header {
	if c.header == nil {
		c.header = http.Header{}
	}
	return c.header
}

func (c *captured) WriteHeader(status int)      { c.status = status }
func (c *captured) Write(p []byte) (int, error) { return c.body.Write(p) }

// scraped are the figures that are looked up when somebody asks.
type scraped struct{ server *Server }

// Describe says nothing: which servers there are is known later.
func (*scraped) Describe(chan<- *prometheus.Desc) {}

// Collect looks figures up. One that cannot be had is left out.
func (c *scraped) Collect(out chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	s := c.server
	gauge := func(name, help string, value float64, labels ...string) {
		var names, values []string
		for i := 0; i+1 < len(labels); i += 2 {
			names, values = append(names, labels[i]), append(values, labels[i+1])
		}
		out <- prometheus.MustNewConstMetric(prometheus.NewDesc(name, help, names, nil), prometheus.GaugeValue, value, values...)
	}
	gauge("rinca_build_info", "Always 1; the label says which version this is.", 1, "version", s.cfg.Version)
	gauge("rinca_streams", "Streams of events and logs that are open.", float64(s.streams.Load()))
	for _, state := range []rinca.UpdateState{rinca.Queued, rinca.Running} {
		if updates, err := s.cfg.DB.Updates(ctx, store.UpdateFilter{State: state, Limit: 1000}); err == nil {
			gauge("rinca_executions", "Executions that wait or run.", float64(len(updates)), "state", string(state))
		}
	}
	if servers, err := s.cfg.DB.Servers(ctx); err == nil {
		seen := false
		for i := range servers {
			seen = seen || servers[i].Name == rinca.LocalServer
			c.engine(gauge, servers[i].Name)
		}
		if !seen {
			c.engine(gauge, rinca.LocalServer)
		}
	}
	if open, err := s.cfg.Alerts.Open(ctx); err == nil {
		for level, n := range open {
			gauge("rinca_alerts_open", "Alerts that are not resolved.", float64(n), "level", string(level))
		}
	}
	c.drift(ctx, gauge)
	if s.cfg.Vault == nil {
		return
	}
	v, err := s.cfg.Vault.State(ctx)
	if err != nil {
		return
	}
	if !v.ExportedAt.IsZero() {
		gauge("rinca_export_age_seconds", "Time since stacks were last exported with success.", s.cfg.Now().Sub(v.ExportedAt).Seconds())
	}
	gauge("rinca_vault_requests", "Requests to the vault since the start.", float64(v.Requests))
	if v.Budget > 0 {
		gauge("rinca_vault_request_budget", "How many requests to the vault there may be.", float64(v.Budget))
	}
	budget(v, gauge)
}

// drift tells what the last checks of drift and of ages found.
func (c *scraped) drift(ctx context.Context, gauge func(name, help string, value float64, labels ...string)) {
	if c.server.cfg.Secrets == nil {
		return
	}
	if n, err := c.server.cfg.Secrets.Overdue(ctx); err == nil {
		gauge("rinca_secrets_overdue", "Secrets that were older than they may be at the last check.", float64(n))
	}
	report, err := c.server.cfg.Secrets.LastDrift(ctx)
	if err != nil || report.At.IsZero() {
		return
	}
	for _, state := range rinca.DriftStates() {
		gauge("rinca_drift_keys", "Values of stacks by what the last check found: proven, held, unknown, stale or edited by hand.", float64(report.Counts[state]), "state", string(state))
	}
	gauge("rinca_drift_checked_timestamp", "When the stack that was checked longest ago was checked for drift, in seconds since 1970.", float64(report.At.Unix()))
}

// budget tells how much of the vault's limits is used.
func budget(v rinca.VaultState, gauge func(name, help string, value float64, labels ...string)) {
	for _, b := range v.Budgets {
		labels := []string{"scope", b.Scope, "window", b.Window}
		gauge("rinca_vault_budget_used", "Requests to the vault within the last hour or day.", float64(b.Used), labels...)
		if b.Limit > 0 {
			gauge("rinca_vault_budget_limit", "How many requests the vault takes in an hour or a day.", float64(b.Limit), labels...)
			gauge("rinca_vault_budget_left", "How many of these requests are left.", float64(b.Left), labels...)
		}
	}
	if v.Breaker != nil {
		open := 0.0
		if v.Breaker.Open {
			open = 1
		}
		gauge("rinca_vault_breaker_open", "1 while background work leaves the vault alone, because it failed several times in a row.", open)
	}
}

func (c *scraped) engine(gauge func(name, help string, value float64, labels ...string), name string) {
	state := c.server.cfg.Deploy.ServerState(name)
	if state.CheckedAt.IsZero() {
		return
	}
	up := 0.0
	if state.Reachable {
		up = 1
	}
	gauge("rinca_engine_up", "1 when a server's engine answers.", up, "server", name)
}
