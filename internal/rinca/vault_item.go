package rinca

import "time"

// A VaultItem is an item of a vault as people edit it: without its values.
type VaultItem struct {
	ID        string       `json:"id"`
	Vault     string       `json:"vault"` // its name
	Title     string       `json:"title"`
	Category  Category     `json:"category,omitempty"`
	Tags      []string     `json:"tags,omitempty"`
	Stacks    []string     `json:"stacks,omitempty"` // that its tags assign it to
	Version   int64        `json:"version,omitempty"`
	UpdatedAt time.Time    `json:"updated_at,omitzero"`
	Fields    []VaultField `json:"fields,omitempty"` // when one item was asked for
}

// A VaultField is a field of an item without its value.
type VaultField struct {
	ID        string `json:"id"`
	Label     string `json:"label,omitempty"`
	Section   string `json:"section,omitempty"` // its label
	Concealed bool   `json:"concealed,omitempty"`
	Empty     bool   `json:"empty,omitempty"`
	// Variable says that it is a line of the exported file.
	Variable bool `json:"variable,omitempty"`
}

// A VaultItemChange makes an item, or changes one. What it does not name
// stays.
type VaultItemChange struct {
	Vault   string // name or id; "" is the server's
	Item    string // id; "" makes one
	Version int64  // that was looked at, Conflict when it is another; 0 for any
	Title   string // "" keeps it
	// Tags replaces the tags; nil keeps them.
	Tags []string
	// Set are fields, by id, or by label where there is no id: those that
	// are there get the value, the others are added.
	Set []VaultFieldChange
	// Env is text of KEY=value lines that are set as fields, too.
	Env Secret
	// Remove are ids of fields.
	Remove []string
}

// A VaultFieldChange is a new value of a field.
type VaultFieldChange struct {
	ID    string
	Label string
	Value Secret // not set: it keeps its value
	// Recipe makes the value instead, such as "generate:32".
	Recipe    string
	Concealed *bool // nil keeps it, or decides by the label
}
