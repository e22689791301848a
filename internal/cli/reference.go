package cli

import (
	_ "embed"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"rinca/internal/api"
	"rinca/internal/config"
	"rinca/internal/connectapi"
	"rinca/internal/resource"
	"rinca/internal/rinca"
	"rinca/internal/run"
)

// newReference prints the reference pages from the lists that the program
// itself uses. It is hidden: it is for `make generate`.
func newReference(a *app) *cobra.Command {
	return &cobra.Command{
		Use:    "reference DIR",
		Short:  "Write the generated pages of the reference into DIR",
		Hidden: true,
		Args:   cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			schedules, err := referenceSchedules()
			if err != nil {
				return err
			}
			for _, page := range []struct{ name, text string }{
				{"cli.md", referenceCLI(c.Root())},
				{"exit-codes.md", referenceExitCodes()},
				{"configuration.md", referenceConfig()},
				{"schedules.md", schedules},
				{"webhooks.md", referenceWebhooks()},
				{"connect-api.md", referenceConnect()},
				{"executions.md", generated + api.ReferenceExecutions((&run.Runner{}).Kinds())},
				{"toml.md", generated + resource.Reference()},
				{"api.md", generated + api.Reference((&run.Runner{}).Kinds())},
				{"openapi.json", string(api.OpenAPI("v1", (&run.Runner{}).Kinds()))},
			} {
				if err := os.WriteFile(filepath.Join(args[0], page.name), []byte(page.text), 0o644); err != nil { //nolint:gosec // public pages
					return rinca.Errorf(rinca.Destination, "write reference: %w", err)
				}
			}
			return nil
		},
	}
}

const generated = "<!-- Printed by `make generate`; do not edit. -->\n\n"

func referenceCLI(root *cobra.Command) string {
	var b strings.Builder
	b.WriteString(generated + "# Commands\n\nEvery command takes `--help`. These flags work with all of them:\n\n")
	writeFlags(&b, root.PersistentFlags())
	root.InitDefaultCompletionCmd()
	var walk func(c *cobra.Command)
	walk = func(c *cobra.Command) {
		for _, sub := range c.Commands() {
			if sub.Hidden || sub.Name() == "help" || (c.Name() == "completion") {
				continue
			}
			writeCommand(&b, sub)
			walk(sub)
		}
	}
	walk(root)
	return b.String()
}

func writeCommand(b *strings.Builder, c *cobra.Command) {
	fmt.Fprintf(b, "\n## %s\n\n%s.\n", c.CommandPath(), strings.TrimSuffix(c.Short, "."))
	if c.Name() == "completion" {
		b.WriteString("\nShells: bash, zsh, fish, powershell.\n")
		return
	}
	if c.Runnable() {
		fmt.Fprintf(b, "\n```\n%s\n```\n", c.UseLine())
	}
	if long := strings.TrimSpace(c.Long); long != "" {
		fmt.Fprintf(b, "\n%s\n", long)
	}
	if c.LocalNonPersistentFlags().HasAvailableFlags() {
		b.WriteString("\n")
		writeFlags(b, c.LocalNonPersistentFlags())
	}
	if ex := strings.Trim(c.Example, "\n"); ex != "" {
		fmt.Fprintf(b, "\n```sh\n%s\n```\n", dedent(ex))
	}
}

func writeFlags(b *strings.Builder, flags *pflag.FlagSet) {
	b.WriteString("| Flag | Meaning |\n| --- | --- |\n")
	flags.VisitAll(func(f *pflag.Flag) {
		if f.Hidden || f.Name == "help" {
			return
		}
		kind, usage := pflag.UnquoteUsage(f)
		name := "`--" + f.Name
		if f.Shorthand != "" {
			name = "`-" + f.Shorthand + "`, " + name
		}
		if kind != "" {
			name += " " + kind
		}
		if f.DefValue != "" && f.DefValue != "false" && f.DefValue != "[]" && f.DefValue != "0" {
			usage += fmt.Sprintf(" (default `%s`)", f.DefValue)
		}
		fmt.Fprintf(b, "| %s` | %s |\n", name, strings.ReplaceAll(usage, "|", "\\|"))
	})
}

func dedent(s string) string {
	lines := strings.Split(s, "\n")
	for i, l := range lines {
		lines[i] = strings.TrimPrefix(l, "  ")
	}
	return strings.Join(lines, "\n")
}

func referenceExitCodes() string {
	var b strings.Builder
	b.WriteString(generated + "# Exit codes\n\n| Status | Meaning |\n| --- | --- |\n")
	for _, e := range exitMeanings() {
		fmt.Fprintf(&b, "| %d | %s |\n", e.status, e.meaning)
	}
	b.WriteString("\n`rinca run` and `rinca op run` end with the status of the command they ran; `op` and `rinca op` use the statuses of 1Password's command.\n")
	return b.String()
}

func referenceConfig() string {
	var b strings.Builder
	b.WriteString(generated + "# Configuration\n\nFlags come before environment variables, and those before the file.\n\n| Variable | Flag | Meaning |\n| --- | --- | --- |\n")
	vars := slices.Clone(config.Variables())
	for _, v := range vars {
		flag := v.Flag
		if flag != "" {
			flag = "`" + flag + "`"
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s |\n", v.Name, flag, v.Meaning)
	}
	return b.String()
}

//go:embed reference_connect.md
var referenceConnectText string // what the page says below the list of endpoints

func referenceConnect() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s# Connect API\n\n`rinca connect serve` answers as 1Password Connect %s. Requests carry `Authorization: Bearer TOKEN`; answers carry `1Password-Connect-Version`. Errors are `{\"status\":…,\"message\":…}`.\n\n| Method | Path | Right | |\n| --- | --- | --- | --- |\n", generated, connectapi.APIVersion)
	for _, e := range connectapi.Endpoints() {
		fmt.Fprintf(&b, "| %s | `%s` | %s | %s |\n", e.Method, e.Path, e.Right, e.Doc)
	}
	b.WriteString(referenceConnectText)
	return b.String()
}
