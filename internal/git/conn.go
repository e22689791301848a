package git

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"os"
	"syscall"
	"time"

	"rinca/internal/rinca"
)

// A patientConn ends a read or write that waits too long.
type patientConn struct {
	net.Conn
	stall time.Duration
}

func (c *patientConn) Read(p []byte) (int, error) {
	if err := c.SetReadDeadline(time.Now().Add(c.stall)); err != nil {
		return 0, err
	}
	return c.Conn.Read(p)
}

func (c *patientConn) Write(p []byte) (int, error) {
	if err := c.SetWriteDeadline(time.Now().Add(c.stall)); err != nil {
		return 0, err
	}
	return c.Conn.Write(p)
}

// connect opens a connection that does not wait for ever.
func (m *Mirrors) connect(ctx context.Context, network, addr string) (net.Conn, error) {
	d := net.Dialer{Timeout: min(m.stall(), 20*time.Second)}
	c, err := d.DialContext(ctx, network, addr)
	if err != nil {
		return nil, err
	}
	return &patientConn{Conn: c, stall: m.stall()}, nil
}

// unreachable says why a host did not answer.
func unreachable(ctx context.Context, a address, err error) error {
	if ctx.Err() != nil {
		return ended(ctx)
	}
	if e, ok := errors.AsType[*rinca.Error](err); ok {
		return e
	}
	why, hint := "the connection was cut off", "try again; look at the network between here and there"
	_, isUnknown := errors.AsType[x509.UnknownAuthorityError](err)
	dns, isDNS := errors.AsType[*net.DNSError](err)
	cert, isCert := errors.AsType[*tls.CertificateVerificationError](err)
	switch {
	case isDNS && dns.IsNotFound:
		why, hint = "there is no such host", "check the URL, and the DNS of this machine"
	case isDNS:
		why, hint = "its name could not be looked up", "check the DNS of this machine"
	case isUnknown:
		why, hint = "its certificate is signed by nobody this machine knows", "give the Git account the CA that signed it"
	case isCert:
		why, hint = clean(cert.Error()), "check the URL and the certificate"
	case errors.Is(err, syscall.ECONNREFUSED):
		why, hint = "connection refused", "check the URL and that the server runs"
	case errors.Is(err, os.ErrDeadlineExceeded):
		why = "it says nothing"
	case errors.Is(err, syscall.EHOSTUNREACH), errors.Is(err, syscall.ENETUNREACH):
		why = "no route to it"
	}
	return rinca.Errorf(rinca.Unavailable, "reach %s: %s", a.host, why).Try("%s", hint).Because(err)
}
