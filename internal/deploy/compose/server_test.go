package compose_test

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/binary"
	"encoding/pem"
	"fmt"
	"io"
	"math/big"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/knownhosts"

	"rinca/internal/deploy/compose"
	"rinca/internal/deploy/enginetest"
	"rinca/internal/rinca"
)

// pipe joins a connection with the engine's socket.
func pipe(conn io.ReadWriteCloser, socket string) {
	defer conn.Close()
	engine, err := net.Dial("unix", socket)
	if err != nil {
		return
	}
	defer engine.Close()
	var wait sync.WaitGroup
	wait.Go(func() {
		_, _ = io.Copy(engine, conn)
		_ = engine.(*net.UnixConn).CloseWrite()
	})
	_, _ = io.Copy(conn, engine)
	conn.Close()
	wait.Wait()
}

// An authority signs certificates.
type authority struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
	pem  string
}

func newAuthority(t *testing.T) authority {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "ca"}, NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return authority{cert, key, string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))}
}

func (a authority) sign(t *testing.T) (certPEM, keyPEM string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(2), NotAfter: time.Now().Add(time.Hour), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, a.cert, &key.PublicKey, a.key)
	if err != nil {
		t.Fatal(err)
	}
	keyDER, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})), string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: keyDER}))
}

// use deploys, changes and destroys a stack on a server, and reads its logs.
func use(t *testing.T, real *enginetest.Engine, server rinca.Server) {
	t.Helper()
	s := newStackOn(t, real, map[string]string{"compose.yaml": "services:\n  web: {image: IMAGE, stop_grace_period: 1s, environment: {V: \"${V:-1}\"}, configs: [{source: c, target: /etc/c}], post_start: [{command: [/bin/app, print]}]}\nconfigs: {c: {content: x}}\n"})
	engine, err := compose.Open(t.Context(), compose.Config{Server: server})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { engine.Close() })
	s.engine = engine
	info, err := engine.Info(t.Context())
	if err != nil || info.Version == "" || info.APIVersion == "" || info.OS == "" {
		t.Fatalf("info: %+v, %v", info, err)
	}
	s.deploy()
	s.spec.Environment["V"] = rinca.NewSecret("2")
	if p := s.deploy(); summary(p) != "web recreate environment(V)" {
		t.Errorf("plan: %s", summary(p))
	}
	if err := s.load().Verify(t.Context(), rinca.Verify{Settle: rinca.Duration(time.Millisecond)}, nil); err != nil {
		t.Errorf("verify: %v", err)
	}
	lines := make(chan rinca.Line, 100)
	if err := engine.Logs(t.Context(), s.spec.Name, rinca.LogOptions{}, func(l rinca.Line) { lines <- l }); err != nil || len(lines) == 0 {
		t.Errorf("logs: %d lines, %v", len(lines), err)
	}
	var wait sync.WaitGroup
	for range 30 {
		wait.Go(func() {
			if _, err := engine.States(t.Context()); err != nil {
				t.Errorf("states: %v", err)
			}
		})
	}
	wait.Wait()
}

func TestServerOverTLS(t *testing.T) {
	t.Setenv("HTTP_PROXY", "http://127.0.0.1:1") // is not asked
	t.Setenv("HTTPS_PROXY", "http://127.0.0.1:1")
	real := enginetest.Start(t)
	ca, other := newAuthority(t), newAuthority(t)
	serverCert, serverKey := ca.sign(t)
	pair, err := tls.X509KeyPair([]byte(serverCert), []byte(serverKey))
	if err != nil {
		t.Fatal(err)
	}
	clients := x509.NewCertPool()
	clients.AddCert(ca.cert)
	listener, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{Certificates: []tls.Certificate{pair}, ClientCAs: clients, ClientAuth: tls.RequireAndVerifyClientCert})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() })
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			go pipe(conn, real.Socket)
		}
	}()
	cert, key := ca.sign(t)
	server := rinca.Server{Name: "far", Address: "tcp://" + listener.Addr().String(), CA: ca.pem, Cert: cert, Key: rinca.NewSecret(key)}
	use(t, real, server)

	strangerCert, strangerKey := other.sign(t)
	for name, c := range map[string]struct {
		change func(s *rinca.Server)
		code   rinca.Code
	}{
		"another CA":       {func(s *rinca.Server) { s.CA = other.pem }, rinca.Forbidden},
		"no certificate":   {func(s *rinca.Server) { s.Cert, s.Key = "", rinca.Secret{} }, rinca.Forbidden},
		"not its client":   {func(s *rinca.Server) { s.Cert, s.Key = strangerCert, rinca.NewSecret(strangerKey) }, rinca.Forbidden},
		"not TLS":          {func(s *rinca.Server) { s.Address = "tcp://" + plainListener(t) }, rinca.Unavailable},
		"nobody there":     {func(s *rinca.Server) { s.Address = "tcp://127.0.0.1:1" }, rinca.Unavailable},
		"no such host":     {func(s *rinca.Server) { s.Address = "tcp://no-such-host.invalid:2376" }, rinca.Unavailable},
		"another hostname": {func(s *rinca.Server) { s.Address = strings.Replace(s.Address, "127.0.0.1", "localhost", 1) }, rinca.Forbidden},
	} {
		bad := server
		c.change(&bad)
		e, err := compose.Open(t.Context(), compose.Config{Server: bad})
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		_, err = e.Info(t.Context())
		if rinca.CodeOf(err) != c.code || rinca.HintOf(err) == "" {
			t.Errorf("%s: %s %v (%s)", name, rinca.CodeOf(err), err, rinca.HintOf(err))
		}
		e.Close()
	}
}

func plainListener(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			fmt.Fprint(conn, "220 mail.example.org ESMTP\r\n")
			conn.Close()
		}
	}()
	return l.Addr().String()
}

// An sshHost is a host that has docker, as far as we can see.
type sshHost struct {
	t        *testing.T
	socket   string
	listener net.Listener
	config   *ssh.ServerConfig
	key      ssh.Signer
	sessions int // allowed on each connection
	conns    atomic.Int32
	mu       sync.Mutex
	open     []net.Conn
}

func newKey(t *testing.T) (ssh.Signer, string) {
	t.Helper()
	_, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	signer, err := ssh.NewSignerFromKey(private)
	if err != nil {
		t.Fatal(err)
	}
	block, err := ssh.MarshalPrivateKey(private, "")
	if err != nil {
		t.Fatal(err)
	}
	return signer, string(pem.EncodeToMemory(block))
}

func newSSHHost(t *testing.T, socket string, client ssh.PublicKey) *sshHost {
	t.Helper()
	key, _ := newKey(t)
	h := &sshHost{t: t, socket: socket, key: key, sessions: 4}
	h.config = &ssh.ServerConfig{PublicKeyCallback: func(_ ssh.ConnMetadata, k ssh.PublicKey) (*ssh.Permissions, error) {
		if string(k.Marshal()) != string(client.Marshal()) {
			return nil, fmt.Errorf("unknown key")
		}
		return nil, nil
	}}
	h.config.AddHostKey(key)
	// A key that the client does not know, of a kind that it likes better.
	better, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	signer, err := ssh.NewSignerFromKey(better)
	if err != nil {
		t.Fatal(err)
	}
	h.config.AddHostKey(signer)
	h.listener, err = net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { h.listener.Close(); h.cut() })
	go h.serve()
	return h
}

func (h *sshHost) serve() {
	for {
		conn, err := h.listener.Accept()
		if err != nil {
			return
		}
		h.mu.Lock()
		h.open = append(h.open, conn)
		h.mu.Unlock()
		go h.handle(conn)
	}
}

// cut breaks every connection.
func (h *sshHost) cut() {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, c := range h.open {
		c.Close()
	}
	h.open = nil
}

func (h *sshHost) handle(conn net.Conn) {
	_, channels, requests, err := ssh.NewServerConn(conn, h.config)
	if err != nil {
		return
	}
	h.conns.Add(1)
	go ssh.DiscardRequests(requests)
	var sessions atomic.Int32
	for c := range channels {
		switch c.ChannelType() {
		case "session":
			if int(sessions.Add(1)) > h.sessions {
				sessions.Add(-1)
				_ = c.Reject(ssh.ResourceShortage, "too many sessions")
				continue
			}
			channel, requests, err := c.Accept()
			if err != nil {
				return
			}
			go func() {
				defer sessions.Add(-1)
				h.session(channel, requests)
			}()
		case "direct-streamlocal@openssh.com":
			n := binary.BigEndian.Uint32(c.ExtraData())
			if path := string(c.ExtraData()[4 : 4+n]); path != "/var/run/elsewhere.sock" {
				_ = c.Reject(ssh.ConnectionFailed, "open failed")
				continue
			}
			channel, requests, err := c.Accept()
			if err != nil {
				return
			}
			go ssh.DiscardRequests(requests)
			go pipe(channel, h.socket)
		default:
			_ = c.Reject(ssh.UnknownChannelType, "no")
		}
	}
}

func (h *sshHost) session(channel ssh.Channel, requests <-chan *ssh.Request) {
	defer channel.Close()
	for r := range requests {
		if r.Type != "exec" || string(r.Payload[4:]) != "docker system dial-stdio" {
			_ = r.Reply(false, nil)
			continue
		}
		_ = r.Reply(true, nil)
		go ssh.DiscardRequests(requests)
		pipe(channel, h.socket)
		return
	}
}

func (h *sshHost) server(key string) rinca.Server {
	return rinca.Server{
		Name: "far", Address: "ssh://deploy@" + h.listener.Addr().String(), SSHKey: rinca.NewSecret(key),
		KnownHosts: knownhosts.Line([]string{h.listener.Addr().String()}, h.key.PublicKey()) + "\n",
	}
}

func TestServerOverSSH(t *testing.T) {
	real := enginetest.Start(t)
	client, key := newKey(t)
	host := newSSHHost(t, real.Socket, client.PublicKey())
	server := host.server(key)
	use(t, real, server)
	if n := host.conns.Load(); n < 2 {
		t.Errorf("%d connections, though a host allows few sessions on each", n)
	}
	server.Address += "/var/run/elsewhere.sock"
	use(t, real, server)
}

func TestServerOverSSHComesBack(t *testing.T) {
	real := enginetest.Start(t)
	client, key := newKey(t)
	host := newSSHHost(t, real.Socket, client.PublicKey())
	e, err := compose.Open(t.Context(), compose.Config{Server: host.server(key)})
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	for range 3 {
		if _, err := e.Info(t.Context()); err != nil {
			t.Fatal(err)
		}
		host.cut()
		time.Sleep(50 * time.Millisecond) // until it is noticed
	}
}

func TestServerOverSSHRefuses(t *testing.T) {
	client, key := newKey(t)
	_, otherKey := newKey(t)
	other, _ := newKey(t)
	host := newSSHHost(t, "/nowhere", client.PublicKey())
	for name, c := range map[string]struct {
		change func(s *rinca.Server)
		code   rinca.Code
		want   string
	}{
		"unknown host": {func(s *rinca.Server) { s.KnownHosts = "" }, rinca.Invalid, "is not known: SHA256:"},
		"another host": {func(s *rinca.Server) { s.KnownHosts = knownhosts.Line([]string{"127.0.0.2"}, other.PublicKey()) }, rinca.Invalid, "is not known"},
		"another key": {func(s *rinca.Server) {
			s.KnownHosts = knownhosts.Line([]string{host.listener.Addr().String()}, other.PublicKey())
		}, rinca.Forbidden, "another key than the known one"},
		"not our key":   {func(s *rinca.Server) { s.SSHKey = rinca.NewSecret(otherKey) }, rinca.Forbidden, "does not accept our SSH key"},
		"no key at all": {func(s *rinca.Server) { s.SSHKey = rinca.Secret{} }, rinca.Invalid, "no SSH key"},
		"not SSH":       {func(s *rinca.Server) { s.Address = "ssh://u@" + plainListener(t) }, rinca.Unavailable, "out of reach"},
		"no docker":     {func(*rinca.Server) {}, rinca.Unavailable, ""},
		"no socket":     {func(s *rinca.Server) { s.Address += "/none.sock" }, rinca.Unavailable, "/none.sock"},
	} {
		server := host.server(key)
		c.change(&server)
		e, err := compose.Open(t.Context(), compose.Config{Server: server})
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		_, err = e.Info(t.Context())
		if rinca.CodeOf(err) != c.code || !strings.Contains(fmt.Sprint(err), c.want) || rinca.HintOf(err) == "" {
			t.Errorf("%s: %s %v (%s)", name, rinca.CodeOf(err), err, rinca.HintOf(err))
		}
		e.Close()
	}
}
