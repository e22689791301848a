package git

import (
	"errors"
	"io"
	"io/fs"
	"maps"
	"os"
	"path"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/go-git/go-git/v5/plumbing"

	"rinca/internal/atomicfile"
)

// wallNow is what file systems stamp files with; tests of stamps need no other.
func wallNow() time.Time { return time.Now() }

// modeOf is the mode of a file: containers read it, whoever they run as.
func modeOf(kind byte) fs.FileMode {
	if kind == executable {
		return 0o755
	}
	return 0o644
}

func kindOfFile(info fs.FileInfo) byte {
	switch {
	case info.Mode()&fs.ModeSymlink != 0:
		return link
	case info.Mode().Perm()&0o100 != 0:
		return executable
	}
	return regular
}

// announce notes every file that is ours or is about to be, before anything
// changes: after a crash the next checkout knows what it may touch.
func (w *work) announce(p *plan) error {
	man := &manifest{Version: 1, Files: maps.Clone(w.man.Files)}
	for _, e := range p.write {
		if _, known := man.Files[e.path]; !known {
			man.Files[e.path] = manifestFile{Hash: e.hash.String(), Kind: string(e.kind)}
		}
	}
	return man.write(w.root, w.manifestName())
}

// move puts what was staged into place and removes the old files.
func (w *work) move(p *plan, moves []staged) error {
	touched := map[string]bool{}
	first, later := p.order()
	for _, old := range first {
		if err := w.removeFile(p, old, touched); err != nil {
			return err
		}
	}
	made := map[string]bool{".": true}
	for _, s := range moves {
		if err := w.makeFolders(path.Dir(s.to), made, touched); err != nil {
			return err
		}
		if info, err := w.root.Lstat(w.at(s.to)); err == nil && info.IsDir() {
			if err := w.root.Remove(w.at(s.to)); err != nil { // Docker makes empty ones
				return w.conflict(w.at(s.to), "is a folder")
			}
		}
		if err := w.root.Rename(s.from, w.at(s.to)); err != nil {
			return atomicfile.Error("write", atomicfile.Path(w.root, w.at(s.to)), err)
		}
		touched[path.Dir(s.to)] = true
	}
	for _, old := range later {
		if err := w.removeFile(p, old, touched); err != nil {
			return err
		}
	}
	return w.syncFolders(touched)
}

// order tells the files that are in the way of new ones from those that go
// last.
func (p *plan) order() (first, later []string) {
	p.need = map[string]bool{}
	for _, e := range p.write {
		for at := e.path; at != "." && !p.need[at]; at = path.Dir(at) {
			p.need[at] = true
		}
	}
	for _, old := range p.remove {
		inTheWay := p.need[old]
		for at := path.Dir(old); at != "." && !inTheWay; at = path.Dir(at) {
			inTheWay = p.writes(at)
		}
		if inTheWay {
			first = append(first, old)
		} else {
			later = append(later, old)
		}
	}
	slices.Sort(first)
	slices.Sort(later)
	return first, later
}

// writes reports whether a file is to be written at a path.
func (p *plan) writes(at string) bool {
	_, found := slices.BinarySearchFunc(p.write, at, func(e entry, at string) int { return strings.Compare(e.path, at) })
	return found
}

// removeFile removes a file of ours, and the folders that it leaves empty and
// that nothing needs.
func (w *work) removeFile(p *plan, old string, touched map[string]bool) error {
	for at := path.Dir(old); at != "."; at = path.Dir(at) {
		if info, err := w.root.Lstat(w.at(at)); err == nil && !info.IsDir() {
			return nil // somebody has put something in the folder's place
		}
	}
	if info, err := w.root.Lstat(w.at(old)); err == nil && info.IsDir() {
		return nil
	}
	err := w.root.Remove(w.at(old))
	if err != nil && !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, syscall.ENOTDIR) {
		return atomicfile.Error("remove", atomicfile.Path(w.root, w.at(old)), err)
	}
	dir := path.Dir(old)
	for ; dir != "."; dir = path.Dir(dir) {
		if p.need[dir] && !p.writes(dir) || w.root.Remove(w.at(dir)) != nil {
			break // it stays a folder, or holds something
		}
		delete(touched, dir)
	}
	touched[dir] = true
	return nil
}

// makeFolders makes a folder and those that it lies in.
func (w *work) makeFolders(dir string, made, touched map[string]bool) error {
	if made[dir] {
		return nil
	}
	if err := w.makeFolders(path.Dir(dir), made, touched); err != nil {
		return err
	}
	made[dir] = true
	touched[path.Dir(dir)] = true
	return w.makeDir(w.at(dir))
}

// syncFolders makes what was moved durable.
func (w *work) syncFolders(touched map[string]bool) error {
	if len(touched) >= manyFiles {
		return w.syncFileSystem(w.base)
	}
	for dir := range touched {
		err := atomicfile.SyncDir(w.root, path.Join(w.base, dir))
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}

// hashOf returns the hash of what a file holds, zero when it cannot be read.
func (w *work) hashOf(name string, info fs.FileInfo) plumbing.Hash {
	if info.Mode()&fs.ModeSymlink != 0 {
		target, err := w.root.Readlink(name)
		if err != nil {
			return plumbing.ZeroHash
		}
		sum := newBlobHash(int64(len(target)))
		_, _ = io.WriteString(sum, target)
		return sumOf(sum)
	}
	if !info.Mode().IsRegular() {
		return plumbing.ZeroHash
	}
	f, err := w.root.OpenFile(name, os.O_RDONLY|syscall.O_NONBLOCK|syscall.O_NOFOLLOW, 0)
	if err != nil {
		return plumbing.ZeroHash
	}
	defer f.Close()
	sum := newBlobHash(info.Size())
	if _, err := io.Copy(sum, f); err != nil {
		return plumbing.ZeroHash
	}
	return sumOf(sum)
}
