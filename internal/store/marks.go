package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"time"

	"rinca/internal/rinca"
)

// A markRecord is a Mark as it is sealed, without its bundle.
type markRecord struct {
	At     time.Time       `json:"at"`
	Update string          `json:"update,omitempty"`
	Commit string          `json:"commit,omitempty"`
	Uses   []string        `json:"uses,omitempty"`
	Refs   []string        `json:"refs,omitempty"`
	Plain  json.RawMessage `json:"plain,omitempty"`
	Bundle bool            `json:"bundle,omitempty"` // there is one, though it may be empty
}

func markContext(stack string) string { return place("mark", stack) }

func bundleContext(stack string) string { return place("bundle", stack) }

// PutMark replaces the mark of a stack. A stack that does not exist any more
// is NotFound.
func (db *DB) PutMark(ctx context.Context, m Mark) error {
	if m.Sealed.Len() > MaxBundle {
		return rinca.Errorf(rinca.Invalid, "the files of stack %q have %d MB; at most %d", m.Stack, m.Sealed.Len()>>20, MaxBundle>>20)
	}
	return db.write(ctx, func(w *writer) error {
		if err := w.needStack(ctx, m.Stack); err != nil {
			return err
		}
		rec := markRecord{m.At, m.Update, m.Commit, m.Uses, m.Refs, m.Plain, m.Sealed.IsSet()}
		body, err := w.sealJSON(markContext(m.Stack), rec)
		if err != nil {
			return err
		}
		bundle, err := w.seal(bundleContext(m.Stack), []byte(m.Sealed.Reveal()))
		if err != nil {
			return err
		}
		_, err = w.exec(ctx, `INSERT INTO marks (stack, body, bundle) VALUES (?, ?, ?)
			ON CONFLICT (stack) DO UPDATE SET body = excluded.body, bundle = excluded.bundle`, m.Stack, body, bundle)
		return err
	})
}

func (db *DB) openMark(stack string, body []byte) (Mark, bool, error) {
	var r markRecord
	err := db.openJSON(markContext(stack), body, &r)
	return Mark{Stack: stack, At: r.At, Update: r.Update, Commit: r.Commit, Uses: r.Uses, Refs: r.Refs, Plain: r.Plain}, r.Bundle, err
}

// Mark returns the mark of a stack with its bundle, NotFound when there is
// none.
func (db *DB) Mark(ctx context.Context, stack string) (m Mark, err error) {
	var body, bundle []byte
	err = db.reading.QueryRowContext(ctx, `SELECT body, bundle FROM marks WHERE stack = ?`, stack).Scan(&body, &bundle)
	if errors.Is(err, sql.ErrNoRows) {
		return m, rinca.Errorf(rinca.NotFound, "stack %.200q was not deployed yet", stack).Try("rinca stack deploy %s", stack)
	}
	if err != nil {
		return m, db.fail(err)
	}
	m, has, err := db.openMark(stack, body)
	if err != nil || !has {
		return m, err
	}
	plain, err := db.keys.open(bundleContext(stack), bundle)
	if err == nil {
		m.Sealed = rinca.NewSecret(string(plain))
	}
	return m, err
}

// Marks lists the marks of all stacks by name, without their bundles.
func (db *DB) Marks(ctx context.Context) ([]Mark, error) {
	var out []Mark
	err := db.view(ctx, func(q queryer) error {
		rows, err := q.QueryContext(ctx, `SELECT stack, body FROM marks ORDER BY stack`)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var stack string
			var body []byte
			if err := rows.Scan(&stack, &body); err != nil {
				return err
			}
			m, _, err := db.openMark(stack, body)
			if err != nil {
				return err
			}
			out = append(out, m)
		}
		return rows.Err()
	})
	return out, err
}

// DeleteMark removes the mark of a stack, if there is one.
func (db *DB) DeleteMark(ctx context.Context, stack string) error {
	return db.write(ctx, func(w *writer) error {
		_, err := w.exec(ctx, `DELETE FROM marks WHERE stack = ?`, stack)
		return err
	})
}
