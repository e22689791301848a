package api

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"rinca/internal/alert"
	"rinca/internal/rinca"
	"rinca/internal/rotation"
	"rinca/internal/store"
)

func TestEveryRouteIsGuardedAndDescribed(t *testing.T) {
	seen := map[string]bool{}
	names := map[string]bool{}
	for _, rt := range routes() {
		method, path, ok := strings.Cut(rt.pattern, " ")
		if !ok || !strings.HasPrefix(path, "/") || seen[rt.pattern] {
			t.Errorf("%q is no pattern, or there twice", rt.pattern)
		}
		seen[rt.pattern] = true
		if rt.serve == nil || names[rt.name()] {
			t.Errorf("%s has no handler of its own", rt.pattern)
		}
		names[rt.name()] = true
		if rt.need.access == 0 {
			t.Errorf("%s says not who may use it", rt.pattern)
		}
		if rt.need.access == onTarget && (rt.need.kind == "" || rt.need.name.find == nil || rt.need.name.doc == "" || rt.need.level == rinca.None) {
			t.Errorf("%s says not what it is about, or how much of a right it needs", rt.pattern)
		}
		if (rt.need.access == onUpdate || rt.need.access == onRotation || rt.need.access == onQuarantine || rt.need.access == execution || rt.need.access == asAdmin) && rt.need.level == rinca.None {
			t.Errorf("%s has no level", rt.pattern)
		}
		if !strings.HasSuffix(rt.doc, ".") || len(rt.doc) < 10 {
			t.Errorf("%s is not described by a sentence", rt.pattern)
		}
		changes := method != "GET" && !strings.HasSuffix(path, "/plan") && !strings.HasSuffix(path, "/check") && !strings.HasSuffix(path, "/explain")
		if changes && rt.audit == "" || rt.need.reveal && rt.audit == "" {
			t.Errorf("%s changes or reveals something, and is not in the audit log", rt.pattern)
		}
		if changes && rt.need.level == rinca.Read {
			t.Errorf("%s changes something for those who may only read", rt.pattern)
		}
		if method == "GET" && rt.in != nil {
			t.Errorf("%s has a body", rt.pattern)
		}
		for _, p := range rt.query {
			if p.name == "" || p.doc == "" {
				t.Errorf("%s has a parameter without a description", rt.pattern)
			}
		}
	}
}

// TestGuards compares what each route needs with what was agreed on; a change
// of it is a line in a review.
func TestGuards(t *testing.T) {
	var b strings.Builder
	for _, rt := range routes() {
		fmt.Fprintf(&b, "%-45s %s\n", rt.pattern, rt.need)
	}
	golden(t, "guards.txt", b.String())
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if os.Getenv("UPDATE") != "" {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("differs from %s; if that is right: UPDATE=1 go test ./internal/api\n%s", path, diff)
	}
}

// sample returns a request to a route that would work, were it allowed.
func sample(w *world, rt *route) (what, body string) {
	parts := strings.NewReplacer("{stack}", "web", "{server}", "far", "{name}", "TOKEN", "{account}", "forge", "{alerter}", "ops", "{procedure}", "nightly",
		"{kind}", "stack", "{target}", "web", "{user}", "somebody", "{group}", "some-group", "{key}", "none", "{item}", "web.env", "{field}", "password")
	what = parts.Replace(rt.pattern)
	if strings.Contains(what, "/rotations/{id}") {
		what = strings.ReplaceAll(what, "{id}", w.rotation().ID)
	}
	if strings.Contains(what, "{id}") {
		what = strings.ReplaceAll(what, "{id}", w.update().ID)
	}
	if strings.Contains(what, "{alert}") {
		what = strings.ReplaceAll(what, "{alert}", w.alert().ID)
	}
	if strings.Contains(what, "{delivery}") {
		what = strings.ReplaceAll(what, "{delivery}", w.delivery())
	}
	bodies := map[string]string{
		"PUT /v1/webhook-secret":                  `{"secret":"` + canary + `"}`,
		"PUT /v1/webhooks/{kind}/{target}/secret": `{"generate":true}`,
		"PUT /v1/alerters/{alerter}":              `{"kind":"Custom","url":"https://alerts.example.org/` + canary + `"}`,
		"POST /v1/stacks":                         `{"name":"new","source":{"kind":"git","repo":"https://forge.example.org/new.git"}}`,
		"PUT /v1/stacks/{stack}":                  `{"source":{"kind":"git","repo":"https://forge.example.org/web.git","branch":"main"}}`,
		"POST /v1/procedures":                     `{"name":"new","stages":[]}`,
		"PUT /v1/procedures/{procedure}":          `{"stages":[{"name":"wait","executions":[]}]}`,
		"POST /v1/servers":                        `{"name":"new","address":"tcp://new:2376"}`,
		"PUT /v1/servers/{server}":                `{"address":"tcp://far:2376"}`,
		"PUT /v1/git-accounts/{account}":          `{"host":"forge.example.org","token":"` + canary + `"}`,
		"PUT /v1/variables/{name}":                `{"value":"` + canary + `"}`,
		"POST /v1/executions":                     `{"type":"DeployStack","params":{"stack":"web"}}`,
		"POST /v1/quarantine/release":             `{"item":"held.env"}`,
		"PUT /v1/vault/token":                     `{"token":"` + canary + `"}`,
		"POST /v1/vault/items":                    `{"title":"new.env","set":[{"label":"A","value":"` + canary + `"}],"env":"B=` + canary + `"}`,
		"PUT /v1/vault/items/{item}":              `{"set":[{"label":"A","value":"` + canary + `"}]}`,
	}
	return what, bodies[rt.pattern]
}

// alert returns one about the stack web.
func (w *world) alert() rinca.Alert {
	w.Helper()
	web := rinca.Target{Kind: rinca.KindStack, Name: "web"}
	if err := w.alerts.Raise(w.Context(), rinca.Alert{Type: rinca.AlertDeployFailed, Target: web, Message: "it crashes"}); err != nil {
		w.Fatal(err)
	}
	all, err := w.alerts.List(w.Context(), alert.Filter{Limit: 1})
	if err != nil || len(all) != 1 {
		w.Fatal(all, err)
	}
	return all[0]
}

// rotation makes one that waits for an approval, of the stack web.
func (w *world) rotation() rinca.Rotation {
	w.Helper()
	rot := rinca.Rotation{
		ID: w.update().ID, State: rinca.RotationWaits, CreatedAt: time.Now(), Operator: "somebody",
		Stacks: []rinca.RotatedStack{{Stack: "web", Wave: 1}}, Items: []rinca.RotatedItem{{Vault: "v", Item: "i", Title: "web.env", Version: 2, Stacks: []string{"web"}}},
	}
	w.putRotation(&rot)
	return rot
}

// putRotation stores a rotation as a run does after it has planned.
func (w *world) putRotation(rot *rinca.Rotation) {
	w.Helper()
	rot.Plan = rotation.PlanOf(*rot)
	if err := rotation.Collection(w.db).Put(w.Context(), store.Record[rinca.Rotation]{ID: rot.ID, Key: "open", At: rot.CreatedAt, Value: *rot}); err != nil {
		w.Fatal(err)
	}
}

// settle ends what waits, so that no stack is busy.
func (w *world) settle() {
	w.Helper()
	waiting, err := w.db.Updates(w.Context(), store.UpdateFilter{State: rinca.Queued})
	if err != nil {
		w.Fatal(err)
	}
	for i := range waiting {
		if err := w.runner.finish(w.Context(), waiting[i]); err != nil {
			w.Fatal(err)
		}
	}
}

// update makes one of the stack web that nobody here asked for.
func (w *world) update() rinca.Update {
	w.Helper()
	u, _, err := w.db.Enqueue(w.Context(), rinca.Update{
		Execution: rinca.Execution{Kind: "DeployStack", Params: json.RawMessage(`{"stack":"web"}`)},
		Target:    rinca.Target{Kind: rinca.KindStack, Name: "web"}, Operator: "somebody",
	}, "")
	if err != nil {
		w.Fatal(err)
	}
	return u
}

// an actor is somebody who sends every request there is.
type actor struct {
	name  string
	level rinca.Level // on everything
	admin bool
	// reveal: has the right; only: the one kind that the level is for.
	reveal bool
	only   rinca.Kind
	token  rinca.Secret
}

// may says what the table has to come to, for what is not about oneself.
func (a actor) may(rt *route) bool {
	level := func(kind rinca.Kind) rinca.Level {
		if a.admin {
			return rinca.Write
		}
		if a.only != "" && a.only != kind {
			return rinca.None
		}
		return a.level
	}
	n := rt.need
	switch n.access {
	case public:
		return true
	case signedIn, listed:
		return a.name != "anonymous" && !n.session
	case asAdmin:
		return a.admin && !n.session
	case execution, onUpdate, onRotation, onQuarantine:
		return level(rinca.KindStack) >= n.level
	}
	return level(n.kind) >= n.level && (!n.reveal || a.reveal || a.admin)
}

func TestEveryRouteAtEveryLevel(t *testing.T) {
	w := newWorld(t)
	w.fixtures()
	key := func(name string, u rinca.User, scope *rinca.Rights) rinca.Secret {
		u.Name = name
		return w.user(u, scope)
	}
	readAll, readStacks := all(rinca.Read), rinca.Rights{All: map[rinca.Kind]rinca.Grant{rinca.KindStack: {Level: rinca.Read}}}
	revealing := all(rinca.Read, rinca.Reveal)
	actors := []actor{
		{name: "anonymous"},
		{name: "none", token: key("none", rinca.User{}, nil)},
		{name: "reads", level: rinca.Read, token: key("reads", rinca.User{Rights: readAll}, nil)},
		{name: "executes", level: rinca.Execute, token: key("executes", rinca.User{Rights: all(rinca.Execute)}, nil)},
		{name: "writes", level: rinca.Write, token: key("writes", rinca.User{Rights: all(rinca.Write)}, nil)},
		{name: "reveals", level: rinca.Read, reveal: true, token: key("reveals", rinca.User{Rights: revealing}, nil)},
		{name: "admin", admin: true, token: key("admin", rinca.User{Admin: true}, nil)},
		{name: "admin's bounded key", level: rinca.Read, token: key("bounded", rinca.User{Admin: true}, &readAll)},
		{name: "stacks only", level: rinca.Read, only: rinca.KindStack, token: key("stacks", rinca.User{Rights: all(rinca.Write, rinca.Reveal)}, &readStacks)},
	}
	rts := routes()
	for _, a := range actors {
		t.Run(a.name, func(t *testing.T) {
			for i := range rts {
				w.fixtures()
				_ = w.db.DeleteStack(t.Context(), "new")
				_ = w.db.DeleteServer(t.Context(), "new")
				w.settle()
				checkRoute(t, w, a, &rts[i])
			}
		})
	}
	if strings.Contains(w.log.String(), canary) {
		t.Error("a value is in the log")
	}
}

func checkRoute(t *testing.T, w *world, a actor, rt *route) {
	t.Helper()
	what, body := sample(w, rt)
	if rt.streams() && a.may(rt) && strings.HasSuffix(rt.pattern, "/events") {
		return // it does not end; other tests read it
	}
	before, err := w.db.LastAudit(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	got := w.do(a.token, what, body)
	shows := rt.need.reveal || rt.audit == "vault.item.reveal" || strings.HasSuffix(rt.pattern, "/logs") // the memory engine knows no masking
	if strings.Contains(got.body, canary) && (!shows || !a.may(rt)) {
		t.Errorf("%s shows a value", rt.pattern)
	}
	switch {
	case !a.may(rt) && a.name == "anonymous":
		if got.status != 401 || got.header.Get("WWW-Authenticate") == "" {
			t.Errorf("%s: %d without a credential", rt.pattern, got.status)
		}
	case !a.may(rt):
		if got.status != 403 && got.status != 404 {
			t.Errorf("%s: %d %s, and should be refused", rt.pattern, got.status, got.body)
		}
	case got.status == 401 && rt.need.access != public || got.status == 403 || got.status >= 500:
		t.Errorf("%s: %d %s, and should work", rt.pattern, got.status, got.body)
	case ours(rt) && got.status != rt.good():
		t.Errorf("%s: %d %s, and should be %d", rt.pattern, got.status, got.body, rt.good())
	case ours(rt) && rt.audit != "" && !rt.need.reveal:
		entries, err := w.db.AuditEntries(t.Context(), before, 10)
		if err != nil || len(entries) != 1 || entries[0].Action != rt.audit || !entries[0].OK || entries[0].Actor == "" {
			t.Errorf("%s: the audit log has %+v, %v", rt.pattern, entries, err)
		}
	}
}

// ours reports whether sample has a body that works for the route.
func ours(rt *route) bool {
	if rt.need.access == onQuarantine || rt.need.access == onRotation && !strings.HasSuffix(rt.pattern, "/undo") {
		return true // undo needs a runner that knows its kind
	}
	for _, rows := range [][]route{systemRoutes(), stackRoutes(), resourceRoutes(), executionRoutes(), alertRoutes()} {
		for i := range rows {
			if rows[i].pattern == rt.pattern {
				return true
			}
		}
	}
	return false
}

// TestWhatIsHiddenLooksAsIfItWereNotThere compares the answers to somebody
// without rights about what is there and what is not.
func TestWhatIsHiddenLooksAsIfItWereNotThere(t *testing.T) {
	w := newWorld(t)
	w.fixtures()
	token := w.user(rinca.User{Name: "none"}, nil)
	known, alertID := w.update(), w.alert().ID
	deliveryID := w.delivery()
	rts := routes()
	for i := range rts {
		rt := &rts[i]
		if rt.need.access != onTarget && rt.need.access != onUpdate && rt.need.access != onAlert && rt.need.access != onRotation && rt.need.access != onQuarantine && rt.need.access != execution {
			continue
		}
		if rt.need.access == onRotation {
			known = rinca.Update{ID: w.rotation().ID}
		}
		names := map[string][2]string{"{stack}": {"web", "wex"}, "{server}": {"far", "fax"}, "{name}": {"TOKEN", "TOKEX"}, "{account}": {"forge", "forgx"}, "{alerter}": {"ops", "opx"}, "{alert}": {alertID, alertID[:len(alertID)-1] + "x"}, "{kind}": {"stack", "stack"}, "{target}": {"web", "wex"}, "{delivery}": {deliveryID, deliveryID[:len(deliveryID)-1] + "x"}, "{id}": {known.ID, known.ID[:len(known.ID)-1] + "x"}}
		_, body := sample(w, rt)
		names["{item}"] = [2]string{"held.env", "helx.env"}
		var answers [2]answer
		for side := range answers {
			what := rt.pattern
			sent := body
			for part, name := range names {
				what = strings.ReplaceAll(what, part, name[side])
				if side == 1 {
					sent = strings.NewReplacer(`"web"`, `"wex"`, `"new"`, `"nex"`, `"held.env"`, `"helx.env"`).Replace(body)
				}
			}
			answers[side] = w.do(token, what, sent)
			for _, name := range names {
				answers[side].body = strings.ReplaceAll(answers[side].body, name[side], "NAME")
			}
			answers[side].body = strings.ReplaceAll(strings.ReplaceAll(answers[side].body, `\"new\"`, `NAME`), `\"nex\"`, `NAME`)
		}
		if answers[0].status != answers[1].status || answers[0].body != answers[1].body {
			t.Errorf("%s tells what is there:\n%d %s%d %s", rt.pattern, answers[0].status, answers[0].body, answers[1].status, answers[1].body)
		}
	}
}

func TestOpenAPIDescribesEveryRoute(t *testing.T) {
	runner := &memoryRunner{}
	var doc struct {
		OpenAPI    string `json:"openapi"`
		Paths      map[string]map[string]map[string]any
		Components struct{ Schemas map[string]any }
	}
	data := OpenAPI("test", runner.Kinds())
	if err := json.Unmarshal(data, &doc); err != nil {
		t.Fatal(err)
	}
	if doc.OpenAPI != "3.1.0" {
		t.Errorf("openapi is %q", doc.OpenAPI)
	}
	for _, rt := range routes() {
		method, path, _ := strings.Cut(rt.pattern, " ")
		op := doc.Paths[path][strings.ToLower(method)]
		if op["summary"] != rt.doc || op["operationId"] == "" {
			t.Errorf("%s is not described: %v", rt.pattern, op)
		}
	}
	// Every reference leads somewhere.
	for _, ref := range strings.Split(string(data), `"$ref": "#/components/schemas/`)[1:] {
		name, _, _ := strings.Cut(ref, `"`)
		if doc.Components.Schemas[name] == nil {
			t.Errorf("there is no schema %s", name)
		}
	}
	if doc.Components.Schemas["DeployStackParams"] == nil {
		t.Error("the parameters of executions are not described")
	}
	if again := OpenAPI("test", runner.Kinds()); !reflect.DeepEqual(again, data) {
		t.Error("the description differs from time to time")
	}
	page := Reference(runner.Kinds())
	for _, rt := range routes() {
		if !strings.Contains(page, "### "+rt.pattern+"\n") {
			t.Errorf("%s is not on the page", rt.pattern)
		}
	}
}
