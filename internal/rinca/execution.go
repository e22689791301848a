package rinca

import (
	"encoding/json"
	"time"
)

// An Execution is one thing to do: a kind and its parameters.
type Execution struct {
	Kind   string          `json:"type"` // such as "DeployStack"
	Params json.RawMessage `json:"params,omitempty"`
}

// UpdateState says how far an execution is.
type UpdateState string

// The states of an update. The last four are final.
const (
	Queued      UpdateState = "queued"
	Running     UpdateState = "running"
	Succeeded   UpdateState = "succeeded"
	Failed      UpdateState = "failed"
	CanceledRun UpdateState = "canceled"
	// Interrupted: the server ended while it ran. Repeating it is safe.
	Interrupted UpdateState = "interrupted"
)

// Final reports whether the state is one that does not change any more.
func (s UpdateState) Final() bool { return s != Queued && s != Running }

// An Update is the record of one execution.
type Update struct {
	ID        string      `json:"id"` // sorts by time of creation
	Execution Execution   `json:"execution"`
	Target    Target      `json:"target"`
	State     UpdateState `json:"state"`
	// Operator is the user who asked for it; Trigger what it came through:
	// "api", "cli", "webhook", "schedule" …
	Operator string `json:"operator"`
	Trigger  string `json:"trigger,omitempty"`
	Parent   string `json:"parent,omitempty"` // the update that started it
	// Cause is who or what started the whole chain, in words: "schedule of
	// Daily Secrets Export", "push of 3f2c1ab by alice to main".
	Cause     string    `json:"cause,omitempty"`
	CreatedAt time.Time `json:"created_at"`
	StartedAt time.Time `json:"started_at,omitzero"`
	EndedAt   time.Time `json:"ended_at,omitzero"`
	Stages    []Stage   `json:"stages,omitempty"`
	// Summary is one line for a list: "2 services recreated".
	Summary    string       `json:"summary,omitempty"`
	Plan       *Plan        `json:"plan,omitempty"`
	Commit     string       `json:"commit,omitempty"`
	RolledBack string       `json:"rolled_back,omitempty"` // what was put back, and how that went
	Error      *UpdateError `json:"error,omitempty"`
}

// An UpdateError is why an update failed; never with a value.
type UpdateError struct {
	Code    Code   `json:"code"`
	Message string `json:"message"`
	Hint    string `json:"hint,omitempty"`
}

// A Stage is one step of an update.
type Stage struct {
	Name      string      `json:"name"`
	State     UpdateState `json:"state"`
	StartedAt time.Time   `json:"started_at"`
	EndedAt   time.Time   `json:"ended_at,omitzero"`
	Note      string      `json:"note,omitempty"` // what it found, in a few words
}

// A Line is one line of what an execution, or a container, says.
type Line struct {
	At      time.Time `json:"at,omitzero"`
	Stage   string    `json:"stage,omitempty"`
	Service string    `json:"service,omitempty"`
	Stream  string    `json:"stream,omitempty"` // "" what we say; "out" or "err" of a command or container; "pull"
	Text    string    `json:"text"`
	// Current and Total are bytes of a pull; Total 0 means unknown.
	Current int64 `json:"current,omitempty"`
	Total   int64 `json:"total,omitempty"`
	// Transient lines are progress that the next one with the same Service
	// replaces. They are streamed and not stored.
	Transient bool `json:"transient,omitempty"`
}

// An Output is told each line as it happens. It is safe for use by several
// goroutines, and does not block for long.
type Output func(Line)

// An Event is one entry of the event stream.
type Event struct {
	Seq  int64     `json:"seq"` // grows; a client resumes after the last one it saw
	At   time.Time `json:"at"`
	Type string    `json:"type"` // "update", "line", "stack", "server", "resource"
	// Update is the id of the update it belongs to, if any; Target the
	// resource. Permissions on Target decide who sees the event.
	Update string          `json:"update,omitempty"`
	Target Target          `json:"target,omitzero"`
	Data   json.RawMessage `json:"data,omitempty"` // an Update, a Line, a StackState …
}
