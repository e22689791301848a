package auth

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"strings"

	"rinca/internal/rinca"
)

// Exchange makes a session of the code of a login at the provider, for who
// knows the text whose digest began it. A code counts once.
func (s *Service) Exchange(ctx context.Context, r ExchangeRequest) (rinca.Secret, rinca.Session, error) {
	p, err := s.provider()
	if err != nil {
		return rinca.Secret{}, rinca.Session{}, err
	}
	from := network(r.Remote)
	if wait := s.networks.attempt(from, p.now()); wait > 0 {
		return rinca.Secret{}, rinca.Session{}, rinca.Errorf(rinca.RateLimited, "too many failed attempts").Try("again in a minute")
	}
	code := strings.ToLower(strings.TrimSpace(r.Code))
	p.mu.Lock()
	e, ok := p.ready[code]
	delete(p.ready, code)
	p.mu.Unlock()
	sum := sha256.Sum256([]byte(r.Verifier.Reveal()))
	if !ok || !p.now().Before(e.until) || subtle.ConstantTimeCompare([]byte(base64.RawURLEncoding.EncodeToString(sum[:])), []byte(e.challenge)) != 1 {
		return rinca.Secret{}, rinca.Session{}, rinca.Errorf(rinca.Unauthenticated, "the code is wrong, was used, or is older than 2 minutes").Try("rinca login --oidc")
	}
	s.networks.refund(from)
	return s.startSession(ctx, e.user, nil, sessionRequest{min(oidcSessionLife, s.cfg.SessionLife), r.Remote, r.Agent, "the identity provider"})
}

// An ExchangeRequest fetches the session of a login at the provider.
type ExchangeRequest struct {
	Code          string
	Verifier      rinca.Secret // the text whose digest was LoginURL's challenge
	Remote, Agent string
}
