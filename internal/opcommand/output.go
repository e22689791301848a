package opcommand

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"

	"github.com/spf13/cobra"

	"rinca/internal/atomicfile"
	"rinca/internal/rinca"
)

// outFlags say where a value is written.
type outFlags struct {
	file, mode string
	force      bool
}

func (o *outFlags) add(c *cobra.Command, name string) {
	c.Flags().StringVarP(&o.file, name, "o", "", "write to a file instead of stdout")
	c.Flags().StringVar(&o.mode, "file-mode", "0600", "set filemode for the output file")
	c.Flags().BoolVarP(&o.force, "force", "f", false, "do not prompt for confirmation")
}

// write puts content into the file that the flags name, all at once or not at
// all, or onto standard output.
func (s *session) write(o outFlags, content rinca.Secret) error {
	if o.file == "" || o.file == "/dev/stdout" || o.file == "-" {
		_, err := fmt.Fprint(s.Stdout, content.Reveal())
		return err
	}
	mode, err := strconv.ParseUint(o.mode, 8, 12)
	if err != nil {
		return fmt.Errorf("invalid file mode %q", o.mode)
	}
	if _, err := os.Lstat(o.file); err == nil && !o.force {
		return errors.New("cannot prompt for confirmation. Use the '-f' or '--force' flag to skip confirmation.") //nolint:staticcheck // op's own words
	}
	root, err := os.OpenRoot(filepath.Dir(o.file))
	if err != nil {
		return fmt.Errorf("open the directory of %s: %w", o.file, err)
	}
	defer root.Close()
	return atomicfile.Write(root, filepath.Base(o.file), []byte(content.Reveal()), atomicfile.Attr{Mode: fs.FileMode(mode), UID: -1, GID: -1})
}
