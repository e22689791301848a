package rinca

import (
	"time"
)

// A Variable is a name and a value that [[NAME]] stands for. Exactly one of
// Value and From is set.
type Variable struct {
	Name  string `json:"name"`
	Stack string `json:"stack,omitempty"` // the stack it is for; "" for all of them
	// Secret variables are write-only: no API shows their value, unless to
	// somebody who may reveal it.
	Secret      bool   `json:"secret,omitempty"`
	Description string `json:"description,omitempty"`
	// From is a secret reference whose value is looked up when it is used.
	From string `json:"from,omitempty"`
	// Value is set by those who may see it; it is never encoded.
	Value     Secret    `json:"-"`
	Version   int       `json:"version"` // counts the changes of value or reference, from 1
	UpdatedAt time.Time `json:"updated_at"`
	UpdatedBy string    `json:"updated_by,omitempty"`
}

// Concealed reports whether its value is not for everybody: it is marked as a
// secret, or looked up in a vault.
func (v *Variable) Concealed() bool { return v.Secret || v.From != "" }

// A VariableVersion tells of one change of a variable, without its value.
type VariableVersion struct {
	Version   int       `json:"version"`
	UpdatedAt time.Time `json:"updated_at"`
	UpdatedBy string    `json:"updated_by,omitempty"`
	Secret    bool      `json:"secret,omitempty"`
	From      string    `json:"from,omitempty"`
	// Digest tells equal values from different ones; it is keyed and cut.
	Digest string `json:"digest"`
}

// ValidVariableName reports whether name may name a variable.
func ValidVariableName(name string) bool {
	return len(name) > 0 && len(name) <= 500 && !isDigit(name[0]) && allOf(name, "_")
}

// MaxVariable is the largest value of a variable, in bytes.
const MaxVariable = 1 << 20

// A GitAccount is a credential for Git repositories of one host.
type GitAccount struct {
	Name string `json:"name"`
	// Host the account is for, such as "github.com". A credential is sent to
	// no other.
	Host     string `json:"host"`
	Username string `json:"username,omitempty"` // HTTPS; default "git"
	// Token is for HTTPS, Key is a private key for SSH. Neither is encoded.
	Token Secret `json:"-"`
	Key   Secret `json:"-"`
	// KnownHosts are lines as in ~/.ssh/known_hosts; needed with Key.
	KnownHosts string `json:"known_hosts,omitempty"`
	// CA is a PEM bundle that the host's certificate is checked against.
	CA        string    `json:"ca,omitempty"`
	HasToken  bool      `json:"has_token"`
	HasKey    bool      `json:"has_key"`
	UpdatedAt time.Time `json:"updated_at"`
}

// A Server is a Docker endpoint.
type Server struct {
	Name string `json:"name"`
	// Address is unix:///path, ssh://user@host or tcp://host:2376.
	Address string `json:"address"`
	// TLS of tcp://: PEM texts. The key is never encoded.
	CA   string `json:"ca,omitempty"`
	Cert string `json:"cert,omitempty"`
	Key  Secret `json:"-"`
	// SSHKey is a private key for ssh://, never encoded; without it the
	// server's own agent and keys are used.
	SSHKey     Secret    `json:"-"`
	KnownHosts string    `json:"known_hosts,omitempty"`
	UpdatedAt  time.Time `json:"updated_at,omitzero"`
}

// LocalServer is the name of the server that is always there.
const LocalServer = "local"

// A ServerState is what is known of a server now.
type ServerState struct {
	Reachable  bool      `json:"reachable"`
	Since      time.Time `json:"since,omitzero"` // when Reachable became what it is
	CheckedAt  time.Time `json:"checked_at,omitzero"`
	Version    string    `json:"version,omitempty"`
	APIVersion string    `json:"api_version,omitempty"`
	OS         string    `json:"os,omitempty"`
	Containers int       `json:"containers,omitempty"`
	Error      string    `json:"error,omitempty"`
}
