package opcommand

import (
	"context"
	"net/url"
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

// vault finds a vault by id, else by name, of which the case counts only when
// it tells two vaults apart.
func (s *session) vault(query string) (rinca.Vault, error) {
	vaults, err := s.allVaults()
	if err != nil {
		return rinca.Vault{}, err
	}
	var ids, exact, folded []rinca.Vault
	for _, v := range vaults {
		switch {
		case v.ID == query:
			ids = append(ids, v)
		case v.Name == query:
			exact = append(exact, v)
		case strings.EqualFold(v.Name, query):
			folded = append(folded, v)
		}
	}
	found := first(ids, exact, folded)
	switch len(found) {
	case 0:
		return rinca.Vault{}, fail("%q isn't a vault in this account. Specify the vault with its ID or name.", query)
	case 1:
		return found[0], nil
	}
	text := "More than one vault matches %q. Try again and specify the vault by its ID: "
	args := []any{query}
	for _, v := range found {
		text += "\n\t* for the vault %q: %s"
		args = append(args, v.Name, v.ID)
	}
	return rinca.Vault{}, fail(text, args...)
}

// first returns the first list that is not empty.
func first[T any](lists ...[]T) []T {
	for _, l := range lists {
		if len(l) > 0 {
			return l
		}
	}
	return nil
}

// scope returns the vaults to look in: the one that was named, else all.
func (s *session) scope(vaultQuery string) ([]rinca.Vault, error) {
	if vaultQuery == "" {
		return s.allVaults()
	}
	v, err := s.vault(vaultQuery)
	if err != nil {
		return nil, err
	}
	return []rinca.Vault{v}, nil
}

// An archiver is a provider with an archive: items that are out of the list,
// and can be read by id.
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

// A query names an item, perhaps the vault to look in, and whether one in the
// archive counts.
type query struct {
	item, vault string
	archived    bool
}

// plain replaces a private link to an item by the ids in it.
func (q query) plain() query {
	if u, err := url.Parse(q.item); err == nil && u.Scheme == "https" && u.Path == "/open/i" {
		if id := u.Query().Get("i"); id != "" {
			q.item = id
		}
		if q.vault == "" {
			q.vault = u.Query().Get("v")
		}
	}
	return q
}

// item finds a whole item by id, else by title, else by its web address.
func (s *session) item(q query) (rinca.Item, rinca.Vault, error) {
	q = q.plain()
	vaults, err := s.scope(q.vault)
	if err != nil {
		return rinca.Item{}, rinca.Vault{}, err
	}
	p, err := s.open()
	if err != nil {
		return rinca.Item{}, rinca.Vault{}, err
	}
	if rinca.ValidID(q.item) { // an id needs no list
		for _, v := range vaults {
			items, err := p.Get(s.ctx, v.ID, q.item)
			if err == nil && !q.archived && items[0].State != rinca.Active {
				return rinca.Item{}, v, notActive(q, v)
			}
			if err == nil {
				return items[0], v, nil
			}
			if rinca.CodeOf(err) != rinca.NotFound {
				return rinca.Item{}, v, err
			}
		}
	}
	info, v, err := s.match(q, vaults)
	if err != nil {
		return rinca.Item{}, v, err
	}
	items, err := p.Get(s.ctx, v.ID, info.ID)
	if err != nil {
		return rinca.Item{}, v, err
	}
	return items[0], v, nil
}

func notActive(q query, v rinca.Vault) error {
	return fail("could not find item %s in vault %s, because it has been deleted or archived.", q.item, v.Name)
}

// A match is an item of a list, and its vault.
type match struct {
	rinca.Info
	vault rinca.Vault
}

// match finds the one item that a query names, among the titles of the
// vaults: exact ones before those in another case, and both before web
// addresses.
func (s *session) match(q query, vaults []rinca.Vault) (rinca.Info, rinca.Vault, error) {
	var exact, folded, domains, archived []match
	for _, v := range vaults {
		infos, err := s.infos(v, true) // those in the archive explain why one is not found
		if err != nil {
			return rinca.Info{}, v, err
		}
		for _, i := range infos {
			switch {
			case !q.archived && i.State != rinca.Active:
				if strings.EqualFold(i.Title, q.item) {
					archived = append(archived, match{i, v})
				}
			case i.Title == q.item:
				exact = append(exact, match{i, v})
			case strings.EqualFold(i.Title, q.item):
				folded = append(folded, match{i, v})
			case hasDomain(i, q.item):
				domains = append(domains, match{i, v})
			}
		}
	}
	found := first(exact, folded, domains)
	switch {
	case len(found) == 1:
		return found[0].Info, found[0].vault, nil
	case len(found) > 1:
		return rinca.Info{}, rinca.Vault{}, ambiguous(q.item, found)
	case len(archived) > 0:
		return rinca.Info{}, rinca.Vault{}, notActive(q, archived[0].vault)
	case q.vault != "":
		return rinca.Info{}, rinca.Vault{}, fail("%q isn't an item in the %q vault. Specify the item with its UUID, name, or domain.", q.item, vaults[0].Name)
	}
	return rinca.Info{}, rinca.Vault{}, fail("%q isn't an item. Specify the item with its UUID, name, or domain.", q.item)
}

func hasDomain(i rinca.Info, query string) bool {
	for _, u := range i.URLs {
		href := u.Href
		if !strings.Contains(href, "://") {
			href = "https://" + href
		}
		if parsed, err := url.Parse(href); err == nil && parsed.Hostname() != "" && strings.EqualFold(parsed.Hostname(), query) {
			return true
		}
	}
	return false
}

func ambiguous(query string, found []match) error {
	text := "More than one item matches %q. Try again and specify the item by its ID: "
	args := []any{query}
	for _, m := range found {
		text += "\n\t* for the item %q in vault %s: %s"
		args = append(args, m.Title, m.vault.Name, m.ID)
	}
	return fail(text, args...)
}
