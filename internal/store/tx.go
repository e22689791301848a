package store

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/json"
	"strings"
	"sync"

	"rinca/internal/database"
	"rinca/internal/rinca"
	"rinca/internal/seal"
)

// A queryer is a transaction, a connection or a handle.
type queryer interface {
	QueryContext(context.Context, string, ...any) (*sql.Rows, error)
	QueryRowContext(context.Context, string, ...any) *sql.Row
}

// A writer is a transaction that writes: nobody else does meanwhile, in this
// process or another.
type writer struct {
	db    *DB
	tx    *sql.Tx
	kid   seal.KeyID
	heads map[string]*head // of the families that change
	known *present         // what there is, as this transaction leaves it; made when it is needed
}

// write runs f in one transaction, and then makes its changes known.
func (db *DB) write(ctx context.Context, f func(*writer) error) error {
	select {
	case db.turn <- struct{}{}:
		defer func() { <-db.turn }()
	case <-ctx.Done():
		return rinca.Errorf(rinca.Canceled, "wait for the database: %w", ctx.Err())
	}
	next := db.queue.Wait(ctx)
	tx, err := db.writing.BeginTx(ctx, nil)
	next()
	if err != nil {
		return database.Error(db.path, err)
	}
	defer tx.Rollback()
	w := &writer{db: db, tx: tx, heads: map[string]*head{}}
	if w.kid, err = db.currentKey(ctx, tx); err == nil {
		err = f(w)
	}
	if err == nil {
		err = w.saveHeads(ctx)
	}
	if err == nil {
		err = tx.Commit()
	}
	if err != nil {
		return database.Error(db.path, err)
	}
	for family, h := range w.heads {
		db.revs.set(family, h.rev)
	}
	return nil
}

func (w *writer) exec(ctx context.Context, query string, args ...any) (int64, error) {
	res, err := w.tx.ExecContext(ctx, query, args...)
	if err != nil {
		return 0, err
	}
	return res.RowsAffected()
}

// execAll runs statements that have the same arguments.
func (w *writer) execAll(ctx context.Context, queries []string, args ...any) error {
	for _, q := range queries {
		if _, err := w.tx.ExecContext(ctx, q, args...); err != nil {
			return err
		}
	}
	return nil
}

func (w *writer) seal(place string, plain []byte) ([]byte, error) {
	return w.db.keys.seal(w.kid, place, plain)
}

// sealJSON encodes and seals a record.
func (w *writer) sealJSON(place string, v any) ([]byte, error) {
	data, err := encode(v)
	if err != nil {
		return nil, err
	}
	return w.seal(place, data)
}

// view runs f on one state of the database, without waiting for writers.
func (db *DB) view(ctx context.Context, f func(queryer) error) error {
	tx, err := db.reading.BeginTx(ctx, nil)
	if err != nil {
		return database.Error(db.path, err)
	}
	defer tx.Rollback()
	return database.Error(db.path, f(tx))
}

// openJSON is the reverse of sealJSON.
func (db *DB) openJSON(place string, sealed []byte, into any) error {
	plain, err := db.keys.open(place, sealed)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(plain, into); err != nil {
		// A newer program may have written what this one does not know.
		return database.Corrupt(db.path, "%s cannot be understood", place)
	}
	return nil
}

// encode is JSON without the escapes that are for HTML, so that raw messages
// stay as they are.
func encode(v any) ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return nil, rinca.Errorf(rinca.Invalid, "it cannot be stored: %w", err)
	}
	return b.Bytes(), nil
}

// place names a row: what it is, and the columns that are in the clear. No
// two rows have the same place.
func place(parts ...string) string {
	for i, p := range parts {
		if strings.ContainsAny(p, `|\`) {
			parts[i] = strings.NewReplacer(`|`, `\|`, `\`, `\\`).Replace(p)
		}
	}
	return strings.Join(parts, "|")
}

// statements keeps prepared queries for the reading handle.
type statements struct {
	mu sync.Mutex
	by map[string]*sql.Stmt
}

// row runs a query for one row, prepared once for all.
func (s *statements) row(ctx context.Context, db *DB, query string, args ...any) (*sql.Row, error) {
	s.mu.Lock()
	st, ok := s.by[query]
	if !ok {
		var err error
		if st, err = db.reading.PrepareContext(ctx, query); err != nil { //nolint:sqlclosecheck // close does it
			s.mu.Unlock()
			return nil, db.fail(err)
		}
		if s.by == nil {
			s.by = map[string]*sql.Stmt{}
		}
		s.by[query] = st
	}
	s.mu.Unlock()
	return st.QueryRowContext(ctx, args...), nil
}

func (s *statements) close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, st := range s.by {
		_ = st.Close() // it only reads
	}
}

// fail says what an error of SQLite means.
func (db *DB) fail(err error) error { return database.Error(db.path, err) }
