package deploy

import (
	"bytes"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"syscall"

	"rinca/internal/atomicfile"
	"rinca/internal/rinca"
)

// nonblock keeps a FIFO from being waited for.
const nonblock = syscall.O_NONBLOCK

// writeInline makes dest hold the files that are kept with a stack. It writes
// only what differs, and removes only what it had written before: containers
// may keep data beside the files.
func writeInline(dest string, inline []rinca.InlineFile) (files, error) {
	if len(inline) == 0 {
		return files{}, rinca.Errorf(rinca.Invalid, "the stack has no files").Try("rinca stack set NAME --file compose.yaml")
	}
	if err := os.MkdirAll(dest, 0o755); err != nil {
		return files{}, rinca.Errorf(rinca.Destination, "make the stack's folder: %w", err)
	}
	root, err := os.OpenRoot(dest)
	if err != nil {
		return files{}, rinca.Errorf(rinca.Destination, "open the stack's folder: %w", err)
	}
	defer root.Close()
	out := files{root: dest, dir: dest, live: dest}
	var names []string
	for _, f := range inline {
		if !filepath.IsLocal(f.Path) {
			return files{}, rinca.Errorf(rinca.Invalid, "the file %q leaves the stack's folder", f.Path)
		}
		name := filepath.Clean(f.Path)
		names = append(names, name)
		out.tracked = append(out.tracked, filepath.Join(dest, name))
		if err := writeIfDiffers(root, name, []byte(f.Content), 0o644); err != nil {
			return files{}, err
		}
	}
	return out, forget(root, dest, names)
}

func writeIfDiffers(root *os.Root, name string, data []byte, mode fs.FileMode) error {
	if old, err := root.ReadFile(name); err == nil && bytes.Equal(old, data) {
		return nil
	}
	if dir := filepath.Dir(name); dir != "." {
		if err := root.MkdirAll(dir, 0o755); err != nil {
			return rinca.Errorf(rinca.Destination, "make %s: %w", dir, err)
		}
	}
	return atomicfile.Write(root, name, data, atomicfile.Mode(mode))
}

// forget removes the files of an earlier list that are not in this one, and
// keeps the list beside the folder.
func forget(root *os.Root, dest string, names []string) error {
	beside := dest + ".files"
	var before []string
	if data, err := os.ReadFile(beside); err == nil {
		_ = json.Unmarshal(data, &before) // a damaged list removes nothing
	}
	slices.Sort(names)
	for _, name := range before {
		if slices.Contains(names, name) || !filepath.IsLocal(name) {
			continue
		}
		if err := root.Remove(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return rinca.Errorf(rinca.Destination, "remove %s: %w", name, err)
		}
	}
	if slices.Equal(before, names) {
		return nil
	}
	data, err := json.Marshal(names)
	if err != nil {
		return rinca.Errorf(rinca.Internal, "encode the list of files: %w", err)
	}
	up, err := os.OpenRoot(filepath.Dir(dest))
	if err != nil {
		return rinca.Errorf(rinca.Destination, "open the stack's folder: %w", err)
	}
	defer up.Close()
	return atomicfile.Write(up, filepath.Base(beside), data, atomicfile.Mode(0o600))
}
