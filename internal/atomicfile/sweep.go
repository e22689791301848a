package atomicfile

import (
	"errors"
	"io/fs"
	"os"
	"path"
	"syscall"
	"time"
)

// fresh is how long a temporary file may exist before its writer has locked it.
const fresh = 5 * time.Second

// Sweep removes from a directory of root the temporary files whose writers are
// gone, and returns their names. Files that somebody still writes stay, and so
// do those in keep; the caller makes sure that nobody is just starting. A
// directory that does not exist holds none.
func Sweep(root *os.Root, dir string, keep map[string]bool) ([]string, error) {
	return sweep(root, dir, func(base string) bool {
		name := path.Join(dir, base)
		return IsTemp(base) && !keep[name] && abandoned(root, name, 0)
	})
}

// SweepName removes the temporary files that killed writers of name left
// behind. Write does it itself; who stages does it before.
func SweepName(root *os.Root, name string) error {
	dir, base := path.Dir(name), path.Base(name)
	_, err := sweep(root, dir, func(b string) bool {
		s, ok := tempStem(b)
		return ok && s == stem(base) && abandoned(root, path.Join(dir, b), fresh)
	})
	return err
}

func sweep(root *os.Root, dir string, ours func(base string) bool) ([]string, error) {
	d, err := root.Open(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, Error("read", Path(root, dir), err)
	}
	defer d.Close()
	names, err := d.Readdirnames(-1)
	if err != nil {
		return nil, Error("read", Path(root, dir), err)
	}
	var gone []string
	for _, base := range names {
		name := path.Join(dir, base)
		if !ours(base) {
			continue
		}
		if err := root.Remove(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return gone, Error("remove", Path(root, name), err)
		}
		gone = append(gone, name)
	}
	return gone, nil
}

// abandoned reports whether name is a regular file, at least age old, that no
// writer has locked.
func abandoned(root *os.Root, name string, age time.Duration) bool {
	info, err := root.Lstat(name)
	if err != nil || !info.Mode().IsRegular() {
		return false
	}
	if age > 0 && time.Since(info.ModTime()).Abs() < age {
		return false
	}
	f, err := root.OpenFile(name, os.O_RDONLY|syscall.O_NONBLOCK|syscall.O_NOFOLLOW, 0)
	if errors.Is(err, fs.ErrPermission) {
		return true // removing it will tell
	}
	if err != nil {
		return false
	}
	defer f.Close()
	err = syscall.Flock(int(f.Fd()), syscall.LOCK_SH|syscall.LOCK_NB)
	return !errors.Is(err, syscall.EWOULDBLOCK)
}
