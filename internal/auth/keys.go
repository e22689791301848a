package auth

import (
	"context"
	"slices"
	"time"

	"rinca/internal/rinca"
)

// CreateKey makes an API key of a user and returns it, this once. A key never
// may more than its user, whatever its scope says. Codes: Invalid, NotFound,
// Conflict for a name that the user has given before.
func (s *Service) CreateKey(ctx context.Context, c Caller, k rinca.APIKey) (rinca.Secret, rinca.APIKey, error) {
	now := s.cfg.Now().UTC()
	if err := checkKey(k, now); err != nil {
		return rinca.Secret{}, k, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	u, err := s.cfg.DB.User(ctx, k.User)
	if err != nil {
		return rinca.Secret{}, k, err
	}
	if u.Disabled {
		return rinca.Secret{}, k, rinca.Errorf(rinca.Invalid, "the account of %s is disabled", u.Name).Try("rinca user enable %s", u.Name)
	}
	keys, err := s.cfg.DB.APIKeys(ctx, u.Name)
	if err != nil {
		return rinca.Secret{}, k, err
	}
	if len(keys) >= maxKeys {
		return rinca.Secret{}, k, rinca.Errorf(rinca.Conflict, "%s has %d API keys, the most there can be", u.Name, maxKeys).Try("rinca apikey list, and delete those that nobody uses")
	}
	if slices.ContainsFunc(keys, func(x rinca.APIKey) bool { return x.Name == k.Name }) {
		return rinca.Secret{}, k, rinca.Errorf(rinca.Conflict, "%s has an API key named %q", u.Name, k.Name).Try("another name, or first: rinca apikey delete %s", k.Name)
	}
	token := newToken(keyPrefix)
	k.ID, k.CreatedAt, k.LastUsed = newID(), now, time.Time{}
	k, err = s.cfg.DB.PutAPIKey(ctx, k, s.digest(token))
	if err != nil {
		return rinca.Secret{}, k, err
	}
	detail := k.Name + ", no bound"
	if k.Scope != nil {
		detail = k.Name + ", bound to " + describe(*k.Scope)
	}
	if err := s.audit(ctx, c, "apikey.create", userTarget(u.Name), k.ID+" "+detail); err != nil {
		_ = s.cfg.DB.DeleteAPIKey(context.WithoutCancel(ctx), k.ID)
		return rinca.Secret{}, k, err
	}
	return token, k, nil
}

func checkKey(k rinca.APIKey, now time.Time) error {
	switch {
	case k.Name == "" || len(k.Name) > 100 || line(k.Name, 100) != k.Name:
		return rinca.Errorf(rinca.Invalid, "the name of an API key is one line of 1 to 100 bytes").Try("what it is for, such as backup")
	case !k.ExpiresAt.IsZero() && !k.ExpiresAt.After(now):
		return rinca.Errorf(rinca.Invalid, "the API key would have expired already").Try("a time after %s", now.Format(time.RFC3339))
	case k.Scope != nil:
		return k.Scope.CheckScope()
	}
	return nil
}

// Keys lists the API keys of a user.
func (s *Service) Keys(ctx context.Context, user string) ([]rinca.APIKey, error) {
	if _, err := s.cfg.DB.User(ctx, user); err != nil {
		return nil, err
	}
	keys, err := s.cfg.DB.APIKeys(ctx, user)
	return append([]rinca.APIKey{}, keys...), err
}

// DeleteKey ends an API key of a user, by its id or name, at once.
func (s *Service) DeleteKey(ctx context.Context, c Caller, user, key string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	keys, err := s.cfg.DB.APIKeys(ctx, user)
	if err != nil {
		return err
	}
	i := slices.IndexFunc(keys, func(k rinca.APIKey) bool { return k.ID == key })
	if i < 0 {
		i = slices.IndexFunc(keys, func(k rinca.APIKey) bool { return k.Name == key })
	}
	if i < 0 {
		return rinca.Errorf(rinca.NotFound, "%s has no API key %q", user, line(key, 100)).Try("rinca apikey list")
	}
	if err := s.cfg.DB.DeleteAPIKey(ctx, keys[i].ID); err != nil {
		return err
	}
	s.invalidate()
	return s.audit(ctx, c, "apikey.delete", userTarget(user), keys[i].ID+" "+keys[i].Name)
}
