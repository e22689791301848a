package api

import (
	"encoding/json"
	"strings"
	"testing"

	"rinca/internal/rinca"
	"rinca/internal/store"
)

// hookSecret authenticates the deliveries of tests.
const hookSecret = "hook-" + canary

// delivery sends one to the stack web, and returns its id.
func (w *world) delivery() string {
	w.Helper()
	web := rinca.Target{Kind: rinca.KindStack, Name: "web"}
	if err := w.hooks.SetSecret(w.Context(), web, rinca.NewSecret(hookSecret)); err != nil {
		w.Fatal(err)
	}
	got := w.do(rinca.NewSecret(hookSecret), "POST /listener/bearer/stack/web/refresh", "")
	var out struct{ Delivery string }
	got.into(w, &out)
	if got.status != 200 || out.Delivery == "" {
		w.Fatalf("%d %s", got.status, got.body)
	}
	return out.Delivery
}

// A person sets a secret, looks up the address, and finds out what came.
func TestWebhooksOfWhatOneMayRead(t *testing.T) {
	w := newWorld(t)
	w.fixtures()
	admin := w.admin()
	web := rinca.Rights{Permissions: []rinca.Permission{{Target: rinca.Target{Kind: rinca.KindStack, Name: "web"}, Grant: rinca.Grant{Level: rinca.Write}}}}
	token := w.user(rinca.User{Name: "web-only", Rights: web}, nil)
	if _, err := w.db.PutStack(t.Context(), rinca.Stack{Name: "wiki", Source: rinca.Source{Kind: rinca.SourceGit, Repo: "https://forge.example.org/wiki.git"}}, store.Upsert); err != nil {
		t.Fatal(err)
	}
	var made webhookSecretJSON
	w.do(token, "PUT /v1/webhooks/stack/web/secret", `{"generate":true}`).into(t, &made)
	if len(made.Secret) < 32 {
		t.Fatalf("the secret is %q", made.Secret)
	}
	for body, why := range map[string]string{`{"secret":"short"}`: "from 12 to 1000", `{}`: "from 12 to 1000", `{"generate":true,"secret":"long enough to be one"}`: "not both"} {
		if got := w.do(token, "PUT /v1/webhooks/stack/web/secret", body); got.status != 400 || !strings.Contains(got.body, why) {
			t.Errorf("%s: %d %s", body, got.status, got.body)
		}
	}
	for _, what := range []string{"PUT /v1/webhooks/stack/wiki/secret", "PUT /v1/webhook-secret"} {
		if got := w.do(token, what, `{"generate":true}`); got.status != 403 {
			t.Errorf("%s: %d %s", what, got.status, got.body)
		}
	}
	if got := w.do(admin, "PUT /v1/webhooks/stack/none/secret", `{"generate":true}`); got.status != 404 {
		t.Errorf("a stack that is not there: %d %s", got.status, got.body)
	}
	var rows []webhookOfJSON
	got := w.do(token, "GET /v1/webhooks", "")
	got.into(t, &rows)
	if len(rows) != 1 || rows[0].URLs["gitlab"] != "/listener/gitlab/stack/web/deploy" || rows[0].Secret != "own" || !rows[0].HasSecret || strings.Contains(got.body, made.Secret) {
		t.Errorf("%s", got.body)
	}
	rows = nil
	w.do(admin, "GET /v1/webhooks", "").into(t, &rows)
	if len(rows) != 4 || rows[0].Target.Kind != "" || rows[0].URLs["github"] != "/listener/github" || rows[1].HasSecret {
		t.Errorf("the administrator sees %+v", rows)
	}
	// Deliveries are for those who may read what they are about.
	mine := w.delivery()
	none := w.user(rinca.User{Name: "nobody"}, nil)
	for _, c := range []struct {
		token rinca.Secret
		want  int
	}{{token, 1}, {admin, 1}, {none, 0}} {
		var list []rinca.Delivery
		w.do(c.token, "GET /v1/deliveries?target=stack/web", "").into(t, &list)
		if len(list) != c.want || c.want > 0 && list[0].ID != mine {
			t.Errorf("%d deliveries, want %d", len(list), c.want)
		}
	}
	var d rinca.Delivery
	w.do(token, "POST /v1/deliveries/"+mine+"/redeliver", "").into(t, &d)
	if d.Redelivers != mine || d.RedeliveredBy != "web-only" {
		t.Errorf("%+v", d)
	}
	if got := w.do(none, "GET /v1/deliveries/"+mine, ""); got.status != 404 {
		t.Errorf("a delivery of somebody else: %d", got.status)
	}
	if strings.Contains(w.log.String(), hookSecret) || strings.Contains(w.log.String(), made.Secret) {
		t.Error("a secret is in the log")
	}
	w.do(token, "DELETE /v1/webhooks/stack/web/secret", "")
	if got := w.do(rinca.NewSecret(hookSecret), "POST /listener/bearer/stack/web/refresh", ""); got.status != 401 {
		t.Errorf("without a secret: %d %s", got.status, got.body)
	}
}

// The path of a webhook is one resource's alone, and none of our own words.
func TestWebhookPathsAreUnique(t *testing.T) {
	w := newWorld(t)
	w.fixtures()
	admin := w.admin()
	put := func(name, path string) answer {
		body, _ := json.Marshal(rinca.Stack{
			Name: name, Source: rinca.Source{Kind: rinca.SourceGit, Repo: "https://forge.example.org/x.git"}, Webhook: rinca.Webhook{Path: path},
		})
		return w.do(admin, "PUT /v1/stacks/"+name, string(body))
	}
	if got := put("one", "export-secrets"); got.status != 200 {
		t.Fatalf("%d %s", got.status, got.body)
	}
	if got := put("one", "export-secrets"); got.status != 200 {
		t.Errorf("its own again: %d %s", got.status, got.body)
	}
	if got := put("two", "export-secrets"); got.status != 409 || !strings.Contains(got.body, "Stack one") {
		t.Errorf("another's: %d %s", got.status, got.body)
	}
	for _, path := range []string{"stack/x", "procedure", "Build/x", "a//b", "../x", "a b", "/a", "a?b", ".x"} {
		if got := put("two", path); got.status != 400 {
			t.Errorf("%q: %d %s", path, got.status, got.body)
		}
	}
}
