package deploy

import (
	"context"
	"encoding/json"
	"log/slog"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"rinca/internal/export"
	"rinca/internal/redact"
	"rinca/internal/rinca"
	"rinca/internal/store"
	"rinca/internal/vault/embedded"
	"rinca/internal/vault/vaulttest"
)

// A secretWorld is a real database, an embedded vault and a destination.
type secretWorld struct {
	*testing.T
	d     *Deployer
	vault *embedded.DB
	id    string // of the vault
	now   time.Time
	down  error // what the vault answers
}

type downable struct {
	rinca.Provider
	w *secretWorld
}

func (p downable) Vaults(ctx context.Context) ([]rinca.Vault, error) {
	if p.w.down != nil {
		return nil, p.w.down
	}
	return p.Provider.Vaults(ctx)
}

func newSecretWorld(t *testing.T) *secretWorld {
	t.Helper()
	w := &secretWorld{T: t, now: time.Now()}
	db, err := store.Open(t.Context(), store.Config{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	_, w.vault = vaulttest.NewHome(t, nil)
	vaults, err := w.vault.Vaults(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	w.id = vaults[0].ID
	now := func() time.Time { return w.now }
	w.d = &Deployer{
		DB: db, Known: &redact.Known{}, Now: now, Log: slog.New(slog.DiscardHandler), Home: t.TempDir(),
		Engines: &Engines{List: db.Servers, Local: "unix:///nosuch", Now: now, Log: slog.New(slog.DiscardHandler), Open: func(context.Context, rinca.Server) (rinca.Engine, error) {
			return nil, rinca.Errorf(rinca.Unavailable, "no engine here")
		}},
		Vault: &Vault{
			Open:       func(context.Context) (rinca.Provider, error) { return downable{w.vault, w}, nil },
			Configured: func() bool { return true }, Now: now,
			Request: export.Request{Vault: "homelab", Dest: filepath.Join(t.TempDir(), "secrets")},
		},
	}
	return w
}

func (w *secretWorld) item(title, stacks string, fields map[string]string) {
	w.Helper()
	it := rinca.Item{Info: rinca.Info{VaultID: w.id, Title: title, Category: rinca.CategorySecureNote, Tags: []string{"production"}}}
	for _, s := range strings.Fields(stacks) {
		it.Tags = append(it.Tags, rinca.StackTag+s)
	}
	for k, v := range fields {
		it.Fields = append(it.Fields, rinca.Field{ID: k, Label: k, Type: rinca.TypeConcealed, Value: rinca.NewSecret(v)})
	}
	if _, err := w.vault.Create(w.Context(), it); err != nil {
		w.Fatal(err)
	}
}

// stack adds a stack; services read its exported files, by title.
func (w *secretWorld) stack(name string, after []string, services map[string][]string) {
	w.Helper()
	if _, err := w.d.DB.PutStack(w.Context(), rinca.Stack{Name: name, After: after, Source: rinca.Source{Kind: rinca.SourceInline}}, store.Upsert); err != nil {
		w.Fatal(err)
	}
	if services == nil {
		return
	}
	l := rinca.Lineage{}
	for title, list := range services {
		l.Files = append(l.Files, rinca.LineageFile{Path: filepath.Join(w.d.Vault.Request.Dest, name, title), Via: "env_file", Services: list})
	}
	plain, err := json.Marshal(markInfo{Lineage: l})
	if err != nil {
		w.Fatal(err)
	}
	if err := w.d.DB.PutMark(w.Context(), store.Mark{Stack: name, Plain: plain}); err != nil {
		w.Fatal(err)
	}
}

func (w *secretWorld) export() {
	w.Helper()
	p, err := w.d.Vault.Export(w.Context(), w.d.Vault.Request, false)
	if err == nil {
		err = p.Err()
	}
	if err != nil {
		w.Fatal(err)
	}
}

func (w *secretWorld) list(o SecretListOptions) map[string]rinca.SecretInfo {
	w.Helper()
	report, err := w.d.SecretList(w.Context(), o)
	if err != nil {
		w.Fatal(err)
	}
	data, err := json.Marshal(report)
	if err != nil || strings.Contains(string(data), "canary") {
		w.Errorf("a value is told: %s %v", data, err)
	}
	out := map[string]rinca.SecretInfo{}
	for _, s := range report.Secrets {
		out[s.Title] = s
	}
	return out
}

func TestSecretList(t *testing.T) {
	w := newSecretWorld(t)
	ctx := t.Context()
	same := "canary-in-two-items"
	w.item("db.env", "wiki", map[string]string{"PASSWORD": same, "SHORT": "yes"})
	w.item("idle.env", "wiki", map[string]string{"KEY": "canary-idle-value", "SHORT": "yes"})
	w.item("smtp", "", map[string]string{"token": same})
	w.item("untouched", "", map[string]string{"x": "canary-nobody-uses"})
	w.stack("wiki", nil, map[string][]string{"db.env": {"app"}, "idle.env": nil})
	w.stack("blog", []string{"wiki"}, nil)
	w.stack("feed", []string{"blog"}, nil)
	w.export()
	for _, v := range []rinca.Variable{{Name: "SMTP", From: "op://homelab/smtp/token", Secret: true}, {Name: "OWN", Secret: true, Value: rinca.NewSecret("canary-own-value")}, {Name: "PLAIN", Value: rinca.NewSecret("x")}} {
		if _, err := w.d.DB.PutVariable(ctx, v, store.Upsert); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := w.d.DB.PutStack(ctx, rinca.Stack{Name: "blog", After: []string{"wiki"}, Environment: "T = [[SMTP]]", Source: rinca.Source{Kind: rinca.SourceInline}}, store.Upsert); err != nil {
		t.Fatal(err)
	}

	got := w.list(SecretListOptions{Values: true})
	if len(got) != 4 {
		t.Errorf("%d secrets: %+v", len(got), got)
	}
	for title, want := range map[string]struct {
		stacks, equal []string
		unused        bool
	}{
		"db.env":   {[]string{"wiki"}, []string{"smtp/token"}, false},
		"idle.env": {nil, nil, true},
		"smtp":     {[]string{"blog"}, []string{"db.env/PASSWORD"}, false},
		"OWN":      {nil, nil, true},
	} {
		s := got[title]
		if diff := cmp.Diff([]any{want.stacks, want.equal, want.unused}, []any{s.Stacks, s.EqualTo, s.Unused}); diff != "" || s.ChangedAt.IsZero() || s.Overdue {
			t.Errorf("%s: %+v\n%s", title, s, diff)
		}
	}

	month, err := rinca.ParseAge("30d")
	if err != nil {
		t.Fatal(err)
	}
	if err := w.d.SetSecretPolicy(ctx, rinca.SecretPolicy{Rules: []rinca.AgeRule{{MaxAge: month, Tag: "production"}}}); err != nil {
		t.Fatal(err)
	}
	w.now = w.now.Add(31 * 24 * time.Hour)
	got = w.list(SecretListOptions{})
	if !got["db.env"].Overdue || !got["smtp"].Overdue || got["OWN"].Overdue || got["db.env"].Rule != "tag production" {
		t.Errorf("overdue: %+v", got)
	}
	w.down = rinca.Errorf(rinca.Unavailable, "no answer")
	w.now = w.now.Add(time.Hour)
	report, err := w.d.SecretList(ctx, SecretListOptions{})
	if err != nil || !report.At.IsZero() || len(report.Notes) != 1 || len(report.Secrets) != 4 {
		t.Errorf("without the vault: %+v %v", report, err)
	}
}

func TestSecretUses(t *testing.T) {
	w := newSecretWorld(t)
	w.item("db.env", "wiki", map[string]string{"PASSWORD": "canary-one"})
	w.stack("wiki", nil, map[string][]string{"db.env": {"app", "worker"}})
	w.stack("blog", []string{"wiki"}, nil)
	w.stack("feed", []string{"blog"}, nil)
	w.export()
	for _, what := range []string{"op://homelab/db.env", "op://HOMELAB/DB.env/PASSWORD", "db.env", "op://" + w.id + "/db.env"} {
		used, err := w.d.SecretUses(t.Context(), what)
		if err != nil || len(used.Uses) != 2 || len(used.Items) != 1 {
			t.Errorf("%s: %+v %v", what, used, err)
			continue
		}
		u := used.Uses[1]
		if u.Service != "worker" || u.Stack != "wiki" || u.Via != "env_file" || !cmp.Equal(u.Dependents, []string{"blog", "feed"}) {
			t.Errorf("%s: %+v", what, u)
		}
		if len(used.Notes) != 1 || !strings.Contains(used.Notes[0], "no engine here") {
			t.Errorf("%s: notes %q", what, used.Notes)
		}
	}
	for _, what := range []string{"op://homelab/db.env/NOSUCH", "op://other/db.env", "nothing"} {
		if used, err := w.d.SecretUses(t.Context(), what); err != nil || len(used.Uses)+len(used.Items) != 0 {
			t.Errorf("%s: %+v %v", what, used, err)
		}
	}
}

// A vault that is out of reach, a stack that was never deployed and one whose
// server is down are unknown, and no error.
func TestDriftThatCannotBeAsked(t *testing.T) {
	w := newSecretWorld(t)
	w.item("db.env", "wiki", map[string]string{"PASSWORD": "canary-one"})
	w.stack("wiki", nil, map[string][]string{"db.env": {"app"}})
	w.stack("new", nil, nil)
	w.export()
	w.down = rinca.Errorf(rinca.Unavailable, "no answer")
	r, err := w.d.Drift(t.Context(), DriftOptions{})
	if err != nil || len(r.Stacks) != 2 {
		t.Fatalf("%+v %v", r, err)
	}
	if s := r.Stacks[0]; s.Stack != "new" || s.State != rinca.DriftUnknown || !s.Idle || s.Why != "it was never deployed" || len(s.Keys) != 0 {
		t.Errorf("%+v", s)
	}
	if s := r.Stacks[1]; s.State != rinca.DriftUnknown || len(s.Keys) != 1 || s.Keys[0].State != rinca.DriftUnknown {
		t.Errorf("%+v", s)
	}
	busy, err := w.d.Drift(t.Context(), DriftOptions{Stacks: []string{"wiki"}, Borrow: func(string) (func(), bool) { return nil, false }})
	if err != nil || !strings.Contains(busy.Stacks[0].Why, "being worked on") {
		t.Errorf("%+v %v", busy, err)
	}
	if _, err := w.d.Drift(t.Context(), DriftOptions{Stacks: []string{"nosuch"}}); rinca.CodeOf(err) != rinca.NotFound {
		t.Errorf("%v", err)
	}
	if err := w.d.KeepDrift(t.Context(), r); err != nil {
		t.Fatal(err)
	}
	if err := w.d.DB.DeleteStack(t.Context(), "new"); err != nil {
		t.Fatal(err)
	}
	last, err := w.d.LastDrift(t.Context())
	if err != nil || len(last.Stacks) != 1 || last.Counts[rinca.DriftUnknown] != 1 || last.Stacks[0].Outdated {
		t.Errorf("%+v %v", last, err)
	}
	if err := w.d.DB.PutMark(t.Context(), store.Mark{Stack: "wiki", At: time.Now().Add(time.Minute)}); err != nil {
		t.Fatal(err)
	}
	if last, err = w.d.LastDrift(t.Context()); err != nil || !last.Stacks[0].Outdated {
		t.Errorf("after a deploy: %+v %v", last, err)
	}
}
