package auth

import (
	"context"
	"errors"
	"slices"
	"time"

	"rinca/internal/rinca"
	"rinca/internal/store"
)

// A LoginRequest is what somebody signs in with.
type LoginRequest struct {
	User     string
	Password rinca.Secret
	TOTP     string // the code of the second factor; "" when it is not known yet
	Remote   string // the client's address
	Agent    string // the client's own name for itself
}

var errTOTPNeeded = errors.New("a code is needed")

// NeedsTOTP reports whether a login failed for want of a code alone: the
// password was right.
func NeedsTOTP(err error) bool { return errors.Is(err, errTOTPNeeded) }

// wrongLogin is one error for a user who does not exist and a password that is
// wrong.
func wrongLogin() error {
	return rinca.Errorf(rinca.Unauthenticated, "the user name or the password is wrong").Try("rinca login; who lost the password: rinca user password NAME, by an administrator")
}

// Login checks a password, and a code if the user has a second factor, and
// starts a session. Codes: Unauthenticated (see NeedsTOTP), Forbidden for an
// account that is disabled, RateLimited for too many failures. A session whose
// ChangeOnly is set may only set a new password.
func (s *Service) Login(ctx context.Context, r LoginRequest) (rinca.Secret, rinca.Session, error) {
	u, err := s.cfg.DB.User(ctx, r.User)
	exists := err == nil
	if err != nil && rinca.CodeOf(err) != rinca.NotFound && rinca.CodeOf(err) != rinca.Invalid {
		return rinca.Secret{}, rinca.Session{}, err
	}
	a, err := s.attempt(r.User, exists, r.Remote)
	if err != nil {
		return rinca.Secret{}, rinca.Session{}, err
	}
	creds, err := s.checkPassword(ctx, u, exists, r.Password)
	if err == nil {
		err = s.checkLogin(ctx, u, creds, r.TOTP)
	}
	if err != nil {
		a.failed(err)
		if !NeedsTOTP(err) && rinca.CodeOf(err) != rinca.RateLimited && rinca.CodeOf(err) != rinca.Canceled {
			actor, target := "unknown", ""
			if exists { // else it may be a password that was typed as a name
				actor, target = u.Name, userTarget(u.Name)
			}
			s.refused(ctx, rinca.AuditEntry{Actor: actor, Remote: r.Remote, Action: "login", Target: target, Detail: line(err.Error(), 200)})
		}
		return rinca.Secret{}, rinca.Session{}, err
	}
	token, session, err := s.startSession(ctx, u, &creds, sessionRequest{s.cfg.SessionLife, r.Remote, r.Agent, "password"})
	if err != nil {
		a.failed(err)
		return rinca.Secret{}, rinca.Session{}, err
	}
	a.succeeded()
	s.rehash(ctx, u.Name, creds, r.Password)
	return token, session, nil
}

// checkPassword returns the credentials of a user whose password it is.
func (s *Service) checkPassword(ctx context.Context, u rinca.User, exists bool, password rinca.Secret) (store.Credentials, error) {
	var creds store.Credentials
	if exists && !u.Service {
		var err error
		if creds, err = s.cfg.DB.Credentials(ctx, u.Name); err != nil && rinca.CodeOf(err) != rinca.NotFound {
			return creds, err
		}
	}
	ok, err := s.hash.verify(ctx, creds.PasswordHash, password)
	if err != nil {
		return creds, err
	}
	if !ok {
		return creds, wrongLogin()
	}
	return creds, nil
}

// checkLogin checks what comes after the password.
func (s *Service) checkLogin(ctx context.Context, u rinca.User, creds store.Credentials, code string) error {
	switch {
	case u.Disabled:
		return rinca.Errorf(rinca.Forbidden, "the account is disabled").Try("ask an administrator: rinca user enable %s", u.Name)
	case !u.TOTP:
		return nil
	case code == "":
		return rinca.Errorf(rinca.Unauthenticated, "a code of your authenticator is needed").Because(errTOTPNeeded).Try("the six digits that it shows now")
	}
	return s.useCode(ctx, u.Name, creds, code)
}

// useCode checks a code of the second factor, and that it was not used before.
func (s *Service) useCode(ctx context.Context, user string, creds store.Credentials, code string) error {
	wrong := rinca.Errorf(rinca.Unauthenticated, "the code is wrong, too old, or was used before").Try("wait for the next one; if none is right, check the clocks of both machines")
	step, ok := matchTOTP(creds.TOTPSeed, code, s.cfg.Now(), creds.TOTPLast)
	if !ok {
		return wrong
	}
	if ok, err := s.cfg.DB.UseTOTP(ctx, user, step); err != nil {
		return err
	} else if !ok {
		return wrong
	}
	return nil
}

// An attempt is a guess that counts as failed until it succeeded.
type attempt struct {
	s                *Service
	users            *limiter
	user, name, from string
}

// attempt asks the limiters whether a guess is heard.
func (s *Service) attempt(user string, exists bool, remote string) (*attempt, error) {
	now := s.cfg.Now()
	a := &attempt{s: s, user: user, name: user, from: network(remote), users: &s.users}
	switch {
	case !exists:
		a.users = &s.strangers
		if !rinca.ValidUserName(user) {
			a.name = ""
		}
	case s.opens.has(user, a.from, now):
		// Counted apart: who guesses elsewhere cannot lock this user out here.
		a.name += " " + a.from
	}
	wait := s.networks.attempt(a.from, now)
	if wait == 0 {
		if wait = a.users.attempt(a.name, now); wait > 0 {
			s.networks.refund(a.from)
		}
	}
	if wait > 0 {
		seconds := max(1, int((wait+time.Second-1)/time.Second))
		return nil, rinca.Errorf(rinca.RateLimited, "too many failed attempts").Try("again in %d s", seconds)
	}
	return a, nil
}

// failed keeps the guess as a failure, unless it was none: the server's fault,
// or only half an attempt.
func (a *attempt) failed(err error) {
	if code := rinca.CodeOf(err); code == rinca.Unauthenticated && !NeedsTOTP(err) || code == rinca.Forbidden {
		return
	}
	a.s.networks.refund(a.from)
	a.users.refund(a.name)
}

// succeeded forgets the failures of the user. Those of the network stay: its
// other failures may be guesses at other users.
func (a *attempt) succeeded() {
	a.s.networks.refund(a.from)
	a.users.clear(a.name)
	a.s.opens.add(a.user, a.from, a.s.cfg.Now())
}

// A sessionRequest says what session to start.
type sessionRequest struct {
	life          time.Duration
	remote, agent string
	with          string // "password", or "identity provider"
}

// startSession starts a session of a user, if that user is still as they were
// when they were checked; with creds, if those are still theirs.
func (s *Service) startSession(ctx context.Context, u rinca.User, creds *store.Credentials, r sessionRequest) (rinca.Secret, rinca.Session, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	fail := func(err error) (rinca.Secret, rinca.Session, error) { return rinca.Secret{}, rinca.Session{}, err }
	now, err := s.cfg.DB.User(ctx, u.Name)
	if err != nil || now.Disabled || now.TOTP != u.TOTP {
		return fail(wrongLogin())
	}
	if creds != nil {
		c, err := s.cfg.DB.Credentials(ctx, u.Name)
		if err != nil {
			return fail(err)
		}
		if !c.PasswordHash.Equal(creds.PasswordHash) || now.Service {
			return fail(wrongLogin())
		}
	}
	if err := s.makeRoom(ctx, u.Name); err != nil {
		return fail(err)
	}
	at := s.cfg.Now().UTC()
	token := newToken(sessionPrefix)
	session, err := s.cfg.DB.PutSession(ctx, rinca.Session{
		ID: newID(), User: u.Name, CreatedAt: at, ExpiresAt: at.Add(r.life), LastUsed: at, Agent: line(r.agent, 200),
	}, s.digest(token))
	if err != nil {
		return fail(err)
	}
	who := Caller{Who: &rinca.Identity{User: now, Session: &session}, Remote: r.remote}
	if err := s.audit(ctx, who, "login", userTarget(u.Name), "with "+r.with); err != nil {
		_ = s.cfg.DB.DeleteSession(context.WithoutCancel(ctx), session.ID)
		return fail(err)
	}
	if err := s.cfg.DB.TouchLogin(ctx, u.Name, at); err != nil {
		s.cfg.Log.Warn("note the last login", "user", u.Name, "err", err)
	}
	session.ChangeOnly = now.MustChange
	return token, session, nil
}

// makeRoom ends the oldest sessions of a user who has too many.
func (s *Service) makeRoom(ctx context.Context, user string) error {
	sessions, err := s.cfg.DB.Sessions(ctx, user)
	if err != nil || len(sessions) < maxSessions {
		return err
	}
	slices.SortFunc(sessions, func(a, b rinca.Session) int { return a.CreatedAt.Compare(b.CreatedAt) })
	for _, old := range sessions[:len(sessions)-maxSessions+1] {
		if err := s.cfg.DB.DeleteSession(ctx, old.ID); err != nil && rinca.CodeOf(err) != rinca.NotFound {
			return err
		}
	}
	return nil
}

// rehash stores a password anew when its hash was made with less than today's
// cost. It may fail; the next login tries again.
func (s *Service) rehash(ctx context.Context, user string, creds store.Credentials, password rinca.Secret) {
	if !outdated(creds.PasswordHash) {
		return
	}
	better, err := s.hash.hash(ctx, password)
	if err != nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	now, err := s.cfg.DB.Credentials(ctx, user)
	if err != nil || !now.PasswordHash.Equal(creds.PasswordHash) {
		return
	}
	now.PasswordHash = better
	if err := s.cfg.DB.SetCredentials(ctx, user, now); err != nil {
		s.cfg.Log.Warn("hash a password anew", "user", user, "err", err)
	}
}
