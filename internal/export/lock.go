package export

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"rinca/internal/atomicfile"
	"rinca/internal/rinca"
)

const lockFile = stateDir + "/lock"

// errBusy is the cause of an error about a lock that somebody else keeps.
var errBusy = errors.New("the destination is locked")

// lock takes the destination for this process, and waits for at most wait.
// After a second it calls waiting, once, with what it knows of the holder. The
// file is opened for reading only, so that a run that changes nothing writes
// nothing. Closing the file lets go.
func (d *dest) lock(ctx context.Context, wait time.Duration, waiting func(holder string)) (*os.File, error) {
	f, err := d.openLock(os.O_CREATE)
	if err != nil {
		return nil, d.stateError("lock", lockFile, err)
	}
	return d.holdLock(ctx, f, wait, waiting)
}

// lockToLook is lock for somebody who only looks: it makes nothing, and returns
// nil where there is no lock, or none for this user.
func (d *dest) lockToLook(ctx context.Context, wait time.Duration, waiting func(holder string)) (*os.File, error) {
	f, err := d.openLock(0)
	if err != nil {
		return nil, nil
	}
	return d.holdLock(ctx, f, wait, waiting)
}

func (d *dest) openLock(flag int) (*os.File, error) {
	f, err := d.root.OpenFile(lockFile, os.O_RDONLY|flag|syscall.O_NOFOLLOW|syscall.O_NONBLOCK, 0o600)
	if err != nil {
		return nil, err
	}
	if info, err := f.Stat(); err != nil || !info.Mode().IsRegular() {
		f.Close()
		return nil, errSpecial
	}
	return f, nil
}

// holdLock locks f, or closes it.
func (d *dest) holdLock(ctx context.Context, f *os.File, wait time.Duration, waiting func(string)) (*os.File, error) {
	if err := d.waitLock(ctx, f, wait, waiting); err != nil {
		f.Close()
		return nil, atomicfile.Error("lock", filepath.Join(d.path, lockFile), err)
	}
	return f, nil
}

func (d *dest) waitLock(ctx context.Context, f *os.File, wait time.Duration, waiting func(string)) error {
	start := time.Now()
	told := false
	for pause := 5 * time.Millisecond; ; pause = min(2*pause, 200*time.Millisecond) {
		err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		if err == nil || errors.Is(err, syscall.ENOTSUP) || errors.Is(err, syscall.ENOLCK) || errors.Is(err, syscall.ENOSYS) {
			return nil // a file system without locks: go on without
		}
		if !errors.Is(err, syscall.EWOULDBLOCK) {
			return err
		}
		waited := time.Since(start)
		if waited >= wait {
			return rinca.Errorf(rinca.Destination, "another export is writing to %s: %s", d.path, holder(f)).
				Try("wait for it, or give --wait more time than %s", wait).Because(errBusy)
		}
		if !told && waited >= min(time.Second, wait/2) && waiting != nil {
			told = true
			waiting(holder(f))
		}
		select {
		case <-ctx.Done():
			return rinca.Errorf(rinca.Canceled, "stopped while waiting for another export: %w", context.Cause(ctx))
		case <-time.After(pause):
		}
	}
}

// holder says who has the lock, as far as this system tells.
func holder(f *os.File) string {
	const unknown = "a process that this system does not name"
	info, err := f.Stat()
	if err != nil {
		return unknown
	}
	sys, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return unknown
	}
	locks, err := os.ReadFile("/proc/locks")
	if err != nil {
		return unknown
	}
	inode := fmt.Sprintf(":%d", sys.Ino)
	for sc := bufio.NewScanner(bytes.NewReader(locks)); sc.Scan(); {
		// 1: FLOCK  ADVISORY  WRITE 708 08:02:1234567 0 EOF
		w := strings.Fields(sc.Text())
		if len(w) < 6 || w[1] != "FLOCK" || !strings.HasSuffix(w[5], inode) || w[4] == "-1" || w[4] == "0" {
			continue
		}
		name, err := os.ReadFile(filepath.Join("/proc", w[4], "comm"))
		if errors.Is(err, fs.ErrNotExist) || len(name) == 0 {
			return "process " + w[4]
		}
		return fmt.Sprintf("process %s (%s)", w[4], strings.TrimSpace(string(name)))
	}
	return unknown
}
