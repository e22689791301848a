package api

import (
	"net/http"
	"strings"
	"testing"

	"rinca/internal/auth"
	"rinca/internal/rinca"
)

const goodPassword = "correct horse battery staple"

// person makes a user with the password goodPassword.
func (w *world) person(u rinca.User) {
	w.Helper()
	if _, _, err := w.auth.CreateUser(w.Context(), auth.Caller{}, u, rinca.NewSecret(goodPassword)); err != nil {
		w.Fatal(err)
	}
}

func (w *world) signIn(user, password string) loginJSON {
	w.Helper()
	var out loginJSON
	w.must(rinca.Secret{}, "POST /v1/login", `{"username":"`+user+`","password":"`+password+`"}`).into(w, &out)
	return out
}

func TestLogin(t *testing.T) {
	w := newWorld(t)
	w.admin()
	w.person(rinca.User{Name: "bob", MustChange: true})
	in := w.signIn("bob", goodPassword)
	token := rinca.NewSecret(in.Token)
	if !strings.HasPrefix(in.Token, "rs_") || !in.MustChange || in.User != "bob" {
		t.Fatalf("%+v", in)
	}
	// Until the password is changed, that is all that can be done.
	w.must(token, "GET /v1/me", "")
	for _, what := range []string{"GET /v1/stacks", "GET /v1/me/keys", "GET /v1/events", "GET /v1/updates"} {
		if a := w.do(token, what, ""); a.status != http.StatusForbidden {
			t.Errorf("%s: %d", what, a.status)
		}
	}
	if a := w.do(token, "POST /v1/me/keys", `{"name":"x"}`); a.status != http.StatusForbidden {
		t.Errorf("a key: %d", a.status)
	}
	if a := w.do(token, "POST /v1/me/password", `{"old":"`+goodPassword+`","new":"short"}`); a.code() != rinca.Invalid {
		t.Errorf("%s", a.body)
	}
	if a := w.do(token, "POST /v1/me/password", `{"old":"x","new":"`+goodPassword+` 2"}`); a.code() != rinca.Invalid {
		t.Errorf("%s", a.body)
	}
	w.must(token, "POST /v1/me/password", `{"old":"`+goodPassword+`","new":"`+goodPassword+` 2"}`)
	w.must(token, "GET /v1/me/keys", "")
	key := w.must(token, "POST /v1/me/keys", `{"name":"x","scope":{"all":{"Stack":"Read"}}}`)
	var made keyJSON
	key.into(t, &made)
	// A key makes no further keys, and does not change the password.
	k := rinca.NewSecret(made.Key)
	w.must(k, "GET /v1/me", "")
	for _, what := range []string{"POST /v1/me/keys", "POST /v1/me/password", "POST /v1/me/totp", "DELETE /v1/me/keys/x", "POST /v1/logout"} {
		if a := w.do(k, what, `{"name":"y"}`); a.status != http.StatusForbidden {
			t.Errorf("%s with a key: %d %s", what, a.status, a.body)
		}
	}
	w.must(token, "POST /v1/logout", "")
	if a := w.do(token, "GET /v1/me", ""); a.status != http.StatusUnauthorized {
		t.Errorf("after logout: %d", a.status)
	}
	w.must(k, "GET /v1/me", "")
}

func TestWrongLogin(t *testing.T) {
	w := newWorld(t)
	w.person(rinca.User{Name: "bob", Admin: true})
	for _, body := range []string{
		`{"username":"bob","password":"canary-pass-1"}`, `{"username":"canary-user","password":"x"}`, `{"username":"bob","password":"canary\ud800"}`,
		`{"username":"bob","password":["canary"]}`, `{"username":"bob","passwort":"canary-pass-2"}`, `{"username":"bob"}`, `{"username":7,"password":"canary"}`, `"canary"`,
	} {
		a := w.do(rinca.Secret{}, "POST /v1/login", body)
		if a.status < 400 || a.status >= 500 || strings.Contains(a.body, "canary") {
			t.Errorf("%s: %d %s", body, a.status, a.body)
		}
	}
	a := w.do(rinca.Secret{}, "POST /v1/login", `{"username":"bob","password":"password is wrong"}`)
	if !strings.Contains(a.body, "the password is wrong") {
		t.Errorf("a stranger chooses what is masked: %s", a.body)
	}
	for range 10 {
		a = w.do(rinca.Secret{}, "POST /v1/login", `{"username":"bob","password":"x"}`)
	}
	if a.status != http.StatusTooManyRequests {
		t.Errorf("%d %s", a.status, a.body)
	}
	log, err := w.db.AuditEntries(t.Context(), 0, 100)
	if err != nil || len(log) > 12 {
		t.Errorf("%d entries", len(log))
	}
	for _, e := range log {
		if strings.Contains(e.Actor+e.Detail+e.Target, "canary") {
			t.Errorf("%+v", e)
		}
	}
	if strings.Contains(w.log.String(), "canary") {
		t.Error("the log holds what was typed")
	}
}

func TestSecondFactorIsAskedFor(t *testing.T) {
	w := newWorld(t)
	w.person(rinca.User{Name: "bob", Admin: true})
	token := rinca.NewSecret(w.signIn("bob", goodPassword).Token)
	var totp totpJSON
	w.must(token, "POST /v1/me/totp", "").into(t, &totp)
	if !strings.HasPrefix(totp.URI, "otpauth://totp/Rinca:bob?") || w.signIn("bob", goodPassword).TOTPRequired {
		t.Errorf("%+v", totp)
	}
	if a := w.do(token, "PUT /v1/me/totp", `{"code":"000000"}`); a.code() != rinca.Invalid {
		t.Errorf("%s", a.body)
	}
}

func TestUsersAndGroups(t *testing.T) {
	w := newWorld(t)
	admin := w.admin()
	w.person(rinca.User{Name: "root", Admin: true})
	var made newUserJSON
	w.must(admin, "POST /v1/users", `{"name":"bob","all":{"Stack":"Execute"}}`).into(t, &made)
	if made.OneTimePassword == "" || !made.User.MustChange || made.User.All[rinca.KindStack].Level != rinca.Execute {
		t.Errorf("%+v", made)
	}
	if in := w.signIn("bob", made.OneTimePassword); !in.MustChange {
		t.Errorf("%+v", in)
	}
	w.must(admin, "PUT /v1/groups/ops", `{"users":["bob"],"permissions":[{"target":{"type":"Stack","id":"op-export"},"level":"Write"}]}`, "If-None-Match", "*")
	if a := w.do(admin, "PUT /v1/groups/ops", `{}`, "If-None-Match", "*"); a.code() != rinca.Conflict {
		t.Errorf("a group that is there: %d %s", a.status, a.body)
	}
	for body, want := range map[string]string{
		`{"name":"bob"}`: "bob", `{"name":"a b"}`: "cannot be the name", `{"name":"x","all":{"Stak":"Read"}}`: "no kind of resource",
		`{"name":"x","all":{"Stack":"Rad"}}`: "no permission level", `{"name":"x","password":"short"}`: "has 5 characters", `{"name":"x","admn":true}`: "admn",
	} {
		if a := w.do(admin, "POST /v1/users", body); a.status < 400 || a.status >= 500 || !strings.Contains(a.body, want) {
			t.Errorf("%s: %d %s", body, a.status, a.body)
		}
	}
	var x auth.Explanation
	w.must(admin, "GET /v1/permissions/bob?type=Stack&name=op-export", "").into(t, &x)
	if x.Level != rinca.Write || len(x.Rules) != 2 {
		t.Errorf("%+v", x)
	}
	if a := w.do(admin, "GET /v1/permissions/bob?type=stack&name=x", ""); a.code() != rinca.Invalid {
		t.Errorf("%s", a.body)
	}
	if a := w.do(admin, "DELETE /v1/users/root", ""); a.status != http.StatusConflict {
		t.Errorf("the last administrator: %d %s", a.status, a.body)
	}
	var users []rinca.User
	w.must(admin, "GET /v1/users", "").into(t, &users)
	if len(users) != 3 {
		t.Errorf("%+v", users)
	}
	var verified auditVerified
	w.must(admin, "GET /v1/audit/verify", "").into(t, &verified)
	var log []rinca.AuditEntry
	w.must(admin, "GET /v1/audit?last=3", "").into(t, &log)
	if !verified.OK || len(log) != 3 || log[2].Seq != verified.Entries {
		t.Errorf("%+v %+v", verified, log)
	}
	// One entry for each change, and one for what was not allowed.
	bob := w.user(rinca.User{Name: "ci"}, nil)
	before, _ := w.db.LastAudit(t.Context())
	w.do(bob, "DELETE /v1/users/bob", "")
	w.must(admin, "DELETE /v1/groups/ops", "")
	log, _ = w.db.AuditEntries(t.Context(), before, 10)
	if len(log) != 2 || log[0].OK || log[0].Action != "user.delete" || log[0].Actor != "ci" || !log[1].OK || log[1].Action != "group.delete" {
		t.Errorf("%+v", log)
	}
}

func TestOIDCRoutes(t *testing.T) {
	w := newWorld(t)
	for _, what := range []string{"GET /v1/oidc/login?challenge=x", "GET /v1/oidc/callback?code=x&state=y&session_state=z"} {
		if a := w.do(rinca.Secret{}, what, ""); a.status != http.StatusNotFound {
			t.Errorf("%s: %d %s", what, a.status, a.body)
		}
	}
	if page := codePage(rinca.NewSecret("<script>")); strings.Contains(page, "<script>") {
		t.Error("the page can be injected into")
	}
}
