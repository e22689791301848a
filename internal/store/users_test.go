package store_test

import (
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"rinca/internal/rinca"
	"rinca/internal/store"
)

func TestUsers(t *testing.T) {
	db, clock := newClockDB(t)
	ctx := t.Context()
	u := rinca.User{Name: "alice", Admin: true, Subject: "https://id|1", Rights: rinca.Rights{
		All:         map[rinca.Kind]rinca.Grant{rinca.KindStack: {Level: rinca.Execute, Specific: []string{rinca.Reveal}}},
		Permissions: []rinca.Permission{{Target: rinca.Target{Kind: rinca.KindVariable, Name: "DB_*"}, Grant: rinca.Grant{Level: rinca.Read}}},
	}}
	made, err := db.PutUser(ctx, u, store.CreateOnly)
	must(t, err)
	got, err := db.User(ctx, "alice")
	must(t, err)
	same(t, made, got)
	clock.now = clock.now.Add(time.Hour)
	again, err := db.PutUser(ctx, u, store.UpdateOnly)
	if must(t, err); !again.CreatedAt.Equal(made.CreatedAt) {
		t.Error("CreatedAt changed")
	}
	_, err = db.PutUser(ctx, rinca.User{Name: "Alice"}, store.Upsert)
	wantCode(t, rinca.Conflict, err)
	_, err = db.PutUser(ctx, rinca.User{Name: "bob", Subject: u.Subject}, store.Upsert)
	wantCode(t, rinca.Conflict, err)
	_, err = db.PutUser(ctx, rinca.User{Name: "a b"}, store.Upsert)
	wantCode(t, rinca.Invalid, err)

	// The last administrator stays.
	_, err = db.PutUser(ctx, rinca.User{Name: "alice"}, store.Upsert)
	wantCode(t, rinca.Conflict, err)
	_, err = db.PutUser(ctx, rinca.User{Name: "alice", Admin: true, Disabled: true}, store.Upsert)
	wantCode(t, rinca.Conflict, err)
	wantCode(t, rinca.Conflict, db.DeleteUser(ctx, "alice"))
	putUser(t, db, "bob", true)
	must(t, db.DeleteUser(ctx, "alice"))

	before := db.Revision()
	must(t, db.TouchLogin(ctx, "bob", clock.now))
	must(t, db.TouchLogin(ctx, "nobody", clock.now))
	users, err := db.Users(ctx)
	must(t, err)
	if len(users) != 1 || !users[0].LastLogin.Equal(clock.now) || db.Revision() != before {
		t.Errorf("%+v", users)
	}
}

func TestDeletingAUserLeavesNothing(t *testing.T) {
	db := newDB(t)
	ctx := t.Context()
	putUser(t, db, "root", true)
	putUser(t, db, "bob", false)
	_, err := db.PutGroup(ctx, rinca.UserGroup{Name: "ops", Users: []string{"root", "bob"}}, store.CreateOnly)
	must(t, err)
	must(t, db.SetCredentials(ctx, "bob", store.Credentials{PasswordHash: secret("$argon2id$")}))
	k, err := db.PutAPIKey(ctx, rinca.APIKey{User: "bob", Name: "ci"}, [32]byte{1})
	must(t, err)
	must(t, db.TouchAPIKeys(ctx, map[string]time.Time{k.ID: time.Now()}))
	_, err = db.PutSession(ctx, rinca.Session{User: "bob", ExpiresAt: time.Now().Add(time.Hour)}, [32]byte{2})
	must(t, err)
	must(t, db.DeleteUser(ctx, "bob"))
	putUser(t, db, "bob", false) // somebody else of that name
	c, err := db.Credentials(ctx, "bob")
	if must(t, err); c.PasswordHash.IsSet() {
		t.Error("credentials stayed")
	}
	_, err = db.APIKeyByHash(ctx, [32]byte{1})
	wantCode(t, rinca.NotFound, err)
	_, err = db.SessionByHash(ctx, [32]byte{2})
	wantCode(t, rinca.NotFound, err)
	g, err := db.Group(ctx, "ops")
	must(t, err)
	same(t, []string{"root"}, g.Users)
	must(t, db.DeleteGroup(ctx, "ops"))
	groups, err := db.Groups(ctx)
	if must(t, err); len(groups) != 0 {
		t.Errorf("%+v", groups)
	}
	mustCheck(t, db)
}

func TestCredentials(t *testing.T) {
	db := newDB(t)
	ctx := t.Context()
	wantCode(t, rinca.NotFound, db.SetCredentials(ctx, "bob", store.Credentials{}))
	putUser(t, db, "bob", false)
	c := store.Credentials{PasswordHash: secret("$argon2id$x"), TOTPSeed: secret("seed"), TOTPLast: 7}
	before := db.Revision()
	must(t, db.SetCredentials(ctx, "bob", c))
	got, err := db.Credentials(ctx, "bob")
	must(t, err)
	same(t, c, got)
	if db.Revision() != before {
		t.Error("the revision grew")
	}
	// Of many who show the same code at once, one gets in.
	var wins atomic.Int32
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			if ok, err := db.UseTOTP(ctx, "bob", 8); err == nil && ok {
				wins.Add(1)
			}
		})
	}
	wg.Wait()
	if ok, _ := db.UseTOTP(ctx, "bob", 7); ok || wins.Load() != 1 {
		t.Errorf("%d got in", wins.Load())
	}
}

func TestAPIKeys(t *testing.T) {
	dir := newHome(t)
	db := open(t, dir)
	ctx := t.Context()
	_, err := db.PutAPIKey(ctx, rinca.APIKey{User: "bob", Name: "ci"}, [32]byte{1})
	wantCode(t, rinca.NotFound, err)
	putUser(t, db, "bob", false)
	k, err := db.PutAPIKey(ctx, rinca.APIKey{User: "bob", Name: "ci", Scope: &rinca.Rights{}, ExpiresAt: time.Now().UTC().Round(0)}, [32]byte{1})
	must(t, err)
	_, err = db.PutAPIKey(ctx, rinca.APIKey{User: "bob", Name: "ci"}, [32]byte{2})
	wantCode(t, rinca.Conflict, err)
	got, err := db.APIKeyByHash(ctx, [32]byte{1})
	must(t, err)
	same(t, k, got)
	used := time.Now().UTC().Truncate(time.Millisecond)
	before := db.Revision()
	must(t, db.TouchAPIKeys(ctx, map[string]time.Time{k.ID: used, "gone": used}))
	if db.Revision() != before {
		t.Error("the revision grew")
	}
	for _, h := range []*store.DB{db, open(t, dir)} {
		keys, err := h.APIKeys(ctx, "bob")
		if must(t, err); len(keys) != 1 || !keys[0].LastUsed.Equal(used) {
			t.Errorf("%+v", keys)
		}
	}
	must(t, db.DeleteAPIKey(ctx, k.ID))
	_, err = db.APIKey(ctx, k.ID)
	wantCode(t, rinca.NotFound, err)
	_, err = db.APIKeyByHash(ctx, [32]byte{1})
	wantCode(t, rinca.NotFound, err)
}

func TestSessions(t *testing.T) {
	db, clock := newClockDB(t)
	ctx := t.Context()
	putUser(t, db, "bob", false)
	s, err := db.PutSession(ctx, rinca.Session{User: "bob", Agent: "curl", ExpiresAt: clock.now.Add(time.Hour)}, [32]byte{1})
	must(t, err)
	got, err := db.SessionByHash(ctx, [32]byte{1})
	must(t, err)
	same(t, s, got)
	must(t, db.TouchSessions(ctx, map[string]time.Time{s.ID: clock.now}))
	list, err := db.Sessions(ctx, "bob")
	if must(t, err); len(list) != 1 || !list[0].LastUsed.Equal(clock.now) {
		t.Errorf("%+v", list)
	}
	_, err = db.SessionByHash(ctx, [32]byte{9})
	wantCode(t, rinca.NotFound, err)
	clock.now = clock.now.Add(2 * time.Hour)
	_, err = db.SessionByHash(ctx, [32]byte{1})
	wantCode(t, rinca.NotFound, err)
	s2, err := db.PutSession(ctx, rinca.Session{User: "bob", ExpiresAt: clock.now.Add(time.Hour)}, [32]byte{2})
	must(t, err)
	if r := mustCheck(t, db); r.Records["sessions"] != 1 {
		t.Errorf("the expired session was not swept: %+v", r)
	}
	must(t, db.DeleteSession(ctx, s2.ID))
	wantCode(t, rinca.NotFound, db.DeleteSession(ctx, s2.ID))
	must(t, db.DeleteSessions(ctx, "bob"))
}
