package auth_test

import (
	"context"
	"encoding/base32"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"rinca/internal/auth"
	"rinca/internal/rinca"
	"rinca/internal/store"
)

// A world is a service on a real database, with a clock that a test sets.
type world struct {
	testing.TB
	*auth.Service
	db *store.DB

	mu  sync.Mutex
	now time.Time
}

func (w *world) clock() time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.now
}

func (w *world) pass(d time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.now = w.now.Add(d)
}

func newWorld(t testing.TB, change ...func(*auth.Config)) *world {
	t.Helper()
	w := &world{TB: t, now: time.Now().UTC().Truncate(time.Second)}
	db, err := store.Open(t.Context(), store.Config{Dir: t.TempDir(), Now: w.clock})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	w.db = db
	cfg := auth.Config{DB: db, Now: w.clock}
	for _, c := range change {
		c(&cfg)
	}
	w.Service = auth.New(cfg)
	return w
}

const good = "correct horse battery staple"

var noCaller = auth.Caller{}

// user makes a user with the password good.
func (w *world) user(u rinca.User) {
	w.Helper()
	password := rinca.NewSecret(good)
	if u.Service || u.Subject != "" {
		password = rinca.Secret{}
	}
	if _, _, err := w.CreateUser(w.Context(), noCaller, u, password); err != nil {
		w.Fatal(err)
	}
}

func (w *world) login(user string) rinca.Secret {
	w.Helper()
	token, _, err := w.Login(w.Context(), auth.LoginRequest{User: user, Password: rinca.NewSecret(good), Remote: "192.0.2.1"})
	if err != nil {
		w.Fatal(err)
	}
	return token
}

// is returns who a token stands for.
func (w *world) is(token rinca.Secret) *rinca.Identity {
	w.Helper()
	id, err := w.Authenticate(w.Context(), token, "192.0.2.1")
	if err != nil {
		w.Fatal(err)
	}
	return id
}

func (w *world) caller(token rinca.Secret) auth.Caller {
	return auth.Caller{Who: w.is(token), Remote: "192.0.2.1"}
}

// refused fails unless a token is refused.
func (w *world) refused(token rinca.Secret, why string) {
	w.Helper()
	if _, err := w.Authenticate(w.Context(), token, ""); rinca.CodeOf(err) != rinca.Unauthenticated {
		w.Errorf("%s: %v", why, err)
	}
}

func (w *world) want(err error, code rinca.Code, what string) {
	w.Helper()
	if rinca.CodeOf(err) != code {
		w.Errorf("%s: %q %v, want %q", what, rinca.CodeOf(err), err, code)
	}
}

// entries returns the audit log in short.
func (w *world) entries() []string {
	w.Helper()
	log, err := w.db.AuditEntries(w.Context(), 0, 1000)
	if err != nil {
		w.Fatal(err)
	}
	var out []string
	for _, e := range log {
		mark := ""
		if !e.OK {
			mark = "!"
		}
		out = append(out, strings.TrimSpace(fmt.Sprintf("%s %s%s %s", e.Actor, e.Action, mark, e.Target)))
	}
	return out
}

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

func TestLoginIsRefusedAlike(t *testing.T) {
	w := newWorld(t)
	w.user(rinca.User{Name: "bob"})
	w.user(rinca.User{Name: "ci", Service: true})
	w.user(rinca.User{Name: "ext", Subject: "https://id.example.com 1"})
	messages := map[string]bool{}
	for _, r := range []auth.LoginRequest{
		{User: "bob", Password: rinca.NewSecret("wrong")}, {User: "bob"}, {User: "nobody", Password: rinca.NewSecret(good)},
		{User: "ci", Password: rinca.NewSecret("")}, {User: "ext", Password: rinca.NewSecret(good)}, {User: "../../etc", Password: rinca.NewSecret(good)},
		{User: "", Password: rinca.NewSecret(good)}, {User: strings.Repeat("x", 1<<16), Password: rinca.NewSecret(strings.Repeat("y", 1<<16))}, {User: "bo\x00b\n"},
	} {
		token, _, err := w.Login(t.Context(), r)
		w.want(err, rinca.Unauthenticated, r.User[:min(len(r.User), 20)])
		if token.IsSet() {
			t.Error("a token is given")
		}
		messages[err.Error()+rinca.HintOf(err)] = true
	}
	if len(messages) != 1 {
		t.Errorf("answers tell users from nobody: %v", messages)
	}
	// The log names who exists, and nothing else that was typed.
	log, _ := w.db.AuditEntries(t.Context(), 0, 100)
	for _, e := range log {
		if e.Action == "login" && e.Actor != "bob" && e.Actor != "unknown" && e.Actor != "ci" && e.Actor != "ext" {
			t.Errorf("%+v", e)
		}
		if text := fmt.Sprint(e); strings.Contains(text, "nobody") || strings.Contains(text, good) || strings.Contains(text, "etc") {
			t.Errorf("it holds what was typed: %+v", e)
		}
	}
}

func TestBruteForceIsLimited(t *testing.T) {
	w := newWorld(t)
	w.user(rinca.User{Name: "bob"})
	guess := func(user, remote string) error {
		_, _, err := w.Login(t.Context(), auth.LoginRequest{User: user, Password: rinca.NewSecret("a wrong password"), Remote: remote})
		return err
	}
	heard := 0
	for range 1000 { // a guess a second
		if rinca.CodeOf(guess("bob", "192.0.2.66")) == rinca.Unauthenticated {
			heard++
		}
		w.pass(time.Second)
	}
	if heard > 16 {
		t.Errorf("%d of 1000 guesses were heard", heard)
	}
	// From many addresses it is as slow, and a right password waits too.
	w.want(guess("bob", "198.51.100.9"), rinca.RateLimited, "from elsewhere")
	// Whoever signed in before is not locked out where they are.
	w.pass(time.Hour)
	w.login("bob")
	for i := range 50 {
		_ = guess("bob", fmt.Sprintf("203.0.113.%d", i))
	}
	w.want(guess("bob", "203.0.113.200"), rinca.RateLimited, "elsewhere")
	w.login("bob")
	// A name that is nobody's is limited alike.
	for range 6 {
		_ = guess("nobody", "192.0.2.77")
	}
	w.want(guess("nobody", "192.0.2.77"), rinca.RateLimited, "nobody")
	// And a network, whatever names it tries.
	for i := range 25 {
		_ = guess(fmt.Sprintf("user%d", i), "2001:db8::1")
	}
	w.want(guess("alice", "2001:db8::2"), rinca.RateLimited, "a network")
	// What was not heard is not in the log, so that it cannot be filled.
	if n := len(w.entries()); n > 150 {
		t.Errorf("%d entries", n)
	}
}

func TestGuessesAtOnce(t *testing.T) {
	w := newWorld(t)
	w.user(rinca.User{Name: "bob"})
	var mu sync.Mutex
	codes := map[rinca.Code]int{}
	var wg sync.WaitGroup
	for range 40 {
		wg.Go(func() {
			_, _, err := w.Login(t.Context(), auth.LoginRequest{User: "bob", Password: rinca.NewSecret("wrong"), Remote: "192.0.2.9"})
			mu.Lock()
			codes[rinca.CodeOf(err)]++
			mu.Unlock()
		})
	}
	wg.Wait()
	if codes[rinca.Unauthenticated] > 6 || codes[rinca.RateLimited] < 34 {
		t.Errorf("%v", codes)
	}
}

func TestSessionsEnd(t *testing.T) {
	w := newWorld(t)
	w.user(rinca.User{Name: "admin", Admin: true})
	w.user(rinca.User{Name: "bob"})
	a, b := w.login("bob"), w.login("bob")
	w.is(a)
	w.is(b)
	if err := w.Logout(t.Context(), w.caller(a)); err != nil {
		t.Fatal(err)
	}
	w.refused(a, "after logout")
	w.is(b)
	if err := w.ChangePassword(t.Context(), w.caller(b), rinca.NewSecret(good), rinca.NewSecret("another good one, truly")); err != nil {
		t.Fatal(err)
	}
	w.is(b) // the one that changed it goes on
	_, _, err := w.Login(t.Context(), auth.LoginRequest{User: "bob", Password: rinca.NewSecret(good)})
	w.want(err, rinca.Unauthenticated, "the old password")
	c, _, err := w.Login(t.Context(), auth.LoginRequest{User: "bob", Password: rinca.NewSecret("another good one, truly")})
	if err != nil {
		t.Fatal(err)
	}
	if err := w.ChangePassword(t.Context(), w.caller(c), rinca.NewSecret("another good one, truly"), rinca.NewSecret(good)); err != nil {
		t.Fatal(err)
	}
	w.refused(b, "after another session changed the password")
	if err := w.LogoutEverywhere(t.Context(), w.caller(c), "bob"); err != nil {
		t.Fatal(err)
	}
	w.refused(c, "after logout everywhere")
	d := w.login("bob")
	w.is(d)
	w.pass(14*24*time.Hour + time.Second)
	w.refused(d, "after its time, from the cache")
	e := w.login("bob")
	w.is(e)
	if oneTime, err := w.ResetPassword(t.Context(), noCaller, "bob", rinca.Secret{}); err != nil || oneTime.IsEmpty() {
		t.Fatal(err)
	}
	w.refused(e, "after the password was reset")
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

func TestTOTP(t *testing.T) {
	w := newWorld(t)
	w.user(rinca.User{Name: "bob"})
	ctx, token := t.Context(), w.login("bob")
	seed, uri, err := w.BeginTOTP(ctx, w.caller(token))
	if err != nil || !strings.Contains(uri.Reveal(), seed.Reveal()) {
		t.Fatal(err)
	}
	w.login("bob") // not confirmed: does not count
	w.want(w.ConfirmTOTP(ctx, w.caller(token), "000000"), rinca.Invalid, "a wrong code")
	if err := w.ConfirmTOTP(ctx, w.caller(token), w.code(seed)); err != nil {
		t.Fatal(err)
	}
	_, _, err = w.BeginTOTP(ctx, w.caller(token))
	w.want(err, rinca.Conflict, "a second one")
	login := func(password, code string) error {
		_, _, err := w.Login(ctx, auth.LoginRequest{User: "bob", Password: rinca.NewSecret(password), TOTP: code, Remote: "192.0.2.1"})
		return err
	}
	if err := login(good, ""); !auth.NeedsTOTP(err) || rinca.CodeOf(err) != rinca.Unauthenticated {
		t.Errorf("without a code: %v", err)
	}
	if err := login("wrong", ""); auth.NeedsTOTP(err) {
		t.Error("a wrong password tells of the second factor")
	}
	if err := login(good, w.code(seed)); err == nil {
		t.Error("the code that confirmed it counts again")
	}
	w.pass(30 * time.Second)
	code := w.code(seed)
	// The same code from two at once: one gets in.
	var wg sync.WaitGroup
	errs := make([]error, 2)
	for i := range errs {
		wg.Go(func() { errs[i] = login(good, code) })
	}
	wg.Wait()
	if (errs[0] == nil) == (errs[1] == nil) {
		t.Errorf("%v", errs)
	}
	w.want(w.DropTOTP(ctx, w.caller(token), code), rinca.Invalid, "drop with a used code")
	w.pass(30 * time.Second)
	if err := w.DropTOTP(ctx, w.caller(token), w.code(seed)); err != nil {
		t.Fatal(err)
	}
	w.login("bob")
}

// code is what an authenticator shows now.
func (w *world) code(seed rinca.Secret) string {
	key, err := base32.StdEncoding.DecodeString(seed.Reveal())
	if err != nil {
		w.Fatal(err)
	}
	return auth.TOTPAt(key, w.clock())
}

func TestKeys(t *testing.T) {
	w := newWorld(t)
	w.user(rinca.User{Name: "admin", Admin: true})
	w.user(rinca.User{Name: "ci", Service: true, Rights: rinca.Rights{All: map[rinca.Kind]rinca.Grant{rinca.KindStack: {Level: rinca.Execute}}}})
	ctx, stack := t.Context(), rinca.Target{Kind: rinca.KindStack, Name: "authentik"}
	scope := rinca.Rights{Permissions: []rinca.Permission{{Target: rinca.Target{Kind: rinca.KindStack, Name: "auth*"}, Grant: rinca.Grant{Level: rinca.Write, Specific: []string{rinca.Reveal}}}}}
	key, made, err := w.CreateKey(ctx, noCaller, rinca.APIKey{Name: "deploy", User: "ci", Scope: &scope, ExpiresAt: w.clock().Add(time.Hour)})
	if err != nil || !strings.HasPrefix(key.Reveal(), "rk_") {
		t.Fatal(err)
	}
	id := w.is(key)
	if g := id.On(stack); g.Level != rinca.Execute || g.Reveals() {
		t.Errorf("a key has more than its user: %+v", g)
	}
	if g := id.On(rinca.Target{Kind: rinca.KindStack, Name: "restic"}); g.Level != rinca.None {
		t.Errorf("a key has more than its scope: %+v", g)
	}
	// A key follows its user down.
	if _, err := w.UpdateUser(ctx, noCaller, rinca.User{Name: "ci", Service: true}); err != nil {
		t.Fatal(err)
	}
	if g := w.is(key).On(stack); g.Level != rinca.None {
		t.Errorf("a key keeps what its user lost: %+v", g)
	}
	w.pass(time.Hour)
	w.refused(key, "an expired key")
	for what, k := range map[string]rinca.APIKey{
		"no name": {User: "ci"}, "two lines": {Name: "a\nb", User: "ci"}, "in the past": {Name: "x", User: "ci", ExpiresAt: w.clock()},
		"no kind": {Name: "x", User: "ci", Scope: &rinca.Rights{All: map[rinca.Kind]rinca.Grant{"Stak": {Level: rinca.Read}}}},
	} {
		_, _, err := w.CreateKey(ctx, noCaller, k)
		w.want(err, rinca.Invalid, what)
	}
	_, _, err = w.CreateKey(ctx, noCaller, rinca.APIKey{Name: "deploy", User: "ci"})
	w.want(err, rinca.Conflict, "the same name")
	_, _, err = w.CreateKey(ctx, noCaller, rinca.APIKey{Name: "x", User: "nobody"})
	w.want(err, rinca.NotFound, "no user")
	w.want(w.DeleteKey(ctx, noCaller, "admin", made.ID), rinca.NotFound, "another user's key")
	other, _, err := w.CreateKey(ctx, noCaller, rinca.APIKey{Name: "other", User: "ci"})
	if err != nil {
		t.Fatal(err)
	}
	w.is(other)
	if err := w.DeleteKey(ctx, noCaller, "ci", "other"); err != nil {
		t.Fatal(err)
	}
	w.refused(other, "a deleted key")
	// What guards the account needs a session.
	admin, _, err := w.CreateKey(ctx, noCaller, rinca.APIKey{Name: "a", User: "admin"})
	if err != nil {
		t.Fatal(err)
	}
	w.want(w.ChangePassword(ctx, w.caller(admin), rinca.NewSecret(good), rinca.NewSecret("another good one, truly")), rinca.Forbidden, "a key changes the password")
}

func TestLastUseIsWrittenInBatches(t *testing.T) {
	w := newWorld(t)
	w.user(rinca.User{Name: "ci", Service: true})
	key, made, err := w.CreateKey(t.Context(), noCaller, rinca.APIKey{Name: "k", User: "ci"})
	if err != nil {
		t.Fatal(err)
	}
	rev := w.db.Revision()
	for range 100 {
		w.is(key)
	}
	w.Flush(t.Context())
	keys, err := w.Keys(t.Context(), "ci")
	if err != nil || !keys[0].LastUsed.Equal(w.clock()) || keys[0].ID != made.ID {
		t.Errorf("%+v %v", keys, err)
	}
	if w.db.Revision() != rev {
		t.Error("a use is a change: the cache is for nothing")
	}
	w.pass(2 * time.Minute)
	w.is(key)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	w.Run(ctx) // the end writes what is left
	if keys, _ := w.Keys(t.Context(), "ci"); !keys[0].LastUsed.Equal(w.clock()) {
		t.Errorf("%v", keys[0].LastUsed)
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

func TestAudit(t *testing.T) {
	w := newWorld(t)
	ctx := t.Context()
	w.user(rinca.User{Name: "admin", Admin: true})
	token := w.login("admin")
	c := w.caller(token)
	_, _, _ = w.Login(ctx, auth.LoginRequest{User: "admin", Password: rinca.NewSecret("canary-password-1")})
	_, _, _ = w.Login(ctx, auth.LoginRequest{User: "canary-password-2", Password: rinca.NewSecret("x")})
	if _, _, err := w.CreateUser(ctx, c, rinca.User{Name: "bob"}, rinca.NewSecret("canary-password-3 x")); err != nil {
		t.Fatal(err)
	}
	if _, _, err := w.CreateKey(ctx, c, rinca.APIKey{Name: "k", User: "bob"}); err != nil {
		t.Fatal(err)
	}
	if _, err := w.PutGroup(ctx, c, rinca.UserGroup{Name: "g", Users: []string{"bob"}}); err != nil {
		t.Fatal(err)
	}
	_ = w.ChangePassword(ctx, c, rinca.NewSecret("canary-password-4"), rinca.NewSecret("canary-password-5"))
	for _, err := range []error{w.DeleteKey(ctx, c, "bob", "k"), w.DeleteGroup(ctx, c, "g"), w.DeleteUser(ctx, c, "bob"), w.Logout(ctx, c)} {
		if err != nil {
			t.Fatal(err)
		}
	}
	want := []string{
		"system user.create User admin", "admin login User admin", "admin login! User admin", "unknown login!",
		"admin user.create User bob", "admin apikey.create User bob", "admin group.create Group g", "admin user.password! User admin",
		"admin apikey.delete User bob", "admin group.delete Group g", "admin user.delete User bob", "admin logout User admin",
	}
	if got := w.entries(); !slices.Equal(got, want) {
		t.Errorf("got  %q\nwant %q", got, want)
	}
	log, err := w.db.AuditEntries(ctx, 0, 100)
	if err != nil || strings.Contains(fmt.Sprint(log), "canary") {
		t.Errorf("a password is in the log: %v %v", log, err)
	}
	if _, err := w.db.VerifyAudit(ctx); err != nil {
		t.Error(err)
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

// Everything at once, for the race detector; what was refused stays refused.
func TestAtOnce(t *testing.T) {
	w := newWorld(t)
	ctx := t.Context()
	w.user(rinca.User{Name: "admin", Admin: true})
	w.user(rinca.User{Name: "ci", Service: true})
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			for j := range 5 {
				key, made, err := w.CreateKey(ctx, noCaller, rinca.APIKey{Name: fmt.Sprintf("k%d-%d", i, j), User: "ci"})
				if err != nil {
					t.Error(err)
					return
				}
				for range 20 {
					if _, err := w.Authenticate(ctx, key, ""); err != nil {
						t.Error(err)
					}
				}
				if err := w.DeleteKey(ctx, noCaller, "ci", made.ID); err != nil {
					t.Error(err)
				}
				if _, err := w.Authenticate(ctx, key, ""); rinca.CodeOf(err) != rinca.Unauthenticated {
					t.Errorf("a deleted key works: %v", err)
				}
			}
		})
	}
	wg.Go(func() {
		for range 20 {
			w.Flush(ctx)
			_, err := w.PutGroup(ctx, noCaller, rinca.UserGroup{Name: "g", Users: []string{"ci"}})
			if err != nil && !errors.Is(err, context.Canceled) {
				t.Error(err)
			}
		}
	})
	wg.Wait()
}

func BenchmarkAuthenticate(b *testing.B) {
	w := newWorld(b)
	w.user(rinca.User{Name: "ci", Service: true})
	key, _, err := w.CreateKey(b.Context(), noCaller, rinca.APIKey{Name: "k", User: "ci"})
	if err != nil {
		b.Fatal(err)
	}
	bad := auth.NewToken()
	ctx := context.Background()
	b.Run("known", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := w.Authenticate(ctx, key, "192.0.2.1"); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("unknown", func(b *testing.B) {
		for b.Loop() {
			_, _ = w.Authenticate(ctx, bad, "192.0.2.1")
		}
	})
	b.Run("at once", func(b *testing.B) {
		b.RunParallel(func(pb *testing.PB) {
			for pb.Next() {
				_, _ = w.Authenticate(ctx, key, "192.0.2.1")
			}
		})
	})
	b.Run("after a change", func(b *testing.B) {
		for b.Loop() {
			b.StopTimer()
			if _, err := w.db.PutGroup(ctx, rinca.UserGroup{Name: "g"}, store.Upsert); err != nil {
				b.Fatal(err)
			}
			b.StartTimer()
			_, _ = w.Authenticate(ctx, key, "192.0.2.1")
		}
	})
}
