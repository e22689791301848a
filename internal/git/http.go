package git

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/go-git/go-git/v5/plumbing/protocol/packp"

	"rinca/internal/rinca"
)

const (
	refsPath  = "/info/refs"
	maxAdvert = 128 << 20
)

// An httpRemote speaks Git's protocol over HTTP.
type httpRemote struct {
	m      *Mirrors
	a      address
	client *http.Client
	base   string // where the repository is; a redirect may have moved it
	ad     *advert
	token  bool // whether there is one
}

func (m *Mirrors) newHTTP(a address, account *rinca.GitAccount) (remote, error) {
	config := &tls.Config{MinVersion: tls.VersionTLS12}
	if account != nil && account.CA != "" {
		pool, err := x509.SystemCertPool()
		if err != nil {
			pool = x509.NewCertPool()
		}
		if !pool.AppendCertsFromPEM([]byte(account.CA)) {
			return nil, rinca.Errorf(rinca.Invalid, "the CA of the Git account %s holds no certificate", account.Name).Try("give it PEM text: -----BEGIN CERTIFICATE-----")
		}
		config.RootCAs = pool
	}
	transport := &http.Transport{
		Proxy:               http.ProxyFromEnvironment,
		DialContext:         m.connect,
		TLSClientConfig:     config,
		TLSHandshakeTimeout: min(m.stall(), 20*time.Second),
		DisableCompression:  true, // packs are compressed, and a bomb is not wanted
	}
	h := &httpRemote{m: m, a: a, base: a.text}
	trip := &credentialed{next: transport, scheme: a.scheme, host: a.host}
	if account != nil && account.Token.IsSet() {
		user := account.Username
		if user == "" {
			user = "git"
		}
		trip.header = rinca.NewSecret("Basic " + base64.StdEncoding.EncodeToString([]byte(user+":"+account.Token.Reveal())))
		h.token = true
	}
	h.client = &http.Client{Transport: trip, CheckRedirect: checkRedirect}
	return h, nil
}

// A credentialed sends the credential to the one host that it is for, and to
// no other, whatever redirects say.
type credentialed struct {
	next         *http.Transport
	scheme, host string
	header       rinca.Secret
}

// RoundTrip implements http.RoundTripper.
func (c *credentialed) RoundTrip(req *http.Request) (*http.Response, error) {
	req = req.Clone(req.Context())
	req.Header.Del("Authorization")
	if c.header.IsSet() && req.URL.Scheme == c.scheme && strings.EqualFold(req.URL.Host, c.host) {
		req.Header.Set("Authorization", c.header.Reveal())
	}
	return c.next.RoundTrip(req)
}

// checkRedirect follows redirects of the first question only, as Git does, and
// never to something less safe.
func checkRedirect(req *http.Request, via []*http.Request) error {
	switch {
	case len(via) > 5:
		return rinca.Errorf(rinca.Unavailable, "%s redirects without end", via[0].URL.Host)
	case req.Method != http.MethodGet || !strings.HasSuffix(req.URL.Path, refsPath):
		return rinca.Errorf(rinca.Unavailable, "%s redirects to something that is no repository", via[0].URL.Host).Try("check the URL")
	case req.URL.Scheme != "https" && (req.URL.Scheme != "http" || via[0].URL.Scheme == "https"):
		return rinca.Errorf(rinca.Unavailable, "%s redirects to %s://, which is not safe", via[0].URL.Host, req.URL.Scheme)
	case req.URL.User != nil:
		return rinca.Errorf(rinca.Unavailable, "%s redirects to a URL with a credential", via[0].URL.Host)
	}
	return nil
}

func (h *httpRemote) close() { h.client.CloseIdleConnections() }

func (h *httpRemote) refs(ctx context.Context) (*advert, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, h.base+refsPath+"?service=git-upload-pack", nil)
	if err != nil {
		return nil, rinca.Errorf(rinca.Invalid, "the repository's URL cannot be used").Because(err)
	}
	res, err := h.do(req)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	if kind := res.Header.Get("Content-Type"); kind != "application/x-git-upload-pack-advertisement" {
		return nil, rinca.Errorf(rinca.NotFound, "%s is no Git repository: it answers with %q", h.a.text, clean(kind)).Try("check the URL")
	}
	final := *res.Request.URL
	final.RawQuery = ""
	h.base = strings.TrimSuffix(final.String(), refsPath)
	adv := packp.NewAdvRefs()
	body := &watched{r: io.LimitReader(res.Body, maxAdvert)}
	err = adv.Decode(body)
	if body.err != nil {
		return nil, unreachable(ctx, h.a, body.err)
	}
	if err != nil && !errors.Is(err, packp.ErrEmptyAdvRefs) {
		return nil, answer(err)
	}
	h.ad = readAdvert(adv)
	return h.ad, nil
}

func (h *httpRemote) get(ctx context.Context, w want, to *mirror) error {
	haves := to.haves()
	if len(haves) > maxHaves {
		haves = haves[:maxHaves]
	}
	if w.full {
		haves = nil
	}
	ask, body, err := request(w, h.ad, haves)
	if err != nil {
		return rinca.Errorf(rinca.Internal, "write a request to a Git server: %w", err)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, h.base+"/git-upload-pack", bytes.NewReader(body))
	if err != nil {
		return rinca.Errorf(rinca.Invalid, "the repository's URL cannot be used").Because(err)
	}
	req.Header.Set("Content-Type", "application/x-git-upload-pack-request")
	req.Header.Set("Accept", "application/x-git-upload-pack-result")
	res, err := h.do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	if kind := res.Header.Get("Content-Type"); kind != "application/x-git-upload-pack-result" {
		return rinca.Errorf(rinca.Unavailable, "%s answers with %q, and not with a pack", h.a.text, clean(kind))
	}
	in := &watched{r: res.Body}
	err = receive(ctx, in, ask, w, to)
	if in.err != nil {
		return unreachable(ctx, h.a, in.err)
	}
	return err
}

// A watched remembers why reading failed.
type watched struct {
	r   io.Reader
	err error
}

// Read implements io.Reader.
func (w *watched) Read(p []byte) (int, error) {
	n, err := w.r.Read(p)
	if err != nil && !errors.Is(err, io.EOF) && w.err == nil {
		w.err = err
	}
	return n, err
}

// do sends a request and turns every answer but 200 into an error.
func (h *httpRemote) do(req *http.Request) (*http.Response, error) {
	req.Header.Set("User-Agent", "git/2 ("+agent+")") // some servers look for git/
	res, err := h.client.Do(req)
	if err != nil {
		var u *url.Error
		if errors.As(err, &u) {
			err = u.Err
		}
		return nil, unreachable(req.Context(), h.a, err)
	}
	if res.StatusCode == http.StatusOK {
		return res, nil
	}
	res.Body.Close()
	return nil, h.refused(res)
}

// refused says what a status means.
func (h *httpRemote) refused(res *http.Response) error {
	switch code := res.StatusCode; {
	case code == http.StatusUnauthorized && !h.token:
		return rinca.Errorf(rinca.Unauthenticated, "%s wants a credential, or does not exist", h.a.text).
			Try("rinca git account add NAME --host %s, and name it in the stack's source", h.a.host)
	case code == http.StatusUnauthorized:
		return rinca.Errorf(rinca.Unauthenticated, "%s refuses the token of the Git account %s", h.a.text, h.a.account).
			Try("make a new token that may read it: rinca git account set %s --token-file FILE", h.a.account)
	case code == http.StatusForbidden:
		return rinca.Errorf(rinca.Forbidden, "%s may not be read with this credential", h.a.text).Try("give the token the right to read it")
	case code == http.StatusNotFound, code == http.StatusGone:
		e := rinca.Errorf(rinca.NotFound, "%s does not exist", h.a.text)
		if h.token {
			return e.Try("or the token of %s may not see it; check the URL and the token", h.a.account)
		}
		return e.Try("check the URL; a private repository needs a Git account")
	case code == http.StatusTooManyRequests:
		return rinca.Errorf(rinca.RateLimited, "%s refuses: too many requests", h.a.host).Try("wait, then try again")
	default:
		return rinca.Errorf(rinca.Unavailable, "%s answers %d %s", h.a.host, code, http.StatusText(code)).Try("try again")
	}
}
