package alert

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"rinca/internal/event"
	"rinca/internal/redact"
	"rinca/internal/rinca"
	"rinca/internal/store"
)

const canary = "canary-71c9a0f2-value"

// A world is alerts on a real database and a real hub, with a clock that can
// be moved.
type world struct {
	testing.TB
	*Alerts
	dir string
	log *buffer

	mu    sync.Mutex
	ahead time.Duration
}

type buffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}

func newWorld(t testing.TB) *world {
	t.Helper()
	w := worldIn(t, t.TempDir(), &buffer{})
	for _, name := range []string{"web", "db", "a", "b", "s0", "s1", "s2"} {
		if _, err := w.DB.PutStack(t.Context(), rinca.Stack{Name: name, Source: rinca.Source{Kind: rinca.SourceHost, Path: "/srv"}}, store.Upsert); err != nil {
			t.Fatal(err)
		}
	}
	return w
}

func worldIn(t testing.TB, dir string, out *buffer) *world {
	t.Helper()
	w := &world{TB: t, dir: dir, log: out}
	ctx := context.WithoutCancel(t.Context())
	log := slog.New(slog.NewTextHandler(out, nil))
	db, err := store.Open(ctx, store.Config{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	hub, err := event.New(ctx, db, log)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(hub.Close)
	known := &redact.Known{}
	known.Set("test", []rinca.Secret{rinca.NewSecret(canary)})
	w.Alerts = &Alerts{DB: db, Hub: hub, Known: known, Now: w.time, Log: log, Timeout: 2 * time.Second}
	return w
}

// restart is what a new server on the same database sees; the one before is
// as if it had been killed.
func (w *world) restart() *world {
	w.Helper()
	w.Hub.Close()
	if err := w.DB.Close(); err != nil {
		w.Fatal(err)
	}
	next := worldIn(w.TB, w.dir, w.log)
	next.ahead = w.ahead
	return next
}

func (w *world) time() time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	return time.Now().Add(w.ahead)
}

// pass moves the clock.
func (w *world) pass(d time.Duration) {
	w.mu.Lock()
	w.ahead += d
	w.mu.Unlock()
	w.poke()
}

// start runs alerts until the returned function is called.
func (w *world) start() (stop func()) {
	ctx, cancel := context.WithCancel(context.WithoutCancel(w.Context()))
	done := make(chan struct{})
	go func() { w.Run(ctx); close(done) }()
	stop = func() { cancel(); <-done }
	w.Cleanup(stop)
	// At the first start, what was before it begins is not told.
	for end := time.Now().Add(10 * time.Second); ; time.Sleep(time.Millisecond) {
		_, err := w.DB.Setting(ctx, positionName)
		if err == nil {
			return stop
		}
		if rinca.CodeOf(err) != rinca.NotFound || time.Now().After(end) {
			w.Fatalf("it does not begin: %v", err)
		}
	}
}

func (w *world) alerter(x rinca.Alerter, url string) {
	w.Helper()
	x.URL = rinca.NewSecret(url)
	if err := x.Check(); err != nil {
		w.Fatal(err)
	}
	if _, err := w.DB.PutAlerter(w.Context(), x, store.Upsert); err != nil {
		w.Fatal(err)
	}
	w.Learn(w.Context())
}

func (w *world) raise(x rinca.Alert) {
	w.Helper()
	if err := w.Raise(w.Context(), x); err != nil {
		w.Fatal(err)
	}
}

func (w *world) resolved(key string) {
	w.Helper()
	if err := w.Resolve(w.Context(), key); err != nil {
		w.Fatal(err)
	}
}

func failedDeploy(stack, message string) rinca.Alert {
	return rinca.Alert{
		Type: rinca.AlertDeployFailed, Level: rinca.AlertCritical, Target: rinca.Target{Kind: rinca.KindStack, Name: stack}, Message: message,
	}
}

// An endpoint is an HTTP server that remembers what it was sent.
type endpoint struct {
	*httptest.Server
	mu   sync.Mutex
	got  []message
	fail func(n int) (status int, body string) // by number of the request; nil: all is well
}

type message struct {
	path, body string
	header     http.Header
}

func newEndpoint(t testing.TB) *endpoint {
	t.Helper()
	e := &endpoint{}
	e.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		data, _ := io.ReadAll(r.Body)
		e.mu.Lock()
		e.got = append(e.got, message{r.URL.RequestURI(), string(data), r.Header})
		n, fail := len(e.got), e.fail
		e.mu.Unlock()
		if fail == nil {
			return
		}
		if status, body := fail(n); status != 0 {
			w.WriteHeader(status)
			_, _ = io.WriteString(w, body)
		}
	}))
	t.Cleanup(e.Close)
	return e
}

func (e *endpoint) messages() []message {
	e.mu.Lock()
	defer e.mu.Unlock()
	return append([]message(nil), e.got...)
}

// wait waits until n messages have come.
func (e *endpoint) wait(t testing.TB, n int) []message {
	t.Helper()
	eventually(t, "a message", func() bool { return len(e.messages()) >= n })
	return e.messages()
}

func eventually(t testing.TB, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(10 * time.Second); !ok(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("waited too long for %s", what)
		}
	}
}

// alert is what a custom alerter was told.
func (m message) alert(t testing.TB) (out struct {
	Resolved bool   `json:"resolved"`
	Level    string `json:"level"`
	Data     struct {
		Type string `json:"type"`
		Data struct {
			Message string `json:"message"`
			Count   int    `json:"count"`
		} `json:"data"`
	} `json:"data"`
},
) {
	t.Helper()
	if err := json.Unmarshal([]byte(m.body), &out); err != nil {
		t.Fatalf("%v in %s", err, m.body)
	}
	return out
}

func fillWith(asked *string, value string) func(context.Context, string) (rinca.Secret, error) {
	return func(_ context.Context, text string) (rinca.Secret, error) {
		*asked = text
		return rinca.NewSecret(value), nil
	}
}
