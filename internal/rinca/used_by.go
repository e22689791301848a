package rinca

import (
	"strings"
	"time"
)

// An UsedBy is the way from an item, a field of it, or a variable to the
// containers that read it. It is known without asking the vault.
type UsedBy struct {
	What  string     `json:"what"` // as it was asked for
	Items []UsedItem `json:"items,omitempty"`
	// Variables are those that were asked for, or stand for a field.
	Variables []string    `json:"variables,omitempty"`
	Uses      []SecretUse `json:"uses"` // by stack, file, variable and service
	Notes     []string    `json:"notes,omitempty"`
}

// An UsedItem is an item as it was last seen.
type UsedItem struct {
	Vault     string    `json:"vault,omitempty"` // id
	VaultName string    `json:"vault_name,omitempty"`
	Item      string    `json:"item,omitempty"` // id; "" for one that is only referred to
	Title     string    `json:"title"`
	Version   int64     `json:"version,omitempty"`
	ChangedAt time.Time `json:"changed_at,omitzero"`
}

// A Thing is what a person asks about: an item, a field of one, or a name that
// is the title of an item or that of a variable.
type Thing struct {
	Vault, Item, Field string
	Name               string // instead of the others
}

// maxThing is the longest text that is read as a Thing.
const maxThing = 1000

// ParseThing reads op://vault/item, op://vault/item/[section/]field, the title
// or id of an item, or the name of a variable.
func ParseThing(s string) (Thing, error) {
	bad := func() error {
		return Errorf(Invalid, "that names no item, field or variable").
			Try("op://vault/item, op://vault/item/field, the title of an item, or the name of a variable")
	}
	s = strings.TrimSpace(s)
	if s == "" || len(s) > maxThing || strings.ContainsFunc(s, func(c rune) bool { return c < ' ' || c == 0x7f }) {
		return Thing{}, bad()
	}
	rest, ok := strings.CutPrefix(s, RefScheme)
	if !ok {
		return Thing{Name: s}, nil
	}
	if parts := strings.Split(strings.TrimSuffix(rest, "/"), "/"); len(parts) == 2 {
		if strings.TrimSpace(parts[0]) == "" || strings.TrimSpace(parts[1]) == "" {
			return Thing{}, bad()
		}
		return Thing{Vault: parts[0], Item: parts[1]}, nil
	}
	ref, err := ParseSecretRef(s)
	if err != nil {
		return Thing{}, err
	}
	return Thing{Vault: ref.Vault, Item: ref.Item, Field: ref.Field}, nil
}
