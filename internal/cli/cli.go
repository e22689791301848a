// Package cli is the command line: one file per command, and nothing that
// decides anything; what a command does lives in the packages below.
package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/spf13/cobra"

	"rinca/internal/config"
	"rinca/internal/opcommand"
	"rinca/internal/rinca"
)

// Env is everything the program gets from outside, as values, so that a test
// can be the outside.
type Env struct {
	Args    []string // Args[0] is the program's name
	Environ []string // "KEY=value"
	Stdin   io.Reader
	Stdout  io.Writer
	Stderr  io.Writer
}

// Getenv returns the last value of an environment variable, or "".
func (e Env) Getenv(key string) string {
	for i := len(e.Environ) - 1; i >= 0; i-- {
		if v, ok := strings.CutPrefix(e.Environ[i], key+"="); ok {
			return v
		}
	}
	return ""
}

// app is what every command shares: the outside, and the global flags.
type app struct {
	Env
	flags config.Flags
	json  bool
	quiet bool

	profile string // --profile of the commands that talk to a server

	// childLimits gives a child process the limits that we had; it is called
	// just before one starts that is the user's, not ours.
	childLimits func()
}

// Main runs one command and returns its exit status (see exit.go).
func Main(ctx context.Context, env Env) int {
	// A terminal interrupt stops work at the next safe point; a second one
	// kills the process as usual.
	ctx, stop := signal.NotifyContext(ctx, os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop)

	a := &app{Env: env, childLimits: noCoreDumps()}
	if filepath.Base(env.Args[0]) == "op" {
		return opcommand.Main(ctx, a.opEnv(env.Args[1:]))
	}
	root := a.root()
	root.SetArgs(env.Args[1:])
	root.TraverseChildren = callsOp(root, env.Args[1:])
	err := root.ExecuteContext(ctx)
	return a.report(err)
}

func (a *app) root() *cobra.Command {
	root := &cobra.Command{
		Use:           "rinca",
		Short:         "Carry secrets from a vault to the stacks that use them",
		Version:       version(),
		SilenceErrors: true,
		SilenceUsage:  true,
	}
	root.SetIn(a.Stdin)
	root.SetOut(a.Stdout)
	root.SetErr(a.Stderr)
	root.SetVersionTemplate("rinca {{.Version}}\n")
	root.SetFlagErrorFunc(func(c *cobra.Command, err error) error {
		return rinca.Errorf(rinca.Usage, "%w", err).Try("%s --help", c.CommandPath())
	})
	f := root.PersistentFlags()
	f.StringVar(&a.flags.Home, "home", "", "`DIR` of the embedded vault, its key and rinca.toml (RINCA_HOME)")
	f.StringVar(&a.flags.File, "config", "", "configuration `FILE`; default rinca.toml in the home (RINCA_CONFIG)")
	f.StringVar(&a.flags.Provider, "provider", "", "where secrets come from, `NAME`: embedded, connect, op or sdk (RINCA_PROVIDER)")
	f.StringVar(&a.flags.LogLevel, "log-level", "", "`LEVEL`: debug, info, warn or error (RINCA_LOG_LEVEL)")
	f.BoolVar(&a.json, "json", false, "print one JSON document, or one per line where work is long")
	f.BoolVarP(&a.quiet, "quiet", "q", false, "print errors only")
	root.AddCommand(commands(a)...)
	return root
}

// report writes a failure once, with what to do next, and returns the exit
// status for it.
func (a *app) report(err error) int {
	if err == nil {
		return exitOK
	}
	code := exitCode(err)
	var said *reported
	var status exitStatus
	if code == exitChanges || errors.As(err, &status) || errors.As(err, &said) {
		return code
	}
	fmt.Fprintf(a.Stderr, "Error: %v\n", err)
	if hint := rinca.HintOf(err); hint != "" {
		fmt.Fprintf(a.Stderr, "Try: %s\n", hint)
	}
	return code
}

// config reads the configuration: flags over environment over file.
func (a *app) config() (config.Config, error) {
	return config.Load(a.Getenv, a.flags)
}
