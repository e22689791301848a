package opcommand

import (
	"bytes"
	"context"
	"io"
	"strconv"
	"strings"

	"github.com/spf13/cobra"
)

// completeVaults completes --vault with the names of the vaults.
func (s *session) completeVaults(c *cobra.Command) {
	_ = c.RegisterFlagCompletionFunc("vault", func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
		vaults, _ := s.allVaults()
		var names []string
		for _, v := range vaults {
			names = append(names, v.Name)
		}
		return names, cobra.ShellCompDirectiveNoFileComp
	})
}

// completeItems completes the first argument with the titles of items, and
// --vault.
func (s *session) completeItems(c *cobra.Command, vault *string) {
	s.completeVaults(c)
	c.ValidArgsFunction = func(_ *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
		if len(args) > 0 {
			return nil, cobra.ShellCompDirectiveDefault
		}
		vaults, _ := s.scope(*vault)
		var titles []string
		for _, v := range vaults {
			infos, _ := s.infos(v, false)
			for _, i := range infos {
				titles = append(titles, i.Title)
			}
		}
		return titles, cobra.ShellCompDirectiveNoFileComp
	}
}

// Complete returns what the last of the arguments, which may be empty, can
// become: for the shell completion of a program that has op as a command.
func Complete(ctx context.Context, env Env) ([]string, cobra.ShellCompDirective) {
	var out bytes.Buffer
	env.Stdout, env.Stderr = &out, io.Discard
	env.Args = append([]string{cobra.ShellCompRequestCmd}, env.Args...)
	if Main(ctx, env) != 0 {
		return nil, cobra.ShellCompDirectiveError
	}
	lines := strings.Split(strings.TrimSpace(out.String()), "\n")
	last := len(lines) - 1
	n, err := strconv.Atoi(strings.TrimPrefix(lines[last], ":"))
	if err != nil {
		return nil, cobra.ShellCompDirectiveError
	}
	return lines[:last], cobra.ShellCompDirective(n)
}
