package cli

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"rinca/internal/database"
	"rinca/internal/home"
	"rinca/internal/rinca"
)

func newBackup(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "backup FILE",
		Short: "Copy the vault and the server's database to one encrypted file",
		Long: `Writes a copy of the embedded vault and of the server's database, each as of one
moment, while others read and write. The whole file is encrypted: it can lie
anywhere. It needs the key of this home to be read, so keep a copy of rinca.key
too, somewhere else. After "rinca key rotate", older backups need the older key.`,
		Example: "  rinca backup /mnt/backup/rinca-$(date +%F).bak",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			cfg, err := a.homeConfig()
			if err != nil {
				return err
			}
			if err := home.Backup(cmd.Context(), cfg, args[0]); err != nil {
				return err
			}
			if a.json {
				return json.NewEncoder(a.Stdout).Encode(map[string]string{"backup": args[0]})
			}
			if !a.quiet {
				key := cfg.Keys.File()
				if key == "" {
					key = filepath.Join(cfg.Dir, database.KeyName)
				}
				fmt.Fprintf(a.Stdout, "Wrote %s. It can be read with the key in %s.\n", args[0], key)
			}
			return nil
		},
	}
}

func newRestore(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "restore FILE",
		Short: "Put a backup in the place of the vault and the server's database",
		Long: `Proves first that every record of the backup can be read with the key of this
home, and then puts it in the place of the vault and of the server's database.
What it replaces is kept beside it. Stop "rinca serve" and "rinca connect serve"
before, and start them again after. Everybody has to sign in again, and what
waited in the queue when the backup was made is closed as interrupted.

A backup that holds only the vault, as older versions made them, leaves the
server's database as it is.`,
		Example: "  rinca restore /mnt/backup/rinca-2026-11-23.bak",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			cfg, err := a.homeConfig()
			if err != nil {
				return err
			}
			r, err := home.Restore(cmd.Context(), cfg, args[0])
			if err != nil {
				if rinca.CodeOf(err) == rinca.Destination {
					return err
				}
				return fmt.Errorf("restore %s: %w", args[0], err)
			}
			return a.printRestored(r)
		},
	}
}

func (a *app) printRestored(r home.Restored) error {
	counts, words := map[string]any{}, []string{}
	count := func(key string, n int, one string) {
		counts[key] = n
		words = append(words, plural(n, one))
	}
	if r.Vault != nil {
		count("vaults", r.Vault.Vaults, "vault")
		count("items", r.Vault.Items, "item")
	}
	if r.Server != nil {
		count("stacks", r.Server.Records["stack"], "stack")
		count("variables", r.Server.Records["variable"], "variable")
		count("users", r.Server.Records["user"], "user")
	}
	kept := strings.Join(r.Kept, " and ")
	if a.json {
		counts["kept"] = kept
		return json.NewEncoder(a.Stdout).Encode(counts)
	}
	if a.quiet {
		return nil
	}
	last := len(words) - 1
	fmt.Fprintf(a.Stdout, "Restored %s and %s.\n", strings.Join(words[:last], ", "), words[last])
	if kept != "" {
		fmt.Fprintf(a.Stdout, "What was there before is in %s.\n", kept)
	}
	return nil
}
