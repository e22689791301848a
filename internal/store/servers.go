package store

import (
	"context"
	"slices"
	"strings"

	"rinca/internal/rinca"
)

// A serverRecord is a server as it is sealed.
type serverRecord struct {
	rinca.Server
	KeyText    []byte `json:"key_text,omitempty"`
	SSHKeyText []byte `json:"ssh_key_text,omitempty"`
}

func (r serverRecord) server() rinca.Server {
	s := r.Server
	s.Key, s.SSHKey = toSecret(r.KeyText), toSecret(r.SSHKeyText)
	return s
}

// keep is the value that a secret field gets: the new one, none when the new
// one is empty, and the old one when nothing was given.
func keep(given rinca.Secret, old []byte) []byte {
	switch {
	case !given.IsSet():
		return old
	case given.IsEmpty():
		return nil
	}
	return fromSecret(given)
}

func checkName(family, name string) error {
	if !rinca.ValidUserName(name) {
		return rinca.Errorf(rinca.Invalid, "%.200q cannot name a %s", name, family).
			Try("letters, digits and any of . _ @ + -, the first one a letter or digit, at most 128")
	}
	return nil
}

// PutServer stores a server and returns it as stored. Keys that are not set
// are kept; empty ones are removed.
func (db *DB) PutServer(ctx context.Context, s rinca.Server, mode PutMode) (rinca.Server, error) {
	err := db.write(ctx, func(w *writer) (err error) {
		s, err = w.putServer(ctx, s, mode)
		return err
	})
	return s, err
}

func (w *writer) putServer(ctx context.Context, s rinca.Server, mode PutMode) (rinca.Server, error) {
	if err := checkName(serverFamily, s.Name); err != nil {
		return s, err
	}
	old, exists, err := w.db.servers.read(ctx, w, s.Name)
	if err != nil {
		return s, err
	}
	if err := w.db.servers.check(mode, s.Name, exists); err != nil {
		return s, err
	}
	s.UpdatedAt = w.db.now()
	next := serverRecord{s, keep(s.Key, old.KeyText), keep(s.SSHKey, old.SSHKeyText)}
	return next.server(), w.db.servers.put(ctx, w, s.Name, next)
}

// Server returns a server with its keys.
func (db *DB) Server(ctx context.Context, name string) (rinca.Server, error) {
	r, err := db.servers.get(ctx, db, name)
	return r.server(), err
}

// Servers lists the servers by name, with their keys.
func (db *DB) Servers(ctx context.Context) ([]rinca.Server, error) {
	s, err := db.servers.load(ctx, db)
	if err != nil {
		return nil, err
	}
	out := make([]rinca.Server, len(s.rows))
	for i, r := range s.rows {
		out[i] = r.value.server()
	}
	return out, nil
}

// DeleteServer removes a server. One that a stack is on is a Conflict.
func (db *DB) DeleteServer(ctx context.Context, name string) error {
	return db.write(ctx, func(w *writer) error { return w.deleteServer(ctx, name) })
}

func (w *writer) deleteServer(ctx context.Context, name string) error {
	if err := w.unused(ctx, serverFamily, name, func(s *rinca.Stack) bool { return s.ServerName() == name }); err != nil {
		return err
	}
	return w.db.servers.delete(ctx, w, name)
}

// unused refuses to delete what stacks name.
func (w *writer) unused(ctx context.Context, family, name string, uses func(*rinca.Stack) bool) error {
	there, err := w.present(ctx)
	if err != nil {
		return err
	}
	var users []string
	for stack, s := range there.stacks {
		if uses(&s) {
			users = append(users, stack)
		}
	}
	slices.Sort(users)
	if len(users) == 0 {
		return nil
	}
	if len(users) > 5 {
		users = append(users[:5], "…")
	}
	return rinca.Errorf(rinca.Conflict, "%s %q is used by %s", family, name, strings.Join(users, ", ")).Try("change or delete these stacks first")
}
