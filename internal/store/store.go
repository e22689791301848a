// Package store is the server's database: one SQLite file in the home with
// every resource, user, session, execution, event and audit entry. What a row
// says is sealed; names, ids, states and times, which are in the clear so that
// rows can be found, are authenticated with it.
package store

import (
	"context"
	"database/sql"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"rinca/internal/database"
	"rinca/internal/rinca"
	"rinca/internal/seal"
)

// DatabaseName is the name of the database in a home.
const DatabaseName = database.ServerName

// Config says where the database is and how it is unlocked.
type Config struct {
	Dir string // the home
	// Keys is where the key is; its Path may be empty, for rinca.key in Dir.
	Keys seal.Source
	// Now tells the time; nil means time.Now.
	Now func() time.Time
}

func (c Config) withDefaults() Config {
	if c.Keys.Path == "" {
		c.Keys.Path = filepath.Join(c.Dir, database.KeyName)
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	return c
}

func (c Config) file() database.File {
	return database.File{Path: filepath.Join(c.Dir, DatabaseName), Migrations: migrations()}
}

// A DB is an open database. It is safe for use by several goroutines, and
// several processes may have it open at once.
//
// What the slices and maps of returned resources point to is shared with
// other callers: replace them, do not write into them.
type DB struct {
	cfg     Config
	path    string
	writing *sql.DB         // one connection
	reading *sql.DB         // a few
	turn    chan struct{}   // holds the one writer of this process
	queue   *database.Queue // that it stands in with those of other processes
	keys    keys
	revs    revisions
	used    usedTimes
	audits  auditQueue
	tables
	stmts statements
}

// Exists reports whether the home has a database, or is closed to us, so that
// nobody can tell: Open then says so.
func Exists(dir string) bool {
	_, err := os.Stat(filepath.Join(dir, DatabaseName))
	return err == nil || errors.Is(err, fs.ErrPermission)
}

// Open opens the database of a home, and makes it when there is none. The key
// is made only for a home that has neither a key nor any database. Errors:
// NotFound when the key is missing, Unauthenticated when it cannot be read or
// does not fit, Corrupt when the database is damaged or from a newer program,
// Destination when the home cannot be written.
func Open(ctx context.Context, cfg Config) (*DB, error) {
	cfg = cfg.withDefaults()
	if !Exists(cfg.Dir) {
		if err := create(ctx, cfg); err != nil {
			return nil, err
		}
	}
	ring, err := seal.Open(cfg.Keys)
	if err != nil {
		return nil, err
	}
	file := cfg.file()
	writing, err := file.Open(ctx, 1)
	if err != nil {
		return nil, err
	}
	reading, err := file.OpenReader(5) // one of them is kept by revisions
	if err != nil {
		writing.Close()
		return nil, err
	}
	db := &DB{cfg: cfg, path: file.Path, writing: writing, reading: reading, turn: make(chan struct{}, 1), queue: database.NewQueue(cfg.Dir), tables: newTables()}
	db.keys = keys{src: cfg.Keys, path: file.Path, rings: []*seal.Ring{ring}}
	if err := db.start(ctx); err != nil {
		_ = db.Close() // nothing was written
		return nil, err
	}
	return db, nil
}

// start proves that the key fits and that the database can be written.
func (db *DB) start(ctx context.Context) error {
	var version int
	if err := db.writing.QueryRowContext(ctx, `PRAGMA user_version`).Scan(&version); err != nil {
		return database.Error(db.path, err)
	}
	if version == 0 {
		return database.Corrupt(db.path, "it is empty")
	}
	if err := db.checkKey(ctx); err != nil {
		return err
	}
	// Heads come first: a crash between the two repeats both.
	if err := db.upgrade(ctx, version); err != nil {
		return err
	}
	if err := db.cfg.file().Migrate(ctx, db.writing); err != nil {
		return err
	}
	if err := db.write(ctx, func(*writer) error { return nil }); err != nil {
		return err
	}
	if err := db.revs.start(ctx, db); err != nil {
		return database.Error(db.path, err)
	}
	return database.Error(db.path, db.used.load(ctx, db))
}

// create makes the database, and the key if the home has nothing yet.
func create(ctx context.Context, cfg Config) error {
	if err := os.MkdirAll(cfg.Dir, 0o700); err != nil {
		return rinca.Errorf(rinca.Destination, "make the home: %w", err).
			Try("choose another with RINCA_HOME, or: sudo mkdir -p %s && sudo chown $(id -u) %s", cfg.Dir, cfg.Dir)
	}
	unlock, err := database.Lock(ctx, cfg.Dir)
	if err != nil {
		return err
	}
	defer unlock()
	if Exists(cfg.Dir) { // another process was faster
		return nil
	}
	ring, err := seal.Open(cfg.Keys)
	if rinca.CodeOf(err) == rinca.NotFound {
		if _, missing := os.Stat(filepath.Join(cfg.Dir, database.VaultName)); !errors.Is(missing, fs.ErrNotExist) {
			return err // the vault needs the key that is gone
		}
		ring, err = seal.Create(cfg.Keys.Path, rinca.Secret{}, cfg.Now())
	}
	if err != nil {
		return err
	}
	return cfg.file().Create(ctx, func(handle *sql.DB) error { return fill(ctx, handle, ring) })
}

// Close closes the database; what is committed stays.
func (db *DB) Close() error {
	db.revs.close()
	db.stmts.close()
	db.queue.Close()
	return errors.Join(db.reading.Close(), db.writing.Close())
}

// Digest is seal.Ring.Digest with the keys of this home.
func (db *DB) Digest(purpose string, data ...[]byte) [32]byte {
	return db.keys.current().Digest(purpose, data...)
}

// Revision grows with each committed change of a resource, a variable, a
// user, a group or an API key. It is kept in memory and asks nobody.
func (db *DB) Revision() int64 { return db.revs.total.Load() }

// now is the time, with the precision that is stored.
func (db *DB) now() time.Time { return db.cfg.Now().UTC().Truncate(time.Millisecond) }
