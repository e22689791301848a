package store

import (
	"context"
	"database/sql"
	"errors"
	"strconv"
	"time"

	"rinca/internal/rinca"
)

func sessionContext(id string, hash []byte, user string, expires int64) string {
	return place("session", id, string(hash), user, strconv.FormatInt(expires, 10))
}

// PutSession stores a new session of a user under its hash, and returns it as
// stored, with an id. Sessions that have expired are removed on the way.
func (db *DB) PutSession(ctx context.Context, s rinca.Session, hash [32]byte) (rinca.Session, error) {
	if s.ID == "" {
		s.ID = newID(db.now())
	}
	s.CreatedAt, s.ExpiresAt = db.now(), s.ExpiresAt.UTC().Truncate(time.Millisecond)
	err := db.write(ctx, func(w *writer) error {
		if _, exists, err := db.users.read(ctx, w, s.User); err != nil {
			return err
		} else if !exists {
			return db.users.missing(s.User)
		}
		if _, err := w.exec(ctx, `DELETE FROM sessions WHERE expires <= ?`, db.now().UnixMilli()); err != nil {
			return err
		}
		expires := s.ExpiresAt.UnixMilli()
		sealed, err := w.sealJSON(sessionContext(s.ID, hash[:], s.User, expires), s)
		if err != nil {
			return err
		}
		_, err = w.exec(ctx, `INSERT INTO sessions (id, hash, user, expires, used, body) VALUES (?, ?, ?, ?, 0, ?)`,
			s.ID, hash[:], s.User, expires, sealed)
		return err
	})
	return s, err
}

const selectSession = `SELECT id, hash, user, expires, used, body FROM sessions`

// SessionByHash returns the session that was stored under a hash, NotFound
// when there is none or it has expired.
func (db *DB) SessionByHash(ctx context.Context, hash [32]byte) (rinca.Session, error) {
	row, err := db.stmts.row(ctx, db, selectSession+` WHERE hash = ? AND expires > ?`, hash[:], db.now().UnixMilli())
	if err != nil {
		return rinca.Session{}, err
	}
	s, err := db.scanSession(row)
	if errors.Is(err, sql.ErrNoRows) {
		return s, rinca.Errorf(rinca.NotFound, "no such session")
	}
	return s, db.fail(err)
}

// A scanner is a row, or the current one of several.
type scanner interface{ Scan(into ...any) error }

func (db *DB) scanSession(row scanner) (s rinca.Session, err error) {
	var id, user string
	var hash, sealed []byte
	var expires, used int64
	if err := row.Scan(&id, &hash, &user, &expires, &used, &sealed); err != nil {
		return s, err
	}
	if err := db.openJSON(sessionContext(id, hash, user, expires), sealed, &s); err != nil {
		return s, err
	}
	if used != 0 {
		s.LastUsed = time.UnixMilli(used).UTC()
	}
	return s, nil
}

// Sessions lists the sessions of a user that have not expired, oldest first.
func (db *DB) Sessions(ctx context.Context, user string) ([]rinca.Session, error) {
	var out []rinca.Session
	err := db.view(ctx, func(q queryer) error {
		rows, err := q.QueryContext(ctx, selectSession+` WHERE user = ? AND expires > ? ORDER BY id`, user, db.now().UnixMilli())
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			s, err := db.scanSession(rows)
			if err != nil {
				return err
			}
			out = append(out, s)
		}
		return rows.Err()
	})
	return out, err
}

// DeleteSession ends a session.
func (db *DB) DeleteSession(ctx context.Context, id string) error {
	return db.write(ctx, func(w *writer) error {
		n, err := w.exec(ctx, `DELETE FROM sessions WHERE id = ?`, id)
		if err == nil && n == 0 {
			return rinca.Errorf(rinca.NotFound, "no such session")
		}
		return err
	})
}

// DeleteSessions ends every session of a user.
func (db *DB) DeleteSessions(ctx context.Context, user string) error {
	return db.write(ctx, func(w *writer) error {
		_, err := w.exec(ctx, `DELETE FROM sessions WHERE user = ?`, user)
		return err
	})
}

// TouchSessions notes when sessions, by id, were last used.
func (db *DB) TouchSessions(ctx context.Context, used map[string]time.Time) error {
	if len(used) == 0 {
		return nil
	}
	return db.write(ctx, func(w *writer) error {
		for id, at := range used {
			if _, err := w.exec(ctx, `UPDATE sessions SET used = max(used, ?) WHERE id = ?`, at.UnixMilli(), id); err != nil {
				return err
			}
		}
		return nil
	})
}
