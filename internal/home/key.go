package home

import (
	"context"
	"time"

	"rinca/internal/database"
	"rinca/internal/rinca"
	"rinca/internal/seal"
)

// A Key says which key a home is sealed with, never the key itself.
type Key struct {
	ID      string
	Created time.Time
	File    string
	Locked  bool // its file needs a passphrase
}

// ShowKey describes the key of a home.
func ShowKey(cfg Config) (Key, error) {
	cfg = cfg.withDefaults()
	if err := cfg.needHome(); err != nil {
		return Key{}, err
	}
	locked, err := seal.HasPassphrase(cfg.Keys)
	if err != nil {
		return Key{}, err
	}
	ring, err := seal.Open(cfg.Keys)
	if err != nil {
		return Key{}, err
	}
	return Key{ID: ring.Current().String(), Created: ring.Created(), File: cfg.Keys.File(), Locked: locked}, nil
}

// RotateKey makes a new key, re-wraps the data key of every record of both
// databases to it, and forgets the old key. Other processes may go on reading
// and writing. Killed at any moment, the home is readable, and rotating again
// finishes.
func RotateKey(ctx context.Context, cfg Config) (old, fresh Key, err error) {
	cfg = cfg.withDefaults()
	if err := cfg.needHome(); err != nil {
		return old, fresh, err
	}
	unlock, err := database.Lock(ctx, cfg.Dir)
	if err != nil {
		return old, fresh, err
	}
	defer unlock()
	if old, err = ShowKey(cfg); err != nil {
		return old, fresh, err
	}
	dbs, err := cfg.open(ctx) // proves that the key fits both, before it is replaced
	if err != nil {
		return old, fresh, err
	}
	defer closeAll(dbs)
	_, err = seal.Rotate(cfg.Keys, cfg.Now(), func(both *seal.Ring) error {
		for _, db := range dbs {
			if err := db.Rewrap(ctx, both); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return old, fresh, err
	}
	fresh, err = ShowKey(cfg)
	return old, fresh, err
}

// SetPassphrase protects the key file with a passphrase, or with none when it
// is empty.
func SetPassphrase(ctx context.Context, cfg Config, passphrase rinca.Secret) error {
	cfg = cfg.withDefaults()
	unlock, err := database.Lock(ctx, cfg.Dir)
	if err != nil {
		return err
	}
	defer unlock()
	return seal.SetPassphrase(cfg.Keys, passphrase)
}
