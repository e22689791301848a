package export

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"golang.org/x/sync/errgroup"

	"rinca/internal/atomicfile"
	"rinca/internal/rinca"
)

// writers is how many stacks, and how many files of each, are written at once.
const writers = 8

// staged is a stack whose new files are all safe on disk, under temporary
// names.
type staged struct {
	s    *Stack
	root *os.Root
	u    unit
	made bool // the directory is new
	d    *dest
}

func (st *staged) close() { st.root.Close() }

// stage prepares a stack: its directory, the permissions of files that keep
// their content, the new files. On an error nothing of it is left.
func (r *run) stage(s *Stack) (*staged, error) {
	st := &staged{s: s, d: r.d, u: unit{Stack: s.Name}}
	if err := st.openDir(); err != nil {
		return nil, err
	}
	for i := range s.Files {
		f := &s.Files[i]
		if f.Action != Permissions {
			continue
		}
		if err := st.permit(f); err != nil {
			st.abandon()
			st.close()
			return nil, err
		}
	}
	if err := st.writeAll(); err != nil {
		st.abandon()
		st.close()
		return nil, err
	}
	return st, nil
}

// openDir opens the stack's directory, made or mended as planned.
func (st *staged) openDir() error {
	full := filepath.Join(st.d.path, st.s.Name)
	err := st.d.root.Mkdir(st.s.Name, 0o700)
	if err != nil && !errors.Is(err, fs.ErrExist) {
		return atomicfile.Error("create", full, err)
	}
	st.made = err == nil
	root, info, err := st.d.openStack(st.s.Name)
	if err != nil {
		return err
	}
	if root == nil {
		return rinca.Errorf(rinca.Destination, "%s was removed while it was exported to", full).Try("run it again")
	}
	st.root = root
	if change := attrChange(statOf(info), st.s.dirAttr); change != "" {
		if err := st.mendDir(); err != nil {
			st.abandon()
			st.close()
			return err
		}
	}
	return nil
}

func (st *staged) mendDir() error {
	f, err := st.root.Open(".")
	if err != nil {
		return atomicfile.Error("open", st.root.Name(), err)
	}
	defer f.Close()
	err = atomicfile.SetAttr(f, st.s.dirAttr.file())
	// Somebody else's directory that we may write in will do.
	if errors.Is(err, syscall.EPERM) && !st.made && st.s.dirAttr.UID == -1 && st.s.dirAttr.GID == -1 {
		st.s.Notes = append(st.s.Notes, "the directory belongs to somebody else, its permissions stay ("+st.s.DirChange+")")
		st.s.DirChange = ""
		return nil
	}
	if err != nil {
		return atomicfile.Error("change", st.root.Name(), err)
	}
	return nil
}

// permit mends the permissions of a file that keeps its content. A file that
// belongs to somebody else is replaced by a copy.
func (st *staged) permit(f *File) error {
	changed, err := setAttr(st.root, f.Title, f.attr)
	if err == nil {
		f.entry.Stat, f.note = changed, true
		return nil
	}
	data, _, readErr := readRegular(st.root, f.Title)
	if readErr != nil {
		return err
	}
	f.data = rinca.NewSecret(string(data))
	f.copied = true
	return nil
}

// writeAll stages every file that is to be replaced, and keeps another name of
// each old one, so that the stack can be undone.
func (st *staged) writeAll() error {
	moves := make([]move, len(st.s.Files))
	var g errgroup.Group
	g.SetLimit(writers)
	for i := range st.s.Files {
		f := &st.s.Files[i]
		if !f.writes() && !f.copied {
			continue
		}
		g.Go(func() (err error) {
			moves[i], err = st.writeOne(f)
			return err
		})
	}
	err := g.Wait()
	for _, mv := range moves {
		if mv.Temp != "" {
			st.u.Moves = append(st.u.Moves, mv)
		}
	}
	if err != nil || len(st.u.Moves) == 0 {
		return err
	}
	return atomicfile.SyncDir(st.root, ".")
}

func (st *staged) writeOne(f *File) (move, error) {
	mv := move{Title: f.Title, Entry: f.entry, Old: f.disk.kind != absent}
	data := []byte(f.data.Reveal())
	kept := keepOwner(f.attr.file(), f.disk)
	temp, err := atomicfile.Stage(st.root, f.Title, data, kept)
	if kept != f.attr.file() && (errors.Is(err, syscall.EPERM) || errors.Is(err, syscall.EINVAL)) {
		temp, err = atomicfile.Stage(st.root, f.Title, data, f.attr.file())
	}
	if err != nil {
		return move{}, err
	}
	mv.Temp = temp
	if mv.Old {
		mv.Backup = st.backup(f)
	}
	return mv, nil
}

// keepOwner keeps the owner of the file that is replaced where none was asked
// for and we are root: somebody chose it.
func keepOwner(a atomicfile.Attr, disk diskState) atomicfile.Attr {
	if os.Geteuid() != 0 || disk.kind != regular {
		return a
	}
	if a.UID == -1 {
		a.UID = disk.stat.UID
	}
	if a.GID == -1 {
		a.GID = disk.stat.GID
	}
	return a
}

// backup gives the old file another name, or copies it where links are not
// allowed; "" when neither works. Then the stack can only be completed.
func (st *staged) backup(f *File) string {
	name := atomicfile.TempName(f.Title)
	if err := st.root.Link(f.Title, name); err == nil {
		return name
	}
	data, info, err := readRegular(st.root, f.Title)
	if err != nil {
		return ""
	}
	old := statOf(info)
	name, err = atomicfile.Stage(st.root, f.Title, data, atomicfile.Attr{Mode: old.Mode, UID: old.UID, GID: old.GID})
	if err != nil {
		name, err = atomicfile.Stage(st.root, f.Title, data, atomicfile.Mode(old.Mode))
	}
	if err != nil {
		return ""
	}
	return name
}

// abandon removes what was staged.
func (st *staged) abandon() {
	for _, mv := range st.u.Moves {
		_ = st.root.Remove(mv.Temp)
		if mv.Backup != "" {
			_ = st.root.Remove(mv.Backup)
		}
	}
	if st.made {
		_ = st.d.root.Remove(st.s.Name)
	}
}
