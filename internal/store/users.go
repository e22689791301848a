package store

import (
	"context"
	"slices"
	"strings"
	"time"

	"rinca/internal/rinca"
)

// PutUser stores a user and returns it as stored. CreatedAt is that of the
// first time. A name or a subject that another user has, in any case of
// letters, is a Conflict, and so is taking the last administrator away.
func (db *DB) PutUser(ctx context.Context, u rinca.User, mode PutMode) (rinca.User, error) {
	if err := checkName(userFamily, u.Name); err != nil {
		return u, err
	}
	err := db.write(ctx, func(w *writer) error {
		old, exists, err := db.users.read(ctx, w, u.Name)
		if err != nil {
			return err
		}
		if err := db.users.check(mode, u.Name, exists); err != nil {
			return err
		}
		if u.CreatedAt.IsZero() {
			u.CreatedAt = db.now()
		}
		if exists {
			u.CreatedAt = old.CreatedAt
		}
		if err := w.checkUsers(ctx, u.Name, &u); err != nil {
			return err
		}
		return db.users.put(ctx, w, u.Name, u)
	})
	return u, err
}

// checkUsers refuses what must not become of the user of that name; nil means
// that it is deleted.
func (w *writer) checkUsers(ctx context.Context, name string, next *rinca.User) error {
	s, err := w.db.users.load(ctx, w.db)
	if err != nil {
		return err
	}
	before, after := 0, 0
	for _, r := range s.rows {
		if administers(&r.value) {
			before++
			if r.name != name {
				after++
			}
		}
		if next == nil || r.name == name {
			continue
		}
		if strings.EqualFold(r.name, name) {
			return rinca.Errorf(rinca.Conflict, "user %q exists", r.name)
		}
		if next.Subject != "" && r.value.Subject == next.Subject {
			return rinca.Errorf(rinca.Conflict, "user %q has that identity already", r.name)
		}
	}
	if administers(next) {
		after++
	}
	if before > 0 && after == 0 {
		return rinca.Errorf(rinca.Conflict, "user %q is the last administrator", name).Try("make another user an administrator first")
	}
	return nil
}

func administers(u *rinca.User) bool { return u != nil && u.Admin && !u.Disabled && !u.Service }

// User returns a user.
func (db *DB) User(ctx context.Context, name string) (rinca.User, error) {
	u, err := db.users.get(ctx, db, name)
	return db.withLogin(u), err
}

// Users lists the users by name.
func (db *DB) Users(ctx context.Context) ([]rinca.User, error) {
	s, err := db.users.load(ctx, db)
	if err != nil {
		return nil, err
	}
	users := s.all()
	for i := range users {
		users[i] = db.withLogin(users[i])
	}
	return users, nil
}

func (db *DB) withLogin(u rinca.User) rinca.User {
	if at := db.used.get(userFamily, u.Name); at.After(u.LastLogin) {
		u.LastLogin = at
	}
	return u
}

// TouchLogin notes that a user signed in. Revision stays as it is.
func (db *DB) TouchLogin(ctx context.Context, user string, at time.Time) error {
	return db.used.touch(ctx, db, userFamily, map[string]time.Time{user: at})
}

// DeleteUser removes a user with credentials, sessions and API keys, and from
// every group, so that a new user of that name inherits nothing.
func (db *DB) DeleteUser(ctx context.Context, name string) error {
	err := db.write(ctx, func(w *writer) error {
		if err := w.checkUsers(ctx, name, nil); err != nil {
			return err
		}
		if err := db.users.delete(ctx, w, name); err != nil {
			return err
		}
		if err := db.credentials.delete(ctx, w, name); err != nil && rinca.CodeOf(err) != rinca.NotFound {
			return err
		}
		if err := w.leaveGroups(ctx, name); err != nil {
			return err
		}
		if err := w.deleteKeysOf(ctx, name); err != nil {
			return err
		}
		if _, err := w.exec(ctx, `DELETE FROM used WHERE family = ? AND name = ?`, userFamily, name); err != nil {
			return err
		}
		_, err := w.exec(ctx, `DELETE FROM sessions WHERE user = ?`, name)
		return err
	})
	if err == nil {
		db.used.drop(userFamily, name)
	}
	return err
}

func (w *writer) leaveGroups(ctx context.Context, user string) error {
	groups, err := w.db.groups.load(ctx, w.db)
	if err != nil {
		return err
	}
	for _, g := range groups.rows {
		if !slices.Contains(g.value.Users, user) {
			continue
		}
		v := g.value
		v.Users = slices.DeleteFunc(slices.Clone(v.Users), func(u string) bool { return u == user })
		if err := w.db.groups.put(ctx, w, g.name, v); err != nil {
			return err
		}
	}
	return nil
}
