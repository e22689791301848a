package embedded

import (
	"context"
	"database/sql"
	"encoding/json"
	"strings"

	"rinca/internal/database"
	"rinca/internal/rinca"
	"rinca/internal/seal"
)

// A vaultRow is a row of the table vaults, opened.
type vaultRow struct {
	id                        string
	seq, content, attr, items int64
	rec                       vaultRecord
}

func (v vaultRow) vault() rinca.Vault {
	return rinca.Vault{
		ID: v.id, Name: v.rec.Name, Description: v.rec.Description, Type: "USER_CREATED",
		Items: int(v.items), AttributeVersion: v.attr, ContentVersion: v.content,
		CreatedAt: v.rec.CreatedAt, UpdatedAt: v.rec.UpdatedAt,
	}
}

func (v vaultRow) context() string { return vaultContext(v.id, v.seq, v.content, v.attr, v.items) }

const selectVault = `SELECT id, seq, content_version, attribute_version, items, sealed FROM vaults`

// Vaults lists the vaults in the order they were made.
func (db *DB) Vaults(ctx context.Context) ([]rinca.Vault, error) {
	var vaults []rinca.Vault
	err := db.view(ctx, func(q queryer) error {
		rows, err := db.allVaults(ctx, q)
		for _, r := range rows {
			vaults = append(vaults, r.vault())
		}
		return err
	})
	return vaults, err
}

// allVaults reads every vault and proves that none is missing.
func (db *DB) allVaults(ctx context.Context, q queryer) ([]vaultRow, error) {
	m, _, err := db.readMeta(ctx, q)
	if err != nil {
		return nil, err
	}
	rows, err := q.QueryContext(ctx, selectVault+` ORDER BY seq`)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var out []vaultRow
	var found database.Sum
	for rows.Next() {
		v, err := db.scanVault(rows)
		if err != nil {
			return nil, err
		}
		found.Add(vaultMark(db.currentRing(), v.id))
		out = append(out, v)
	}
	if err := rows.Err(); err != nil {
		return nil, err
	}
	if found != m.Vaults {
		return nil, database.Corrupt(db.cfg.database(), "the list of vaults is not the one that was written")
	}
	return out, nil
}

// oneVault reads a vault; a missing one is NotFound only when the list is
// whole.
func (db *DB) oneVault(ctx context.Context, q queryer, id string) (vaultRow, error) {
	rows, err := q.QueryContext(ctx, selectVault+` WHERE id = ?`, id)
	if err != nil {
		return vaultRow{}, err
	}
	defer rows.Close()
	if rows.Next() {
		return db.scanVault(rows)
	}
	if err := rows.Err(); err != nil {
		return vaultRow{}, err
	}
	rows.Close()
	if _, err := db.allVaults(ctx, q); err != nil {
		return vaultRow{}, err
	}
	return vaultRow{}, rinca.Errorf(rinca.NotFound, "vault %s not found", id).Try("rinca vault list")
}

func (db *DB) scanVault(rows *sql.Rows) (vaultRow, error) {
	var v vaultRow
	var sealed []byte
	if err := rows.Scan(&v.id, &v.seq, &v.content, &v.attr, &v.items, &sealed); err != nil {
		return v, database.Corrupt(db.cfg.database(), "a row of the vaults: %w", err)
	}
	plain, err := db.open(v.context(), sealed)
	if err != nil {
		return v, err
	}
	return v, json.Unmarshal(plain, &v.rec)
}

// CreateVault adds an empty vault. Its name must not be in use.
func (db *DB) CreateVault(ctx context.Context, name, description string) (rinca.Vault, error) {
	if strings.TrimSpace(name) == "" || len(name) > 255 {
		return rinca.Vault{}, rinca.Errorf(rinca.Invalid, "a vault's name has 1 to 255 characters")
	}
	var made rinca.Vault
	err := db.write(ctx, func(w *writer) error {
		rows, err := db.allVaults(ctx, w.tx)
		if err != nil {
			return err
		}
		seq := int64(1)
		for _, r := range rows {
			seq = max(seq, r.seq+1)
			if strings.EqualFold(r.rec.Name, name) {
				return rinca.Errorf(rinca.Conflict, "a vault named %q exists", r.rec.Name).Try("rinca vault list")
			}
		}
		now := db.now()
		v := vaultRow{id: newID(), seq: seq, content: 1, attr: 1, rec: vaultRecord{Name: name, Description: description, CreatedAt: now, UpdatedAt: now}}
		sealed, err := w.seal(v.context(), marshal(v.rec))
		if err != nil {
			return err
		}
		if _, err := w.tx.ExecContext(ctx, `INSERT INTO vaults (id, seq, content_version, attribute_version, items, sealed) VALUES (?, ?, ?, ?, ?, ?)`,
			v.id, v.seq, v.content, v.attr, v.items, sealed); err != nil {
			return err
		}
		w.meta.Vaults.Add(vaultMark(db.currentRing(), v.id))
		made = v.vault()
		return w.saveMeta(ctx)
	})
	return made, err
}

// A writer is a transaction that writes: it knows the key to seal with.
type writer struct {
	db   *DB
	tx   *sql.Tx
	kid  seal.KeyID
	meta meta
}

// write runs f in a transaction. Records are sealed with the key that the
// database names, not with the newest of the ring, so that a key can be
// rotated while other processes write.
func (db *DB) write(ctx context.Context, f func(*writer) error) error {
	return db.tx(ctx, func(tx *sql.Tx) error {
		m, kid, err := db.readMeta(ctx, tx)
		if err != nil {
			return err
		}
		return f(&writer{db, tx, kid, m})
	})
}

func (w *writer) seal(context string, plain []byte) ([]byte, error) {
	return w.db.currentRing().SealWith(w.kid, context, plain)
}

func (w *writer) saveMeta(ctx context.Context) error {
	sealed, err := w.seal(metaContext(w.kid.String()), marshal(w.meta))
	if err != nil {
		return err
	}
	_, err = w.tx.ExecContext(ctx, `UPDATE meta SET kid = ?, sealed = ? WHERE id = 1`, w.kid.String(), sealed)
	return err
}

func (db *DB) readMeta(ctx context.Context, q queryer) (meta, seal.KeyID, error) {
	var m meta
	var kid string
	var sealed []byte
	if err := q.QueryRowContext(ctx, `SELECT kid, sealed FROM meta WHERE id = 1`).Scan(&kid, &sealed); err != nil {
		if err == sql.ErrNoRows { //nolint:errorlint // database/sql returns it as it is
			return m, seal.KeyID{}, database.Corrupt(db.cfg.database(), "its first record is missing")
		}
		return m, seal.KeyID{}, err
	}
	plain, err := db.open(metaContext(kid), sealed)
	if err != nil {
		return m, seal.KeyID{}, err
	}
	id, ok := seal.ParseKeyID(kid)
	if !ok {
		return m, id, database.Corrupt(db.cfg.database(), "its first record names no key")
	}
	return m, id, json.Unmarshal(plain, &m)
}

// checkMeta proves that the key fits the database.
func (db *DB) checkMeta(ctx context.Context) error {
	return db.view(ctx, func(q queryer) error {
		_, _, err := db.readMeta(ctx, q)
		return err
	})
}
