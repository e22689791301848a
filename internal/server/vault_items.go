package server

import (
	"context"

	"rinca/internal/rinca"
	"rinca/internal/vault"
	"rinca/internal/vault/embedded"
)

// Make makes an encrypted vault in the home, and one in it of the name that
// stacks look for. A call that was interrupted is completed by the next.
func (k *vaultKeeper) Make(ctx context.Context) (rinca.VaultState, error) {
	taken := rinca.Errorf(rinca.Conflict, "this server has a vault already").Try("rinca token show")
	s, _, err := k.effective(ctx)
	if err != nil {
		return rinca.VaultState{}, err
	}
	if choice, err := Choose(s); err == nil && choice.Name != "embedded" {
		return rinca.VaultState{}, taken
	}
	if err := embedded.Init(ctx, k.sources.Embedded, rinca.Secret{}); err != nil && rinca.CodeOf(err) != rinca.Conflict {
		return rinca.VaultState{}, err
	}
	db, err := embedded.Open(ctx, k.sources.Embedded)
	if err != nil {
		return rinca.VaultState{}, err
	}
	defer db.Close()
	if vaults, err := db.Vaults(ctx); err != nil || len(vaults) > 0 {
		return rinca.VaultState{}, orTaken(err, taken)
	}
	if _, err := db.CreateVault(ctx, k.vaultName(""), ""); err != nil {
		return rinca.VaultState{}, err
	}
	k.vault.Reset()
	return k.State(ctx)
}

func orTaken(err, taken error) error {
	if err != nil {
		return err
	}
	return taken
}

// vaultName returns the vault that is meant: the one that stacks use, when
// none is named.
func (k *vaultKeeper) vaultName(name string) string {
	if name != "" {
		return name
	}
	if name = k.vault.Request.Vault; name != "" {
		return name
	}
	return rinca.DefaultVault
}

// Items lists the items of a vault.
func (k *vaultKeeper) Items(ctx context.Context, name string) (out []rinca.VaultItem, err error) {
	err = k.vault.Use(ctx, func(p rinca.Provider) error {
		out, err = vault.ListItems(ctx, p, k.vaultName(name))
		return err
	})
	return out, err
}

// Item shows an item, without its values.
func (k *vaultKeeper) Item(ctx context.Context, name, item string) (out rinca.VaultItem, err error) {
	err = k.vault.Use(ctx, func(p rinca.Provider) error {
		out, err = vault.ShowItem(ctx, p, k.vaultName(name), item)
		return err
	})
	return out, err
}

// Change makes an item, or changes one.
func (k *vaultKeeper) Change(ctx context.Context, c *rinca.VaultItemChange) (out rinca.VaultItem, err error) {
	change := *c
	change.Vault = k.vaultName(c.Vault)
	err = k.vault.Use(ctx, func(p rinca.Provider) error {
		w, err := writerOf(p)
		if err != nil {
			return err
		}
		out, err = vault.Change(ctx, w, &change)
		return err
	})
	return out, err
}

// DeleteItem removes an item for good.
func (k *vaultKeeper) DeleteItem(ctx context.Context, name, id string) error {
	return k.vault.Use(ctx, func(p rinca.Provider) error {
		w, err := writerOf(p)
		if err != nil {
			return err
		}
		return vault.DeleteItem(ctx, w, k.vaultName(name), id)
	})
}

// Value reveals the value of a field.
func (k *vaultKeeper) Value(ctx context.Context, name, item, field string) (out rinca.Secret, err error) {
	err = k.vault.Use(ctx, func(p rinca.Provider) error {
		out, err = vault.FieldValue(ctx, p, k.vaultName(name), item, field)
		return err
	})
	return out, err
}

func writerOf(p rinca.Provider) (rinca.Writer, error) {
	w, ok := p.(rinca.Writer)
	if !ok {
		return nil, rinca.Errorf(rinca.Invalid, "this vault cannot be written by rinca").Try("change the item in 1Password; then: rinca rotate --now")
	}
	return w, nil
}
