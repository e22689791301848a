package store_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"rinca/internal/rinca"
	"rinca/internal/store"
)

var asStored = cmp.Comparer(func(a, b rinca.Secret) bool { return a.Equal(b) })

func same(t *testing.T, want, got any) {
	t.Helper()
	if d := cmp.Diff(want, got, asStored); d != "" {
		t.Errorf("-want +got\n%s", d)
	}
}

func TestStacks(t *testing.T) {
	dir := newHome(t)
	db := open(t, dir)
	ctx := t.Context()
	s := rinca.Stack{
		Name: "authentik", Tags: []string{"sso"}, Server: "nas", After: []string{"postgres"},
		Source:      rinca.Source{Kind: rinca.SourceGit, Repo: "git@example.com:a/b.git", Sparse: []string{"common"}},
		Environment: "A = [[A]] # <&>\n\"x\"", PreDeploy: rinca.Hook{Command: "echo '[[X]]'"}, Pull: true,
	}
	made, err := db.PutStack(ctx, s, store.CreateOnly)
	must(t, err)
	if made.UpdatedAt.IsZero() {
		t.Error("UpdatedAt is not set")
	}
	got, err := open(t, dir).Stack(ctx, "authentik") // another handle reads it from the disk
	must(t, err)
	same(t, made, got)
	_, err = db.PutStack(ctx, s, store.CreateOnly)
	wantCode(t, rinca.Conflict, err)
	_, err = db.PutStack(ctx, rinca.Stack{Name: "none"}, store.UpdateOnly)
	wantCode(t, rinca.NotFound, err)
	for _, bad := range []string{"", "../x", "a/b", "a\nb", strings.Repeat("x", 200)} {
		_, err = db.PutStack(ctx, rinca.Stack{Name: bad}, store.Upsert)
		wantCode(t, rinca.Invalid, err)
	}
	_, err = db.PutStack(ctx, rinca.Stack{Name: "Authentik", Server: "nas"}, store.Upsert)
	wantCode(t, rinca.Conflict, err) // the same Compose project
	_, err = db.PutStack(ctx, rinca.Stack{Name: "Authentik", Server: "other"}, store.Upsert)
	must(t, err)
	_, err = db.PutStack(ctx, rinca.Stack{Name: "b", Environment: "\xff"}, store.Upsert)
	wantCode(t, rinca.Invalid, err)
	_, err = db.PutStack(ctx, rinca.Stack{Name: "huge", Environment: strings.Repeat("x", 17<<20)}, store.Upsert)
	wantCode(t, rinca.Invalid, err)

	list, err := db.Stacks(ctx)
	if must(t, err); len(list) != 2 || list[0].Name != "Authentik" {
		t.Errorf("%d stacks", len(list))
	}
	before := db.Revision()
	must(t, db.DeleteStack(ctx, "Authentik"))
	if db.Revision() <= before {
		t.Error("the revision did not grow")
	}
	wantCode(t, rinca.NotFound, db.DeleteStack(ctx, "Authentik"))
	_, err = db.Stack(ctx, "Authentik")
	wantCode(t, rinca.NotFound, err)
	list, err = db.Stacks(ctx)
	if must(t, err); len(list) != 1 {
		t.Errorf("%d stacks", len(list))
	}
	mustCheck(t, db)
}

func TestDeletingAStackTakesWhatIsIts(t *testing.T) {
	db := newDB(t)
	ctx := t.Context()
	putStack(t, db, "web")
	putStack(t, db, "web2")
	for _, stack := range []string{"", "web", "web2"} {
		_, err := db.PutVariable(ctx, rinca.Variable{Name: "A", Stack: stack, Value: secret("x")}, store.CreateOnly)
		must(t, err)
	}
	must(t, db.PutMark(ctx, store.Mark{Stack: "web"}))
	u, _, err := db.Enqueue(ctx, update("DeployStack", "web"), "")
	must(t, err)
	must(t, db.DeleteStack(ctx, "web"))
	vars, err := db.Variables(ctx)
	if must(t, err); len(vars) != 2 || vars[0].Stack != "" || vars[1].Stack != "web2" {
		t.Errorf("%+v", vars)
	}
	_, err = db.Mark(ctx, "web")
	wantCode(t, rinca.NotFound, err)
	_, err = db.Update(ctx, u.ID)
	must(t, err)
	wantCode(t, rinca.NotFound, db.PutMark(ctx, store.Mark{Stack: "web"}))
	_, err = db.PutVariable(ctx, rinca.Variable{Name: "A", Stack: "web", Value: secret("x")}, store.Upsert)
	wantCode(t, rinca.NotFound, err)
	mustCheck(t, db)
}

func TestVariables(t *testing.T) {
	db := newDB(t)
	ctx := t.Context()
	put := func(v rinca.Variable) (rinca.Variable, error) {
		v.Name = "TOKEN"
		return db.PutVariable(ctx, v, store.Upsert)
	}
	_, err := put(rinca.Variable{Secret: true})
	wantCode(t, rinca.Invalid, err)
	_, err = put(rinca.Variable{Value: secret("x"), From: "op://a/b/c"})
	wantCode(t, rinca.Invalid, err)
	_, err = put(rinca.Variable{Value: secret(strings.Repeat("x", rinca.MaxVariable+1))})
	wantCode(t, rinca.Invalid, err)
	odd := "a\x00\xff\n\"$ {{"
	v, err := put(rinca.Variable{Secret: true, Value: secret(odd), UpdatedBy: "alice"})
	if must(t, err); v.Version != 1 || v.Value.Reveal() != odd {
		t.Errorf("%+v", v)
	}
	v, err = put(rinca.Variable{Secret: true, Description: "new"}) // the value is kept
	if must(t, err); v.Version != 1 || v.Value.Reveal() != odd || v.Description != "new" {
		t.Errorf("%+v", v)
	}
	v, err = put(rinca.Variable{Secret: true, Value: secret(odd)})
	if must(t, err); v.Version != 1 {
		t.Errorf("the same value made version %d", v.Version)
	}
	_, err = put(rinca.Variable{Secret: false})
	wantCode(t, rinca.Invalid, err)
	_, err = put(rinca.Variable{Secret: false, From: "op://a/b/c"})
	wantCode(t, rinca.Invalid, err)
	v, err = put(rinca.Variable{Secret: true, From: "op://a/b/c"})
	if must(t, err); v.Version != 2 || v.Value.IsSet() || v.From == "" {
		t.Errorf("%+v", v)
	}
	v, err = put(rinca.Variable{Secret: true})
	if must(t, err); v.From != "op://a/b/c" || v.Version != 2 {
		t.Errorf("%+v", v)
	}
	v, err = put(rinca.Variable{Value: secret("")}) // an empty value is one
	if must(t, err); v.Version != 3 || !v.Value.IsSet() || v.From != "" {
		t.Errorf("%+v", v)
	}
	v, err = put(rinca.Variable{Value: secret(odd)})
	if must(t, err); v.Version != 4 {
		t.Errorf("%+v", v)
	}
	got, err := db.Variable(ctx, "", "TOKEN")
	must(t, err)
	same(t, v, got)
	versions, err := db.VariableVersions(ctx, "", "TOKEN")
	must(t, err)
	if len(versions) != 4 || versions[0].Version != 4 || versions[0].Digest != versions[3].Digest || versions[0].Digest == versions[1].Digest || versions[3].UpdatedBy != "alice" || !versions[3].Secret {
		t.Errorf("%+v", versions)
	}
	must(t, db.DeleteVariable(ctx, "", "TOKEN"))
	_, err = db.VariableVersions(ctx, "", "TOKEN")
	wantCode(t, rinca.NotFound, err)
	v, err = put(rinca.Variable{Value: secret("again")})
	if must(t, err); v.Version != 1 {
		t.Errorf("%+v", v)
	}
	mustCheck(t, db)
}

func TestServersAndAccountsKeepTheirKeys(t *testing.T) {
	db := newDB(t)
	ctx := t.Context()
	s, err := db.PutServer(ctx, rinca.Server{Name: "nas", Address: "tcp://nas:2376", Cert: "c", Key: secret("key"), SSHKey: secret("ssh")}, store.CreateOnly)
	must(t, err)
	got, err := db.Server(ctx, "nas")
	must(t, err)
	same(t, s, got)
	_, err = db.PutServer(ctx, rinca.Server{Name: "nas", Address: "ssh://nas", Key: secret("")}, store.UpdateOnly)
	must(t, err)
	list, err := db.Servers(ctx)
	must(t, err)
	if len(list) != 1 || list[0].Key.IsSet() || list[0].SSHKey.Reveal() != "ssh" || list[0].Address != "ssh://nas" {
		t.Errorf("%+v", list)
	}

	a, err := db.PutGitAccount(ctx, rinca.GitAccount{Name: "hub", Host: "github.com", Token: secret("tok")}, store.CreateOnly)
	if must(t, err); !a.HasToken || a.HasKey {
		t.Errorf("%+v", a)
	}
	a, err = db.PutGitAccount(ctx, rinca.GitAccount{Name: "hub", Host: "GitHub.com", Username: "me"}, store.UpdateOnly)
	if must(t, err); a.Token.Reveal() != "tok" || !a.HasToken {
		t.Errorf("%+v", a)
	}
	_, err = db.PutGitAccount(ctx, rinca.GitAccount{Name: "hub", Host: "evil.example"}, store.UpdateOnly)
	wantCode(t, rinca.Invalid, err)
	accounts, err := db.GitAccounts(ctx)
	must(t, err)
	same(t, []rinca.GitAccount{a}, accounts)

	_, err = db.PutStack(ctx, rinca.Stack{Name: "web", Server: "nas", Source: rinca.Source{Account: "hub"}}, store.Upsert)
	must(t, err)
	wantCode(t, rinca.Conflict, db.DeleteServer(ctx, "nas"))
	wantCode(t, rinca.Conflict, db.DeleteGitAccount(ctx, "hub"))
	must(t, db.DeleteStack(ctx, "web"))
	must(t, db.DeleteServer(ctx, "nas"))
	_, err = db.PutRepo(ctx, rinca.Repo{Name: "infra", Source: rinca.Source{Kind: rinca.SourceGit, Repo: "https://github.com/me/x", Account: "hub"}}, store.Upsert)
	must(t, err)
	wantCode(t, rinca.Conflict, db.DeleteGitAccount(ctx, "hub"))
	must(t, db.DeleteRepo(ctx, "infra"))
	_, err = db.PutSync(ctx, rinca.ResourceSync{Name: "all", Source: rinca.Source{Kind: rinca.SourceGit, Repo: "https://github.com/me/x", Account: "hub"}}, store.Upsert)
	must(t, err)
	wantCode(t, rinca.Conflict, db.DeleteGitAccount(ctx, "hub"))
	must(t, db.DeleteSync(ctx, "all"))
	must(t, db.DeleteGitAccount(ctx, "hub"))
	wantCode(t, rinca.NotFound, db.DeleteServer(ctx, "nas"))
	mustCheck(t, db)
}

func TestSettings(t *testing.T) {
	db := newDB(t)
	ctx := t.Context()
	_, err := db.Setting(ctx, "vault/token")
	wantCode(t, rinca.NotFound, err)
	must(t, db.PutSetting(ctx, "vault/token", secret("one")))
	must(t, db.PutSetting(ctx, "vault/token", secret("two")))
	s, err := db.Setting(ctx, "vault/token")
	if must(t, err); s.Reveal() != "two" {
		t.Error("another value")
	}
	wantCode(t, rinca.Invalid, db.PutSetting(ctx, "x", rinca.Secret{}))
	must(t, db.DeleteSetting(ctx, "vault/token"))
	wantCode(t, rinca.NotFound, db.DeleteSetting(ctx, "vault/token"))
}

func TestMarks(t *testing.T) {
	db := newDB(t)
	ctx := t.Context()
	putStack(t, db, "web")
	_, err := db.Mark(ctx, "web")
	wantCode(t, rinca.NotFound, err)
	m := store.Mark{
		Stack: "web", At: time.Now().UTC().Round(0), Update: "u", Commit: "c0ffee", Uses: []string{"A"}, Refs: []string{"op://a/b/c"},
		Plain: []byte(`{"a":"<&>"}`), Sealed: secret(strings.Repeat("bundle\x00\xff", 3<<20)),
	}
	must(t, db.PutMark(ctx, m))
	got, err := db.Mark(ctx, "web")
	must(t, err)
	same(t, m, got)
	list, err := db.Marks(ctx)
	must(t, err)
	m.Sealed = rinca.Secret{}
	same(t, []store.Mark{m}, list)
	must(t, db.PutMark(ctx, m))
	got, err = db.Mark(ctx, "web")
	must(t, err)
	same(t, m, got)
	wantCode(t, rinca.Invalid, db.PutMark(ctx, store.Mark{Stack: "web", Plain: []byte(`{`)}))
	must(t, db.DeleteMark(ctx, "web"))
	must(t, db.DeleteMark(ctx, "web"))
}

// What another process writes is seen at once, and the revision tells of it.
func TestTwoHandlesAgree(t *testing.T) {
	dir := newHome(t)
	a, b := open(t, dir), open(t, dir)
	ctx := t.Context()
	for i := range 20 {
		name := string(rune('a' + i))
		putStack(t, a, name)
		if _, err := b.Stack(ctx, name); err != nil {
			t.Fatal(err)
		}
		if a.Revision() != b.Revision() {
			t.Errorf("revisions %d and %d", a.Revision(), b.Revision())
		}
		if i%3 == 0 {
			must(t, b.DeleteStack(ctx, name))
			_, err := a.Stack(ctx, name)
			wantCode(t, rinca.NotFound, err)
		}
	}
	if r := open(t, dir).Revision(); r != a.Revision() {
		t.Errorf("revision %d after opening, %d before", r, a.Revision())
	}
}
