package vault

import (
	"context"
	"strings"

	"rinca/internal/rinca"
)

// Find returns the vault with that id, else the one with that name, compared
// without regard to case. Its error NotFound lists the vaults that this
// credential can see; several of one name are a Conflict that lists their
// ids.
func Find(ctx context.Context, p rinca.Provider, nameOrID string) (rinca.Vault, error) {
	vaults, err := p.Vaults(ctx)
	if err != nil {
		return rinca.Vault{}, err
	}
	return Pick(vaults, nameOrID)
}

// Pick is Find among vaults that have been listed already.
func Pick(vaults []rinca.Vault, nameOrID string) (rinca.Vault, error) {
	found := match(vaults, nameOrID, func(v rinca.Vault) (string, string) { return v.ID, v.Name })
	switch len(found) {
	case 1:
		return found[0], nil
	case 0:
		return rinca.Vault{}, noVault(vaults, nameOrID)
	}
	ids := make([]string, len(found))
	for i, v := range found {
		ids[i] = v.ID
	}
	return rinca.Vault{}, rinca.Errorf(rinca.Conflict, "several vaults are named '%s': %s", nameOrID, strings.Join(ids, ", ")).
		Try("name the vault by one of these ids")
}

func noVault(vaults []rinca.Vault, nameOrID string) error {
	e := rinca.Errorf(rinca.NotFound, "vault '%s' not found", nameOrID)
	if len(vaults) == 0 {
		return e.Try("check the account and what the token may read: this credential can see no vault at all")
	}
	names := make([]string, len(vaults))
	for i, v := range vaults {
		names[i] = v.Name
	}
	visible := "this credential can see: " + list(names)
	if near := Nearest(nameOrID, names); near != "" {
		return e.Try("'%s' instead; %s", near, visible)
	}
	return e.Try("one of the visible vaults, or a token that can read '%s'; %s", nameOrID, visible)
}

// FindItem returns the active item of the vault with that id, else the one
// with that title, compared without regard to case. Several of one title are
// a Conflict that lists their ids.
func FindItem(ctx context.Context, p rinca.Provider, vaultID, titleOrID string) (rinca.Info, error) {
	infos, err := p.Items(ctx, vaultID)
	if err != nil {
		return rinca.Info{}, err
	}
	return PickItem(infos, titleOrID)
}

// PickItem is FindItem among items that have been listed already.
func PickItem(infos []rinca.Info, titleOrID string) (rinca.Info, error) {
	found := match(infos, titleOrID, func(i rinca.Info) (string, string) { return i.ID, i.Title })
	switch len(found) {
	case 1:
		return found[0], nil
	case 0:
		titles := make([]string, len(infos))
		for i, info := range infos {
			titles[i] = info.Title
		}
		e := rinca.Errorf(rinca.NotFound, "item '%s' not found", titleOrID)
		if near := Nearest(titleOrID, titles); near != "" {
			return rinca.Info{}, e.Try("'%s' instead", near)
		}
		return rinca.Info{}, e.Try("check the title, and that the item is neither archived nor in another vault")
	}
	ids := make([]string, len(found))
	for i, info := range found {
		ids[i] = info.ID
	}
	return rinca.Info{}, rinca.Errorf(rinca.Conflict, "several items have the title '%s': %s", titleOrID, strings.Join(ids, ", ")).
		Try("name the item by one of these ids")
}

// match returns the elements that a name means: the one with that id, else
// those with exactly that name, else those whose name differs in case only.
func match[T any](all []T, name string, key func(T) (id, name string)) []T {
	var exact, folded []T
	name = strings.TrimSpace(name)
	for _, e := range all {
		id, n := key(e)
		n = strings.TrimSpace(n)
		switch {
		case id == name && id != "":
			return []T{e}
		case n == name:
			exact = append(exact, e)
		case strings.EqualFold(n, name):
			folded = append(folded, e)
		}
	}
	if len(exact) > 0 {
		return exact
	}
	return folded
}

// list joins names for a message, and does not let a large account flood it.
func list(names []string) string {
	const most = 12
	if len(names) <= most {
		return strings.Join(names, ", ")
	}
	return strings.Join(names[:most], ", ") + ", …"
}
