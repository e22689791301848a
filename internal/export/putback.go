package export

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"path/filepath"
	"time"

	"rinca/internal/atomicfile"
	"rinca/internal/rinca"
)

// A Saved file is an exported one with the content that it had.
type Saved struct {
	Path string      `json:"path"` // destination, stack, title
	Data []byte      `json:"data"`
	Mode fs.FileMode `json:"mode"`
	UID  int         `json:"uid"`
	GID  int         `json:"gid"`
}

// PutBack gives exported files the content they had, under the lock of
// exports; a file that has it is not written. Their versions are not known
// then: the next export asks the vault for the items, and takes nothing for
// somebody's edit. What has to go back does not wait for a vault: when an
// export keeps the lock for longer than Wait, it is done nevertheless, and not
// noted. Its errors have code Destination.
func (e *Exporter) PutBack(ctx context.Context, files []Saved) error {
	byDest := map[string][]Saved{}
	for _, f := range files {
		dest := filepath.Dir(filepath.Dir(f.Path))
		byDest[dest] = append(byDest[dest], f)
	}
	for dest, files := range byDest {
		r, done, err := e.open(ctx, Request{Dest: dest})
		if errors.Is(err, errBusy) {
			r, done, err = e.openUnlocked(dest)
		}
		if err != nil {
			return err
		}
		err = r.putBack(files)
		done()
		if err != nil {
			return err
		}
	}
	return nil
}

func (e *Exporter) openUnlocked(dest string) (*run, func(), error) {
	d, err := openDest(dest, true)
	if err != nil {
		return nil, nil, err
	}
	return &run{Exporter: e, d: d, m: newManifest()}, d.close, nil
}

func (r *run) putBack(files []Saved) error {
	for _, f := range files {
		if err := r.putBackFile(f); err != nil {
			return err
		}
	}
	return r.m.save(r.d.root, r.d.key)
}

func (r *run) putBackFile(f Saved) error {
	stack, title := filepath.Base(filepath.Dir(f.Path)), filepath.Base(f.Path)
	if err := r.d.root.Mkdir(stack, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return atomicfile.Error("create", filepath.Join(r.d.path, stack), err)
	}
	root, _, err := r.d.openStack(stack)
	if err != nil {
		return err
	}
	if root == nil {
		return rinca.Errorf(rinca.Destination, "%s was removed while its files were put back", filepath.Join(r.d.path, stack)).Try("run it again")
	}
	defer root.Close()
	now, info, err := readRegular(root, title)
	if err != nil || !bytes.Equal(now, f.Data) {
		if err := atomicfile.Write(root, title, f.Data, atomicfile.Attr{Mode: f.Mode, UID: f.UID, GID: f.GID}); err != nil {
			return err
		}
		if info, err = root.Lstat(title); err != nil {
			return atomicfile.Error("read", f.Path, err)
		}
	}
	name := stack + "/" + title
	entry, ours := r.m.Files[name]
	if !ours {
		return nil
	}
	digest := r.d.key.digest(name, f.Data)
	if entry.Digest == digest {
		return nil
	}
	entry.Digest, entry.Stat, entry.ExportedAt = digest, statOf(info), r.Now()
	entry.Version, entry.UpdatedAt = 0, time.Time{}
	r.m.put(name, entry)
	return nil
}
