// Package opcommand is the op-compatible command: the commands of 1Password's
// op that workflows and their scripts use, with its flags, its output, its
// error lines and its exit statuses, on any vault that Rinca can read.
package opcommand

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"rinca/internal/rinca"
)

// Version is what `op --version` prints: the op whose behaviour this is.
// Drivers compare it with what they need.
const Version = "2.32.1"

// Env is everything the command gets from outside.
type Env struct {
	Args    []string // without the program's name
	Environ []string
	Stdin   io.Reader
	Stdout  io.Writer
	Stderr  io.Writer
	Now     func() time.Time // nil means time.Now
	// Account names where the vaults are: a home, or a server's address.
	Account string
	// ServiceAccount reports whether the vaults are opened with a token of a
	// 1Password service account.
	ServiceAccount bool
	// Open opens the vault. The function it returns closes it.
	Open func(context.Context) (rinca.Provider, func(), error)
	// BeforeChild is called just before a command of the user is started; it
	// may be nil.
	BeforeChild func()
}

// getenv returns the last value of an environment variable, or "".
func (e Env) getenv(key string) string {
	v, _ := e.lookupEnv(key)
	return v
}

func (e Env) lookupEnv(key string) (string, bool) {
	for i := len(e.Environ) - 1; i >= 0; i-- {
		if v, ok := strings.CutPrefix(e.Environ[i], key+"="); ok {
			return v, true
		}
	}
	return "", false
}

// piped reports whether standard input is a pipe or a file: something that
// was put there to be read. A terminal and /dev/null are not.
func (e Env) piped() bool {
	f, ok := e.Stdin.(*os.File)
	if !ok {
		return e.Stdin != nil
	}
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice == 0
}

// A session is one run of the command: the outside, the global flags and,
// once somebody needs it, the open vault.
type session struct {
	Env
	ctx context.Context //nolint:containedctx // the session is one call

	format   string
	iso      bool
	provider rinca.Provider
	closeIt  func()
	vaults   []rinca.Vault
}

// Main runs one command and returns its exit status.
func Main(ctx context.Context, env Env) int {
	if env.Now == nil {
		env.Now = time.Now
	}
	s := &session{Env: env, ctx: ctx, closeIt: func() {}}
	defer func() { s.closeIt() }()
	root := s.root()
	root.SetArgs(env.Args)
	called, err := root.ExecuteContextC(ctx)
	if err == nil {
		return 0
	}
	if status, ok := errors.AsType[Status](err); ok {
		return int(status)
	}
	message := describe(err)
	s.printError(message)
	if _, ok := errors.AsType[*usageError](err); ok {
		fmt.Fprint(env.Stderr, called.UsageString())
	}
	return exitStatus(message)
}

// printError prints op's line for a failure.
func (s *session) printError(message string) {
	fmt.Fprintf(s.Stderr, "[ERROR] %s %s\n", s.Now().Format("2006/01/02 15:04:05"), message)
}

func (s *session) root() *cobra.Command {
	root := &cobra.Command{
		Use: "op [command]", DisableFlagsInUseLine: true, Short: "The op-compatible commands of Rinca", Version: Version,
		Long: `Answers as 1Password's op does, on the vault that "rinca provider" names.

Every command takes the global flags, before or after its own name. Values are
shown in full with --format json, or with --reveal.`,
		SilenceErrors: true, SilenceUsage: true,
		CompletionOptions: cobra.CompletionOptions{HiddenDefaultCmd: true},
		PersistentPreRunE: func(*cobra.Command, []string) error { return s.globals() },
		Args:              noArgs,
		RunE:              func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	root.SetIn(s.Stdin)
	root.SetOut(s.Stdout)
	root.SetErr(s.Stderr)
	root.SetVersionTemplate("{{.Version}}\n")
	root.SetUsageTemplate(usageTemplate)
	root.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return &usageError{err} })
	f := root.PersistentFlags()
	f.StringVar(&s.format, "format", "", "Use this output format: human-readable or json. Can be set with OP_FORMAT.")
	f.BoolVar(&s.iso, "iso-timestamps", false, "Format timestamps as RFC 3339. Can be set with OP_ISO_TIMESTAMPS.")
	f.String("account", "", "Ignored: there is one account.")
	f.Bool("cache", true, "Ignored: nothing is cached.")
	f.String("config", "", "Ignored: the configuration is Rinca's.")
	f.Bool("debug", false, "Ignored.")
	f.String("encoding", "utf-8", "Ignored: the output is UTF-8.")
	f.Bool("no-color", false, "Ignored: the output has no color.")
	f.String("session", "", "Ignored: signing in is not needed.")
	root.AddCommand(commands(s)...)
	return root
}

// globals checks the global flags and what the environment says instead.
func (s *session) globals() error {
	if s.format == "" {
		s.format = s.getenv("OP_FORMAT")
	}
	s.iso = s.iso || s.on("OP_ISO_TIMESTAMPS")
	switch strings.ToLower(s.format) {
	case "", "human-readable", "json":
		s.format = strings.ToLower(s.format)
		return nil
	}
	return &usageError{fail("invalid output format %q: use human-readable or json", s.format)}
}

// on reports whether a variable switches something on.
func (s *session) on(variable string) bool {
	switch strings.ToLower(s.getenv(variable)) {
	case "", "0", "f", "false", "no":
		return false
	}
	return true
}

// commands lists the commands.
func commands(s *session) []*cobra.Command {
	return []*cobra.Command{
		newAccount(s), newDocument(s), newEnv(s), newInject(s), newItem(s), newRead(s), newRun(s),
		newServiceAccount(s), newSignin(s), newSignout(s), newVault(s), newWhoami(s),
	}
}

func group(use, short string, commands ...*cobra.Command) *cobra.Command {
	c := &cobra.Command{Use: use + " [command]", Short: short, Args: noArgs, DisableFlagsInUseLine: true, RunE: func(c *cobra.Command, _ []string) error { return c.Help() }}
	c.AddCommand(commands...)
	return c
}

func (s *session) json() bool { return s.format == "json" }

// open returns the provider, opening it for the first who asks.
func (s *session) open() (rinca.Provider, error) {
	if s.provider != nil {
		return s.provider, nil
	}
	p, closeIt, err := s.Open(s.ctx)
	if err != nil {
		return nil, err
	}
	s.provider, s.closeIt = p, closeIt
	return p, nil
}

// writer returns the provider as one that can write.
func (s *session) writer() (rinca.Writer, error) {
	p, err := s.open()
	if err != nil {
		return nil, err
	}
	w, ok := p.(rinca.Writer)
	if !ok {
		return nil, fail("this provider can read the vault and not change it")
	}
	return w, nil
}
