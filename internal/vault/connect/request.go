package connect

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"strconv"
	"strings"
	"time"

	"rinca/internal/rinca"
)

const (
	attempts  = 4
	firstWait = 200 * time.Millisecond
	maxWait   = 10 * time.Second
	// maxBody bounds an answer: larger than any vault's list or file, small
	// enough that an endless one does not take the machine.
	maxBody  = 96 << 20
	maxError = 64 << 10
)

// A call is one request of the API.
type call struct {
	what   string // for errors: "get item x"
	method string
	path   string
	body   any // nil, or what is sent as JSON
}

// do sends a call, again where that can help, and decodes the answer into
// out: nil for none, *rinca.Secret for raw content, else JSON.
func (p *Provider) do(ctx context.Context, c call, out any) error {
	var body []byte
	if c.body != nil {
		var err error
		if body, err = json.Marshal(c.body); err != nil {
			return fmt.Errorf("encode the request: %w", err)
		}
	}
	for n := 1; ; n++ {
		err := p.once(ctx, c, body, out)
		var f *failure
		if err == nil || !errors.As(err, &f) {
			return err
		}
		if ctx.Err() != nil {
			return rinca.Errorf(rinca.Canceled, "%s: %w", c.what, context.Cause(ctx))
		}
		if n == attempts || !f.again(c.method, n) {
			return f.final(c.what, n)
		}
		if err := p.cfg.Sleep(ctx, f.wait(n)); err != nil {
			return rinca.Errorf(rinca.Canceled, "%s: %w", c.what, err)
		}
	}
}

func (p *Provider) once(ctx context.Context, c call, body []byte, out any) error {
	ctx, cancel := context.WithTimeout(ctx, p.cfg.Timeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, c.method, p.base.String()+c.path, bytes.NewReader(body))
	if err != nil {
		return fmt.Errorf("make the request: %w", err)
	}
	req.Header.Set("Authorization", "Bearer "+p.cfg.Token.Reveal())
	req.Header.Set("User-Agent", "rinca/"+p.cfg.Version)
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	if p.gate != nil {
		if err := p.gate(1); err != nil {
			return err
		}
	}
	p.requests.Add(1)
	resp, err := p.cfg.HTTP.Do(req)
	if err != nil {
		return &failure{host: p.base.Host, cause: err}
	}
	defer resp.Body.Close()
	if resp.StatusCode >= 300 {
		return p.refused(resp)
	}
	return p.decode(resp, out)
}

func (p *Provider) decode(resp *http.Response, out any) error {
	if out == nil {
		return nil
	}
	data, err := io.ReadAll(io.LimitReader(resp.Body, maxBody+1))
	if err != nil {
		return &failure{host: p.base.Host, cause: err}
	}
	if len(data) > maxBody {
		return rinca.Errorf(rinca.Unavailable, "the Connect server %s answers with more than %d MB", p.base.Host, maxBody>>20).Try("is OP_CONNECT_HOST right?")
	}
	if s, ok := out.(*rinca.Secret); ok {
		*s = rinca.NewSecret(string(data))
		return nil
	}
	if json.Unmarshal(data, out) != nil { // its error would quote the answer, and so a value
		if bytes.HasPrefix(bytes.TrimSpace(data), []byte("<")) {
			return rinca.Errorf(rinca.Unavailable, "%s answers with a web page: it is not a Connect server", p.base.Host).Try("is OP_CONNECT_HOST right?")
		}
		return &failure{host: p.base.Host, cause: errors.New("the answer is not whole JSON")}
	}
	return nil
}

// refused turns an error status into a failure. Of the body only the message
// of Connect's own error form is used.
func (p *Provider) refused(resp *http.Response) error {
	data, _ := io.ReadAll(io.LimitReader(resp.Body, maxError))
	var e struct {
		Message string `json:"message"`
	}
	_ = json.Unmarshal(data, &e)
	f := &failure{host: p.base.Host, status: resp.StatusCode, message: clean(e.Message)}
	if s, err := strconv.Atoi(resp.Header.Get("Retry-After")); err == nil && s >= 0 {
		f.retryAfter, f.hasRetryAfter = time.Duration(s)*time.Second, true
	}
	return f
}

func clean(s string) string {
	s = strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(s, "?"))
	if len(s) > 200 {
		s = s[:200] + "…"
	}
	return s
}

// A failure is one attempt that did not work.
type failure struct {
	host          string
	status        int   // 0: no answer
	cause         error // why there was none
	message       string
	retryAfter    time.Duration
	hasRetryAfter bool
}

func (f *failure) Error() string {
	if f.status != 0 {
		return fmt.Sprintf("status %d", f.status)
	}
	return f.cause.Error()
}

// again reports whether another attempt can help and cannot harm. n attempts
// were made.
func (f *failure) again(method string, n int) bool {
	switch {
	case f.status == http.StatusTooManyRequests:
		return f.retryAfter <= maxWait
	case f.status == http.StatusServiceUnavailable:
		return true
	case f.status == http.StatusForbidden:
		// Connect answers so for a moment while it syncs a vault.
		return method == http.MethodGet && n < 3 && strings.HasPrefix(f.message, "Authorization")
	case f.status >= 500, f.status == 0:
		return method == http.MethodGet // a write may have happened
	}
	return false
}

func (f *failure) wait(n int) time.Duration {
	if f.hasRetryAfter {
		return f.retryAfter
	}
	d := min(firstWait<<(n-1), maxWait)
	return d/2 + rand.N(d) //nolint:gosec // jitter, not a secret
}

// final is the one error that a person sees.
func (f *failure) final(what string, tries int) error {
	after := ""
	if tries > 1 {
		after = fmt.Sprintf(" (%d tries)", tries)
	}
	said := ""
	if f.message != "" {
		said = ": " + f.message
	}
	switch {
	case f.status == http.StatusUnauthorized:
		return rinca.Errorf(rinca.Unauthenticated, "%s: OP_CONNECT_TOKEN invalid or expired%s", what, said).
			Try("create a new token (op connect token create, or rinca connect token create NAME --vault VAULT,r) and set OP_CONNECT_TOKEN to it")
	case f.status == http.StatusForbidden:
		return rinca.Errorf(rinca.Forbidden, "%s: the token has no right to that%s", what, said).
			Try("create a token with the right: rinca connect token create NAME --vault VAULT,rw")
	case f.status == http.StatusNotFound:
		return rinca.Errorf(rinca.NotFound, "%s: not found%s", what, said)
	case f.status == http.StatusTooManyRequests:
		hint := "wait, then repeat; --max-requests keeps below a limit"
		if f.retryAfter > 0 {
			hint = fmt.Sprintf("repeat in %s", f.retryAfter)
		}
		return rinca.Errorf(rinca.RateLimited, "%s: too many requests%s%s", what, after, said).Try("%s", hint)
	case f.status >= 500:
		return rinca.Errorf(rinca.Unavailable, "%s: the Connect server %s answers with status %d%s%s", what, f.host, f.status, after, said).
			Try("curl http://%s/health", f.host)
	case f.status >= 300 && f.status < 400:
		return rinca.Errorf(rinca.Unavailable, "%s: %s sends us elsewhere (status %d), and the token stays here", what, f.host, f.status).
			Try("set OP_CONNECT_HOST to the final address")
	case f.status != 0:
		return rinca.Errorf(rinca.Invalid, "%s: the Connect server refuses (status %d)%s", what, f.status, said)
	}
	return rinca.Errorf(rinca.Unavailable, "%s: no answer from the Connect server %s%s: %s", what, f.host, after, reason(f.cause)).
		Because(f.cause).Try("is it running, and is OP_CONNECT_HOST right? curl http://%s/heartbeat", f.host)
}

// reason is the innermost text of a network error: the outer ones repeat the
// address.
func reason(err error) string {
	if errors.Is(err, context.DeadlineExceeded) {
		return "silence"
	}
	for {
		inner := errors.Unwrap(err)
		if inner == nil {
			return err.Error()
		}
		err = inner
	}
}
