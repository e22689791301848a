package atomicfile

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"rinca/internal/lazyregexp"
	"rinca/internal/rinca"
)

// Path is the path of root's file name as a person would write it.
func Path(root *os.Root, name string) string { return filepath.Join(root.Name(), name) }

// Error says what the system refused, "write /path: permission denied", with
// code Destination and the command that mends it where there is one.
func Error(verb, full string, err error) error {
	if _, ok := errors.AsType[*rinca.Error](err); ok || err == nil {
		return err
	}
	cause := err
	if errno, ok := errors.AsType[syscall.Errno](err); ok {
		cause = errno
	} else if p, ok := errors.AsType[*fs.PathError](err); ok {
		cause = p.Err
	}
	e := rinca.Errorf(rinca.Destination, "%s %s: %v", verb, full, cause).Because(err)
	dir := filepath.Dir(full)
	switch {
	case errors.Is(err, syscall.EROFS):
		return e.Try("mount it for writing, or choose another directory with --dest")
	case errors.Is(err, syscall.EPERM) && os.Geteuid() == 0:
		return e.Try("look for a flag that protects it: lsattr -d %s %s", Quote(dir), Quote(full))
	case errors.Is(err, fs.ErrPermission):
		return e.Try("%s", Mend(dir))
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT):
		return e.Try("df -h %s", Quote(dir))
	case errors.Is(err, syscall.EBUSY):
		return e.Try("it is a mount point; mount its directory %s instead of the file", dir)
	}
	return e
}

// Mend is the command that lets this process write in dir.
func Mend(dir string) string {
	dir = Quote(dir)
	return fmt.Sprintf("sudo chown -R %d:%d %s && sudo chmod u+rwx %s", os.Geteuid(), os.Getegid(), dir, dir)
}

var plain = lazyregexp.New(`^[A-Za-z0-9_./:@%+=,-]+$`)

// Quote writes a path so that a shell reads it as one word.
func Quote(path string) string {
	if plain.MatchString(path) {
		return path
	}
	return "'" + strings.ReplaceAll(path, "'", `'\''`) + "'"
}
