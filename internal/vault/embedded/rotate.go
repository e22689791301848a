package embedded

import (
	"context"
	"fmt"

	"rinca/internal/database"
	"rinca/internal/seal"
)

// A sealedTable is a table whose records are re-wrapped when the key is
// rotated: a query for the row's key, its sealed columns and what their
// contexts are made of. columns and contexts are in the same order.
type sealedTable struct {
	name    string
	key     string   // the expression of the row in WHERE
	columns []string // the sealed ones
	parts   string   // what contexts needs, as a select list
	context func(parts []any) []string
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

// sealedTables lists every table with sealed columns. Re-wrapping and checking
// go through it, so a table that is missing here would be found by neither.
func sealedTables() []sealedTable {
	return []sealedTable{
		{"vaults", "id = ?1", []string{"sealed"}, "id, seq, content_version, attribute_version, items", func(p []any) []string {
			return []string{vaultContext(str(p[0]), num(p[1]), num(p[2]), num(p[3]), num(p[4]))}
		}},
		{"items", "id = ?1", []string{"info", "body"}, "id, vault_id, seq, version, state", func(p []any) []string {
			k := itemKey{id: str(p[0]), vaultID: str(p[1]), seq: num(p[2]), version: num(p[3]), state: stateOf(p[4])}
			return []string{k.info(), k.body()}
		}},
		{"history", "item_id = ?1 AND version = ?2", []string{"body"}, "item_id, version", func(p []any) []string {
			return []string{historyContext(str(p[0]), num(p[1]))}
		}},
		{"files", "id = ?1", []string{"body"}, "id, item_id", func(p []any) []string {
			return []string{fileContext(str(p[0]), str(p[1]))}
		}},
		{"tokens", "id = ?1", []string{"sealed"}, "id, hash, revoked", func(p []any) []string {
			return []string{tokenContext(str(p[0]), []byte(str(p[1])), num(p[2]))}
		}},
		{"activity", "seq = ?1", []string{"sealed"}, "seq", func(p []any) []string {
			return []string{activityContext(num(p[0]))}
		}},
	}
}

// Rewrap wraps the data key of every record with the current key of both, in
// one transaction. both holds the old key too. Other processes may go on
// reading and writing.
func (db *DB) Rewrap(ctx context.Context, both *seal.Ring) error {
	db.mu.Lock()
	db.ring = both
	db.mu.Unlock()
	return db.rewrap(ctx, both)
}

func (db *DB) rewrap(ctx context.Context, both *seal.Ring) error {
	return db.write(ctx, func(w *writer) error {
		for _, t := range sealedTables() {
			rows, err := readSealed(ctx, w.tx, t)
			if err != nil {
				return err
			}
			for _, r := range rows {
				if err := w.rewrapRow(ctx, t, r, both); err != nil {
					return err
				}
			}
		}
		w.kid = both.Current()
		return w.saveMeta(ctx)
	})
}

func (w *writer) rewrapRow(ctx context.Context, t sealedTable, r sealedRow, both *seal.Ring) error {
	for i, col := range t.columns {
		var sealed []byte
		if err := w.tx.QueryRowContext(ctx, fmt.Sprintf("SELECT %s FROM %s WHERE %s", col, t.name, t.key), r.parts[:keys(t)]...).Scan(&sealed); err != nil { //nolint:gosec // names from a list of ours
			return err
		}
		fresh, err := both.Rewrap(both.Current(), r.contexts[i], sealed)
		if err != nil {
			return database.Corrupt(w.db.cfg.database(), "%s %w", r.contexts[i], err)
		}
		args := append(append([]any{}, r.parts[:keys(t)]...), fresh)
		if _, err := w.tx.ExecContext(ctx, fmt.Sprintf("UPDATE %s SET %s = ?%d WHERE %s", t.name, col, len(args), t.key), args...); err != nil { //nolint:gosec // names from a list of ours
			return err
		}
	}
	return nil
}

// keys is how many of the first parts make the key of a row.
func keys(t sealedTable) int {
	if t.name == "history" {
		return 2
	}
	return 1
}

// A sealedRow is a row of a sealedTable, without its sealed columns.
type sealedRow struct {
	parts    []any
	contexts []string
}

func readSealed(ctx context.Context, q queryer, t sealedTable) ([]sealedRow, error) {
	rows, err := q.QueryContext(ctx, fmt.Sprintf("SELECT %s FROM %s", t.parts, t.name)) //nolint:gosec // names from a list of ours
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	names, err := rows.Columns()
	if err != nil {
		return nil, err
	}
	var out []sealedRow
	for rows.Next() {
		parts, into := make([]any, len(names)), make([]any, len(names))
		for i := range parts {
			into[i] = &parts[i]
		}
		if err := rows.Scan(into...); err != nil {
			return nil, err
		}
		out = append(out, sealedRow{parts, t.context(parts)})
	}
	return out, rows.Err()
}
