package cli

import (
	"encoding/json"
	"fmt"
	"path/filepath"

	"github.com/spf13/cobra"

	"rinca/internal/rinca"
	"rinca/internal/vault/embedded"
)

func newInit(a *app) *cobra.Command {
	var name string
	var ask bool
	c := &cobra.Command{
		Use:   "init",
		Short: "Make a home: a key, and an encrypted vault",
		Long: `Makes the home, the directory that RINCA_HOME names: the key file rinca.key
(only its owner can read it) and the encrypted database vault.db, with one vault
in it. A home that exists is left as it is.

Keep a copy of rinca.key away from this machine: without it nobody can read the
vault.`,
		Example: `  rinca init
  rinca init --vault homelab --passphrase
  RINCA_HOME=$PWD/home rinca init`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.init(cmd, name, ask)
		},
	}
	c.Flags().StringVar(&name, "vault", rinca.DefaultVault, "`NAME` of the first vault")
	c.Flags().BoolVar(&ask, "passphrase", false, "protect the key file with a passphrase (asked for, or from RINCA_PASSPHRASE_FILE)")
	return c
}

func (a *app) init(cmd *cobra.Command, name string, ask bool) error {
	conf, err := a.config()
	if err != nil {
		return err
	}
	cfg := a.embeddedConfig(conf)
	var pass rinca.Secret
	if ask && !embedded.Exists(conf.Home) {
		if pass, err = a.newPassphrase(conf); err != nil {
			return err
		}
		conf.Passphrase = pass
		cfg = a.embeddedConfig(conf)
	}
	err = embedded.Init(cmd.Context(), cfg, pass)
	made := err == nil
	if err != nil && rinca.CodeOf(err) != rinca.Conflict {
		return err
	}
	db, err := embedded.Open(cmd.Context(), cfg)
	if err != nil {
		return err
	}
	defer db.Close()
	vaults, err := db.Vaults(cmd.Context())
	if err != nil {
		return err
	}
	// A home without any vault is one whose init was interrupted.
	if made || len(vaults) == 0 {
		v, err := db.CreateVault(cmd.Context(), name, "")
		if err != nil {
			return err
		}
		vaults = append(vaults, v)
	}
	return a.printInit(made, conf.Home, cfg.Keys.File(), vaults)
}

func (a *app) printInit(made bool, home, key string, vaults []rinca.Vault) error {
	if key == "" {
		key = filepath.Join(home, embedded.KeyName)
	}
	if a.json {
		names := []string{}
		for _, v := range vaults {
			names = append(names, v.Name)
		}
		return json.NewEncoder(a.Stdout).Encode(map[string]any{"home": home, "key": key, "created": made, "vaults": names})
	}
	if a.quiet {
		return nil
	}
	if !made {
		fmt.Fprintf(a.Stdout, "%s is a home already; nothing was changed.\n", home)
		return nil
	}
	fmt.Fprintf(a.Stdout, "Made %s with the vault %q.\nKeep a copy of %s somewhere safe: without it nobody can read the vault.\n", home, vaults[len(vaults)-1].Name, key)
	return nil
}
