package cli

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"rinca/internal/home"
	"rinca/internal/rinca"
)

func newKey(a *app) *cobra.Command {
	c := &cobra.Command{
		Use:   "key",
		Short: "Show, rotate or protect the key of this home",
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
		RunE: func(*cobra.Command, []string) error {
			cfg, err := a.homeConfig()
			if err != nil {
				return err
			}
			k, err := home.ShowKey(cfg)
			if err != nil {
				return err
			}
			if a.json {
				return json.NewEncoder(a.Stdout).Encode(map[string]any{
					"id": k.ID, "created": k.Created, "file": k.File, "passphrase": k.Locked, "home": cfg.Dir,
				})
			}
			protection := "by its file's mode (0600)"
			if k.Locked {
				protection = "by a passphrase"
			}
			fmt.Fprintf(a.Stdout, "Key %s, made %s, in %s, protected %s.\n", k.ID, k.Created.Format(time.DateOnly), k.File, protection)
			return nil
		},
	}
}

func newKeyRotate(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "rotate",
		Short: "Make a new key and re-wrap every record to it",
		Long: `Makes a new key, re-wraps the data key of every record to it, in the vault and in
the server's database, and forgets the old key. Other processes, the server too,
may go on meanwhile. Interrupted at any moment, everything stays readable; rotate
again.

Backups made before still need the old key: keep it with them.`,
		Example: "  rinca key rotate",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg, err := a.homeConfig()
			if err != nil {
				return err
			}
			old, fresh, err := home.RotateKey(cmd.Context(), cfg)
			if err != nil {
				return err
			}
			if a.json {
				return json.NewEncoder(a.Stdout).Encode(map[string]string{"old": old.ID, "new": fresh.ID})
			}
			if !a.quiet {
				fmt.Fprintf(a.Stdout, "Key %s replaced by %s. Make a new copy of %s.\n", old.ID, fresh.ID, fresh.File)
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
			conf, err := a.config()
			if err != nil {
				return err
			}
			cfg := home.Config{Dir: conf.Home, Keys: a.keySource(conf)}
			k, err := home.ShowKey(cfg) // proves that the old one is right
			if err != nil {
				return err
			}
			var pass rinca.Secret
			if !remove {
				if k.Locked {
					conf.Passphrase = rinca.Secret{} // that is the old one
				}
				if pass, err = a.newPassphrase(conf); err != nil {
					return err
				}
			}
			if err := home.SetPassphrase(cmd.Context(), cfg, pass); err != nil {
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
