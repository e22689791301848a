package embedded

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"strings"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"rinca/internal/rinca"
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

func openDatabase(ctx context.Context, path string) (*sql.DB, error) {
	q := url.Values{"_txlock": {"immediate"}, "_pragma": {
		"busy_timeout(20000)", "journal_mode(WAL)", "synchronous(FULL)", "foreign_keys(1)", "secure_delete(1)",
	}}
	handle, err := sql.Open("sqlite", "file:"+(&url.URL{Path: path}).EscapedPath()+"?"+q.Encode())
	if err != nil {
		return nil, dbError(path, err)
	}
	handle.SetMaxOpenConns(4)
	var n int
	if err := handle.QueryRowContext(ctx, `PRAGMA user_version`).Scan(&n); err != nil {
		handle.Close()
		return nil, dbError(path, err)
	}
	if n > len(migrations()) {
		handle.Close()
		return nil, rinca.Errorf(rinca.Corrupt, "%s was written by a newer rinca (version %d of the database, this program knows %d)", path, n, len(migrations())).
			Try("use the newer rinca; it was not changed")
	}
	return handle, nil
}

// createDatabase builds the database beside its name and renames it, so that
// a home has a whole vault or none.
func createDatabase(ctx context.Context, cfg Config, ring *seal.Ring) error {
	path := cfg.database()
	tmp := path + ".new"
	for _, suffix := range []string{"", "-wal", "-shm"} {
		os.Remove(tmp + suffix)
	}
	// SQLite would create it by the umask.
	f, err := os.OpenFile(tmp, os.O_CREATE|os.O_EXCL|os.O_RDWR, 0o600)
	if err != nil {
		return rinca.Errorf(rinca.Destination, "create the vault: %w", err)
	}
	f.Close()
	if err := fillDatabase(ctx, tmp, ring); err != nil {
		os.Remove(tmp)
		return err
	}
	if err := os.Rename(tmp, path); err != nil {
		return rinca.Errorf(rinca.Destination, "create the vault: %w", err)
	}
	dir, err := os.Open(cfg.Dir)
	if err != nil {
		return rinca.Errorf(rinca.Destination, "create the vault: %w", err)
	}
	defer dir.Close()
	return dir.Sync()
}

func fillDatabase(ctx context.Context, path string, ring *seal.Ring) error {
	handle, err := openDatabase(ctx, path)
	if err != nil {
		return err
	}
	if err := migrate(ctx, handle, path); err != nil {
		handle.Close()
		return err
	}
	kid := ring.Current().String()
	sealed, err := ring.Seal(metaContext(kid), marshal(meta{}))
	if err == nil {
		_, err = handle.ExecContext(ctx, `INSERT INTO meta (id, kid, sealed) VALUES (1, ?, ?)`, kid, sealed)
	}
	// The last connection to close moves the log into the database.
	return dbError(path, errors.Join(err, handle.Close()))
}

func migrate(ctx context.Context, handle *sql.DB, path string) error {
	tx, err := handle.BeginTx(ctx, nil)
	if err != nil {
		return dbError(path, err)
	}
	defer tx.Rollback()
	var n int
	if err := tx.QueryRowContext(ctx, `PRAGMA user_version`).Scan(&n); err != nil {
		return dbError(path, err)
	}
	for i, m := range migrations()[n:] {
		if _, err := tx.ExecContext(ctx, m); err != nil {
			return dbError(path, err)
		}
		if _, err := tx.ExecContext(ctx, fmt.Sprintf("PRAGMA user_version = %d", n+i+1)); err != nil {
			return dbError(path, err)
		}
	}
	return dbError(path, tx.Commit())
}

// dbError turns SQLite's failures into ours; other errors stay.
func dbError(path string, err error) error {
	var failure *sqlite.Error
	if err == nil || !errors.As(err, &failure) {
		return err
	}
	switch failure.Code() & 0xff {
	case sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED:
		return rinca.Errorf(rinca.Unavailable, "another process holds %s", path).Because(err).Try("wait for it, then repeat")
	case sqlite3.SQLITE_FULL:
		return rinca.Errorf(rinca.Destination, "the disk of %s is full; nothing was changed", path).Because(err).Try("df -h %s", path)
	case sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM:
		return rinca.Errorf(rinca.Destination, "%s, or its directory, cannot be written", path).Because(err).
			Try("ls -ld %s*   # who owns it, and who are you", path)
	case sqlite3.SQLITE_IOERR:
		return rinca.Errorf(rinca.Unavailable, "the disk of %s fails: %s", path, strings.TrimSpace(failure.Error())).Because(err)
	case sqlite3.SQLITE_INTERRUPT:
		return context.Canceled
	}
	// What remains are statements that were right when they were written, so
	// the database is not what it was: malformed, not a database, no such table.
	return corrupt(path, "%s", failure.Error())
}

// tx runs f in one transaction that no other writer interrupts.
func (db *DB) tx(ctx context.Context, f func(*sql.Tx) error) error {
	tx, err := db.sql.BeginTx(ctx, nil)
	if err != nil {
		return dbError(db.cfg.database(), err)
	}
	defer tx.Rollback()
	if err := f(tx); err != nil {
		return dbError(db.cfg.database(), err)
	}
	return dbError(db.cfg.database(), tx.Commit())
}

// view runs f on one state of the database, without waiting for writers.
func (db *DB) view(ctx context.Context, f func(queryer) error) error {
	conn, err := db.sql.Conn(ctx)
	if err != nil {
		return dbError(db.cfg.database(), err)
	}
	defer func() { _ = conn.Close() }()
	// BeginTx would take the write lock (_txlock=immediate).
	if _, err := conn.ExecContext(ctx, "BEGIN DEFERRED"); err != nil {
		return dbError(db.cfg.database(), err)
	}
	defer conn.ExecContext(context.WithoutCancel(ctx), "ROLLBACK") //nolint:errcheck // nothing to lose in a read
	return dbError(db.cfg.database(), f(conn))
}

// A queryer is a transaction, or a connection that is in one.
type queryer interface {
	QueryContext(context.Context, string, ...any) (*sql.Rows, error)
	QueryRowContext(context.Context, string, ...any) *sql.Row
}
