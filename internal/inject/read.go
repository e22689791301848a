package inject

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"

	"rinca/internal/rinca"
)

// MaxTemplate is the size of the largest template that is read.
const MaxTemplate = 64 << 20

// A Source is the text of a template.
type Source struct {
	Name string // for messages: the path as it was given
	Out  string // of a tree: the path below the destination, else ""
	Text string
}

// suffixes are what the name of a template ends with.
var suffixes = []string{".template", ".tpl"} //nolint:gochecknoglobals // a literal list

// OutName returns the name that a template renders to, its name without
// .template or .tpl; false when it has neither.
func OutName(name string) (string, bool) {
	for _, s := range suffixes {
		if out, ok := strings.CutSuffix(name, s); ok && path.Base(name) != s {
			return out, true
		}
	}
	return name, false
}

// ReadFile reads one template; name is "-" for standard input.
func ReadFile(name string, stdin io.Reader) (Source, error) {
	if name == "-" {
		text, err := readAll(stdin, "standard input")
		return Source{Name: "stdin", Text: text}, err
	}
	f, err := os.Open(name)
	if err != nil {
		return Source{}, openError(name, err)
	}
	defer f.Close()
	text, err := readAll(f, name)
	return Source{Name: name, Text: text}, err
}

func readAll(r io.Reader, name string) (string, error) {
	data, err := io.ReadAll(io.LimitReader(r, MaxTemplate+1))
	switch {
	case err != nil:
		return "", rinca.Errorf(rinca.Invalid, "read %s: %w", name, err)
	case len(data) > MaxTemplate:
		return "", rinca.Errorf(rinca.Invalid, "read %s: it has more than 64 MiB, which no template has", name)
	}
	return string(data), nil
}

func openError(name string, err error) error {
	e := rinca.Errorf(rinca.Invalid, "read %s: %w", name, cause(err))
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return e.Try("ls %s", path.Dir(name))
	case errors.Is(err, fs.ErrPermission):
		return e.Try("ls -l %s", name)
	}
	return e
}

// cause is err without the path that its message has.
func cause(err error) error {
	if pe, ok := errors.AsType[*fs.PathError](err); ok {
		return pe.Err
	}
	return err
}

// ReadTree reads the templates of a directory and of those below it: files
// that end in .template or .tpl. Directories named .git and links to
// directories are passed over; a template that is a link out of the tree is
// an error. So are two templates with one output, and a tree without any.
func ReadTree(dir string) ([]Source, error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, openError(dir, err)
	}
	defer root.Close()
	var sources []Source
	from := map[string]string{}
	err = fs.WalkDir(root.FS(), ".", func(name string, d fs.DirEntry, err error) error {
		full := filepath.Join(dir, name)
		switch {
		case err != nil:
			return openError(full, err)
		case d.IsDir() && d.Name() == ".git":
			return fs.SkipDir
		case d.IsDir():
			return nil
		}
		out, ok := OutName(name)
		if !ok {
			return nil
		}
		if d.Type()&fs.ModeSymlink == 0 && !d.Type().IsRegular() {
			return rinca.Errorf(rinca.Invalid, "read %s: it is not a regular file", full)
		}
		if info, err := root.Stat(name); err == nil && !info.Mode().IsRegular() {
			return nil // a link to a directory
		}
		if other, ok := from[out]; ok {
			return rinca.Errorf(rinca.Conflict, "%s and %s both render to %s", other, full, out).
				Try("rename one of them")
		}
		from[out] = full
		f, err := root.Open(name)
		if err != nil {
			return openError(full, err)
		}
		defer f.Close()
		text, err := readAll(f, full)
		sources = append(sources, Source{Name: full, Out: out, Text: text})
		return err
	})
	if err != nil {
		return nil, err
	}
	if len(sources) == 0 {
		return nil, rinca.Errorf(rinca.NotFound, "%s has no templates: no file there ends in .template or .tpl", dir).
			Try("name a file with -i, or add .template to its name")
	}
	return sources, nil
}
