//go:build !nosdk

// Package opsdk is the provider for a bare service account token, through
// 1Password's own SDK. The SDK runs a large WebAssembly core, so the client is
// made when it is first used: who does not use it pays nothing but the size of
// the binary, and not even that when built with the tag nosdk.
//
// The core speaks to 1Password's hosts alone. So the tests here cover the form
// of tokens, the mapping of objects and errors, and how the client starts; what
// it does with a real account is covered by a test that runs where
// RINCA_TEST_OP_SERVICE_ACCOUNT_TOKEN is set, and by nothing else.
package opsdk

import (
	"context"
	"errors"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/1password/onepassword-sdk-go"

	"rinca/internal/rinca"
)

// Available tells that this binary has the SDK.
const Available = true

// Config holds the token of the service account.
type Config struct {
	Token   rinca.Secret
	Version string // of this program, for 1Password's log
}

// A Provider reads and writes the vaults of a service account.
type Provider struct {
	cfg      Config
	requests atomic.Int64
	gate     func(int) error

	mu     sync.Mutex
	client *onepassword.Client
}

var (
	_ rinca.Writer  = (*Provider)(nil)
	_ rinca.Limiter = (*Provider)(nil)
	_ rinca.Gated   = (*Provider)(nil)
)

// Open returns a provider; nothing is started yet.
func Open(cfg Config) (rinca.Provider, error) { return &Provider{cfg: cfg}, nil }

// Requests returns how many calls of the SDK were made.
func (p *Provider) Requests() int { return int(p.requests.Load()) }

// Gate sets who is asked before a call.
func (p *Provider) Gate(allow func(requests int) error) { p.gate = allow }

// start returns the client, and makes it when it is the first to ask.
func (p *Provider) start(ctx context.Context, requests int) (*onepassword.Client, error) {
	if p.gate != nil {
		if err := p.gate(requests); err != nil {
			return nil, err
		}
	}
	p.requests.Add(int64(requests))
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.client != nil {
		return p.client, nil
	}
	version := p.cfg.Version
	if version == "" {
		version = "dev"
	}
	c, err := onepassword.NewClient(ctx, onepassword.WithServiceAccountToken(p.cfg.Token.Reveal()), onepassword.WithIntegrationInfo("Rinca", version))
	if err != nil {
		return nil, p.failure("sign in", err)
	}
	p.client = c
	return c, nil
}

// Vaults lists the vaults that the account can see.
func (p *Provider) Vaults(ctx context.Context) ([]rinca.Vault, error) {
	c, err := p.start(ctx, 1)
	if err != nil {
		return nil, err
	}
	list, err := c.Vaults().List(ctx)
	if err != nil {
		return nil, p.failure("list the vaults", err)
	}
	vaults := make([]rinca.Vault, 0, len(list))
	for _, v := range list {
		vaults = append(vaults, toVault(v))
	}
	return vaults, nil
}

// Items lists the active items of a vault. The SDK's list has no versions.
func (p *Provider) Items(ctx context.Context, vaultID string) ([]rinca.Info, error) {
	c, err := p.start(ctx, 1)
	if err != nil {
		return nil, err
	}
	list, err := c.Items().List(ctx, vaultID)
	if err != nil {
		return nil, p.failure("list the items of vault "+vaultID, err)
	}
	infos := make([]rinca.Info, 0, len(list))
	for _, o := range list {
		if info := toInfo(o); info.State == rinca.Active {
			infos = append(infos, info)
		}
	}
	return infos, nil
}

// bulk is how many items the SDK is asked for at a time; it answers with at
// most 50 MB.
const bulk = 50

// Get fetches whole items in bulk.
func (p *Provider) Get(ctx context.Context, vaultID string, ids ...string) ([]rinca.Item, error) {
	items := make([]rinca.Item, 0, len(ids))
	for len(ids) > 0 {
		some := ids[:min(bulk, len(ids))]
		ids = ids[len(some):]
		c, err := p.start(ctx, len(some))
		if err != nil {
			return nil, err
		}
		answers, err := c.Items().GetAll(ctx, vaultID, some)
		if err != nil {
			return nil, p.failure("get items", err)
		}
		found, err := ordered(some, answers.IndividualResponses)
		if err != nil {
			return nil, err
		}
		items = append(items, found...)
	}
	return items, nil
}

func ordered(ids []string, answers []onepassword.Response[onepassword.Item, onepassword.ItemsGetAllError]) ([]rinca.Item, error) {
	found := map[string]rinca.Item{}
	for i, a := range answers {
		switch {
		case a.Content != nil:
			found[a.Content.ID] = toItem(*a.Content)
		case a.Error != nil && a.Error.Type == onepassword.ItemsGetAllErrorTypeVariantInternal:
			return nil, rinca.Errorf(rinca.Unavailable, "get item %s: 1Password reports an internal error", ids[min(i, len(ids)-1)]).Try("repeat")
		}
	}
	items := make([]rinca.Item, len(ids))
	for i, id := range ids {
		it, ok := found[id]
		if !ok {
			return nil, rinca.Errorf(rinca.NotFound, "item %s not found", id)
		}
		items[i] = it
	}
	return items, nil
}

// ReadFile returns the content of an attachment.
func (p *Provider) ReadFile(ctx context.Context, vaultID, itemID, fileID string) (rinca.Secret, error) {
	c, err := p.start(ctx, 2)
	if err != nil {
		return rinca.Secret{}, err
	}
	it, err := c.Items().Get(ctx, vaultID, itemID)
	if err != nil {
		return rinca.Secret{}, p.failure("get item "+itemID, err)
	}
	attr, ok := fileAttributes(it, fileID)
	if !ok {
		return rinca.Secret{}, rinca.Errorf(rinca.NotFound, "file %s not found in item %s", fileID, itemID)
	}
	data, err := c.Items().Files().Read(ctx, vaultID, itemID, attr)
	if err != nil {
		return rinca.Secret{}, p.failure("read file "+fileID, err)
	}
	return rinca.NewSecret(string(data)), nil
}

// Create adds an item with its attachments.
func (p *Provider) Create(ctx context.Context, item rinca.Item) (rinca.Item, error) {
	c, err := p.start(ctx, 1)
	if err != nil {
		return rinca.Item{}, err
	}
	made, err := c.Items().Create(ctx, toParams(item))
	if err != nil {
		return rinca.Item{}, p.failure("create item "+item.Title, err)
	}
	return toItem(made), nil
}

// Update replaces an item; attachments are kept, new ones are added after it,
// each as a write of its own.
func (p *Provider) Update(ctx context.Context, item rinca.Item) (rinca.Item, error) {
	c, err := p.start(ctx, 2)
	if err != nil {
		return rinca.Item{}, err
	}
	stored, err := c.Items().Get(ctx, item.VaultID, item.ID)
	if err != nil {
		return rinca.Item{}, p.failure("get item "+item.ID, err)
	}
	if item.Version != 0 && int64(stored.Version) != item.Version {
		return rinca.Item{}, rinca.Errorf(rinca.Conflict, "item %s has version %d, and not %d: somebody changed it meanwhile", item.ID, stored.Version, item.Version).
			Try("read it again, and repeat the change")
	}
	made, err := c.Items().Put(ctx, replaced(stored, item))
	if err != nil {
		return rinca.Item{}, p.failure("update item "+item.ID, err)
	}
	for _, f := range item.Files {
		if !f.Content.IsSet() {
			continue
		}
		made, err = c.Items().Files().Attach(ctx, made, onepassword.FileCreateParams{Name: f.Name, Content: []byte(f.Content.Reveal()), SectionID: f.SectionID, FieldID: f.ID})
		if err != nil {
			return rinca.Item{}, p.failure("attach "+f.Name, err)
		}
	}
	return toItem(made), nil
}

// Delete removes an item for good.
func (p *Provider) Delete(ctx context.Context, vaultID, itemID string) error {
	c, err := p.start(ctx, 1)
	if err != nil {
		return err
	}
	if err := c.Items().Delete(ctx, vaultID, itemID); err != nil {
		return p.failure("delete item "+itemID, err)
	}
	return nil
}

// failure turns an error of the SDK into ours. Only rate limits have a type;
// the others are told apart by their text. What it holds of the token is cut.
func (p *Provider) failure(what string, err error) error {
	text := strings.ReplaceAll(err.Error(), p.cfg.Token.Reveal(), "[secret]")
	if len(text) > 300 {
		text = text[:300] + "…"
	}
	var limit *onepassword.RateLimitExceededError
	has := func(words ...string) bool {
		for _, w := range words {
			if strings.Contains(strings.ToLower(text), w) {
				return true
			}
		}
		return false
	}
	switch {
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return rinca.Errorf(rinca.Canceled, "%s: %w", what, err)
	case errors.As(err, &limit), has("rate limit", "too many requests"):
		return rinca.Errorf(rinca.RateLimited, "%s: too many requests: %s", what, text).Try("wait; --max-requests keeps below a limit")
	case has("service account token", "invalid user input", "authentication", "unauthorized", "invalid token", "deleted"):
		return rinca.Errorf(rinca.Unauthenticated, "%s: OP_SERVICE_ACCOUNT_TOKEN invalid or expired: %s", what, text).
			Try("make a new service account token and set OP_SERVICE_ACCOUNT_TOKEN to it")
	case has("forbidden", "not authorized", "permission"):
		return rinca.Errorf(rinca.Forbidden, "%s: %s", what, text).Try("give the service account access to the vault")
	case has("not found", "notfound", "couldn't be found", "does not exist"):
		return rinca.Errorf(rinca.NotFound, "%s: %s", what, text).Try("1Password also says so when the account has no right to see it")
	}
	return rinca.Errorf(rinca.Unavailable, "%s: %s", what, text).Try("is the network up? the SDK does not work offline")
}
