package inject

import (
	"errors"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"

	"rinca/internal/atomicfile"
	"rinca/internal/rinca"
)

// An Output is a file to write: its path below the destination, and its text.
type Output struct {
	Name string
	Text rinca.Secret
}

// A Writer puts files into a directory.
type Writer struct {
	Dir  string
	Attr atomicfile.Attr
	// Overwrite decides whether files that exist and would change may be
	// replaced; it gets their paths. Nil means no.
	Overwrite func(paths []string) (bool, error)
}

// ParseMode reads an octal mode of a rendered file: its owner can read it, and
// not everybody can write it. Unlike an exported file it may be a script.
func ParseMode(s string) (fs.FileMode, error) {
	n, err := strconv.ParseUint(strings.TrimPrefix(s, "0o"), 8, 32)
	switch {
	case err != nil || n > 0o777:
		return 0, rinca.Errorf(rinca.Usage, "mode %q is not an octal number up to 0777", s).Try(`a mode such as "0640"`)
	case n&0o400 == 0:
		return 0, rinca.Errorf(rinca.Usage, "mode %q keeps the owner from reading the file", s).Try(`a mode such as "0600"`)
	case n&0o002 != 0:
		return 0, rinca.Errorf(rinca.Usage, "mode %q lets everybody write the file", s).Try(`a mode such as "0660"`)
	}
	return fs.FileMode(n), nil
}

// A Result lists what a Write did, by path.
type Result struct {
	Written   []string
	Unchanged []string
}

// ErrExists is the message of op when a file is there and nobody can be asked.
const ErrExists = "cannot prompt for confirmation. Use the '-f' or '--force' flag to skip confirmation."

// Write writes all files, or none: everything is staged beside its place
// before the first file is replaced, and what was replaced is put back when a
// later one cannot be. A file that is the same already is left alone.
func (w *Writer) Write(outputs []Output) (Result, error) {
	made, err := makeDirs(w.Dir)
	if err != nil {
		return Result{}, err
	}
	result, err := w.within(outputs)
	if err != nil {
		for _, dir := range slices.Backward(made) {
			_ = os.Remove(dir) // only if it is empty, as we made it
		}
	}
	return result, err
}

// makeDirs makes dir and its parents and returns those that were not there.
func makeDirs(dir string) ([]string, error) {
	var missing []string
	for d := filepath.Clean(dir); ; d = filepath.Dir(d) {
		if _, err := os.Stat(d); !errors.Is(err, fs.ErrNotExist) || d == filepath.Dir(d) {
			break
		}
		missing = append(missing, d)
	}
	slices.Reverse(missing)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, atomicfile.Error("make", dir, err)
	}
	return missing, nil
}

func (w *Writer) within(outputs []Output) (Result, error) {
	var result Result
	root, err := os.OpenRoot(w.Dir)
	if err != nil {
		return result, atomicfile.Error("open", w.Dir, err)
	}
	defer root.Close()
	var todo []Output
	var exist []string
	for _, o := range outputs {
		same, there, err := w.compare(root, o)
		if err != nil {
			return result, err
		}
		full := filepath.Join(w.Dir, o.Name)
		if same {
			result.Unchanged = append(result.Unchanged, full)
			continue
		}
		if there {
			exist = append(exist, full)
		}
		todo = append(todo, o)
	}
	if err := w.mayOverwrite(exist); err != nil {
		return result, err
	}
	j := &job{root: root}
	err = j.stage(todo, w.Attr)
	if err == nil {
		err = j.swap()
	}
	if err != nil {
		j.undo()
		return Result{}, err
	}
	for _, o := range todo {
		result.Written = append(result.Written, filepath.Join(w.Dir, o.Name))
	}
	return result, nil
}

// compare reports whether the file is there, and the same in every respect.
func (w *Writer) compare(root *os.Root, o Output) (same, there bool, err error) {
	info, err := root.Lstat(o.Name)
	if errors.Is(err, fs.ErrNotExist) {
		return false, false, nil
	}
	if err != nil {
		return false, false, atomicfile.Error("write", filepath.Join(w.Dir, o.Name), err)
	}
	if err := atomicfile.CheckTarget(root, o.Name); err != nil {
		return false, true, err
	}
	if !info.Mode().IsRegular() || info.Size() != int64(o.Text.Len()) || info.Mode().Perm() != w.Attr.Mode.Perm() {
		return false, true, nil
	}
	if st, ok := info.Sys().(*syscall.Stat_t); !ok ||
		w.Attr.UID >= 0 && int(st.Uid) != w.Attr.UID || w.Attr.GID >= 0 && int(st.Gid) != w.Attr.GID {
		return false, true, nil
	}
	data, err := root.ReadFile(o.Name)
	return err == nil && rinca.NewSecret(string(data)).Equal(o.Text), true, nil
}

func (w *Writer) mayOverwrite(paths []string) error {
	if len(paths) == 0 {
		return nil
	}
	what := paths[0] + " exists"
	if len(paths) > 1 {
		what = strings.Join(paths, ", ") + " exist"
	}
	if w.Overwrite == nil {
		return rinca.Errorf(rinca.Conflict, "%s: %s", what, ErrExists)
	}
	yes, err := w.Overwrite(paths)
	if err == nil && !yes {
		err = rinca.Errorf(rinca.Canceled, "%s, and stays as it is", what)
	}
	return err
}

// job replaces several files.
type job struct {
	root   *os.Root
	dirs   []string // made on the way
	staged []move
	done   []move
}

// move is a file on its way, from a temporary name to its own, and what was
// there before.
type move struct {
	temp, name string
	old        func() // puts it back
}

// stage writes every file beside its place.
func (j *job) stage(outputs []Output, attr atomicfile.Attr) error {
	for _, o := range outputs {
		if err := j.mkdirs(path.Dir(o.Name)); err != nil {
			return err
		}
		if err := atomicfile.SweepName(j.root, o.Name); err != nil {
			return err
		}
		temp, err := atomicfile.Stage(j.root, o.Name, []byte(o.Text.Reveal()), attr)
		if err != nil {
			return err
		}
		j.staged = append(j.staged, move{temp: temp, name: o.Name})
	}
	return nil
}

// swap puts every staged file into its place.
func (j *job) swap() error {
	several := len(j.staged) > 1
	for len(j.staged) > 0 {
		m := j.staged[0]
		if several {
			var err error
			if m.old, err = j.remember(m.name); err != nil {
				return err
			}
		}
		if err := atomicfile.Rename(j.root, m.temp, m.name); err != nil {
			return err
		}
		j.staged = j.staged[1:]
		j.done = append(j.done, m)
	}
	for _, m := range j.done {
		if err := atomicfile.SyncDir(j.root, path.Dir(m.name)); err != nil {
			return err
		}
	}
	return nil
}

// remember returns a function that makes name what it is now.
func (j *job) remember(name string) (func(), error) {
	info, err := j.root.Lstat(name)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return func() { _ = j.root.Remove(name) }, nil
	case err != nil:
		return nil, atomicfile.Error("read", atomicfile.Path(j.root, name), err)
	case info.Mode()&fs.ModeSymlink != 0:
		link, err := j.root.Readlink(name)
		if err != nil {
			return nil, atomicfile.Error("read", atomicfile.Path(j.root, name), err)
		}
		return func() {
			_ = j.root.Remove(name)
			_ = j.root.Symlink(link, name)
		}, nil
	}
	data, err := j.root.ReadFile(name)
	if err != nil {
		return nil, atomicfile.Error("read", atomicfile.Path(j.root, name), err)
	}
	attr := atomicfile.Mode(info.Mode().Perm())
	if st, ok := info.Sys().(*syscall.Stat_t); ok {
		attr.UID, attr.GID = int(st.Uid), int(st.Gid)
	}
	return func() { _ = atomicfile.Write(j.root, name, data, attr) }, nil
}

// mkdirs makes the directories of a file that are not there.
func (j *job) mkdirs(dir string) error {
	if dir == "." {
		return nil
	}
	if err := j.mkdirs(path.Dir(dir)); err != nil {
		return err
	}
	err := j.root.Mkdir(dir, 0o700)
	switch {
	case err == nil:
		j.dirs = append(j.dirs, dir)
	case errors.Is(err, fs.ErrExist):
		err = nil
	default:
		err = atomicfile.Error("make", atomicfile.Path(j.root, dir), err)
	}
	return err
}

// undo puts back what was there before.
func (j *job) undo() {
	for _, m := range j.staged {
		_ = j.root.Remove(m.temp)
	}
	for _, m := range slices.Backward(j.done) {
		if m.old != nil {
			m.old()
		}
	}
	for _, dir := range slices.Backward(j.dirs) {
		_ = j.root.Remove(dir)
	}
}
