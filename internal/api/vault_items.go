package api

import (
	"strings"

	"rinca/internal/rinca"
)

// vaultRoutes are about the vault that secret references lead to, and what is
// in it. Who administers the installation may change it: its items go to
// every stack.
func vaultRoutes() []route {
	const items, one = "/v1/vault/items", "/v1/vault/items/{item}"
	vault := []param{{"vault", "name or id of the vault; without it, the server's"}}
	return []route{
		{
			pattern: "GET /v1/vault", need: admin(rinca.Read), doc: "Say which vault secret references lead to, and whether it answers.",
			out: rinca.VaultState{}, serve: (*Server).getVault,
		}, {
			pattern: "POST /v1/vault", need: admin(rinca.Write), audit: "vault.create",
			doc: "Make an encrypted vault in the home of the server, where no vault is configured.",
			out: rinca.VaultState{}, serve: (*Server).postVault,
		}, {
			pattern: "PUT /v1/vault/token", need: admin(rinca.Write), audit: "vault.token",
			doc: "Keep a token for the vault, sealed, after it was tried.",
			in:  vaultTokenInput{}, out: rinca.VaultState{}, serve: (*Server).putVaultToken,
		}, {
			pattern: "GET " + items, need: admin(rinca.Read), query: vault, doc: "List the items of the vault, without their fields.",
			out: []rinca.VaultItem{}, serve: (*Server).getVaultItems,
		}, {
			pattern: "POST " + items, need: admin(rinca.Write), query: vault, audit: "vault.item.create", limit: 7 << 20, status: 201,
			doc: "Make an item: a title, tags such as stack:web, and fields with values, recipes, or lines of KEY=value.",
			in:  vaultItemInput{}, out: rinca.VaultItem{}, serve: (*Server).postVaultItem,
		}, {
			pattern: "GET " + one, need: admin(rinca.Read), query: vault, doc: "Show an item with its fields, without their values.",
			out: rinca.VaultItem{}, serve: (*Server).getVaultItem,
		}, {
			pattern: "PUT " + one, need: admin(rinca.Write), query: vault, audit: "vault.item.update", limit: 7 << 20,
			doc: "Change an item: what is not named stays, a field without value and recipe keeps its value.",
			in:  vaultItemInput{}, out: rinca.VaultItem{}, serve: (*Server).putVaultItem,
		}, {
			pattern: "DELETE " + one, need: admin(rinca.Write), query: vault, audit: "vault.item.delete", doc: "Delete an item for good.",
			serve: (*Server).deleteVaultItem,
		}, {
			pattern: "GET " + one + "/fields/{field}/value", need: admin(rinca.Write), query: vault, audit: "vault.item.reveal",
			doc: "Show the value of a field of an item.", out: valueJSON{}, serve: (*Server).getVaultValue,
		},
	}
}

// A vaultItemInput is what to make of an item.
type vaultItemInput struct {
	Version int64             `json:"version,omitempty"` // that was looked at; another is a conflict
	Title   string            `json:"title,omitempty"`
	Tags    *[]string         `json:"tags,omitempty"` // all of them; left out, they stay
	Set     []vaultFieldInput `json:"set,omitempty"`
	Env     secretText        `json:"env,omitzero"`     // lines of KEY=value
	Remove  []string          `json:"remove,omitempty"` // ids of fields
}

// A vaultFieldInput is a field by its id, or by its label; one that is not
// there is added.
type vaultFieldInput struct {
	ID        string     `json:"id,omitempty"`
	Label     string     `json:"label,omitempty"`
	Value     secretText `json:"value,omitzero"`
	Recipe    string     `json:"recipe,omitempty"` // such as generate:32, in place of a value
	Concealed *bool      `json:"concealed,omitempty"`
}

// values are those that its fields get.
func (in *vaultItemInput) values() []rinca.Secret {
	var out []rinca.Secret
	for _, f := range in.Set {
		if f.Value.IsSet() {
			out = append(out, f.Value.Secret)
		}
	}
	return out
}

func (in *vaultItemInput) change(r *request, item string) *rinca.VaultItemChange {
	c := &rinca.VaultItemChange{
		Vault: r.URL.Query().Get("vault"), Item: item, Version: in.Version, Title: in.Title, Env: in.Env.Secret, Remove: in.Remove,
	}
	if in.Tags != nil {
		c.Tags = append([]string{}, *in.Tags...)
	}
	for _, f := range in.Set {
		c.Set = append(c.Set, rinca.VaultFieldChange{ID: f.ID, Label: f.Label, Value: f.Value.Secret, Recipe: f.Recipe, Concealed: f.Concealed})
	}
	return c
}

// vault returns the vault, or says that there is none.
func (s *Server) vault() (Vault, error) {
	if s.cfg.Vault == nil {
		return nil, rinca.Errorf(rinca.Unavailable, "this server has no vault").Try("rinca serve --vault …")
	}
	return s.cfg.Vault, nil
}

func (s *Server) getVault(r *request) (any, error) {
	v, err := s.vault()
	if err != nil {
		return nil, err
	}
	return v.State(r.Context())
}

func (s *Server) postVault(r *request) (any, error) {
	v, err := s.vault()
	if err != nil {
		return nil, err
	}
	return v.Make(r.Context())
}

func (s *Server) getVaultItems(r *request) (any, error) {
	v, err := s.vault()
	if err != nil {
		return nil, err
	}
	return v.Items(r.Context(), r.URL.Query().Get("vault"))
}

func (s *Server) getVaultItem(r *request) (any, error) {
	v, err := s.vault()
	if err != nil {
		return nil, err
	}
	return v.Item(r.Context(), r.URL.Query().Get("vault"), r.PathValue("item"))
}

func (s *Server) postVaultItem(r *request) (any, error) { return s.changeItem(r, "") }

func (s *Server) putVaultItem(r *request) (any, error) { return s.changeItem(r, r.PathValue("item")) }

func (s *Server) changeItem(r *request, item string) (any, error) {
	v, err := s.vault()
	if err != nil {
		return nil, err
	}
	c := body[vaultItemInput](r).change(r, item)
	r.detail = c.Title
	out, err := v.Change(r.Context(), c)
	if err == nil {
		r.detail = out.Title
	}
	return out, err
}

func (s *Server) deleteVaultItem(r *request) (any, error) {
	v, err := s.vault()
	if err != nil {
		return nil, err
	}
	r.detail = s.nameOf(r, v, "")
	return nil, v.DeleteItem(r.Context(), r.URL.Query().Get("vault"), r.PathValue("item"))
}

func (s *Server) getVaultValue(r *request) (any, error) {
	v, err := s.vault()
	if err != nil {
		return nil, err
	}
	r.detail = s.nameOf(r, v, r.PathValue("field"))
	value, err := v.Value(r.Context(), r.URL.Query().Get("vault"), r.PathValue("item"), r.PathValue("field"))
	return valueJSON{Value: value.Reveal()}, err
}

// nameOf names an item, and a field of it, as a person who reads the audit
// log knows them; by what was asked for where that is not there.
func (s *Server) nameOf(r *request, v Vault, field string) string {
	name := r.PathValue("item")
	item, err := v.Item(r.Context(), r.URL.Query().Get("vault"), name)
	if err == nil {
		name = item.Title
	}
	for _, f := range item.Fields {
		if f.ID == field && f.Label != "" {
			field = f.Label
		}
	}
	return strings.TrimSpace(name + " " + field)
}
