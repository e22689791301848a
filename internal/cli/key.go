package cli

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"rinca/internal/rinca"
	"rinca/internal/seal"
)

func newKey(a *app) *cobra.Command {
	c := &cobra.Command{
		Use:   "key",
		Short: "Show, rotate or protect the key of the embedded vault",
		Example: `  rinca key show
  rinca key rotate
  rinca key passphrase`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	c.AddCommand(newKeyShow(a), newKeyRotate(a), newKeyPassphrase(a))
	return c
}

func newKeyShow(a *app) *cobra.Command {
	return &cobra.Command{
		Use:     "show",
		Short:   "Say which key is in use, never the key itself",
		Example: "  rinca key show --json",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			conf, err := a.config()
			if err != nil {
				return err
			}
			db, err := a.openEmbedded(cmd.Context())
			if err != nil {
				return err
			}
			defer db.Close()
			src := db.Keys()
			locked, err := seal.HasPassphrase(src)
			if err != nil {
				return err
			}
			id, created := db.KeyID()
			if a.json {
				return json.NewEncoder(a.Stdout).Encode(map[string]any{
					"id": id, "created": created, "file": src.File(), "passphrase": locked, "home": conf.Home,
				})
			}
			protection := "by its file's mode (0600)"
			if locked {
				protection = "by a passphrase"
			}
			fmt.Fprintf(a.Stdout, "Key %s, made %s, in %s, protected %s.\n", id, created.Format(time.DateOnly), src.File(), protection)
			return nil
		},
	}
}

func newKeyRotate(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "rotate",
		Short: "Make a new key and re-wrap every record to it",
		Long: `Makes a new key, re-wraps the data key of every record to it in one
transaction, and forgets the old key. Other processes may go on meanwhile.
Interrupted at any moment, the vault stays readable; rotate again.

Backups made before still need the old key: keep it with them.`,
		Example: "  rinca key rotate",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			db, err := a.openEmbedded(cmd.Context())
			if err != nil {
				return err
			}
			defer db.Close()
			old, _ := db.KeyID()
			if err := db.RotateKey(cmd.Context()); err != nil {
				return err
			}
			fresh, _ := db.KeyID()
			if a.json {
				return json.NewEncoder(a.Stdout).Encode(map[string]string{"old": old, "new": fresh})
			}
			if !a.quiet {
				fmt.Fprintf(a.Stdout, "Key %s replaced by %s. Make a new copy of %s.\n", old, fresh, db.Keys().File())
			}
			return nil
		},
	}
}

func newKeyPassphrase(a *app) *cobra.Command {
	var remove bool
	c := &cobra.Command{
		Use:   "passphrase",
		Short: "Protect the key file with a passphrase, or with another",
		Example: `  rinca key passphrase
  rinca key passphrase --remove`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			db, err := a.openEmbedded(cmd.Context()) // proves that the old one is right
			if err != nil {
				return err
			}
			defer db.Close()
			var pass rinca.Secret
			if !remove {
				conf, err := a.config()
				if err != nil {
					return err
				}
				locked, err := seal.HasPassphrase(db.Keys())
				if err != nil {
					return err
				}
				if locked {
					conf.Passphrase = rinca.Secret{} // that is the old one
				}
				if pass, err = a.newPassphrase(conf); err != nil {
					return err
				}
			}
			if err := db.SetPassphrase(cmd.Context(), pass); err != nil {
				return err
			}
			if !a.quiet && !a.json {
				fmt.Fprintln(a.Stdout, map[bool]string{true: "The key file needs no passphrase now.", false: "The key file needs the new passphrase now."}[remove])
			}
			return nil
		},
	}
	c.Flags().BoolVar(&remove, "remove", false, "let the file's mode be the only protection")
	return c
}
