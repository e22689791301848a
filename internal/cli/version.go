package cli

import (
	"encoding/json"
	"fmt"
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"
)

// release is set by the linker: make build stamps what git describes.
var release string //nolint:gochecknoglobals // -ldflags -X needs a variable

// version returns the stamped version, else what the module knows, else "dev".
func version() string {
	if release != "" {
		return release
	}
	if bi, ok := debug.ReadBuildInfo(); ok && bi.Main.Version != "" && bi.Main.Version != "(devel)" {
		return bi.Main.Version
	}
	return "dev"
}

func newVersion(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "version",
		Short: "Print the version, the Go version and the platform",
		Example: "  rinca version\n" +
			"  rinca version --json",
		Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			platform := runtime.GOOS + "/" + runtime.GOARCH
			if a.json {
				return json.NewEncoder(a.Stdout).Encode(map[string]string{
					"version": version(), "go": runtime.Version(), "platform": platform,
				})
			}
			_, err := fmt.Fprintf(a.Stdout, "rinca %s (%s, %s)\n", version(), runtime.Version(), platform)
			return err
		},
	}
}
