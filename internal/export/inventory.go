package export

import (
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// A Kept is a file that exports have left in a destination, and the item
// that it is made from.
type Kept struct {
	Path      string
	Stack     string
	Title     string
	Vault     string // id
	VaultName string // "" when the vault was not listed under this id
	Item      string // id
	Version   int64
	ChangedAt time.Time // the item's last change when it was exported
	WrittenAt time.Time // when the content last differed
}

// A Tagged is an item that a vault listed with tags of stacks.
type Tagged struct {
	Vault, VaultName string
	Item, Title      string
	Stacks           []string
	Version          int64
	ChangedAt        time.Time
}

// An Inventory is what is known of a destination without asking any vault.
type Inventory struct {
	Files []Kept   // by path
	Items []Tagged // as they were last listed, by title
}

// TakeInventory reads the manifest of a destination. Where there is none that
// can be used, the inventory is empty.
func TakeInventory(dest string) (Inventory, error) {
	var out Inventory
	d, err := openDest(dest, false)
	if err != nil || d.root == nil {
		return out, err
	}
	defer d.close()
	k, err := loadKey(d.root)
	if err != nil {
		return out, d.stateError("read", keyFile, err)
	}
	m, _, err := loadManifest(d.root, k)
	if err != nil {
		return out, err
	}
	for name, e := range m.Files {
		stack, title := split(name)
		out.Files = append(out.Files, Kept{
			Path: filepath.Join(d.path, stack, title), Stack: stack, Title: title,
			Vault: e.Vault, VaultName: m.Vaults[e.Vault].Name, Item: e.Item,
			Version: e.Version, ChangedAt: e.UpdatedAt, WrittenAt: e.ExportedAt,
		})
	}
	for id, l := range m.Vaults {
		for _, i := range l.Items {
			out.Items = append(out.Items, Tagged{
				Vault: id, VaultName: l.Name, Item: i.ID, Title: i.Title, Stacks: i.Stacks, Version: i.Version, ChangedAt: i.UpdatedAt,
			})
		}
	}
	slices.SortFunc(out.Files, func(a, b Kept) int { return strings.Compare(a.Path, b.Path) })
	slices.SortFunc(out.Items, func(a, b Tagged) int { return strings.Compare(a.Title+a.Item, b.Title+b.Item) })
	return out, nil
}

// ChangedAt is when the item of the file was changed in the vault; zero when
// that is not known.
func (f *File) ChangedAt() time.Time { return f.entry.UpdatedAt }
