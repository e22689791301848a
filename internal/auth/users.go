package auth

import (
	"context"
	"strings"

	"rinca/internal/rinca"
	"rinca/internal/store"
)

// CreateUser makes a user. Without a password one is made that works for the
// first login only, and is returned; service users and those of an identity
// provider have none. Codes: Invalid, Conflict.
func (s *Service) CreateUser(ctx context.Context, c Caller, u rinca.User, password rinca.Secret) (rinca.User, rinca.Secret, error) {
	fail := func(err error) (rinca.User, rinca.Secret, error) { return u, rinca.Secret{}, err }
	if err := checkUser(u); err != nil {
		return fail(err)
	}
	var oneTime rinca.Secret
	var creds store.Credentials
	switch {
	case u.Service || u.Subject != "":
		if password.IsSet() {
			return fail(rinca.Errorf(rinca.Invalid, "service users, and those of an identity provider, have no password"))
		}
		u.MustChange = false
	case !password.IsSet():
		oneTime, u.MustChange = oneTimePassword(), true
		password = oneTime
	default:
		if err := CheckPassword(u.Name, password); err != nil {
			return fail(err)
		}
	}
	if password.IsSet() {
		var err error
		if creds.PasswordHash, err = s.hash.hash(ctx, password); err != nil {
			return fail(err)
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	u, err := s.addUser(ctx, c, u, creds)
	if err != nil {
		return fail(err)
	}
	return u, oneTime, nil
}

// addUser stores a new user. s.mu is held.
func (s *Service) addUser(ctx context.Context, c Caller, u rinca.User, creds store.Credentials) (rinca.User, error) {
	users, err := s.cfg.DB.Users(ctx)
	if err != nil {
		return u, err
	}
	if len(users) >= maxUsers {
		return u, rinca.Errorf(rinca.Conflict, "there are %d users, the most there can be", maxUsers)
	}
	u.CreatedAt, u.TOTP = s.cfg.Now().UTC(), false
	if u, err = s.cfg.DB.PutUser(ctx, u, store.CreateOnly); err != nil {
		return u, err
	}
	if creds.PasswordHash.IsSet() {
		if err := s.cfg.DB.SetCredentials(ctx, u.Name, creds); err != nil {
			_ = s.cfg.DB.DeleteUser(context.WithoutCancel(ctx), u.Name)
			return u, err
		}
	}
	s.invalidate()
	return u, s.audit(ctx, c, "user.create", userTarget(u.Name), describeUser(u))
}

func checkUser(u rinca.User) error {
	switch {
	case !rinca.ValidUserName(u.Name):
		return rinca.Errorf(rinca.Invalid, "%q cannot be the name of a user", line(u.Name, 60)).Try("letters, digits and . _ @ + -, 128 at most, a letter or digit first")
	case reserved(u.Name):
		return rinca.Errorf(rinca.Invalid, "%q stands for something else in the audit log and in updates", u.Name).Try("another name")
	case u.Service && u.Subject != "":
		return rinca.Errorf(rinca.Invalid, "a service user does not sign in with an identity provider")
	case len(u.Subject) > 1000 || line(u.Subject, 1000) != u.Subject:
		return rinca.Errorf(rinca.Invalid, "the identity is one line of at most 1000 bytes").Try("the issuer, a blank, and the subject")
	}
	return u.Check()
}

// reserved reports whether a name is that of who acts when nobody does: what
// they asked for must not look as a user's own.
func reserved(name string) bool {
	for _, other := range []string{"system", "unknown", "webhook", "schedule", "watch"} {
		if strings.EqualFold(name, other) {
			return true
		}
	}
	return false
}

func describeUser(u rinca.User) string {
	var parts []string
	for _, p := range []struct {
		is   bool
		text string
	}{{u.Admin, "administrator"}, {u.Service, "service"}, {u.Disabled, "disabled"}, {u.Subject != "", "identity " + u.Subject}} {
		if p.is {
			parts = append(parts, p.text)
		}
	}
	if d := describe(u.Rights); d != "" {
		parts = append(parts, d)
	}
	return strings.Join(parts, "; ")
}

// User returns a user.
func (s *Service) User(ctx context.Context, name string) (rinca.User, error) {
	return s.cfg.DB.User(ctx, name)
}

// Users lists the users.
func (s *Service) Users(ctx context.Context) ([]rinca.User, error) {
	users, err := s.cfg.DB.Users(ctx)
	return append([]rinca.User{}, users...), err
}

// UpdateUser replaces what an administrator decides of a user: Admin,
// Disabled, Service, MustChange, Subject and Rights. Sessions of a user who is
// disabled end; a service, or another identity, ends the password too.
// Conflict when it would leave nobody to administer.
func (s *Service) UpdateUser(ctx context.Context, c Caller, u rinca.User) (rinca.User, error) {
	if err := checkUser(u); err != nil {
		return u, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	before, err := s.cfg.DB.User(ctx, u.Name)
	if err != nil {
		return u, err
	}
	next := before
	next.Admin, next.Disabled, next.Service, next.MustChange, next.Subject, next.Rights = u.Admin, u.Disabled, u.Service, u.MustChange, u.Subject, u.Rights
	linked := next.Subject != before.Subject
	if linked {
		next.Claims = nil
	}
	if next.Subject != "" || next.Service { // no password, so none to change
		next.MustChange, next.TOTP = false, false
	}
	next, err = s.cfg.DB.PutUser(ctx, next, store.UpdateOnly)
	if err != nil {
		return u, err
	}
	s.invalidate()
	// After the change: what starts meanwhile is refused by it.
	if next.Disabled || next.Service || linked {
		if err := s.endSessions(ctx, next.Name, ""); err != nil {
			return next, err
		}
	}
	if next.Service || linked {
		if err := s.cfg.DB.SetCredentials(ctx, next.Name, store.Credentials{}); err != nil {
			return next, err
		}
	}
	return next, s.audit(ctx, c, "user.update", userTarget(next.Name), describeUser(next))
}

// administers reports whether somebody can sign in and administer.
func administers(u rinca.User) bool { return u.Admin && !u.Disabled && !u.Service }

// DeleteUser deletes a user with their sessions and keys, and takes them out
// of every group. Conflict for the last administrator.
func (s *Service) DeleteUser(ctx context.Context, c Caller, name string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.cfg.DB.DeleteUser(ctx, name); err != nil {
		return err
	}
	s.invalidate()
	return s.audit(ctx, c, "user.delete", userTarget(name), "")
}

// ResetPassword sets the password of a user, or makes one that is returned,
// and ends their sessions. It has to be changed at the next login.
func (s *Service) ResetPassword(ctx context.Context, c Caller, user string, password rinca.Secret) (oneTime rinca.Secret, err error) {
	u, err := s.cfg.DB.User(ctx, user)
	if err != nil {
		return oneTime, err
	}
	if u.Service || u.Subject != "" {
		return oneTime, rinca.Errorf(rinca.Invalid, "%s is a service user, or one of an identity provider, and has no password", user).Try("rinca apikey create NAME, for a service")
	}
	if !password.IsSet() {
		oneTime = oneTimePassword()
		password = oneTime
	}
	if err := s.setPassword(ctx, c, user, newPassword{password: password, must: true}); err != nil {
		return rinca.Secret{}, err
	}
	s.users.clear(user)
	return oneTime, nil
}

// Recover lets somebody in who owns the machine: the user becomes an enabled
// administrator without a second factor, with a password for one login. It
// makes the user if there is none. Sessions end.
func (s *Service) Recover(ctx context.Context, name string) (oneTime rinca.Secret, err error) {
	u, err := s.cfg.DB.User(ctx, name)
	if rinca.CodeOf(err) == rinca.NotFound {
		_, oneTime, err = s.CreateUser(ctx, Caller{}, rinca.User{Name: name, Admin: true}, rinca.Secret{})
		return oneTime, err
	}
	if err != nil {
		return oneTime, err
	}
	u.Admin, u.Disabled, u.Service, u.Subject = true, false, false, ""
	if _, err := s.UpdateUser(ctx, Caller{}, u); err != nil {
		return oneTime, err
	}
	if u.TOTP {
		if err := s.ResetTOTP(ctx, Caller{}, name); err != nil {
			return oneTime, err
		}
	}
	return s.ResetPassword(ctx, Caller{}, name, rinca.Secret{})
}

// Bootstrap makes the first administrator, if there is nobody yet: named user
// ("" means admin), with a password, or with one for the first login that is
// returned. A start that was interrupted before is finished.
func (s *Service) Bootstrap(ctx context.Context, user string, password rinca.Secret) (name string, oneTime rinca.Secret, created bool, err error) {
	if user == "" {
		user = "admin"
	}
	users, err := s.cfg.DB.Users(ctx)
	if err != nil {
		return "", oneTime, false, err
	}
	if len(users) > 1 {
		return "", oneTime, false, nil
	}
	if password.IsSet() {
		if err := CheckPassword(user, password); err != nil {
			return "", oneTime, false, rinca.Errorf(rinca.Invalid, "make the first administrator: %w", err).Because(err)
		}
	}
	if len(users) == 1 {
		u := users[0]
		creds, err := s.credentials(ctx, u.Name)
		if err != nil || !administers(u) || u.Subject != "" || !u.LastLogin.IsZero() || creds.PasswordHash.IsSet() {
			return "", oneTime, false, err
		}
		if !password.IsSet() {
			oneTime = oneTimePassword()
			password = oneTime
		}
		err = s.setPassword(ctx, Caller{}, u.Name, newPassword{password: password, must: oneTime.IsSet()})
		return u.Name, oneTime, err == nil, err
	}
	_, oneTime, err = s.CreateUser(ctx, Caller{}, rinca.User{Name: user, Admin: true}, password)
	return user, oneTime, err == nil, err
}
