package rinca

import "time"

// HoldTag is the tag that keeps an item's changes out of every export, until
// it is taken off.
const HoldTag = "rinca:hold"

// A RotationState says how far a rotation is.
type RotationState string

// The states of a rotation. The last four are final.
const (
	RotationPlanned     RotationState = "planned"
	RotationWaits       RotationState = "waiting" // for an approval, a window, or the end of a freeze
	RotationRunning     RotationState = "running"
	RotationRollingBack RotationState = "rolling_back"
	RotationSucceeded   RotationState = "succeeded"
	RotationRolledBack  RotationState = "rolled_back" // it failed, and everything is as it was
	RotationFailed      RotationState = "failed"      // it failed, and something could not be put back
	RotationCanceled    RotationState = "canceled"
)

// Final reports whether the state is one that does not change any more.
func (s RotationState) Final() bool {
	switch s {
	case RotationSucceeded, RotationRolledBack, RotationFailed, RotationCanceled:
		return true
	}
	return false
}

// A Rotation is one run that carries changed secrets to the stacks that use
// them: all of them, or none.
type Rotation struct {
	ID        string        `json:"id"` // that of its update
	State     RotationState `json:"state"`
	Operator  string        `json:"operator,omitempty"`
	Trigger   string        `json:"trigger,omitempty"`
	Cause     string        `json:"cause,omitempty"`
	CreatedAt time.Time     `json:"created_at,omitzero"`
	StartedAt time.Time     `json:"started_at,omitzero"`
	EndedAt   time.Time     `json:"ended_at,omitzero"`
	// Waits says what for, in words.
	Waits string `json:"waits,omitempty"`
	// Plan names what it is to do: versions of items, and stacks. An approval
	// is for one plan.
	Plan       string         `json:"plan,omitempty"`
	ApprovedBy string         `json:"approved_by,omitempty"`
	Items      []RotatedItem  `json:"items,omitempty"`
	Stacks     []RotatedStack `json:"stacks,omitempty"` // by wave, then name
	Waves      int            `json:"waves,omitempty"`
	Summary    string         `json:"summary,omitempty"`
	Error      *UpdateError   `json:"error,omitempty"`
	Failed     string         `json:"failed,omitempty"` // the stack that failed first
	Lines      []string       `json:"lines,omitempty"`  // the last ones of what failed, masked
	// LeftOut are stacks that have changed and are not part of it, and why.
	LeftOut []LeftOut `json:"left_out,omitempty"`
	Notes   []string  `json:"notes,omitempty"`
	// Undoes is the rotation that this one takes back; UndoneBy the other way.
	Undoes   string `json:"undoes,omitempty"`
	UndoneBy string `json:"undone_by,omitempty"`
}

// A LeftOut is a stack that a rotation does not touch, although its secrets
// have changed.
type LeftOut struct {
	Stack string `json:"stack"`
	Why   string `json:"why"`
}

// A RotatedItem is an item that changed.
type RotatedItem struct {
	Vault     string   `json:"vault"` // id
	VaultName string   `json:"vault_name,omitempty"`
	Item      string   `json:"item"` // id
	Title     string   `json:"title"`
	Version   int64    `json:"version"`
	Keys      []string `json:"keys,omitempty"` // names of what changed in it
	Stacks    []string `json:"stacks,omitempty"`
	Generated []string `json:"generated,omitempty"` // fields that got a new value in this run
	Held      string   `json:"held,omitempty"`      // why its change is left out
}

// A RotatedStack is a stack in a rotation.
type RotatedStack struct {
	Stack    string        `json:"stack"`
	Server   string        `json:"server,omitempty"`
	Wave     int           `json:"wave"`               // from 1
	Services []ServicePlan `json:"services,omitempty"` // those that change, and why
	// Gate says what must be so before the next wave, in words.
	Gate string `json:"gate,omitempty"`
	// CanRollBack says whether there is a last good generation.
	CanRollBack bool        `json:"can_roll_back"`
	State       UpdateState `json:"state"`
	Update      string      `json:"update,omitempty"`
	// Restored says how putting it back went: "verified", or what failed; ""
	// when it was not put back.
	Restored       string `json:"restored,omitempty"`
	RestoredUpdate string `json:"restored_update,omitempty"`
}

// A Quarantine keeps a version of an item away from stacks: it made one fail.
type Quarantine struct {
	ID        string    `json:"id"` // vault id / item id
	Vault     string    `json:"vault"`
	VaultName string    `json:"vault_name,omitempty"`
	Item      string    `json:"item"`
	Title     string    `json:"title"`
	Version   int64     `json:"version"` // and older ones
	At        time.Time `json:"at"`
	Rotation  string    `json:"rotation,omitempty"`
	Stack     string    `json:"stack,omitempty"` // which failed
	Why       string    `json:"why,omitempty"`
	Lines     []string  `json:"lines,omitempty"`
	// With is the quarantine of an item that this one was carried with: it
	// goes on when that one does.
	With string `json:"with,omitempty"`
}

// A RotationPolicy says how changes are looked for, and when they are carried
// to stacks.
type RotationPolicy struct {
	// Off looks for nothing: rotations are started by hand alone.
	Off bool `json:"off,omitempty"`
	// Interval is the time between two looks; 0 means one minute, or longer
	// where the vault's budget is small. Schedule looks at its times instead.
	Interval Duration `json:"interval,omitempty"`
	Schedule Schedule `json:"schedule,omitzero"`
	// Batch is how long changes are collected before a run; 0 means 60 seconds.
	Batch Duration `json:"batch,omitempty"`
	// Windows are the times that runs may begin in; none means any time.
	Windows []Window `json:"windows,omitempty"`
	Approve bool     `json:"approve,omitempty"` // a run waits until somebody approves it
	// AtOnce is how many services may be replaced at once; 0 means 4.
	AtOnce int `json:"at_once,omitempty"`
	// Frozen lets nothing begin.
	Frozen    bool      `json:"frozen,omitempty"`
	FrozenBy  string    `json:"frozen_by,omitempty"`
	FrozenWhy string    `json:"frozen_why,omitempty"`
	FrozenAt  time.Time `json:"frozen_at,omitzero"`
}

// A Window is a time of the day, on some days.
type Window struct {
	Days     string `json:"days,omitempty"` // "mon-fri", "sat,sun"; "" means every day
	From     string `json:"from"`           // "22:00"
	To       string `json:"to"`             // "05:00": when it is not after From, that of the next day
	TimeZone string `json:"timezone,omitempty"`
}

// A SecretUse is what reads a secret: the way from an item to containers.
type SecretUse struct {
	Vault    string `json:"vault,omitempty"`
	Item     string `json:"item,omitempty"` // title
	Field    string `json:"field,omitempty"`
	File     string `json:"file,omitempty"`     // path, for an exported one
	Variable string `json:"variable,omitempty"` // for a reference
	Stack    string `json:"stack"`
	Server   string `json:"server,omitempty"`
	Service  string `json:"service,omitempty"`
	Via      string `json:"via,omitempty"` // "env_file", "secret", "config", "mount", "environment"
	// Containers are names; Dependents are stacks that come after this one.
	Containers []string `json:"containers,omitempty"`
	Dependents []string `json:"dependents,omitempty"`
}

// A Lineage is what a stack was last deployed with, of what a vault or a
// variable gave: enough to tell, without the vault or an engine, whether that
// differs now. It holds no values; digests are keyed.
type Lineage struct {
	Files []LineageFile `json:"files,omitempty"`
	// Variables are digests of the values of variables, by name.
	Variables map[string]string `json:"variables,omitempty"`
	// Refs are secret references, by the variables that stand for them.
	Refs map[string]string `json:"refs,omitempty"`
	// Readers are the services that variables end up in, by variable. One that
	// is not there may end up in any.
	Readers map[string][]string `json:"readers,omitempty"`
	OneShot []string            `json:"one_shot,omitempty"` // services that are done when they end
}

// A LineageFile is an exported file, and who reads it.
type LineageFile struct {
	Path     string   `json:"path"`
	Digest   string   `json:"digest"`
	Services []string `json:"services,omitempty"`
	Via      string   `json:"via,omitempty"` // "env_file", "secret", "config" or "mount"
}
