package config

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/pelletier/go-toml/v2"

	"rinca/internal/rinca"
)

// fileName is the configuration file in the home that is read when none is
// named.
const fileName = "rinca.toml"

// A File is the configuration file. It holds no secrets.
type File struct {
	Export Export `toml:"export"`
}

// Export says how exported files are written.
type Export struct {
	ExportSettings
	Stack map[string]ExportStack `toml:"stack"`
}

// ExportStack is about the files of one stack, and single ones by title.
type ExportStack struct {
	ExportSettings
	Item map[string]ExportSettings `toml:"item"`
}

// ExportSettings are a mode such as "0640", an owner and a group by name or
// number, and a format.
type ExportSettings struct {
	Mode   string `toml:"mode"`
	Owner  string `toml:"owner"`
	Group  string `toml:"group"`
	Format string `toml:"format"`
}

// ReadFile reads the file that was named, or the one in the home if there is
// one. What it does not know is an error with code Usage that tells file, line
// and column.
func (c Config) ReadFile() (File, error) {
	path, named := c.File, c.File != ""
	if !named {
		path = filepath.Join(c.Home, fileName)
	}
	data, err := os.ReadFile(path)
	if !named && (errors.Is(err, fs.ErrNotExist) || errors.Is(err, fs.ErrPermission)) {
		return File{}, nil
	}
	if err != nil {
		return File{}, rinca.Errorf(rinca.Usage, "read the configuration: %w", err).Try("name another file with --config or RINCA_CONFIG")
	}
	return parseFile(path, data)
}

func parseFile(path string, data []byte) (File, error) {
	var f File
	err := toml.NewDecoder(bytes.NewReader(data)).DisallowUnknownFields().Decode(&f)
	if err == nil {
		return f, nil
	}
	if unknown, ok := errors.AsType[*toml.StrictMissingError](err); ok {
		lines := make([]string, len(unknown.Errors))
		for i := range unknown.Errors {
			e := &unknown.Errors[i]
			line, column := e.Position()
			lines[i] = fmt.Sprintf("%s:%d:%d: unknown key %s", path, line, column, strings.Join(e.Key(), "."))
		}
		return File{}, rinca.Errorf(rinca.Usage, "%s", strings.Join(lines, "\n")).
			Try("mode, owner, group or format, in [export], [export.stack.NAME] or [export.stack.NAME.item.\"TITLE\"]")
	}
	// Not err's own text: it may quote the file.
	if e, ok := errors.AsType[*toml.DecodeError](err); ok {
		line, column := e.Position()
		what := "this is not TOML"
		if key := strings.Join(e.Key(), "."); key != "" {
			what = key + ` takes text in quotes, such as "0640"`
		}
		return File{}, rinca.Errorf(rinca.Usage, "%s:%d:%d: %s", path, line, column, what).Because(err)
	}
	return File{}, rinca.Errorf(rinca.Usage, "%s is not TOML", path).Because(err)
}
