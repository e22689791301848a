package embedded

import (
	"context"

	"rinca/internal/database"
)

// Copy writes the whole vault, as of one moment, into the file at path, which
// is empty or does not exist, while others read and write. The copy is sealed
// as the vault is, with the same key.
func (db *DB) Copy(ctx context.Context, path string) error {
	_, err := db.sql.ExecContext(ctx, `VACUUM INTO ?`, path)
	return database.Error(path, err)
}

// Checkpoint moves what was written last from the log into the database.
func (db *DB) Checkpoint(ctx context.Context) error {
	_, err := db.sql.ExecContext(ctx, `PRAGMA wal_checkpoint(TRUNCATE)`)
	return database.Error(db.cfg.database(), err)
}
