package rinca

import "context"

// A Provider reads one kind of vault. Implementations are safe for use by
// several goroutines. Errors carry a Code: Unauthenticated, Forbidden,
// NotFound, RateLimited, Unavailable or Corrupt where those apply; messages
// never hold a value. Transient failures have already been retried, a bounded
// number of times, when a method returns.
type Provider interface {
	// Vaults lists every vault this credential can see, in one request.
	Vaults(ctx context.Context) ([]Vault, error)
	// Items lists the active items of a vault, without their fields, in one
	// request.
	Items(ctx context.Context, vaultID string) ([]Info, error)
	// Get fetches whole items, in bulk where the provider can. The result
	// has the items in the order of ids; one that does not exist (any more)
	// is an error NotFound that names its id.
	Get(ctx context.Context, vaultID string, ids ...string) ([]Item, error)
	// ReadFile returns the content of an item's attachment.
	ReadFile(ctx context.Context, vaultID, itemID, fileID string) (Secret, error)
}

// A Writer is a Provider that can also change its vaults. Each call is one
// write: it bumps the item's version once, and the vault's content version.
type Writer interface {
	Provider
	// Create adds an item to item.VaultID and returns it as stored. IDs that
	// are empty are chosen; Version and times are set by the vault. Files
	// with Content are attached.
	Create(ctx context.Context, item Item) (Item, error)
	// Update replaces the item with item.ID and returns it as stored. A
	// non-zero item.Version must be the stored one, else Conflict and
	// nothing changes. Files are kept by ID; a file with Content is new.
	Update(ctx context.Context, item Item) (Item, error)
	// Delete removes an item for good.
	Delete(ctx context.Context, vaultID, itemID string) error
}

// A Limiter is a Provider whose vault counts requests against a budget.
type Limiter interface {
	// Requests returns how many requests this Provider has sent so far.
	Requests() int
}

// A Gated is a Provider that asks for leave before it sends requests, retries
// included, so that a budget is never exceeded.
type Gated interface {
	// Gate sets who is asked before so many requests are sent. An error
	// refuses: nothing is sent, and the method that wanted to returns it.
	// nil asks nobody. Gate is not called while other methods run; allow is
	// safe for use by several goroutines.
	Gate(allow func(requests int) error)
}
