package embedded

import (
	"context"
	"database/sql"
	"encoding/json"
	"slices"
	"time"

	"rinca/internal/database"
	"rinca/internal/rinca"
)

// A Token is a right to use the Connect API of this home. The token itself is
// not stored: a keyed digest of it finds its record.
type Token struct {
	ID      string
	Name    string
	Vaults  map[string]Right // by vault id
	Created time.Time
	Expires time.Time // zero: never
	Revoked time.Time // zero: not
	Used    time.Time // zero: not yet; written at most once a minute
}

// Right is what a token may do with a vault.
type Right struct {
	Read  bool `json:"r,omitempty"`
	Write bool `json:"w,omitempty"`
}

type tokenRecord struct {
	Name    string           `json:"name"`
	Vaults  map[string]Right `json:"vaults"`
	Created time.Time        `json:"created"`
	Expires time.Time        `json:"expires"`
}

func tokenContext(id string, hash []byte, revoked int64) string {
	return "token " + id + "|" + string(hash) + "|" + time.Unix(revoked, 0).UTC().Format(time.RFC3339)
}

func (db *DB) tokenHash(token rinca.Secret) []byte {
	d := db.Digest("connect token", []byte(token.Reveal()))
	return d[:]
}

// CreateToken stores the right that t describes for whoever shows token.
// t.ID is chosen when it is empty.
func (db *DB) CreateToken(ctx context.Context, token rinca.Secret, t Token) (Token, error) {
	if t.ID == "" {
		t.ID = newID()
	}
	t.Created = db.now()
	err := db.write(ctx, func(w *writer) error {
		hash := db.tokenHash(token)
		sealed, err := w.seal(tokenContext(t.ID, hash, 0), marshal(tokenRecord{t.Name, t.Vaults, t.Created, t.Expires}))
		if err != nil {
			return err
		}
		_, err = w.tx.ExecContext(ctx, `INSERT INTO tokens (id, hash, revoked, used, sealed) VALUES (?, ?, 0, 0, ?)`, t.ID, hash, sealed)
		return err
	})
	return t, err
}

const selectToken = `SELECT id, hash, revoked, used, sealed FROM tokens`

// Tokens lists every token, oldest first, also revoked and expired ones.
func (db *DB) Tokens(ctx context.Context) ([]Token, error) {
	var tokens []Token
	err := db.view(ctx, func(q queryer) error {
		rows, err := q.QueryContext(ctx, selectToken)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			t, err := db.scanToken(rows)
			if err != nil {
				return err
			}
			tokens = append(tokens, t)
		}
		return rows.Err()
	})
	slices.SortStableFunc(tokens, func(a, b Token) int { return a.Created.Compare(b.Created) })
	return tokens, err
}

// FindToken returns the record of a token; NotFound when there is none. The
// caller checks Expires and Revoked.
func (db *DB) FindToken(ctx context.Context, token rinca.Secret) (Token, error) {
	var t Token
	err := db.view(ctx, func(q queryer) error {
		rows, err := q.QueryContext(ctx, selectToken+` WHERE hash = ?`, db.tokenHash(token))
		if err != nil {
			return err
		}
		defer rows.Close()
		if rows.Next() {
			t, err = db.scanToken(rows)
			return err
		}
		if err := rows.Err(); err != nil {
			return err
		}
		return rinca.Errorf(rinca.NotFound, "no such token")
	})
	return t, err
}

func (db *DB) scanToken(rows *sql.Rows) (Token, error) {
	var t Token
	var hash, sealed []byte
	var revoked, used int64
	if err := rows.Scan(&t.ID, &hash, &revoked, &used, &sealed); err != nil {
		return t, database.Corrupt(db.cfg.database(), "a row of the tokens: %w", err)
	}
	plain, err := db.open(tokenContext(t.ID, hash, revoked), sealed)
	if err != nil {
		return t, err
	}
	var r tokenRecord
	if err := json.Unmarshal(plain, &r); err != nil {
		return t, err
	}
	t.Name, t.Vaults, t.Created, t.Expires = r.Name, r.Vaults, r.Created, r.Expires
	if revoked != 0 {
		t.Revoked = time.Unix(revoked, 0).UTC()
	}
	if used != 0 {
		t.Used = time.Unix(used, 0).UTC()
	}
	return t, nil
}

// RevokeToken ends a token, by its id or its name. Revoking it again changes
// nothing; several of one name are a Conflict.
func (db *DB) RevokeToken(ctx context.Context, idOrName string) (Token, error) {
	tokens, err := db.Tokens(ctx)
	if err != nil {
		return Token{}, err
	}
	var found []Token
	for _, t := range tokens {
		if t.ID == idOrName || (t.Name == idOrName && t.Revoked.IsZero()) {
			found = append(found, t)
		}
	}
	switch {
	case len(found) == 0:
		return Token{}, rinca.Errorf(rinca.NotFound, "no active token %q", idOrName).Try("rinca connect token list")
	case len(found) > 1:
		return Token{}, rinca.Errorf(rinca.Conflict, "%d tokens are named %q", len(found), idOrName).Try("revoke by id: rinca connect token list")
	case !found[0].Revoked.IsZero():
		return found[0], nil
	}
	t := found[0]
	t.Revoked = db.now()
	return t, db.write(ctx, func(w *writer) error {
		var hash []byte
		if err := w.tx.QueryRowContext(ctx, `SELECT hash FROM tokens WHERE id = ?`, t.ID).Scan(&hash); err != nil {
			return err
		}
		sealed, err := w.seal(tokenContext(t.ID, hash, t.Revoked.Unix()), marshal(tokenRecord{t.Name, t.Vaults, t.Created, t.Expires}))
		if err != nil {
			return err
		}
		_, err = w.tx.ExecContext(ctx, `UPDATE tokens SET revoked = ?, sealed = ? WHERE id = ?`, t.Revoked.Unix(), sealed, t.ID)
		return err
	})
}

// UseToken notes that a token was used now. The time is for people, so it is
// not sealed.
func (db *DB) UseToken(ctx context.Context, id string) error {
	_, err := db.sql.ExecContext(ctx, `UPDATE tokens SET used = ? WHERE id = ?`, db.now().Unix(), id)
	return database.Error(db.cfg.database(), err)
}
