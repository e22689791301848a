package compose

import (
	"fmt"
	"io"
	"strings"

	"github.com/docker/cli/pkg/kvfile"
)

// rawFormat reads an env_file of format "raw": values are taken as they are.
func rawFormat(r io.Reader, filename string, vars map[string]string, lookup func(key string) (string, bool)) error {
	lines, err := kvfile.ParseFromReader(r, lookup)
	if err != nil {
		return fmt.Errorf("read env_file %s: %w", filename, err)
	}
	for _, line := range lines {
		key, value, _ := strings.Cut(line, "=")
		vars[key] = value
	}
	return nil
}
