package embedded

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"rinca/internal/rinca"
)

// Backup writes a copy of the whole vault to a new file, as of one moment,
// while others read and write. The copy is sealed as the vault is, and needs
// the same key. A file that exists is a Conflict and is not touched.
func (db *DB) Backup(ctx context.Context, path string) error {
	if _, err := os.Lstat(path); err == nil {
		return rinca.Errorf(rinca.Conflict, "%s exists", path).Try("choose another name, or remove it")
	}
	tmp, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".*.tmp") // 0600; SQLite writes into an empty file
	if err != nil {
		return rinca.Errorf(rinca.Destination, "write the backup: %w", err)
	}
	tmp.Close()
	defer os.Remove(tmp.Name())
	if _, err := db.sql.ExecContext(ctx, `VACUUM INTO ?`, tmp.Name()); err != nil {
		return dbError(path, err)
	}
	if err := errors.Join(syncFile(tmp.Name()), os.Link(tmp.Name(), path), syncFile(filepath.Dir(path))); err != nil {
		return rinca.Errorf(rinca.Destination, "write the backup: %w", err)
	}
	return nil
}

// Restore puts a backup in the place of the vault, after it has proved that
// every record of it can be read with the key of this home. What it replaces
// is kept beside it, under the name that it returns ("" when there was
// nothing).
func Restore(ctx context.Context, cfg Config, path string) (kept string, r Report, err error) {
	cfg = cfg.withDefaults()
	unlock, err := lockHome(ctx, cfg.Dir)
	if err != nil {
		return "", r, err
	}
	defer unlock()
	staged := filepath.Join(cfg.Dir, "restore")
	if err := errors.Join(os.RemoveAll(staged), os.Mkdir(staged, 0o700)); err != nil {
		return "", r, rinca.Errorf(rinca.Destination, "restore: %w", err)
	}
	defer os.RemoveAll(staged)
	if err := copyFile(path, filepath.Join(staged, DatabaseName)); err != nil {
		return "", r, err
	}
	if r, err = prove(ctx, Config{Dir: staged, Keys: cfg.Keys, Now: cfg.Now}); err != nil {
		return "", r, err
	}
	if Exists(cfg.Dir) {
		kept = cfg.database() + ".replaced-" + cfg.Now().UTC().Format("20060102T150405Z")
		if err := os.Link(cfg.database(), kept); err != nil {
			return "", r, rinca.Errorf(rinca.Destination, "keep the vault that is replaced: %w", err)
		}
	}
	for _, suffix := range []string{"-wal", "-shm"} { // they belong to the one that is replaced
		if err := os.Rename(cfg.database()+suffix, kept+suffix); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return kept, r, rinca.Errorf(rinca.Destination, "restore: %w", err)
		}
	}
	err = errors.Join(os.Rename(filepath.Join(staged, DatabaseName), cfg.database()), syncFile(cfg.Dir))
	if err != nil {
		return kept, r, rinca.Errorf(rinca.Destination, "restore: %w", err)
	}
	return kept, r, nil
}

func prove(ctx context.Context, cfg Config) (Report, error) {
	db, err := Open(ctx, cfg)
	if err != nil {
		return Report{}, err
	}
	defer db.Close()
	r, err := db.Check(ctx)
	if err == nil && len(r.Damage) > 0 {
		err = rinca.Errorf(rinca.Corrupt, "the backup is damaged: %s", r.Damage[0]).Try("take another backup; nothing was changed")
	}
	return r, err
}

func copyFile(from, to string) error {
	in, err := os.Open(from)
	if err != nil {
		return rinca.Errorf(rinca.NotFound, "read the backup: %w", err)
	}
	defer in.Close()
	out, err := os.OpenFile(to, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return rinca.Errorf(rinca.Destination, "restore: %w", err)
	}
	_, err = io.Copy(out, in)
	if err := errors.Join(err, out.Sync(), out.Close()); err != nil {
		return rinca.Errorf(rinca.Destination, "restore: %w", err)
	}
	return nil
}

func syncFile(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	return f.Sync()
}
