package store

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"rinca/internal/rinca"
)

// Enqueue stores a new update, queued, and returns it as stored, with an id
// that is greater than that of every other. With an idempotency key that the
// same operator has used before, it returns that update as it is now, and
// existed; Conflict if its execution is another one.
func (db *DB) Enqueue(ctx context.Context, u rinca.Update, idempotencyKey string) (queued rinca.Update, existed bool, err error) {
	if u.Execution.Kind == "" || len(idempotencyKey) > 1000 {
		return u, false, rinca.Errorf(rinca.Invalid, "an execution has a type, and an idempotency key at most 1000 bytes")
	}
	if p := u.Execution.Params; len(p) > 0 && !json.Valid(p) {
		return u, false, rinca.Errorf(rinca.Invalid, "the parameters of %s are not JSON", u.Execution.Kind)
	}
	var key []byte // null: the column is unique
	if idempotencyKey != "" {
		d := db.Digest("idempotency", []byte(u.Operator), []byte(idempotencyKey))
		key = d[:]
	}
	err = db.write(ctx, func(w *writer) error {
		if key != nil {
			var id string
			err := w.tx.QueryRowContext(ctx, `SELECT id FROM updates WHERE idempotency = ?`, key).Scan(&id)
			if err == nil {
				existed = true
				queued, err = db.sameUpdate(ctx, w, id, u)
				return err
			}
			if !errors.Is(err, sql.ErrNoRows) {
				return err
			}
		}
		queued, err = w.enqueue(ctx, u, key)
		return err
	})
	return queued, existed, err
}

func (db *DB) sameUpdate(ctx context.Context, w *writer, id string, u rinca.Update) (rinca.Update, error) {
	first, err := db.readUpdate(ctx, w.tx, id)
	if err != nil {
		return first, err
	}
	if first.Execution.Kind != u.Execution.Kind || !bytes.Equal(compact(first.Execution.Params), compact(u.Execution.Params)) {
		return first, rinca.Errorf(rinca.Conflict, "that idempotency key was used for update %s, which is another execution", id).
			Try("use a new key for each execution")
	}
	return first, nil
}

// compact is a JSON text without the blanks between its parts.
func compact(text json.RawMessage) []byte {
	var b bytes.Buffer
	if len(text) == 0 || json.Compact(&b, text) != nil {
		return text
	}
	return b.Bytes()
}

func (w *writer) enqueue(ctx context.Context, u rinca.Update, key []byte) (rinca.Update, error) {
	now := w.db.now()
	var last string
	if err := w.tx.QueryRowContext(ctx, `SELECT coalesce(max(id), '') FROM updates`).Scan(&last); err != nil {
		return u, err
	}
	at := now
	if t := timeOfID(last); at.UnixMilli() <= t { // the same millisecond, or the clock went back
		at = time.UnixMilli(t + 1)
	}
	u.ID, u.State, u.CreatedAt = newID(at), rinca.Queued, now
	u.StartedAt, u.EndedAt = time.Time{}, time.Time{}
	sealed, err := w.sealUpdate(u)
	if err != nil {
		return u, err
	}
	_, err = w.exec(ctx, `INSERT INTO updates (id, state, kind, name, operator, parent, ended, idempotency, body) VALUES (?, ?, ?, ?, ?, ?, 0, ?, ?)`,
		u.ID, u.State, u.Target.Kind, u.Target.Name, u.Operator, u.Parent, key, sealed)
	return u, err
}

// ClaimNext makes the oldest queued update whose target is not busy a running
// one and returns it; ok is false when there is none. However many claim at
// once, each update is claimed once. busy is called while nobody else can
// write: it must not use the database. A nil busy means that a target is busy
// while an update of it runs.
func (db *DB) ClaimNext(ctx context.Context, busy func(rinca.Target) bool) (u rinca.Update, ok bool, err error) {
	row, err := db.stmts.row(ctx, db, `SELECT EXISTS (SELECT 1 FROM updates WHERE state = 'queued')`)
	if err != nil {
		return u, false, err
	}
	var some bool // most often there is none, and nobody has to wait to learn that
	if err := row.Scan(&some); err != nil || !some {
		return u, false, db.fail(err)
	}
	err = db.write(ctx, func(w *writer) error {
		id, err := w.oldest(ctx, busy)
		if err != nil || id == "" {
			return err
		}
		if u, err = db.readUpdate(ctx, w.tx, id); err != nil {
			return err
		}
		u.State = rinca.Running
		if u.StartedAt.IsZero() { // else it goes on after the end of a server
			u.StartedAt = db.now()
		}
		ok = true
		return w.saveUpdate(ctx, u)
	})
	return u, ok && err == nil, err
}

func (w *writer) oldest(ctx context.Context, busy func(rinca.Target) bool) (string, error) {
	query := `SELECT id, kind, name FROM updates WHERE state = 'queued' ORDER BY id`
	if busy == nil {
		query = `SELECT id, kind, name FROM updates AS u WHERE state = 'queued' AND NOT EXISTS
			(SELECT 1 FROM updates AS r WHERE r.state = 'running' AND r.kind = u.kind AND r.name = u.name) ORDER BY id LIMIT 1`
	}
	rows, err := w.tx.QueryContext(ctx, query)
	if err != nil {
		return "", err
	}
	defer rows.Close()
	for rows.Next() {
		var id string
		var t rinca.Target
		if err := rows.Scan(&id, &t.Kind, &t.Name); err != nil {
			return "", err
		}
		if busy == nil || !busy(t) {
			return id, nil
		}
	}
	return "", rows.Err()
}

// CancelQueued closes an update as canceled if it still waits; ok says whether
// it did. The update is returned as it is now.
func (db *DB) CancelQueued(ctx context.Context, id string) (u rinca.Update, ok bool, err error) {
	err = db.write(ctx, func(w *writer) error {
		if u, err = db.readUpdate(ctx, w.tx, id); err != nil || u.State != rinca.Queued {
			return err
		}
		u.State, u.EndedAt, ok = rinca.CanceledRun, db.now(), true
		return w.saveUpdate(ctx, u)
	})
	return u, ok && err == nil, err
}

// Recover closes every running update as interrupted, with its open stages,
// and returns them, oldest first. Those that resume chooses wait again
// instead, as they are, and are not returned: they go on where they were. A
// server does it before it claims anything.
func (db *DB) Recover(ctx context.Context, resume func(rinca.Update) bool) ([]rinca.Update, error) {
	return db.interrupt(ctx, resume, "the server ended while this ran", rinca.Running)
}

func never(rinca.Update) bool { return false }

func (db *DB) interrupt(ctx context.Context, resume func(rinca.Update) bool, why string, states ...rinca.UpdateState) (closed []rinca.Update, err error) {
	err = db.write(ctx, func(w *writer) error {
		for _, state := range states {
			ids, err := w.ids(ctx, `SELECT id FROM updates WHERE state = ? ORDER BY id`, state)
			if err != nil {
				return err
			}
			for _, id := range ids {
				u, err := db.readUpdate(ctx, w.tx, id)
				if err != nil {
					return err
				}
				if resume(u) {
					u.State = rinca.Queued
					if err := w.saveUpdate(ctx, u); err != nil {
						return err
					}
					continue
				}
				u = interrupted(u, why, db.now())
				if err := w.saveUpdate(ctx, u); err != nil {
					return err
				}
				closed = append(closed, u)
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return closed, nil
}

func interrupted(u rinca.Update, why string, now time.Time) rinca.Update {
	u.State, u.EndedAt = rinca.Interrupted, now
	u.Error = &rinca.UpdateError{Code: rinca.Unavailable, Message: why, Hint: "do it again; that is safe"}
	for i := range u.Stages {
		if s := &u.Stages[i]; !s.State.Final() {
			s.State, s.EndedAt = rinca.Interrupted, now
		}
	}
	return u
}

func (w *writer) ids(ctx context.Context, query string, args ...any) ([]string, error) {
	rows, err := w.tx.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var out []string
	for rows.Next() {
		var id string
		if err := rows.Scan(&id); err != nil {
			return nil, fmt.Errorf("read ids: %w", err)
		}
		out = append(out, id)
	}
	return out, rows.Err()
}
