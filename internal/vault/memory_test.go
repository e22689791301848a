package vault_test

import (
	"context"
	"slices"

	"rinca/internal/rinca"
)

// memory is a vault in memory that counts what it is asked.
type memory struct {
	vaults []rinca.Vault
	items  []rinca.Item
	calls  []string
	// hook runs before each call and may fail it.
	hook func(call string) error
}

func (m *memory) call(name string) error {
	m.calls = append(m.calls, name)
	if m.hook != nil {
		return m.hook(name)
	}
	return nil
}

func (m *memory) Vaults(context.Context) ([]rinca.Vault, error) {
	return m.vaults, m.call("vaults")
}

func (m *memory) Items(_ context.Context, vaultID string) ([]rinca.Info, error) {
	err := m.call("items " + vaultID)
	var infos []rinca.Info
	for _, it := range m.items {
		if it.VaultID == vaultID {
			infos = append(infos, it.Info)
		}
	}
	return infos, err
}

func (m *memory) Get(_ context.Context, vaultID string, ids ...string) ([]rinca.Item, error) {
	if err := m.call("get " + vaultID); err != nil {
		return nil, err
	}
	var items []rinca.Item
	for _, id := range ids {
		i := slices.IndexFunc(m.items, func(it rinca.Item) bool { return it.ID == id && it.VaultID == vaultID })
		if i < 0 {
			return nil, rinca.Errorf(rinca.NotFound, "item %s not found", id)
		}
		items = append(items, m.items[i])
	}
	return items, nil
}

func (m *memory) ReadFile(_ context.Context, _, itemID, fileID string) (rinca.Secret, error) {
	if err := m.call("file " + fileID); err != nil {
		return rinca.Secret{}, err
	}
	for _, it := range m.items {
		for _, f := range it.Files {
			if it.ID == itemID && f.ID == fileID {
				return f.Content, nil
			}
		}
	}
	return rinca.Secret{}, rinca.Errorf(rinca.NotFound, "file %s not found", fileID)
}

// text is a concealed field in a section ("" for none).
func text(id, section, label, value string) rinca.Field {
	return rinca.Field{ID: id, SectionID: section, Type: rinca.TypeConcealed, Label: label, Value: rinca.NewSecret(value)}
}

const (
	homeID  = "homelabhomelabhomelabhomel"
	otherID = "otherotherotherotherothero"
	pgID    = "postgrespostgrespostgrespo"
	mixedID = "mixedmixedmixedmixedmixedm"
)

// homelab is a vault with every kind of field that a reference can meet.
func homelab() *memory {
	return &memory{
		vaults: []rinca.Vault{{ID: homeID, Name: "homelab"}, {ID: otherID, Name: "Other Vault"}},
		items: []rinca.Item{
			{
				Info:     rinca.Info{ID: pgID, VaultID: homeID, Title: "postgres.env"},
				Sections: []rinca.Section{{ID: "add more"}},
				Fields: []rinca.Field{
					{ID: "notesPlain", Type: rinca.TypeString, Purpose: rinca.PurposeNotes, Label: "notesPlain"},
					text("f1", "add more", "POSTGRES_PASSWORD", "hunter2-postgres"),
					text("f2", "add more", "POSTGRES_USER", "authentik"),
					{ID: "f3", SectionID: "add more", Type: rinca.TypeString, Label: "EMPTY"},
				},
			},
			{
				Info: rinca.Info{ID: mixedID, VaultID: homeID, Title: "mixed"},
				Sections: []rinca.Section{
					{ID: "s1", Label: "Admin"}, {ID: "s1", Label: "Admin"}, {ID: "s2", Label: "Backup"},
				},
				Fields: []rinca.Field{
					{ID: "password", Type: rinca.TypeConcealed, Purpose: rinca.PurposePassword, Label: "password", Value: rinca.NewSecret("top-password")},
					text("a1", "s1", "password", "admin-password"),
					text("a2", "s1", "token", "admin-token"),
					text("b2", "s2", "token", "backup-token"),
					text("c1", "s2", "Case", "upper"),
					text("c2", "s2", "case", "lower"),
					text("twin1", "s2", "twin", "one"),
					text("twin2", "s2", "twin", "two"),
					text("nolabel", "s2", "", "by-id"),
					{ID: "otp1", Type: rinca.TypeOTP, Label: "one-time password", Value: rinca.NewSecret("otpauth://totp/x?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&digits=8")},
					{ID: "otp2", Type: rinca.TypeOTP, Label: "given", Value: rinca.NewSecret("x"), TOTP: rinca.NewSecret("123456")},
				},
				Files: []rinca.File{
					{ID: "file1", Name: "ca.pem", Size: 9, Content: rinca.NewSecret("PEM\nbytes")},
					{ID: "file2", Name: "ca.key", Size: 4, SectionID: "s1", Content: rinca.NewSecret("key!")},
				},
			},
			{Info: rinca.Info{ID: "dup1dup1dup1dup1dup1dup1du", VaultID: homeID, Title: "dup"}},
			{Info: rinca.Info{ID: "dup2dup2dup2dup2dup2dup2du", VaultID: homeID, Title: "dup"}},
			{
				Info:   rinca.Info{ID: "webwebwebwebwebwebwebwebwe", VaultID: otherID, Title: "My Web"},
				Fields: []rinca.Field{text("k", "", "api key", "sk-web")},
			},
		},
	}
}
