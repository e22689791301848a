package webhook

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"rinca/internal/event"
	"rinca/internal/git"
	"rinca/internal/redact"
	"rinca/internal/rinca"
	"rinca/internal/run"
	"rinca/internal/store"
)

const (
	theSecret = "a secret for the tests"
	repoURL   = "https://git.example.org/alice/infra.git"
	commitA   = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
	commitB   = "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
)

// A world is a listener with a real database and a real queue, whose
// executions are asked for and never run.
type world struct {
	testing.TB
	dir    string
	db     *store.DB
	runner *run.Runner
	l      *Listener
	http   *httptest.Server
	log    *buffer
	clock  *clock
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

// A clock can be set forward.
type clock struct {
	mu  sync.Mutex
	off time.Duration
}

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return time.Now().Add(c.off)
}

func (c *clock) forward(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.off += d
}

func newWorld(t testing.TB) *world {
	t.Helper()
	w := &world{TB: t, dir: t.TempDir(), log: &buffer{}, clock: &clock{}}
	ctx := context.WithoutCancel(t.Context())
	db, err := store.Open(ctx, store.Config{Dir: w.dir, Now: w.clock.now})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	log := slog.New(slog.NewTextHandler(w.log, nil))
	hub, err := event.New(ctx, db, log)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(hub.Close)
	w.db = db
	w.runner = &run.Runner{DB: db, Hub: hub, Known: &redact.Known{}, Now: w.clock.now, Log: log}
	w.start()
	return w
}

// start makes a new listener, as a start of the server does, and leaves the
// one before as a kill would: with what it had on disk.
func (w *world) start() {
	w.l = &Listener{
		DB: w.db, Submit: w.runner.Submit, Mirrors: &git.Mirrors{Dir: w.dir + "/git"}, Known: &redact.Known{},
		Now: w.clock.now, Log: slog.New(slog.NewTextHandler(w.log, nil)),
	}
	l := w.l
	l.init()
	w.http = httptest.NewServer(l)
	w.Cleanup(func() {
		w.http.Close()
		l.cancel()
		l.work.Wait()
	})
}

func (w *world) must(err error) {
	w.Helper()
	if err != nil {
		w.Fatal(err)
	}
}

// stack makes a stack of the repository, in a folder.
func (w *world) stack(name, folder string, change ...func(*rinca.Stack)) {
	w.Helper()
	s := rinca.Stack{Name: name, Source: rinca.Source{Kind: rinca.SourceGit, Repo: repoURL, Branch: "main", Path: folder}}
	for _, c := range change {
		c(&s)
	}
	_, err := w.db.PutStack(w.Context(), s, store.Upsert)
	w.must(err)
}

func (w *world) procedure(p rinca.Procedure) {
	w.Helper()
	_, err := w.db.PutProcedure(w.Context(), p, store.Upsert)
	w.must(err)
}

// global sets the secret of all webhooks.
func (w *world) global(secret string) {
	w.Helper()
	w.must(w.l.SetSecret(w.Context(), rinca.Target{}, rinca.NewSecret(secret)))
}

type reply struct {
	Answer
	status int
	raw    string
	Error  struct{ Message, Hint string } `json:"error"`
}

// post sends a body with headers, by pairs.
func (w *world) post(path string, body []byte, headers ...string) reply {
	w.Helper()
	req, err := http.NewRequestWithContext(w.Context(), http.MethodPost, w.http.URL+path, bytes.NewReader(body))
	w.must(err)
	for i := 0; i+1 < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	res, err := http.DefaultClient.Do(req)
	w.must(err)
	defer res.Body.Close()
	data, err := io.ReadAll(res.Body)
	w.must(err)
	out := reply{status: res.StatusCode, raw: string(data)}
	if err := json.Unmarshal(data, &out); err != nil {
		w.Fatalf("%s: %v in %q", path, err, data)
	}
	return out
}

func signature(secret string, body []byte) string {
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write(body)
	return hex.EncodeToString(mac.Sum(nil))
}

// github sends a signed body as GitHub does.
func (w *world) github(path, event, id string, body []byte) reply {
	w.Helper()
	return w.post(path, body, "Content-Type", "application/json", "X-GitHub-Event", event, "X-GitHub-Delivery", id,
		"X-Hub-Signature-256", "sha256="+signature(theSecret, body))
}

// pushed is the payload of a push to a branch that touches files.
func pushed(branch string, files ...string) []byte {
	return payload(map[string]any{"ref": "refs/heads/" + branch, "commits": []any{map[string]any{"id": commitB, "added": []string{}, "removed": []string{}, "modified": files}}})
}

// payload is one of GitHub, with some fields changed.
func payload(fields map[string]any) []byte {
	doc := map[string]any{
		"ref": "refs/heads/main", "before": commitA, "after": commitB, "created": false, "deleted": false, "forced": false,
		"repository": map[string]any{
			"full_name": "alice/infra", "clone_url": repoURL, "ssh_url": "git@git.example.org:alice/infra.git", "default_branch": "main",
		},
		"pusher": map[string]any{"name": "alice"}, "commits": []any{}, "head_commit": map[string]any{"id": commitB},
	}
	for k, v := range fields {
		doc[k] = v
	}
	data, _ := json.Marshal(doc)
	return data
}

// queued counts the updates that wait.
func (w *world) queued() int {
	w.Helper()
	list, err := w.db.Updates(w.Context(), store.UpdateFilter{State: rinca.Queued})
	w.must(err)
	return len(list)
}

// finish ends everything that waits, as if it had run.
func (w *world) finish() {
	w.Helper()
	list, err := w.db.Updates(w.Context(), store.UpdateFilter{State: rinca.Queued})
	w.must(err)
	for _, u := range list {
		u.State, u.EndedAt = rinca.Succeeded, w.clock.now()
		w.must(w.db.SaveUpdate(w.Context(), u))
	}
}

// started checks what an answer says was started: "DeployStack web".
func (r reply) started(t testing.TB, want ...string) {
	t.Helper()
	var got []string
	for _, s := range r.Started {
		got = append(got, s.Execution+" "+s.Target.Name)
	}
	if r.status != 200 || strings.Join(got, "; ") != strings.Join(want, "; ") {
		t.Errorf("status %d, started %q, want %q: %s", r.status, got, want, r.raw)
	}
}

// ignores checks that nothing was started, and why.
func (r reply) ignores(t testing.TB, why string) {
	t.Helper()
	if r.status != 200 || len(r.Started) > 0 || r.Delivery == "" || !strings.Contains(r.Ignored, why) || r.Ignored == "" {
		t.Errorf("status %d, %s; want it ignored with %q", r.status, r.raw, why)
	}
}
