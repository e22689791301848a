package cli

import (
	"context"
	"slices"
	"strings"
	"unicode"

	"github.com/spf13/cobra"

	"rinca/internal/rinca"
	"rinca/internal/vault"
)

func newItem(a *app) *cobra.Command {
	c := &cobra.Command{
		Use:   "item",
		Short: "Make items from .env.example files, list and check them",
		Example: `  rinca item create stacks/auth/authentik/*.env.example
  rinca item list authentik
  rinca item lint --all`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	c.AddCommand(newItemCreate(a), newItemLint(a), newItemList(a), newItemShow(a))
	return c
}

// vaultFlag defines --vault.
func vaultFlag(c *cobra.Command, name *string) {
	c.Flags().StringVar(name, "vault", "", "`NAME` or id of the vault (VAULT; default "+rinca.DefaultVault+")")
}

// openVault opens the provider and finds the vault that a flag, or VAULT, names.
func (a *app) openVault(ctx context.Context, name string) (rinca.Provider, rinca.Vault, func(), error) {
	p, closeProvider, err := a.provider(ctx)
	if err != nil {
		return nil, rinca.Vault{}, nil, err
	}
	v, err := vault.Find(ctx, p, a.or(name, "VAULT", rinca.DefaultVault))
	if err != nil {
		closeProvider()
		return nil, rinca.Vault{}, nil, err
	}
	return p, v, closeProvider, nil
}

// envInfos lists the active items whose titles end in .env, of some stacks or
// of all, in the order of stack and title.
func envInfos(infos []rinca.Info, stacks []string) []rinca.Info {
	infos = slices.DeleteFunc(slices.Clone(infos), func(i rinca.Info) bool {
		return i.State != rinca.Active || !strings.HasSuffix(i.Title, rinca.EnvSuffix) ||
			len(stacks) > 0 && !slices.ContainsFunc(stacks, func(s string) bool { return slices.Contains(i.Stacks(), s) })
	})
	slices.SortStableFunc(infos, func(x, y rinca.Info) int {
		if c := slices.Compare(x.Stacks(), y.Stacks()); c != 0 {
			return c
		}
		return strings.Compare(x.Title, y.Title)
	})
	return infos
}

// completeStacks offers the stacks that items of the vault are tagged with.
func (a *app) completeStacks(name *string) cobra.CompletionFunc {
	return func(cmd *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
		p, v, done, err := a.openVault(cmd.Context(), *name)
		if err != nil {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		defer done()
		infos, err := p.Items(cmd.Context(), v.ID)
		if err != nil {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		var stacks []string
		for _, i := range envInfos(infos, nil) {
			stacks = append(stacks, i.Stacks()...)
		}
		slices.Sort(stacks)
		stacks = slices.DeleteFunc(slices.Compact(stacks), func(s string) bool { return slices.Contains(args, s) })
		return stacks, cobra.ShellCompDirectiveNoFileComp
	}
}

// printable makes text from a file or a vault safe to show: control
// characters could move the cursor or forge lines.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || unicode.In(r, unicode.Cf, unicode.Zl, unicode.Zp) {
			return '\ufffd'
		}
		return r
	}, strings.ToValidUTF8(s, "\ufffd"))
}
