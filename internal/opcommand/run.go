package opcommand

import (
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"rinca/internal/child"
	"rinca/internal/redact"
	"rinca/internal/rinca"
	"rinca/internal/vault"
)

// runFlags say what environment a command gets.
type runFlags struct {
	files     []string
	noMasking bool
}

func newRun(s *session) *cobra.Command {
	var f runFlags
	var environment string
	c := &cobra.Command{
		Use: "run -- <command> <command>... [flags]", Short: "Pass secrets as environment variables to a process",
		Long: `Runs a command with the values of the secret references in its environment:
of every variable, of the process or of an --env-file, whose whole value is a
reference. The values are masked in what the command prints.`,
		Example: `  DB_PASSWORD=op://homelab/postgres.env/POSTGRES_PASSWORD op run -- ./migrate
  op run --env-file prod.env -- docker compose up`,
		Args: minArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			if environment != "" {
				return fail("1Password Environments aren't supported here: use --env-file")
			}
			f.noMasking = f.noMasking || s.on("OP_RUN_NO_MASKING")
			return s.run(f, args)
		},
	}
	c.Flags().SetInterspersed(false)
	c.Flags().StringArrayVar(&f.files, "env-file", nil, "Enable Dotenv integration with specific Dotenv files to parse. For example: --env-file=.env.")
	c.Flags().BoolVar(&f.noMasking, "no-masking", false, "Disable masking of secrets on stdout and stderr.")
	c.Flags().StringVar(&environment, "environment", "", "Not supported: there are no 1Password Environments.")
	return c
}

func (s *session) run(f runFlags, args []string) error {
	env, err := s.environ(f.files)
	if err != nil {
		return err
	}
	secrets, err := s.resolve(env)
	if err != nil {
		return err
	}
	s.closeIt() // the command may run for days
	s.provider, s.closeIt = nil, func() {}
	cmd := child.Command{Args: args, Env: env.List(), Stdin: s.Stdin, Stdout: s.Stdout, Stderr: s.Stderr}
	if !f.noMasking && len(secrets) > 0 {
		cmd.Mask = redact.New(append(secrets, s.credentials()...))
	}
	if s.BeforeChild != nil {
		s.BeforeChild()
	}
	status, err := cmd.Run()
	if err != nil {
		s.printError(describe(err))
	}
	return Status(status)
}

// credentials are the values that open our vaults. A command that is run gets
// them, as with op, because it may call op itself; it should not print them.
func (s *session) credentials() []rinca.Secret {
	var out []rinca.Secret
	for _, name := range []string{"OP_SERVICE_ACCOUNT_TOKEN", "OP_CONNECT_TOKEN", "RINCA_PASSPHRASE"} {
		out = append(out, rinca.NewSecret(s.getenv(name)))
	}
	return out
}

// environ is the environment of the process, and over it that of env files.
func (s *session) environ(paths []string) (*child.Environ, error) {
	var files []child.File
	for _, path := range paths {
		data, name, err := s.readInput(path, "env file")
		if err != nil {
			return nil, err
		}
		files = append(files, child.File{Name: name, Data: data})
	}
	env, err := child.NewEnviron(s.Environ, files...)
	if err != nil {
		return nil, fail("could not read the env file: %s", oneLine(withHint(err)))
	}
	return env, nil
}

// resolve replaces the references in the environment and returns the values.
// Without references the vault stays closed.
func (s *session) resolve(env *child.Environ) ([]rinca.Secret, error) {
	if len(env.Refs()) == 0 {
		return nil, nil
	}
	p, err := s.open()
	if err != nil {
		return nil, err
	}
	secrets, err := env.Resolve(s.ctx, &vault.Resolver{Provider: p, Now: s.Now})
	if err != nil && slices.Contains([]rinca.Code{rinca.NotFound, rinca.Invalid, rinca.Conflict}, rinca.CodeOf(err)) {
		return nil, fail("could not resolve the environment: %s", strings.ReplaceAll(err.Error(), "\n", "; "))
	}
	return secrets, err
}

// newEnv lists which variables are references: their names, never more.
func newEnv(s *session) *cobra.Command {
	var files []string
	list := &cobra.Command{Use: "ls [flags]", Aliases: []string{"list"}, Short: "List the environment variables that hold secret references", Args: noArgs, RunE: func(*cobra.Command, []string) error {
		env, err := s.environ(files)
		if err != nil {
			return err
		}
		names := env.Refs()
		slices.Sort(names)
		if s.json() {
			return s.printJSON(append([]string{}, names...))
		}
		for _, n := range names {
			if _, err := fmt.Fprintln(s.Stdout, n); err != nil {
				return err
			}
		}
		return nil
	}}
	list.Flags().StringArrayVar(&files, "env-file", nil, "Also look into this file.")
	return group("env", "Look at secret references in the environment", list)
}
