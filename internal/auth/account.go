package auth

import (
	"context"

	"rinca/internal/rinca"
	"rinca/internal/store"
)

// confirm checks the password, or the code, of somebody who is signed in, as
// limited as a login is.
func (s *Service) confirm(ctx context.Context, c Caller, action string, check func() error) error {
	a, err := s.attempt(c.Who.User.Name, true, c.Remote)
	if err != nil {
		return err
	}
	if err := check(); err != nil {
		a.failed(err)
		if rinca.CodeOf(err) == rinca.Unauthenticated {
			s.refused(ctx, rinca.AuditEntry{Actor: c.name(), Via: c.via(), Remote: c.Remote, Action: action, Target: userTarget(c.name()), Detail: line(err.Error(), 200)})
			// The session is good; what was typed is not.
			return rinca.Errorf(rinca.Invalid, "%w", err).Because(err)
		}
		return err
	}
	a.succeeded()
	return nil
}

// needSession refuses who did not sign in: a key cannot change what guards the
// account.
func needSession(c Caller) error {
	if c.Who == nil || c.Who.Session == nil {
		return rinca.Errorf(rinca.Forbidden, "this needs a session; an API key cannot do it").Try("rinca login")
	}
	return nil
}

// ChangePassword sets a new password of who is signed in, and ends all of
// their other sessions. API keys stay. Code Invalid when the old one is wrong
// or the new one cannot be used.
func (s *Service) ChangePassword(ctx context.Context, c Caller, old, password rinca.Secret) error {
	if err := needSession(c); err != nil {
		return err
	}
	u := c.Who.User
	creds, err := s.cfg.DB.Credentials(ctx, u.Name)
	if err != nil && rinca.CodeOf(err) != rinca.NotFound {
		return err
	}
	if !creds.PasswordHash.IsSet() {
		return rinca.Errorf(rinca.Invalid, "%s signs in with an identity provider and has no password here", u.Name).Try("change it there")
	}
	if err := s.confirm(ctx, c, "user.password", func() error {
		ok, err := s.hash.verify(ctx, creds.PasswordHash, old)
		if err == nil && !ok {
			err = rinca.Errorf(rinca.Unauthenticated, "the old password is wrong")
		}
		return err
	}); err != nil {
		return err
	}
	if password.Equal(old) {
		return rinca.Errorf(rinca.Invalid, "the new password is the old one").Try("another one")
	}
	return s.setPassword(ctx, c, u.Name, newPassword{password: password, was: creds.PasswordHash, keep: c.Who.Session.ID})
}

// newPassword says how a password is set.
type newPassword struct {
	password rinca.Secret
	was      rinca.Secret // the hash that must still be there; not set: any
	must     bool         // it has to be changed at the next login
	keep     string       // the session that goes on
}

// setPassword ends sessions before the password changes, so that none goes on
// if this is interrupted.
func (s *Service) setPassword(ctx context.Context, c Caller, user string, p newPassword) error {
	if err := CheckPassword(user, p.password); err != nil {
		return err
	}
	h, err := s.hash.hash(ctx, p.password)
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	u, err := s.cfg.DB.User(ctx, user)
	if err != nil {
		return err
	}
	creds, err := s.credentials(ctx, user)
	if err != nil {
		return err
	}
	if p.was.IsSet() && !creds.PasswordHash.Equal(p.was) {
		return rinca.Errorf(rinca.Conflict, "the password was changed meanwhile").Try("rinca login")
	}
	if err := s.endSessions(ctx, user, p.keep); err != nil {
		return err
	}
	// A password that was lost must not work for a moment after the flag that
	// asks for another one is there, nor the other way round.
	if p.must && !u.MustChange {
		u.MustChange = true
		if _, err := s.cfg.DB.PutUser(ctx, u, store.UpdateOnly); err != nil {
			return err
		}
	}
	creds.PasswordHash = h
	if err := s.cfg.DB.SetCredentials(ctx, user, creds); err != nil {
		return err
	}
	if !p.must && u.MustChange {
		u.MustChange = false
		if _, err := s.cfg.DB.PutUser(ctx, u, store.UpdateOnly); err != nil {
			return err
		}
	}
	s.invalidate()
	return s.audit(ctx, c, "user.password", userTarget(user), "")
}

// credentials reads a user's; none are empty ones.
func (s *Service) credentials(ctx context.Context, user string) (store.Credentials, error) {
	creds, err := s.cfg.DB.Credentials(ctx, user)
	if rinca.CodeOf(err) == rinca.NotFound {
		return store.Credentials{}, nil
	}
	return creds, err
}

// endSessions ends the sessions of a user, but for one. s.mu is held.
func (s *Service) endSessions(ctx context.Context, user, keep string) error {
	defer s.invalidate()
	if keep == "" {
		return s.cfg.DB.DeleteSessions(ctx, user)
	}
	sessions, err := s.cfg.DB.Sessions(ctx, user)
	if err != nil {
		return err
	}
	for _, x := range sessions {
		if x.ID == keep {
			continue
		}
		if err := s.cfg.DB.DeleteSession(ctx, x.ID); err != nil && rinca.CodeOf(err) != rinca.NotFound {
			return err
		}
	}
	return nil
}

// Logout ends the caller's session.
func (s *Service) Logout(ctx context.Context, c Caller) error {
	if err := needSession(c); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	err := s.cfg.DB.DeleteSession(ctx, c.Who.Session.ID)
	s.invalidate()
	if err != nil && rinca.CodeOf(err) != rinca.NotFound {
		return err
	}
	return s.audit(ctx, c, "logout", userTarget(c.name()), "")
}

// LogoutEverywhere ends all sessions of a user. API keys stay.
func (s *Service) LogoutEverywhere(ctx context.Context, c Caller, user string) error {
	if _, err := s.cfg.DB.User(ctx, user); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.endSessions(ctx, user, ""); err != nil {
		return err
	}
	return s.audit(ctx, c, "logout", userTarget(user), "everywhere")
}

// Sessions lists the sessions of a user that are not over.
func (s *Service) Sessions(ctx context.Context, user string) ([]rinca.Session, error) {
	sessions, err := s.cfg.DB.Sessions(ctx, user)
	if err != nil {
		return nil, err
	}
	now, out := s.cfg.Now(), []rinca.Session{}
	for _, x := range sessions {
		if now.Before(x.ExpiresAt) {
			out = append(out, x)
		}
	}
	return out, nil
}
