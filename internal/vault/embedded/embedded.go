// Package embedded is the vault that needs nobody else: an encrypted SQLite
// database in the home. Every title, tag, label, value and file is sealed;
// what is left in the clear (ids, counts, versions) is authenticated with it.
package embedded

import (
	"context"
	"crypto/rand"
	"database/sql"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"rinca/internal/database"
	"rinca/internal/rinca"
	"rinca/internal/seal"
)

// The files of a home.
const (
	KeyName      = database.KeyName
	DatabaseName = database.VaultName
)

// Config says where a vault is and how it is unlocked.
type Config struct {
	Dir string // the home
	// Keys is where the key is; its Path may be empty, for rinca.key in Dir.
	Keys seal.Source
	// Now tells the time; nil means time.Now.
	Now func() time.Time
}

func (c Config) withDefaults() Config {
	if c.Keys.Path == "" {
		c.Keys.Path = filepath.Join(c.Dir, KeyName)
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	return c
}

func (c Config) database() string { return filepath.Join(c.Dir, DatabaseName) }

func (c Config) file() database.File {
	return database.File{Path: c.database(), Migrations: migrations()}
}

// A DB is an open embedded vault. It implements rinca.Writer, is safe for use
// by several goroutines, and several processes may have it open at once.
type DB struct {
	cfg Config
	sql *sql.DB

	mu   sync.Mutex
	ring *seal.Ring
}

var _ rinca.Writer = (*DB)(nil)

// Exists reports whether the home has a vault, or is closed to us, so that
// nobody can tell: Open then says so.
func Exists(dir string) bool {
	_, err := os.Stat(filepath.Join(dir, DatabaseName))
	return err == nil || errors.Is(err, fs.ErrPermission)
}

// Init makes a home: the directory (0700), the key file (0600, or with the
// passphrase when one is given) and an empty database. A home that exists
// already is an error Conflict and is not touched.
func Init(ctx context.Context, cfg Config, passphrase rinca.Secret) error {
	cfg = cfg.withDefaults()
	if Exists(cfg.Dir) {
		return rinca.Errorf(rinca.Conflict, "%s has a vault already", cfg.Dir)
	}
	if err := os.MkdirAll(cfg.Dir, 0o700); err != nil {
		return rinca.Errorf(rinca.Destination, "make the home: %w", err).
			Try("choose another with RINCA_HOME, or: sudo mkdir -p %s && sudo chown $(id -u) %s", cfg.Dir, cfg.Dir)
	}
	unlock, err := database.Lock(ctx, cfg.Dir)
	if err != nil {
		return err
	}
	defer unlock()
	if Exists(cfg.Dir) {
		return rinca.Errorf(rinca.Conflict, "%s has a vault already", cfg.Dir)
	}
	if err := keyIsNotLost(cfg); err != nil {
		return err
	}
	ring, err := seal.Create(cfg.Keys.Path, passphrase, cfg.Now())
	if rinca.CodeOf(err) == rinca.Conflict { // a key from an interrupted init, or brought along
		if !passphrase.IsEmpty() {
			cfg.Keys.Passphrase = func() (rinca.Secret, error) { return passphrase, nil }
		}
		ring, err = seal.Open(cfg.Keys)
	}
	if err != nil {
		return err
	}
	return createDatabase(ctx, cfg, ring)
}

// keyIsNotLost refuses to make a key for a home whose server's database is
// sealed with another.
func keyIsNotLost(cfg Config) error {
	if _, err := os.Stat(filepath.Join(cfg.Dir, database.ServerName)); err != nil {
		return nil
	}
	if _, err := os.Stat(cfg.Keys.File()); errors.Is(err, fs.ErrNotExist) {
		return rinca.Errorf(rinca.NotFound, "%s has a database, and its key file %s is missing", cfg.Dir, cfg.Keys.File()).
			Try("put the key file back, or say where it is with RINCA_KEY_FILE")
	}
	return nil
}

// Open opens the vault of a home. Errors: NotFound when the home has no vault
// or no key, Unauthenticated when the key cannot be read or does not fit,
// Corrupt when the database is damaged or from a newer program.
func Open(ctx context.Context, cfg Config) (*DB, error) {
	cfg = cfg.withDefaults()
	if _, err := os.Stat(cfg.database()); errors.Is(err, fs.ErrNotExist) {
		return nil, rinca.Errorf(rinca.NotFound, "there is no vault in %s", cfg.Dir).Try("rinca init")
	} else if err != nil {
		return nil, rinca.Errorf(rinca.Unauthenticated, "open the vault: %w", err).
			Try("ls -ld %s   # who owns it, and who are you", cfg.Dir)
	}
	ring, err := seal.Open(cfg.Keys)
	if err != nil {
		return nil, err
	}
	handle, err := cfg.file().Open(ctx, 4)
	if err != nil {
		return nil, err
	}
	db := &DB{cfg: cfg, sql: handle, ring: ring}
	if err := db.checkMeta(ctx); err != nil {
		handle.Close()
		return nil, err
	}
	return db, nil
}

// Close closes the database; what is committed stays.
func (db *DB) Close() error { return db.sql.Close() }

// Digest is seal.Ring.Digest with the keys of this home.
func (db *DB) Digest(purpose string, data ...[]byte) [32]byte {
	return db.currentRing().Digest(purpose, data...)
}

// KeyID returns the id of the key that records are sealed with, and when it
// was made.
func (db *DB) KeyID() (string, time.Time) {
	r := db.currentRing()
	return r.Current().String(), r.Created()
}

func (db *DB) currentRing() *seal.Ring {
	db.mu.Lock()
	defer db.mu.Unlock()
	return db.ring
}

func (db *DB) reloadKeys() error {
	ring, err := seal.Open(db.cfg.Keys)
	if err != nil {
		return err
	}
	db.mu.Lock()
	defer db.mu.Unlock()
	db.ring = ring
	return nil
}

func (db *DB) now() time.Time { return db.cfg.Now().UTC().Truncate(time.Second) }

// open opens a sealed record; when its key is unknown the key file is read
// again, because another process may have rotated it.
func (db *DB) open(context string, sealed []byte) ([]byte, error) {
	plain, err := db.currentRing().Open(context, sealed)
	if errors.Is(err, seal.ErrUnknownKey) {
		if err := db.reloadKeys(); err != nil {
			return nil, err
		}
		plain, err = db.currentRing().Open(context, sealed)
	}
	if errors.Is(err, seal.ErrUnknownKey) && strings.HasPrefix(context, "meta|") {
		return nil, rinca.Errorf(rinca.Unauthenticated, "the key in %s is not the one that %s is sealed with", db.cfg.Keys.File(), db.cfg.database()).
			Try("put back the key file of this home, or name it with RINCA_KEY_FILE")
	}
	if err != nil {
		return nil, database.Corrupt(db.cfg.database(), "%s %w", context, err)
	}
	return plain, nil
}

// newID returns a random id as 1Password forms them: 26 of [a-z2-7].
func newID() string {
	const alphabet = "abcdefghijklmnopqrstuvwxyz234567"
	b := make([]byte, 26)
	rand.Read(b)
	for i := range b {
		b[i] = alphabet[b[i]&31]
	}
	return string(b)
}
