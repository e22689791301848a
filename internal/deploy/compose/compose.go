// Package compose deploys projects on a Docker Engine as docker compose
// does, with Compose's own library in this process. It reads nothing of this
// process's environment, home or working directory into a project; it plans by
// Compose's config hash and by keyed digests of everything that hash does not
// cover; it touches only the services that differ.
package compose

import (
	"context"
	"crypto/tls"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/compose-spec/compose-go/v2/dotenv"
	"github.com/moby/moby/client"
	"github.com/sirupsen/logrus"

	"rinca/internal/rinca"
)

// Version is the version of Compose whose behaviour this is.
const Version = "5.6.0"

// quick is how long an engine may take for a small question. A longer silence
// is an engine that hangs.
const quick = 20 * time.Second

// Config says which engine is meant.
type Config struct {
	Server rinca.Server
	// Home is where ~/.ssh is looked for when the server brings no key or no
	// known hosts; "" means nowhere.
	Home string
	// AuthSock is the socket of an SSH agent; "" means none.
	AuthSock string
}

// Engine is a Docker Engine. It connects when it is first used, and again
// when a connection breaks.
type Engine struct {
	name   string
	dial   dialer
	local  bool // its files and ports are ours
	client *client.Client
	// lastDial is the last failure to connect, which the client does not tell.
	lastDial *atomic.Pointer[error]
	root     *engineRoot
	glance   *glance // nil: the engine is asked whenever something is needed
}

var _ rinca.Engine = (*Engine)(nil)

// A dialer opens connections to an engine.
type dialer interface {
	dial(ctx context.Context) (net.Conn, error)
	close() error
}

var prepare = sync.OnceFunc(func() {
	// Compose's commands register this format; the library alone lacks it.
	dotenv.RegisterFormat("raw", rawFormat)
	// The library warns on this process's standard error, also with values.
	// What a person should know goes through Project.Warn.
	logrus.SetLevel(logrus.PanicLevel)
})

// Open returns the engine at the server's address. It does not connect yet.
// An address or a key that cannot be used is an error Invalid.
func Open(_ context.Context, c Config) (*Engine, error) {
	prepare()
	d, err := newDialer(c)
	if err != nil {
		return nil, err
	}
	_, local := d.(unixDialer)
	e := &Engine{name: c.Server.Name, dial: d, local: local, lastDial: &atomic.Pointer[error]{}, root: &engineRoot{}}
	transport := &http.Transport{
		MaxIdleConns: 16, MaxIdleConnsPerHost: 16, IdleConnTimeout: time.Minute,
		// Without this, a copy of it would look like one with TLS to the client.
		TLSNextProto: map[string]func(string, *tls.Conn) http.RoundTripper{},
	}
	e.client, err = client.New(
		client.WithHTTPClient(&http.Client{Transport: transport, CheckRedirect: client.CheckRedirect}),
		// Wherever the engine is, the client takes it for a local one: so it
		// asks no proxy of this process's environment, and compresses nothing.
		client.WithScheme("http"), client.WithHost("unix:///engine"),
		client.WithDialContext(func(ctx context.Context, _, _ string) (net.Conn, error) {
			conn, err := d.dial(ctx)
			if err != nil {
				e.lastDial.Store(&err)
			}
			return conn, err
		}),
		client.WithUserAgent("rinca"),
	)
	if err != nil {
		return nil, rinca.Errorf(rinca.Internal, "make client: %w", err)
	}
	return e, nil
}

// Close ends connections.
func (e *Engine) Close() error {
	_ = e.client.Close()
	return e.dial.close()
}

// Info asks the engine who it is.
func (e *Engine) Info(ctx context.Context) (rinca.EngineInfo, error) {
	ctx, cancel := context.WithTimeout(ctx, quick)
	defer cancel()
	res, err := e.client.Info(ctx, client.InfoOptions{})
	if err != nil {
		return rinca.EngineInfo{}, e.fault(ctx, "ask engine", err)
	}
	return rinca.EngineInfo{
		Version:    res.Info.ServerVersion,
		APIVersion: e.client.ClientVersion(),
		OS:         res.Info.OperatingSystem,
		Containers: res.Info.Containers,
	}, nil
}
