package store

import (
	"context"
	"fmt"
	"time"

	"rinca/internal/database"
	"rinca/internal/rinca"
	"rinca/internal/seal"
)

// A sealedTable is a table whose records are re-wrapped when the key is
// rotated, and checked.
type sealedTable struct {
	name     string
	columns  []string // the sealed ones
	parts    string   // what places are made of, as a select list
	batch    int      // rows that are handled at once
	contexts func(parts []any) []string
}

func num(v any) int64 { n, _ := v.(int64); return n }

func str(v any) string {
	switch s := v.(type) {
	case string:
		return s
	case []byte:
		return string(s)
	}
	return ""
}

// sealedTables lists every table with sealed columns, but meta. Re-wrapping
// and checking go through it, so a table that is missing here would be found
// by neither; TestEverySealedColumnIsListed looks.
func sealedTables() []sealedTable {
	return []sealedTable{
		{"heads", []string{"sealed"}, "family, rev", 500, func(p []any) []string { return []string{headContext(str(p[0]), num(p[1]))} }},
		{"resources", []string{"body"}, "family, name, rev", 500, func(p []any) []string {
			return []string{rowContext(str(p[0]), str(p[1]), num(p[2]))}
		}},
		{"versions", []string{"body"}, "variable, version", 500, func(p []any) []string { return []string{versionContext(str(p[0]), num(p[1]))} }},
		{"sessions", []string{"body"}, "id, hash, user, expires", 500, func(p []any) []string {
			return []string{sessionContext(str(p[0]), []byte(str(p[1])), str(p[2]), num(p[3]))}
		}},
		{"marks", []string{"body", "bundle"}, "stack", 1, func(p []any) []string {
			return []string{markContext(str(p[0])), bundleContext(str(p[0]))}
		}},
		{"updates", []string{"body"}, "id, state, kind, name, operator, parent, ended", 500, func(p []any) []string {
			u := rinca.Update{
				ID: str(p[0]), State: rinca.UpdateState(str(p[1])), Target: rinca.Target{Kind: rinca.Kind(str(p[2])), Name: str(p[3])},
				Operator: str(p[4]), Parent: str(p[5]),
			}
			if end := num(p[6]); end != 0 {
				u.EndedAt = time.UnixMilli(end)
			}
			return []string{updateContext(u)}
		}},
		{"events", []string{"body"}, "seq, update_id, type, kind, name", 2000, func(p []any) []string {
			return []string{eventContext(rinca.Event{
				Seq: num(p[0]), Update: str(p[1]), Type: str(p[2]), Target: rinca.Target{Kind: rinca.Kind(str(p[3])), Name: str(p[4])},
			})}
		}},
		{"records", []string{"body"}, "collection, id, key, at", 200, func(p []any) []string {
			return []string{recordContext(str(p[0]), str(p[1]), str(p[2]), num(p[3]))}
		}},
		{"audit", []string{"body"}, "seq", 2000, func(p []any) []string { return []string{auditContext(num(p[0]))} }},
	}
}

// A sealedRow is a row of a sealedTable.
type sealedRow struct {
	id       int64 // the rowid
	contexts []string
	sealed   [][]byte
}

// readBatch reads the rows after one, in the order of their rowids.
func (t sealedTable) readBatch(ctx context.Context, q queryer, after int64) (out []sealedRow, err error) {
	list := "rowid, " + t.parts
	for _, c := range t.columns {
		list += ", " + c
	}
	rows, err := q.QueryContext(ctx, fmt.Sprintf("SELECT %s FROM %s WHERE rowid > ? ORDER BY rowid LIMIT %d", list, t.name, t.batch), after) //nolint:gosec // names from a list of ours
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	names, err := rows.Columns()
	if err != nil {
		return nil, err
	}
	for rows.Next() {
		values, into := make([]any, len(names)), make([]any, len(names))
		for i := range values {
			into[i] = &values[i]
		}
		if err := rows.Scan(into...); err != nil {
			return out, err
		}
		r := sealedRow{id: num(values[0]), contexts: t.contexts(values[1:])}
		for _, v := range values[len(values)-len(t.columns):] {
			r.sealed = append(r.sealed, []byte(str(v)))
		}
		out = append(out, r)
	}
	return out, rows.Err()
}

// Rewrap wraps the data key of every record with the current key of both,
// which holds the old key too. New records get the new key from the start;
// the rest follows in small transactions, so that nobody waits for long. Until
// it has returned, both keys are needed.
func (db *DB) Rewrap(ctx context.Context, both *seal.Ring) error {
	db.keys.add(both)
	fresh := both.Current()
	err := db.write(ctx, func(w *writer) error {
		sealed, err := both.Seal(metaContext(fresh.String()), []byte("{}"))
		if err == nil {
			_, err = w.exec(ctx, `UPDATE meta SET kid = ?, sealed = ? WHERE id = 1`, fresh.String(), sealed)
		}
		return err
	})
	if err != nil {
		return err
	}
	for _, t := range sealedTables() {
		last, more := int64(-1<<63), true
		for more {
			err := db.write(ctx, func(w *writer) (err error) {
				last, more, err = w.rewrapBatch(ctx, t, last, both)
				return err
			})
			if err != nil {
				return err
			}
		}
	}
	return nil
}

func (w *writer) rewrapBatch(ctx context.Context, t sealedTable, after int64, both *seal.Ring) (last int64, more bool, err error) {
	rows, err := t.readBatch(ctx, w.tx, after)
	if err != nil || len(rows) == 0 {
		return after, false, err
	}
	for _, r := range rows {
		for i, col := range t.columns {
			fresh, err := both.Rewrap(both.Current(), r.contexts[i], r.sealed[i])
			if err != nil {
				return after, false, database.Corrupt(w.db.path, "%s %w", r.contexts[i], err)
			}
			if _, err := w.exec(ctx, fmt.Sprintf("UPDATE %s SET %s = ? WHERE rowid = ?", t.name, col), fresh, r.id); err != nil { //nolint:gosec // names from a list of ours
				return after, false, err
			}
		}
	}
	return rows[len(rows)-1].id, len(rows) == t.batch, nil
}

// Copy writes the whole database, as of one moment, into the file at path,
// which is empty or does not exist, while others read and write. The copy is
// sealed with the same key.
func (db *DB) Copy(ctx context.Context, path string) error {
	conn, err := db.writing.Conn(ctx) // the readers must not write
	if err != nil {
		return db.fail(err)
	}
	defer conn.Close() //nolint:errcheck // it goes back to the pool
	_, err = conn.ExecContext(ctx, `VACUUM INTO ?`, path)
	return db.fail(err)
}

// Checkpoint moves what was written last from the log into the database.
func (db *DB) Checkpoint(ctx context.Context) error {
	_, err := db.writing.ExecContext(ctx, `PRAGMA wal_checkpoint(TRUNCATE)`)
	return db.fail(err)
}

// KeyID returns the id of the key that records are sealed with now.
func (db *DB) KeyID(ctx context.Context) (string, error) {
	var kid seal.KeyID
	err := db.view(ctx, func(q queryer) (err error) {
		kid, err = db.currentKey(ctx, q)
		return err
	})
	return kid.String(), err
}
