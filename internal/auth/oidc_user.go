package auth

import (
	"context"
	"crypto/subtle"
	"slices"
	"strings"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"

	"rinca/internal/rinca"
	"rinca/internal/store"
)

// An external is somebody as the identity provider describes them.
type external struct {
	subject string
	name    string
	groups  []string
}

// oidcUser fetches and checks the token of a login and returns its user, who
// is made if need be. When the login is refused for a known user, that user is
// returned beside the error.
func (s *Service) oidcUser(ctx context.Context, p *provider, r LoginReturn) (rinca.User, error) {
	who, err := s.fetchIdentity(ctx, p, r)
	if err != nil {
		s.cfg.Log.Warn("login at the identity provider", "err", err)
		return rinca.User{}, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	users, err := s.cfg.DB.Users(ctx)
	if err != nil {
		return rinca.User{}, err
	}
	i := slices.IndexFunc(users, func(u rinca.User) bool { return u.Subject == who.subject })
	if i < 0 {
		return s.newExternal(ctx, p, who)
	}
	if users[i].Disabled {
		return users[i], rinca.Errorf(rinca.Forbidden, "the account is disabled").Try("ask an administrator: rinca user enable %s", users[i].Name)
	}
	return s.refreshExternal(ctx, p, users[i], who)
}

// fetchIdentity exchanges the provider's code for an ID token and reads it.
func (s *Service) fetchIdentity(ctx context.Context, p *provider, r LoginReturn) (external, error) {
	ctx = oidc.ClientContext(ctx, p.HTTP)
	found, conf, err := p.discover(ctx)
	if err != nil {
		return external{}, err
	}
	cookie := r.Cookie.Reveal()
	token, err := conf.Exchange(ctx, r.Code, oauth2.VerifierOption(s.derive("verifier", cookie)))
	if err != nil {
		return external{}, rinca.Errorf(rinca.Unauthenticated, "the identity provider does not take its code back (%s)", oauthCause(err)).Because(err).
			Try("check the client id, the client secret and the redirect URL on both sides")
	}
	raw, _ := token.Extra("id_token").(string)
	id, err := found.VerifierContext(ctx, &oidc.Config{ClientID: p.ClientID, Now: p.now}).Verify(ctx, raw)
	if err != nil {
		return external{}, rinca.Errorf(rinca.Unauthenticated, "the identity provider's token does not hold").Because(err).Try("check the issuer and the client id, and the clocks of both machines")
	}
	if subtle.ConstantTimeCompare([]byte(id.Nonce), []byte(s.derive("nonce", cookie))) != 1 {
		return external{}, rinca.Errorf(rinca.Unauthenticated, "the identity provider's token is of another login").Try("begin again: rinca login --oidc")
	}
	claims := map[string]any{}
	if err := id.Claims(&claims); err != nil {
		return external{}, rinca.Errorf(rinca.Unauthenticated, "the identity provider's token cannot be read").Because(err)
	}
	name, groups := lookup(claims, p.NameClaim), lookup(claims, p.GroupsClaim)
	if (name == nil || groups == nil) && found.UserInfoEndpoint() != "" {
		// Some providers keep the token small.
		info, err := found.UserInfo(ctx, oauth2.StaticTokenSource(token))
		more := map[string]any{}
		if err == nil && info.Subject == id.Subject && info.Claims(&more) == nil {
			for k, v := range more {
				if _, ok := claims[k]; !ok {
					claims[k] = v
				}
			}
			name, groups = lookup(claims, p.NameClaim), lookup(claims, p.GroupsClaim)
		}
	}
	who := external{subject: id.Issuer + " " + id.Subject, groups: texts(groups)}
	who.name, _ = name.(string)
	if verified, ok := claims["email_verified"]; p.NameClaim == "email" && ok && verified != true && verified != "true" {
		return external{}, rinca.Errorf(rinca.Forbidden, "the identity provider has not verified the mail address")
	}
	return who, nil
}

// lookup finds a claim by its name, or by a path with dots into objects.
func lookup(claims map[string]any, name string) any {
	if v, ok := claims[name]; ok {
		return v
	}
	head, rest, ok := strings.Cut(name, ".")
	if inner, is := claims[head].(map[string]any); ok && is {
		return lookup(inner, rest)
	}
	return nil
}

// maxClaims bounds the groups that are kept of one user.
const maxClaims = 1000

// texts reads a list of texts, or one.
func texts(v any) []string {
	var out []string
	switch v := v.(type) {
	case string:
		out = append(out, v)
	case []any:
		for _, x := range v {
			if s, ok := x.(string); ok {
				out = append(out, s)
			}
		}
	}
	out = slices.DeleteFunc(out, func(s string) bool { return s == "" || len(s) > 300 })
	slices.Sort(out)
	out = slices.Compact(out)
	return out[:min(len(out), maxClaims)]
}

// newExternal makes a user at their first login. s.mu is held. Somebody who
// is here already is never taken over by somebody there who has the same name.
func (s *Service) newExternal(ctx context.Context, p *provider, who external) (rinca.User, error) {
	if !p.Create {
		return rinca.User{}, rinca.Errorf(rinca.Forbidden, "nobody here has the identity %q", line(who.subject, 200)).
			Try("ask an administrator: rinca user create NAME --identity %q", line(who.subject, 200))
	}
	u := rinca.User{Name: who.name, Subject: who.subject, Claims: who.groups, Admin: intersects(who.groups, p.AdminClaims)}
	if err := checkUser(u); err != nil {
		return rinca.User{}, rinca.Errorf(rinca.Forbidden, "the identity provider's claim %s cannot be the name of a user here", p.NameClaim).Because(err).
			Try("choose another claim for names in the configuration, or: rinca user create NAME --identity %q", line(who.subject, 200))
	}
	created, err := s.addUser(ctx, Caller{}, u, store.Credentials{})
	if rinca.CodeOf(err) == rinca.Conflict {
		return rinca.User{}, rinca.Errorf(rinca.Forbidden, "%s is a user here already, who does not sign in with the identity provider", u.Name).Because(err).
			Try("an administrator can connect them: rinca user update %s --identity %q", u.Name, line(who.subject, 200))
	}
	return created, err
}

// refreshExternal notes what groups a user has now. s.mu is held.
func (s *Service) refreshExternal(ctx context.Context, p *provider, u rinca.User, who external) (rinca.User, error) {
	next := u
	next.Claims = who.groups
	if len(p.AdminClaims) > 0 {
		next.Admin = intersects(who.groups, p.AdminClaims)
	}
	if next.Admin == u.Admin && slices.Equal(next.Claims, u.Claims) {
		return u, nil
	}
	stored, err := s.cfg.DB.PutUser(ctx, next, store.UpdateOnly)
	if rinca.CodeOf(err) == rinca.Conflict && u.Admin {
		s.cfg.Log.Warn("the last administrator stays one, though the identity provider says otherwise", "user", u.Name)
		next.Admin = true
		stored, err = s.cfg.DB.PutUser(ctx, next, store.UpdateOnly)
	}
	if err != nil {
		return u, err
	}
	next = stored
	s.invalidate()
	detail := "the identity provider says: " + strings.Join(difference(u.Claims, next.Claims), ", ")
	if next.Admin != u.Admin {
		detail = describeUser(next) + "; " + detail
	}
	return next, s.audit(ctx, Caller{}, "user.update", userTarget(u.Name), detail)
}

func intersects(a, b []string) bool {
	return slices.ContainsFunc(a, func(s string) bool { return slices.Contains(b, s) })
}
