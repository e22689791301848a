package api

import (
	"bytes"
	"compress/gzip"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"rinca/internal/auth"
	"rinca/internal/rinca"
	"rinca/internal/store"
)

func TestAnswersAreTagged(t *testing.T) {
	w := newWorld(t)
	w.fixtures()
	token := w.admin()
	first := w.must(token, "GET /v1/stacks/web", "")
	tag := first.header.Get("ETag")
	if tag == "" || first.header.Get("Cache-Control") != "private, no-cache" {
		t.Fatalf("headers: %v", first.header)
	}
	if again := w.do(token, "GET /v1/stacks/web", "", "If-None-Match", "W/"+tag); again.status != 304 || again.body != "" {
		t.Errorf("unchanged: %d %q", again.status, again.body)
	}
	body := strings.Replace(first.body, `"name":"web"`, `"name":"web","description":"x"`, 1)
	if got := w.do(token, "PUT /v1/stacks/web", body, "If-Match", tag); got.status != 200 {
		t.Errorf("what was seen is replaced: %d %s", got.status, got.body)
	}
	if got := w.do(token, "PUT /v1/stacks/web", body, "If-Match", tag); got.status != 412 || got.code() != rinca.Conflict {
		t.Errorf("what was changed since is replaced: %d %s", got.status, got.body)
	}
	if got := w.do(token, "DELETE /v1/stacks/web", "", "If-Match", tag); got.status != 412 {
		t.Errorf("what was changed since is deleted: %d", got.status)
	}
	if got := w.do(token, "PUT /v1/stacks/web", body, "If-None-Match", "*"); got.status != 409 {
		t.Errorf("what is there is created: %d %s", got.status, got.body)
	}
	if got := w.do(token, "GET /v1/variables/TOKEN/value", ""); got.header.Get("ETag") != "" || got.header.Get("Cache-Control") != "no-store" {
		t.Errorf("a value has a tag, by which it could be guessed: %v", got.header)
	}
}

// TestTwoEditorsLoseNothing lets many change one stack, each after reading it.
func TestTwoEditorsLoseNothing(t *testing.T) {
	w := newWorld(t)
	w.fixtures()
	token := w.admin()
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			for {
				seen := w.must(token, "GET /v1/stacks/web", "")
				var s rinca.Stack
				seen.into(t, &s)
				tags := ""
				for _, tag := range append(s.Tags, fmt.Sprint("t", i)) {
					tags += `,"` + tag + `"`
				}
				body := `{"source":{"kind":"host","dir":"/srv"},"tags":[` + tags[1:] + `]}`
				if w.do(token, "PUT /v1/stacks/web", body, "If-Match", seen.header.Get("ETag")).status == 200 {
					return
				}
			}
		})
	}
	wg.Wait()
	s, err := w.db.Stack(t.Context(), "web")
	if err != nil || len(s.Tags) != 8 {
		t.Errorf("tags %v, %v", s.Tags, err)
	}
}

func TestListsFollowChangesAndRights(t *testing.T) {
	w := newWorld(t)
	w.fixtures()
	admin := w.admin()
	one := w.user(rinca.User{Name: "one", Rights: rinca.Rights{Permissions: []rinca.Permission{
		{Target: rinca.Target{Kind: rinca.KindStack, Name: "media-*"}, Grant: rinca.Grant{Level: rinca.Read}},
	}}}, nil)
	names := func(token rinca.Secret) string {
		var rows []stackSummary
		w.must(token, "GET /v1/stacks", "").into(t, &rows)
		var out []string
		for _, r := range rows {
			out = append(out, r.Name)
		}
		return strings.Join(out, " ")
	}
	if a, b := names(admin), names(one); a != "web" || b != "" {
		t.Errorf("admin sees %q, one %q", a, b)
	}
	w.must(admin, "PUT /v1/stacks/media-tv", `{"source":{"kind":"host","dir":"/srv"}}`)
	if a, b := names(admin), names(one); a != "media-tv web" || b != "media-tv" {
		t.Errorf("admin sees %q, one %q", a, b)
	}
	u, err := w.db.User(t.Context(), "one")
	if err != nil {
		t.Fatal(err)
	}
	u.Rights = all(rinca.Read)
	if _, err := w.auth.UpdateUser(t.Context(), auth.Caller{}, u); err != nil {
		t.Fatal(err)
	}
	if b := names(one); b != "media-tv web" {
		t.Errorf("with more rights, one sees %q", b)
	}
	w.must(admin, "DELETE /v1/stacks/media-tv", "")
	if b := names(one); b != "web" {
		t.Errorf("one sees %q", b)
	}
}

func TestAnswersAreCompressed(t *testing.T) {
	w := newWorld(t)
	token := w.admin()
	for i := range 50 {
		if _, err := w.db.PutStack(t.Context(), rinca.Stack{Name: fmt.Sprint("stack-", i), Source: rinca.Source{Kind: rinca.SourceHost, Dir: "/srv"}}, store.Upsert); err != nil {
			t.Fatal(err)
		}
	}
	plain := w.must(token, "GET /v1/stacks", "", "Accept-Encoding", "identity")
	zipped := w.must(token, "GET /v1/stacks", "", "Accept-Encoding", "gzip")
	if zipped.header.Get("Content-Encoding") != "gzip" || len(zipped.body) > len(plain.body)/4 {
		t.Fatalf("%v, %d bytes of %d", zipped.header, len(zipped.body), len(plain.body))
	}
	r, err := gzip.NewReader(strings.NewReader(zipped.body))
	if err != nil {
		t.Fatal(err)
	}
	if data, err := io.ReadAll(r); err != nil || string(data) != plain.body {
		t.Errorf("not the same: %v", err)
	}
	if got := w.must(token, "GET /v1/stacks", "", "Accept-Encoding", "gzip;q=0"); got.header.Get("Content-Encoding") != "" {
		t.Error("compressed for somebody who does not read that")
	}
}

func TestErrors(t *testing.T) {
	w := newWorld(t)
	w.fixtures()
	token := w.admin()
	tests := []struct {
		what, body string
		status     int
		code       rinca.Code
	}{
		{"GET /nothing", "", 404, rinca.NotFound},
		{"GET /v1//stacks", "", 404, rinca.NotFound},
		{"GET /v1/stacks/../users", "", 404, rinca.NotFound},
		{"GET /v1/stacks/", "", 404, rinca.NotFound},
		{"PATCH /v1/stacks/web", "{}", 405, rinca.Invalid},
		{"OPTIONS /v1/stacks", "", 405, rinca.Invalid},
		{"GET /v1/stacks/nope", "", 404, rinca.NotFound},
		{"GET /v1/stacks/a%2Fb", "", 404, rinca.NotFound},
		{"GET /v1/stacks?tga=x", "", 400, rinca.Invalid},
		{"GET /v1/updates?limit=-1", "", 400, rinca.Invalid},
		{"GET /v1/updates?limit=1&limit=2", "", 400, rinca.Invalid},
		{"PUT /v1/stacks/web", "", 400, rinca.Invalid},
		{"PUT /v1/stacks/web", `{"name":"other","source":{"kind":"host","dir":"/"}}`, 400, rinca.Invalid},
		{"PUT /v1/stacks/..%2Fx", `{"source":{"kind":"host","dir":"/"}}`, 404, rinca.NotFound},
		{"PUT /v1/stacks/a%20b", `{"source":{"kind":"host","dir":"/"}}`, 400, rinca.Invalid},
		{"POST /v1/stacks", `{"name":"web","source":{"kind":"host","dir":"/"}}`, 409, rinca.Conflict},
		{"PUT /v1/vault/token", `{"token":"` + strings.Repeat("x", 70<<10) + `"}`, 413, rinca.Invalid},
		{"PUT /v1/variables/1X", `{"value":"x"}`, 400, rinca.Invalid},
		{"PUT /v1/variables/NEW", `{}`, 400, rinca.Invalid},
		{"PUT /v1/variables/NEW", `{"value":"x","from":"op://a/b/c"}`, 400, rinca.Invalid},
		{"PUT /v1/variables/NEW", `{"from":"nothing"}`, 400, rinca.Invalid},
		{"PUT /v1/variables/TOKEN", `{"secret":false}`, 400, rinca.Invalid},
		{"PUT /v1/variables/NEW?stack=nope", `{"value":"x"}`, 404, rinca.NotFound},
		{"PUT /v1/servers/far", `{"address":"tcp://elsewhere:2376"}`, 400, rinca.Invalid}, // the key would go there
		{"PUT /v1/git-accounts/forge", `{"host":"evil.example.org"}`, 400, rinca.Invalid},
		{"PUT /v1/servers/x", `{"address":"http://x"}`, 400, rinca.Invalid},
		{"POST /v1/executions", `{"type":"Nope"}`, 400, rinca.Invalid},
		{"POST /v1/executions", `{"type":"DeployStack","params":{"stack":"nope"}}`, 404, rinca.NotFound},
		{"GET /v1/updates/nope", "", 404, rinca.NotFound},
		{"GET /v1/events?after=x", "", 400, rinca.Invalid},
		{"GET /v1/stacks/web/logs?since=yesterday", "", 400, rinca.Invalid},
		{"GET /v1/stacks/web/logs?service=app,nope", "", 404, rinca.NotFound},
		{"GET /v1/variables?used=x", "", 400, rinca.Invalid},
	}
	for _, tt := range tests {
		got := w.do(token, tt.what, tt.body)
		if got.status != tt.status || got.code() != tt.code {
			t.Errorf("%s: %d %s, want %d %s", tt.what, got.status, got.body, tt.status, tt.code)
		}
		if got.header.Get("X-Request-Id") == "" || got.header.Get("X-Content-Type-Options") != "nosniff" || got.header.Get("Content-Type") != "application/json" {
			t.Errorf("%s: headers %v", tt.what, got.header)
		}
		if got.header.Get("Access-Control-Allow-Origin") != "" {
			t.Errorf("%s: lets other sites in", tt.what)
		}
	}
}

func TestInnerTroubleStaysInside(t *testing.T) {
	w := newWorld(t)
	w.fixtures()
	token := w.admin()
	w.known.Set("test", []rinca.Secret{rinca.NewSecret("hunter2-hunter2")})
	for _, fail := range []func() error{
		func() error { panic("hunter2-hunter2") },
		func() error { return fmt.Errorf("dial: hunter2-hunter2 refused") }, //nolint:err113 // an error from outside
	} {
		w.api.routes[0].serve = func(*Server, *request) (any, error) { return nil, fail() }
		got := w.do(token, "GET /healthz", "")
		if got.status != 500 || got.code() != rinca.Internal || strings.Contains(got.body, "hunter2") {
			t.Errorf("%d %s", got.status, got.body)
		}
		if log := w.log.String(); strings.Contains(log, "hunter2") || !strings.Contains(log, got.header.Get("X-Request-Id")) {
			t.Errorf("the log: %s", log)
		}
	}
	w.api.routes[0].serve = func(*Server, *request) (any, error) {
		return nil, rinca.Errorf(rinca.Unavailable, "git says hunter2-hunter2").Try("use hunter2-hunter2")
	}
	if got := w.do(token, "GET /healthz", ""); got.status != 503 || strings.Contains(got.body, "hunter2") {
		t.Errorf("%d %s", got.status, got.body)
	}
}

func TestCredentials(t *testing.T) {
	w := newWorld(t)
	token := w.admin()
	for name, header := range map[string][2]string{
		"bearer":           {"Authorization", "bearer " + token.Reveal()},
		"X-Api-Key":        {"X-Api-Key", token.Reveal()},
		"basic":            {"Authorization", "Basic " + token.Reveal()},
		"empty":            {"Authorization", "Bearer "},
		"longer than any":  {"Authorization", "Bearer " + strings.Repeat("x", 4000)},
		"somebody else's":  {"Authorization", "Bearer rk_" + strings.Repeat("A", 40)},
		"cut":              {"X-Api-Key", token.Reveal()[:10]},
		"session prefixed": {"X-Api-Key", "rs_" + token.Reveal()[3:]},
	} {
		got := w.do(rinca.Secret{}, "GET /v1/stacks", "", header[0], header[1])
		if want := map[bool]int{true: 200, false: 401}[name == "bearer" || name == "X-Api-Key"]; got.status != want {
			t.Errorf("%s: %d, want %d", name, got.status, want)
		}
	}
}

// TestSessionThatMustChangeItsPassword may do nothing else.
func TestSessionThatMustChangeItsPassword(t *testing.T) {
	w := newWorld(t)
	w.fixtures()
	_, oneTime, err := w.auth.CreateUser(t.Context(), auth.Caller{}, rinca.User{Name: "root1", Admin: true}, rinca.Secret{})
	if err != nil {
		t.Fatal(err)
	}
	token, _, err := w.auth.Login(t.Context(), auth.LoginRequest{User: "root1", Password: oneTime})
	if err != nil {
		t.Fatal(err)
	}
	rts := routes()
	for i := range rts {
		if n := rts[i].need; n.access == public || n.change {
			continue
		}
		what, body := sample(w, &rts[i])
		if got := w.do(token, what, body); got.status != 403 {
			t.Errorf("%s: %d", rts[i].pattern, got.status)
		}
	}
}

func TestRemoteBehindProxies(t *testing.T) {
	s := &Server{cfg: Config{Trusted: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("::1/128")}}}
	tests := []struct{ from, forwarded, want string }{
		{"192.0.2.1:1", "", "192.0.2.1"},
		{"192.0.2.1:1", "198.51.100.7", "192.0.2.1"}, // not a proxy of ours: not believed
		{"10.1.1.1:1", "198.51.100.7", "198.51.100.7"},
		{"10.1.1.1:1", "6.6.6.6, 198.51.100.7, 10.2.2.2", "198.51.100.7"},
		{"10.1.1.1:1", "nonsense", "10.1.1.1"},
		{"10.1.1.1:1", "198.51.100.7, nonsense", "10.1.1.1"},
		{"10.1.1.1:1", "", "10.1.1.1"},
		{"[::1]:1", "2001:db8::1", "2001:db8::1"},
		{"[::ffff:10.1.1.1]:1", "198.51.100.7", "198.51.100.7"},
		{"@", "198.51.100.7", "@"},
	}
	for _, tt := range tests {
		r := &http.Request{RemoteAddr: tt.from, Header: http.Header{}}
		if tt.forwarded != "" {
			r.Header.Set("X-Forwarded-For", tt.forwarded)
		}
		if got := s.remote(r); got != tt.want {
			t.Errorf("%s, %q: %s, want %s", tt.from, tt.forwarded, got, tt.want)
		}
	}
}

func TestIdempotencyKey(t *testing.T) {
	w := newWorld(t)
	w.fixtures()
	token := w.admin()
	const deploy = `{"type":"DeployStack","params":{"stack":"web"}}`
	first := w.must(token, "POST /v1/executions", deploy, "Idempotency-Key", "k1")
	again := w.must(token, "POST /v1/executions", deploy, "Idempotency-Key", "k1")
	other := w.must(token, "POST /v1/executions", deploy, "Idempotency-Key", "k2")
	var a, b, c rinca.Update
	first.into(t, &a)
	again.into(t, &b)
	other.into(t, &c)
	if a.ID != b.ID || a.ID == c.ID || first.header.Get("Location") != "/v1/updates/"+a.ID {
		t.Errorf("%s %s %s, %v", a.ID, b.ID, c.ID, first.header)
	}
	if got := w.do(token, "POST /v1/executions", `{"type":"DeployStack","params":{"stack":"web","services":["a"]}}`, "Idempotency-Key", "k1"); got.status != 409 {
		t.Errorf("another execution with the same key: %d %s", got.status, got.body)
	}
	if got := w.do(token, "POST /v1/executions", deploy, "Idempotency-Key", "a b"); got.status != 400 {
		t.Errorf("a key with a blank: %d", got.status)
	}
	if got := w.do(token, "POST /v1/executions", deploy, "Idempotency-Key", strings.Repeat("x", 256)); got.status != 400 {
		t.Errorf("a long key: %d", got.status)
	}
	// Nobody without the right gets so far as to make one.
	reads := w.user(rinca.User{Name: "reads", Rights: all(rinca.Read)}, nil)
	if got := w.do(reads, "POST /v1/executions", deploy); got.status != 403 {
		t.Errorf("somebody who may read deploys: %d", got.status)
	}
	if updates, err := w.db.Updates(t.Context(), store.UpdateFilter{}); err != nil || len(updates) != 2 {
		t.Errorf("%d updates, %v", len(updates), err)
	}
}

func TestVariables(t *testing.T) {
	w := newWorld(t)
	w.fixtures()
	token := w.admin()
	w.must(token, "PUT /v1/variables/DB_PASSWORD", `{"value":"`+canary+`","secret":true,"description":"of the database"}`)
	for _, what := range []string{"GET /v1/variables", "GET /v1/variables/DB_PASSWORD", "GET /v1/variables/DB_PASSWORD/versions"} {
		if got := w.must(token, what, ""); strings.Contains(got.body, canary) || !strings.Contains(got.body, "version") {
			t.Errorf("%s: %s", what, got.body)
		}
	}
	if got := w.must(token, "GET /v1/variables/DB_PASSWORD/value", ""); got.body != `{"value":"`+canary+"\"}\n" {
		t.Errorf("the value: %s", got.body)
	}
	// A new description leaves value and version alone.
	var v variableJSON
	w.must(token, "PUT /v1/variables/DB_PASSWORD", `{"description":"new"}`).into(t, &v)
	if v.Version != 1 || !v.Secret || v.Description != "new" {
		t.Errorf("%+v", v)
	}
	w.must(token, "PUT /v1/variables/DB_PASSWORD", `{"from":"op://homelab/db/password"}`).into(t, &v)
	if v.Version != 2 || v.From == "" {
		t.Errorf("%+v", v)
	}
	w.must(token, "PUT /v1/variables/DB_PASSWORD", `{"value":""}`).into(t, &v)
	if got := w.must(token, "GET /v1/variables/DB_PASSWORD/value", ""); got.body != "{\"value\":\"\"}\n" {
		t.Errorf("an empty value: %s", got.body)
	}
	if got := w.must(token, "GET /v1/variables?used=true", ""); !strings.Contains(got.body, `"used_by":["web"]`) || strings.Contains(got.body, canary) {
		t.Errorf("who uses them: %s", got.body)
	}
	// Who has a stack has its own variables, and no others.
	owner := w.user(rinca.User{Name: "owner", Rights: rinca.Rights{Permissions: []rinca.Permission{
		{Target: rinca.Target{Kind: rinca.KindStack, Name: "web"}, Grant: rinca.Grant{Level: rinca.Write}},
	}}}, nil)
	w.must(owner, "PUT /v1/variables/MINE?stack=web", `{"value":"x"}`)
	var rows []variableJSON
	w.must(owner, "GET /v1/variables", "").into(t, &rows)
	if len(rows) != 2 || rows[0].Stack != "web" || rows[1].Stack != "web" {
		t.Errorf("%+v", rows)
	}
	for _, tt := range []struct {
		what string
		want int
	}{
		{"GET /v1/variables/TOKEN", 404},
		{"GET /v1/variables/OWN/value?stack=web", 403},
		{"GET /v1/variables/MINE/value?stack=web", 200},
		{"DELETE /v1/variables/OWN", 404},
		{"DELETE /v1/variables/OWN?stack=web", 204},
	} {
		if got := w.do(owner, tt.what, ""); got.status != tt.want {
			t.Errorf("%s: %d %s, want %d", tt.what, got.status, got.body, tt.want)
		}
	}
}

func TestRevealsAreRecorded(t *testing.T) {
	w := newWorld(t)
	w.fixtures()
	token := w.admin()
	for range 20 {
		w.must(token, "GET /v1/variables/TOKEN/value", "")
	}
	denied := w.user(rinca.User{Name: "reads", Rights: all(rinca.Read)}, nil)
	w.do(denied, "GET /v1/variables/TOKEN/value", "")
	w.api.Close()
	entries, err := w.db.AuditEntries(t.Context(), 0, 100)
	if err != nil {
		t.Fatal(err)
	}
	seen, refused := 0, 0
	for _, e := range entries {
		if e.Action != "variable.reveal" || e.Target != "Variable TOKEN" {
			continue
		}
		switch {
		case !e.OK && e.Actor == "reads":
			refused++
		case e.Actor == "admin" && e.Detail == "":
			seen++
		case e.Actor == "admin":
			n := 0
			if _, err := fmt.Sscanf(e.Detail, "%d times more", &n); err != nil && e.Detail == "once more within a second" {
				n = 1
			}
			seen += n
		}
	}
	if seen != 20 || refused != 1 {
		t.Errorf("%d reveals and %d refusals are recorded: %+v", seen, refused, entries)
	}
	if n, err := w.db.VerifyAudit(t.Context()); err != nil || int(n) != len(entries) {
		t.Errorf("verify: %d, %v", n, err)
	}
}

func TestMetrics(t *testing.T) {
	w := newWorld(t)
	w.fixtures()
	token := w.admin()
	var u rinca.Update
	w.must(token, "POST /v1/executions", `{"type":"DeployStack","params":{"stack":"web"}}`).into(t, &u)
	if err := w.runner.finish(t.Context(), u); err != nil {
		t.Fatal(err)
	}
	wants := []string{
		`rinca_executions_total{kind="DeployStack",result="succeeded"} 1`, `rinca_executions{state="queued"} 0`, `rinca_vault_requests 3`,
		`rinca_vault_request_budget 100`, `rinca_engine_up{server="local"} 1`, `rinca_http_request_duration_seconds_count{route="POST /v1/executions",status="202"} 1`,
		`rinca_build_info{version="test"} 1`,
	}
	var got answer
	for deadline := time.Now().Add(5 * time.Second); time.Now().Before(deadline); { // it is counted when the event arrives
		got = w.must(token, "GET /metrics", "")
		if strings.Contains(got.body, wants[0]) {
			break
		}
	}
	for _, want := range wants {
		if !strings.Contains(got.body, want) {
			t.Errorf("%s is missing", want)
		}
	}
	scope := rinca.Rights{All: map[rinca.Kind]rinca.Grant{rinca.KindSystem: {Level: rinca.Read}}}
	scraper := w.user(rinca.User{Name: "scraper", Admin: true}, &scope)
	w.must(scraper, "GET /metrics", "")
	if got := w.do(scraper, "GET /v1/stacks/web", ""); got.status != 404 {
		t.Errorf("the key of a scraper reads a stack: %d", got.status)
	}
}

func TestHealth(t *testing.T) {
	w := newWorld(t)
	if got := w.do(rinca.Secret{}, "GET /readyz", ""); got.status != 200 {
		t.Errorf("ready: %d %s", got.status, got.body)
	}
	if err := w.db.Close(); err != nil {
		t.Fatal(err)
	}
	if got := w.do(rinca.Secret{}, "GET /readyz", ""); got.status != 503 {
		t.Errorf("without a database: %d %s", got.status, got.body)
	}
	if got := w.do(rinca.Secret{}, "GET /healthz", ""); got.status != 200 {
		t.Errorf("health: %d", got.status)
	}
}

func TestSlowBodyHoldsUpNobody(t *testing.T) {
	w := newWorld(t)
	w.fixtures()
	token := w.admin()
	slow, send := io.Pipe()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPut, w.http.URL+"/v1/stacks/web", io.MultiReader(bytes.NewReader([]byte("{")), slow))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+token.Reveal())
	done := make(chan error, 1)
	go func() {
		_, err := http.DefaultClient.Do(req) //nolint:bodyclose // it fails
		done <- err
	}()
	if _, err := send.Write([]byte(`"name":`)); err != nil { // it is being read
		t.Fatal(err)
	}
	w.must(token, "PUT /v1/stacks/web", `{"source":{"kind":"host","dir":"/srv"}}`)
	cancel()
	send.Close()
	<-done
}

// TestWhatIsSentIsMasked: an error of another part that repeats a token does
// not bring it into the answer, the log or the audit log.
func TestWhatIsSentIsMasked(t *testing.T) {
	w := newWorld(t)
	token := w.admin()
	w.vault.err = rinca.Errorf(rinca.Unavailable, "the vault does not take %s", canary).Try("not %s", canary)
	got := w.do(token, "PUT /v1/vault/token", `{"token":"`+canary+`"}`)
	if got.status != 503 || strings.Contains(got.body, canary) || strings.Contains(w.log.String(), canary) {
		t.Errorf("%d %s\n%s", got.status, got.body, w.log.String())
	}
	if n := w.known.Secrets(); n != 0 {
		t.Errorf("%d values stay known", n)
	}
}

// TestSeveralStacks: a grant on a pattern is no grant on every pattern that
// it happens to match.
func TestSeveralStacks(t *testing.T) {
	w := newWorld(t)
	w.fixtures()
	for _, name := range []string{"media-tv", "media-x", "media-radio"} {
		if _, err := w.db.PutStack(t.Context(), rinca.Stack{Name: name, Source: rinca.Source{Kind: rinca.SourceHost, Dir: "/"}}, store.Upsert); err != nil {
			t.Fatal(err)
		}
	}
	user := func(name, pattern string) rinca.Secret {
		return w.user(rinca.User{Name: name, Rights: rinca.Rights{Permissions: []rinca.Permission{
			{Target: rinca.Target{Kind: rinca.KindStack, Name: pattern}, Grant: rinca.Grant{Level: rinca.Execute}},
		}}}, nil)
	}
	everything := w.user(rinca.User{Name: "all", Rights: all(rinca.Execute)}, nil)
	media, short, expr := user("media", "media-*"), user("short", "media-?"), user("expr", `\^(media-.|[*])$\`)
	tests := []struct {
		token  rinca.Secret
		choose string
		want   int
	}{
		{media, "media-*", 202},
		{media, "media-*,web", 403},
		{media, "media-tv,media-x", 202},
		{media, "*", 403},
		{media, "nothing-*", 403},
		{media, "media-tv,web", 403},
		{media, "we?", 403},
		{short, "media-*", 403},
		{short, "media-?", 202},
		{short, "media-x,", 202},
		{short, "media-?,media-tv", 403},
		{expr, "*", 403},
		{expr, "media-*", 403},
		{everything, "*", 202},
		{everything, "media-*,web", 202},
		{everything, "nothing-*", 202},
	}
	for _, tt := range tests {
		if got := w.do(tt.token, "POST /v1/executions", `{"type":"DeployStack","params":{"stack":"`+tt.choose+`"}}`); got.status != tt.want {
			t.Errorf("%q: %d %s, want %d", tt.choose, got.status, got.body, tt.want)
		}
	}
	// Nor does it show the update of somebody else's.
	u, _, err := w.db.Enqueue(t.Context(), rinca.Update{
		Execution: rinca.Execution{Kind: "DeployStack"}, Target: rinca.Target{Kind: rinca.KindStack, Name: "media-*,web"}, Operator: "all",
	}, "")
	if err != nil {
		t.Fatal(err)
	}
	if got := w.do(media, "GET /v1/updates/"+u.ID, ""); got.status != 404 {
		t.Errorf("an update about more: %d", got.status)
	}
	if got := w.do(everything, "GET /v1/updates/"+u.ID, ""); got.status != 200 {
		t.Errorf("one's own update: %d", got.status)
	}
}
