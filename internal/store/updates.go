package store

import (
	"context"
	"database/sql"
	"errors"
	"strconv"
	"strings"
	"time"

	"rinca/internal/database"
	"rinca/internal/rinca"
)

func updateContext(u rinca.Update) string {
	return place("update", u.ID, string(u.State), string(u.Target.Kind), u.Target.Name, u.Operator, u.Parent, strconv.FormatInt(millis(u.EndedAt), 10))
}

// millis is a time as it is stored in a column; the zero time is 0.
func millis(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMilli()
}

// An updateRow is the row of an update, still sealed.
type updateRow struct {
	key  rinca.Update // what the columns say
	end  int64
	body []byte
}

const selectUpdate = `SELECT id, state, kind, name, operator, parent, ended, body FROM updates`

func scanUpdate(row scanner) (r updateRow, err error) {
	k := &r.key
	err = row.Scan(&k.ID, &k.State, &k.Target.Kind, &k.Target.Name, &k.Operator, &k.Parent, &r.end, &r.body)
	return r, err
}

func (db *DB) openUpdate(r updateRow) (u rinca.Update, err error) {
	if r.end != 0 {
		r.key.EndedAt = time.UnixMilli(r.end)
	}
	err = db.openJSON(updateContext(r.key), r.body, &u)
	return u, err
}

func (db *DB) readUpdate(ctx context.Context, q queryer, id string) (rinca.Update, error) {
	r, err := scanUpdate(q.QueryRowContext(ctx, selectUpdate+` WHERE id = ?`, id))
	if errors.Is(err, sql.ErrNoRows) {
		return rinca.Update{}, rinca.Errorf(rinca.NotFound, "update %.100q not found", id).Try("rinca update list")
	}
	if err != nil {
		return rinca.Update{}, err
	}
	return db.openUpdate(r)
}

// saveUpdate writes an update that is there.
func (w *writer) saveUpdate(ctx context.Context, u rinca.Update) error {
	if u.State.Final() && u.EndedAt.IsZero() {
		u.EndedAt = w.db.now()
	}
	sealed, err := w.sealUpdate(u)
	if err != nil {
		return err
	}
	_, err = w.exec(ctx, `UPDATE updates SET state = ?, kind = ?, name = ?, operator = ?, parent = ?, ended = ?, body = ? WHERE id = ?`,
		u.State, u.Target.Kind, u.Target.Name, u.Operator, u.Parent, millis(u.EndedAt), sealed, u.ID)
	return err
}

func (w *writer) sealUpdate(u rinca.Update) ([]byte, error) {
	data, err := encode(u)
	if err != nil {
		return nil, err
	}
	if len(data) > maxBody {
		return nil, rinca.Errorf(rinca.Invalid, "update %s has %d MB; at most %d", u.ID, len(data)>>20, maxBody>>20)
	}
	return w.seal(updateContext(u), data)
}

// SaveUpdate writes what an update is now. A final one does not become another
// one, and a running one is not queued again: that is a Conflict.
func (db *DB) SaveUpdate(ctx context.Context, u rinca.Update) error {
	return db.write(ctx, func(w *writer) error {
		old, err := db.readUpdate(ctx, w.tx, u.ID)
		if err != nil {
			return err
		}
		if old.State != u.State && (old.State.Final() || u.State == rinca.Queued) {
			return rinca.Errorf(rinca.Conflict, "update %s is %s, and does not become %s", u.ID, old.State, u.State)
		}
		return w.saveUpdate(ctx, u)
	})
}

// Update returns an update.
func (db *DB) Update(ctx context.Context, id string) (rinca.Update, error) {
	u, err := db.readUpdate(ctx, db.reading, id)
	return u, db.fail(err)
}

// Updates lists the updates that the filter chooses, newest first.
func (db *DB) Updates(ctx context.Context, f UpdateFilter) ([]rinca.Update, error) {
	query, args := f.query()
	var out []rinca.Update
	err := db.view(ctx, func(q queryer) error {
		rows, err := q.QueryContext(ctx, query, args...)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			r, err := scanUpdate(rows)
			if err != nil {
				return database.Corrupt(db.path, "a row of the updates: %w", err)
			}
			u, err := db.openUpdate(r)
			if err != nil {
				return err
			}
			out = append(out, u)
		}
		return rows.Err()
	})
	return out, err
}

func (f UpdateFilter) query() (query string, args []any) {
	var where []string
	add := func(condition, value string) {
		if value != "" {
			where, args = append(where, condition), append(args, value)
		}
	}
	add("kind = ?", string(f.Kind))
	add("name = ?", f.Name)
	add("state = ?", string(f.State))
	add("operator = ?", f.Operator)
	add("parent = ?", f.Parent)
	add("id < ?", f.Before)
	query = selectUpdate
	if f.Parent != "" {
		where = append(where, "parent <> ''") // so that the index is used
	}
	if len(where) > 0 {
		query += " WHERE " + strings.Join(where, " AND ")
	}
	limit := f.Limit
	if limit <= 0 {
		limit = 100
	}
	return query + " ORDER BY id DESC LIMIT ?", append(args, min(limit, 1000))
}
