package rinca

import (
	"fmt"
	"strings"
)

// A Level says how much somebody may do with a resource. Levels are ordered;
// each includes the ones below it.
type Level int

// The levels. None is the zero value.
const (
	None    Level = iota // not even that it exists
	Read                 // see its configuration and state, never a value
	Execute              // run executions on it: deploy, start, stop …
	Write                // change or delete it
)

var levelNames = [...]string{"None", "Read", "Execute", "Write"}

// String returns the name of the level, such as "Execute".
func (l Level) String() string {
	if l < None || l > Write {
		return fmt.Sprintf("Level(%d)", int(l))
	}
	return levelNames[l]
}

// ParseLevel reads the name of a level, without regard to case.
func ParseLevel(s string) (Level, error) {
	for i, name := range levelNames {
		if strings.EqualFold(s, name) {
			return Level(i), nil
		}
	}
	return None, Errorf(Invalid, "%.40q is no permission level", s).Try("None, Read, Execute or Write")
}

// MarshalText writes the name.
func (l Level) MarshalText() ([]byte, error) { return []byte(l.String()), nil }

// UnmarshalText reads the name.
func (l *Level) UnmarshalText(text []byte) (err error) {
	*l, err = ParseLevel(string(text))
	return err
}

// A Kind is a type of resource that permissions are about.
type Kind string

// The kinds of resources.
const (
	KindStack      Kind = "Stack"
	KindServer     Kind = "Server"
	KindVariable   Kind = "Variable"
	KindGitAccount Kind = "GitAccount"
	KindProcedure  Kind = "Procedure"
	KindSync       Kind = "ResourceSync"
	KindAlerter    Kind = "Alerter"
	KindRepo       Kind = "Repo"
	// KindSystem is the installation itself: users, groups, the audit log, the
	// token of the vault. Only administrators may change it.
	KindSystem Kind = "System"
)

// Kinds lists the kinds of resources that permissions can be given on.
func Kinds() []Kind {
	return []Kind{KindStack, KindServer, KindVariable, KindGitAccount, KindProcedure, KindSync, KindAlerter, KindRepo}
}

// Reveal is the extra right to see secret values. No level includes it.
const Reveal = "Reveal"

// A Grant is a level and the extra rights that come with it.
type Grant struct {
	Level Level `json:"level" toml:"level"`
	// Specific lists extra rights: Reveal is the only one.
	Specific []string `json:"specific,omitempty" toml:"specific"`
}

// Reveals reports whether the grant includes the right to see values.
func (g Grant) Reveals() bool {
	for _, s := range g.Specific {
		if s == Reveal {
			return true
		}
	}
	return false
}

// Join returns what both grants together allow. A grant of the level None
// gives nothing, not even its extra rights.
func (g Grant) Join(h Grant) Grant {
	if h.Level <= None {
		h = Grant{}
	}
	if g.Level <= None {
		return h
	}
	out := Grant{Level: max(g.Level, h.Level)}
	if g.Reveals() || h.Reveals() {
		out.Specific = []string{Reveal}
	}
	return out
}

// Meet returns what both grants allow each.
func (g Grant) Meet(h Grant) Grant {
	out := Grant{Level: min(g.Level, h.Level)}
	if out.Level > None && g.Reveals() && h.Reveals() {
		out.Specific = []string{Reveal}
	}
	return out
}

// A Target names one resource: its kind and its name.
type Target struct {
	Kind Kind   `json:"type" toml:"type"`
	Name string `json:"id" toml:"id"`
}

// String returns "Stack authentik".
func (t Target) String() string { return string(t.Kind) + " " + t.Name }

// A Permission is a grant on the resources of one kind whose names match
// Target.Name: a name, a pattern with * and ?, or a regular expression between
// two backslashes, which matches anywhere in a name unless it has ^ and $.
type Permission struct {
	Target Target `json:"target" toml:"target"`
	Grant
}

// Matches reports whether the permission is about that resource. An Identity
// that is prepared answers faster.
func (p Permission) Matches(t Target) bool {
	if p.Target.Kind != t.Kind {
		return false
	}
	m, err := compilePattern(p.Target.Name)
	return err == nil && m(t.Name)
}

// Rights are what a user or a group is allowed: by kind, and by resource.
type Rights struct {
	All         map[Kind]Grant `json:"all,omitempty" toml:"all"`
	Permissions []Permission   `json:"permissions,omitempty" toml:"permissions"`
}

// On returns what the rights allow on a resource.
func (r Rights) On(t Target) Grant {
	g := Grant{}.Join(r.All[t.Kind])
	for _, p := range r.Permissions {
		if p.Matches(t) {
			g = g.Join(p.Grant)
		}
	}
	return g
}
