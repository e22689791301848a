package cli

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"rinca/internal/auth"
	"rinca/internal/config"
	"rinca/internal/export"
	"rinca/internal/redact"
	"rinca/internal/rinca"
	"rinca/internal/server"
	"rinca/internal/store"
	"rinca/internal/vault"
)

// serveFlags are the flags of rinca serve.
type serveFlags struct {
	listen          string
	tlsCert, tlsKey string
	proxies         []string
	logFormat       string
	vault, dest     string
	docker          string
	workers         int
	keepFor         time.Duration
	keepPer         int
}

func newServe(a *app) *cobra.Command {
	var f serveFlags
	c := &cobra.Command{
		Use:   "serve",
		Short: "Run the control plane: stacks, variables, users and the API",
		Long: `One process, with one database in the home. The first start makes the key, the
database, and an administrator with a one-time password that is printed once
(or RINCA_INIT_ADMIN_USERNAME and RINCA_INIT_ADMIN_PASSWORD_FILE).

It listens on the loopback interface alone unless told otherwise. Put a reverse
proxy in front of it, or give it a certificate.`,
		Example: `  rinca serve
  rinca serve --listen 0.0.0.0:9120 --tls-cert cert.pem --tls-key key.pem
  rinca serve --trusted-proxy 172.18.0.0/16 --log-format json`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return a.serve(cmd.Context(), f) },
	}
	fl := c.Flags()
	fl.StringVar(&f.listen, "listen", "", "`ADDRESS` to listen on (RINCA_LISTEN; default 127.0.0.1:9120)")
	fl.StringVar(&f.tlsCert, "tls-cert", "", "`FILE` of the certificate, PEM; read again when it changes")
	fl.StringVar(&f.tlsKey, "tls-key", "", "`FILE` of its key, PEM")
	fl.StringSliceVar(&f.proxies, "trusted-proxy", nil, "`CIDR` of a reverse proxy whose X-Forwarded-For is believed; repeatable (RINCA_TRUSTED_PROXIES)")
	fl.StringVar(&f.logFormat, "log-format", "text", "`FORMAT` of the log on standard error: text or json")
	fl.StringVar(&f.vault, "vault", "", "`NAME` or id of the vault that stacks are exported from (VAULT; default "+rinca.DefaultVault+")")
	fl.StringVar(&f.dest, "dest", "", "`DIR` that secrets are exported to (DEST_ROOT; default "+rinca.DefaultDest+")")
	fl.StringVar(&f.docker, "docker", "", "`ADDRESS` of the local engine (DOCKER_HOST; default unix:///var/run/docker.sock)")
	fl.IntVar(&f.workers, "workers", 4, "`N` executions at once")
	fl.DurationVar(&f.keepFor, "keep-updates", 90*24*time.Hour, "`TIME` that finished updates are kept; 0 for ever")
	fl.IntVar(&f.keepPer, "keep-updates-per-stack", 500, "`N` newest updates of a stack that are kept; 0 for all")
	return c
}

func (a *app) serve(ctx context.Context, f serveFlags) error {
	known := &redact.Known{}
	log, err := a.serveLog(f, known)
	if err != nil {
		return err
	}
	c, err := a.serveConfig(f)
	if err != nil {
		return err
	}
	c.Log, c.Known = log, known
	secrets := []rinca.Secret{
		c.Sources.Config.ConnectToken, c.Sources.Config.ServiceAccountToken, c.Sources.Config.Passphrase, c.AdminPassword, c.WebhookSecret,
	}
	if c.OIDC != nil {
		secrets = append(secrets, c.OIDC.ClientSecret)
	}
	known.Set("configuration", secrets)
	if c.Notify = server.Notifier(a.Getenv); c.Notify != nil {
		go server.Watchdog(ctx, a.Getenv, c.Notify)
	}
	return server.Run(ctx, c)
}

// serveConfig reads flags over variables over the file.
func (a *app) serveConfig(f serveFlags) (server.ServeConfig, error) {
	sources, err := a.sources()
	if err != nil {
		return server.ServeConfig{}, err
	}
	file, err := sources.Config.ReadFile()
	if err != nil {
		return server.ServeConfig{}, err
	}
	c := server.ServeConfig{
		Sources: sources,
		Listen:  a.or(f.listen, "RINCA_LISTEN", "127.0.0.1:9120"),
		TLSCert: f.tlsCert, TLSKey: f.tlsKey,
		Export: export.Request{
			Vault: a.or(f.vault, "VAULT", rinca.DefaultVault), Dest: a.or(f.dest, "DEST_ROOT", rinca.DefaultDest),
			Rules: exportRules(file.Export, export.Settings{}),
		},
		Docker:    a.or(f.docker, "DOCKER_HOST", "unix:///var/run/docker.sock"),
		AdminName: a.Getenv("RINCA_INIT_ADMIN_USERNAME"),
		Keep:      store.UpdateRetention{MaxAge: f.keepFor, MaxPerTarget: f.keepPer},
		Workers:   f.workers, Environ: a.hookEnviron(), Say: a.say,
	}
	if f.workers < 1 || f.workers > 256 {
		return c, rinca.Errorf(rinca.Usage, "--workers %d is not from 1 to 256", f.workers)
	}
	if c.AdminPassword, err = config.SecretVar(a.Getenv, "RINCA_INIT_ADMIN_PASSWORD"); err != nil {
		return c, err
	}
	if c.VaultLimits.Limits, c.VaultLimits.Given, err = vault.ParseLimits(a.Getenv("RINCA_VAULT_PLAN"), a.Getenv("RINCA_VAULT_BUDGET")); err != nil {
		return c, err
	}
	if c.WebhookSecret, err = config.SecretVar(a.Getenv, "RINCA_WEBHOOK_SECRET"); err != nil {
		return c, err
	}
	if c.Trusted, err = a.trusted(f.proxies); err != nil {
		return c, err
	}
	if c.OIDC, err = a.oidc(); err != nil {
		return c, err
	}
	return c, c.Export.Rules.Check()
}

// say prints to the person who started the server.
func (a *app) say(format string, args ...any) {
	if !a.quiet {
		fmt.Fprintf(a.Stdout, format+"\n", args...)
	}
}

func (a *app) trusted(flags []string) ([]netip.Prefix, error) {
	list := flags
	if len(list) == 0 {
		list = strings.FieldsFunc(a.Getenv("RINCA_TRUSTED_PROXIES"), func(c rune) bool { return c == ',' || c == ' ' })
	}
	var out []netip.Prefix
	for _, s := range list {
		p, err := netip.ParsePrefix(s)
		if err != nil {
			addr, err := netip.ParseAddr(s)
			if err != nil {
				return nil, rinca.Errorf(rinca.Usage, "--trusted-proxy %q is no address and no network", s).Try("--trusted-proxy 172.18.0.0/16")
			}
			p = netip.PrefixFrom(addr, addr.BitLen())
		}
		out = append(out, p)
	}
	return out, nil
}

// hookEnviron is what commands of stacks inherit: how to find programs, never
// a credential.
func (a *app) hookEnviron() []string {
	var out []string
	for _, name := range []string{"PATH", "HOME", "LANG", "LC_ALL", "TZ", "TMPDIR", "DOCKER_HOST", "USER"} {
		if v := a.Getenv(name); v != "" {
			out = append(out, name+"="+v)
		}
	}
	return out
}

// oidc reads the identity provider from the environment; nil when there is none.
func (a *app) oidc() (*auth.OIDCConfig, error) {
	issuer := a.Getenv("RINCA_OIDC_ISSUER")
	if issuer == "" {
		return nil, nil
	}
	secret, err := config.SecretVar(a.Getenv, "RINCA_OIDC_CLIENT_SECRET")
	if err != nil {
		return nil, err
	}
	words := func(name string) []string {
		return strings.FieldsFunc(a.Getenv(name), func(c rune) bool { return c == ',' || c == ' ' })
	}
	c := &auth.OIDCConfig{
		Issuer: issuer, ClientID: a.Getenv("RINCA_OIDC_CLIENT_ID"), ClientSecret: secret,
		RedirectURL: strings.TrimRight(a.or("", "RINCA_URL", "http://127.0.0.1:9120"), "/") + "/v1/oidc/callback",
		Scopes:      words("RINCA_OIDC_SCOPES"),
		NameClaim:   a.Getenv("RINCA_OIDC_NAME_CLAIM"), GroupsClaim: a.Getenv("RINCA_OIDC_GROUPS_CLAIM"),
		Create: a.Getenv("RINCA_OIDC_CREATE_USERS") == "true", AdminClaims: words("RINCA_OIDC_ADMIN_GROUPS"),
	}
	return c, c.Check()
}

// serveLog writes structured lines to standard error, each of them masked.
func (a *app) serveLog(f serveFlags, known *redact.Known) (*slog.Logger, error) {
	if !slices.Contains([]string{"text", "json"}, f.logFormat) {
		return nil, rinca.Errorf(rinca.Usage, "--log-format %q is neither text nor json", f.logFormat)
	}
	c, err := a.config()
	if err != nil {
		return nil, err
	}
	name := c.LogLevel
	if a.flags.LogLevel == "" && a.Getenv("RINCA_LOG_LEVEL") == "" {
		name = "info"
	}
	var level slog.Level
	if err := level.UnmarshalText([]byte(strings.ToUpper(name))); err != nil {
		return nil, rinca.Errorf(rinca.Usage, "no log level is named %q", name).Try("debug, info, warn or error")
	}
	w, opts := maskedLog{known, a.Stderr}, &slog.HandlerOptions{Level: level}
	if f.logFormat == "json" {
		return slog.New(slog.NewJSONHandler(w, opts)), nil
	}
	return slog.New(slog.NewTextHandler(w, opts)), nil
}

// maskedLog masks whole messages with what is known at the moment.
type maskedLog struct {
	known *redact.Known
	w     io.Writer
}

func (m maskedLog) Write(p []byte) (int, error) { return m.known.Masker().Log(m.w).Write(p) }
