package export

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"rinca/internal/atomicfile"
	"rinca/internal/rinca"
)

// A dest is the directory that exports go to. Everything in it is reached
// through root, which no symbolic link leads out of.
type dest struct {
	root *os.Root // nil when the directory does not exist and is not to be made
	path string   // where it really is
	// moved tells that the path that was asked for is a symbolic link.
	moved bool
	key   key
}

// openDest opens the destination, following a symbolic link once. With create
// a missing directory is made, but not its parents: a missing parent means that
// a disk is not mounted more often than that it should be made.
func openDest(name string, create bool) (*dest, error) {
	if name == "" {
		return nil, rinca.Errorf(rinca.Usage, "no destination is named").Try("--dest DIR, or the variable DEST_ROOT")
	}
	asked, err := filepath.Abs(name)
	if err != nil {
		return nil, atomicfile.Error("open", name, err)
	}
	if err := checkParent(asked); err != nil {
		return nil, err
	}
	if create {
		if err := os.Mkdir(asked, 0o755); err == nil {
			if err := os.Chmod(asked, 0o755); err != nil { //nolint:gosec // names of stacks are no secret; each stack's directory is 0700
				return nil, atomicfile.Error("create", asked, err)
			}
		} else if !errors.Is(err, fs.ErrExist) {
			return nil, destError(asked, err)
		}
	}
	path, err := filepath.EvalSymlinks(asked)
	if errors.Is(err, fs.ErrNotExist) && !create {
		return &dest{path: asked}, nil
	}
	if err != nil {
		return nil, destError(asked, err)
	}
	info, err := os.Stat(path)
	if err != nil {
		return nil, destError(asked, err)
	}
	if !info.IsDir() {
		return nil, rinca.Errorf(rinca.Destination, "the destination %s is not a directory", asked).Try("--dest DIR, or the variable DEST_ROOT")
	}
	root, err := os.OpenRoot(path)
	if err != nil {
		return nil, destError(asked, err)
	}
	return &dest{root: root, path: path, moved: path != asked}, nil
}

func checkParent(asked string) error {
	parent := filepath.Dir(asked)
	_, err := os.Stat(parent)
	if errors.Is(err, fs.ErrNotExist) {
		return rinca.Errorf(rinca.Destination, "the destination %s cannot be made: %s does not exist", asked, parent).
			Try("mount the disk it should be on, or: sudo mkdir -p %s", atomicfile.Quote(asked))
	}
	if err != nil {
		return destError(asked, err)
	}
	return nil
}

// destError is about the destination itself, so its parent is what has to be
// mended.
func destError(asked string, err error) error {
	return atomicfile.Error("open the destination", asked, err)
}

// close lets go of the directory.
func (d *dest) close() {
	if d.root != nil {
		d.root.Close()
	}
}

// makeState makes the directory for the lock, the key, the manifest and the
// journal.
func (d *dest) makeState() error {
	if err := d.root.Mkdir(stateDir, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return atomicfile.Error("create", filepath.Join(d.path, stateDir), err)
	}
	return d.checkState()
}

// checkState refuses a state directory that is none: a link there would let
// somebody else choose what we take for our own.
func (d *dest) checkState() error {
	info, err := d.root.Lstat(stateDir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	full := filepath.Join(d.path, stateDir)
	if err != nil {
		return atomicfile.Error("read", full, err)
	}
	if !info.IsDir() {
		return rinca.Errorf(rinca.Destination, "%s is not a directory", full).Try("move it away: mv %s %s", atomicfile.Quote(full), atomicfile.Quote(full+".old"))
	}
	return nil
}

// openStack opens the directory of a stack; nil when there is none. A symbolic
// link is refused: it would lead to another stack's files, or out.
func (d *dest) openStack(stack string) (*os.Root, fs.FileInfo, error) {
	if d.root == nil {
		return nil, nil, nil
	}
	full := filepath.Join(d.path, stack)
	before, err := d.root.Lstat(stack)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil, nil
	}
	if err != nil {
		return nil, nil, atomicfile.Error("read", full, err)
	}
	if before.Mode()&fs.ModeSymlink != 0 {
		return nil, nil, rinca.Errorf(rinca.Destination, "the directory of the stack, %s, is a symbolic link", full).
			Try("replace it by a directory, or a mount: rm %s", atomicfile.Quote(full))
	}
	if !before.IsDir() {
		return nil, nil, rinca.Errorf(rinca.Destination, "%s is not a directory", full).Try("move it away: mv %s %s", atomicfile.Quote(full), atomicfile.Quote(full+".old"))
	}
	root, err := d.root.OpenRoot(stack)
	if err != nil {
		return nil, nil, atomicfile.Error("open", full, err)
	}
	info, err := root.Stat(".")
	if err != nil || !os.SameFile(before, info) {
		root.Close()
		return nil, nil, rinca.Errorf(rinca.Destination, "%s was replaced while it was opened", full).Because(err)
	}
	return root, info, nil
}

// stateError is about the state directory. When it belongs to somebody else,
// this user cannot export here at all, so the hint is about all of it.
func (d *dest) stateError(verb, name string, err error) error {
	e := atomicfile.Error(verb, filepath.Join(d.path, name), err)
	info, statErr := os.Stat(filepath.Join(d.path, stateDir))
	if !errors.Is(err, fs.ErrPermission) || statErr != nil {
		return e
	}
	return rinca.Errorf(rinca.Destination, "%w", e).
		Try("run as uid %d, who exported here before, or: %s", statOf(info).UID, atomicfile.Mend(d.path))
}
