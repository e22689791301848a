package cli

import (
	"context"
	"io"

	"github.com/spf13/cobra"

	"rinca/internal/opcommand"
	"rinca/internal/rinca"
	"rinca/internal/server"
)

func newOp(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "op …",
		Short: "The op-compatible commands: what 1Password's op does, on any vault",
		Long: `Answers as 1Password's op does, with its flags, output, error lines and exit
statuses, on the vault that "rinca provider" names. A symbolic link named op to
this program does the same. "rinca op --help" lists the commands.`,
		Example: `  rinca op item list --vault homelab --tags stack:authentik
  rinca op item get authentik.env --vault homelab --format json
  ln -s rinca op`,
		DisableFlagParsing: true,
		RunE: func(cmd *cobra.Command, args []string) error {
			if status := a.op(cmd.Context(), args); status != 0 {
				return exitStatus(status)
			}
			return nil
		},
	}
}

// op runs the op-compatible command and returns its exit status.
func (a *app) op(ctx context.Context, args []string) int {
	return opcommand.Main(ctx, opcommand.Env{
		Args: args, Environ: a.Environ, Stdin: a.Stdin, Stdout: a.Stdout, Stderr: a.Stderr,
		Account: a.opAccount(), Terminal: isTerminal(a.Stdin),
		Open: func(ctx context.Context) (rinca.Provider, func(), error) {
			s, err := a.sources()
			if err != nil {
				return nil, nil, err
			}
			// We are op: another op is not asked, the SDK is.
			if c, err := server.Choose(s); err == nil && c.Name == "op" {
				s.Config.Provider = "sdk"
			}
			p, err := server.Open(ctx, s)
			if err != nil {
				return nil, nil, err
			}
			return p, func() {
				if c, ok := p.(io.Closer); ok {
					c.Close()
				}
			}, nil
		},
	})
}

// opAccount names where the vaults are.
func (a *app) opAccount() string {
	c, err := a.config()
	if err != nil {
		return ""
	}
	if c.ConnectHost != "" {
		return c.ConnectHost
	}
	return c.Home
}
