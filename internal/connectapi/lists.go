package connectapi

import (
	"context"
	"sync"

	"rinca/internal/rinca"
)

func (s *Server) listVaults(r *request) (any, error) {
	f, err := filterOf(r.URL.RawQuery)
	if err != nil {
		return nil, err
	}
	vaults, err := s.cfg.DB.Vaults(r.Context())
	if err != nil {
		return nil, err
	}
	out := []vaultJSON{}
	for _, v := range vaults {
		if right := r.token.Vaults[v.ID]; (right.Read || right.Write) && f.matches(v.Name, nil) {
			out = append(out, toVault(v))
		}
	}
	return out, nil
}

func (s *Server) getVault(r *request) (any, error) {
	v, err := s.vault(r.Context(), r.vaultID)
	if err != nil {
		return nil, err
	}
	return toVault(v), nil
}

func (s *Server) vault(ctx context.Context, id string) (rinca.Vault, error) {
	vaults, err := s.cfg.DB.Vaults(ctx)
	if err != nil {
		return rinca.Vault{}, err
	}
	for _, v := range vaults {
		if v.ID == id {
			return v, nil
		}
	}
	return rinca.Vault{}, errorf(404, "vault %s not found", id)
}

func (s *Server) listItems(r *request) (any, error) {
	f, err := filterOf(r.URL.RawQuery)
	if err != nil {
		return nil, err
	}
	infos, err := s.infos(r.Context(), r.vaultID)
	if err != nil {
		return nil, err
	}
	out := []itemJSON{}
	for _, i := range infos {
		if f.item(i) {
			out = append(out, toInfo(i))
		}
	}
	return out, nil
}

// lists keeps the last list of each vault. Opening thousands of sealed titles
// takes long, clients ask again and again, and the content version of the
// vault tells whether anything has changed.
type lists struct {
	mu sync.Mutex
	by map[string]*list
}

type list struct {
	mu      sync.Mutex // held while the list is read, so that many clients read it once
	version int64
	infos   []rinca.Info // never changed, only replaced
}

func (l *lists) of(vaultID string) *list {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.by == nil {
		l.by = map[string]*list{}
	}
	if l.by[vaultID] == nil {
		l.by[vaultID] = &list{}
	}
	return l.by[vaultID]
}

// infos returns the items of a vault. The version is read before the list: if
// the vault changes in between, the list is newer than its version says, and
// is read again the next time.
func (s *Server) infos(ctx context.Context, vaultID string) ([]rinca.Info, error) {
	v, err := s.vault(ctx, vaultID)
	if err != nil {
		return nil, err
	}
	l := s.lists.of(vaultID)
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.infos != nil && l.version == v.ContentVersion {
		return l.infos, nil
	}
	// Somebody may have read the list while this waited.
	if v, err = s.vault(ctx, vaultID); err != nil {
		return nil, err
	}
	if l.infos != nil && l.version == v.ContentVersion {
		return l.infos, nil
	}
	infos, err := s.cfg.DB.Items(ctx, vaultID)
	if err != nil {
		return nil, err
	}
	l.version, l.infos = v.ContentVersion, append([]rinca.Info{}, infos...)
	return l.infos, nil
}
