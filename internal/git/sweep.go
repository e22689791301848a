package git

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"rinca/internal/atomicfile"
	"rinca/internal/lazyregexp"
	"rinca/internal/rinca"
)

var mirrorName = lazyregexp.New(`^[0-9a-f]{24}$`)

// Sweep removes the mirrors of repositories that no source names, but for
// those that somebody is using. The accounts of the sources count by name.
func (m *Mirrors) Sweep(ctx context.Context, keep []rinca.Source) error {
	kept := map[string]bool{}
	for _, s := range keep {
		if s.Repo == "" {
			continue
		}
		a, err := parseAddress(s, nil)
		if err != nil {
			continue // it has no mirror
		}
		kept[a.name()] = true
		a.account = s.Account
		kept[a.name()] = true
	}
	entries, err := os.ReadDir(m.Dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return atomicfile.Error("read", m.Dir, err)
	}
	for _, e := range entries {
		if ctx.Err() != nil {
			return ended(ctx)
		}
		if !e.IsDir() || !mirrorName.MatchString(e.Name()) || kept[e.Name()] {
			continue
		}
		if err := removeMirror(filepath.Join(m.Dir, e.Name())); err != nil {
			return err
		}
	}
	return nil
}

// removeMirror removes a mirror, unless somebody uses it.
func removeMirror(dir string) error {
	for _, name := range []string{"fetch.lock", "data.lock"} {
		f, err := os.OpenFile(filepath.Join(dir, name), os.O_RDWR|os.O_CREATE|syscall.O_NOFOLLOW, 0o600)
		if err != nil {
			return atomicfile.Error("lock", filepath.Join(dir, name), err)
		}
		defer f.Close()
		if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
			return nil //nolint:nilerr // in use
		}
	}
	// What is promised goes before what it is made of.
	for _, name := range []string{"commits", ""} {
		if err := os.RemoveAll(filepath.Join(dir, name)); err != nil {
			return atomicfile.Error("remove", filepath.Join(dir, name), err)
		}
	}
	return nil
}
