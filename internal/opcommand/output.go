package opcommand

import (
	"encoding/json"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"rinca/internal/atomicfile"
	"rinca/internal/rinca"
)

// encodeJSON writes a document as op does: two spaces, a newline at the end.
func encodeJSON(v any) (string, error) {
	var b strings.Builder
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	err := enc.Encode(v)
	return b.String(), err
}

func (s *session) printJSON(v any) error {
	text, err := encodeJSON(v)
	if err != nil {
		return err
	}
	_, err = io.WriteString(s.Stdout, text)
	return err
}

// outFlags say where a value is written.
type outFlags struct {
	file, mode string
	force      bool
}

func (o *outFlags) add(c *cobra.Command) {
	f := c.Flags()
	f.StringVarP(&o.file, "out-file", "o", "", "Write to a file instead of stdout.")
	f.StringVar(&o.mode, "file-mode", "0600", "Set filemode for the output file. It is ignored without --out-file.")
	f.BoolVarP(&o.force, "force", "f", false, "Forcibly overwrite the output file.")
}

// stdout reports whether the output goes to standard output.
func (o *outFlags) stdout() bool {
	return o.file == "" || o.file == "-" || o.file == "/dev/stdout"
}

// check is an error when the flags cannot be obeyed: it is called before
// anything is read from the vault.
func (o *outFlags) check() (fs.FileMode, error) {
	mode, err := strconv.ParseUint(o.mode, 8, 12)
	if err != nil || mode > 0o777 {
		return 0, &usageError{fail("invalid argument %q for \"--file-mode\" flag: use octal digits, as in 0600", o.mode)}
	}
	if o.stdout() || o.force {
		return fs.FileMode(mode), nil
	}
	if _, err := os.Lstat(o.file); err == nil {
		return 0, fail("cannot prompt for confirmation. Use the '-f' or '--force' flag to skip confirmation.")
	}
	return fs.FileMode(mode), nil
}

// write puts content into the file that the flags name, all at once or not at
// all, or onto standard output.
func (s *session) write(o outFlags, content rinca.Secret) error {
	mode, err := o.check()
	if err != nil {
		return err
	}
	if o.stdout() {
		_, err := io.WriteString(s.Stdout, content.Reveal())
		return err
	}
	root, err := os.OpenRoot(filepath.Dir(o.file))
	if err != nil {
		return fail("could not open the directory of %s: %v", o.file, err)
	}
	defer root.Close()
	return atomicfile.Write(root, filepath.Base(o.file), []byte(content.Reveal()), atomicfile.Mode(mode))
}

// readInput reads a file, or standard input for "", "-" and /dev/stdin, and
// returns the name to call it by.
func (s *session) readInput(file, what string) (data []byte, name string, err error) {
	if file == "" || file == "-" || file == "/dev/stdin" {
		if s.Stdin == nil {
			return nil, "stdin", fail("expected data on stdin but none found")
		}
		data, err = readAll(s.Stdin, "standard input")
		return data, "stdin", err
	}
	f, err := os.Open(file)
	if err != nil {
		return nil, file, fail("could not read the %s: %v", what, err)
	}
	defer f.Close()
	data, err = readAll(f, file)
	return data, file, err
}
