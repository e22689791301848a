package cli

import (
	"encoding/json"
	"fmt"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"rinca/internal/rinca"
)

func newVault(a *app) *cobra.Command {
	c := &cobra.Command{
		Use:   "vault",
		Short: "List, create or check the vaults of the embedded provider",
		Example: `  rinca vault list
  rinca vault create media
  rinca vault check`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	c.AddCommand(newVaultList(a), newVaultCreate(a), newVaultCheck(a))
	return c
}

func newVaultList(a *app) *cobra.Command {
	return &cobra.Command{
		Use:     "list",
		Short:   "List the vaults",
		Example: "  rinca vault list --json",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			db, err := a.openEmbedded(cmd.Context())
			if err != nil {
				return err
			}
			defer db.Close()
			vaults, err := db.Vaults(cmd.Context())
			if err != nil {
				return err
			}
			if a.json {
				out := []map[string]any{}
				for _, v := range vaults {
					out = append(out, map[string]any{"id": v.ID, "name": v.Name, "items": v.Items, "content_version": v.ContentVersion, "updated_at": v.UpdatedAt})
				}
				return json.NewEncoder(a.Stdout).Encode(out)
			}
			w := tabwriter.NewWriter(a.Stdout, 0, 0, 3, ' ', 0)
			fmt.Fprintln(w, "NAME\tITEMS\tVERSION\tID")
			for _, v := range vaults {
				fmt.Fprintf(w, "%s\t%d\t%d\t%s\n", v.Name, v.Items, v.ContentVersion, v.ID)
			}
			return w.Flush()
		},
	}
}

func newVaultCreate(a *app) *cobra.Command {
	var description string
	c := &cobra.Command{
		Use:     "create NAME",
		Short:   "Add an empty vault",
		Example: "  rinca vault create media --description 'The media stacks'",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			db, err := a.openEmbedded(cmd.Context())
			if err != nil {
				return err
			}
			defer db.Close()
			v, err := db.CreateVault(cmd.Context(), args[0], description)
			if err != nil {
				return err
			}
			if a.json {
				return json.NewEncoder(a.Stdout).Encode(map[string]string{"id": v.ID, "name": v.Name})
			}
			if !a.quiet {
				fmt.Fprintf(a.Stdout, "Made the vault %q (%s).\n", v.Name, v.ID)
			}
			return nil
		},
	}
	c.Flags().StringVar(&description, "description", "", "what it is for")
	return c
}

func newVaultCheck(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "check",
		Short: "Read every record and name what is damaged",
		Long: `Reads the whole database: its structure, every sealed record, every version
of every item, every file, and whether any is missing. Exit status 1 when
something is damaged.`,
		Example: "  rinca vault check",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			db, err := a.openEmbedded(cmd.Context())
			if err != nil {
				return err
			}
			defer db.Close()
			r, err := db.Check(cmd.Context())
			if err != nil {
				return err
			}
			if a.json {
				if err := json.NewEncoder(a.Stdout).Encode(map[string]any{
					"vaults": r.Vaults, "items": r.Items, "versions": r.Versions, "files": r.Files, "tokens": r.Tokens, "damage": append([]string{}, r.Damage...),
				}); err != nil {
					return err
				}
			} else if !a.quiet && len(r.Damage) == 0 {
				fmt.Fprintf(a.Stdout, "All well: %d vaults, %d items, %d older versions, %d files, %d tokens.\n", r.Vaults, r.Items, r.Versions, r.Files, r.Tokens)
			}
			if len(r.Damage) == 0 {
				return nil
			}
			for _, d := range r.Damage {
				fmt.Fprintf(a.Stderr, "✗ %s\n", d)
			}
			return rinca.Errorf(rinca.Corrupt, "%d damaged", len(r.Damage)).Try("rinca restore FILE")
		},
	}
}
