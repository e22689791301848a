package compose

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"net"
	"net/url"
	"strings"
	"time"

	"rinca/internal/rinca"
)

const defaultSocket = "/var/run/docker.sock"

// newDialer reads an address.
func newDialer(c Config) (dialer, error) {
	address := c.Server.Address
	if address == "" {
		address = "unix://" + defaultSocket
	}
	hint := "unix:///path, ssh://user@host or tcp://host:2376"
	u, err := url.Parse(address)
	if err != nil {
		return nil, rinca.Errorf(rinca.Invalid, "the address of server %s is none", c.Server.Name).Try("%s", hint)
	}
	if _, set := u.User.Password(); set {
		return nil, rinca.Errorf(rinca.Invalid, "the address of server %s holds a password", c.Server.Name).
			Try("use a key: rinca server set %s --ssh-key FILE", c.Server.Name)
	}
	switch u.Scheme {
	case "unix":
		if !strings.HasPrefix(u.Path, "/") || u.Host != "" {
			return nil, rinca.Errorf(rinca.Invalid, "%q is no path of a socket", strings.TrimPrefix(address, "unix://")).Try("%s", hint)
		}
		return unixDialer{u.Path}, nil
	case "tcp":
		if u.Port() == "" || (u.Path != "" && u.Path != "/") {
			return nil, rinca.Errorf(rinca.Invalid, "%q has no port", address).Try("%s", hint)
		}
		return newTLSDialer(c, u)
	case "ssh":
		return newSSHDialer(c, u)
	}
	return nil, rinca.Errorf(rinca.Invalid, "%q is no address of a Docker Engine", address).Try("%s", hint)
}

type unixDialer struct{ path string }

func (d unixDialer) dial(ctx context.Context) (net.Conn, error) {
	var dialer net.Dialer
	return dialer.DialContext(ctx, "unix", d.path)
}

func (unixDialer) close() error { return nil }

type tlsDialer struct {
	address string
	config  *tls.Config
}

// newTLSDialer needs a CA or a client certificate: a Docker Engine that
// anybody can talk to gives its whole machine away.
func newTLSDialer(c Config, u *url.URL) (dialer, error) {
	config := &tls.Config{MinVersion: tls.VersionTLS12, ServerName: u.Hostname()}
	s := c.Server
	if s.CA == "" && s.Cert == "" {
		return nil, rinca.Errorf(rinca.Invalid, "server %s has no certificates; without TLS its engine is open to everybody", s.Name).
			Try("rinca server set %s --ca FILE --cert FILE --key FILE", s.Name)
	}
	if s.CA != "" {
		config.RootCAs = x509.NewCertPool()
		if !config.RootCAs.AppendCertsFromPEM([]byte(s.CA)) {
			return nil, rinca.Errorf(rinca.Invalid, "the CA of server %s holds no certificate", s.Name).Try("it is a PEM file, such as ca.pem")
		}
	}
	if s.Cert != "" {
		pair, err := tls.X509KeyPair([]byte(s.Cert), []byte(s.Key.Reveal()))
		if err != nil {
			return nil, rinca.Errorf(rinca.Invalid, "certificate and key of server %s do not fit together", s.Name).Because(err).
				Try("they are PEM files, such as cert.pem and key.pem")
		}
		config.Certificates = []tls.Certificate{pair}
	}
	return tlsDialer{u.Host, config}, nil
}

func (d tlsDialer) dial(ctx context.Context) (net.Conn, error) {
	dialer := tls.Dialer{NetDialer: &net.Dialer{KeepAlive: 30 * time.Second}, Config: d.config}
	return dialer.DialContext(ctx, "tcp", d.address)
}

func (tlsDialer) close() error { return nil }
