// Package client talks to a Rinca server: requests, the event stream, and
// logs. The command line uses nothing else.
package client

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"rinca/internal/rinca"
)

// DefaultHost is where a server listens when nothing else was said.
const DefaultHost = "http://127.0.0.1:9120"

// maxAnswer bounds what is read of one answer, in bytes.
const maxAnswer = 256 << 20

// Config says which server to talk to, and as whom.
type Config struct {
	Host string       // http:// or https://, perhaps with a path; "" means DefaultHost
	Key  rinca.Secret // an API key or the token of a session; not set: none is sent
	CA   []byte       // PEM certificates that are trusted beside the system's
	// Agent is what we call ourselves in requests; "" means "rinca".
	Agent string
	// Timeout bounds one request, streams excepted; 0 means a minute.
	Timeout time.Duration
	// Patience is how long a stream tries to get back to a server that went
	// away; 0 means two minutes.
	Patience time.Duration
	// Idle is how long a stream may be silent before it is opened anew; 0
	// means 45 seconds. Servers send something at least every 15.
	Idle time.Duration
}

// A Client sends requests to one server. It is safe for use by several
// goroutines. Every error is a *rinca.Error: the server's own code, message
// and hint where it gave them.
type Client struct {
	Config
	base *url.URL
	http *http.Client
}

// New checks the address and the certificates. It sends nothing. Errors have
// code Usage.
func New(c Config) (*Client, error) {
	if c.Host == "" {
		c.Host = DefaultHost
	}
	base, err := parseHost(c.Host)
	if err != nil {
		return nil, err
	}
	if strings.ContainsAny(c.Key.Reveal(), "\r\n\x00 ") {
		return nil, rinca.Errorf(rinca.Usage, "the API key holds a blank or a line break, as no key does").Try("copy it again; RINCA_API_KEY_FILE names a file that holds it")
	}
	if c.Agent == "" {
		c.Agent = "rinca"
	}
	c.Timeout = or(c.Timeout, time.Minute)
	c.Patience = or(c.Patience, 2*time.Minute)
	c.Idle = or(c.Idle, 45*time.Second)
	transport, ok := http.DefaultTransport.(*http.Transport)
	if !ok {
		transport = &http.Transport{}
	}
	transport = transport.Clone()
	if len(c.CA) > 0 {
		pool, err := x509.SystemCertPool()
		if err != nil {
			pool = x509.NewCertPool()
		}
		if !pool.AppendCertsFromPEM(c.CA) {
			return nil, rinca.Errorf(rinca.Usage, "the CA file holds no certificate in PEM").Try("a file that begins with -----BEGIN CERTIFICATE-----")
		}
		transport.TLSClientConfig = &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}
	}
	return &Client{Config: c, base: base, http: &http.Client{
		Transport: transport,
		// A redirect could carry the key elsewhere, and turns POST into GET.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}, nil
}

func or(d, otherwise time.Duration) time.Duration {
	if d == 0 {
		return otherwise
	}
	return d
}

func parseHost(host string) (*url.URL, error) {
	u, err := url.Parse(host)
	switch {
	case err != nil, u.Host == "", u.Scheme != "http" && u.Scheme != "https":
		return nil, rinca.Errorf(rinca.Usage, "%q is no address of a server", shown(host)).Try("RINCA_HOST=%s", DefaultHost)
	case u.User != nil:
		return nil, rinca.Errorf(rinca.Usage, "an address holds no user and no password").Try("RINCA_HOST=%s://%s, and RINCA_API_KEY for the key", u.Scheme, u.Host)
	case u.RawQuery != "" || u.Fragment != "":
		return nil, rinca.Errorf(rinca.Usage, "the address of a server ends before ? and #").Try("RINCA_HOST=%s://%s", u.Scheme, u.Host)
	}
	u.Path = strings.TrimRight(u.Path, "/")
	return u, nil
}

// shown cuts what follows an @ sign or a question mark could hide: an address
// that cannot be read may hold a password.
func shown(host string) string {
	if i := strings.LastIndexByte(host, '@'); i >= 0 {
		host = host[i+1:]
	}
	host, _, _ = strings.Cut(host, "?")
	if len(host) > 100 {
		host = host[:100] + "…"
	}
	return host
}

// Do sends in as JSON, unless it is nil, and decodes the answer into out,
// unless that is nil. path may hold a query; its elements are escaped by the
// caller (see Path).
func (c *Client) Do(ctx context.Context, method, path string, in, out any) error {
	_, err := c.do(ctx, method, path, nil, call{in, out})
	return err
}

// Create puts something where nothing is; something that is there is a
// Conflict.
func (c *Client) Create(ctx context.Context, path string, in, out any) error {
	_, err := c.do(ctx, http.MethodPut, path, http.Header{"If-None-Match": {"*"}}, call{in, out})
	return err
}

// Edit gets what is at path and puts what change makes of it. When somebody
// else changes it in between, it begins again, a few times; then it is a
// Conflict.
func Edit[T any](ctx context.Context, c *Client, path string, change func(T) (any, error), out any) error {
	const times = 4
	for i := 1; ; i++ {
		var now T
		seen, err := c.do(ctx, http.MethodGet, path, nil, call{nil, &now})
		if err != nil {
			return err
		}
		in, err := change(now)
		if err != nil {
			return err
		}
		header := http.Header{}
		if tag := seen.Get("ETag"); tag != "" {
			header.Set("If-Match", tag)
		}
		if _, err = c.do(ctx, http.MethodPut, path, header, call{in, out}); rinca.CodeOf(err) != rinca.Conflict || i == times {
			return err
		}
	}
}

// A call is what a request carries, and where its answer goes.
type call struct{ in, out any }

func (c *Client) do(ctx context.Context, method, path string, header http.Header, call call) (http.Header, error) {
	ctx, cancel := context.WithTimeout(ctx, c.Timeout)
	defer cancel()
	var body io.Reader
	if call.in != nil {
		data, err := json.Marshal(call.in)
		if err != nil {
			return nil, rinca.Errorf(rinca.Internal, "encode the request: %w", err)
		}
		body = bytes.NewReader(data)
	}
	req, err := c.request(ctx, method, path, body)
	if err != nil {
		return nil, err
	}
	if call.in != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	for k, v := range header {
		req.Header[k] = v
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return nil, c.unreachable(ctx, err)
	}
	defer resp.Body.Close()
	if resp.StatusCode >= 300 {
		return nil, c.answered(resp)
	}
	if call.out == nil || resp.StatusCode == http.StatusNoContent {
		return resp.Header, nil
	}
	data, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	if err != nil {
		return nil, c.unreachable(ctx, err)
	}
	if err := json.Unmarshal(data, call.out); err != nil {
		return nil, rinca.Errorf(rinca.Unavailable, "%s does not answer as Rinca does", c.base).Because(err).Try("check RINCA_HOST; `rinca version` tells ours, /v1/version the server's")
	}
	return resp.Header, nil
}

func (c *Client) request(ctx context.Context, method, path string, body io.Reader) (*http.Request, error) {
	req, err := http.NewRequestWithContext(ctx, method, c.base.String()+path, body)
	if err != nil {
		return nil, rinca.Errorf(rinca.Internal, "make the request: %w", err)
	}
	req.Header.Set("User-Agent", c.Agent)
	req.Header.Set("Accept", "application/json")
	if !c.Key.IsEmpty() {
		req.Header.Set("Authorization", "Bearer "+c.Key.Reveal())
	}
	return req, nil
}

// Path joins elements to a path, each escaped: Path("v1", "stacks", name).
func Path(elements ...string) string {
	var b strings.Builder
	for _, e := range elements {
		b.WriteString("/" + url.PathEscape(e))
	}
	return b.String()
}

// Submit asks for an execution. An answer that gets lost is asked for again,
// with the same idempotency key, so that nothing runs twice.
func (c *Client) Submit(ctx context.Context, e rinca.Execution) (rinca.Update, error) {
	header := http.Header{"Idempotency-Key": {rand.Text()}}
	wait := 200 * time.Millisecond
	for {
		var u rinca.Update
		_, err := c.do(ctx, http.MethodPost, "/v1/executions", header, call{e, &u})
		if rinca.CodeOf(err) != rinca.Unavailable || isRefused(err) || wait > 2*time.Second {
			return u, err
		}
		if pause(ctx, wait) != nil {
			return u, err
		}
		wait *= 2
	}
}

// pause waits, and returns the context's error if that ends before.
func pause(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-t.C:
		return nil
	}
}

var errStop = errors.New("stop")

// Stop is what the function that is given to Events or Lines returns to end
// the stream without an error.
func Stop() error { return errStop }
