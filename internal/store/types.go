package store

import (
	"encoding/json"
	"time"

	"rinca/internal/rinca"
)

// PutMode says whether a resource may, must or must not exist before.
type PutMode int

// The modes.
const (
	Upsert     PutMode = iota // make it, or replace it
	CreateOnly                // Conflict if it exists
	UpdateOnly                // NotFound if it does not
)

// Credentials are what a user signs in with. Nothing of it is encoded.
type Credentials struct {
	PasswordHash rinca.Secret // an encoded Argon2id hash; not set: no password
	TOTPSeed     rinca.Secret // not set: no second factor
	TOTPLast     int64        // the last step whose code was used
}

// A Mark is what a stack was last deployed with, and succeeded.
type Mark struct {
	Stack  string
	At     time.Time
	Update string   // the update that did it
	Commit string   // of the source; "" when it is not from Git
	Uses   []string // names of variables
	Refs   []string // op:// references
	// Plain is the caller's own; it holds no values.
	Plain json.RawMessage
	// Sealed is the bundle that a rollback needs; up to MaxBundle bytes. It
	// is not set in the list that Marks returns.
	Sealed rinca.Secret
}

// MaxBundle is the largest Mark.Sealed, in bytes.
const MaxBundle = 256 << 20

// An UpdateFilter chooses updates. Empty fields choose all.
type UpdateFilter struct {
	Kind     rinca.Kind // of the target
	Name     string     // of the target
	State    rinca.UpdateState
	Operator string
	Parent   string
	Before   string // only those older than this id
	Limit    int    // at most so many; 0 means 100, the most is 1000
}

// UpdateRetention says which updates are kept. Those that are not final are.
type UpdateRetention struct {
	MaxAge       time.Duration // since they ended; 0 means for ever
	MaxPerTarget int           // the newest of each target; 0 means all
}

// An EventFilter chooses events. Empty fields choose all.
type EventFilter struct {
	Update string
	Types  []string
	// Target chooses by kind, and by name when one is given.
	Target rinca.Target
}
