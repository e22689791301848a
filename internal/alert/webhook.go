package alert

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"syscall"
	"time"

	"rinca/internal/rinca"
)

const maxAnswer = 4 << 10 // bytes that are read of an answer

// do sends a request and says what is wrong with the answer.
func (t target) do(req *http.Request) error {
	transport := &http.Transport{
		Proxy:             http.ProxyFromEnvironment,
		TLSClientConfig:   &tls.Config{MinVersion: tls.VersionTLS12},
		DisableKeepAlives: true, MaxResponseHeaderBytes: 64 << 10,
	}
	client := &http.Client{Transport: transport, CheckRedirect: sameHost} // the request has a timeout
	req.Header.Set("User-Agent", "rinca")
	resp, err := client.Do(req)
	if err != nil {
		return unreached(err)
	}
	defer resp.Body.Close()
	body, _ := io.ReadAll(io.LimitReader(resp.Body, maxAnswer)) // an answer that breaks off is one, too
	if resp.StatusCode < 300 {
		return nil
	}
	said := cut(strings.TrimSpace(t.hide(oneLine(string(body)))), 200)
	if said != "" {
		said = ": " + said
	}
	f := failure{err: rinca.Errorf(rinca.Unavailable, "the endpoint answered %d %s%s", resp.StatusCode, http.StatusText(resp.StatusCode), said)}
	switch resp.StatusCode {
	case http.StatusBadRequest, http.StatusRequestEntityTooLarge, http.StatusUnsupportedMediaType, http.StatusUnprocessableEntity:
		f.refused = true
	case http.StatusTooManyRequests, http.StatusServiceUnavailable:
		f.after = after(resp.Header.Get("Retry-After"))
	case http.StatusUnauthorized, http.StatusForbidden, http.StatusNotFound, http.StatusGone:
		f.err = f.err.Try("is its address still right? Set it again: rinca alerter set NAME --url-file FILE")
	}
	return f
}

// after reads how many seconds an endpoint wants to be left alone.
func after(text string) time.Duration {
	seconds, err := strconv.ParseFloat(text, 64)
	if err != nil || !(seconds > 0) {
		return 0
	}
	return time.Duration(min(seconds, longWait.Seconds()) * float64(time.Second))
}

var errElsewhere = errors.New("the endpoint redirects elsewhere")

// sameHost follows redirects within one host: the address is a secret, and
// would be told to others.
func sameHost(req *http.Request, via []*http.Request) error {
	if len(via) >= 3 || req.URL.Host != via[0].URL.Host || req.URL.Scheme != via[0].URL.Scheme {
		return errElsewhere
	}
	return nil
}

// unreached says why there was no answer, without the address.
func unreached(err error) error {
	var why string
	var dns *net.DNSError
	var errno syscall.Errno
	var unknown x509.UnknownAuthorityError
	var host x509.HostnameError
	var invalid x509.CertificateInvalidError
	var timeout net.Error
	switch {
	case errors.Is(err, errElsewhere):
		return failure{err: rinca.Errorf(rinca.Unavailable, "%w to another host; alerts are not sent there", errElsewhere).Try("use the address that it redirects to")}
	case errors.As(err, &dns):
		why = "its name cannot be found"
	case errors.Is(err, context.DeadlineExceeded), errors.As(err, &timeout) && timeout.Timeout():
		why = "it did not answer in time"
	case errors.As(err, &unknown):
		why = "its certificate is signed by nobody that is known here"
	case errors.As(err, &host):
		why = "its certificate is for another host"
	case errors.As(err, &invalid):
		why = "its certificate is not valid"
	case errors.As(err, &errno):
		why = errno.Error()
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		why = "it broke the connection off"
	case errors.Is(err, context.Canceled):
		why = "it was stopped"
	default:
		why = "it does not speak HTTP as it should"
		if wrapped, ok := errors.AsType[*url.Error](err); ok && strings.Contains(wrapped.Err.Error(), "tls:") {
			why = "it does not speak TLS as it should"
		}
	}
	return failure{err: rinca.Errorf(rinca.Unavailable, "the endpoint cannot be reached: %s", why)}
}
