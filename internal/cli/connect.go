package cli

import (
	"context"
	"crypto/tls"
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
			return a.serveConnect(cmd.Context(), connectFlags{listen, cert, key, inline << 10})
		},
	}
	f := c.Flags()
	f.StringVar(&listen, "listen", "127.0.0.1:8080", "`ADDRESS` to listen on")
	f.StringVar(&cert, "tls-cert", "", "`FILE` with the certificate chain")
	f.StringVar(&key, "tls-key", "", "`FILE` with the certificate's key")
	f.Int64Var(&inline, "max-inline-file-size", 100, "`KB` up to which files are put into JSON answers")
	return c
}

type connectFlags struct {
	listen, cert, key string
	inline            int64
}

func (a *app) serveConnect(ctx context.Context, f connectFlags) error {
	log, err := a.logger("info")
	if err != nil {
		return err
	}
	db, err := a.openEmbedded(ctx)
	if err != nil {
		return err
	}
	defer db.Close()
	srv := newHTTPServer(log)
	scheme := "http"
	if f.cert != "" {
		pair, err := tls.LoadX509KeyPair(f.cert, f.key)
		if err != nil {
			return rinca.Errorf(rinca.Usage, "read the certificate: %w", err).Try("--tls-cert is the chain in PEM, the server's first; --tls-key is its key")
		}
		scheme, srv.TLSConfig = "https", &tls.Config{Certificates: []tls.Certificate{pair}, MinVersion: tls.VersionTLS12}
	}
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", f.listen)
	if err != nil {
		return rinca.Errorf(rinca.Unavailable, "listen on %s: %w", f.listen, err).Try("ss -ltnp   # who has the port; or another --listen")
	}
	api := connectapi.New(connectapi.Config{DB: db, Log: log, MaxInline: f.inline})
	defer api.Close()
	srv.Handler = api
	if !a.quiet {
		fmt.Fprintf(a.Stderr, "Serving the Connect API on %s://%s\n", scheme, l.Addr())
	}
	if addr, ok := l.Addr().(*net.TCPAddr); ok && scheme == "http" && !addr.IP.IsLoopback() {
		log.Warn("secrets leave this machine without TLS; give --tls-cert and --tls-key, unless the network is private")
	}
	return serveUntil(ctx, srv, l)
}

func newHTTPServer(log *slog.Logger) *http.Server {
	return &http.Server{
		ReadHeaderTimeout: 10 * time.Second, ReadTimeout: time.Minute, WriteTimeout: 5 * time.Minute,
		IdleTimeout: 2 * time.Minute, MaxHeaderBytes: 64 << 10, ErrorLog: slog.NewLogLogger(log.Handler(), slog.LevelDebug),
	}
}

// serveUntil serves until ctx ends. Requests that are under way then get ten
// seconds to end, and it returns after the last of them.
func serveUntil(ctx context.Context, srv *http.Server, l net.Listener) error {
	drained := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		defer close(drained)
		bounded, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
		defer cancel()
		if srv.Shutdown(bounded) != nil {
			_ = srv.Close()
		}
	})
	serve := srv.Serve
	if srv.TLSConfig != nil {
		serve = func(l net.Listener) error { return srv.ServeTLS(l, "", "") }
	}
	if err := serve(l); !errors.Is(err, http.ErrServerClosed) {
		stop()
		return rinca.Errorf(rinca.Unavailable, "serve: %w", err)
	}
	<-drained
	return nil
}
