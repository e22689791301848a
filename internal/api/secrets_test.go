package api

import (
	"context"
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"rinca/internal/deploy"
	"rinca/internal/rinca"
)

// memorySecrets knows of one item that the stacks web and hidden use.
type memorySecrets struct {
	checked []string
	policy  rinca.SecretPolicy
	drift   rinca.DriftPolicy
}

func (m *memorySecrets) SecretUses(_ context.Context, what string) (rinca.UsedBy, error) {
	if what != "db.env" {
		return rinca.UsedBy{What: what, Uses: []rinca.SecretUse{}}, nil
	}
	use := func(stack string, after ...string) rinca.SecretUse {
		return rinca.SecretUse{Vault: "homelab", Item: "db.env", Stack: stack, Service: "app", File: "/secrets/" + stack + "/db.env", Dependents: after}
	}
	return rinca.UsedBy{
		What: what, Items: []rinca.UsedItem{{VaultName: "homelab", Title: "db.env"}}, Notes: []string{"the server far is down"},
		Uses: []rinca.SecretUse{use("web", "hidden"), use("hidden", "web")},
	}, nil
}

func (m *memorySecrets) CheckDrift(_ context.Context, o deploy.DriftOptions) (rinca.DriftReport, error) {
	m.checked = o.Stacks
	r := rinca.DriftReport{Stacks: []rinca.StackDrift{}}
	for _, s := range o.Stacks {
		r.Stacks = append(r.Stacks, rinca.StackDrift{Stack: s})
	}
	return r, nil
}

func (m *memorySecrets) LastDrift(context.Context) (rinca.DriftReport, error) {
	key := []rinca.DriftKey{{Key: "K", State: rinca.DriftStale}}
	r := rinca.DriftReport{At: time.Unix(1764000000, 0), Stacks: []rinca.StackDrift{{Stack: "hidden", Keys: key}, {Stack: "web", Keys: key}}}
	r.Count()
	return r, nil
}

func (m *memorySecrets) DriftPolicy(context.Context) (rinca.DriftPolicy, error) { return m.drift, nil }

func (m *memorySecrets) SetDriftPolicy(_ context.Context, p rinca.DriftPolicy) error {
	m.drift = p
	return nil
}

func (m *memorySecrets) SecretList(_ context.Context, o deploy.SecretListOptions) (rinca.SecretReport, error) {
	return rinca.SecretReport{Values: o.Values, Notes: []string{"the vault is down"}, Secrets: []rinca.SecretInfo{
		{Kind: "item", Title: "db.env", Stacks: []string{"hidden", "web"}, Files: []string{"/secrets/hidden/db.env", "/secrets/web/db.env"}, Tags: []string{"x", "stack:hidden", "stack:web"}},
		{Kind: "item", Title: "hidden.env", Stacks: []string{"hidden"}},
		{Kind: "variable", Title: "SECRET"},
	}}, nil
}

func (*memorySecrets) Overdue(context.Context) (int, error) { return 3, nil }

func (m *memorySecrets) SecretPolicy(context.Context) (rinca.SecretPolicy, error) {
	return m.policy, nil
}

func (m *memorySecrets) SetSecretPolicy(_ context.Context, p rinca.SecretPolicy) error {
	m.policy = p
	return p.Check()
}

// Answers about secrets have the stacks that the caller may read, and give no
// hint of the others.
func TestSecretsOfOthersAreHidden(t *testing.T) {
	secrets := &memorySecrets{}
	w := newWorld(t, func(c *Config) { c.Secrets = secrets })
	w.fixtures()
	for _, name := range []string{"web", "hidden"} {
		if _, err := w.db.PutStack(t.Context(), rinca.Stack{Name: name, Source: rinca.Source{Kind: rinca.SourceInline, Files: []rinca.InlineFile{{Path: "compose.yaml", Content: "services: {}"}}}}, 0); err != nil {
			t.Fatal(err)
		}
	}
	reads := w.user(rinca.User{Name: "reads", Rights: rinca.Rights{Permissions: []rinca.Permission{{Target: rinca.Target{Kind: rinca.KindStack, Name: "web"}, Grant: rinca.Grant{Level: rinca.Read}}}}}, nil)
	admin, none := w.admin(), w.user(rinca.User{Name: "none"}, nil)
	get := func(token rinca.Secret, what string, status int, out any) string {
		t.Helper()
		got := w.do(token, what, "")
		if got.status != status {
			t.Fatalf("%s: %d %s", what, got.status, got.body)
		}
		if out != nil {
			if err := json.Unmarshal([]byte(got.body), out); err != nil {
				t.Fatal(err)
			}
		}
		return got.body
	}
	for _, what := range []string{"GET /v1/secrets/used-by?ref=db.env", "GET /v1/secrets", "GET /v1/drift"} {
		if text := get(admin, what, 200, nil); !strings.Contains(text, "hidden") {
			t.Errorf("%s: an administrator sees %s", what, text)
		}
		if text := get(reads, what, 200, nil); strings.Contains(text, "hidden") || strings.Contains(text, "is down") || !strings.Contains(text, "web") {
			t.Errorf("%s: %s", what, text)
		}
	}
	known, unknown := get(none, "GET /v1/secrets/used-by?ref=db.env", 404, nil), get(none, "GET /v1/secrets/used-by?ref=dbx.env", 404, nil)
	if strings.ReplaceAll(known, "dbx", "db") != strings.ReplaceAll(unknown, "dbx", "db") {
		t.Errorf("what is there and what is not differ:\n%s\n%s", known, unknown)
	}
	var list rinca.SecretReport
	if get(none, "GET /v1/secrets", 200, &list); len(list.Secrets) != 0 {
		t.Errorf("%+v", list)
	}
	if got := w.do(reads, "GET /v1/secrets?values=true", ""); got.status != 403 {
		t.Errorf("comparing values as anybody: %d", got.status)
	}
	for _, c := range []struct {
		token  rinca.Secret
		body   string
		status int
		want   []string
	}{
		{reads, `{}`, 200, []string{"web"}},
		{reads, `{"stacks":["web"]}`, 200, []string{"web"}},
		{reads, `{"stacks":["hidden"]}`, 404, nil},
		{reads, `{"stacks":["web"],"deep":true}`, 403, nil},
		{none, `{}`, 200, nil},
		{admin, `{"stacks":["hidden"],"deep":true}`, 200, []string{"hidden"}},
	} {
		secrets.checked = nil
		if got := w.do(c.token, "POST /v1/drift", c.body); got.status != c.status || !slices.Equal(secrets.checked, c.want) {
			t.Errorf("%s: %d %s, checked %v", c.body, got.status, got.body, secrets.checked)
		}
	}
	if got := w.do(reads, "PUT /v1/secrets/policy", `{"rules":[{"max_age":"90d"}]}`); got.status != 403 {
		t.Errorf("a policy by anybody: %d", got.status)
	}
	if got := w.do(admin, "PUT /v1/secrets/policy", `{"rules":[{"max_age":"90d"}]}`); got.status != 200 || secrets.policy.UpdatedBy != "admin" {
		t.Errorf("%d %s %+v", got.status, got.body, secrets.policy)
	}
	text := get(admin, "GET /metrics", 200, nil)
	for _, want := range []string{
		`rinca_drift_keys{state="stale"} 2`, "rinca_drift_checked_timestamp 1", "rinca_vault_breaker_open 1", "rinca_secrets_overdue 3",
		`rinca_vault_budget_used{scope="token",window="hour"} 97`, `rinca_vault_budget_left{scope="token",window="hour"} 3`,
	} {
		if !strings.Contains(text, want) {
			t.Errorf("the metrics lack %s", want)
		}
	}
}
