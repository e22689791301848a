package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"strconv"
	"strings"
	"time"

	"rinca/internal/rinca"
)

// A Records is a collection of documents, each kept sealed under an id. It is
// for what comes and goes: deliveries, alerts, rotations. What is configured is
// a resource.
type Records[T any] struct {
	db         *DB
	collection string
}

// RecordsOf returns the collection of that name.
func RecordsOf[T any](db *DB, collection string) Records[T] { return Records[T]{db, collection} }

// A Record is a document with what it is found by.
type Record[T any] struct {
	ID    string
	Key   string // what several have in common; may be ""
	At    time.Time
	Value T
}

// A RecordFilter chooses documents. Empty fields choose all.
type RecordFilter struct {
	Key    string
	Before string // ids below this one
	After  string // ids above this one
	Since  time.Time
	Oldest bool // first the lowest ids; else the highest
	Limit  int  // 0 means all
}

func recordContext(collection, id, key string, at int64) string {
	return place("record", collection, id, key, strconv.FormatInt(at, 10))
}

// Put stores a document, in place of the one with its id.
func (r Records[T]) Put(ctx context.Context, rec Record[T]) error {
	return r.PutAll(ctx, []Record[T]{rec})
}

// PutAll stores documents in one transaction: all or none.
func (r Records[T]) PutAll(ctx context.Context, recs []Record[T]) error {
	return r.db.write(ctx, func(w *writer) error {
		for i := range recs {
			if err := r.insert(ctx, w, recs[i], `ON CONFLICT (collection, id) DO UPDATE SET key = excluded.key, at = excluded.at, body = excluded.body`); err != nil {
				return err
			}
		}
		return nil
	})
}

// Add stores a document unless there is one with its id; added says whether
// it was stored.
func (r Records[T]) Add(ctx context.Context, rec Record[T]) (added bool, err error) {
	err = r.db.write(ctx, func(w *writer) error {
		var there bool
		err := w.tx.QueryRowContext(ctx, `SELECT EXISTS (SELECT 1 FROM records WHERE collection = ? AND id = ?)`, r.collection, rec.ID).Scan(&there)
		if err != nil || there {
			return err
		}
		added = true
		return r.insert(ctx, w, rec, "")
	})
	return added && err == nil, err
}

func (r Records[T]) insert(ctx context.Context, w *writer, rec Record[T], conflict string) error {
	if rec.ID == "" || len(rec.ID) > 500 || len(rec.Key) > 500 {
		return rinca.Errorf(rinca.Invalid, "a record of %s has an id, and a key, of at most 500 bytes", r.collection)
	}
	data, err := encode(rec.Value)
	if err != nil {
		return err
	}
	if len(data) > MaxBundle {
		return rinca.Errorf(rinca.Invalid, "a record of %s has %d MB; at most %d", r.collection, len(data)>>20, MaxBundle>>20)
	}
	at := millis(rec.At)
	sealed, err := w.seal(recordContext(r.collection, rec.ID, rec.Key, at), data)
	if err != nil {
		return err
	}
	_, err = w.exec(ctx, `INSERT INTO records (collection, id, key, at, body) VALUES (?, ?, ?, ?, ?) `+conflict, r.collection, rec.ID, rec.Key, at, sealed)
	return err
}

// Get returns a document, NotFound when there is none with that id.
func (r Records[T]) Get(ctx context.Context, id string) (Record[T], error) {
	rec, err := r.scan(r.db.reading.QueryRowContext(ctx, `SELECT id, key, at, body FROM records WHERE collection = ? AND id = ?`, r.collection, id))
	if errors.Is(err, sql.ErrNoRows) {
		return rec, rinca.Errorf(rinca.NotFound, "%s %.100q not found", r.collection, id)
	}
	return rec, r.db.fail(err)
}

func (r Records[T]) scan(row scanner) (rec Record[T], err error) {
	var at int64
	var sealed []byte
	if err := row.Scan(&rec.ID, &rec.Key, &at, &sealed); err != nil {
		return rec, err
	}
	if at != 0 {
		rec.At = time.UnixMilli(at).UTC()
	}
	return rec, r.db.openJSON(recordContext(r.collection, rec.ID, rec.Key, at), sealed, &rec.Value)
}

// List returns the documents that the filter chooses.
func (r Records[T]) List(ctx context.Context, f RecordFilter) ([]Record[T], error) {
	where, args := []string{"collection = ?"}, []any{r.collection}
	add := func(set bool, condition string, value any) {
		if set {
			where, args = append(where, condition), append(args, value)
		}
	}
	add(f.Key != "", "key = ?", f.Key)
	add(f.Before != "", "id < ?", f.Before)
	add(f.After != "", "id > ?", f.After)
	add(!f.Since.IsZero(), "at >= ?", millis(f.Since))
	order, limit := " ORDER BY id DESC", -1
	if f.Oldest {
		order = " ORDER BY id"
	}
	if f.Limit > 0 {
		limit = f.Limit
	}
	var out []Record[T]
	err := r.db.view(ctx, func(q queryer) error {
		rows, err := q.QueryContext(ctx, "SELECT id, key, at, body FROM records WHERE "+strings.Join(where, " AND ")+order+" LIMIT ?", append(args, limit)...)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			rec, err := r.scan(rows)
			if err != nil {
				return err
			}
			out = append(out, rec)
		}
		return rows.Err()
	})
	return out, err
}

// Delete removes documents, those that are there.
func (r Records[T]) Delete(ctx context.Context, ids ...string) error {
	return r.db.write(ctx, func(w *writer) error {
		for _, id := range ids {
			if _, err := w.exec(ctx, `DELETE FROM records WHERE collection = ? AND id = ?`, r.collection, id); err != nil {
				return err
			}
		}
		return nil
	})
}

// Prune removes documents from before a time, and of the rest all but the
// newest keep; keep 0 means all of them.
func (r Records[T]) Prune(ctx context.Context, before time.Time, keep int) error {
	return r.db.write(ctx, func(w *writer) error {
		if _, err := w.exec(ctx, `DELETE FROM records WHERE collection = ? AND at < ?`, r.collection, millis(before)); err != nil || keep <= 0 {
			return err
		}
		_, err := w.exec(ctx, `DELETE FROM records WHERE collection = ? AND id NOT IN (SELECT id FROM records WHERE collection = ? ORDER BY id DESC LIMIT ?)`,
			r.collection, r.collection, keep)
		return err
	})
}

// PutSettingJSON stores a document as a setting.
func PutSettingJSON[T any](ctx context.Context, db *DB, name string, v T) error {
	data, err := encode(v)
	if err != nil {
		return err
	}
	return db.PutSetting(ctx, name, rinca.NewSecret(string(data)))
}

// SettingJSON returns a setting that is a document; the zero value when it
// was not put.
func SettingJSON[T any](ctx context.Context, db *DB, name string) (v T, err error) {
	text, err := db.Setting(ctx, name)
	if rinca.CodeOf(err) == rinca.NotFound {
		return v, nil
	}
	if err != nil {
		return v, err
	}
	if err := json.Unmarshal([]byte(text.Reveal()), &v); err != nil {
		return v, rinca.Errorf(rinca.Corrupt, "the setting %q cannot be read", name).Because(err)
	}
	return v, nil
}

// ID returns an id that is new, and greater than those of earlier times.
func (db *DB) ID() string { return newID(db.now()) }
