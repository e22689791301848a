package store

import (
	"context"
	"database/sql"
	"errors"
	"strconv"
	"sync"
	"sync/atomic"

	"rinca/internal/database"
)

// A head is the sealed summary of a family of rows: one that is missing, or
// an older version of one, is noticed.
type head struct {
	rev int64 // counts the transactions that changed the family
	rec headRecord
}

type headRecord struct {
	Sum  database.Sum `json:"sum,omitzero"`  // of rowMark over all rows
	Hash []byte       `json:"hash,omitzero"` // of audit: of its last entry
}

func headContext(family string, rev int64) string {
	return place("head", family, strconv.FormatInt(rev, 10))
}

func (db *DB) readHead(ctx context.Context, q queryer, family string) (*head, error) {
	var h head
	var sealed []byte
	err := q.QueryRowContext(ctx, `SELECT rev, sealed FROM heads WHERE family = ?`, family).Scan(&h.rev, &sealed)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, database.Corrupt(db.path, "the head of %s is missing", family)
	}
	if err != nil {
		return nil, err
	}
	return &h, db.openJSON(headContext(family, h.rev), sealed, &h.rec)
}

// change returns the head of a family that this transaction changes.
func (w *writer) change(ctx context.Context, family string) (*head, error) {
	if h, ok := w.heads[family]; ok {
		return h, nil
	}
	h, err := w.db.readHead(ctx, w.tx, family)
	if err != nil {
		return nil, err
	}
	h.rev++
	w.heads[family] = h
	return h, nil
}

func (w *writer) saveHeads(ctx context.Context) error {
	for family, h := range w.heads {
		sealed, err := w.sealJSON(headContext(family, h.rev), h.rec)
		if err != nil {
			return err
		}
		if _, err := w.exec(ctx, `UPDATE heads SET rev = ?, sealed = ? WHERE family = ?`, h.rev, sealed, family); err != nil {
			return err
		}
	}
	return nil
}

// revisions knows in memory how often each family was changed, and asks
// SQLite, cheaply, whether another process changed anything.
type revisions struct {
	total atomic.Int64

	mu      sync.Mutex
	by      map[string]int64
	conn    *sql.Conn
	ask     *sql.Stmt
	version int64
}

func (r *revisions) start(ctx context.Context, db *DB) (err error) {
	if r.conn, err = db.reading.Conn(ctx); err != nil {
		return err
	}
	if r.ask, err = r.conn.PrepareContext(ctx, `PRAGMA data_version`); err != nil {
		return err
	}
	r.by = map[string]int64{}
	_, err = r.current(ctx, auditFamily)
	return err
}

func (r *revisions) close() {
	if r.ask != nil {
		_ = r.ask.Close() // it only reads
	}
	if r.conn != nil {
		_ = r.conn.Close()
	}
}

// set notes what this process has just committed.
func (r *revisions) set(family string, rev int64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.note(family, rev)
}

func (r *revisions) note(family string, rev int64) {
	if old := r.by[family]; rev > old {
		r.by[family] = rev
		if family != auditFamily && family != credentialFamily {
			r.total.Add(rev - old)
		}
	}
}

// current returns the revision of a family.
func (r *revisions) current(ctx context.Context, family string) (int64, error) {
	ctx = context.WithoutCancel(ctx) // the connection is everybody's
	r.mu.Lock()
	defer r.mu.Unlock()
	var version int64
	if err := r.ask.QueryRowContext(ctx).Scan(&version); err != nil {
		return 0, err
	}
	if version != r.version {
		if err := r.readAll(ctx); err != nil {
			return 0, err
		}
		r.version = version
	}
	return r.by[family], nil
}

func (r *revisions) readAll(ctx context.Context) error {
	rows, err := r.conn.QueryContext(ctx, `SELECT family, rev FROM heads`)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var family string
		var rev int64
		if err := rows.Scan(&family, &rev); err != nil {
			return err
		}
		r.note(family, rev)
	}
	return rows.Err()
}
