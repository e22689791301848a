package auth

import (
	"context"

	"rinca/internal/rinca"
	"rinca/internal/store"
)

// BeginTOTP makes the secret of a second factor, which counts once ConfirmTOTP
// is called with a code of it. Beginning again replaces it. Conflict when the
// user has one that counts.
func (s *Service) BeginTOTP(ctx context.Context, c Caller) (secret, uri rinca.Secret, err error) {
	if err := needSession(c); err != nil {
		return secret, uri, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	u, creds, err := s.own(ctx, c)
	if err != nil {
		return secret, uri, err
	}
	switch {
	case u.TOTP:
		return secret, uri, rinca.Errorf(rinca.Conflict, "the account has a second factor").Try("rinca totp disable")
	case !creds.PasswordHash.IsSet():
		return secret, uri, rinca.Errorf(rinca.Invalid, "%s signs in with an identity provider", u.Name).Try("set up the second factor there")
	}
	creds.TOTPSeed, creds.TOTPLast = newSeed(), 0
	if err := s.cfg.DB.SetCredentials(ctx, u.Name, creds); err != nil {
		return secret, uri, err
	}
	return creds.TOTPSeed, totpURI(u.Name, creds.TOTPSeed), nil
}

// own reads the caller's own record and credentials as they are now.
func (s *Service) own(ctx context.Context, c Caller) (rinca.User, store.Credentials, error) {
	u, err := s.cfg.DB.User(ctx, c.name())
	if err != nil {
		return u, store.Credentials{}, err
	}
	creds, err := s.credentials(ctx, u.Name)
	return u, creds, err
}

// ConfirmTOTP makes the second factor count, given a code of it. Code Invalid
// when the code is wrong.
func (s *Service) ConfirmTOTP(ctx context.Context, c Caller, code string) error {
	if err := needSession(c); err != nil {
		return err
	}
	u, creds, err := s.own(ctx, c)
	switch {
	case err != nil:
		return err
	case u.TOTP:
		return rinca.Errorf(rinca.Conflict, "the account has a second factor").Try("rinca totp disable")
	case !creds.TOTPSeed.IsSet():
		return rinca.Errorf(rinca.Invalid, "there is no second factor to confirm").Try("rinca totp enable")
	}
	if err := s.confirm(ctx, c, "user.totp", func() error { return s.useCode(ctx, u.Name, creds, code) }); err != nil {
		return err
	}
	return s.setTOTP(ctx, c, u.Name, creds.TOTPSeed)
}

// DropTOTP ends the second factor, given a code of it.
func (s *Service) DropTOTP(ctx context.Context, c Caller, code string) error {
	if err := needSession(c); err != nil {
		return err
	}
	u, creds, err := s.own(ctx, c)
	if err != nil {
		return err
	}
	if !u.TOTP {
		return rinca.Errorf(rinca.NotFound, "the account has no second factor").Try("rinca totp enable")
	}
	if err := s.confirm(ctx, c, "user.totp", func() error { return s.useCode(ctx, u.Name, creds, code) }); err != nil {
		return err
	}
	return s.setTOTP(ctx, c, u.Name, rinca.Secret{})
}

// ResetTOTP ends the second factor of somebody who lost it.
func (s *Service) ResetTOTP(ctx context.Context, c Caller, user string) error {
	u, err := s.cfg.DB.User(ctx, user)
	if err != nil {
		return err
	}
	if !u.TOTP {
		return rinca.Errorf(rinca.NotFound, "%s has no second factor", user)
	}
	return s.setTOTP(ctx, c, user, rinca.Secret{})
}

// setTOTP makes the seed that is stored count, or removes it.
func (s *Service) setTOTP(ctx context.Context, c Caller, user string, seed rinca.Secret) error {
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
	if seed.IsSet() && !creds.TOTPSeed.Equal(seed) {
		return rinca.Errorf(rinca.Conflict, "the second factor was begun anew meanwhile").Try("rinca totp enable")
	}
	u.TOTP = seed.IsSet()
	detail := "second factor on"
	if !u.TOTP {
		detail = "second factor off"
	}
	if _, err := s.cfg.DB.PutUser(ctx, u, store.UpdateOnly); err != nil {
		return err
	}
	if !u.TOTP {
		creds.TOTPSeed, creds.TOTPLast = rinca.Secret{}, 0
		if err := s.cfg.DB.SetCredentials(ctx, user, creds); err != nil {
			return err
		}
	}
	return s.audit(ctx, c, "user.totp", userTarget(user), detail)
}
