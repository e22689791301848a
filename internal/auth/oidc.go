package auth

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"

	"rinca/internal/rinca"
)

// OIDCConfig is the client of an OpenID Connect provider.
type OIDCConfig struct {
	Issuer       string       // its URL, as in its discovery document
	ClientID     string       // what it calls us
	ClientSecret rinca.Secret // not set for a public client
	// RedirectURL is where it sends browsers back to: the address of this
	// server, and /v1/oidc/callback.
	RedirectURL string
	// Scopes beside openid; none means profile and email, and groups where the
	// provider has it: some refuse a login that asks for what they do not know.
	Scopes []string
	// NameClaim is the claim that new users are named after; "" means
	// preferred_username. GroupsClaim lists a user's groups, with dots into
	// objects (realm_access.roles); "" means groups.
	NameClaim, GroupsClaim string
	// Create makes a user at the first login of somebody unknown.
	Create bool
	// AdminClaims are groups whose members are administrators, and nobody else
	// who comes from the provider. None: administrators are made by hand.
	AdminClaims []string
	// HTTP is the client to use; nil means one with timeouts.
	HTTP *http.Client
}

// Check reports what cannot work in the configuration. Code Usage.
func (c OIDCConfig) Check() error {
	for name, text := range map[string]string{"the issuer": c.Issuer, "the redirect URL": c.RedirectURL} {
		u, err := url.Parse(text)
		if err != nil || u.Host == "" || u.User != nil || u.Scheme != "https" && !(u.Scheme == "http" && loopback(u.Hostname())) {
			return rinca.Errorf(rinca.Usage, "%s of the identity provider is no https:// address", name).Try("https://id.example.com; http:// works for this machine alone")
		}
	}
	if c.ClientID == "" {
		return rinca.Errorf(rinca.Usage, "the client id for the identity provider is missing").Try("register Rinca there, with the redirect URL %s", c.RedirectURL)
	}
	return nil
}

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// Times that a login at the provider may take: there, and from its end until
// the command line or the page has fetched the session.
const (
	oidcLogin    = 10 * time.Minute
	oidcExchange = 2 * time.Minute
	maxExchanges = 1000
	maxDocument  = 1 << 20 // of the provider
)

// A provider is the identity provider. Its discovery document is read at the
// first login, so that a server starts without it.
type provider struct {
	OIDCConfig
	now func() time.Time

	mu    sync.Mutex
	found *oidc.Provider
	ready map[string]exchange // logins to be fetched, by their code
}

// An exchange is a login that was successful and is not yet a session.
type exchange struct {
	user      rinca.User
	challenge string
	until     time.Time
}

func newProvider(c OIDCConfig, now func() time.Time) *provider {
	if c.HTTP == nil {
		c.HTTP = &http.Client{}
	}
	client := *c.HTTP
	if client.Timeout == 0 {
		client.Timeout = 15 * time.Second
	}
	if client.Transport == nil {
		client.Transport = http.DefaultTransport
	}
	client.Transport = bounded{client.Transport}
	client.CheckRedirect = func(req *http.Request, via []*http.Request) error {
		if len(via) > 5 || via[0].Method != http.MethodGet || req.URL.Scheme != via[0].URL.Scheme {
			return http.ErrUseLastResponse // a redirect could carry the client's secret elsewhere
		}
		return nil
	}
	c.HTTP = &client
	if c.NameClaim == "" {
		c.NameClaim = "preferred_username"
	}
	if c.GroupsClaim == "" {
		c.GroupsClaim = "groups"
	}
	return &provider{OIDCConfig: c, now: now, ready: map[string]exchange{}}
}

// bounded cuts what a provider answers.
type bounded struct{ http.RoundTripper }

func (b bounded) RoundTrip(r *http.Request) (*http.Response, error) {
	resp, err := b.RoundTripper.RoundTrip(r)
	if err == nil {
		resp.Body = struct {
			io.Reader
			io.Closer
		}{io.LimitReader(resp.Body, maxDocument), resp.Body}
	}
	return resp, err
}

// discover returns the provider, asking for its document once.
func (p *provider) discover(ctx context.Context) (*oidc.Provider, *oauth2.Config, error) {
	p.mu.Lock()
	found := p.found
	p.mu.Unlock()
	if found == nil {
		var err error
		found, err = oidc.NewProvider(ctx, p.Issuer)
		if err != nil {
			return nil, nil, rinca.Errorf(rinca.Unavailable, "the identity provider %s does not answer as one", p.Issuer).Because(err).
				Try("curl %s/.well-known/openid-configuration", strings.TrimSuffix(p.Issuer, "/"))
		}
		p.mu.Lock()
		p.found = found
		p.mu.Unlock()
	}
	return found, &oauth2.Config{
		ClientID: p.ClientID, ClientSecret: p.ClientSecret.Reveal(), Endpoint: found.Endpoint(),
		RedirectURL: p.RedirectURL, Scopes: append([]string{oidc.ScopeOpenID}, p.scopes(found)...),
	}, nil
}

func (p *provider) scopes(found *oidc.Provider) []string {
	if len(p.Scopes) > 0 {
		return p.Scopes
	}
	usual := []string{"profile", "email"}
	var document struct {
		Scopes []string `json:"scopes_supported"`
	}
	if found.Claims(&document) == nil && slices.Contains(document.Scopes, "groups") {
		usual = append(usual, "groups")
	}
	return usual
}

// HasOIDC reports whether there is an identity provider.
func (s *Service) HasOIDC() bool { return s.oidc != nil }

func (s *Service) provider() (*provider, error) {
	if s.oidc == nil {
		return nil, rinca.Errorf(rinca.NotFound, "no identity provider is configured").Try("rinca login, with a user name and a password")
	}
	return s.oidc, nil
}

// A LoginStart is where a browser goes to sign in at the provider. Cookie is
// what the browser must bring back to Callback; it holds nothing that helps
// anybody else.
type LoginStart struct {
	URL    string
	Cookie rinca.Secret
	Life   time.Duration // of the cookie
}

// LoginURL begins a login at the identity provider. challenge is the SHA-256
// digest, as base64url, of a random text that whoever begins keeps, and gives
// to Exchange; so nobody else gets the session. back is a path of this
// server's pages that the browser goes to in the end; "" shows the code.
func (s *Service) LoginURL(ctx context.Context, challenge, back string) (LoginStart, error) {
	p, err := s.provider()
	if err != nil {
		return LoginStart{}, err
	}
	if sum, err := base64.RawURLEncoding.Strict().DecodeString(challenge); err != nil || len(sum) != sha256.Size {
		return LoginStart{}, rinca.Errorf(rinca.Invalid, "the challenge is not the SHA-256 digest of a text as base64url").Try("rinca login --oidc")
	}
	if back != "" && !localPath(back) {
		return LoginStart{}, rinca.Errorf(rinca.Invalid, "the page to go back to is no path of this server").Try("/stacks")
	}
	_, conf, err := p.discover(oidc.ClientContext(ctx, p.HTTP))
	if err != nil {
		return LoginStart{}, err
	}
	cookie := strings.Join([]string{rand.Text(), strconv.FormatInt(p.now().Unix(), 10), challenge, base64.RawURLEncoding.EncodeToString([]byte(back))}, ".")
	return LoginStart{
		URL: conf.AuthCodeURL(s.derive("state", cookie), oidc.Nonce(s.derive("nonce", cookie)), oauth2.S256ChallengeOption(s.derive("verifier", cookie))),
		// The state, the nonce and the verifier follow from the cookie and a
		// key of ours: nothing is kept here that a flood of logins could fill.
		Cookie: rinca.NewSecret(cookie), Life: oidcLogin,
	}, nil
}

func (s *Service) derive(what, cookie string) string {
	sum := s.cfg.DB.Digest("auth oidc "+what, []byte(cookie))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

// localPath reports whether a path stays on this server, whatever browsers
// make of it.
func localPath(path string) bool {
	u, err := url.Parse(path)
	return err == nil && len(path) <= 500 && strings.HasPrefix(path, "/") && !strings.HasPrefix(path, "//") && u.Host == "" && u.Scheme == "" &&
		u.Fragment == "" && !strings.ContainsFunc(path, func(r rune) bool { return r <= ' ' || r == '\\' || r == 0x7f })
}

// A LoginReturn is what a browser brings back from the provider.
type LoginReturn struct {
	Code, State string
	Error       string       // the provider's own code for why there is no Code
	Cookie      rinca.Secret // of LoginStart
	Remote      string
}

// Callback ends the login at the provider: it checks what came back, finds or
// makes the user, and returns a code for Exchange and the page to go to.
func (s *Service) Callback(ctx context.Context, r LoginReturn) (code rinca.Secret, back string, err error) {
	p, err := s.provider()
	if err != nil {
		return code, "", err
	}
	challenge, back, err := s.checkReturn(p, r)
	if err != nil {
		return code, "", err
	}
	from := network(r.Remote)
	if wait := s.networks.attempt(from, p.now()); wait > 0 {
		return code, "", rinca.Errorf(rinca.RateLimited, "too many failed attempts").Try("again in a minute")
	}
	u, err := s.oidcUser(ctx, p, r)
	if err != nil {
		actor, target := "unknown", ""
		if u.Name != "" {
			actor, target = u.Name, userTarget(u.Name)
		}
		s.refused(ctx, rinca.AuditEntry{Actor: actor, Via: "oidc", Remote: r.Remote, Action: "login", Target: target, Detail: line(err.Error(), 200)})
		return code, "", err
	}
	s.networks.refund(from)
	code = rinca.NewSecret(strings.ToLower(rand.Text()))
	p.mu.Lock()
	defer p.mu.Unlock()
	now := p.now()
	for k, e := range p.ready {
		if !now.Before(e.until) || len(p.ready) >= maxExchanges {
			delete(p.ready, k)
		}
	}
	p.ready[code.Reveal()] = exchange{u, challenge, now.Add(oidcExchange)}
	return code, back, nil
}

// checkReturn checks that the browser that comes back is the one that began.
func (s *Service) checkReturn(p *provider, r LoginReturn) (challenge, back string, err error) {
	refuse := func(what string) (string, string, error) {
		return "", "", rinca.Errorf(rinca.Unauthenticated, "%s", what).Try("begin again: rinca login --oidc")
	}
	part := strings.Split(r.Cookie.Reveal(), ".")
	if len(part) != 4 {
		return refuse("this browser did not begin the login, or took more than 10 minutes")
	}
	if subtle.ConstantTimeCompare([]byte(r.State), []byte(s.derive("state", r.Cookie.Reveal()))) != 1 {
		return refuse("the login that came back is not the one that began")
	}
	begun, err := strconv.ParseInt(part[1], 10, 64)
	if age := p.now().Sub(time.Unix(begun, 0)); err != nil || age > oidcLogin || age < -time.Minute {
		return refuse("the login took more than 10 minutes")
	}
	if r.Error != "" || r.Code == "" {
		return refuse("the identity provider refused: " + line(r.Error, 60))
	}
	path, err := base64.RawURLEncoding.DecodeString(part[3])
	if err != nil {
		return refuse("the login that came back is not the one that began")
	}
	return part[2], string(path), nil
}

// oauthCause keeps a provider's words out of what people are shown.
func oauthCause(err error) string {
	if e, ok := errors.AsType[*oauth2.RetrieveError](err); ok && e.ErrorCode != "" {
		return line(e.ErrorCode, 60)
	}
	return "see the server's log"
}
