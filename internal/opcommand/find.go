package opcommand

import (
	"context"
	"fmt"
	"strings"

	"rinca/internal/rinca"
)

func (s *session) allVaults() ([]rinca.Vault, error) {
	if s.vaults != nil {
		return s.vaults, nil
	}
	p, err := s.open()
	if err != nil {
		return nil, err
	}
	s.vaults, err = p.Vaults(s.ctx)
	return s.vaults, err
}

// vault finds a vault by id, else by name without regard to case.
func (s *session) vault(query string) (rinca.Vault, error) {
	vaults, err := s.allVaults()
	if err != nil {
		return rinca.Vault{}, err
	}
	for _, v := range vaults {
		if v.ID == query {
			return v, nil
		}
	}
	var found []rinca.Vault
	for _, v := range vaults {
		if strings.EqualFold(v.Name, query) {
			found = append(found, v)
		}
	}
	switch len(found) {
	case 0:
		return rinca.Vault{}, fmt.Errorf("%q isn't a vault in this account. Specify the vault with its ID or name.", query) //nolint:staticcheck // op's own words
	case 1:
		return found[0], nil
	}
	var b strings.Builder
	fmt.Fprintf(&b, "More than one vault matches %q. Try again and specify the vault by its ID: ", query)
	for _, v := range found {
		fmt.Fprintf(&b, "\n\t* for the vault %q: %s", v.Name, v.ID)
	}
	return rinca.Vault{}, &listError{b.String()}
}

// A listError is a message of several lines, which stay.
type listError struct{ text string }

func (l *listError) Error() string { return l.text }

// scope returns the vaults to look in: the one that was named, else all.
func (s *session) scope(vaultQuery string) ([]rinca.Vault, error) {
	if vaultQuery == "" {
		return s.allVaults()
	}
	v, err := s.vault(vaultQuery)
	return []rinca.Vault{v}, err
}

// An archiver can list and archive items that are out of the list.
type archiver interface {
	ItemsAndArchived(ctx context.Context, vaultID string) ([]rinca.Info, error)
	Archive(ctx context.Context, vaultID, itemID string) error
}

func (s *session) infos(v rinca.Vault, archived bool) ([]rinca.Info, error) {
	p, err := s.open()
	if err != nil {
		return nil, err
	}
	if a, ok := p.(archiver); ok && archived {
		return a.ItemsAndArchived(s.ctx, v.ID)
	}
	return p.Items(s.ctx, v.ID)
}

// item finds a whole item by id, else by title, else by its web address.
func (s *session) item(query, vaultQuery string, archived bool) (rinca.Item, rinca.Vault, error) {
	vaults, err := s.scope(vaultQuery)
	if err != nil {
		return rinca.Item{}, rinca.Vault{}, err
	}
	p, err := s.open()
	if err != nil {
		return rinca.Item{}, rinca.Vault{}, err
	}
	if rinca.ValidID(query) { // an id needs no list
		for _, v := range vaults {
			items, err := p.Get(s.ctx, v.ID, query)
			if err == nil && (archived || items[0].State == rinca.Active) {
				return items[0], v, nil
			}
			if err != nil && rinca.CodeOf(err) != rinca.NotFound {
				return rinca.Item{}, rinca.Vault{}, err
			}
		}
	}
	found, where, err := s.match(query, vaults, archived)
	if err != nil {
		return rinca.Item{}, rinca.Vault{}, err
	}
	switch {
	case len(found) == 1:
		items, err := p.Get(s.ctx, found[0].VaultID, found[0].ID)
		if err != nil {
			return rinca.Item{}, rinca.Vault{}, err
		}
		return items[0], where[found[0].VaultID], nil
	case len(found) > 1:
		return rinca.Item{}, rinca.Vault{}, ambiguous(query, found, where)
	case vaultQuery != "":
		if !archived && s.wasArchived(query, vaults) {
			return rinca.Item{}, rinca.Vault{}, fmt.Errorf("could not find item %s in vault %s, because it has been deleted or archived.", query, vaults[0].Name) //nolint:staticcheck // op's own words
		}
		return rinca.Item{}, rinca.Vault{}, fmt.Errorf("%q isn't an item in the %q vault. Specify the item with its UUID, name, or domain.", query, vaults[0].Name) //nolint:staticcheck // op's own words
	}
	return rinca.Item{}, rinca.Vault{}, fmt.Errorf("%q isn't an item. Specify the item with its UUID, name, or domain.", query) //nolint:staticcheck // op's own words
}

func (s *session) wasArchived(query string, vaults []rinca.Vault) bool {
	found, _, err := s.match(query, vaults, true)
	return err == nil && len(found) > 0
}

// match lists the items that a query names: exact titles before titles in
// another case, and those before web addresses.
func (s *session) match(query string, vaults []rinca.Vault, archived bool) ([]rinca.Info, map[string]rinca.Vault, error) {
	where := map[string]rinca.Vault{}
	var ids, exact, folded, domains []rinca.Info
	for _, v := range vaults {
		where[v.ID] = v
		infos, err := s.infos(v, archived)
		if err != nil {
			return nil, nil, err
		}
		for _, i := range infos {
			switch {
			case i.ID == query:
				ids = append(ids, i)
			case i.Title == query:
				exact = append(exact, i)
			case strings.EqualFold(i.Title, query):
				folded = append(folded, i)
			case hasDomain(i, query):
				domains = append(domains, i)
			}
		}
	}
	for _, found := range [][]rinca.Info{ids, exact, folded, domains} {
		if len(found) > 0 {
			return found, where, nil
		}
	}
	return nil, where, nil
}

func hasDomain(i rinca.Info, query string) bool {
	for _, u := range i.URLs {
		host := strings.TrimPrefix(strings.TrimPrefix(u.Href, "https://"), "http://")
		host, _, _ = strings.Cut(host, "/")
		if host != "" && strings.EqualFold(host, query) {
			return true
		}
	}
	return false
}

func ambiguous(query string, found []rinca.Info, where map[string]rinca.Vault) error {
	var b strings.Builder
	fmt.Fprintf(&b, "More than one item matches %q. Try again and specify the item by its ID: ", query)
	for _, i := range found {
		fmt.Fprintf(&b, "\n\t* for the item %q in vault %s: %s", i.Title, where[i.VaultID].Name, i.ID)
	}
	return &listError{b.String()}
}
