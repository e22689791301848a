package rinca

import (
	"time"
)

// A User is somebody who signs in, or whose API keys are used.
type User struct {
	Name     string `json:"name"`
	Admin    bool   `json:"admin,omitempty"` // may do everything
	Disabled bool   `json:"disabled,omitempty"`
	// Service marks a user who has API keys and no password.
	Service bool `json:"service,omitempty"`
	// MustChange asks for a new password at the next login.
	MustChange bool `json:"must_change_password,omitempty"`
	TOTP       bool `json:"totp,omitempty"` // a second factor is enrolled
	// Subject is issuer and subject of an OpenID Connect identity; "" for a
	// local user.
	Subject string `json:"subject,omitempty"`
	// Claims are the groups that the identity provider said at the last login.
	Claims []string `json:"claims,omitempty"`
	Rights
	CreatedAt time.Time `json:"created_at"`
	LastLogin time.Time `json:"last_login,omitzero"`
}

// A UserGroup gives rights to several users.
type UserGroup struct {
	Name     string   `json:"name" toml:"name"`
	Everyone bool     `json:"everyone,omitempty" toml:"everyone"`
	Users    []string `json:"users,omitempty" toml:"users"`
	// Claims are the names of groups of an identity provider whose members
	// belong to this group.
	Claims []string `json:"claims,omitempty" toml:"claims"`
	Rights
}

// An APIKey authenticates a program as its user, with no more than the key's
// scope. The key itself is shown once and stored as a keyed hash.
type APIKey struct {
	ID   string `json:"id"`
	Name string `json:"name"`
	User string `json:"user"`
	// Scope bounds the key below the rights of its user; nil means no bound.
	Scope     *Rights   `json:"scope,omitempty"`
	CreatedAt time.Time `json:"created_at"`
	ExpiresAt time.Time `json:"expires_at,omitzero"` // zero: never
	LastUsed  time.Time `json:"last_used,omitzero"`
}

// A Session is a signed-in browser or command line.
type Session struct {
	ID        string    `json:"id"`
	User      string    `json:"user"`
	CreatedAt time.Time `json:"created_at"`
	ExpiresAt time.Time `json:"expires_at"`
	LastUsed  time.Time `json:"last_used,omitzero"`
	Agent     string    `json:"agent,omitempty"` // the client's own name for itself
	// ChangeOnly marks a session that may only set a new password.
	ChangeOnly bool `json:"change_only,omitempty"`
}

// An Identity is who makes a request, and what they may do.
type Identity struct {
	User   User
	Rights []Rights // the user's own, and those of every group
	Scope  *Rights  // of the API key; nil means no bound
	// Session is set when the request came with one.
	Session *Session
	// KeyID is set when the request came with an API key.
	KeyID string

	prepared *prepared // see Prepare
}

// On returns what the identity may do with a resource: nothing when the user
// is disabled or must set a new password first.
func (id *Identity) On(t Target) Grant {
	if id.User.Disabled || id.Session != nil && id.Session.ChangeOnly {
		return Grant{}
	}
	var g Grant
	switch {
	case id.User.Admin:
		g = Grant{Level: Write, Specific: []string{Reveal}}
	case t.Kind == KindSystem:
		return Grant{}
	case id.prepared != nil:
		g = id.prepared.rights.on(t)
	default:
		for _, r := range id.Rights {
			g = g.Join(r.On(t))
		}
	}
	switch {
	case id.Scope == nil:
		return g
	case id.prepared != nil:
		return g.Meet(id.prepared.scope.on(t))
	}
	return g.Meet(id.Scope.On(t))
}

// Admin reports whether the identity may administer the installation.
func (id *Identity) Admin() bool { return id.On(Target{Kind: KindSystem}).Level >= Write }

// ValidUserName reports whether name may name a user or a group.
func ValidUserName(name string) bool { return isName(name, 128, "._@+-") }

// An AuditEntry is one thing that somebody changed or was shown. Entries are
// chained: Hash covers the entry and the hash before it, with a local key.
type AuditEntry struct {
	Seq    int64     `json:"seq"`
	At     time.Time `json:"at"`
	Actor  string    `json:"actor"`            // user name, or "system"
	Via    string    `json:"via,omitempty"`    // session, the id of an API key, or what triggered it
	Remote string    `json:"remote,omitempty"` // the client's address
	Action string    `json:"action"`           // such as "stack.update", "variable.reveal"
	Target string    `json:"target,omitempty"` // "Stack authentik"
	Detail string    `json:"detail,omitempty"` // never a value
	OK     bool      `json:"ok"`
	Hash   string    `json:"hash"`
}
