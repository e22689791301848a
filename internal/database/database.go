// Package database is what the encrypted databases of a home have in common:
// their names, how a file is made, opened and brought up to date, what its
// failures mean, and the lock that keeps two processes from changing the
// home's key at once.
package database

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"

	_ "modernc.org/sqlite" // the driver

	"rinca/internal/rinca"
)

// The files of a home.
const (
	KeyName    = "rinca.key"
	VaultName  = "vault.db" // the embedded vault
	ServerName = "rinca.db" // the server's database
	lockName   = "rinca.lock"
)

// A File is a database and how it is made. Migrations are applied in order;
// the version of a database is how many were. Applied ones never change.
type File struct {
	Path       string
	Migrations []string
}

// Open opens an existing file for writing, with at most so many connections.
// Transactions take the write lock when they begin.
func (f File) Open(ctx context.Context, connections int) (*sql.DB, error) {
	handle, err := f.open(connections, url.Values{"_txlock": {"immediate"}, "_pragma": {
		"busy_timeout(20000)", "journal_mode(WAL)", "synchronous(FULL)", "foreign_keys(1)", "secure_delete(1)",
	}})
	if err != nil {
		return nil, err
	}
	if err := f.checkVersion(ctx, handle); err != nil {
		handle.Close()
		return nil, err
	}
	return handle, nil
}

// OpenReader opens a file that a writer has open already. Its transactions
// see one state of the database and wait for nobody.
func (f File) OpenReader(connections int) (*sql.DB, error) {
	return f.open(connections, url.Values{"_pragma": {"busy_timeout(20000)", "query_only(1)", "cache_size(-1000)"}})
}

func (f File) open(connections int, q url.Values) (*sql.DB, error) {
	handle, err := sql.Open("sqlite", "file:"+(&url.URL{Path: f.Path}).EscapedPath()+"?"+q.Encode())
	if err != nil {
		return nil, Error(f.Path, err)
	}
	handle.SetMaxOpenConns(connections)
	handle.SetMaxIdleConns(connections)
	return handle, nil
}

func (f File) checkVersion(ctx context.Context, handle *sql.DB) error {
	var n int
	if err := handle.QueryRowContext(ctx, `PRAGMA user_version`).Scan(&n); err != nil {
		return Error(f.Path, err)
	}
	if n > len(f.Migrations) {
		return rinca.Errorf(rinca.Corrupt, "%s was written by a newer rinca (version %d of the database, this program knows %d)", f.Path, n, len(f.Migrations)).
			Try("use the newer rinca; it was not changed")
	}
	return nil
}

// Create builds the database beside its name, lets fill write its first
// records, and renames it, so that a home has a whole database or none.
func (f File) Create(ctx context.Context, fill func(*sql.DB) error) error {
	fresh := File{f.Path + ".new", f.Migrations}
	for _, suffix := range []string{"", "-wal", "-shm"} {
		os.Remove(fresh.Path + suffix)
	}
	// SQLite would create it by the umask.
	file, err := os.OpenFile(fresh.Path, os.O_CREATE|os.O_EXCL|os.O_RDWR, 0o600)
	if err != nil {
		return rinca.Errorf(rinca.Destination, "create the database: %w", err).
			Try("ls -ld %s   # who owns it, and who are you", filepath.Dir(f.Path))
	}
	file.Close()
	if err := fresh.fill(ctx, fill); err != nil {
		os.Remove(fresh.Path)
		return err
	}
	if err := errors.Join(os.Rename(fresh.Path, f.Path), Sync(filepath.Dir(f.Path))); err != nil {
		return rinca.Errorf(rinca.Destination, "create the database: %w", err)
	}
	return nil
}

func (f File) fill(ctx context.Context, fill func(*sql.DB) error) error {
	handle, err := f.Open(ctx, 1)
	if err != nil {
		return err
	}
	if err := f.Migrate(ctx, handle); err != nil {
		handle.Close()
		return err
	}
	// The last connection to close moves the log into the database.
	return Error(f.Path, errors.Join(fill(handle), handle.Close()))
}

// Migrate brings an open database up to date, in one transaction.
func (f File) Migrate(ctx context.Context, handle *sql.DB) error {
	var n int
	if err := handle.QueryRowContext(ctx, `PRAGMA user_version`).Scan(&n); err != nil {
		return Error(f.Path, err)
	}
	if n == len(f.Migrations) {
		return nil
	}
	tx, err := handle.BeginTx(ctx, nil)
	if err != nil {
		return Error(f.Path, err)
	}
	defer tx.Rollback()
	if err := tx.QueryRowContext(ctx, `PRAGMA user_version`).Scan(&n); err != nil { // another process may have been faster
		return Error(f.Path, err)
	}
	for i := n; i < len(f.Migrations); i++ {
		if _, err := tx.ExecContext(ctx, f.Migrations[i]); err != nil {
			return Error(f.Path, err)
		}
		if _, err := tx.ExecContext(ctx, fmt.Sprintf("PRAGMA user_version = %d", i+1)); err != nil {
			return Error(f.Path, err)
		}
	}
	return Error(f.Path, tx.Commit())
}

// Sync makes a file, or the names in a directory, durable.
func Sync(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	return f.Sync()
}
