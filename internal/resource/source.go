package resource

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"rinca/internal/git"
	"rinca/internal/rinca"
)

// ReadFiles returns the TOML files of a folder: those of the paths, which are
// files and folders of it, or all of them. Symbolic links that lead out of it
// are refused, and hidden folders left out. Name is what messages call the
// folder; "" calls files by their paths in it.
func ReadFiles(dir, name string, paths []string) ([]File, error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, rinca.Errorf(rinca.NotFound, "open the folder %s: %w", cut(dir), err).Try("ls -ld %s", dir)
	}
	defer root.Close()
	t := &tree{root: root, name: name, seen: map[string]bool{}}
	if len(paths) == 0 {
		paths = []string{"."}
	}
	for _, p := range paths {
		if err := t.add(path.Clean(filepath.ToSlash(p))); err != nil {
			return nil, err
		}
	}
	slices.SortFunc(t.files, func(a, b File) int { return strings.Compare(a.Path, b.Path) })
	if len(t.files) == 0 {
		return nil, rinca.Errorf(rinca.NotFound, "there is no .toml file in %s", orHere(name, paths)).Try("name the folder that has the resources")
	}
	return t.files, nil
}

func orHere(name string, paths []string) string {
	if name == "" {
		name = "the source"
	}
	if len(paths) > 0 && paths[0] != "." {
		return cut(strings.Join(paths, ", ")) + " of " + name
	}
	return name
}

// A tree is a folder while it is read.
type tree struct {
	root  *os.Root
	name  string
	seen  map[string]bool
	files []File
	size  int
}

// add adds a file, or the files of a folder.
func (t *tree) add(p string) error {
	if !filepath.IsLocal(p) {
		return rinca.Errorf(rinca.Invalid, "the path %q leads out of the folder", cut(p))
	}
	info, err := t.root.Stat(p)
	if err != nil {
		return rinca.Errorf(rinca.NotFound, "read %s: %w", cut(p), err).Try("is the path right?")
	}
	if !info.IsDir() {
		return t.read(p)
	}
	return fs.WalkDir(t.root.FS(), p, func(at string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return rinca.Errorf(rinca.Destination, "read %s: %w", cut(at), err)
		case d.IsDir():
			if at != p && strings.HasPrefix(d.Name(), ".") {
				return fs.SkipDir
			}
			return nil
		case !strings.HasSuffix(at, ".toml") || !d.Type().IsRegular():
			return nil
		}
		return t.read(at)
	})
}

func (t *tree) read(p string) error {
	if t.seen[p] {
		return nil
	}
	t.seen[p] = true
	if len(t.files) >= maxFiles {
		return rinca.Errorf(rinca.Invalid, "there are more than %d .toml files", maxFiles).Try("name the folder that has the resources")
	}
	f, err := t.root.OpenFile(p, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return rinca.Errorf(rinca.Destination, "read %s: %w", cut(p), err)
	}
	defer f.Close()
	if info, err := f.Stat(); err != nil || !info.Mode().IsRegular() {
		return rinca.Errorf(rinca.Invalid, "%s is not a file", cut(p)).Because(err)
	}
	data, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err != nil {
		return rinca.Errorf(rinca.Destination, "read %s: %w", cut(p), err)
	}
	if t.size += len(data); len(data) > maxFile || t.size > maxTree {
		return rinca.Errorf(rinca.Invalid, "%s is larger than %d MiB, or all files are than %d MiB", cut(p), maxFile>>20, maxTree>>20)
	}
	t.files = append(t.files, File{Path: path.Join(t.name, p), Text: rinca.NewSecret(string(data))})
	return nil
}

// Fetch returns the TOML files of a source, and its commit when it is one of
// Git. Dest is where a checkout goes; "" is a folder of its own, which is
// removed again.
func (s *Service) Fetch(ctx context.Context, from rinca.Source, paths []string, dest string) ([]File, string, error) {
	switch from.Kind {
	case rinca.SourceHost:
		files, err := ReadFiles(from.Dir, "", paths)
		return files, "", err
	case rinca.SourceInline:
		var files []File
		for _, f := range from.Files {
			files = append(files, File{Path: f.Path, Text: rinca.NewSecret(f.Content)})
		}
		return files, "", nil
	case rinca.SourceGit:
		return s.fetchGit(ctx, from, paths, dest)
	}
	return nil, "", rinca.Errorf(rinca.Invalid, "there is no source").Try("a repository, a folder on the host, or files")
}

func (s *Service) fetchGit(ctx context.Context, from rinca.Source, paths []string, dest string) (files []File, commit string, err error) {
	if from, err = s.DB.Linked(ctx, from); err != nil {
		return nil, "", err
	}
	from.Sparse = slices.DeleteFunc(slices.Clone(paths), func(p string) bool { return path.Clean(p) == "." })
	if len(from.Sparse) < len(paths) {
		from.Sparse = nil
	}
	req := git.Request{Source: from}
	if from.Account != "" {
		a, err := s.DB.GitAccount(ctx, from.Account)
		if err != nil {
			return nil, "", err
		}
		req.Account = &a
	}
	fetched, err := s.Mirrors.Fetch(ctx, req)
	if err != nil {
		return nil, "", err
	}
	if req.Dest = dest; dest == "" {
		if err := os.MkdirAll(filepath.Join(s.Home, "syncs"), 0o700); err != nil {
			return nil, "", rinca.Errorf(rinca.Destination, "make a folder: %w", err)
		}
		dir, err := os.MkdirTemp(filepath.Join(s.Home, "syncs"), ".plan-")
		if err != nil {
			return nil, "", rinca.Errorf(rinca.Destination, "make a folder: %w", err)
		}
		defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
		req.Dest = filepath.Join(dir, "src")
	}
	c, err := s.Mirrors.Checkout(ctx, req, fetched.Commit)
	if err != nil {
		return nil, "", err
	}
	files, err = ReadFiles(c.Root, "", paths)
	return files, c.Commit, err
}
