package compose

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/agent"
	"golang.org/x/crypto/ssh/knownhosts"

	"rinca/internal/rinca"
)

// keepAlive is how often a silent SSH connection is asked whether it lives.
const keepAlive = 30 * time.Second

// An sshDialer reaches an engine as docker does: it runs "docker system
// dial-stdio" on the host. With a path in the address it goes to that socket
// instead, and needs no docker command there. No ssh command is needed here.
type sshDialer struct {
	name    string
	address string // host:port
	socket  string
	config  *ssh.ClientConfig

	mu      sync.Mutex
	clients []*ssh.Client // the newest last; a host allows few sessions on each
}

func newSSHDialer(c Config, u *url.URL) (dialer, error) {
	user := u.User.Username()
	if user == "" || u.Hostname() == "" {
		return nil, rinca.Errorf(rinca.Invalid, "the address of server %s names no user or no host", c.Server.Name).Try("ssh://user@host")
	}
	port := u.Port()
	if port == "" {
		port = "22"
	}
	d := &sshDialer{name: c.Server.Name, address: net.JoinHostPort(u.Hostname(), port), socket: strings.TrimSuffix(u.Path, "/")}
	auth, err := sshAuth(c)
	if err != nil {
		return nil, err
	}
	check, err := sshKnownHosts(c)
	if err != nil {
		return nil, err
	}
	d.config = &ssh.ClientConfig{
		User: user, Auth: auth, Timeout: 15 * time.Second,
		HostKeyCallback:   d.explain(check),
		HostKeyAlgorithms: hostKeyAlgorithms(check, d.address),
	}
	return d, nil
}

// sshAuth returns the server's own key, or else those of the agent and of
// Home.
func sshAuth(c Config) ([]ssh.AuthMethod, error) {
	if !c.Server.SSHKey.IsEmpty() {
		signer, err := ssh.ParsePrivateKey([]byte(c.Server.SSHKey.Reveal()))
		if err != nil {
			return nil, rinca.Errorf(rinca.Invalid, "the SSH key of server %s cannot be read", c.Server.Name).Because(err).
				Try("it is a private key without a passphrase, as ssh-keygen -t ed25519 -N '' writes")
		}
		return []ssh.AuthMethod{ssh.PublicKeys(signer)}, nil
	}
	return []ssh.AuthMethod{ssh.PublicKeysCallback(func() ([]ssh.Signer, error) {
		var signers []ssh.Signer
		if c.AuthSock != "" {
			if conn, err := net.Dial("unix", c.AuthSock); err == nil { //nolint:noctx // a local socket
				// The signers use the connection; it ends with the handshake's memory.
				if keys, err := agent.NewClient(conn).Signers(); err == nil {
					signers = append(signers, keys...)
				}
			}
		}
		for _, name := range []string{"id_ed25519", "id_ecdsa", "id_rsa"} {
			if c.Home == "" {
				break
			}
			text, err := os.ReadFile(filepath.Join(c.Home, ".ssh", name))
			if err != nil {
				continue
			}
			if signer, err := ssh.ParsePrivateKey(text); err == nil {
				signers = append(signers, signer)
			}
		}
		if len(signers) == 0 {
			return nil, rinca.Errorf(rinca.Invalid, "there is no SSH key for server %s", c.Server.Name).
				Try("rinca server set %s --ssh-key FILE", c.Server.Name)
		}
		return signers, nil
	})}, nil
}

func sshKnownHosts(c Config) (ssh.HostKeyCallback, error) {
	if strings.TrimSpace(c.Server.KnownHosts) != "" {
		// The library reads files alone; this one is in memory.
		file, err := memoryFile("known_hosts", []byte(c.Server.KnownHosts))
		if err != nil {
			return nil, err
		}
		defer file.Close()
		check, err := knownhosts.New(memoryPath(file))
		if err != nil {
			return nil, rinca.Errorf(rinca.Invalid, "the known hosts of server %s cannot be read", c.Server.Name).Because(err).
				Try("they are lines as ssh-keyscan HOST prints")
		}
		return check, nil
	}
	if c.Home != "" {
		if check, err := knownhosts.New(filepath.Join(c.Home, ".ssh", "known_hosts")); err == nil {
			return check, nil
		}
	}
	return func(string, net.Addr, ssh.PublicKey) error { return &knownhosts.KeyError{} }, nil
}

// explain tells what is wrong with a host's key in our words.
func (d *sshDialer) explain(check ssh.HostKeyCallback) ssh.HostKeyCallback {
	return func(host string, remote net.Addr, key ssh.PublicKey) error {
		err := check(host, remote, key)
		wrong, ok := errors.AsType[*knownhosts.KeyError](err)
		switch {
		case err == nil:
			return nil
		case ok && len(wrong.Want) == 0:
			name, port, _ := net.SplitHostPort(d.address)
			return rinca.Errorf(rinca.Invalid, "the key of %s is not known: %s", d.address, ssh.FingerprintSHA256(key)).
				Try("compare it with the host's, then: ssh-keyscan -p %s %s | rinca server set %s --known-hosts -", port, name, d.name)
		}
		return rinca.Errorf(rinca.Forbidden, "%s shows another key than the known one: %s", d.address, ssh.FingerprintSHA256(key)).
			Because(err).Try("somebody may be listening; if the host was set up anew, replace its known hosts")
	}
}

// hostKeyAlgorithms asks for the kinds of keys that are known of a host, so
// that it does not show another one.
func hostKeyAlgorithms(check ssh.HostKeyCallback, address string) []string {
	err := check(address, &net.TCPAddr{IP: net.IPv4zero}, noKey{})
	known, ok := errors.AsType[*knownhosts.KeyError](err)
	if !ok {
		return nil
	}
	var algorithms []string
	for _, k := range known.Want {
		kind := k.Key.Type()
		if kind == ssh.KeyAlgoRSA {
			algorithms = append(algorithms, ssh.KeyAlgoRSASHA512, ssh.KeyAlgoRSASHA256)
			continue
		}
		algorithms = append(algorithms, kind)
	}
	return slices.Compact(algorithms)
}

// noKey is a public key that nobody has.
type noKey struct{}

func (noKey) Type() string                        { return "none" }
func (noKey) Marshal() []byte                     { return []byte("none") }
func (noKey) Verify([]byte, *ssh.Signature) error { return errors.New("no key") }

func (d *sshDialer) dial(ctx context.Context) (net.Conn, error) {
	d.mu.Lock()
	var newest *ssh.Client
	if n := len(d.clients); n > 0 {
		newest = d.clients[n-1]
	}
	d.mu.Unlock()
	if newest != nil {
		if conn, err := d.open(ctx, newest); err == nil {
			return conn, nil
		}
		// It is broken, or has as many sessions as the host allows.
	}
	fresh, err := d.connect(ctx)
	if err != nil {
		return nil, err
	}
	return d.open(ctx, fresh)
}

// connect opens another SSH connection.
func (d *sshDialer) connect(ctx context.Context) (*ssh.Client, error) {
	ctx, cancel := context.WithTimeout(ctx, d.config.Timeout)
	defer cancel()
	dialer := net.Dialer{KeepAlive: keepAlive}
	conn, err := dialer.DialContext(ctx, "tcp", d.address)
	if err != nil {
		return nil, err
	}
	// The handshake knows no context: closing what it reads from ends it.
	stop := context.AfterFunc(ctx, func() { conn.Close() })
	sshConn, channels, requests, err := ssh.NewClientConn(conn, d.address, d.config)
	if !stop() && err == nil {
		err = ctx.Err()
	}
	if err != nil {
		conn.Close()
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		return nil, d.sshFault(err)
	}
	client := ssh.NewClient(sshConn, channels, requests)
	d.mu.Lock()
	d.clients = append(d.clients, client)
	d.mu.Unlock()
	go d.attend(client)
	return client, nil
}

func (d *sshDialer) sshFault(err error) error {
	if known, ok := errors.AsType[*rinca.Error](err); ok {
		return known
	}
	if strings.Contains(err.Error(), "unable to authenticate") {
		return rinca.Errorf(rinca.Forbidden, "%s does not accept our SSH key for user %s", d.address, d.config.User).Because(err).
			Try("add the public key to its ~/.ssh/authorized_keys, or: rinca server set %s --ssh-key FILE", d.name)
	}
	return &net.OpError{Op: "dial", Net: "ssh", Err: err}
}

// attend keeps a connection alive until it breaks, and forgets it then.
func (d *sshDialer) attend(client *ssh.Client) {
	done := make(chan struct{})
	go func() {
		_ = client.Wait()
		close(done)
	}()
	ticker := time.NewTicker(keepAlive)
	defer ticker.Stop()
	for {
		select {
		case <-done:
			d.mu.Lock()
			d.clients = slices.DeleteFunc(d.clients, func(c *ssh.Client) bool { return c == client })
			d.mu.Unlock()
			return
		case <-ticker.C:
			go func() {
				timer := time.AfterFunc(keepAlive, func() { _ = client.Close() })
				defer timer.Stop()
				if _, _, err := client.SendRequest("keepalive@openssh.com", true, nil); err != nil {
					_ = client.Close()
				}
			}()
		}
	}
}

// open opens one connection to the engine through an SSH connection.
func (d *sshDialer) open(ctx context.Context, client *ssh.Client) (net.Conn, error) {
	type result struct {
		conn net.Conn
		err  error
	}
	opened := make(chan result, 1)
	go func() {
		conn, err := d.session(client)
		opened <- result{conn, err}
	}()
	select {
	case r := <-opened:
		return r.conn, r.err
	case <-ctx.Done():
		go func() {
			if r := <-opened; r.err == nil {
				r.conn.Close()
			}
		}()
		return nil, ctx.Err()
	}
}

func (d *sshDialer) session(client *ssh.Client) (net.Conn, error) {
	if d.socket != "" {
		conn, err := client.Dial("unix", d.socket)
		if err != nil {
			return nil, &net.OpError{Op: "dial", Net: "ssh", Err: fmt.Errorf("%s: %w", d.socket, err)}
		}
		return conn, nil
	}
	session, err := client.NewSession()
	if err != nil {
		return nil, &net.OpError{Op: "dial", Net: "ssh", Err: err}
	}
	stdin, err := session.StdinPipe()
	if err != nil {
		return nil, err
	}
	stdout, err := session.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := session.Start("docker system dial-stdio"); err != nil {
		_ = session.Close()
		return nil, &net.OpError{Op: "dial", Net: "ssh", Err: err}
	}
	return &sessionConn{session: session, in: stdin, out: stdout, local: client.LocalAddr(), remote: client.RemoteAddr()}, nil
}

func (d *sshDialer) close() error {
	d.mu.Lock()
	clients := d.clients
	d.clients = nil
	d.mu.Unlock()
	var errs []error
	for _, c := range clients {
		if err := c.Close(); err != nil && !errors.Is(err, net.ErrClosed) {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

// A sessionConn is the standard input and output of a command of the host.
type sessionConn struct {
	session       *ssh.Session
	in            io.WriteCloser
	out           io.Reader
	local, remote net.Addr
}

func (c *sessionConn) Read(p []byte) (int, error)  { return c.out.Read(p) }
func (c *sessionConn) Write(p []byte) (int, error) { return c.in.Write(p) }
func (c *sessionConn) CloseWrite() error           { return c.in.Close() }
func (c *sessionConn) LocalAddr() net.Addr         { return c.local }
func (c *sessionConn) RemoteAddr() net.Addr        { return c.remote }

// Close ends the command. Its input is not closed apart from the rest, since
// somebody may be writing to it.
func (c *sessionConn) Close() error { return c.session.Close() }

// Deadlines are not kept: HTTP requests carry contexts instead.
func (c *sessionConn) SetDeadline(time.Time) error      { return nil }
func (c *sessionConn) SetReadDeadline(time.Time) error  { return nil }
func (c *sessionConn) SetWriteDeadline(time.Time) error { return nil }
