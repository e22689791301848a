package cli

import (
	"context"
	"io"
	"os/exec"

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
			if status := opcommand.Main(cmd.Context(), a.opEnv(args)); status != 0 {
				return exitStatus(status)
			}
			return nil
		},
		ValidArgsFunction: func(cmd *cobra.Command, args []string, toComplete string) ([]string, cobra.ShellCompDirective) {
			return opcommand.Complete(cmd.Context(), a.opEnv(append(args, toComplete)))
		},
	}
}

// callsOp reports whether the command, or the one to complete, is op. Flags
// before it are ours, and those behind it are op's: cobra has to look at the
// two one after the other.
func callsOp(root *cobra.Command, args []string) bool {
	if len(args) > 0 && (args[0] == cobra.ShellCompRequestCmd || args[0] == cobra.ShellCompNoDescRequestCmd) {
		args = args[1:]
	}
	f := root.PersistentFlags()
	f.Usage = func() {}
	f.SetInterspersed(false)
	defer f.SetInterspersed(true)
	return f.Parse(args) == nil && f.Arg(0) == "op"
}

// opEnv is the outside of the op-compatible command.
func (a *app) opEnv(args []string) opcommand.Env {
	env := opcommand.Env{
		Args: args, Environ: a.Environ, Stdin: a.Stdin, Stdout: a.Stdout, Stderr: a.Stderr,
		BeforeChild: a.childLimits,
		Open: func(ctx context.Context) (rinca.Provider, func(), error) {
			s, err := a.opSources()
			if err != nil {
				return nil, nil, err
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
	}
	if s, err := a.opSources(); err == nil {
		env.Account = s.Config.Home
		choice, _ := server.Choose(s)
		switch choice.Name {
		case "connect":
			env.Account = s.Config.ConnectHost
		case "sdk":
			env.Account, env.ServiceAccount = "1Password", true
		}
	}
	return env
}

// opSources is what the vault is chosen from when we are op ourselves: no op
// is asked, neither one on PATH nor one that is named.
func (a *app) opSources() (server.Sources, error) {
	s, err := a.sources()
	if s.Config.Provider == "op" {
		s.Config.Provider = ""
	}
	s.LookPath = func(string) (string, error) { return "", exec.ErrNotFound }
	return s, err
}
