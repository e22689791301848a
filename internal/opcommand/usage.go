package opcommand

import (
	"slices"

	"github.com/spf13/cobra"
)

// usageTemplate prints the usage of a command as op does. The flags of every
// command are those of the root, and are listed there alone.
const usageTemplate = `Usage:  {{if .Runnable}}{{.UseLine}}{{end}}{{if .HasAvailableSubCommands}}
{{if eq .Name "op"}}
Commands:{{else}}
Subcommands:{{end}}{{range .Commands}}{{if .IsAvailableCommand}}
  {{rpad .Name .NamePadding}}  {{.Short}}{{end}}{{end}}{{end}}{{if .HasAvailableLocalFlags}}

Flags:
{{.LocalFlags.FlagUsages | trimTrailingWhitespaces}}{{end}}{{if .HasExample}}

Examples:
{{.Example}}{{end}}
{{if ne .Name "op"}}
To list the global flags available on every command, run  'op --help'.
{{end}}`

// exactArgs, minArgs, maxArgs and noArgs are cobra's rules, whose errors are
// followed by the usage.
func exactArgs(n int) cobra.PositionalArgs { return checked(cobra.ExactArgs(n)) }

func minArgs(n int) cobra.PositionalArgs { return checked(cobra.MinimumNArgs(n)) }

func maxArgs(n int) cobra.PositionalArgs { return checked(cobra.MaximumNArgs(n)) }

func noArgs(c *cobra.Command, args []string) error { return checked(cobra.NoArgs)(c, args) }

func checked(rule cobra.PositionalArgs) cobra.PositionalArgs {
	return func(c *cobra.Command, args []string) error {
		if err := rule(c, args); err != nil {
			return &usageError{err}
		}
		return nil
	}
}

// ignored adds flags that op has and that mean nothing here.
func ignored(c *cobra.Command, why string, names ...string) {
	slices.Sort(names)
	for _, n := range names {
		c.Flags().String(n, "", "Ignored: "+why+".")
	}
}
