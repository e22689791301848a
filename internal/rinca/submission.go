package rinca

import "time"

// A Submission asks for an execution.
type Submission struct {
	Execution Execution
	Operator  string // the user who asks
	Trigger   string // what it came through: "api", "webhook", "schedule" …
	// IdempotencyKey, if set, makes a repeated submission by the same operator
	// return the first update.
	IdempotencyKey string
	Parent         string // the update that asks for it
	// Cause is who or what started the whole chain; with a Parent, its own is
	// taken.
	Cause string
	// Join returns an update that waits already for the same execution, in
	// place of a second one.
	Join bool
}

// An ExecutionKind describes one kind of execution.
type ExecutionKind struct {
	Name string // such as "DeployStack"
	Doc  string // one sentence
	// Target and Level are what running it needs; it may need more, depending
	// on its parameters.
	Target Kind
	Level  Level
	Params any // an example of the parameters; its type describes them
}

// A VaultToken is a credential for the vault, to be kept sealed.
type VaultToken struct {
	Kind     string // "service-account" or "connect"
	Token    Secret
	Host     string // of connect
	Untested bool   // keep it even when the vault cannot be asked
}

// A VaultState is what is known of the vault.
type VaultState struct {
	Provider string    `json:"provider,omitempty"` // what answers: "connect", "embedded" …
	HasToken bool      `json:"has_token"`
	SetAt    time.Time `json:"set_at,omitzero"`
	Vaults   []string  `json:"vaults,omitempty"` // names, when they were asked for
	Error    string    `json:"error,omitempty"`  // why it cannot be used
	// Requests that were sent since the start; Budget is how many there may
	// be, 0 for no bound.
	Requests int `json:"requests"`
	Budget   int `json:"budget,omitempty"`
	// Plan is that of the vault's account, such as "families"; PlanAssumed
	// says that nobody has named it.
	Plan        string        `json:"plan,omitempty"`
	PlanAssumed bool          `json:"plan_assumed,omitempty"`
	Budgets     []VaultBudget `json:"budgets,omitempty"`
	Breaker     *VaultBreaker `json:"breaker,omitempty"`
	// Interval is the shortest time between two looks of a watch that leaves
	// room for others; 0 for no bound.
	Interval Duration `json:"interval,omitempty"`
	// ExportedAt is when stacks were last exported with success.
	ExportedAt time.Time `json:"exported_at,omitzero"`
}

// Target returns the resource that permissions on the variable are about. The
// name of a variable of one stack begins with that of the stack.
func (v *Variable) Target() Target {
	if v.Stack == "" {
		return Target{Kind: KindVariable, Name: v.Name}
	}
	return Target{Kind: KindVariable, Name: v.Stack + "/" + v.Name}
}
