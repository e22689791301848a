package store

import (
	"context"
	"encoding/binary"
	"strconv"
	"strings"
	"time"

	"rinca/internal/database"
	"rinca/internal/rinca"
)

func eventContext(e rinca.Event) string {
	return place("event", strconv.FormatInt(e.Seq, 10), e.Update, e.Type, string(e.Target.Kind), e.Target.Name)
}

// AppendEvents stores events in one transaction: all or none. The caller gives
// Seq, which is greater than that of every event before: else it is a Conflict.
func (db *DB) AppendEvents(ctx context.Context, events []rinca.Event) error {
	if len(events) == 0 {
		return nil
	}
	return db.write(ctx, func(w *writer) error {
		last, err := lastEvent(ctx, w.tx)
		if err != nil {
			return err
		}
		insert, err := w.tx.PrepareContext(ctx, `INSERT INTO events (seq, update_id, type, kind, name, at, body) VALUES (?, ?, ?, ?, ?, ?, ?)`)
		if err != nil {
			return err
		}
		defer insert.Close() //nolint:errcheck // it goes with the transaction
		for _, e := range events {
			if e.Seq <= last {
				return rinca.Errorf(rinca.Conflict, "event %d comes after event %d", e.Seq, last)
			}
			last = e.Seq
			body := append(binary.BigEndian.AppendUint64(nil, uint64(e.At.UnixNano())), e.Data...) //nolint:gosec // the reverse is in openEvent
			sealed, err := w.seal(eventContext(e), body)
			if err != nil {
				return err
			}
			if _, err := insert.ExecContext(ctx, e.Seq, e.Update, e.Type, e.Target.Kind, e.Target.Name, e.At.UnixMilli(), sealed); err != nil {
				return err
			}
		}
		return nil
	})
}

// Events lists the events after a Seq that the filter chooses, oldest first,
// at most limit.
func (db *DB) Events(ctx context.Context, after int64, f EventFilter, limit int) ([]rinca.Event, error) {
	query, args := f.query(after, limit)
	var out []rinca.Event
	err := db.view(ctx, func(q queryer) error {
		rows, err := q.QueryContext(ctx, query, args...)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			e, err := db.scanEvent(rows)
			if err != nil {
				return err
			}
			out = append(out, e)
		}
		return rows.Err()
	})
	return out, err
}

func (f EventFilter) query(after int64, limit int) (query string, args []any) {
	where, args := []string{"seq > ?"}, []any{after}
	add := func(condition, value string) {
		if value != "" {
			where, args = append(where, condition), append(args, value)
		}
	}
	add("update_id <> '' AND update_id = ?", f.Update)
	add("kind = ?", string(f.Target.Kind))
	add("name = ?", f.Target.Name)
	if len(f.Types) > 0 {
		where = append(where, "type IN (?"+strings.Repeat(", ?", len(f.Types)-1)+")")
		for _, t := range f.Types {
			args = append(args, t)
		}
	}
	return "SELECT seq, update_id, type, kind, name, body FROM events WHERE " + strings.Join(where, " AND ") + " ORDER BY seq LIMIT ?",
		append(args, max(limit, 0))
}

func (db *DB) scanEvent(row scanner) (e rinca.Event, err error) {
	var sealed []byte
	if err := row.Scan(&e.Seq, &e.Update, &e.Type, &e.Target.Kind, &e.Target.Name, &sealed); err != nil {
		return e, database.Corrupt(db.path, "a row of the events: %w", err)
	}
	body, err := db.keys.open(eventContext(e), sealed)
	if err != nil {
		return e, err
	}
	if len(body) < 8 {
		return e, database.Corrupt(db.path, "event %d is cut off", e.Seq)
	}
	e.At = time.Unix(0, int64(binary.BigEndian.Uint64(body))).UTC() //nolint:gosec // the reverse of AppendEvents
	if len(body) > 8 {
		e.Data = body[8:]
	}
	return e, nil
}

// LastEvent returns the greatest Seq that was ever stored; 0 for none.
func (db *DB) LastEvent(ctx context.Context) (int64, error) {
	n, err := lastEvent(ctx, db.reading)
	return n, db.fail(err)
}

func lastEvent(ctx context.Context, q queryer) (n int64, err error) {
	err = q.QueryRowContext(ctx, `SELECT coalesce(max(seq), 0) FROM sqlite_sequence WHERE name = 'events'`).Scan(&n)
	return n, err
}
