package api

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"rinca/internal/alert"
	"rinca/internal/auth"
	"rinca/internal/deploy"
	"rinca/internal/event"
	"rinca/internal/redact"
	toml "rinca/internal/resource"
	"rinca/internal/rinca"
	"rinca/internal/rotation"
	"rinca/internal/store"
	"rinca/internal/webhook"
)

// canary is a value that may be in no answer but that of a reveal.
const canary = "canary-4cf1b0e2-value"

// A world is a server with a real database, real users and a real hub. What
// runs executions and knows engines is in memory.
type world struct {
	testing.TB
	db     *store.DB
	auth   *auth.Service
	hub    *event.Hub
	known  *redact.Known
	runner *memoryRunner
	deploy *memoryDeploys
	vault  *memoryVault
	alerts *alert.Alerts
	hooks  *webhook.Listener
	api    *Server
	http   *httptest.Server
	// endpoint takes every alert.
	endpoint *httptest.Server
	log      *lockedBuffer
	tokens   map[string]rinca.Secret // by who
}

type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

func newWorld(t testing.TB, change ...func(*Config)) *world {
	t.Helper()
	ctx := context.WithoutCancel(t.Context()) // servers outlive the test by a moment
	db, err := store.Open(ctx, store.Config{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	log := &lockedBuffer{}
	logger := slog.New(slog.NewTextHandler(log, &slog.HandlerOptions{Level: slog.LevelInfo}))
	hub, err := event.New(ctx, db, logger)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(hub.Close)
	w := &world{
		TB: t, db: db, hub: hub, known: &redact.Known{}, log: log, tokens: map[string]rinca.Secret{},
		auth:   auth.New(auth.Config{DB: db, Log: logger}),
		runner: &memoryRunner{db: db, hub: hub}, deploy: &memoryDeploys{}, vault: &memoryVault{},
	}
	cfg := Config{
		DB: db, Auth: w.auth, Runner: w.runner, Deploy: w.deploy, Vault: w.vault, Secrets: &memorySecrets{}, Hub: hub, Known: w.known, Log: logger,
		Version: "test", LocalServer: "unix:///var/run/docker.sock",
	}
	w.alerts = &alert.Alerts{DB: db, Hub: hub, Known: w.known, Now: time.Now, Log: logger}
	cfg.Alerts = w.alerts
	w.hooks = &webhook.Listener{DB: db, Submit: w.runner.Submit, Known: w.known, Now: time.Now, Log: logger}
	cfg.Webhooks = w.hooks
	cfg.Syncs = &toml.Service{DB: db, Hub: hub, Now: time.Now, Kinds: w.runner.Kinds, Home: t.TempDir()}
	cfg.Rotations = &rotation.Rotator{
		DB: db, Hub: hub, Now: time.Now, Log: logger,
		Deploy: &deploy.Deployer{DB: db, Hub: hub, Known: w.known, Now: time.Now, Log: logger, Engines: &deploy.Engines{List: db.Servers, Now: time.Now, Log: logger}},
	}
	for _, c := range change {
		c(&cfg)
	}
	w.endpoint = httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	t.Cleanup(w.endpoint.Close)
	w.api = New(cfg)
	w.http = httptest.NewUnstartedServer(nil)
	w.http.Config = NewHTTPServer(w.api)
	w.http.Config.RegisterOnShutdown(w.api.Close)
	w.http.Start()
	t.Cleanup(func() {
		w.api.Close()
		w.http.Close()
	})
	return w
}

// user makes a service user with a key, and remembers the key by the name.
func (w *world) user(u rinca.User, scope *rinca.Rights) rinca.Secret {
	w.Helper()
	u.Service = true
	if _, _, err := w.auth.CreateUser(w.Context(), auth.Caller{}, u, rinca.Secret{}); err != nil {
		w.Fatal(err)
	}
	token, _, err := w.auth.CreateKey(w.Context(), auth.Caller{}, rinca.APIKey{Name: "test", User: u.Name, Scope: scope})
	if err != nil {
		w.Fatal(err)
	}
	w.tokens[u.Name] = token
	return token
}

// all gives a level on everything.
func all(level rinca.Level, specific ...string) rinca.Rights {
	rights := rinca.Rights{All: map[rinca.Kind]rinca.Grant{}}
	for _, k := range rinca.Kinds() {
		rights.All[k] = rinca.Grant{Level: level, Specific: specific}
	}
	return rights
}

// admin makes an administrator and returns the key.
func (w *world) admin() rinca.Secret {
	return w.user(rinca.User{Name: "admin", Admin: true}, nil)
}

// fixtures are the resources that requests of tests are about.
func (w *world) fixtures() {
	w.Helper()
	ctx := w.Context()
	check := func(_ any, err error) {
		w.Helper()
		if err != nil {
			w.Fatal(err)
		}
	}
	check(w.db.PutServer(ctx, rinca.Server{Name: "far", Address: "tcp://far:2376", Key: rinca.NewSecret(canary)}, store.Upsert))
	check(w.db.PutGitAccount(ctx, rinca.GitAccount{Name: "forge", Host: "forge.example.org", Token: rinca.NewSecret(canary)}, store.Upsert))
	check(w.db.PutAlerter(ctx, rinca.Alerter{Name: "ops", Kind: rinca.AlerterCustom, URL: rinca.NewSecret(w.endpoint.URL + "/" + canary)}, store.Upsert))
	check(w.db.PutStack(ctx, rinca.Stack{
		Name: "web", Source: rinca.Source{Kind: rinca.SourceGit, Repo: "https://forge.example.org/web.git"}, Environment: "TOKEN = [[TOKEN]]",
	}, store.Upsert))
	check(nil, store.RecordsOf[rinca.Quarantine](w.db, "quarantine").Put(ctx, store.Record[rinca.Quarantine]{ID: "v/i", At: time.Now(), Value: rinca.Quarantine{
		ID: "v/i", Vault: "v", Item: "i", Title: "held.env", Version: 1, Stack: "web", Why: "exited with 7",
	}}))
	check(w.db.PutProcedure(ctx, rinca.Procedure{Name: "nightly"}, store.Upsert))
	check(w.db.PutVariable(ctx, rinca.Variable{Name: "TOKEN", Secret: true, Value: rinca.NewSecret(canary)}, store.Upsert))
	check(w.db.PutVariable(ctx, rinca.Variable{Name: "DOMAIN", Value: rinca.NewSecret("example.org")}, store.Upsert))
	check(w.db.PutVariable(ctx, rinca.Variable{Name: "OWN", Stack: "web", Secret: true, Value: rinca.NewSecret(canary)}, store.Upsert))
}

// An answer is what came back.
type answer struct {
	status int
	header http.Header
	body   string
}

func (a answer) into(t testing.TB, v any) {
	t.Helper()
	if err := json.Unmarshal([]byte(a.body), v); err != nil {
		t.Fatalf("%v in %s", err, a.body)
	}
}

// code of an error, or "".
func (a answer) code() rinca.Code {
	var e errorJSON
	_ = json.Unmarshal([]byte(a.body), &e)
	return e.Error.Code
}

// do sends a request: "GET /v1/stacks", with a body or "", and headers.
func (w *world) do(token rinca.Secret, what, body string, headers ...string) answer {
	w.Helper()
	method, path, _ := strings.Cut(what, " ")
	var in io.Reader
	if body != "" {
		in = strings.NewReader(body)
	}
	req, err := http.NewRequestWithContext(w.Context(), method, w.http.URL+path, in)
	if err != nil {
		w.Fatal(err)
	}
	if token.IsSet() {
		req.Header.Set("Authorization", "Bearer "+token.Reveal())
	}
	for i := 0; i+1 < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	resp, err := client.Do(req)
	if err != nil {
		w.Fatal(err)
	}
	defer resp.Body.Close()
	data, err := io.ReadAll(resp.Body)
	if err != nil {
		w.Fatal(err)
	}
	return answer{resp.StatusCode, resp.Header, string(data)}
}

// must is do for what has to work.
func (w *world) must(token rinca.Secret, what, body string, headers ...string) answer {
	w.Helper()
	a := w.do(token, what, body, headers...)
	if a.status >= 300 {
		w.Fatalf("%s: %d %s", what, a.status, a.body)
	}
	return a
}

// memoryRunner queues executions in the database, and runs nothing.
type memoryRunner struct {
	db  *store.DB
	hub *event.Hub
}

type stackParams struct {
	Stack    string   `json:"stack"`
	Services []string `json:"services,omitempty"`
}

func (m *memoryRunner) Kinds() []rinca.ExecutionKind {
	return []rinca.ExecutionKind{
		{Name: "DeployStack", Doc: "Deploy a stack.", Target: rinca.KindStack, Level: rinca.Execute, Params: stackParams{}},
		{Name: "PruneAll", Doc: "Prune everything.", Target: rinca.KindSystem, Level: rinca.Write},
	}
}

func (m *memoryRunner) Check(ctx context.Context, e rinca.Execution) (rinca.Target, rinca.Level, error) {
	var p stackParams
	if e.Kind == "PruneAll" {
		return rinca.Target{Kind: rinca.KindSystem}, rinca.Write, nil
	}
	if e.Kind != "DeployStack" || json.Unmarshal(e.Params, &p) != nil {
		return rinca.Target{}, 0, rinca.Errorf(rinca.Invalid, "no execution")
	}
	t := rinca.Target{Kind: rinca.KindStack, Name: p.Stack}
	if strings.ContainsAny(p.Stack, "*?,") {
		return t, rinca.Execute, nil
	}
	_, err := m.db.Stack(ctx, p.Stack)
	return t, rinca.Execute, err
}

func (m *memoryRunner) Submit(ctx context.Context, s rinca.Submission) (rinca.Update, error) {
	t, _, err := m.Check(ctx, s.Execution)
	if err != nil {
		return rinca.Update{}, err
	}
	u, _, err := m.db.Enqueue(ctx, rinca.Update{Execution: s.Execution, Target: t, Operator: s.Operator, Trigger: s.Trigger}, s.IdempotencyKey)
	if err == nil {
		m.publish(u)
	}
	return u, err
}

func (m *memoryRunner) publish(u rinca.Update) {
	data, _ := json.Marshal(u)
	m.hub.Publish(rinca.Event{Type: "update", Update: u.ID, Target: u.Target, Data: data})
}

func (m *memoryRunner) say(u rinca.Update, text string) {
	data, _ := json.Marshal(rinca.Line{Text: text})
	m.hub.Publish(rinca.Event{Type: "line", Update: u.ID, Target: u.Target, Data: data})
}

// finish ends an update.
func (m *memoryRunner) finish(ctx context.Context, u rinca.Update) error {
	u.State, u.StartedAt, u.EndedAt = rinca.Succeeded, time.Now().UTC(), time.Now().UTC()
	if err := m.db.SaveUpdate(ctx, u); err != nil {
		return err
	}
	m.publish(u)
	return nil
}

func (m *memoryRunner) Cancel(ctx context.Context, id string) error {
	_, _, err := m.db.CancelQueued(ctx, id)
	return err
}

type memoryDeploys struct {
	logs func(ctx context.Context, o rinca.LogOptions, out rinca.Output) error
}

func (*memoryDeploys) Plan(context.Context, string) (rinca.Plan, error) {
	return rinca.Plan{Services: []rinca.ServicePlan{{Service: "app", Change: rinca.Keep}}}, nil
}

func (*memoryDeploys) States(context.Context) (map[string]rinca.StackState, error) {
	return map[string]rinca.StackState{"web": {Status: rinca.StatusHealthy}}, nil
}

func (*memoryDeploys) State(context.Context, string) (rinca.StackState, error) {
	return rinca.StackState{Status: rinca.StatusHealthy, Services: []rinca.ServiceState{{Service: "app"}, {Service: "db"}, {Service: "app"}}}, nil
}

func (m *memoryDeploys) Logs(ctx context.Context, _ string, o rinca.LogOptions, out rinca.Output) error {
	if m.logs != nil {
		return m.logs(ctx, o, out)
	}
	out(rinca.Line{Service: "app", Stream: "out", Text: "started with " + canary})
	return nil
}

func (*memoryDeploys) ServerState(string) rinca.ServerState {
	return rinca.ServerState{Reachable: true, CheckedAt: time.Unix(1_700_000_000, 0).UTC()}
}

func (*memoryDeploys) CheckServer(context.Context, rinca.Server) (rinca.ServerState, error) {
	return rinca.ServerState{Reachable: true}, nil
}

func (*memoryDeploys) UsedBy(context.Context, rinca.Variable) ([]string, error) {
	return []string{"web"}, nil
}

type memoryVault struct {
	mu    sync.Mutex
	token rinca.Secret
	err   error
	// changes are those of items.
	changes []rinca.VaultItemChange
}

func (m *memoryVault) SetToken(_ context.Context, t rinca.VaultToken) (rinca.VaultState, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.token = t.Token
	return rinca.VaultState{Provider: t.Kind, HasToken: true}, m.err
}

func (m *memoryVault) Make(context.Context) (rinca.VaultState, error) {
	return rinca.VaultState{Provider: "embedded"}, m.err
}

func (m *memoryVault) Items(context.Context, string) ([]rinca.VaultItem, error) {
	return []rinca.VaultItem{{ID: "web", Title: "web.env"}}, m.err
}

func (m *memoryVault) Item(context.Context, string, string) (rinca.VaultItem, error) {
	return rinca.VaultItem{ID: "web", Title: "web.env", Fields: []rinca.VaultField{{ID: "password", Label: "A"}}}, m.err
}

func (m *memoryVault) Change(_ context.Context, c *rinca.VaultItemChange) (rinca.VaultItem, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.changes = append(m.changes, *c)
	return rinca.VaultItem{ID: "web", Title: c.Title}, m.err
}

func (m *memoryVault) DeleteItem(context.Context, string, string) error { return m.err }

func (m *memoryVault) Value(context.Context, string, string, string) (rinca.Secret, error) {
	return rinca.NewSecret(canary), m.err
}

func (m *memoryVault) State(context.Context) (rinca.VaultState, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return rinca.VaultState{
		HasToken: m.token.IsSet(), Requests: 3, Budget: 100,
		Budgets: []rinca.VaultBudget{{Scope: "token", Window: "hour", Limit: 100, Used: 97, Left: 3}}, Breaker: &rinca.VaultBreaker{Open: true},
	}, nil
}
