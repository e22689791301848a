package embedded

import (
	"context"
	"database/sql"

	"rinca/internal/database"
	"rinca/internal/seal"
)

// migrations in order; the version of a database is how many were applied.
// Applied ones never change.
func migrations() []string {
	return []string{
		`CREATE TABLE meta (id INTEGER PRIMARY KEY CHECK (id = 1), kid TEXT NOT NULL, sealed BLOB NOT NULL);
		 CREATE TABLE vaults (id TEXT PRIMARY KEY, seq INTEGER NOT NULL UNIQUE, content_version INTEGER NOT NULL,
			attribute_version INTEGER NOT NULL, items INTEGER NOT NULL, sealed BLOB NOT NULL) WITHOUT ROWID;
		 CREATE TABLE items (id TEXT PRIMARY KEY, vault_id TEXT NOT NULL, seq INTEGER NOT NULL, version INTEGER NOT NULL,
			state TEXT NOT NULL, info BLOB NOT NULL, body BLOB NOT NULL);
		 CREATE UNIQUE INDEX items_by_vault ON items (vault_id, seq);
		 CREATE TABLE history (item_id TEXT NOT NULL, version INTEGER NOT NULL, body BLOB NOT NULL,
			PRIMARY KEY (item_id, version)) WITHOUT ROWID;
		 CREATE TABLE files (id TEXT PRIMARY KEY, item_id TEXT NOT NULL, body BLOB NOT NULL);
		 CREATE INDEX files_by_item ON files (item_id);
		 CREATE TABLE tokens (id TEXT PRIMARY KEY, hash BLOB NOT NULL UNIQUE, revoked INTEGER NOT NULL,
			used INTEGER NOT NULL, sealed BLOB NOT NULL);
		 CREATE TABLE activity (seq INTEGER PRIMARY KEY AUTOINCREMENT, sealed BLOB NOT NULL);`,
	}
}

// createDatabase makes the database with its first record.
func createDatabase(ctx context.Context, cfg Config, ring *seal.Ring) error {
	return cfg.file().Create(ctx, func(handle *sql.DB) error {
		kid := ring.Current().String()
		sealed, err := ring.Seal(metaContext(kid), marshal(meta{}))
		if err == nil {
			_, err = handle.ExecContext(ctx, `INSERT INTO meta (id, kid, sealed) VALUES (1, ?, ?)`, kid, sealed)
		}
		return err
	})
}

// tx runs f in one transaction that no other writer interrupts.
func (db *DB) tx(ctx context.Context, f func(*sql.Tx) error) error {
	tx, err := db.sql.BeginTx(ctx, nil)
	if err != nil {
		return database.Error(db.cfg.database(), err)
	}
	defer tx.Rollback()
	if err := f(tx); err != nil {
		return database.Error(db.cfg.database(), err)
	}
	return database.Error(db.cfg.database(), tx.Commit())
}

// view runs f on one state of the database, without waiting for writers.
func (db *DB) view(ctx context.Context, f func(queryer) error) error {
	conn, err := db.sql.Conn(ctx)
	if err != nil {
		return database.Error(db.cfg.database(), err)
	}
	defer func() { _ = conn.Close() }()
	// BeginTx would take the write lock (_txlock=immediate).
	if _, err := conn.ExecContext(ctx, "BEGIN DEFERRED"); err != nil {
		return database.Error(db.cfg.database(), err)
	}
	defer conn.ExecContext(context.WithoutCancel(ctx), "ROLLBACK") //nolint:errcheck // nothing to lose in a read
	return database.Error(db.cfg.database(), f(conn))
}

// A queryer is a transaction, or a connection that is in one.
type queryer interface {
	QueryContext(context.Context, string, ...any) (*sql.Rows, error)
	QueryRowContext(context.Context, string, ...any) *sql.Row
}
