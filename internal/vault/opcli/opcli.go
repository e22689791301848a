// Package opcli is the provider that drives 1Password's op command: one list
// per vault, changed items in one bulk call, values through pipes and never
// through a command line.
package opcli

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"

	"rinca/internal/rinca"
)

// Config says which op is driven, and with what environment.
type Config struct {
	Path string // of the op command
	// Environ is the environment of this process; op is given what it needs
	// of it (see childEnviron).
	Environ []string
	// Token is the service account token; not set for a signed-in session.
	Token rinca.Secret
}

// A Provider reads and writes vaults through op.
type Provider struct {
	cfg      Config
	requests atomic.Int64
	gate     func(int) error
	checked  func() error
}

var (
	_ rinca.Writer  = (*Provider)(nil)
	_ rinca.Limiter = (*Provider)(nil)
	_ rinca.Gated   = (*Provider)(nil)
)

// minVersion is the oldest op that is driven: from it on, a failure of the
// server is never exit status 0.
const minVersion = "2.32.0"

// What 1Password counts for a command, with vaults and items named by id.
const (
	costVaults = 1
	costItems  = 2
	costGet    = 1 // per item
	costFile   = 1
	costCreate = 2
	costEdit   = 5
	costDelete = 5
)

// New returns a provider; it runs nothing. The version of op is checked on
// first use.
func New(cfg Config) *Provider {
	p := &Provider{cfg: cfg}
	var once sync.Mutex
	done := false
	p.checked = func() error {
		once.Lock()
		defer once.Unlock()
		if done {
			return nil
		}
		if err := p.checkVersion(context.Background()); err != nil {
			return err
		}
		done = true
		return nil
	}
	return p
}

// Requests returns how many requests op made, by 1Password's own count of
// what each command costs.
func (p *Provider) Requests() int { return int(p.requests.Load()) }

// Gate sets who is asked before a command that sends requests is run.
func (p *Provider) Gate(allow func(requests int) error) { p.gate = allow }

// Version returns what op says its version is.
func (p *Provider) Version(ctx context.Context) (string, error) {
	out, err := p.run(ctx, 0, nil, "--version")
	return strings.TrimSpace(string(out)), err
}

func (p *Provider) checkVersion(ctx context.Context) error {
	v, err := p.Version(ctx)
	if err != nil {
		return err
	}
	if !atLeast(v, minVersion) {
		return rinca.Errorf(rinca.Unavailable, "%s is version %.20s, and at least %s is needed", p.cfg.Path, v, minVersion).
			Try("update op, or set RINCA_PROVIDER=sdk")
	}
	return nil
}

func atLeast(have, want string) bool {
	var h, w [3]int
	if n, _ := fmt.Sscanf(have, "%d.%d.%d", &h[0], &h[1], &h[2]); n < 2 {
		return false
	}
	_, _ = fmt.Sscanf(want, "%d.%d.%d", &w[0], &w[1], &w[2])
	for i := range h {
		if h[i] != w[i] {
			return h[i] > w[i]
		}
	}
	return true
}

// Vaults lists the vaults that op can see.
func (p *Provider) Vaults(ctx context.Context) ([]rinca.Vault, error) {
	var wire []vaultJSON
	if err := p.json(ctx, costVaults, nil, &wire, "vault", "list"); err != nil {
		return nil, err
	}
	vaults := make([]rinca.Vault, 0, len(wire))
	for _, v := range wire {
		vaults = append(vaults, v.vault())
	}
	return vaults, nil
}

// Items lists the active items of a vault.
func (p *Provider) Items(ctx context.Context, vaultID string) ([]rinca.Info, error) {
	var wire []itemJSON
	if err := p.json(ctx, costItems, nil, &wire, "item", "list", "--vault="+vaultID); err != nil {
		return nil, err
	}
	infos := make([]rinca.Info, 0, len(wire))
	for _, it := range wire {
		infos = append(infos, it.info(vaultID))
	}
	return infos, nil
}

// Get fetches whole items in one call of op.
func (p *Provider) Get(ctx context.Context, vaultID string, ids ...string) ([]rinca.Item, error) {
	if len(ids) == 0 {
		return []rinca.Item{}, nil
	}
	list := make([]itemJSON, len(ids))
	for i, id := range ids {
		list[i] = itemJSON{ID: id, Vault: refJSON{ID: vaultID}}
	}
	stdin, err := json.Marshal(list)
	if err != nil {
		return nil, fmt.Errorf("encode the list of items: %w", err)
	}
	out, err := p.run(ctx, costGet*len(ids), stdin, "item", "get", "-", "--vault="+vaultID, "--format=json")
	if err != nil {
		return nil, err
	}
	found := map[string]rinca.Item{}
	for dec := json.NewDecoder(strings.NewReader(string(out))); dec.More(); {
		var it itemJSON
		if err := dec.Decode(&it); err != nil { // its text would quote the answer
			return nil, rinca.Errorf(rinca.Unavailable, "op item get: the answer is not whole JSON").Try("op --version; then repeat")
		}
		found[it.ID] = it.item(vaultID)
	}
	items := make([]rinca.Item, len(ids))
	for i, id := range ids {
		it, ok := found[id]
		if !ok {
			return nil, rinca.Errorf(rinca.NotFound, "item %s not found in vault %s", id, vaultID)
		}
		items[i] = it
	}
	return items, nil
}

// ReadFile returns the content of an attachment.
func (p *Provider) ReadFile(ctx context.Context, vaultID, itemID, fileID string) (rinca.Secret, error) {
	out, err := p.run(ctx, costFile, nil, "read", "--no-newline", "op://"+vaultID+"/"+itemID+"/"+fileID)
	if err != nil {
		return rinca.Secret{}, err
	}
	return rinca.NewSecret(string(out)), nil
}

// Create adds an item from a template on standard input.
func (p *Provider) Create(ctx context.Context, item rinca.Item) (rinca.Item, error) {
	return p.put(ctx, costCreate, item, "item", "create", "-", "--vault="+item.VaultID)
}

// Update replaces an item by a template on standard input. op does not compare
// versions, so the stored one is read first when one is given.
func (p *Provider) Update(ctx context.Context, item rinca.Item) (rinca.Item, error) {
	if item.Version != 0 {
		stored, err := p.Get(ctx, item.VaultID, item.ID)
		if err != nil {
			return rinca.Item{}, err
		}
		if stored[0].Version != item.Version {
			return rinca.Item{}, rinca.Errorf(rinca.Conflict, "item %s has version %d, and not %d: somebody changed it meanwhile", item.ID, stored[0].Version, item.Version).
				Try("read it again, and repeat the change")
		}
	}
	return p.put(ctx, costEdit, item, "item", "edit", item.ID, "--vault="+item.VaultID)
}

func (p *Provider) put(ctx context.Context, cost int, item rinca.Item, args ...string) (rinca.Item, error) {
	for _, f := range item.Files {
		if f.Content.IsSet() {
			return rinca.Item{}, rinca.Errorf(rinca.Invalid, "op takes attachments from files alone").
				Try("op item edit %s --vault %s %q", item.ID, item.VaultID, f.Name+"[file]=/path")
		}
	}
	stdin, err := json.Marshal(toJSON(item))
	if err != nil {
		return rinca.Item{}, fmt.Errorf("encode the item: %w", err)
	}
	var wire itemJSON
	if err := p.json(ctx, cost, stdin, &wire, args...); err != nil {
		return rinca.Item{}, err
	}
	return wire.item(item.VaultID), nil
}

// Delete removes an item for good.
func (p *Provider) Delete(ctx context.Context, vaultID, itemID string) error {
	_, err := p.run(ctx, costDelete, nil, "item", "delete", itemID, "--vault="+vaultID)
	return err
}
