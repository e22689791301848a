package auth_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"rinca/internal/auth"
	"rinca/internal/rinca"
	"rinca/internal/store"
)

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
