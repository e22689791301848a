// Package opcommand is the op-compatible command: the commands of 1Password's
// op that workflows and their scripts use, with its flags, its output, its
// error lines and its exit statuses, on any vault that Rinca can read.
package opcommand

import (
	"context"
	"errors"
	"fmt"
	"io"
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
	Now     func() time.Time
	// Account names where the vaults are: a home, or a server's address.
	Account string
	// Open opens the vault.
	Open func(context.Context) (rinca.Provider, func(), error)
	// Terminal reports whether standard input is one.
	Terminal bool
}

func (e Env) getenv(key string) string {
	for i := len(e.Environ) - 1; i >= 0; i-- {
		if v, ok := strings.CutPrefix(e.Environ[i], key+"="); ok {
			return v
		}
	}
	return ""
}

// A session is one run of the command: the outside, the global flags and,
// once somebody needs it, the open vault.
type session struct {
	Env
	ctx context.Context //nolint:containedctx // the session is one call

	format   string
	provider rinca.Provider
	closers  []func()
	vaults   []rinca.Vault
	// failed is the status of a child, which becomes ours.
	failed error
}

// A Status is the exit status of a child process that becomes ours.
type Status int

// Error returns "exit status".
func (s Status) Error() string { return "exit status" }

// Main runs one command and returns its exit status.
func Main(ctx context.Context, env Env) int {
	if env.Now == nil {
		env.Now = time.Now
	}
	s := &session{Env: env, ctx: ctx}
	defer func() {
		for _, c := range s.closers {
			c()
		}
	}()
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
	fmt.Fprintf(env.Stderr, "[ERROR] %s %s\n", env.Now().Format("2006/01/02 15:04:05"), message)
	if usage, ok := errors.AsType[*usageError](err); ok && usage != nil {
		fmt.Fprintf(env.Stderr, "Usage:  %s\n", called.UseLine())
	}
	if strings.HasPrefix(message, "(404)") || strings.HasPrefix(message, "(400)") {
		return 4
	}
	return 1
}

// usageError is a command line that cannot be understood.
type usageError struct{ error }

func (u *usageError) Unwrap() error { return u.error }

// describe is the text of an error; a hint of ours follows in brackets,
// because op's form has room for one line alone.
func describe(err error) string {
	text := err.Error()
	code := rinca.CodeOf(err)
	if hint := rinca.HintOf(err); hint != "" && code != rinca.Invalid && code != rinca.NotFound {
		text += " (" + hint + ")"
	}
	if l, ok := errors.AsType[*listError](err); ok {
		return l.text
	}
	return strings.ReplaceAll(text, "\n", " ")
}

func (s *session) root() *cobra.Command {
	root := &cobra.Command{
		Use: "op", Short: "The op-compatible commands of Rinca", Version: Version,
		SilenceErrors: true, SilenceUsage: true,
		CompletionOptions: cobra.CompletionOptions{HiddenDefaultCmd: true},
		PersistentPreRunE: func(*cobra.Command, []string) error {
			if s.format == "" {
				s.format = s.getenv("OP_FORMAT")
			}
			switch s.format {
			case "", "human-readable", "json":
				return nil
			}
			return fmt.Errorf("invalid output format %q: use human-readable or json", s.format)
		},
	}
	root.SetIn(s.Stdin)
	root.SetOut(s.Stdout)
	root.SetErr(s.Stderr)
	root.SetVersionTemplate("{{.Version}}\n")
	root.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return &usageError{err} })
	f := root.PersistentFlags()
	f.StringVar(&s.format, "format", "", "human-readable or json (OP_FORMAT)")
	f.String("account", "", "ignored: there is one account")
	f.String("config", "", "ignored")
	f.String("session", "", "ignored: signing in is not needed")
	f.String("encoding", "utf-8", "utf-8 alone")
	f.Bool("cache", true, "ignored: nothing is cached")
	f.Bool("debug", false, "ignored")
	f.Bool("no-color", false, "ignored: nothing is coloured")
	f.Bool("iso-timestamps", false, "print times as RFC 3339")
	root.AddCommand(commands(s)...)
	return root
}

// commands lists the commands.
func commands(s *session) []*cobra.Command {
	return []*cobra.Command{
		newAccount(s), newDocument(s), newItem(s), newRead(s), newServiceAccount(s), newSignin(s), newVault(s), newWhoami(s),
	}
}

func group(use, short string, commands ...*cobra.Command) *cobra.Command {
	c := &cobra.Command{Use: use, Short: short, Args: cobra.NoArgs, RunE: func(c *cobra.Command, _ []string) error { return c.Help() }}
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
	s.provider = p
	s.closers = append(s.closers, closeIt)
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
		return nil, errors.New("this vault can be read and not changed")
	}
	return w, nil
}
