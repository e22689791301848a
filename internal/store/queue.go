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
	u.State, u.StartedAt, u.EndedAt = rinca.Queued, time.Time{}, time.Time{}
	return w.insertUpdate(ctx, u, key)
}

// Submitted returns the update that an operator's idempotency key belongs to,
// as it is now.
func (db *DB) Submitted(ctx context.Context, operator, idempotencyKey string) (u rinca.Update, ok bool, err error) {
	key := db.Digest("idempotency", []byte(operator), []byte(idempotencyKey))
	r, err := scanUpdate(db.reading.QueryRowContext(ctx, selectUpdate+` WHERE idempotency = ?`, key[:]))
	if errors.Is(err, sql.ErrNoRows) {
		return u, false, nil
	}
	if err == nil {
		u, err = db.openUpdate(r)
	}
	return u, err == nil, db.fail(err)
}

// AddClosed stores an update of something that is not done at all, and says
// why. It was never queued.
func (db *DB) AddClosed(ctx context.Context, u rinca.Update) (closed rinca.Update, err error) {
	if !u.State.Final() {
		return u, rinca.Errorf(rinca.Internal, "an update that is %s is not closed", u.State)
	}
	err = db.write(ctx, func(w *writer) error {
		u.EndedAt = db.now()
		closed, err = w.insertUpdate(ctx, u, nil)
		return err
	})
	return closed, err
}

// insertUpdate stores a new update with an id that is greater than that of
// every other.
func (w *writer) insertUpdate(ctx context.Context, u rinca.Update, key []byte) (rinca.Update, error) {
	now := w.db.now()
	var last string
	if err := w.tx.QueryRowContext(ctx, `SELECT coalesce(max(id), '') FROM updates`).Scan(&last); err != nil {
		return u, err
	}
	at := now
	if t := timeOfID(last); at.UnixMilli() <= t { // the same millisecond, or the clock went back
		at = time.UnixMilli(t + 1)
	}
	u.ID, u.CreatedAt = newID(at), now
	sealed, err := w.sealUpdate(u)
	if err != nil {
		return u, err
	}
	_, err = w.exec(ctx, `INSERT INTO updates (id, state, kind, name, operator, parent, ended, idempotency, body) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
		u.ID, u.State, u.Target.Kind, u.Target.Name, u.Operator, u.Parent, millis(u.EndedAt), key, sealed)
	return u, err
}

// A Waiting is an update that is queued.
type Waiting struct {
	ID     string
	Target rinca.Target
	// Open reads the update, while nobody else can write.
	Open func() (rinca.Update, error)
}

// ClaimNext makes the oldest queued update that may run a running one and
// returns it; ok is false when there is none. However many claim at once, each
// update is claimed once. busy says which have to wait: it is asked for each,
// the oldest first, while nobody else can write, and must not use the
// database in another way. A nil busy means that an update waits while another one of its
// target runs.
func (db *DB) ClaimNext(ctx context.Context, busy func(Waiting) bool) (u rinca.Update, ok bool, err error) {
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

func (w *writer) oldest(ctx context.Context, busy func(Waiting) bool) (string, error) {
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
		var next Waiting
		if err := rows.Scan(&next.ID, &next.Target.Kind, &next.Target.Name); err != nil {
			return "", err
		}
		next.Open = func() (rinca.Update, error) { return w.db.readUpdate(ctx, w.tx, next.ID) }
		if busy == nil || !busy(next) {
			return next.ID, nil
		}
	}
	return "", rows.Err()
}

// CancelQueued closes an update as canceled if it still waits; ok says whether
// it did. The update is returned as it is now.
func (db *DB) CancelQueued(ctx context.Context, id string) (u rinca.Update, ok bool, err error) {
	return db.CancelQueuedBecause(ctx, id, nil)
}

// CancelQueuedBecause is CancelQueued with a reason for who reads the update.
func (db *DB) CancelQueuedBecause(ctx context.Context, id string, why *rinca.UpdateError) (u rinca.Update, ok bool, err error) {
	err = db.write(ctx, func(w *writer) error {
		if u, err = db.readUpdate(ctx, w.tx, id); err != nil || u.State != rinca.Queued {
			return err
		}
		u.State, u.EndedAt, u.Error, ok = rinca.CanceledRun, db.now(), why, true
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
