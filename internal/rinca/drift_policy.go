package rinca

import "time"

// A DriftPolicy says when drift and the ages of secrets are checked by
// themselves. Without a schedule they are not.
type DriftPolicy struct {
	Schedule  Schedule  `json:"schedule,omitzero"`
	Deep      bool      `json:"deep,omitempty"` // read what is in containers
	UpdatedAt time.Time `json:"updated_at,omitzero"`
	UpdatedBy string    `json:"updated_by,omitempty"`
}
