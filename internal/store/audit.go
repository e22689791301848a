package store

import (
	"bytes"
	"context"
	"encoding/hex"
	"strconv"
	"sync"

	"rinca/internal/database"
	"rinca/internal/rinca"
)

func auditContext(seq int64) string { return place("audit entry", strconv.FormatInt(seq, 10)) }

// auditHash covers an entry and the hash before it.
func (db *DB) auditHash(before []byte, e rinca.AuditEntry) ([]byte, error) {
	e.Hash = ""
	data, err := encode(e)
	if err != nil {
		return nil, err
	}
	d := db.Digest("audit", before, data)
	return d[:], nil
}

// auditQueue collects entries that are appended at the same time, so that they
// share one transaction.
type auditQueue struct {
	mu      sync.Mutex
	pending []*auditCall
}

type auditCall struct {
	entry rinca.AuditEntry
	err   error
	done  chan struct{}
}

// Audit appends an entry to the log, and returns it with what the store gives:
// Seq, Hash, and At when it has none. When it returns, the entry is on disk.
func (db *DB) Audit(ctx context.Context, e rinca.AuditEntry) (rinca.AuditEntry, error) {
	if err := ctx.Err(); err != nil {
		return e, rinca.Errorf(rinca.Canceled, "write the audit log: %w", err)
	}
	call := &auditCall{entry: e, done: make(chan struct{})}
	db.audits.mu.Lock()
	db.audits.pending = append(db.audits.pending, call)
	first := len(db.audits.pending) == 1
	db.audits.mu.Unlock()
	if first { // the first one writes for all who come until its turn
		db.writeAudits(context.WithoutCancel(ctx))
	}
	<-call.done
	return call.entry, call.err
}

func (db *DB) writeAudits(ctx context.Context) {
	var calls []*auditCall
	err := db.write(ctx, func(w *writer) error {
		calls = db.audits.take()
		h, err := w.change(ctx, auditFamily)
		if err != nil {
			return err
		}
		h.rev-- // it counts entries
		for _, c := range calls {
			if err := w.appendAudit(ctx, h, &c.entry); err != nil {
				return err
			}
		}
		return nil
	})
	if calls == nil { // it was not even our turn
		calls = db.audits.take()
	}
	for _, c := range calls {
		c.err = err
		close(c.done)
	}
}

func (q *auditQueue) take() []*auditCall {
	q.mu.Lock()
	defer q.mu.Unlock()
	calls := q.pending
	q.pending = nil
	return calls
}

func (w *writer) appendAudit(ctx context.Context, h *head, e *rinca.AuditEntry) error {
	e.Seq = h.rev + 1
	if e.At.IsZero() {
		e.At = w.db.now()
	}
	e.At = e.At.UTC()
	hash, err := w.db.auditHash(h.rec.Hash, *e)
	if err != nil {
		return err
	}
	e.Hash = hex.EncodeToString(hash)
	sealed, err := w.sealJSON(auditContext(e.Seq), e)
	if err != nil {
		return err
	}
	h.rev, h.rec.Hash = e.Seq, hash
	_, err = w.exec(ctx, `INSERT INTO audit (seq, hash, body) VALUES (?, ?, ?)`, e.Seq, hash, sealed)
	return err
}

// AuditEntries lists the entries after a Seq, oldest first, at most limit.
func (db *DB) AuditEntries(ctx context.Context, after int64, limit int) ([]rinca.AuditEntry, error) {
	var out []rinca.AuditEntry
	err := db.view(ctx, func(q queryer) error {
		return db.eachAudit(ctx, q, after, max(limit, 0), func(e rinca.AuditEntry, _ []byte) error {
			out = append(out, e)
			return nil
		})
	})
	return out, err
}

func (db *DB) eachAudit(ctx context.Context, q queryer, after int64, limit int, f func(e rinca.AuditEntry, hash []byte) error) error {
	rows, err := q.QueryContext(ctx, `SELECT seq, hash, body FROM audit WHERE seq > ? ORDER BY seq LIMIT ?`, after, limit)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var seq int64
		var hash, sealed []byte
		if err := rows.Scan(&seq, &hash, &sealed); err != nil {
			return database.Corrupt(db.path, "a row of the audit log: %w", err)
		}
		var e rinca.AuditEntry
		if err := db.openJSON(auditContext(seq), sealed, &e); err != nil {
			return err
		}
		if err := f(e, hash); err != nil {
			return err
		}
	}
	return rows.Err()
}

// LastAudit returns the Seq of the newest entry; 0 for none.
func (db *DB) LastAudit(ctx context.Context) (n int64, err error) {
	err = db.view(ctx, func(q queryer) error {
		h, err := db.readHead(ctx, q, auditFamily)
		if err == nil {
			n = h.rev
		}
		return err
	})
	return n, err
}

// VerifyAudit reads the whole log and returns how many entries it has. An
// entry that was changed, removed, moved or added is an error Corrupt that
// names its Seq; so are entries that are missing at the end.
func (db *DB) VerifyAudit(ctx context.Context) (n int64, err error) {
	err = db.view(ctx, func(q queryer) error {
		h, err := db.readHead(ctx, q, auditFamily)
		if err != nil {
			return err
		}
		var before []byte
		err = db.eachAudit(ctx, q, -1<<63, -1, func(e rinca.AuditEntry, hash []byte) error {
			if e.Seq != n+1 {
				return db.auditDamage(n + 1)
			}
			want, err := db.auditHash(before, e)
			if err != nil {
				return err
			}
			if !bytes.Equal(hash, want) || e.Hash != hex.EncodeToString(want) {
				return db.auditDamage(e.Seq)
			}
			n, before = e.Seq, hash
			return nil
		})
		if err == nil && (n != h.rev || !bytes.Equal(before, h.rec.Hash)) {
			err = db.auditDamage(min(n, h.rev) + 1)
		}
		return err
	})
	return n, err
}

func (db *DB) auditDamage(seq int64) error {
	return database.Corrupt(db.path, "audit entry %d is missing or not the one that was written", seq)
}
