// Package atomicfile replaces a file all at once or not at all, inside a
// directory that it cannot be led out of.
package atomicfile

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"io/fs"
	"os"
	"path"
	"strings"
	"syscall"
	"unicode/utf8"

	"rinca/internal/rinca"
)

// Attr is what a new file gets before it appears under its name. UID and GID
// of -1 leave the process's own; 0 is root.
type Attr struct {
	Mode fs.FileMode // permission bits; the umask does not apply
	UID  int
	GID  int
}

// Mode returns the Attr of a file with this mode and the process's own owner.
func Mode(mode fs.FileMode) Attr { return Attr{Mode: mode, UID: -1, GID: -1} }

// Write replaces root's file name with data: a reader, and whoever looks after
// a crash, finds the old file or the new one, whole. A symbolic link under that
// name is replaced and not followed; so is one of several hard links. A
// directory, pipe, socket or device there is refused.
//
// It also removes what earlier writers of this name left when they were killed.
// Errors have code Destination and name the path.
func Write(root *os.Root, name string, data []byte, attr Attr) error {
	if err := SweepName(root, name); err != nil {
		return err
	}
	f, temp, err := stage(root, name, data, attr)
	if err != nil {
		return err
	}
	defer f.Close() // until after the rename its lock keeps sweepers away
	if err := Rename(root, temp, name); err != nil {
		_ = root.Remove(temp)
		return err
	}
	return SyncDir(root, path.Dir(name))
}

// Stage writes data beside root's file name, whole and synced and with its
// attributes, and returns the name of that temporary file. The caller renames
// or removes it. Errors are those of Write.
func Stage(root *os.Root, name string, data []byte, attr Attr) (temp string, err error) {
	f, temp, err := stage(root, name, data, attr)
	if err != nil {
		return "", err
	}
	f.Close() // synced already
	return temp, nil
}

func stage(root *os.Root, name string, data []byte, attr Attr) (*os.File, string, error) {
	if err := CheckTarget(root, name); err != nil {
		return nil, "", err
	}
	temp := TempName(name)
	const flags = os.O_WRONLY | os.O_CREATE | os.O_EXCL | syscall.O_NOFOLLOW
	f, err := root.OpenFile(temp, flags, 0o600)
	if err != nil {
		return nil, "", Error("write", Path(root, name), err)
	}
	if err := fill(f, data, attr); err != nil {
		f.Close()
		_ = root.Remove(temp)
		return nil, "", Error("write", Path(root, name), err)
	}
	return f, temp, nil
}

// fill leaves f locked: that is how a sweeper knows its writer is alive.
func fill(f *os.File, data []byte, attr Attr) error {
	// A file system without locks only loses that knowledge.
	_ = syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if _, err := f.Write(data); err != nil {
		return err
	}
	if err := SetAttr(f, attr); err != nil {
		return err
	}
	return f.Sync()
}

// SetAttr gives an open file its owner and then its mode, in this order because
// a change of owner may clear bits of the mode.
func SetAttr(f *os.File, attr Attr) error {
	if attr.UID != -1 || attr.GID != -1 {
		if err := f.Chown(attr.UID, attr.GID); err != nil {
			return err
		}
	}
	return f.Chmod(attr.Mode.Perm())
}

// CheckTarget reports, with code Destination, that name is something a file
// must not replace: a directory, a pipe, a socket or a device.
func CheckTarget(root *os.Root, name string) error {
	info, err := root.Lstat(name)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return Error("write", Path(root, name), err)
	case info.Mode().IsRegular(), info.Mode()&fs.ModeSymlink != 0:
		return nil
	}
	full := Path(root, name)
	return rinca.Errorf(rinca.Destination, "%s is %s, not a file", full, kind(info.Mode())).
		Try("move it away: mv %s %s", Quote(full), Quote(full+".old"))
}

func kind(m fs.FileMode) string {
	switch {
	case m.IsDir():
		return "a directory"
	case m&fs.ModeNamedPipe != 0:
		return "a named pipe"
	case m&fs.ModeSocket != 0:
		return "a socket"
	case m&fs.ModeDevice != 0:
		return "a device"
	}
	return "special"
}

// Rename renames within root. It does not sync the directory.
func Rename(root *os.Root, from, to string) error {
	if err := root.Rename(from, to); err != nil {
		return Error("write", Path(root, to), err)
	}
	return nil
}

// SyncDir makes renames, creations and removals in a directory of root durable.
func SyncDir(root *os.Root, dir string) error {
	d, err := root.Open(dir)
	if err != nil {
		return Error("sync", Path(root, dir), err)
	}
	defer d.Close()
	// Some file systems cannot sync a directory; they say EINVAL.
	if err := d.Sync(); err != nil && !errors.Is(err, syscall.EINVAL) && !errors.Is(err, syscall.ENOTSUP) {
		return Error("sync", Path(root, dir), err)
	}
	return nil
}

const (
	tempSuffix = ".tmp"
	tempRandom = 16 // hexadecimal digits
	// maxStem keeps the temporary name under the 255 bytes of a file name.
	maxStem = 255 - len("..") - tempRandom - len(tempSuffix)
)

// TempName returns a fresh temporary name in the directory of name:
// ".postgres.env.0123456789abcdef.tmp".
func TempName(name string) string {
	var b [tempRandom / 2]byte
	_, _ = rand.Read(b[:]) // never fails
	dir, base := path.Split(name)
	return dir + "." + stem(base) + "." + hex.EncodeToString(b[:]) + tempSuffix
}

// stem cuts a name that leaves no room for the rest of a temporary name.
func stem(base string) string {
	if len(base) <= maxStem {
		return base
	}
	base = base[:maxStem]
	for !utf8.ValidString(base) && len(base) > maxStem-utf8.UTFMax {
		base = base[:len(base)-1]
	}
	return base
}

// IsTemp reports whether base is the name of a temporary file of this package.
func IsTemp(base string) bool {
	_, ok := tempStem(base)
	return ok
}

func tempStem(base string) (string, bool) {
	s, ok := strings.CutSuffix(base, tempSuffix)
	if !ok || !strings.HasPrefix(s, ".") {
		return "", false
	}
	i := strings.LastIndexByte(s, '.')
	if i < 1 || len(s)-i-1 != tempRandom || strings.Trim(s[i+1:], "0123456789abcdef") != "" {
		return "", false
	}
	return s[1:i], true
}
