package cli

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"time"

	"github.com/spf13/cobra"

	"rinca/internal/connectapi"
	"rinca/internal/rinca"
)

func newConnect(a *app) *cobra.Command {
	c := &cobra.Command{
		Use:   "connect",
		Short: "Serve the embedded vault as 1Password Connect, and manage its tokens",
		Example: `  rinca connect token create export --vault homelab,r
  rinca connect serve`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	c.AddCommand(newConnectServe(a), newConnectToken(a))
	return c
}

func newConnectServe(a *app) *cobra.Command {
	var listen, cert, key string
	var inline int64
	c := &cobra.Command{
		Use:   "serve",
		Short: "Serve the embedded vault as the REST API of 1Password Connect",
		Long: `Serves the embedded vault as the REST API of 1Password Connect, so that its
public clients work unmodified: set OP_CONNECT_HOST to the address and
OP_CONNECT_TOKEN to a token of "rinca connect token create".

Without TLS, listen on a loopback address or a private container network.`,
		Example: `  rinca connect serve
  rinca connect serve --listen 0.0.0.0:8443 --tls-cert cert.pem --tls-key key.pem`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if (cert == "") != (key == "") {
				return rinca.Errorf(rinca.Usage, "--tls-cert and --tls-key belong together")
			}
			return a.serveConnect(cmd.Context(), serveFlags{listen, cert, key, inline << 10})
		},
	}
	f := c.Flags()
	f.StringVar(&listen, "listen", "127.0.0.1:8080", "`ADDRESS` to listen on")
	f.StringVar(&cert, "tls-cert", "", "`FILE` with the certificate chain")
	f.StringVar(&key, "tls-key", "", "`FILE` with the certificate's key")
	f.Int64Var(&inline, "max-inline-file-size", 100, "`KB` up to which files are put into JSON answers")
	return c
}

type serveFlags struct {
	listen, cert, key string
	inline            int64
}

func (a *app) serveConnect(ctx context.Context, f serveFlags) error {
	log, err := a.logger("info")
	if err != nil {
		return err
	}
	db, err := a.openEmbedded(ctx)
	if err != nil {
		return err
	}
	defer db.Close()
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", f.listen)
	if err != nil {
		return rinca.Errorf(rinca.Unavailable, "listen on %s: %w", f.listen, err).Try("ss -ltnp   # who has the port; or another --listen")
	}
	api := connectapi.New(connectapi.Config{DB: db, Log: log, MaxInline: f.inline})
	defer api.Close()
	srv := &http.Server{
		Handler: api, ReadHeaderTimeout: 10 * time.Second, ReadTimeout: time.Minute, WriteTimeout: 5 * time.Minute,
		IdleTimeout: 2 * time.Minute, MaxHeaderBytes: 64 << 10, ErrorLog: slog.NewLogLogger(log.Handler(), slog.LevelDebug),
	}
	scheme := "http"
	serve := srv.Serve
	if f.cert != "" {
		scheme = "https"
		serve = func(l net.Listener) error { return srv.ServeTLS(l, f.cert, f.key) }
	}
	if !a.quiet {
		fmt.Fprintf(a.Stderr, "Serving the Connect API on %s://%s\n", scheme, l.Addr())
	}
	// Requests under way get ten seconds to end.
	stopped := context.AfterFunc(ctx, func() {
		bounded, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
		defer cancel()
		_ = srv.Shutdown(bounded)
	})
	defer stopped()
	if err := serve(l); !errors.Is(err, http.ErrServerClosed) {
		return rinca.Errorf(rinca.Unavailable, "serve: %w", err)
	}
	return nil
}
