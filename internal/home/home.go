// Package home is what concerns a whole home at once, its vault and its
// server's database: the key that both are sealed with, backup and restore.
package home

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"time"

	"rinca/internal/database"
	"rinca/internal/rinca"
	"rinca/internal/seal"
	"rinca/internal/store"
	"rinca/internal/vault/embedded"
)

// Config says where a home is and how it is unlocked.
type Config struct {
	Dir string
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
	if ask := c.Keys.Passphrase; ask != nil { // once, however many files need it
		c.Keys.Passphrase = sync.OnceValues(ask)
	}
	return c
}

func (c Config) vault() embedded.Config { return embedded.Config{Dir: c.Dir, Keys: c.Keys, Now: c.Now} }

func (c Config) server() store.Config { return store.Config{Dir: c.Dir, Keys: c.Keys, Now: c.Now} }

// A sealedDB is what both databases can do.
type sealedDB interface {
	Rewrap(ctx context.Context, both *seal.Ring) error
	Copy(ctx context.Context, path string) error
	Checkpoint(ctx context.Context) error
	Close() error
}

// open opens the databases that the home has, by the names of their files.
func (c Config) open(ctx context.Context) (map[string]sealedDB, error) {
	dbs := map[string]sealedDB{}
	if store.Exists(c.Dir) {
		db, err := store.Open(ctx, c.server())
		if err != nil {
			return nil, err
		}
		dbs[database.ServerName] = db
	}
	if embedded.Exists(c.Dir) {
		db, err := embedded.Open(ctx, c.vault())
		if err != nil {
			closeAll(dbs)
			return nil, err
		}
		dbs[database.VaultName] = db
	}
	if len(dbs) == 0 {
		return nil, rinca.Errorf(rinca.NotFound, "there is no vault in %s", c.Dir).Try("rinca init")
	}
	return dbs, nil
}

func closeAll(dbs map[string]sealedDB) {
	for _, db := range dbs {
		_ = db.Close() // what is committed stays
	}
}

// needHome refuses a directory that has no database, before anything is made
// in it.
func (c Config) needHome() error {
	if embedded.Exists(c.Dir) || store.Exists(c.Dir) {
		return nil
	}
	return rinca.Errorf(rinca.NotFound, "there is no vault in %s", c.Dir).Try("rinca init")
}

func exists(path string) bool {
	_, err := os.Lstat(path)
	return !errors.Is(err, fs.ErrNotExist)
}
