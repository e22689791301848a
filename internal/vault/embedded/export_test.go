package embedded

import (
	"context"

	"rinca/internal/database"
	"rinca/internal/seal"
)

// RotateKey is what home.RotateKey does, for a home with nothing but a vault.
func (db *DB) RotateKey(ctx context.Context) error {
	unlock, err := database.Lock(ctx, db.cfg.Dir)
	if err != nil {
		return err
	}
	defer unlock()
	_, err = seal.Rotate(db.cfg.Keys, db.cfg.Now(), func(both *seal.Ring) error { return db.Rewrap(ctx, both) })
	return err
}
