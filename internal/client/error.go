package client

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"syscall"
	"unicode"

	"rinca/internal/rinca"
)

// envelope is how the server answers with an error.
type envelope struct {
	Error struct {
		Code    rinca.Code `json:"code"`
		Message string     `json:"message"`
		Hint    string     `json:"hint"`
	} `json:"error"`
}

func (e envelope) err() *rinca.Error {
	return &rinca.Error{Code: e.Error.Code, Message: clean(e.Error.Message), Hint: clean(e.Error.Hint)}
}

// clean keeps what comes from elsewhere from moving the cursor.
func clean(s string) string {
	return strings.Map(func(r rune) rune {
		if r != '\n' && r != '\t' && (unicode.IsControl(r) || unicode.In(r, unicode.Cf, unicode.Zl, unicode.Zp)) {
			return '\ufffd'
		}
		return r
	}, strings.ToValidUTF8(s, "\ufffd"))
}

// answered makes an error of an answer that is none of success.
func (c *Client) answered(resp *http.Response) error {
	data, _ := io.ReadAll(io.LimitReader(resp.Body, 1<<20))
	var e envelope
	if json.Unmarshal(data, &e) == nil && e.Error.Code != "" && e.Error.Message != "" {
		err := e.err()
		if err.Code == rinca.Unauthenticated && err.Hint == "" {
			_ = err.Try("rinca login")
		}
		return err
	}
	if at := resp.Header.Get("Location"); at != "" && resp.StatusCode < 400 {
		return rinca.Errorf(rinca.Unavailable, "%s redirects to %s", c.base, clean(shown(at))).Try("RINCA_HOST with the address that it redirects to, if that is right")
	}
	return rinca.Errorf(codeOf(resp.StatusCode), "%s answers %s, and not as Rinca does", c.base, clean(resp.Status)).
		Try("check RINCA_HOST, and what stands between here and the server")
}

// codeOf is for answers of somebody else, such as a reverse proxy.
func codeOf(status int) rinca.Code {
	switch status {
	case http.StatusUnauthorized:
		return rinca.Unauthenticated
	case http.StatusForbidden:
		return rinca.Forbidden
	case http.StatusNotFound:
		return rinca.NotFound
	case http.StatusTooManyRequests:
		return rinca.RateLimited
	}
	if status >= 500 || status < 400 {
		return rinca.Unavailable
	}
	return rinca.Invalid
}

// unreachable makes an error of a request without an answer.
func (c *Client) unreachable(ctx context.Context, err error) error {
	var dns *net.DNSError
	var unknown x509.UnknownAuthorityError
	var verify *tls.CertificateVerificationError
	var record tls.RecordHeaderError
	host := c.base.String()
	switch {
	case errors.Is(ctx.Err(), context.Canceled):
		return rinca.Errorf(rinca.Canceled, "canceled").Because(err)
	case errors.Is(err, syscall.ECONNREFUSED):
		return rinca.Errorf(rinca.Unavailable, "no server answers at %s", host).Because(err).
			Try("rinca serve   # or say where it is: RINCA_HOST, or rinca login")
	case errors.As(err, &dns):
		return rinca.Errorf(rinca.Unavailable, "the host name in %s is not known", host).Because(err).Try("check RINCA_HOST, or the profile's host")
	case errors.As(err, &unknown):
		return rinca.Errorf(rinca.Unavailable, "the certificate of %s comes from an authority that is not trusted here", host).Because(err).
			Try("RINCA_CA_FILE=/path/to/ca.pem, if it is your own")
	case errors.As(err, &verify):
		return rinca.Errorf(rinca.Unavailable, "the certificate of %s is not good: %s", host, clean(verify.Err.Error())).Because(err)
	case errors.As(err, &record), strings.Contains(err.Error(), "HTTP response to HTTPS client"):
		return rinca.Errorf(rinca.Unavailable, "%s does not speak TLS", host).Because(err).Try("RINCA_HOST=http://%s", c.base.Host)
	case errors.Is(err, context.DeadlineExceeded), errors.Is(ctx.Err(), context.DeadlineExceeded):
		return rinca.Errorf(rinca.Unavailable, "%s did not answer in time", host).Because(err).Try("curl %s/healthz", host)
	}
	return rinca.Errorf(rinca.Unavailable, "the connection to %s broke", host).Because(err).Try("curl %s/healthz", host)
}

// isRefused reports whether nobody listened: what was asked was not received.
func isRefused(err error) bool { return errors.Is(err, syscall.ECONNREFUSED) }
