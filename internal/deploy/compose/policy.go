package compose

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"rinca/internal/rinca"
)

// maxFile is the largest file, in bytes, that is read into memory.
const maxFile = 16 << 20

// A policy says which paths a project may use: those that lie, with every
// link followed, in its source or in one of its other roots.
type policy struct {
	stack string
	roots []string // links followed
}

func newPolicy(p rinca.Project) policy {
	pol := policy{stack: stackOf(p)}
	for _, root := range append([]string{p.Source}, p.Roots...) {
		if root == "" || !filepath.IsAbs(root) {
			continue
		}
		// A root that is not there yet counts by its name.
		real, err := follow(root)
		if err != nil {
			real = filepath.Clean(root)
		}
		pol.roots = append(pol.roots, real)
	}
	return pol
}

// follow returns path with every link of the part that exists followed.
func follow(path string) (string, error) {
	path = filepath.Clean(path)
	rest := ""
	for {
		real, err := filepath.EvalSymlinks(path)
		if err == nil {
			return filepath.Join(real, rest), nil
		}
		if !errors.Is(err, fs.ErrNotExist) {
			return "", err
		}
		// A link that leads nowhere is not a name that is free: what it
		// leads to may be there later.
		if info, statErr := os.Lstat(path); statErr == nil && info.Mode()&fs.ModeSymlink != 0 {
			return "", err
		}
		parent := filepath.Dir(path)
		if parent == path {
			return "", err
		}
		rest = filepath.Join(filepath.Base(path), rest)
		path = parent
	}
}

func within(root, path string) bool {
	return path == root || strings.HasPrefix(path, strings.TrimSuffix(root, "/")+"/")
}

// check refuses a path outside the roots. What says what uses it, such as
// "env_file of service web".
func (p policy) check(what, path string) error {
	_, err := p.resolve(what, path)
	return err
}

// resolve returns the path with its links followed, and its root.
func (p policy) resolve(what, path string) (real string, err error) {
	if !filepath.IsAbs(path) {
		return "", rinca.Errorf(rinca.Invalid, "%s: %s is no absolute path", what, path)
	}
	real, err = follow(path)
	if err != nil {
		return "", rinca.Errorf(rinca.Invalid, "%s: %s leads nowhere", what, path).Because(err).
			Try("mend the link, or name a path that exists")
	}
	for _, root := range p.roots {
		if within(root, real) {
			return real, nil
		}
	}
	hint := path
	if real != filepath.Clean(path) {
		return "", rinca.Errorf(rinca.Invalid, "%s: %s leads to %s, outside of the source and of the host paths of the stack", what, path, real).
			Try("rinca stack set %s --host-path %s", p.stack, real)
	}
	return "", rinca.Errorf(rinca.Invalid, "%s: %s is outside of the source and of the host paths of the stack", what, path).
		Try("rinca stack set %s --host-path %s", p.stack, hint)
}

// open opens a file that may be used, without a moment in which another file
// could take its place. Missing files are errors that are fs.ErrNotExist.
func (p policy) open(what, path string) (*os.File, error) {
	f, err := p.openAny(what, path)
	if err != nil {
		return nil, err
	}
	info, err := f.Stat()
	if err != nil {
		f.Close()
		return nil, p.unreadable(what, path, err)
	}
	if info.Size() > maxFile {
		f.Close()
		return nil, rinca.Errorf(rinca.Invalid, "%s: %s has %d MB; at most %d are read", what, path, info.Size()>>20, maxFile>>20)
	}
	return f, nil
}

// openAny opens a file of any size.
func (p policy) openAny(what, path string) (*os.File, error) {
	real, err := p.resolve(what, path)
	if err != nil {
		return nil, err
	}
	root, err := os.OpenRoot(filepath.Dir(real))
	if err != nil {
		return nil, p.unreadable(what, path, err)
	}
	defer root.Close()
	// The links have been followed; whatever has become one since is refused.
	f, err := root.OpenFile(filepath.Base(real), os.O_RDONLY|syscall.O_NONBLOCK|syscall.O_NOFOLLOW, 0)
	if err != nil {
		return nil, p.unreadable(what, path, err)
	}
	info, err := f.Stat()
	if err != nil {
		f.Close()
		return nil, p.unreadable(what, path, err)
	}
	if !info.Mode().IsRegular() {
		f.Close()
		return nil, rinca.Errorf(rinca.Invalid, "%s: %s is not a file", what, path).
			Try("if it is an empty directory, remove it: an engine makes one where a mounted file was missing")
	}
	return f, nil
}

func (p policy) unreadable(what, path string, err error) error {
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return rinca.Errorf(rinca.NotFound, "%s: %s does not exist", what, path).Because(err)
	case errors.Is(err, fs.ErrPermission):
		return rinca.Errorf(rinca.Forbidden, "%s: %s cannot be read by rinca", what, path).Because(err).Try("ls -l %s", path)
	}
	return rinca.Errorf(rinca.Invalid, "%s: %s cannot be read", what, path).Because(err)
}
