package auth_test

import (
	"sync"
	"testing"

	"rinca/internal/auth"
	"rinca/internal/rinca"
	"rinca/internal/store"
)

func TestBootstrap(t *testing.T) {
	w := newWorld(t)
	name, oneTime, created, err := w.Bootstrap(t.Context(), "", rinca.Secret{})
	if err != nil || name != "admin" || !created || oneTime.IsEmpty() {
		t.Fatalf("%q %v %v", name, created, err)
	}
	if _, _, created, err := w.Bootstrap(t.Context(), "", rinca.Secret{}); created || err != nil {
		t.Errorf("again: %v %v", created, err)
	}
	token, session, err := w.Login(t.Context(), auth.LoginRequest{User: "admin", Password: oneTime})
	if err != nil || !session.ChangeOnly {
		t.Fatalf("%+v %v", session, err)
	}
	id := w.is(token)
	if !id.Session.ChangeOnly || id.Admin() || id.On(rinca.Target{Kind: rinca.KindStack, Name: "x"}).Level != rinca.None {
		t.Error("a session that must change the password may do more")
	}
	w.want(w.ChangePassword(t.Context(), w.caller(token), oneTime, oneTime), rinca.Invalid, "the same password")
	if err := w.ChangePassword(t.Context(), w.caller(token), oneTime, rinca.NewSecret(good)); err != nil {
		t.Fatal(err)
	}
	if id := w.is(token); id.Session.ChangeOnly || !id.Admin() {
		t.Error("the session stays bound after the change")
	}
	_, _, err = w.Login(t.Context(), auth.LoginRequest{User: "admin", Password: oneTime})
	w.want(err, rinca.Unauthenticated, "the one-time password, again")
}

func TestBootstrapWithPassword(t *testing.T) {
	w := newWorld(t)
	_, _, _, err := w.Bootstrap(t.Context(), "root", rinca.NewSecret("short"))
	w.want(err, rinca.Invalid, "a short password")
	name, oneTime, created, err := w.Bootstrap(t.Context(), "root", rinca.NewSecret(good))
	if err != nil || name != "root" || !created || oneTime.IsSet() {
		t.Fatalf("%q %v %v %v", name, created, oneTime.IsSet(), err)
	}
	if id := w.is(w.login("root")); !id.Admin() {
		t.Error("no administrator")
	}
}

// A start that was killed between making the user and its password.
func TestBootstrapGoesOn(t *testing.T) {
	w := newWorld(t)
	if _, err := w.db.PutUser(t.Context(), rinca.User{Name: "admin", Admin: true}, store.CreateOnly); err != nil {
		t.Fatal(err)
	}
	_, oneTime, created, err := w.Bootstrap(t.Context(), "", rinca.Secret{})
	if err != nil || !created {
		t.Fatalf("%v %v", created, err)
	}
	if _, _, err := w.Login(t.Context(), auth.LoginRequest{User: "admin", Password: oneTime}); err != nil {
		t.Error(err)
	}
}

func TestDisabledAndDeletedStopAtOnce(t *testing.T) {
	w := newWorld(t)
	w.user(rinca.User{Name: "admin", Admin: true})
	w.user(rinca.User{Name: "bob"})
	session := w.login("bob")
	key, _, err := w.CreateKey(t.Context(), noCaller, rinca.APIKey{Name: "k", User: "bob"})
	if err != nil {
		t.Fatal(err)
	}
	w.is(session)
	w.is(key)
	if _, err := w.UpdateUser(t.Context(), noCaller, rinca.User{Name: "bob", Disabled: true}); err != nil {
		t.Fatal(err)
	}
	w.refused(session, "session of a disabled user")
	w.refused(key, "key of a disabled user")
	_, _, err = w.Login(t.Context(), auth.LoginRequest{User: "bob", Password: rinca.NewSecret(good)})
	w.want(err, rinca.Forbidden, "login of a disabled user")
	if _, err := w.UpdateUser(t.Context(), noCaller, rinca.User{Name: "bob"}); err != nil {
		t.Fatal(err)
	}
	w.is(key)
	w.refused(session, "a session that ended comes back")
	if _, err := w.PutGroup(t.Context(), noCaller, rinca.UserGroup{Name: "g", Users: []string{"bob"}, Rights: rinca.Rights{All: map[rinca.Kind]rinca.Grant{rinca.KindStack: {Level: rinca.Write}}}}); err != nil {
		t.Fatal(err)
	}
	if err := w.DeleteUser(t.Context(), noCaller, "bob"); err != nil {
		t.Fatal(err)
	}
	w.refused(key, "key of a deleted user")
	w.user(rinca.User{Name: "bob"})
	if id := w.is(w.login("bob")); id.On(rinca.Target{Kind: rinca.KindStack, Name: "x"}).Level != rinca.None {
		t.Error("a new user of an old name has the rights of the old one")
	}
}

func TestLastAdministrator(t *testing.T) {
	w := newWorld(t)
	w.user(rinca.User{Name: "admin", Admin: true})
	w.user(rinca.User{Name: "robot", Admin: true, Service: true}) // cannot sign in
	ctx := t.Context()
	w.want(w.DeleteUser(ctx, noCaller, "admin"), rinca.Conflict, "delete")
	for what, u := range map[string]rinca.User{"demote": {Name: "admin"}, "disable": {Name: "admin", Admin: true, Disabled: true}, "make a service": {Name: "admin", Admin: true, Service: true}} {
		_, err := w.UpdateUser(ctx, noCaller, u)
		w.want(err, rinca.Conflict, what)
	}
	w.is(w.login("admin"))
	w.user(rinca.User{Name: "two", Admin: true})
	// Two that demote one another at once: one stays.
	var wg sync.WaitGroup
	errs := make([]error, 2)
	for i, name := range []string{"admin", "two"} {
		wg.Go(func() { _, errs[i] = w.UpdateUser(ctx, noCaller, rinca.User{Name: name}) })
	}
	wg.Wait()
	if (errs[0] == nil) == (errs[1] == nil) {
		t.Errorf("%v", errs)
	}
}

func TestRecover(t *testing.T) {
	w := newWorld(t)
	ctx := t.Context()
	w.user(rinca.User{Name: "admin", Admin: true})
	w.user(rinca.User{Name: "bob"})
	token := w.login("bob")
	seed, _, err := w.BeginTOTP(ctx, w.caller(token))
	if err != nil {
		t.Fatal(err)
	}
	if err := w.ConfirmTOTP(ctx, w.caller(token), w.code(seed)); err != nil {
		t.Fatal(err)
	}
	if _, err := w.UpdateUser(ctx, noCaller, rinca.User{Name: "bob", Disabled: true}); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"bob", "somebody"} {
		oneTime, err := w.Recover(ctx, name)
		if err != nil {
			t.Fatal(err)
		}
		_, session, err := w.Login(ctx, auth.LoginRequest{User: name, Password: oneTime})
		if err != nil || !session.ChangeOnly {
			t.Errorf("%s: %v", name, err)
		}
		if u, err := w.User(ctx, name); err != nil || !u.Admin || u.Disabled || u.TOTP {
			t.Errorf("%+v %v", u, err)
		}
	}
}

func TestGroupsAndExplain(t *testing.T) {
	w := newWorld(t)
	w.user(rinca.User{Name: "bob", Rights: rinca.Rights{Permissions: []rinca.Permission{{Target: rinca.Target{Kind: rinca.KindStack, Name: "blog"}, Grant: rinca.Grant{Level: rinca.Write}}}}})
	ctx, token := t.Context(), w.login("bob")
	export := rinca.Target{Kind: rinca.KindStack, Name: "op-export"}
	groups, err := auth.ParseGroupsTOML("g", "[[user_group]]\nname = \"platform-ops\"\nusers = [\"bob\", \"bob\"]\nall.Stack = { level = \"Execute\" }\npermissions = [{ target.type = \"Stack\", target.id = \"op-export\", level = \"Write\" }]\n")
	if err != nil {
		t.Fatal(err)
	}
	if g := w.is(token).On(export); g.Level != rinca.None {
		t.Errorf("%+v", g)
	}
	if _, err := w.PutGroup(ctx, noCaller, groups[0]); err != nil {
		t.Fatal(err)
	}
	if g := w.is(token).On(export); g.Level != rinca.Write || g.Reveals() {
		t.Errorf("%+v", g)
	}
	x, err := w.Explain(ctx, "bob", export)
	if err != nil || x.Level != rinca.Write || len(x.Rules) != 2 || x.Rules[0].From != "group platform-ops" || x.Rules[0].Rule != "all.Stack" || x.Rules[1].Rule != "Stack op-export" {
		t.Errorf("%+v %v", x, err)
	}
	_, err = w.Explain(ctx, "nobody", export)
	w.want(err, rinca.NotFound, "nobody")
	_, err = w.PutGroup(ctx, noCaller, rinca.UserGroup{Name: "g", Users: []string{"bop"}})
	if rinca.CodeOf(err) != rinca.Invalid || rinca.HintOf(err) != "bob" {
		t.Errorf("%v, try %s", err, rinca.HintOf(err))
	}
	if _, err := w.PutGroup(ctx, noCaller, rinca.UserGroup{Name: "all", Everyone: true, Rights: rinca.Rights{All: map[rinca.Kind]rinca.Grant{rinca.KindServer: {Level: rinca.Read}}}}); err != nil {
		t.Fatal(err)
	}
	if g := w.is(token).On(rinca.Target{Kind: rinca.KindServer, Name: "local"}); g.Level != rinca.Read {
		t.Errorf("%+v", g)
	}
	if err := w.DeleteGroup(ctx, noCaller, "platform-ops"); err != nil {
		t.Fatal(err)
	}
	if g := w.is(token).On(export); g.Level != rinca.None {
		t.Errorf("%+v", g)
	}
}
