package store

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"rinca/internal/rinca"
)

// LockServer makes this process the one server of a home, until unlock or its
// end. When another one is, that is a Conflict that names its process.
func LockServer(dir string) (unlock func(), err error) {
	path := filepath.Join(dir, "serve.lock")
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, rinca.Errorf(rinca.Destination, "lock the home: %w", err).
			Try("ls -ld %s   # who owns it, and who are you", dir)
	}
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		defer f.Close()
		who := "another process"
		text, _ := io.ReadAll(io.LimitReader(f, 32)) // an empty name is no worse
		if pid, err := strconv.Atoi(strings.TrimSpace(string(text))); err == nil {
			who = fmt.Sprintf("process %d", pid)
		}
		return nil, rinca.Errorf(rinca.Conflict, "%s serves %s already", who, dir).Try("stop it first, or choose another home with RINCA_HOME")
	}
	// The file stays: removing it would let two processes lock two files.
	_ = f.Truncate(0) // the name is for people only
	_, _ = f.WriteAt([]byte(strconv.Itoa(os.Getpid())+"\n"), 0)
	return func() { f.Close() }, nil
}
