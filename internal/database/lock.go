package database

import (
	"context"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"

	"rinca/internal/rinca"
)

// Lock keeps two processes from making a home, or changing its key, at once.
// The lock goes with the process.
func Lock(ctx context.Context, dir string) (unlock func(), err error) {
	f, err := os.OpenFile(filepath.Join(dir, lockName), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, rinca.Errorf(rinca.Destination, "lock the home: %w", err).
			Try("ls -ld %s   # who owns it, and who are you", dir)
	}
	for {
		err = unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB)
		if err == nil {
			return func() { f.Close() }, nil
		}
		select {
		case <-ctx.Done():
			f.Close()
			return nil, rinca.Errorf(rinca.Canceled, "wait for the lock of the home: %w", ctx.Err())
		case <-time.After(20 * time.Millisecond):
		}
	}
}
