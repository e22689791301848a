package auth_test

import (
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
