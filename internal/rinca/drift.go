package rinca

import (
	"context"
	"slices"
	"time"
)

// A DriftState says whether a value is the same in the vault, in the file that
// was exported, and in the container that runs.
type DriftState string

// The states, from good to bad. What is worst about a value is its state.
const (
	DriftProven  DriftState = "proven"  // the same everywhere, by keyed digests
	DriftHeld    DriftState = "held"    // the vault has a newer one that is kept back on purpose
	DriftUnknown DriftState = "unknown" // something could not be asked
	DriftStale   DriftState = "stale"   // the file or the container has an older one
	DriftEdited  DriftState = "edited"  // somebody changed the file or the container by hand
)

// DriftStates lists the states, from good to bad.
func DriftStates() []DriftState {
	return []DriftState{DriftProven, DriftHeld, DriftUnknown, DriftStale, DriftEdited}
}

// Worse returns the worse of two states.
func (s DriftState) Worse(t DriftState) DriftState {
	if rank(t) > rank(s) {
		return t
	}
	return s
}

// rank is 0 for the best state, and for "".
func rank(s DriftState) int { return max(slices.Index(DriftStates(), s), 0) }

// Drifted reports whether the state is one to be mended.
func (s DriftState) Drifted() bool { return s == DriftStale || s == DriftEdited }

// A DriftKey is one value of a stack: a key of a service's environment, a
// secret, a config, a mounted file, an exported file or a variable. It holds
// no value.
type DriftKey struct {
	Key     string     `json:"key"`
	Via     string     `json:"via"`               // "environment", "env_file", "secret", "config", "mount", "file" or "variable"
	Service string     `json:"service,omitempty"` // "" when no service is known to read it
	File    string     `json:"file,omitempty"`
	State   DriftState `json:"state"`
	// Since is when what is stale or edited was changed, where that is known.
	Since     time.Time `json:"since,omitzero"`
	Container string    `json:"container,omitempty"` // which differs, or could not be read
	Why       string    `json:"why,omitempty"`
	// Mend is what brings it back: "export", "deploy", "recreate" (a deploy
	// that is forced), or "" when that is up to a person.
	Mend string `json:"mend,omitempty"`
}

// A StackDrift is how the values of one stack are.
type StackDrift struct {
	Stack  string     `json:"stack"`
	Server string     `json:"server,omitempty"`
	State  DriftState `json:"state"` // the worst of Keys
	Since  time.Time  `json:"since,omitzero"`
	At     time.Time  `json:"at"` // when it was looked at
	Deep   bool       `json:"deep,omitempty"`
	Why    string     `json:"why,omitempty"` // about the stack as a whole
	// Idle is set when nothing of it is there that could have drifted: it was
	// never deployed, or has no containers.
	Idle bool `json:"idle,omitempty"`
	// Outdated is set when the stack was deployed, or put back, since.
	Outdated bool       `json:"outdated,omitempty"`
	Proven   int        `json:"proven"` // how many of Keys are
	Keys     []DriftKey `json:"keys,omitempty"`
}

// A DriftReport is how the values of several stacks are.
type DriftReport struct {
	At     time.Time    `json:"at,omitzero"`
	Deep   bool         `json:"deep,omitempty"`
	Stacks []StackDrift `json:"stacks"`
	// Counts are numbers of keys, by state.
	Counts map[DriftState]int `json:"counts"`
	// Requests were sent to the vault.
	Requests int      `json:"requests"`
	Notes    []string `json:"notes,omitempty"`
}

// Count counts the keys of every stack.
func (r *DriftReport) Count() {
	r.Counts = map[DriftState]int{}
	for i := range r.Stacks {
		for _, k := range r.Stacks[i].Keys {
			r.Counts[k.State]++
		}
	}
}

// An Inspector is a Deployment that can say what its containers were made
// from, and what is really in them.
type Inspector interface {
	// Inspect compares the project with its containers: with the digests in
	// their labels and, when deep, with their real environment and files. It
	// changes nothing, and what it returns holds no value.
	Inspect(ctx context.Context, deep bool) ([]InspectedContainer, error)
}

// A Match says whether two digests are the same.
type Match string

// The results of a comparison; "" is one that was not made.
const (
	Same    Match = "same"
	Differs Match = "differs"
)

// An InspectedContainer is a container of a project, compared with what the
// project says.
type InspectedContainer struct {
	Service   string
	Name      string
	CreatedAt time.Time
	// Unlabelled says why its labels tell nothing; "" when they do.
	Unlabelled string
	Parts      []InspectedPart
}

// An InspectedPart is one value of a container.
type InspectedPart struct {
	Via  string // "environment", "env_file", "secret", "config" or "mount"
	Name string
	File string // what it is read from on the host, for all but "environment"
	// Label compares the project with the container's label, Real with what
	// is in the container.
	Label Match
	Real  Match
	Why   string // why Real is not known, or what is odd
}
