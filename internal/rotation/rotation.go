// Package rotation carries changed secrets to the stacks that use them, as one
// transaction: what differs is found by comparing levels, the plan says which
// containers restart and why, stacks are deployed in the order in which they
// are verified, and when one fails, every stack that was touched goes back to
// what it was, and the version of the item that did it is kept away.
//
// Each step is written down before it is taken, so that a server that ends at
// any moment goes on, or back, when it starts again.
package rotation

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"rinca/internal/deploy"
	"rinca/internal/event"
	"rinca/internal/rinca"
	"rinca/internal/store"
)

// A Rotator carries out rotations, one at a time. It is safe for use by
// several goroutines.
type Rotator struct {
	DB     *store.DB
	Deploy *deploy.Deployer
	Hub    *event.Hub
	Now    func() time.Time
	Log    *slog.Logger
	// Run runs an execution for a rotation once, also when the server ends
	// meanwhile, and waits for its end. place tells the executions of one
	// rotation apart.
	Run func(ctx context.Context, parent rinca.Update, place string, e rinca.Execution) (rinca.Update, error)
	// Alert tells people.
	Alert func(rinca.Alert)

	mu    sync.Mutex
	wake  chan struct{}    // closed when something that is waited for has changed
	turn  string           // the rotation that runs
	clean map[string]int64 // content versions of vaults, by id, at which no reference differed
	held  *quarantines
	// blocked are stacks whose items could not be exported at the last look.
	blocked map[string]bool
}

// Params say what a rotation is about.
type Params struct {
	Stacks []string `json:"stacks,omitempty"` // only these; none means every one that has changed
	Refs   []string `json:"refs,omitempty"`   // only what reads these items: op://vault/item, op://vault/item/field, or a title
	// Generate makes a new value for each of these fields, op://vault/item/field,
	// by Recipe; "" means a password like the one that is there.
	Generate []string `json:"generate,omitempty"`
	Recipe   string   `json:"recipe,omitempty"`
	Vault    string   `json:"vault,omitempty"` // only items of this vault
	// Now waits for no window.
	Now bool `json:"now,omitempty"`
	// Undo takes a rotation back, in place of all of the above.
	Undo string `json:"undo,omitempty"`
}

// Collection is what rotations are kept in.
func Collection(db *store.DB) store.Records[rinca.Rotation] {
	return store.RecordsOf[rinca.Rotation](db, "rotation")
}

// What the record of a rotation is found by while it has not ended.
const openKey = "open"

// A journal is what a rotation needs to go on, or back, and nobody is shown.
type journal struct {
	Kept     bool `json:"kept,omitempty"` // generations are
	Exported bool `json:"exported,omitempty"`
	// Expect are digests of the exported files, by stack and file.
	Expect map[string]map[string]string `json:"expect,omitempty"`
	// Touched are the stacks whose deploy was begun, in that order.
	Touched []string `json:"touched,omitempty"`
	// Approved are the changes that somebody agreed to.
	Approved  []string    `json:"approved,omitempty"`
	Generated []generated `json:"generated,omitempty"`
	Canceled  bool        `json:"canceled,omitempty"` // somebody wants it to end
}

func (r *Rotator) journals() store.Records[journal] {
	return store.RecordsOf[journal](r.DB, "rotation journal")
}

// Keepsakes are the generations that rotations can go back to, by "rotation/stack".
func Keepsakes(db *store.DB) store.Records[deploy.Keepsake] {
	return store.RecordsOf[deploy.Keepsake](db, "rotation generation")
}

// Rotation returns a rotation by its id.
func (r *Rotator) Rotation(ctx context.Context, id string) (rinca.Rotation, error) {
	rec, err := Collection(r.DB).Get(ctx, id)
	if rinca.CodeOf(err) == rinca.NotFound {
		return rinca.Rotation{}, rinca.Errorf(rinca.NotFound, "no rotation %.40q", id).Try("rinca rotate list")
	}
	return rec.Value, err
}

// Rotations lists rotations, newest first.
func (r *Rotator) Rotations(ctx context.Context, before string, limit int) ([]rinca.Rotation, error) {
	recs, err := Collection(r.DB).List(ctx, store.RecordFilter{Before: before, Limit: limit})
	out := make([]rinca.Rotation, len(recs))
	for i := range recs {
		out[i] = recs[i].Value
	}
	return out, err
}

// Open lists the rotations that have not ended, oldest first.
func (r *Rotator) Open(ctx context.Context) ([]rinca.Rotation, error) {
	recs, err := Collection(r.DB).List(ctx, store.RecordFilter{Key: openKey, Oldest: true})
	out := make([]rinca.Rotation, len(recs))
	for i := range recs {
		out[i] = recs[i].Value
	}
	return out, err
}

// Poked returns what is closed at the next poke.
func (r *Rotator) Poked() <-chan struct{} {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.wake == nil {
		r.wake = make(chan struct{})
	}
	return r.wake
}

// Poke makes those that wait look again: a policy has changed, somebody has
// approved, a rotation has ended.
func (r *Rotator) Poke() {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.wake != nil {
		close(r.wake)
		r.wake = nil
	}
}
