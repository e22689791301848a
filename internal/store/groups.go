package store

import (
	"context"
	"strings"

	"rinca/internal/rinca"
)

// PutGroup stores a group of users and returns it as stored. Its users need
// not exist.
func (db *DB) PutGroup(ctx context.Context, g rinca.UserGroup, mode PutMode) (rinca.UserGroup, error) {
	if err := checkName(groupFamily, g.Name); err != nil {
		return g, err
	}
	return g, db.write(ctx, func(w *writer) error {
		_, exists, err := db.groups.read(ctx, w, g.Name)
		if err != nil {
			return err
		}
		if err := db.groups.check(mode, g.Name, exists); err != nil {
			return err
		}
		s, err := db.groups.load(ctx, db)
		if err != nil {
			return err
		}
		for _, r := range s.rows {
			if r.name != g.Name && strings.EqualFold(r.name, g.Name) {
				return rinca.Errorf(rinca.Conflict, "group %q exists", r.name)
			}
		}
		return db.groups.put(ctx, w, g.Name, g)
	})
}

// Group returns a group.
func (db *DB) Group(ctx context.Context, name string) (rinca.UserGroup, error) {
	return db.groups.get(ctx, db, name)
}

// Groups lists the groups by name.
func (db *DB) Groups(ctx context.Context) ([]rinca.UserGroup, error) {
	s, err := db.groups.load(ctx, db)
	if err != nil {
		return nil, err
	}
	return s.all(), nil
}

// DeleteGroup removes a group.
func (db *DB) DeleteGroup(ctx context.Context, name string) error {
	return db.write(ctx, func(w *writer) error { return db.groups.delete(ctx, w, name) })
}
