package server

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"time"

	"rinca/internal/alert"
	"rinca/internal/api"
	"rinca/internal/auth"
	"rinca/internal/deploy"
	"rinca/internal/deploy/compose"
	"rinca/internal/event"
	"rinca/internal/export"
	"rinca/internal/git"
	"rinca/internal/home"
	"rinca/internal/redact"
	"rinca/internal/resource"
	"rinca/internal/rinca"
	"rinca/internal/rotation"
	"rinca/internal/run"
	"rinca/internal/scheduler"
	"rinca/internal/store"
	"rinca/internal/vault"
	"rinca/internal/watch"
	"rinca/internal/web"
	"rinca/internal/webhook"
)

// A ServeConfig says how the control plane runs.
type ServeConfig struct {
	Sources Sources // where secrets come from; its Config has the home

	Listen  string // "127.0.0.1:9120"
	TLSCert string // paths of PEM files; both or none
	TLSKey  string
	Trusted []netip.Prefix // reverse proxies whose X-Forwarded-For is believed

	Export export.Request // vault, destination and rules
	Docker string         // address of the local engine
	// VaultLimits are how many requests the vault takes.
	VaultLimits VaultLimits

	// The first administrator. Without a password one is made, and told once.
	AdminName     string
	AdminPassword rinca.Secret
	OIDC          *auth.OIDCConfig

	// WebhookSecret authenticates deliveries to what has no secret of its own.
	WebhookSecret rinca.Secret

	Keep    store.UpdateRetention
	Workers int
	Environ []string // of hooks; no secrets

	Log *slog.Logger // masked by Known
	// Known is what the log masks.
	Known *redact.Known
	// Say prints to the person who started the server: where it listens, and
	// the one-time password, which is in no log.
	Say func(format string, args ...any)
	// Notify tells the service manager; nil tells nobody.
	Notify func(state string)
}

// Run runs the control plane until ctx ends. Everything is built here, from
// the database up, and torn down in the opposite order.
func Run(ctx context.Context, c ServeConfig) error {
	listener, err := listen(ctx, c)
	if err != nil {
		return err
	}
	defer listener.Close()
	home := c.Sources.Config.Home
	if err := os.MkdirAll(home, 0o700); err != nil {
		return rinca.Errorf(rinca.Destination, "make the home: %w", err).
			Try("choose another with RINCA_HOME, or: sudo mkdir -p %s && sudo chown $(id -u) %s", home, home)
	}
	unlock, err := store.LockServer(home)
	if err != nil {
		return err
	}
	defer unlock()
	db, err := store.Open(ctx, store.Config{Dir: home, Keys: c.Sources.Embedded.Keys})
	if err != nil {
		return err
	}
	defer db.Close()
	hub, err := event.New(ctx, db, c.Log)
	if err != nil {
		return err
	}
	defer hub.Close()
	p := build(c, db, hub)
	defer p.engines.Close()
	if err := p.deployer.LearnVariables(ctx); err != nil {
		return err
	}
	p.deployer.LearnExported()
	name, oneTime, created, err := p.auth.Bootstrap(ctx, c.AdminName, c.AdminPassword)
	if err != nil {
		return err
	}
	if created {
		sayAdmin(c, name, oneTime)
	}
	return p.serve(ctx, listener)
}

// A plane is the control plane, built.
type plane struct {
	c        ServeConfig
	auth     *auth.Service
	engines  *deploy.Engines
	deployer *deploy.Deployer
	runner   *run.Runner
	alerts   *alert.Alerts
	rotator  *rotation.Rotator
	watch    *watch.Watch
	webhooks *webhook.Listener
	schedule *scheduler.Scheduler
	api      *api.Server
}

// build makes the parts, from the bottom up.
func build(c ServeConfig, db *store.DB, hub *event.Hub) *plane {
	dir := c.Sources.Config.Home
	p := &plane{c: c}
	p.alerts = &alert.Alerts{DB: db, Hub: hub, Known: c.Known, Now: time.Now, Log: c.Log}
	p.auth = auth.New(auth.Config{DB: db, Log: c.Log, OIDC: c.OIDC})
	p.engines = &deploy.Engines{
		List: db.Servers, Local: c.Docker, Now: time.Now, Log: c.Log,
		Open: func(ctx context.Context, s rinca.Server) (rinca.Engine, error) {
			return compose.Open(ctx, compose.Config{Server: s})
		},
		Changed: func(name string, s rinca.ServerState) { tellServer(c.Log, hub, name, s) },
	}
	keeper := &vaultKeeper{
		db: db, sources: c.Sources, limits: c.VaultLimits,
		guard: &vault.Guard{Now: time.Now, Tell: p.alerts.Tell},
	}
	secretsOf := &deploy.Vault{Open: keeper.open, Configured: keeper.configured, Request: c.Export, Now: time.Now}
	keeper.vault = secretsOf
	p.deployer = &deploy.Deployer{
		DB: db, Hub: hub, Known: c.Known, Engines: p.engines, Vault: secretsOf,
		Mirrors: &git.Mirrors{Dir: filepath.Join(dir, "git")},
		Home:    dir, Now: time.Now, Log: c.Log, Environ: c.Environ,
	}
	p.alerts.Fill = func(ctx context.Context, text string) (rinca.Secret, error) {
		return p.deployer.Fill(ctx, "the address of an alerter", text)
	}
	p.runner = &run.Runner{
		DB: db, Hub: hub, Deploy: p.deployer, Known: c.Known, Now: time.Now, Log: c.Log,
		Workers: c.Workers, Keep: c.Keep, Alerts: p.alerts, BackupDir: filepath.Join(dir, "backups"),
		Backup: func(ctx context.Context, path string) error {
			return home.Backup(ctx, home.Config{Dir: dir, Keys: c.Sources.Embedded.Keys}, path)
		},
	}
	syncs := &resource.Service{DB: db, Mirrors: p.deployer.Mirrors, Home: dir, Hub: hub, Alerts: p.alerts, Now: time.Now, Kinds: p.runner.Kinds, Check: run.CheckExecution}
	p.runner.Syncs = syncs
	p.rotator = &rotation.Rotator{
		DB: db, Deploy: p.deployer, Hub: hub, Now: time.Now, Log: c.Log, Run: p.runner.RunOnce, Alert: p.alerts.Tell,
	}
	secretsOf.Request.Hold, secretsOf.Request.Listed = p.rotator.Hold, p.rotator.Listed
	p.runner.Rotator = p.rotator
	p.watch = &watch.Watch{Rotator: p.rotator, Submit: p.runner.Submit, MinInterval: keeper.guard.MinInterval, Now: time.Now, Log: c.Log}
	p.webhooks = &webhook.Listener{
		DB: db, Submit: p.runner.Submit, Mirrors: p.deployer.Mirrors, Known: c.Known, Resolve: secretsOf.Resolve,
		Now: time.Now, Log: c.Log, Secret: c.WebhookSecret,
	}
	p.schedule = &scheduler.Scheduler{
		DB: db, Sources: []scheduler.Source{scheduler.Procedures(db), scheduler.Syncs(db), driftSchedule(p.deployer)},
		Submit: p.runner.Submit, Now: time.Now, Alert: p.alerts.Tell, Log: c.Log,
	}
	p.api = api.New(api.Config{
		DB: db, Auth: p.auth, Runner: p.runner, Deploy: deploys{p.deployer}, Vault: keeper, Alerts: p.alerts,
		Secrets: secrets{p.deployer, p.runner},
		Syncs:   syncs, Webhooks: p.webhooks, Schedules: p.schedule, Rotations: p.rotator,
		Hub: hub, UI: web.Embedded(), Known: c.Known, Log: c.Log, Version: c.Sources.Version,
		LocalServer: c.Docker, Trusted: c.Trusted,
	})
	return p
}

// serve answers requests and runs executions until ctx ends, and then lets
// both come to an end.
func (p *plane) serve(ctx context.Context, listener net.Listener) error {
	background, stop := context.WithCancel(ctx)
	defer stop()
	var work sync.WaitGroup
	runErr := make(chan error, 1)
	work.Go(func() { runErr <- p.runner.Run(background) })
	work.Go(func() { p.engines.Watch(background, 15*time.Second) })
	work.Go(func() { p.watch.Run(background) })
	work.Go(func() { p.deployer.Watch(background, 15*time.Second) })
	work.Go(func() { p.deployer.Sweep(background, 24*time.Hour) })
	work.Go(func() { p.auth.Run(background) })
	work.Go(func() { p.webhooks.Run(background) })
	work.Go(func() { p.schedule.Run(background) })
	work.Go(func() { p.alerts.Run(background) })
	server := api.NewHTTPServer(p.api)
	server.ErrorLog = slog.NewLogLogger(p.c.Log.Handler(), slog.LevelDebug)
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	p.say(listener)
	var err error
	select {
	case <-ctx.Done():
	case err = <-served:
	case err = <-runErr:
	}
	p.notify("STOPPING=1")
	p.c.Log.Info("stopping")
	p.api.Close() // streams would keep the server from ending
	grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), 20*time.Second)
	defer cancel()
	shutdown := server.Shutdown(grace)
	stop()
	work.Wait()
	if errors.Is(err, http.ErrServerClosed) {
		err = nil
	}
	if err != nil {
		return err
	}
	if shutdown != nil {
		p.c.Log.Warn("requests were cut off", "error", shutdown)
	}
	return nil
}

func (p *plane) say(l net.Listener) {
	scheme := "http"
	if p.c.TLSCert != "" {
		scheme = "https"
	}
	p.c.Say("Listening on %s://%s", scheme, l.Addr())
	p.c.Log.Info("listening", "address", l.Addr().String(), "home", p.c.Sources.Config.Home)
	p.notify("READY=1\nSTATUS=listening on " + l.Addr().String())
}

func (p *plane) notify(state string) {
	if p.c.Notify != nil {
		p.c.Notify(state)
	}
}

func sayAdmin(c ServeConfig, name string, oneTime rinca.Secret) {
	if !oneTime.IsSet() {
		c.Say("Made the administrator %s, with the password that was given.", name)
		return
	}
	c.Say("Made the administrator %s. One-time password, shown only now: %s", name, oneTime.Reveal())
	c.Say("Sign in, and choose another: rinca login --user %s", name)
}

func tellServer(log *slog.Logger, hub *event.Hub, name string, s rinca.ServerState) {
	if s.Reachable {
		log.Info("a server is reachable", "server", name, "engine", s.Version)
	} else {
		log.Warn("a server is not reachable", "server", name, "error", s.Error)
	}
	hub.Publish(serverEvent(name, s))
}

// listen opens the address first, so that a second server fails before it
// touches anything.
func listen(ctx context.Context, c ServeConfig) (net.Listener, error) {
	if (c.TLSCert == "") != (c.TLSKey == "") {
		return nil, rinca.Errorf(rinca.Usage, "--tls-cert and --tls-key belong together")
	}
	var conf *tls.Config
	if c.TLSCert != "" {
		load := &certificate{cert: c.TLSCert, key: c.TLSKey}
		if _, err := load.get(nil); err != nil {
			return nil, rinca.Errorf(rinca.Usage, "read the certificate: %w", err).Try("--tls-cert and --tls-key take PEM files")
		}
		conf = &tls.Config{MinVersion: tls.VersionTLS12, GetCertificate: load.get, NextProtos: []string{"h2", "http/1.1"}}
	}
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", c.Listen)
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		return nil, rinca.Errorf(rinca.Conflict, "the address %s is in use", c.Listen).
			Try("is a server running already? choose another address with --listen")
	case errors.Is(err, syscall.EACCES):
		return nil, rinca.Errorf(rinca.Forbidden, "this user may not listen on %s", c.Listen).Try("a port above 1023, behind a reverse proxy")
	case err != nil:
		return nil, rinca.Errorf(rinca.Usage, "listen on %s: %w", c.Listen, err).Try("--listen 127.0.0.1:9120")
	}
	if conf != nil {
		l = tls.NewListener(l, conf)
	}
	return l, nil
}

// A certificate is read again when its file changes, so that a renewed one
// needs no restart.
type certificate struct {
	cert, key string

	mu     sync.Mutex
	at     time.Time
	loaded *tls.Certificate
}

func (c *certificate) get(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	info, err := os.Stat(c.cert)
	if c.loaded != nil && (err != nil || info.ModTime().Equal(c.at)) {
		return c.loaded, nil
	}
	if err != nil {
		return nil, err
	}
	pair, err := tls.LoadX509KeyPair(c.cert, c.key)
	if err != nil && c.loaded != nil {
		return c.loaded, nil //nolint:nilerr // half written; the next connection looks again
	}
	if err != nil {
		return nil, fmt.Errorf("load: %w", err)
	}
	c.loaded, c.at = &pair, info.ModTime()
	return c.loaded, nil
}
