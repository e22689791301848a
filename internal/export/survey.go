package export

import (
	"errors"
	"io/fs"
	"os"
	"path"

	"rinca/internal/atomicfile"

	"rinca/internal/rinca"
)

// survey looks at what is on disk for a stack.
func (r *run) survey(c choice) *stackFacts {
	s := &stackFacts{choice: c}
	if len(c.items) == 0 {
		return s
	}
	root, info, err := r.d.openStack(c.stack)
	if err != nil {
		s.err = err
		return s
	}
	if root != nil {
		defer root.Close()
		s.dir = dirState{exists: true, stat: statOf(info)}
		if r.sweep {
			if _, err := atomicfile.Sweep(root, ".", nil); err != nil {
				s.err = err
				return s
			}
		}
	}
	for _, item := range c.items {
		f := &fileFacts{name: path.Join(c.stack, item.Title), item: item}
		s.files = append(s.files, f)
		if rinca.TitleProblem(item.Title) != "" {
			continue // it names no file to look at
		}
		f.entry, f.known = r.m.Files[f.name]
		if root == nil {
			continue
		}
		if f.disk, err = r.look(root, f.name, f.entry, f.known); err != nil {
			s.err = err
			return s
		}
	}
	return s
}

// lookAt is look for a single file.
func (r *run) lookAt(name string, e entry) (diskState, error) {
	stack, _ := split(name)
	root, _, err := r.d.openStack(stack)
	if err != nil || root == nil {
		return diskState{}, err
	}
	defer root.Close()
	return r.look(root, name, e, true)
}

// look tells what is under a name, and whether it is what e says. A file is
// read only when its size is right and its times are not.
func (r *run) look(root *os.Root, name string, e entry, known bool) (diskState, error) {
	_, title := split(name)
	info, err := root.Lstat(title)
	if errors.Is(err, fs.ErrNotExist) {
		return diskState{}, nil
	}
	if err != nil {
		return diskState{}, atomicfile.Error("read", atomicfile.Path(root, title), err)
	}
	disk := diskState{kind: kindOf(info.Mode()), stat: statOf(info)}
	if !known || disk.kind != regular || disk.stat.Size != e.Stat.Size {
		return disk, nil
	}
	if disk.stat == e.Stat {
		disk.intact = true
		return disk, nil
	}
	// Only the content decides. One that may not be read is replaced.
	data, info, err := readRegular(root, title)
	if err == nil && equalMAC(r.d.key.digest(name, data), e.Digest) {
		disk.intact, disk.moved, disk.stat = true, true, statOf(info)
	}
	return disk, nil
}
