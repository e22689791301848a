package auth

import (
	"context"
	"slices"
	"strings"

	"rinca/internal/rinca"
	"rinca/internal/store"
)

// CheckGroup reports what cannot be meant in a group. Code Invalid.
func CheckGroup(g rinca.UserGroup) error {
	if !rinca.ValidUserName(g.Name) {
		return rinca.Errorf(rinca.Invalid, "%q cannot be the name of a group", line(g.Name, 60)).Try("letters, digits and . _ @ + -, 128 at most, a letter or digit first")
	}
	for _, u := range g.Users {
		if !rinca.ValidUserName(u) {
			return rinca.Errorf(rinca.Invalid, "%q cannot be the name of a user", line(u, 60)).Try("rinca user list")
		}
	}
	for _, c := range g.Claims {
		if c == "" || len(c) > 300 || line(c, 300) != c {
			return rinca.Errorf(rinca.Invalid, "a claim is one line of 1 to 300 bytes: the name of a group of the identity provider")
		}
	}
	if len(g.Users) > maxUsers || len(g.Claims) > 1000 {
		return rinca.Errorf(rinca.Invalid, "the group %s has too many members", g.Name)
	}
	return g.Check()
}

// Group returns a group.
func (s *Service) Group(ctx context.Context, name string) (rinca.UserGroup, error) {
	return s.cfg.DB.Group(ctx, name)
}

// Groups lists the groups.
func (s *Service) Groups(ctx context.Context) ([]rinca.UserGroup, error) {
	groups, err := s.cfg.DB.Groups(ctx)
	return append([]rinca.UserGroup{}, groups...), err
}

// PutGroup makes or replaces a group. Invalid when it names a user who does
// not exist: a slip of the pen would give nothing, and whoever is called that
// later would have its rights.
func (s *Service) PutGroup(ctx context.Context, c Caller, g rinca.UserGroup) (rinca.UserGroup, error) {
	if err := CheckGroup(g); err != nil {
		return g, err
	}
	slices.Sort(g.Users)
	g.Users = slices.Compact(g.Users)
	s.mu.Lock()
	defer s.mu.Unlock()
	users, err := s.cfg.DB.Users(ctx)
	if err != nil {
		return g, err
	}
	names := make([]string, len(users))
	for i, u := range users {
		names[i] = u.Name
	}
	for _, u := range g.Users {
		if !slices.Contains(names, u) {
			e := rinca.Errorf(rinca.Invalid, "the group %s names %s, and there is no such user", g.Name, u)
			if n := nearest(u, names); n != "" {
				return g, e.Try("%s", n)
			}
			return g, e.Try("rinca user create %s; who comes from an identity provider belongs to a group by its claims", u)
		}
	}
	before, err := s.cfg.DB.Group(ctx, g.Name)
	if err != nil && rinca.CodeOf(err) != rinca.NotFound {
		return g, err
	}
	action := "group.update"
	if err != nil {
		action = "group.create"
	}
	if g, err = s.cfg.DB.PutGroup(ctx, g, store.Upsert); err != nil {
		return g, err
	}
	s.invalidate()
	return g, s.audit(ctx, c, action, "Group "+g.Name, describeChange(before, g))
}

// describeChange says what a group became, its members by their difference.
func describeChange(before, after rinca.UserGroup) string {
	var parts []string
	if after.Everyone {
		parts = append(parts, "everyone")
	}
	parts = append(parts, difference(before.Users, after.Users)...)
	if len(after.Claims) > 0 {
		parts = append(parts, "claims "+strings.Join(after.Claims, ", "))
	}
	if d := describe(after.Rights); d != "" {
		parts = append(parts, d)
	}
	return strings.Join(parts, "; ")
}

func difference(before, after []string) []string {
	var out []string
	for _, u := range after {
		if !slices.Contains(before, u) {
			out = append(out, "+"+u)
		}
	}
	for _, u := range before {
		if !slices.Contains(after, u) {
			out = append(out, "-"+u)
		}
	}
	return out
}

// DeleteGroup deletes a group; its members stay.
func (s *Service) DeleteGroup(ctx context.Context, c Caller, name string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.cfg.DB.DeleteGroup(ctx, name); err != nil {
		return err
	}
	s.invalidate()
	return s.audit(ctx, c, "group.delete", "Group "+name, "")
}
