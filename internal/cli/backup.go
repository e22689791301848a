package cli

import (
	"encoding/json"
	"fmt"

	"github.com/spf13/cobra"

	"rinca/internal/rinca"
	"rinca/internal/vault/embedded"
)

func newBackup(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "backup FILE",
		Short: "Copy the embedded vault to a file, sealed as it is",
		Long: `Writes a copy of the whole vault, as of one moment, while others read and write.
The copy is sealed as the vault is: it can lie anywhere. It needs the key of this
home to be read, so keep a copy of rinca.key too, somewhere else. After
"rinca key rotate", older backups need the older key.`,
		Example: "  rinca backup /mnt/backup/vault-$(date +%F).db",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			db, err := a.openEmbedded(cmd.Context())
			if err != nil {
				return err
			}
			defer db.Close()
			if err := db.Backup(cmd.Context(), args[0]); err != nil {
				return err
			}
			if a.json {
				return json.NewEncoder(a.Stdout).Encode(map[string]string{"backup": args[0]})
			}
			if !a.quiet {
				fmt.Fprintf(a.Stdout, "Wrote %s. It can be read with the key in %s.\n", args[0], db.Keys().File())
			}
			return nil
		},
	}
}

func newRestore(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "restore FILE",
		Short: "Put a backup in the place of the embedded vault",
		Long: `Proves first that every record of the backup can be read with the key of this
home, and then puts it in the place of the vault. What it replaces is kept beside
it. Stop "rinca connect serve" before, and start it again after.`,
		Example: "  rinca restore /mnt/backup/vault-2026-11-23.db",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			conf, err := a.config()
			if err != nil {
				return err
			}
			kept, r, err := embedded.Restore(cmd.Context(), a.embeddedConfig(conf), args[0])
			if err != nil {
				if rinca.CodeOf(err) == rinca.Destination {
					return err
				}
				return fmt.Errorf("restore %s: %w", args[0], err)
			}
			if a.json {
				return json.NewEncoder(a.Stdout).Encode(map[string]any{"vaults": r.Vaults, "items": r.Items, "kept": kept})
			}
			if a.quiet {
				return nil
			}
			fmt.Fprintf(a.Stdout, "Restored %s and %s.\n", plural(r.Vaults, "vault"), plural(r.Items, "item"))
			if kept != "" {
				fmt.Fprintf(a.Stdout, "What was there before is in %s.\n", kept)
			}
			return nil
		},
	}
}
