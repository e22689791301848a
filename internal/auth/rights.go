package auth

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"rinca/internal/rinca"
)

// member reports whether a user belongs to a group: everybody does, or the
// group names them, or their identity provider says so.
func member(g rinca.UserGroup, u rinca.User) bool {
	if g.Everyone || slices.Contains(g.Users, u.Name) {
		return true
	}
	return u.Subject != "" && slices.ContainsFunc(u.Claims, func(c string) bool { return slices.Contains(g.Claims, c) })
}

// An Explanation says what a user may do with a resource, and why.
type Explanation struct {
	User   string       `json:"user"`
	Target rinca.Target `json:"target"`
	rinca.Grant
	// Rules are those that are about the resource. None means that
	// nothing gives any right.
	Rules []AppliedRule `json:"rules"`
}

// UnmarshalJSON reads an explanation; without it the one of Grant would be used.
func (e *Explanation) UnmarshalJSON(data []byte) error {
	var plain struct {
		User     string        `json:"user"`
		Target   rinca.Target  `json:"target"`
		Level    rinca.Level   `json:"level"`
		Specific []string      `json:"specific"`
		Rules    []AppliedRule `json:"rules"`
	}
	err := unmarshal(data, &plain)
	*e = Explanation{plain.User, plain.Target, rinca.Grant{Level: plain.Level, Specific: plain.Specific}, plain.Rules}
	return err
}

// An AppliedRule is one rule that gives rights.
type AppliedRule struct {
	From string `json:"from"` // "user bob", "group platform-ops"
	Rule string `json:"rule"` // "administrator", "all.Stack", "Stack op-*"
	rinca.Grant
}

// UnmarshalJSON reads a rule; without it the one of Grant would be used.
func (r *AppliedRule) UnmarshalJSON(data []byte) error {
	var plain struct {
		From     string      `json:"from"`
		Rule     string      `json:"rule"`
		Level    rinca.Level `json:"level"`
		Specific []string    `json:"specific"`
	}
	err := unmarshal(data, &plain)
	*r = AppliedRule{plain.From, plain.Rule, rinca.Grant{Level: plain.Level, Specific: plain.Specific}}
	return err
}

// Explain tells what a user may do with a resource, and where each right comes
// from. NotFound when there is no such user.
func (s *Service) Explain(ctx context.Context, user string, t rinca.Target) (Explanation, error) {
	out := Explanation{User: user, Target: t, Rules: []AppliedRule{}}
	u, err := s.cfg.DB.User(ctx, user)
	if err != nil {
		return out, err
	}
	groups, err := s.cfg.DB.Groups(ctx)
	if err != nil {
		return out, err
	}
	id := &rinca.Identity{User: u, Rights: []rinca.Rights{u.Rights}}
	if u.Admin {
		out.Rules = append(out.Rules, AppliedRule{"user " + u.Name, "administrator", rinca.Grant{Level: rinca.Write, Specific: []string{rinca.Reveal}}})
	}
	out.Rules = append(out.Rules, rules("user "+u.Name, u.Rights, t)...)
	for _, g := range groups {
		if member(g, u) {
			id.Rights = append(id.Rights, g.Rights)
			out.Rules = append(out.Rules, rules("group "+g.Name, g.Rights, t)...)
		}
	}
	if u.Disabled {
		out.Rules = append(out.Rules, AppliedRule{From: "user " + u.Name, Rule: "disabled"})
	}
	out.Grant = id.On(t)
	return out, nil
}

func rules(from string, r rinca.Rights, t rinca.Target) []AppliedRule {
	var out []AppliedRule
	if g, ok := r.All[t.Kind]; ok && t.Kind != rinca.KindSystem {
		out = append(out, AppliedRule{from, "all." + string(t.Kind), g})
	}
	for _, p := range r.Permissions {
		if p.Matches(t) && t.Kind != rinca.KindSystem {
			out = append(out, AppliedRule{from, p.Target.String(), p.Grant})
		}
	}
	return out
}

// describe puts rights in one line for the audit log.
func describe(r rinca.Rights) string {
	var parts []string
	for _, k := range slices.Sorted(maps.Keys(r.All)) {
		parts = append(parts, fmt.Sprintf("all %s: %s", k, describeGrant(r.All[k])))
	}
	for _, p := range r.Permissions {
		parts = append(parts, fmt.Sprintf("%s: %s", p.Target, describeGrant(p.Grant)))
	}
	return strings.Join(parts, "; ")
}

func describeGrant(g rinca.Grant) string {
	if g.Reveals() {
		return g.Level.String() + " and Reveal"
	}
	return g.Level.String()
}
