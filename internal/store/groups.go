package store

import (
	"context"
	"strings"

	"rinca/internal/rinca"
)

// PutGroup stores a group of users and returns it as stored. Its users need
// not exist.
func (db *DB) PutGroup(ctx context.Context, g rinca.UserGroup, mode PutMode) (rinca.UserGroup, error) {
	return g, db.write(ctx, func(w *writer) error { return w.putGroup(ctx, g, mode) })
}

func (w *writer) putGroup(ctx context.Context, g rinca.UserGroup, mode PutMode) error {
	if err := checkName(groupFamily, g.Name); err != nil {
		return err
	}
	there, err := w.present(ctx)
	if err != nil {
		return err
	}
	other, exists := there.groups[strings.ToLower(g.Name)]
	if exists && other != g.Name {
		return rinca.Errorf(rinca.Conflict, "group %q exists", other)
	}
	if err := w.db.groups.check(mode, g.Name, exists); err != nil {
		return err
	}
	there.groups[strings.ToLower(g.Name)] = g.Name
	return w.db.groups.put(ctx, w, g.Name, g)
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
	return db.write(ctx, func(w *writer) error { return w.deleteGroup(ctx, name) })
}

func (w *writer) deleteGroup(ctx context.Context, name string) error {
	there, err := w.present(ctx)
	if err != nil {
		return err
	}
	delete(there.groups, strings.ToLower(name))
	return w.db.groups.delete(ctx, w, name)
}
