package auth_test

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"math/big"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"rinca/internal/auth"
	"rinca/internal/rinca"
)

// A provider is an OpenID provider: discovery, keys, authorization with PKCE,
// tokens, user info. It signs in whoever person describes.
type provider struct {
	t   testing.TB
	url string
	key *rsa.PrivateKey

	mu     sync.Mutex
	person map[string]any              // claims of who signs in
	inInfo []string                    // claims that only the user info has
	change func(claims map[string]any) // spoils the ID token
	codes  map[string]url.Values       // by code: the authorization request
	tokens map[string]map[string]any   // by access token: the claims
	signer *rsa.PrivateKey             // nil: key
	down   bool
	scopes []string
}

const (
	clientID     = "rinca"
	clientSecret = "canary-client-secret"
	redirectURL  = "http://127.0.0.1:9120/v1/oidc/callback"
)

func newProvider(t testing.TB) *provider {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	p := &provider{t: t, key: key, codes: map[string]url.Values{}, tokens: map[string]map[string]any{}}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /.well-known/openid-configuration", p.discovery)
	mux.HandleFunc("GET /keys", p.keys)
	mux.HandleFunc("GET /authorize", p.authorize)
	mux.HandleFunc("POST /token", p.token)
	mux.HandleFunc("GET /userinfo", p.userinfo)
	s := httptest.NewServer(mux)
	t.Cleanup(s.Close)
	p.url = s.URL
	return p
}

func (p *provider) answer(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(v)
}

func (p *provider) discovery(w http.ResponseWriter, _ *http.Request) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.down {
		http.Error(w, "canary of an error page", http.StatusBadGateway)
		return
	}
	p.answer(w, map[string]any{
		"issuer": p.url, "authorization_endpoint": p.url + "/authorize", "token_endpoint": p.url + "/token", "jwks_uri": p.url + "/keys",
		"userinfo_endpoint": p.url + "/userinfo", "scopes_supported": p.scopes, "id_token_signing_alg_values_supported": []string{"RS256"},
	})
}

func (p *provider) keys(w http.ResponseWriter, _ *http.Request) {
	e := big.NewInt(int64(p.key.E)).Bytes()
	p.answer(w, map[string]any{"keys": []any{map[string]string{
		"kty": "RSA", "alg": "RS256", "use": "sig", "kid": "1",
		"n": base64.RawURLEncoding.EncodeToString(p.key.N.Bytes()), "e": base64.RawURLEncoding.EncodeToString(e),
	}}})
}

func (p *provider) authorize(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	if q.Get("client_id") != clientID || q.Get("redirect_uri") != redirectURL || q.Get("response_type") != "code" || q.Get("code_challenge_method") != "S256" ||
		!slices.Contains(strings.Fields(q.Get("scope")), "openid") || q.Get("state") == "" || q.Get("nonce") == "" {
		http.Error(w, "bad request", http.StatusBadRequest)
		return
	}
	code := rand.Text()
	p.mu.Lock()
	p.codes[code] = q
	p.mu.Unlock()
	back := url.Values{"code": {code}, "state": {q.Get("state")}}
	http.Redirect(w, r, redirectURL+"?"+back.Encode(), http.StatusFound)
}

func (p *provider) token(w http.ResponseWriter, r *http.Request) {
	p.mu.Lock()
	defer p.mu.Unlock()
	id, secret, _ := r.BasicAuth()
	if id == "" {
		id, secret = r.FormValue("client_id"), r.FormValue("client_secret")
	}
	q, ok := p.codes[r.FormValue("code")]
	delete(p.codes, r.FormValue("code"))
	sum := sha256.Sum256([]byte(r.FormValue("code_verifier")))
	if !ok || id != clientID || secret != clientSecret || base64.RawURLEncoding.EncodeToString(sum[:]) != q.Get("code_challenge") {
		w.WriteHeader(http.StatusBadRequest)
		p.answer(w, map[string]string{"error": "invalid_grant", "error_description": "canary of a description"})
		return
	}
	claims := map[string]any{"iss": p.url, "aud": clientID, "iat": time.Now().Unix(), "exp": time.Now().Add(5 * time.Minute).Unix(), "nonce": q.Get("nonce")}
	info := map[string]any{}
	for k, v := range p.person {
		info[k] = v
		if !slices.Contains(p.inInfo, k) {
			claims[k] = v
		}
	}
	if p.change != nil {
		p.change(claims)
	}
	access := rand.Text()
	p.tokens[access] = info
	p.answer(w, map[string]any{"access_token": access, "token_type": "Bearer", "id_token": p.sign(claims)})
}

func (p *provider) sign(claims map[string]any) string {
	part := func(v any) string {
		data, _ := json.Marshal(v)
		return base64.RawURLEncoding.EncodeToString(data)
	}
	text := part(map[string]string{"alg": "RS256", "kid": "1", "typ": "JWT"}) + "." + part(claims)
	sum := sha256.Sum256([]byte(text))
	key := p.key
	if p.signer != nil {
		key = p.signer
	}
	sig, err := rsa.SignPKCS1v15(rand.Reader, key, crypto.SHA256, sum[:])
	if err != nil {
		p.t.Error(err)
	}
	return text + "." + base64.RawURLEncoding.EncodeToString(sig)
}

func (p *provider) userinfo(w http.ResponseWriter, r *http.Request) {
	p.mu.Lock()
	defer p.mu.Unlock()
	info, ok := p.tokens[strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")]
	if !ok {
		http.Error(w, "no", http.StatusUnauthorized)
		return
	}
	p.answer(w, info)
}

// A browser signs in at the provider, and at us.
type browser struct {
	*world
	p        *provider
	verifier string
}

func challenge(verifier string) string {
	sum := sha256.Sum256([]byte(verifier))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

// visit goes to the provider and returns what it brings back.
func (b *browser) visit(back string) auth.LoginReturn {
	b.Helper()
	b.verifier = rand.Text()
	start, err := b.LoginURL(b.Context(), challenge(b.verifier), back)
	if err != nil {
		b.Fatal(err)
	}
	if u := start.URL; strings.Contains(u, start.Cookie.Reveal()) || strings.Contains(u, clientSecret) || strings.Contains(u, b.verifier) {
		b.Errorf("the URL holds a secret: %s", u)
	}
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	resp, err := client.Get(start.URL)
	if err != nil {
		b.Fatal(err)
	}
	defer resp.Body.Close()
	at, err := resp.Location()
	if err != nil {
		b.Fatalf("%s: %v", resp.Status, err)
	}
	q := at.Query()
	return auth.LoginReturn{Code: q.Get("code"), State: q.Get("state"), Cookie: start.Cookie, Remote: "192.0.2.1"}
}

func (b *browser) exchange(code rinca.Secret, verifier string) (rinca.Secret, rinca.Session, error) {
	return b.Exchange(b.Context(), auth.ExchangeRequest{Code: code.Reveal(), Verifier: rinca.NewSecret(verifier), Remote: "192.0.2.1"})
}

// in signs in all the way.
func (b *browser) in() (*rinca.Identity, error) {
	b.Helper()
	code, _, err := b.Callback(b.Context(), b.visit(""))
	if err != nil {
		return nil, err
	}
	token, _, err := b.exchange(code, b.verifier)
	if err != nil {
		return nil, err
	}
	return b.is(token), nil
}

func newBrowser(t testing.TB, change ...func(*auth.OIDCConfig)) *browser {
	t.Helper()
	p := newProvider(t)
	p.person = map[string]any{"sub": "1", "preferred_username": "bob", "groups": []string{"media-team"}}
	cfg := &auth.OIDCConfig{Issuer: p.url, ClientID: clientID, ClientSecret: rinca.NewSecret(clientSecret), RedirectURL: redirectURL, Create: true}
	for _, c := range change {
		c(cfg)
	}
	if err := cfg.Check(); err != nil {
		t.Fatal(err)
	}
	return &browser{world: newWorld(t, func(c *auth.Config) { c.OIDC = cfg }), p: p}
}

func TestOIDC(t *testing.T) {
	b := newBrowser(t)
	b.user(rinca.User{Name: "admin", Admin: true})
	if _, err := b.PutGroup(t.Context(), noCaller, rinca.UserGroup{Name: "media", Claims: []string{"media-team"}, Rights: rinca.Rights{All: map[rinca.Kind]rinca.Grant{rinca.KindStack: {Level: rinca.Execute}}}}); err != nil {
		t.Fatal(err)
	}
	id, err := b.in()
	if err != nil {
		t.Fatal(err)
	}
	stack := rinca.Target{Kind: rinca.KindStack, Name: "x"}
	if id.User.Name != "bob" || id.On(stack).Level != rinca.Execute || id.Admin() || id.User.Subject != b.p.url+" 1" {
		t.Errorf("%+v", id)
	}
	if d := id.Session.ExpiresAt.Sub(b.clock()); d > 12*time.Hour {
		t.Errorf("the session lasts %v", d)
	}
	// The groups there change, and with them the rights of sessions here.
	b.p.person["groups"] = "other"
	b.p.person["preferred_username"] = "renamed"
	again, err := b.in()
	if err != nil || again.User.Name != "bob" || again.On(stack).Level != rinca.None {
		t.Errorf("%+v %v", again, err)
	}
	if users, _ := b.Users(t.Context()); len(users) != 2 {
		t.Errorf("%d users", len(users))
	}
	if _, err := b.UpdateUser(t.Context(), noCaller, rinca.User{Name: "bob", Subject: id.User.Subject, Disabled: true}); err != nil {
		t.Fatal(err)
	}
	_, err = b.in()
	b.want(err, rinca.Forbidden, "a disabled account")
	if got := b.entries(); !slices.Contains(got, "system user.create User bob") || !slices.Contains(got, "bob login User bob") || got[len(got)-1] != "bob login! User bob" {
		t.Errorf("%q", got)
	}
}

func TestOIDCClaims(t *testing.T) {
	b := newBrowser(t, func(c *auth.OIDCConfig) {
		c.NameClaim, c.GroupsClaim, c.AdminClaims = "email", "realm_access.roles", []string{"rinca-admin"}
	})
	b.p.person = map[string]any{"sub": "7", "email": "eve@example.com", "email_verified": true, "realm_access": map[string]any{"roles": []any{"rinca-admin", 7, "", "x"}}}
	b.p.inInfo = []string{"realm_access", "email"} // only told when asked
	id, err := b.in()
	if err != nil || id.User.Name != "eve@example.com" || !id.Admin() || !slices.Equal(id.User.Claims, []string{"rinca-admin", "x"}) {
		t.Fatalf("%+v %v", id, err)
	}
	// The last administrator stays one; with another one there, the provider's word counts.
	b.p.person["realm_access"] = map[string]any{}
	if id, err := b.in(); err != nil || !id.Admin() {
		t.Errorf("%+v %v", id, err)
	}
	b.user(rinca.User{Name: "admin", Admin: true})
	if id, err := b.in(); err != nil || id.Admin() {
		t.Errorf("%+v %v", id, err)
	}
	b.p.person["email_verified"] = false
	_, err = b.in()
	b.want(err, rinca.Forbidden, "an address that is not verified")
}

func TestOIDCTakesNobodyOver(t *testing.T) {
	b := newBrowser(t)
	b.user(rinca.User{Name: "bob", Admin: true})
	_, err := b.in()
	b.want(err, rinca.Forbidden, "the name of a local user")
	if !strings.Contains(rinca.HintOf(err), "--identity") {
		t.Errorf("try %s", rinca.HintOf(err))
	}
	b.p.person["preferred_username"] = "BOB"
	_, err = b.in()
	b.want(err, rinca.Forbidden, "the name in another case")
	for _, name := range []any{"", nil, "a b", "system", "webhook", "../x", strings.Repeat("x", 200), 7} {
		b.p.person["preferred_username"] = name
		_, err = b.in()
		b.want(err, rinca.Forbidden, "an impossible name")
	}
	// An administrator may connect them. The password is gone then.
	b.user(rinca.User{Name: "root", Admin: true})
	if _, err := b.UpdateUser(t.Context(), noCaller, rinca.User{Name: "bob", Admin: true, Subject: b.p.url + " 1"}); err != nil {
		t.Fatal(err)
	}
	if id, err := b.in(); err != nil || id.User.Name != "bob" {
		t.Errorf("%v", err)
	}
	_, _, err = b.Login(t.Context(), auth.LoginRequest{User: "bob", Password: rinca.NewSecret(good)})
	b.want(err, rinca.Unauthenticated, "the local password")
}

func TestOIDCCreatesNobodyUnlessTold(t *testing.T) {
	b := newBrowser(t, func(c *auth.OIDCConfig) { c.Create = false })
	_, err := b.in()
	b.want(err, rinca.Forbidden, "somebody unknown")
	if users, _ := b.Users(t.Context()); len(users) != 0 {
		t.Errorf("%d users", len(users))
	}
	b.user(rinca.User{Name: "robert", Subject: b.p.url + " 1"})
	if id, err := b.in(); err != nil || id.User.Name != "robert" {
		t.Errorf("%v", err)
	}
}

func TestOIDCRefusesForgeries(t *testing.T) {
	b := newBrowser(t)
	ctx := t.Context()
	other, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	for what, change := range map[string]func(claims map[string]any){
		"another audience": func(c map[string]any) { c["aud"] = "else" }, "another issuer": func(c map[string]any) { c["iss"] = "https://evil.example" },
		"another nonce": func(c map[string]any) { c["nonce"] = "x" }, "no nonce": func(c map[string]any) { delete(c, "nonce") },
		"expired": func(c map[string]any) { c["exp"] = time.Now().Add(-time.Hour).Unix() },
	} {
		b.p.change = change
		_, err := b.in()
		b.want(err, rinca.Unauthenticated, what)
	}
	b.p.change = nil
	b.p.signer = other
	_, err = b.in()
	b.want(err, rinca.Unauthenticated, "another key")
	b.p.signer = nil

	mine, theirs := b.visit(""), b.visit("")
	for what, r := range map[string]auth.LoginReturn{
		"no cookie":           {Code: mine.Code, State: mine.State},
		"another's cookie":    {Code: mine.Code, State: mine.State, Cookie: theirs.Cookie},
		"another's state":     {Code: mine.Code, State: theirs.State, Cookie: mine.Cookie},
		"no state":            {Code: mine.Code, Cookie: mine.Cookie},
		"no code":             {State: mine.State, Cookie: mine.Cookie},
		"a refusal":           {Code: "x", Error: "access_denied\n<b>", State: mine.State, Cookie: mine.Cookie},
		"a changed cookie":    {Code: mine.Code, State: mine.State, Cookie: rinca.NewSecret(mine.Cookie.Reveal() + "AA")},
		"a code that is none": {Code: "x", State: mine.State, Cookie: mine.Cookie},
	} {
		_, _, err := b.Callback(ctx, r)
		b.want(err, rinca.Unauthenticated, what)
		if text := err.Error() + rinca.HintOf(err); strings.Contains(text, "canary") || strings.ContainsAny(text, "\n") {
			t.Errorf("%s: %q", what, text)
		}
	}
	// Another login's code with one's own state: the verifier does not fit.
	_, _, err = b.Callback(ctx, auth.LoginReturn{Code: theirs.Code, State: mine.State, Cookie: mine.Cookie})
	b.want(err, rinca.Unauthenticated, "another's code")
	old := b.visit("")
	b.pass(11 * time.Minute)
	_, _, err = b.Callback(ctx, old)
	b.want(err, rinca.Unauthenticated, "a login of 11 minutes")
}

func TestOIDCExchange(t *testing.T) {
	b := newBrowser(t)
	ctx := t.Context()
	code, back, err := b.Callback(ctx, b.visit("/stacks?x=1"))
	if err != nil || back != "/stacks?x=1" {
		t.Fatalf("%q %v", back, err)
	}
	_, _, err = b.exchange(code, "another verifier")
	b.want(err, rinca.Unauthenticated, "who did not begin the login")
	_, _, err = b.exchange(code, b.verifier)
	b.want(err, rinca.Unauthenticated, "a code that was tried")
	code, _, err = b.Callback(ctx, b.visit(""))
	if err != nil {
		t.Fatal(err)
	}
	b.pass(3 * time.Minute)
	_, _, err = b.exchange(code, b.verifier)
	b.want(err, rinca.Unauthenticated, "an old code")
	for range 30 {
		_, _, err = b.exchange(rinca.NewSecret("guess"), "x")
	}
	b.want(err, rinca.RateLimited, "guesses")
	for _, bad := range []string{"//evil.example", "https://evil.example", `/\evil`, "/a\nb", "/#x", "evil", "/" + strings.Repeat("x", 600)} {
		if _, err := b.LoginURL(ctx, challenge("x"), bad); rinca.CodeOf(err) != rinca.Invalid {
			t.Errorf("goes back to %q: %v", bad, err)
		}
	}
	for _, bad := range []string{"", "x", challenge("x") + "A", "..", strings.Repeat("A", 44)} {
		if _, err := b.LoginURL(ctx, bad, ""); rinca.CodeOf(err) != rinca.Invalid {
			t.Errorf("challenge %q: %v", bad, err)
		}
	}
}

// A provider may refuse a scope that it does not know.
func TestOIDCAsksForGroupsWhereThereAreSome(t *testing.T) {
	for want, scopes := range map[string][]string{"openid profile email": {"openid", "email"}, "openid profile email groups": {"openid", "groups"}} {
		b := newBrowser(t)
		b.p.scopes = scopes
		start, err := b.LoginURL(t.Context(), challenge("x"), "")
		if err != nil {
			t.Fatal(err)
		}
		if u, err := url.Parse(start.URL); err != nil || u.Query().Get("scope") != want {
			t.Errorf("%s", start.URL)
		}
	}
}

func TestOIDCProviderIsDown(t *testing.T) {
	b := newBrowser(t)
	b.p.down = true
	_, err := b.LoginURL(t.Context(), challenge("x"), "")
	b.want(err, rinca.Unavailable, "a provider that is down")
	if strings.Contains(err.Error(), "canary") {
		t.Errorf("%v", err)
	}
	b.p.down = false
	if _, err := b.in(); err != nil {
		t.Errorf("back again: %v", err)
	}
	w := newWorld(t)
	_, err = w.LoginURL(t.Context(), challenge("x"), "")
	w.want(err, rinca.NotFound, "no provider")
}

func TestOIDCConfigCheck(t *testing.T) {
	ok := auth.OIDCConfig{Issuer: "https://id.example.com", ClientID: "x", RedirectURL: "https://rinca.example.com/v1/oidc/callback"}
	if err := ok.Check(); err != nil {
		t.Error(err)
	}
	for what, change := range map[string]func(*auth.OIDCConfig){
		"no issuer": func(c *auth.OIDCConfig) { c.Issuer = "" }, "in the clear": func(c *auth.OIDCConfig) { c.Issuer = "http://id.example.com" },
		"a password": func(c *auth.OIDCConfig) { c.Issuer = "https://a:b@id.example.com" }, "no client": func(c *auth.OIDCConfig) { c.ClientID = "" },
		"no redirect": func(c *auth.OIDCConfig) { c.RedirectURL = "rinca" },
	} {
		c := ok
		change(&c)
		if err := c.Check(); rinca.CodeOf(err) != rinca.Usage || rinca.HintOf(err) == "" {
			t.Errorf("%s: %v", what, err)
		}
	}
}
