package auth_test

import (
	"encoding/base32"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"rinca/internal/auth"
	"rinca/internal/rinca"
)

func TestLoginIsRefusedAlike(t *testing.T) {
	w := newWorld(t)
	w.user(rinca.User{Name: "bob"})
	w.user(rinca.User{Name: "ci", Service: true})
	w.user(rinca.User{Name: "ext", Subject: "https://id.example.com 1"})
	messages := map[string]bool{}
	for _, r := range []auth.LoginRequest{
		{User: "bob", Password: rinca.NewSecret("wrong")},
		{User: "bob"},
		{User: "nobody", Password: rinca.NewSecret(good)},
		{User: "ci", Password: rinca.NewSecret("")},
		{User: "ext", Password: rinca.NewSecret(good)},
		{User: "../../etc", Password: rinca.NewSecret(good)},
		{User: "", Password: rinca.NewSecret(good)},
		{User: strings.Repeat("x", 1<<16), Password: rinca.NewSecret(strings.Repeat("y", 1<<16))},
		{User: "bo\x00b\n"},
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
