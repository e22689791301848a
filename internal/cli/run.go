package cli

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"rinca/internal/child"
	"rinca/internal/redact"
	"rinca/internal/rinca"
	"rinca/internal/vault"
)

// runFlags are the flags of rinca run.
type runFlags struct {
	envFiles   []string
	noMasking  bool
	keepTokens bool
}

func newRun(a *app) *cobra.Command {
	var f runFlags
	c := &cobra.Command{
		Use:   "run [--env-file FILE]... -- COMMAND [ARG...]",
		Short: "Run a command with secrets in its environment",
		Long: `Runs a command whose variables may be secret references: a variable of the
process, or of an --env-file, whose whole value is op://vault/item/field gets
the value. The last of one name wins. Without any reference no vault is asked.

What the command prints goes through a filter that replaces these values by
` + redact.Mask + `, plain and as base64, hex, JSON, URL or quoted for a
shell. So that it can, standard output and standard error are pipes and not
the terminal; with --no-masking, or without references, they are as they are.
Values shorter than four bytes, short numbers and common words stay visible.

Signals and the exit status are passed on. Without --keep-tokens the command
does not get what opens our vaults:

  ` + strings.Join(credentials, "\n  "),
		Example: `  rinca run --env-file app.env -- ./server --port 8080
  DB_PASSWORD=op://homelab/postgres.env/POSTGRES_PASSWORD rinca run -- sh -c 'psql "postgres://app:$DB_PASSWORD@db"'
  rinca run --env-file prod.env --no-masking -- bash`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) == 0 {
				return rinca.Errorf(rinca.Usage, "no command is named").Try("rinca run -- COMMAND")
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error { return a.run(cmd.Context(), f, args) },
	}
	fl := c.Flags()
	fl.SetInterspersed(false) // what follows the command is its own
	fl.StringArrayVar(&f.envFiles, "env-file", nil, "`FILE` of variables, over those of the process; may be given again")
	fl.BoolVar(&f.noMasking, "no-masking", false, "leave the output as it is")
	fl.BoolVar(&f.keepTokens, "keep-tokens", false, "let the command have our own credentials")
	return c
}

// credentials are the variables that open vaults. They are for us; a command
// gets the values that it needs, not the key to all others.
var credentials = []string{ //nolint:gochecknoglobals // a literal list
	"OP_SERVICE_ACCOUNT_TOKEN", "OP_SERVICE_ACCOUNT_TOKEN_FILE", "OP_CONNECT_TOKEN", "OP_CONNECT_TOKEN_FILE",
	"RINCA_PASSPHRASE", "RINCA_PASSPHRASE_FILE", "RINCA_API_KEY", "RINCA_API_KEY_FILE",
}

func (a *app) run(ctx context.Context, f runFlags, args []string) error {
	environ := a.Environ
	if !f.keepTokens {
		environ = slices.DeleteFunc(slices.Clone(environ), func(kv string) bool {
			name, _, _ := strings.Cut(kv, "=")
			return slices.Contains(credentials, name)
		})
	}
	var files []child.File
	for _, name := range f.envFiles {
		data, err := os.ReadFile(name)
		if err != nil {
			return rinca.Errorf(rinca.Invalid, "read env file: %w", err).Try("ls -l %s", name)
		}
		files = append(files, child.File{Name: name, Data: data})
	}
	env, err := child.NewEnviron(environ, files...)
	if err != nil {
		return err
	}
	command := child.Command{Args: args, Stdin: a.Stdin, Stdout: a.Stdout, Stderr: a.Stderr}
	if len(env.Refs()) > 0 {
		secrets, err := a.resolveEnviron(ctx, env)
		if err != nil {
			return a.listed(err)
		}
		if !f.noMasking {
			command.Mask = redact.New(secrets)
		}
	}
	command.Env = env.List()
	a.childLimits()
	status, err := command.Run()
	if err != nil {
		fmt.Fprintf(a.Stderr, "Error: %v\n", err)
	}
	if status == 0 && err != nil {
		return &reported{err}
	}
	if status == 0 {
		return nil
	}
	return exitStatus(status)
}

// resolveEnviron puts values in place of the references, closes the vault, and
// returns what must not be printed: the values, and our own credentials.
func (a *app) resolveEnviron(ctx context.Context, env *child.Environ) ([]rinca.Secret, error) {
	p, closeProvider, err := a.provider(ctx)
	if err != nil {
		return nil, err
	}
	defer closeProvider()
	secrets, err := env.Resolve(ctx, &vault.Resolver{Provider: p})
	if err != nil {
		return nil, err
	}
	c, err := a.config()
	if err != nil {
		return nil, err
	}
	return append(secrets, c.ServiceAccountToken, c.ConnectToken, c.Passphrase), nil
}
