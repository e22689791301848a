// Package connect is the provider for 1Password Connect: a thin client of its
// REST API, with one pooled connection set and bounded retries.
package connect

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"rinca/internal/rinca"
)

// Config says where a Connect server is and how to talk to it.
type Config struct {
	Host  string // http(s)://host[:port]
	Token rinca.Secret
	// HTTP sends requests; nil means a client with this package's limits.
	HTTP *http.Client
	// Timeout bounds one attempt of one request; 0 means 30 seconds.
	Timeout time.Duration
	// Sleep waits between attempts; nil means that time passes. It returns
	// early, with the error, when the context ends.
	Sleep func(context.Context, time.Duration) error
	// Version of this program, for the server's log.
	Version string
}

// A Provider reads and writes the vaults of a Connect server.
type Provider struct {
	cfg      Config
	base     *url.URL
	requests atomic.Int64
	gate     func(int) error
}

var (
	_ rinca.Writer  = (*Provider)(nil)
	_ rinca.Limiter = (*Provider)(nil)
	_ rinca.Gated   = (*Provider)(nil)
)

// atOnce is how many items are fetched at a time: Connect has no bulk call.
const atOnce = 8

// New checks the configuration; it sends nothing.
func New(cfg Config) (*Provider, error) {
	base, err := url.Parse(strings.TrimRight(cfg.Host, "/"))
	if err != nil || (base.Scheme != "http" && base.Scheme != "https") || base.Host == "" || base.User != nil || base.RawQuery != "" {
		return nil, rinca.Errorf(rinca.Invalid, "OP_CONNECT_HOST is not an address of a Connect server").
			Try("OP_CONNECT_HOST=http://connect:8080")
	}
	if err := checkToken(cfg.Token, time.Now()); err != nil {
		return nil, err
	}
	if cfg.Timeout == 0 {
		cfg.Timeout = 30 * time.Second
	}
	if cfg.Sleep == nil {
		cfg.Sleep = sleep
	}
	if cfg.HTTP == nil {
		cfg.HTTP = &http.Client{Transport: &http.Transport{
			Proxy: http.ProxyFromEnvironment, MaxIdleConnsPerHost: atOnce, IdleConnTimeout: 90 * time.Second,
			TLSHandshakeTimeout: 10 * time.Second, ForceAttemptHTTP2: true,
		}}
	}
	// A redirect would carry the token elsewhere, or turn a POST into a GET.
	client := *cfg.HTTP
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	cfg.HTTP = &client
	return &Provider{cfg: cfg, base: base}, nil
}

// Requests returns how many requests were sent, retries included.
func (p *Provider) Requests() int { return int(p.requests.Load()) }

// Gate sets who is asked before a request is sent.
func (p *Provider) Gate(allow func(requests int) error) { p.gate = allow }

// Vaults lists the vaults that the token can see.
func (p *Provider) Vaults(ctx context.Context) ([]rinca.Vault, error) {
	var wire []vaultJSON
	if err := p.do(ctx, call{what: "list the vaults", method: "GET", path: "/v1/vaults"}, &wire); err != nil {
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
	c := call{what: "list the items of vault " + vaultID, method: "GET", path: "/v1/vaults/" + url.PathEscape(vaultID) + "/items"}
	if err := p.do(ctx, c, &wire); err != nil {
		return nil, err
	}
	infos := make([]rinca.Info, 0, len(wire))
	for _, it := range wire {
		if info := it.info(vaultID); info.State == rinca.Active {
			infos = append(infos, info)
		}
	}
	return infos, nil
}

// Get fetches whole items, a few at a time.
func (p *Provider) Get(ctx context.Context, vaultID string, ids ...string) ([]rinca.Item, error) {
	items := make([]rinca.Item, len(ids))
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(atOnce)
	for i, id := range ids {
		g.Go(func() error {
			var wire itemJSON
			c := call{what: "get item " + id, method: "GET", path: itemPath(vaultID, id)}
			if err := p.do(ctx, c, &wire); err != nil {
				return err
			}
			if wire.ID != id {
				return rinca.Errorf(rinca.Unavailable, "get item %s: the Connect server answers with item %.40q", id, wire.ID)
			}
			items[i] = wire.item(vaultID)
			return nil
		})
	}
	if err := g.Wait(); err != nil {
		return nil, err
	}
	return items, nil
}

// ReadFile returns the content of an attachment.
func (p *Provider) ReadFile(ctx context.Context, vaultID, itemID, fileID string) (rinca.Secret, error) {
	var content rinca.Secret
	c := call{
		what: "read file " + fileID + " of item " + itemID, method: "GET",
		path: itemPath(vaultID, itemID) + "/files/" + url.PathEscape(fileID) + "/content",
	}
	err := p.do(ctx, c, &content)
	return content, err
}

// Create adds an item. Attachments cannot be added through Connect.
func (p *Provider) Create(ctx context.Context, item rinca.Item) (rinca.Item, error) {
	if err := noNewFiles(item); err != nil {
		return rinca.Item{}, err
	}
	var wire itemJSON
	c := call{what: "create item " + item.Title, method: "POST", path: "/v1/vaults/" + url.PathEscape(item.VaultID) + "/items", body: toJSON(item)}
	if err := p.do(ctx, c, &wire); err != nil {
		return rinca.Item{}, err
	}
	return wire.item(item.VaultID), nil
}

// Update replaces an item. Connect itself does not compare versions, so the
// stored version is read first when one is given: two writers at the same
// instant are not told apart.
func (p *Provider) Update(ctx context.Context, item rinca.Item) (rinca.Item, error) {
	if err := noNewFiles(item); err != nil {
		return rinca.Item{}, err
	}
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
	var wire itemJSON
	c := call{what: "update item " + item.ID, method: "PUT", path: itemPath(item.VaultID, item.ID), body: toJSON(item)}
	if err := p.do(ctx, c, &wire); err != nil {
		return rinca.Item{}, err
	}
	// The answer to a PUT carries the version from before it.
	stored, err := p.Get(ctx, item.VaultID, item.ID)
	if err != nil {
		return rinca.Item{}, err
	}
	return stored[0], nil
}

// Delete removes an item for good.
func (p *Provider) Delete(ctx context.Context, vaultID, itemID string) error {
	return p.do(ctx, call{what: "delete item " + itemID, method: "DELETE", path: itemPath(vaultID, itemID)}, nil)
}

func itemPath(vaultID, itemID string) string {
	return "/v1/vaults/" + url.PathEscape(vaultID) + "/items/" + url.PathEscape(itemID)
}

func noNewFiles(item rinca.Item) error {
	for _, f := range item.Files {
		if f.Content.IsSet() {
			return rinca.Errorf(rinca.Invalid, "1Password Connect cannot attach files").Try("attach %q in 1Password, or use another provider", f.Name)
		}
	}
	return nil
}

func sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}
