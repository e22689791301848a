package git

import (
	"context"
	"errors"
	"os"
	"path"
	"strconv"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"

	"rinca/internal/atomicfile"
)

// manyFiles is from where on one sync of the whole file system is cheaper than
// one of each file.
const manyFiles = 16

// A staged is a file, or a whole folder that is new, ready to be moved.
type staged struct {
	from string // a name in the root
	to   string // a path of the repository
}

// A stager writes new files beside Dest.
type stager struct {
	w       *work
	sync    bool              // each file, at once
	missing map[string]string // by folder: the first folder of its path that is not there
	ids     map[string]string // of those first folders
	moves   []staged
	dir     string // that was written to last
	root    *os.Root
}

// stage writes the new files beside Dest, and makes them durable. Folders that
// are new are made there too: they are moved with all that is in them.
func (w *work) stage(ctx context.Context, files []entry) ([]staged, error) {
	dir := w.staging()
	if err := w.root.Mkdir(dir, 0o700); err != nil {
		return nil, atomicfile.Error("make", atomicfile.Path(w.root, dir), err)
	}
	s := &stager{w: w, sync: len(files) < manyFiles, missing: map[string]string{".": ""}, ids: map[string]string{}}
	defer s.close()
	for i, e := range files {
		if err := s.add(ctx, i, e); err != nil {
			return nil, err
		}
	}
	if !s.sync || len(s.ids) > 0 {
		return s.moves, w.syncFileSystem(dir)
	}
	return s.moves, nil
}

func (w *work) unstage() { _ = w.root.RemoveAll(w.staging()) }

func (s *stager) close() {
	if s.root != nil {
		s.root.Close()
	}
}

// firstMissing returns the first folder on the way to dir that is not there, ""
// if all of them are.
func (s *stager) firstMissing(dir string) string {
	if first, known := s.missing[dir]; known {
		return first
	}
	first := s.firstMissing(path.Dir(dir))
	if first == "" {
		if info, err := s.w.root.Lstat(s.w.at(dir)); err != nil || !info.IsDir() {
			first = dir
		}
	}
	s.missing[dir] = first
	return first
}

// add writes one file.
func (s *stager) add(ctx context.Context, i int, e entry) error {
	first := s.firstMissing(path.Dir(e.path))
	if first == "" {
		name := strconv.Itoa(i)
		s.moves = append(s.moves, staged{from: s.w.staging() + "/" + name, to: e.path})
		return s.write(ctx, ".", name, e)
	}
	id, known := s.ids[first]
	if !known {
		id = "d" + strconv.Itoa(len(s.ids))
		s.ids[first] = id
		s.moves = append(s.moves, staged{from: s.w.staging() + "/" + id, to: first})
	}
	return s.write(ctx, id+strings.TrimPrefix(path.Dir(e.path), first), path.Base(e.path), e)
}

// enter makes a folder of the staging directory the current one.
func (s *stager) enter(dir string) error {
	if s.root != nil && dir == s.dir {
		return nil
	}
	s.close()
	s.root = nil
	at := s.w.staging()
	for part := range strings.SplitSeq(dir, "/") {
		at = path.Join(at, part)
		err := s.w.root.Mkdir(at, 0o755)
		if err == nil {
			err = s.w.root.Chmod(at, 0o755) // whatever the umask: containers read it
		}
		if err != nil && !errors.Is(err, os.ErrExist) {
			return atomicfile.Error("make", atomicfile.Path(s.w.root, at), err)
		}
	}
	root, err := s.w.root.OpenRoot(at)
	if err != nil {
		return atomicfile.Error("open", atomicfile.Path(s.w.root, at), err)
	}
	s.root, s.dir = root, dir
	return nil
}

func (s *stager) write(ctx context.Context, dir, name string, e entry) error {
	if err := s.enter(dir); err != nil {
		return err
	}
	full := atomicfile.Path(s.w.root, s.w.at(e.path))
	if e.kind == link {
		target, err := readSmall(s.w.mir.st, e.hash)
		if err != nil {
			return err
		}
		return atomicfile.Error("write", full, s.root.Symlink(target, name))
	}
	f, err := s.root.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return atomicfile.Error("write", full, err)
	}
	defer f.Close()
	err = copyBlob(ctx, f, s.w.mir.st, e.hash)
	if err == nil {
		err = f.Chmod(modeOf(e.kind))
	}
	if err == nil && s.sync {
		err = f.Sync()
	}
	if _, bad := errors.AsType[unreadable](err); bad {
		return err
	}
	return atomicfile.Error("write", full, err)
}

// syncFileSystem makes everything durable that was written to the file system
// a directory lies on.
func (w *work) syncFileSystem(dir string) error {
	d, err := w.root.Open(dir)
	if err != nil {
		return atomicfile.Error("sync", atomicfile.Path(w.root, dir), err)
	}
	defer d.Close()
	if err := unix.Syncfs(int(d.Fd())); err != nil && !errors.Is(err, syscall.ENOSYS) {
		return atomicfile.Error("sync", atomicfile.Path(w.root, dir), err)
	}
	return nil
}
