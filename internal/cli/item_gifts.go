package cli

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"rinca/internal/draft"
	"rinca/internal/envfile"
	"rinca/internal/generate"
	"rinca/internal/rinca"
)

// maxFile bounds what is read as an example or a value.
const maxFile = 16 << 20

// readExamples reads the files that the arguments name. All that is wrong is
// reported at once.
func readExamples(args []string, names draft.Names) ([]draft.File, error) {
	paths, err := examplePaths(args)
	if err != nil {
		return nil, err
	}
	if names.Title != "" && len(paths) > 1 {
		return nil, rinca.Errorf(rinca.Usage, "--title is for one file, not %d", len(paths)).Try("one call per file")
	}
	var files []draft.File
	var problems []string
	var hint string
	for _, path := range paths {
		f, err := readExample(path, names)
		if err != nil {
			problems = append(problems, err.Error())
			hint = rinca.HintOf(err)
			continue
		}
		files = append(files, f)
	}
	if len(problems) > 0 {
		return nil, rinca.Errorf(rinca.Invalid, "%s", strings.Join(problems, "\n")).Try("%s", hint)
	}
	return files, nil
}

func readExample(path string, names draft.Names) (draft.File, error) {
	abs, err := filepath.Abs(path)
	if err != nil {
		return draft.File{}, err
	}
	data, err := readBounded(path)
	if err != nil {
		return draft.File{}, err
	}
	return draft.Read(printable(path), abs, data, names)
}

// examplePaths replaces directories by the examples in them.
func examplePaths(args []string) ([]string, error) {
	var paths []string
	for _, arg := range args {
		info, err := os.Stat(arg)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			return nil, rinca.Errorf(rinca.NotFound, "%s does not exist", printable(arg)).Try("ls %s", printable(filepath.Dir(arg)))
		case err != nil:
			return nil, rinca.Errorf(rinca.NotFound, "look at the example: %w", err)
		case !info.IsDir():
			paths = append(paths, arg)
			continue
		}
		entries, err := os.ReadDir(arg)
		if err != nil {
			return nil, rinca.Errorf(rinca.NotFound, "list the examples: %w", err)
		}
		found := 0
		for _, e := range entries {
			if strings.HasSuffix(e.Name(), ".env.example") {
				paths = append(paths, filepath.Join(arg, e.Name()))
				found++
			}
		}
		if found == 0 {
			return nil, rinca.Errorf(rinca.NotFound, "%s holds no .env.example file", printable(arg))
		}
	}
	return slices.Compact(paths), nil
}

func readBounded(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, rinca.Errorf(rinca.NotFound, "read the file: %w", err)
	}
	defer f.Close()
	return readAll(f, path)
}

func readAll(r io.Reader, name string) ([]byte, error) {
	data, err := io.ReadAll(io.LimitReader(r, maxFile+1))
	if err != nil {
		return nil, rinca.Errorf(rinca.Invalid, "read %s: %w", printable(name), err)
	}
	if len(data) > maxFile {
		return nil, rinca.Errorf(rinca.Invalid, "%s is larger than 16 MiB", printable(name))
	}
	return data, nil
}

// A giver is what the flags say about values.
type giver struct {
	gifts []draft.Gift
	from  []fromFile
}

type fromFile struct {
	path    string
	entries []envfile.Entry
}

// gifts reads the values that the flags name.
func (a *app) gifts(f createFlags) (giver, error) {
	var g giver
	stdin := false
	read := func(path string) (rinca.Secret, error) {
		if path != "-" {
			data, err := readBounded(path)
			return oneValue(data), err
		}
		if stdin {
			return rinca.Secret{}, rinca.Errorf(rinca.Usage, "standard input can be only one value").Try("--set-file KEY=FILE")
		}
		if stdin = true; isTerminal(a.Stdin) {
			return a.askHidden("Value: ")
		}
		data, err := readAll(a.Stdin, "standard input")
		return oneValue(data), err
	}
	for _, flag := range []struct {
		name  string
		texts []string
	}{{"--set", f.set}, {"--set-file", f.setFile}, {"--generate", f.generate}} {
		for _, text := range flag.texts {
			gift, value, err := splitGift(flag.name, text)
			if err != nil {
				return g, err
			}
			switch {
			case flag.name == "--generate":
				gift.Recipe, err = generate.Parse(value)
			case flag.name == "--set-file" || value == "-":
				gift.Value, err = read(value)
			default:
				gift.Value, gift.Argv = rinca.NewSecret(value), true
			}
			if err != nil {
				return g, err
			}
			g.gifts = append(g.gifts, gift)
		}
	}
	for _, path := range f.from {
		data, err := readBounded(path)
		if err != nil {
			return g, err
		}
		entries, err := envfile.Parse(data)
		if err != nil {
			return g, fmt.Errorf("%s:%w", printable(path), err)
		}
		g.from = append(g.from, fromFile{path, entries})
	}
	return g, nil
}

// oneValue is the content of a file as a value: without its last line break.
func oneValue(data []byte) rinca.Secret {
	return rinca.NewSecret(strings.TrimSuffix(strings.TrimSuffix(string(data), "\n"), "\r"))
}

// splitGift reads [TITLE.env/]KEY=VALUE. Its errors do not hold the value.
func splitGift(flag, text string) (draft.Gift, string, error) {
	name, value, found := strings.Cut(text, "=")
	if !found {
		return draft.Gift{}, "", rinca.Errorf(rinca.Usage, "%s needs KEY=…", flag).Try("rinca item create --help")
	}
	ref, err := generate.ParseRef(name)
	if err != nil {
		return draft.Gift{}, "", rinca.Errorf(rinca.Usage, "%s: %w", flag, err).Try("%s KEY=…, or %s TITLE.env/KEY=…", flag, flag)
	}
	return draft.Gift{Item: ref.Item, Key: ref.Key}, value, nil
}

// give hands the values to the draft. A file of --from with the name of one
// of the items is for that one, another for all.
func (c *creation) give(g giver) error {
	if err := c.draft.Give(g.gifts); err != nil {
		return err
	}
	for _, from := range g.from {
		items := c.draft.Items
		if i := slices.IndexFunc(items, func(it *draft.Item) bool { return it.File.Title == filepath.Base(from.path) }); i >= 0 {
			items = items[i : i+1]
		}
		if len(items) > 1 {
			return rinca.Errorf(rinca.Usage, "--from %s: which of the %d items is it for?", printable(from.path), len(items)).Try("name it as the item, such as %s, or give one example at a time", items[0].File.Title)
		}
		if err := items[0].GiveFile(printable(from.path), from.entries); err != nil {
			return err
		}
	}
	return nil
}
