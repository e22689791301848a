package api

import (
	"context"
	"time"

	"rinca/internal/rinca"
)

// What the API needs of the parts that do the work. Errors of all of them are
// shown to people.

// A Runner runs executions.
type Runner interface {
	// Check says which resource an execution is about, and which level it
	// needs; Invalid when it is none.
	Check(ctx context.Context, e rinca.Execution) (rinca.Target, rinca.Level, error)
	Submit(ctx context.Context, s rinca.Submission) (rinca.Update, error)
	Cancel(ctx context.Context, id string) error
	// Kinds lists the kinds of executions.
	Kinds() []rinca.ExecutionKind
}

// Deploys knows how stacks and servers are.
type Deploys interface {
	Plan(ctx context.Context, stack string) (rinca.Plan, error)
	States(ctx context.Context) (map[string]rinca.StackState, error)
	State(ctx context.Context, stack string) (rinca.StackState, error)
	// Logs sends lines until ctx ends or, without Follow, all were sent.
	// Values are masked.
	Logs(ctx context.Context, stack string, o rinca.LogOptions, out rinca.Output) error
	ServerState(name string) rinca.ServerState
	// CheckServer asks a server, which need not be kept, how it is.
	CheckServer(ctx context.Context, s rinca.Server) (rinca.ServerState, error)
	// UsedBy returns the names of stacks that use a variable.
	UsedBy(ctx context.Context, v rinca.Variable) ([]string, error)
}

// A Vault is where secret references lead to.
type Vault interface {
	// SetToken tries a token, unless it is to be taken untested, and keeps it.
	SetToken(ctx context.Context, t rinca.VaultToken) (rinca.VaultState, error)
	// State tells what is known, without a request to the vault.
	State(ctx context.Context) (rinca.VaultState, error)
	// Make makes an encrypted vault where none is configured; Conflict else.
	Make(ctx context.Context) (rinca.VaultState, error)
	// Items lists the items of a vault, Item shows one, by id or title, with
	// its fields. Neither has values.
	Items(ctx context.Context, vault string) ([]rinca.VaultItem, error)
	Item(ctx context.Context, vault, item string) (rinca.VaultItem, error)
	// Change makes an item, or changes one; Invalid where the vault cannot be
	// written.
	Change(ctx context.Context, c *rinca.VaultItemChange) (rinca.VaultItem, error)
	DeleteItem(ctx context.Context, vault, id string) error
	// Value reveals the value of a field.
	Value(ctx context.Context, vault, item, field string) (rinca.Secret, error)
}

// Schedules knows what runs by itself.
type Schedules interface {
	// List tells of every schedule when it runs: the next times, and all of so
	// many days.
	List(ctx context.Context, days int) []rinca.Scheduled
	// TimeZone is that of schedules which name none.
	TimeZone() *time.Location
}
