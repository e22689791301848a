package cli

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"rinca/internal/auth"
	"rinca/internal/client"
	"rinca/internal/rinca"
)

// loginFlags are the flags of rinca login.
type loginFlags struct {
	host, user, ca                  string
	passwordFile, codeFile, keyFile string
	oidc                            bool
}

func newLogin(a *app) *cobra.Command {
	var f loginFlags
	c := &cobra.Command{
		Use:   "login",
		Short: "Sign in to a server, and remember it",
		Long: `Signs in with a user name and a password, with the identity provider of the
server (--oidc), or with an API key (--key-file), and writes a profile that the
other commands use. What is secret is asked for on a terminal, else read from
standard input or a file. RINCA_HOST and RINCA_API_KEY come before a profile.`,
		Example: `  rinca login
  rinca login --host https://rinca.example.com --user bob
  rinca login --host https://rinca.example.com --oidc
  rinca login --profile nas --host https://nas:9120 --key-file - < key`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return a.login(cmd.Context(), f) },
	}
	fl := c.Flags()
	fl.StringVar(&f.host, "host", "", "`URL` of the server; that of the profile when it is not given, else "+client.DefaultHost)
	fl.StringVar(&f.user, "user", "", "`NAME` of the user")
	fl.StringVar(&f.ca, "ca-file", "", "`FILE` with certificates that the server's is checked against too")
	fl.StringVar(&f.passwordFile, "password-file", "", "`FILE` that holds the password; - is standard input")
	fl.StringVar(&f.codeFile, "code-file", "", "`FILE` that holds the code of the second factor")
	fl.StringVar(&f.keyFile, "key-file", "", "`FILE` that holds an API key; - is standard input")
	fl.BoolVar(&f.oidc, "oidc", false, "sign in with the server's identity provider, in a browser")
	c.MarkFlagsMutuallyExclusive("oidc", "key-file", "user")
	c.MarkFlagsMutuallyExclusive("oidc", "key-file", "password-file")
	return a.remoteFlags(c)
}

// A signedIn is the answer to a login.
type signedIn struct {
	Token        string    `json:"token"`
	User         string    `json:"user"`
	ExpiresAt    time.Time `json:"expires_at"`
	MustChange   bool      `json:"must_change_password"`
	TOTPRequired bool      `json:"totp_required"`
}

func (a *app) login(ctx context.Context, f loginFlags) error {
	name, p, err := a.loginProfile(f)
	if err != nil {
		return err
	}
	r := remote{Host: p.Host, CAFile: p.CAFile}
	c, err := r.client()
	if err != nil {
		return err
	}
	a.warnPlain(p.Host)
	var s signedIn
	var password rinca.Secret
	switch {
	case f.keyFile != "":
		s, err = a.loginKey(ctx, r, f)
	case f.oidc:
		s, err = a.loginOIDC(ctx, c)
	default:
		s, password, err = a.loginPassword(ctx, c, f, p.User)
	}
	if err != nil {
		return err
	}
	if s.MustChange {
		if err := a.firstPassword(ctx, r, s, password); err != nil {
			return err
		}
	}
	p.Key, p.User = s.Token, s.User
	if err := a.setProfile(name, &p); err != nil {
		return err
	}
	if a.Getenv("RINCA_API_KEY") != "" || a.Getenv("RINCA_API_KEY_FILE") != "" {
		fmt.Fprintln(a.Stderr, "RINCA_API_KEY is set, and comes before what was just written.")
	}
	doc := map[string]any{"profile": name, "host": p.Host, "user": s.User}
	until := ""
	if !s.ExpiresAt.IsZero() {
		doc["expires_at"], until = s.ExpiresAt, ", until "+s.ExpiresAt.Local().Format("2006-01-02 15:04")
	}
	return a.tell(doc, "Signed in to %s as %s%s.", printable(p.Host), printable(s.User), until)
}

// loginProfile says which profile is written, and what is known of it.
func (a *app) loginProfile(f loginFlags) (name string, p profile, err error) {
	file, err := a.profiles()
	if err != nil {
		return "", p, err
	}
	name = file.choose(a.or(a.profile, "RINCA_PROFILE", ""))
	p = file.Profiles[name]
	host := a.or(f.host, "RINCA_HOST", p.Host)
	if host == "" {
		host = client.DefaultHost
	}
	if strings.TrimRight(host, "/") != strings.TrimRight(p.Host, "/") {
		p = profile{Host: strings.TrimRight(host, "/")} // another server's user and certificates are not this one's
	}
	if ca := a.or(f.ca, "RINCA_CA_FILE", p.CAFile); ca != "" {
		p.CAFile = ca
	}
	return name, p, nil
}

// warnPlain says when a password would cross a network in the clear.
func (a *app) warnPlain(host string) {
	u, err := url.Parse(host)
	if err != nil || u.Scheme != "http" || u.Hostname() == "localhost" || u.Hostname() == "::1" || strings.HasPrefix(u.Hostname(), "127.") {
		return
	}
	fmt.Fprintf(a.Stderr, "%s is not encrypted: everybody on the way can read what is typed now.\n", printable(host))
}

func (a *app) loginPassword(ctx context.Context, c *client.Client, f loginFlags, user string) (signedIn, rinca.Secret, error) {
	var s signedIn
	if f.user != "" {
		user = f.user
	}
	if user == "" {
		if !isTerminal(a.Stdin) || !isTerminal(a.Stderr) {
			return s, rinca.Secret{}, rinca.Errorf(rinca.Usage, "who signs in?").Try("--user NAME")
		}
		name, err := newPrompter(a).line(ctx, "User name: ", false)
		if err != nil {
			return s, rinca.Secret{}, err
		}
		user = strings.TrimSpace(name)
	}
	password, err := a.value(ctx, valueFrom{file: f.passwordFile, prompt: "Password for " + printable(user) + " (hidden): "})
	if err != nil {
		return s, password, err
	}
	body := map[string]string{"username": user, "password": password.Reveal()} // on its way to the server
	if err := c.Do(ctx, http.MethodPost, "/v1/login", body, &s); err != nil || !s.TOTPRequired {
		return s, password, err
	}
	if f.codeFile == "" && !isTerminal(a.Stdin) {
		return s, password, rinca.Errorf(rinca.Usage, "the account has a second factor, and nobody can be asked for its code").Try("--code-file FILE, or an API key: rinca login --key-file FILE")
	}
	code, err := a.value(ctx, valueFrom{file: f.codeFile, prompt: "Code of the authenticator: ", shown: true})
	if err != nil {
		return s, password, err
	}
	body["totp"] = strings.TrimSpace(code.Reveal()) // it counts once
	s = signedIn{}
	return s, password, c.Do(ctx, http.MethodPost, "/v1/login", body, &s)
}

// loginKey tries an API key.
func (a *app) loginKey(ctx context.Context, r remote, f loginFlags) (signedIn, error) {
	key, err := a.value(ctx, valueFrom{file: f.keyFile})
	if err != nil {
		return signedIn{}, err
	}
	key = rinca.NewSecret(strings.TrimSpace(key.Reveal()))
	if err := auth.CheckToken(key); err != nil {
		return signedIn{}, err
	}
	r.Key = key
	c, err := r.client()
	if err != nil {
		return signedIn{}, err
	}
	var me struct {
		User rinca.User `json:"user"`
	}
	if err := c.Do(ctx, http.MethodGet, "/v1/me", nil, &me); err != nil {
		return signedIn{}, err
	}
	return signedIn{Token: key.Reveal(), User: me.User.Name}, nil // into the profile
}

// loginOIDC lets a browser sign in, anywhere, and asks for the code that it
// shows. Only who has the verifier can use the code.
func (a *app) loginOIDC(ctx context.Context, c *client.Client) (signedIn, error) {
	verifier := rand.Text() + rand.Text()
	sum := sha256.Sum256([]byte(verifier))
	challenge := base64.RawURLEncoding.EncodeToString(sum[:])
	fmt.Fprintf(a.Stderr, "Open this in a browser, sign in, and copy the code that it shows:\n\n  %s/v1/oidc/login?challenge=%s\n\n", strings.TrimRight(c.Host, "/"), challenge)
	code, err := a.value(ctx, valueFrom{prompt: "Code: ", shown: true})
	if err != nil {
		return signedIn{}, err
	}
	var s signedIn
	body := map[string]string{"code": strings.TrimSpace(code.Reveal()), "verifier": verifier}
	return s, c.Do(ctx, http.MethodPost, "/v1/oidc/exchange", body, &s)
}

// firstPassword replaces a password that worked for this login only.
func (a *app) firstPassword(ctx context.Context, r remote, s signedIn, old rinca.Secret) error {
	if !isTerminal(a.Stdin) || !isTerminal(a.Stderr) {
		fmt.Fprintln(a.Stderr, "A new password has to be set first: rinca passwd")
		return nil
	}
	r.Key = rinca.NewSecret(s.Token)
	c, err := r.client()
	if err != nil {
		return err
	}
	fmt.Fprintln(a.Stderr, "This password is for the first login. Choose one of your own.")
	for {
		password, err := a.newPassword(ctx, s.User)
		if err != nil {
			return err
		}
		body := map[string]string{"old": old.Reveal(), "new": password.Reveal()} // on its way to the server
		err = c.Do(ctx, http.MethodPost, "/v1/me/password", body, nil)
		if rinca.CodeOf(err) != rinca.Invalid {
			return err
		}
		fmt.Fprintf(a.Stderr, "  %v\n", err)
	}
}

// newPassword asks for a new password, twice, until it can be one.
func (a *app) newPassword(ctx context.Context, user string) (rinca.Secret, error) {
	for {
		first, err := a.value(ctx, valueFrom{prompt: "New password (hidden): "})
		if err != nil {
			return first, err
		}
		if err := auth.CheckPassword(user, first); err != nil {
			fmt.Fprintf(a.Stderr, "  %v; %s\n", err, rinca.HintOf(err))
			continue
		}
		again, err := a.value(ctx, valueFrom{prompt: "The same again: ", empty: true})
		if err != nil {
			return first, err
		}
		if first.Equal(again) {
			return first, nil
		}
		fmt.Fprintln(a.Stderr, "  The two are not the same.")
	}
}
