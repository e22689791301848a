package rinca

import "time"

// A VaultBudget is how much of one limit of the vault is used.
type VaultBudget struct {
	Scope  string `json:"scope"`  // "token" or "account"
	Window string `json:"window"` // "hour" or "day"
	Limit  int    `json:"limit"`  // 0 for none
	Used   int    `json:"used"`   // within the last such window
	Left   int    `json:"left"`
	// Reserve is the part that only people may use; NextAt is when background
	// work may go on, while no more than that is left.
	Reserve int       `json:"reserve,omitempty"`
	NextAt  time.Time `json:"next_at,omitzero"`
}

// A VaultBreaker says whether background work leaves the vault alone, because
// it has failed several times in a row.
type VaultBreaker struct {
	Open     bool      `json:"open"`
	Failures int       `json:"failures,omitempty"` // in a row
	Since    time.Time `json:"since,omitzero"`
	RetryAt  time.Time `json:"retry_at,omitzero"`
	Error    string    `json:"error,omitempty"`
}
