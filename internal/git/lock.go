package git

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"rinca/internal/atomicfile"
)

// lock takes the lock of a file, shared or alone, and makes the file if it is
// missing. It is held against other processes and within this one, and ends
// with the process that holds it.
func lock(ctx context.Context, path string, alone bool) (unlock func(), err error) {
	how := syscall.LOCK_SH
	if alone {
		how = syscall.LOCK_EX
	}
	pause := time.NewTimer(0)
	defer pause.Stop()
	wait := 2 * time.Millisecond
	for {
		select {
		case <-ctx.Done():
			return nil, ended(ctx)
		case <-pause.C:
		}
		f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|syscall.O_NOFOLLOW, 0o600)
		if err != nil {
			return nil, atomicfile.Error("lock", path, err)
		}
		err = syscall.Flock(int(f.Fd()), how|syscall.LOCK_NB)
		if err == nil && current(f, path) {
			return func() { f.Close() }, nil
		}
		f.Close()
		if err != nil && !errors.Is(err, syscall.EWOULDBLOCK) && !errors.Is(err, syscall.EINTR) {
			return nil, atomicfile.Error("lock", path, err)
		}
		pause.Reset(wait)
		wait = min(2*wait, 100*time.Millisecond)
	}
}

// current reports whether a file is still the one under its name: somebody may
// have removed it with its directory.
func current(f *os.File, path string) bool {
	mine, err := f.Stat()
	if err != nil {
		return false
	}
	now, err := os.Lstat(path)
	return err == nil && os.SameFile(mine, now)
}

// syncNew makes the files of a directory durable that were not in it before,
// and the directory itself.
func syncNew(dir string, before map[string]bool) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return atomicfile.Error("sync", dir, err)
	}
	for _, e := range entries {
		if !e.Type().IsRegular() || before[e.Name()] {
			continue
		}
		if err := syncPath(filepath.Join(dir, e.Name())); err != nil {
			return err
		}
	}
	return syncPath(dir)
}

func syncPath(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return atomicfile.Error("sync", path, err)
	}
	defer f.Close()
	if err := f.Sync(); err != nil && !errors.Is(err, syscall.EINVAL) && !errors.Is(err, syscall.ENOTSUP) {
		return atomicfile.Error("sync", path, err)
	}
	return nil
}
