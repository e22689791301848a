package home

import (
	"archive/tar"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"

	"rinca/internal/database"
	"rinca/internal/rinca"
	"rinca/internal/seal"
)

// A backup is this line, and a tar archive of the databases in a sealed stream.
const (
	backupMagic   = "rinca-backup/1\n"
	backupContext = "backup"
	backupStage   = "backup.tmp" // in the home
)

// Backup writes the databases of a home, each as of one moment, to one new
// encrypted file, while others read and write. It needs the key of this home
// to be read. A file that exists is a Conflict and is not touched.
func Backup(ctx context.Context, cfg Config, path string) error {
	cfg = cfg.withDefaults()
	if exists(path) {
		return backupExists(path)
	}
	if err := cfg.needHome(); err != nil {
		return err
	}
	unlock, err := database.Lock(ctx, cfg.Dir) // the key stays what it is meanwhile
	if err != nil {
		return err
	}
	defer unlock()
	dbs, err := cfg.open(ctx)
	if err != nil {
		return err
	}
	defer closeAll(dbs)
	ring, err := seal.Open(cfg.Keys)
	if err != nil {
		return err
	}
	stage := filepath.Join(cfg.Dir, backupStage)
	if err := errors.Join(os.RemoveAll(stage), os.Mkdir(stage, 0o700)); err != nil {
		return rinca.Errorf(rinca.Destination, "write the backup: %w", err)
	}
	defer os.RemoveAll(stage)
	names := slices.Sorted(maps.Keys(dbs))
	for _, name := range names {
		if err := dbs[name].Copy(ctx, filepath.Join(stage, name)); err != nil {
			return err
		}
	}
	return writeNew(ctx, path, func(w io.Writer) error { return pack(w, ring, stage, names) })
}

func backupExists(path string) error {
	return rinca.Errorf(rinca.Conflict, "%s exists", path).Try("choose another name, or remove it")
}

// writeNew makes a file that appears whole under its name or not at all.
func writeNew(ctx context.Context, path string, fill func(io.Writer) error) error {
	tmp, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".*.tmp") // 0600
	if err != nil {
		return rinca.Errorf(rinca.Destination, "write the backup: %w", err)
	}
	defer os.Remove(tmp.Name())
	if err := errors.Join(fill(tmp), tmp.Sync(), tmp.Close(), ctx.Err()); err != nil {
		return rinca.Errorf(rinca.Destination, "write the backup: %w", err).Try("df -h %s", filepath.Dir(path))
	}
	err = os.Link(tmp.Name(), path)
	if errors.Is(err, fs.ErrExist) {
		return backupExists(path)
	}
	if err != nil { // a file system without links
		err = os.Rename(tmp.Name(), path)
	}
	if err := errors.Join(err, database.Sync(filepath.Dir(path))); err != nil {
		return rinca.Errorf(rinca.Destination, "write the backup: %w", err)
	}
	return nil
}

func pack(w io.Writer, ring *seal.Ring, dir string, names []string) error {
	if _, err := io.WriteString(w, backupMagic); err != nil {
		return err
	}
	sealed, err := ring.NewWriter(w, backupContext)
	if err != nil {
		return err
	}
	archive := tar.NewWriter(sealed)
	for _, name := range names {
		if err := packFile(archive, filepath.Join(dir, name)); err != nil {
			return err
		}
	}
	return errors.Join(archive.Close(), sealed.Close())
}

func packFile(archive *tar.Writer, path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	if err := archive.WriteHeader(&tar.Header{Name: filepath.Base(path), Mode: 0o600, Size: info.Size(), ModTime: info.ModTime()}); err != nil {
		return err
	}
	_, err = io.Copy(archive, f)
	return err
}

// unpack puts the databases of a backup into dir.
func unpack(in io.Reader, ring *seal.Ring, dir string) error {
	plain, err := ring.NewReader(in, backupContext)
	if err != nil {
		return err
	}
	archive := tar.NewReader(plain)
	for {
		h, err := archive.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return err
		}
		if h.Typeflag != tar.TypeReg || (h.Name != database.VaultName && h.Name != database.ServerName) {
			return rinca.Errorf(rinca.Corrupt, "it holds %q, which this program does not know", h.Name).Try("use a newer rinca")
		}
		if err := writeFile(filepath.Join(dir, h.Name), archive); err != nil {
			return err
		}
	}
	_, err = io.Copy(io.Discard, plain) // to the end, which proves that nothing was cut off
	return err
}

func writeFile(path string, from io.Reader) error {
	out, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	_, err = io.Copy(out, from)
	return errors.Join(err, out.Sync(), out.Close())
}
