package cli_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"rinca/internal/cli"
)

// A plane answers as a control plane does: by method and path, and remembers
// what it was sent.
type plane struct {
	t       *testing.T
	url     string
	answers map[string]string // "GET /v1/stacks" → JSON; "404 " before it is a status

	mu   sync.Mutex
	got  []string // "PUT /v1/x {body}"
	auth []string
}

func newPlane(t *testing.T, answers map[string]string) *plane {
	t.Helper()
	p := &plane{t: t, answers: answers}
	s := httptest.NewServer(p)
	t.Cleanup(s.Close)
	p.url = s.URL
	return p
}

func (p *plane) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	line := r.Method + " " + r.URL.RequestURI()
	p.mu.Lock()
	p.got = append(p.got, strings.TrimSpace(line+" "+string(body)))
	p.auth = append(p.auth, r.Header.Get("Authorization"))
	answer, ok := p.answers[line]
	if !ok {
		answer, ok = p.answers[r.Method+" "+r.URL.Path]
	}
	p.mu.Unlock()
	status := 200
	if !ok {
		status, answer = 404, `{"error":{"code":"not_found","message":"there is no `+r.URL.Path+`","hint":"look"}}`
	}
	if _, err := fmt.Sscanf(answer, "%d ", &status); err == nil {
		answer = answer[4:]
	}
	if strings.HasPrefix(answer, "data:") || strings.HasPrefix(answer, "event:") || strings.HasPrefix(answer, "id:") {
		w.Header().Set("Content-Type", "text/event-stream")
	}
	if status == 204 {
		w.WriteHeader(status)
		return
	}
	w.WriteHeader(status)
	_, _ = io.WriteString(w, answer)
}

// changes returns what was sent that is not a GET.
func (p *plane) changes() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	var out []string
	for _, g := range p.got {
		if !strings.HasPrefix(g, "GET ") {
			out = append(out, g)
		}
	}
	return out
}

// A result is what a command printed, and its exit status.
type result struct {
	Out, Err string
	Status   int
}

// rinca runs a command against the plane.
func (p *plane) rinca(stdin string, args ...string) result {
	return runWith(p.t, []string{"RINCA_HOST=" + p.url, "RINCA_API_KEY=rk_test"}, stdin, args...)
}

func runWith(t *testing.T, environ []string, stdin string, args ...string) result {
	t.Helper()
	var out, errs bytes.Buffer
	status := cli.Main(t.Context(), cli.Env{
		Args: append([]string{"rinca"}, args...), Environ: append([]string{"HOME=" + t.TempDir()}, environ...),
		Stdin: strings.NewReader(stdin), Stdout: &out, Stderr: &errs,
	})
	return result{out.String(), errs.String(), status}
}

func equal(t *testing.T, want, got any) {
	t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

const wiki = `{"name":"wiki","tags":["web"],"source":{"kind":"git","repo":"https://github.com/me/homelab.git","branch":"main","path":"wiki"},"environment":"A = [[A]]\nB = 2","after":["db"],"updated_at":"2026-11-23T08:00:00Z","updated_by":"anna"}`

func TestStackCreateSendsEveryField(t *testing.T) {
	p := newPlane(t, map[string]string{"POST /v1/stacks": `201 {"name":"wiki"}`})
	r := p.rinca("A = [[A]]\n", "stack", "create", "wiki", "--repo", "https://github.com/me/homelab", "--account", "gh", "--git-tag", "v1",
		"--path", "wiki", "--sparse", "shared,lib", "--compose-file", "a.yaml", "--tag", "web", "--server", "nas", "--project", "w",
		"--after", "db", "--after", "cache", "--environment-file", "-", "--env-file", ".env", "--compose-profile", "prod",
		"--host-path", "/srv/a,b", "--pre-deploy", "echo [[A]]", "--pre-deploy-path", "hooks", "--pre-deploy-timeout", "30s",
		"--post-deploy", "true", "--post-deploy-timeout", "1m", "--no-secrets=false", "--secrets-vault", "media", "--secrets-stack", "x",
		"--offline", "--verify-timeout", "5m", "--verify-settle", "3s", "--pull", "--on-busy", "refuse", "--description", "The wiki")
	equal(t, result{"Made the stack wiki. Deploy it: rinca stack deploy wiki\n", "", 0}, r)
	equal(t, []string{`POST /v1/stacks {"name":"wiki","description":"The wiki","tags":["web"],"server":"nas","project":"w",` +
		`"source":{"kind":"git","repo":"https://github.com/me/homelab","account":"gh","tag":"v1","path":"wiki","sparse":["shared","lib"],"compose_files":["a.yaml"]},` +
		`"after":["db","cache"],"environment":"A = [[A]]\n","env_files":[".env"],"profiles":["prod"],` +
		`"pre_deploy":{"path":"hooks","command":"echo [[A]]","timeout":"30s"},"post_deploy":{"command":"true","timeout":"1m0s"},` +
		`"host_paths":["/srv/a,b"],"secrets":{"vault":"media","stacks":["x"],"offline":true},"verify":{"timeout":"5m0s","settle":"3s"},` +
		`"pull":true,"on_busy":"refuse"}`}, p.changes())
}

func TestStackCreateSources(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "compose.yaml")
	if err := os.WriteFile(file, []byte("services: {}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		args   []string
		status int
		want   string // of the request, or of the error
	}{
		"inline":       {[]string{"--file", file, "--file", "conf/b=" + file}, 0, `"source":{"kind":"inline","files":[{"path":"compose.yaml","content":"services: {}\n"},{"path":"conf/b","content":"services: {}\n"}]}`},
		"host":         {[]string{"--dir", "/srv/wiki"}, 0, `"source":{"kind":"host","dir":"/srv/wiki"}`},
		"relative":     {[]string{"--dir", "wiki"}, 64, "absolute"},
		"none":         {nil, 64, "a stack needs a source"},
		"two":          {[]string{"--dir", "/a", "--repo", "https://x"}, 64, "none of the others can be"},
		"branch alone": {[]string{"--dir", "/a", "--branch", "main"}, 64, "--branch is about a Git repository"},
		"missing file": {[]string{"--file", "/does/not/exist"}, 4, "no such file"},
		"busy":         {[]string{"--dir", "/a", "--on-busy", "panic"}, 64, "wait or refuse"},
		"below zero":   {[]string{"--dir", "/a", "--verify-timeout", "-1s"}, 64, "below zero"},
	} {
		t.Run(name, func(t *testing.T) {
			p := newPlane(t, map[string]string{"POST /v1/stacks": "{}"})
			r := p.rinca("", append([]string{"stack", "create", "wiki"}, c.args...)...)
			if r.Status != c.status || !strings.Contains(strings.Join(p.changes(), "")+r.Err, c.want) {
				t.Errorf("%+v, sent %q", r, p.changes())
			}
		})
	}
	if r := newPlane(t, nil).rinca("", "stack", "create", "../x", "--dir", "/a"); r.Status != 64 {
		t.Errorf("%+v", r)
	}
}

// set changes what is given, and sends the rest as it was.
func TestStackSet(t *testing.T) {
	p := newPlane(t, map[string]string{"GET /v1/stacks/wiki": wiki, "PUT /v1/stacks/wiki": wiki})
	equal(t, 0, p.rinca("", "stack", "set", "wiki", "--commit", "abc", "--after", "", "--tag", "a,b").Status)
	equal(t, []string{`PUT /v1/stacks/wiki {"name":"wiki","tags":["a","b"],"source":{"kind":"git","repo":"https://github.com/me/homelab.git","commit":"abc","path":"wiki"},` +
		`"environment":"A = [[A]]\nB = 2","updated_at":"2026-11-23T08:00:00Z","updated_by":"anna"}`}, p.changes())
	p = newPlane(t, map[string]string{"GET /v1/stacks/wiki": wiki, "PUT /v1/stacks/wiki": wiki})
	equal(t, 0, p.rinca("", "stack", "set", "wiki", "--dir", "/srv").Status)
	if got := p.changes()[0]; !strings.Contains(got, `"source":{"kind":"host","dir":"/srv"}`) {
		t.Error(got)
	}
	equal(t, 64, p.rinca("", "stack", "set", "wiki").Status)
	equal(t, 64, p.rinca("", "stack", "set", "wiki", "--json").Status)
	equal(t, 4, p.rinca("", "stack", "set", "nosuch", "--path", "x").Status)
}

func TestStackListAndShow(t *testing.T) {
	const state = `{"status":"unhealthy","services":[{"service":"web","status":"healthy","text":"Up 2 hours (healthy)","image":"wiki:1","ports":["8080:80/tcp"]},{"service":"db","status":"unhealthy","image":"postgres:16"}]}`
	p := newPlane(t, map[string]string{
		"GET /v1/stacks": "[" + wiki + `,{"name":"echo","source":{"kind":"inline","files":[{"path":"compose.yaml"}]}}]`,
		"GET /v1/states": `{"wiki":` + state + `}`, "GET /v1/stacks/wiki": wiki, "GET /v1/stacks/wiki/state": state,
	})
	equal(t, result{`NAME  STATUS     UP   SERVER  SOURCE
wiki  unhealthy  1/2  local   github.com/me/homelab@main wiki
echo  unknown    -    local   inline: compose.yaml
`, "", 0}, p.rinca("", "stack", "list"))
	equal(t, result{`Stack       wiki
Tags        web
Server      local
Project     wiki
Source      https://github.com/me/homelab.git@main wiki
After       db
Environment A = [[A]]
            B = 2
Secrets     exported for wiki
Changed     2026-11-23 08:00 by anna

unhealthy
SERVICE  STATUS     SINCE                 PORTS        IMAGE
web      healthy    Up 2 hours (healthy)  8080:80/tcp  wiki:1
db       unhealthy  -                     -            postgres:16
`, "", 0}, p.rinca("", "stack", "show", "wiki"))
	var rows []map[string]any
	if err := json.Unmarshal([]byte(p.rinca("", "stack", "list", "--json").Out), &rows); err != nil || len(rows) != 2 || rows[1]["state"].(map[string]any)["status"] != "unknown" {
		t.Errorf("%v %v", rows, err)
	}
	empty := newPlane(t, map[string]string{"GET /v1/stacks": "[]", "GET /v1/states": "{}"})
	equal(t, "[]\n", empty.rinca("", "stack", "list", "--json").Out)
	equal(t, "", empty.rinca("", "stack", "list").Out)
	equal(t, result{"", "Error: there is no /v1/stacks/nosuch\nTry: look\n", 4}, p.rinca("", "stack", "show", "nosuch"))
}

func TestStackPlan(t *testing.T) {
	p := newPlane(t, map[string]string{
		"POST /v1/stacks/wiki/plan": `{"services":[{"service":"web","change":"recreate","reasons":[{"kind":"env_file","names":["wiki.env"]},{"kind":"image"}]},` +
			`{"service":"worker","change":"create","reasons":[{"kind":"new"}]},{"service":"db","change":"keep"}],"resources":["network wiki_default"]}`,
		"POST /v1/stacks/blog/plan": `{"services":[{"service":"web","change":"keep"}]}`,
	})
	equal(t, result{`~ recreate web     env file wiki.env; image
+ create   worker  new
= keep     db
+ create   network wiki_default
1 to create, 1 to recreate, 1 unchanged
`, "", 2}, p.rinca("", "stack", "plan", "wiki"))
	equal(t, result{"= keep     web\n1 unchanged\n", "", 0}, p.rinca("", "stack", "plan", "blog"))
	r := p.rinca("", "stack", "plan", "blog", "wiki", "--json")
	if r.Status != 2 || strings.Count(r.Out, "\n") != 2 || !strings.HasPrefix(r.Out, `{"stack":"blog","services":`) {
		t.Errorf("%+v", r)
	}
}

// eventLines are a stream of events of an update.
func eventLines(updates ...string) string {
	var b strings.Builder
	for i, u := range updates {
		kind := "update"
		if strings.HasPrefix(u, `{"text"`) {
			kind = "line"
		}
		fmt.Fprintf(&b, "id: %d\ndata: {\"seq\":%d,\"type\":%q,\"update\":\"u1\",\"data\":%s}\n\n", i+1, i+1, kind, u)
	}
	return b.String()
}

const (
	queued    = `{"id":"u1","state":"queued","target":{"type":"Stack","id":"wiki"},"execution":{"type":"DeployStack"}}`
	succeeded = `{"id":"u1","state":"succeeded","summary":"1 service recreated","target":{"type":"Stack","id":"wiki"},"started_at":"2026-11-23T08:00:00Z","ended_at":"2026-11-23T08:00:03Z","stages":[{"name":"Apply","state":"succeeded","started_at":"2026-11-23T08:00:00Z","ended_at":"2026-11-23T08:00:02Z"}]}`
	failed    = `{"id":"u1","state":"failed","target":{"type":"Stack","id":"wiki"},"rolled_back":"put back, verified","error":{"code":"not_found","message":"no variable A","hint":"rinca variable set A"}}`
)

func TestStackDeployWaits(t *testing.T) {
	p := newPlane(t, map[string]string{"POST /v1/executions": "202 " + queued, "GET /v1/events": eventLines(`{"text":"web: started"}`, succeeded)})
	r := p.rinca("", "stack", "deploy", "wiki", "--force", "--service", "web", "--skip-secrets", "--pull")
	equal(t, result{"    web: started\n✓ Apply         2.0s\n✓ wiki: 1 service recreated (3.0s)\n", "", 0}, r)
	equal(t, []string{`POST /v1/executions {"type":"DeployStack","params":{"force":true,"pull":true,"services":["web"],"skip_secrets":true,"stack":"wiki"}}`}, p.changes())
	equal(t, []string{"Bearer rk_test", "Bearer rk_test"}, p.auth)

	p = newPlane(t, map[string]string{"POST /v1/executions": "202 " + queued, "GET /v1/events": eventLines(failed)})
	equal(t, result{"↩ put back, verified\n", "Error: wiki: no variable A\nTry: rinca variable set A\n", 4}, p.rinca("", "stack", "deploy", "wiki"))
	r = p.rinca("", "stack", "deploy", "wiki", "--json")
	var e struct{ Data struct{ State string } }
	if json.Unmarshal([]byte(r.Out), &e) != nil || e.Data.State != "failed" || r.Status != 4 {
		t.Errorf("%+v", r)
	}
	equal(t, "", p.rinca("", "stack", "deploy", "wiki", "--quiet").Out)
}

func TestStackDeployDetached(t *testing.T) {
	p := newPlane(t, map[string]string{"POST /v1/executions": "202 " + queued})
	equal(t, result{"wiki: queued. Follow it: rinca update follow u1\n", "", 0}, p.rinca("", "stack", "deploy", "wiki", "-d"))
	equal(t, 0, p.rinca("", "stack", "deploy", "wiki", "--wait=false").Status)
	p.rinca("", "stack", "deploy", "--tag", "web", "-d")
	p.rinca("", "stack", "deploy", "--pattern", "w*", "-d")
	p.rinca("", "stack", "deploy", "--all", "-d")
	equal(t, []string{
		`POST /v1/executions {"type":"BatchDeployStack","params":{"pattern":"*","tags":["web"]}}`,
		`POST /v1/executions {"type":"BatchDeployStack","params":{"pattern":"w*"}}`,
		`POST /v1/executions {"type":"BatchDeployStack","params":{"pattern":"*"}}`,
	}, p.changes()[2:])
	for _, args := range [][]string{{}, {"--all", "wiki"}, {"--all", "--tag", "x"}, {"a", "b", "--service", "x"}, {"--all", "--service", "web"}} {
		if r := p.rinca("", append([]string{"stack", "deploy"}, args...)...); r.Status != 64 {
			t.Errorf("%v: %+v", args, r)
		}
	}
}

// The stream ends before the update does, or says nothing of its end: the
// update itself is asked.
func TestFollowAsksForTheEnd(t *testing.T) {
	p := newPlane(t, map[string]string{"POST /v1/executions": "202 " + queued, "GET /v1/events": "event: end\n\n", "GET /v1/updates/u1": succeeded})
	r := p.rinca("", "stack", "deploy", "wiki")
	if r.Status != 0 || !strings.Contains(r.Out, "1 service recreated") {
		t.Errorf("%+v", r)
	}
}

// Ctrl-C asks the server to cancel, and waits for how that goes.
func TestInterruptCancels(t *testing.T) {
	canceled := make(chan struct{})
	watched := make(chan struct{})
	mux := http.NewServeMux()
	mux.HandleFunc("POST /v1/executions", func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, queued) })
	mux.HandleFunc("POST /v1/updates/u1/cancel", func(http.ResponseWriter, *http.Request) { close(canceled) })
	mux.HandleFunc("GET /v1/events", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		w.(http.Flusher).Flush()
		close(watched)
		<-canceled
		_, _ = io.WriteString(w, eventLines(`{"id":"u1","state":"canceled","target":{"type":"Stack","id":"wiki"}}`))
	})
	s := httptest.NewServer(mux)
	defer s.Close()
	ctx, cancel := context.WithCancel(t.Context())
	go func() { <-watched; cancel() }()
	var out, errs bytes.Buffer
	status := cli.Main(ctx, cli.Env{
		Args: []string{"rinca", "stack", "deploy", "wiki"}, Environ: []string{"HOME=" + t.TempDir(), "RINCA_HOST=" + s.URL},
		Stdin: strings.NewReader(""), Stdout: &out, Stderr: &errs,
	})
	equal(t, 130, status)
	equal(t, "Canceling. Ctrl-C again leaves it to the server.\nError: wiki: canceled\n", errs.String())
}

func TestInterruptLeavesWhatIsFollowed(t *testing.T) {
	watched := make(chan struct{})
	mux := http.NewServeMux()
	mux.HandleFunc("GET /v1/updates/u1", func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, queued) })
	mux.HandleFunc("POST /", func(_ http.ResponseWriter, r *http.Request) { t.Errorf("%s was asked for", r.URL) })
	mux.HandleFunc("GET /v1/events", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		w.(http.Flusher).Flush()
		close(watched)
		<-r.Context().Done()
	})
	s := httptest.NewServer(mux)
	defer s.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	go func() { <-watched; cancel() }()
	var errs bytes.Buffer
	status := cli.Main(ctx, cli.Env{
		Args: []string{"rinca", "update", "follow", "u1"}, Environ: []string{"HOME=" + t.TempDir(), "RINCA_HOST=" + s.URL},
		Stdin: strings.NewReader(""), Stdout: io.Discard, Stderr: &errs,
	})
	equal(t, 130, status)
	equal(t, "Error: it goes on without us\nTry: rinca update follow u1\n", errs.String())
}

func TestDestroyAndDeleteAsk(t *testing.T) {
	up := map[string]string{
		"POST /v1/executions": "202 " + queued, "GET /v1/events": eventLines(succeeded),
		"GET /v1/stacks/wiki/state": `{"status":"running"}`, "DELETE /v1/stacks/wiki": "204 ",
	}
	p := newPlane(t, up)
	equal(t, 64, p.rinca("", "stack", "destroy", "wiki").Status)
	equal(t, 0, p.rinca("", "stack", "destroy", "wiki", "--yes", "--volumes").Status)
	equal(t, []string{`POST /v1/executions {"type":"DestroyStack","params":{"stack":"wiki","volumes":true}}`}, p.changes())

	p = newPlane(t, up)
	r := p.rinca("", "stack", "delete", "wiki", "--yes")
	equal(t, result{"", "Error: the stack wiki still has containers\nTry: rinca stack delete wiki --destroy, or --leave-running\n", 1}, r)
	equal(t, 64, p.rinca("", "stack", "delete", "wiki", "--destroy").Status)
	equal(t, 64, p.rinca("", "stack", "delete", "wiki", "--destroy", "--leave-running", "--yes").Status)
	equal(t, 0, len(p.changes()))
	equal(t, 0, p.rinca("", "stack", "delete", "wiki", "--leave-running", "--yes").Status)
	equal(t, 0, p.rinca("", "stack", "delete", "wiki", "--destroy", "--yes", "--json").Status)
	equal(t, []string{"DELETE /v1/stacks/wiki", `POST /v1/executions {"type":"DestroyStack","params":{"stack":"wiki"}}`, "DELETE /v1/stacks/wiki"}, p.changes())
}

func TestStackLogs(t *testing.T) {
	p := newPlane(t, map[string]string{"GET /v1/stacks/wiki/logs": `data: {"service":"web","text":"a","at":"2026-11-23T08:00:00Z"}` + "\n\n" + `data: {"service":"worker","text":"b"}` + "\n\n"})
	equal(t, result{"web | a\nworker | b\n", "", 0}, p.rinca("", "stack", "logs", "wiki"))
	equal(t, "2026-11-23T08:00:00.000Z a\nb\n", p.rinca("", "stack", "logs", "wiki", "web", "-t", "--tail", "5", "--since", "2026-11-23T08:00:00Z").Out)
	equal(t, "GET /v1/stacks/wiki/logs?service=web&since=2026-11-23T08%3A00%3A00Z&tail=5", p.got[1])
	equal(t, 64, p.rinca("", "stack", "logs", "wiki", "--since", "yesterday").Status)
	equal(t, 64, p.rinca("", "stack", "logs", "wiki", "--tail", "-1").Status)
}

func TestUpdates(t *testing.T) {
	page := func(from, n int) string {
		var rows []string
		for i := range n {
			rows = append(rows, fmt.Sprintf(`{"id":"u%d","state":"failed","created_at":"2026-11-23T08:00:00Z","execution":{"type":"DeployStack"},"target":{"type":"Stack","id":"wiki"},"error":{"code":"not_found","message":"no\nvariable A"}}`, from+i))
		}
		return "[" + strings.Join(rows, ",") + "]"
	}
	p := newPlane(t, map[string]string{
		"GET /v1/updates?limit=500":            page(0, 500),
		"GET /v1/updates?before=u499&limit=50": page(500, 2),
		"GET /v1/updates?limit=20&stack=wiki":  page(0, 1),
		"GET /v1/updates/u1":                   strings.Replace(succeeded, `"stages"`, `"operator":"anna","created_at":"2026-11-23T08:00:00Z","plan":{"services":[{"service":"web","change":"recreate","reasons":[{"kind":"image"}]}]},"stages"`, 1),
		"GET /v1/updates/u1/lines":             `{"lines":[{"seq":1,"stage":"Apply","service":"web","text":"Started"},{"seq":2,"stage":"Other","text":"x"}],"next":2}`,
		"POST /v1/updates/u1/cancel":           "202 {}",
	})
	var rows []map[string]any
	if err := json.Unmarshal([]byte(p.rinca("", "update", "list", "--limit", "550", "--json").Out), &rows); err != nil || len(rows) != 502 {
		t.Errorf("%d rows, %v", len(rows), err)
	}
	out := p.rinca("", "stack", "history", "wiki").Out
	if !strings.HasPrefix(out, "ID  WHEN") || !strings.Contains(out, "DeployStack  wiki    failed  no variable A\n") {
		t.Error(out)
	}
	p.answers["GET /v1/updates?limit=20&stack=quiet"], p.answers["GET /v1/stacks/quiet"] = "[]", wiki
	p.answers["GET /v1/updates?limit=20&stack=nosuch"] = "[]"
	equal(t, result{"", "There are no updates.\n", 0}, p.rinca("", "stack", "history", "quiet"))
	equal(t, 4, p.rinca("", "stack", "history", "nosuch").Status)
	equal(t, result{`Update    u1
Target    Stack wiki
State     succeeded
Asked for 2026-11-23 08:00 by anna
Summary   1 service recreated

    web: Started
✓ Apply         2.0s

~ recreate web  image
`, "", 0}, p.rinca("", "update", "show", "u1", "--log"))
	equal(t, result{"Asked u1 to stop.\n", "", 0}, p.rinca("", "update", "cancel", "u1"))
	equal(t, 4, p.rinca("", "update", "follow", "nosuch").Status)
	equal(t, 64, p.rinca("", "update", "list", "--limit", "0").Status)
}
