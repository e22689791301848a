package opcommand

import (
	"context"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"rinca/internal/rinca"
)

type vaultJSON struct {
	ID               string    `json:"id"`
	Name             string    `json:"name"`
	ContentVersion   int64     `json:"content_version"`
	Description      string    `json:"description,omitempty"`
	AttributeVersion int64     `json:"attribute_version,omitempty"`
	Items            int       `json:"items"`
	Type             string    `json:"type,omitempty"`
	CreatedAt        time.Time `json:"created_at"`
	UpdatedAt        time.Time `json:"updated_at"`
}

func toVaultJSON(v rinca.Vault) vaultJSON {
	return vaultJSON{v.ID, v.Name, v.ContentVersion, v.Description, v.AttributeVersion, v.Items, v.Type, v.CreatedAt, v.UpdatedAt}
}

// A vaultMaker is a vault provider that can make vaults.
type vaultMaker interface {
	CreateVault(ctx context.Context, name, description string) (rinca.Vault, error)
}

func newVault(s *session) *cobra.Command {
	return group("vault", "List, get or create vaults", newVaultList(s), newVaultGet(s), newVaultCreate(s))
}

func newVaultList(s *session) *cobra.Command {
	c := &cobra.Command{Use: "list [flags]", Aliases: []string{"ls"}, Short: "List the vaults", Args: noArgs, RunE: func(*cobra.Command, []string) error {
		vaults, err := s.allVaults()
		if err != nil {
			return err
		}
		if s.json() {
			out := []vaultJSON{}
			for _, v := range vaults {
				j := toVaultJSON(v)
				j.Description, j.AttributeVersion, j.Type = "", 0, ""
				out = append(out, j)
			}
			return s.printJSON(out)
		}
		t := table{s.Stdout, []string{"ID", "NAME"}, nil}
		for _, v := range vaults {
			t.row(v.ID, v.Name)
		}
		return t.print()
	}}
	ignored(c, "there is one user", "group", "permission", "user")
	return c
}

func newVaultGet(s *session) *cobra.Command {
	return &cobra.Command{Use: "get { <vaultName> | <vaultID> } [flags]", Short: "Get details about a vault", Args: exactArgs(1), RunE: func(_ *cobra.Command, args []string) error {
		v, err := s.vault(args[0])
		if err != nil {
			return err
		}
		return s.printVault(v)
	}}
}

func (s *session) printVault(v rinca.Vault) error {
	if s.json() {
		return s.printJSON(toVaultJSON(v))
	}
	return s.pairs(
		"ID", v.ID, "Name", v.Name, "Description", v.Description, "Type", v.Type,
		"Attribute version", fmt.Sprint(v.AttributeVersion), "Content version", fmt.Sprint(v.ContentVersion),
		"Items", fmt.Sprint(v.Items), "Created", s.ago(v.CreatedAt), "Updated", s.ago(v.UpdatedAt),
	)
}

func newVaultCreate(s *session) *cobra.Command {
	var description string
	c := &cobra.Command{Use: "create <name> [flags]", Short: "Create a new vault", Args: exactArgs(1), RunE: func(_ *cobra.Command, args []string) error {
		p, err := s.open()
		if err != nil {
			return err
		}
		maker, ok := p.(vaultMaker)
		if !ok {
			return fail("this provider cannot create vaults: create it in 1Password")
		}
		v, err := maker.CreateVault(s.ctx, args[0], description)
		if err != nil {
			return err
		}
		return s.printVault(v)
	}}
	c.Flags().StringVar(&description, "description", "", "Set the vault's description.")
	ignored(c, "vaults have no such property here", "allow-admins-to-manage", "icon")
	return c
}
