package home

import (
	"bufio"
	"cmp"
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"rinca/internal/database"
	"rinca/internal/rinca"
	"rinca/internal/seal"
	"rinca/internal/store"
	"rinca/internal/vault/embedded"
)

// sqliteMagic begins a backup of older versions: the vault's database itself.
const sqliteMagic = "SQLite format 3\x00"

// Restored says what a restore has put back.
type Restored struct {
	Vault  *embedded.Report // nil when the backup has no vault
	Server *store.Report    // nil when the backup has no server's database
	Kept   []string         // where what was there before is now
}

// Restore puts the databases of a backup in the place of the home's, after it
// has proved that every record of them can be read with the key of this home.
// What it replaces is kept beside it. A home whose server runs is a Conflict.
// Sessions of the backup are ended and what waited in its queue is closed, so
// that nothing old happens again.
func Restore(ctx context.Context, cfg Config, path string) (r Restored, err error) {
	cfg = cfg.withDefaults()
	unlock, err := database.Lock(ctx, cfg.Dir)
	if err != nil {
		return r, err
	}
	defer unlock()
	release, err := store.LockServer(cfg.Dir)
	if err != nil {
		return r, err
	}
	defer release()
	staged := cfg
	staged.Dir = filepath.Join(cfg.Dir, "restore")
	if err := errors.Join(os.RemoveAll(staged.Dir), os.Mkdir(staged.Dir, 0o700)); err != nil {
		return r, rinca.Errorf(rinca.Destination, "restore: %w", err)
	}
	defer os.RemoveAll(staged.Dir)
	if err := stageBackup(cfg, path, staged.Dir); err != nil {
		return r, err
	}
	if err := staged.prove(ctx, &r); err != nil {
		return r, err
	}
	for _, name := range []string{database.VaultName, database.ServerName} {
		if !exists(filepath.Join(staged.Dir, name)) {
			continue
		}
		kept, err := cfg.replace(ctx, name, filepath.Join(staged.Dir, name))
		if kept != "" {
			r.Kept = append(r.Kept, kept)
		}
		if err != nil {
			return r, rinca.Errorf(rinca.Destination, "restore: %w", err)
		}
	}
	return r, nil
}

// stageBackup puts what a backup holds into dir.
func stageBackup(cfg Config, path, dir string) error {
	f, err := os.Open(path)
	if err != nil {
		return rinca.Errorf(rinca.NotFound, "read the backup: %w", err)
	}
	defer f.Close()
	in := bufio.NewReader(f)
	if head, _ := in.Peek(len(sqliteMagic)); string(head) == sqliteMagic {
		err = writeFile(filepath.Join(dir, database.VaultName), in)
	} else if head, _ := in.Peek(len(backupMagic)); string(head) != backupMagic {
		return rinca.Errorf(rinca.Corrupt, "%s is not a backup of rinca", path).Try("take another file; nothing was changed")
	} else {
		var ring *seal.Ring
		if ring, err = seal.Open(cfg.Keys); err != nil {
			return err
		}
		_, _ = in.Discard(len(backupMagic)) // they were just seen
		err = unpack(in, ring, dir)
	}
	return stageError(cfg, err)
}

func stageError(cfg Config, err error) error {
	var path *fs.PathError
	switch {
	case err == nil:
		return nil
	case errors.Is(err, seal.ErrUnknownKey):
		return rinca.Errorf(rinca.Unauthenticated, "the key in %s is not the one that the backup is sealed with", cfg.Keys.File()).
			Try("name the key that was in use when the backup was made: RINCA_KEY_FILE=/path/to/rinca.key rinca restore FILE")
	case errors.As(err, &path), errors.Is(err, io.ErrShortWrite):
		return rinca.Errorf(rinca.Destination, "unpack the backup: %w", err).Try("df -h %s", cfg.Dir)
	case rinca.CodeOf(err) != rinca.Internal:
		return err
	}
	return rinca.Errorf(rinca.Corrupt, "the backup is damaged: %w", err).Try("take another backup; nothing was changed")
}

// prove reads every record of staged databases.
func (c Config) prove(ctx context.Context, r *Restored) error {
	if embedded.Exists(c.Dir) {
		db, err := embedded.Open(ctx, c.vault())
		if err != nil {
			return err
		}
		defer db.Close()
		report, err := db.Check(ctx)
		if err := damaged(report.Damage, err); err != nil {
			return err
		}
		r.Vault = &report
	}
	if store.Exists(c.Dir) {
		db, err := store.Open(ctx, c.server())
		if err != nil {
			return err
		}
		report, err := db.Check(ctx)
		if err = damaged(report.Damage, err); err == nil {
			err = db.Settle(ctx)
		}
		if err := errors.Join(err, db.Close()); err != nil {
			return err
		}
		r.Server = &report
	}
	if r.Vault == nil && r.Server == nil {
		return rinca.Errorf(rinca.Corrupt, "the backup is empty").Try("take another backup; nothing was changed")
	}
	return nil
}

func damaged(damage []string, err error) error {
	if err == nil && len(damage) > 0 {
		return rinca.Errorf(rinca.Corrupt, "the backup is damaged: %s", damage[0]).Try("take another backup; nothing was changed")
	}
	return err
}

// replace puts a database in the place of the home's, which is kept.
func (c Config) replace(ctx context.Context, name, staged string) (kept string, err error) {
	path := filepath.Join(c.Dir, name)
	if exists(path) {
		c.settleLog(ctx, name)
		kept = path + ".replaced-" + c.Now().UTC().Format("20060102T150405Z")
		if err := os.Link(path, kept); err != nil {
			return "", err
		}
	}
	for _, suffix := range []string{"-wal", "-shm"} { // they belong to the one that is replaced
		err := os.Rename(path+suffix, cmp.Or(kept, path+".replaced")+suffix)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return kept, err
		}
	}
	return kept, errors.Join(os.Rename(staged, path), database.Sync(c.Dir))
}

// settleLog moves the log of a database into it, so that a kill between the
// renames of replace loses nothing of it. One that is damaged stays as it is.
func (c Config) settleLog(ctx context.Context, name string) {
	var db sealedDB
	var err error
	if name == database.VaultName {
		db, err = embedded.Open(ctx, c.vault())
	} else {
		db, err = store.Open(ctx, c.server())
	}
	if err != nil {
		return
	}
	_ = db.Checkpoint(ctx)
	_ = db.Close()
}
