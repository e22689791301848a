package git

import (
	"context"
	"crypto/ed25519"
	"errors"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"

	"github.com/go-git/go-git/v5/plumbing/protocol/packp"
	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/knownhosts"

	"rinca/internal/atomicfile"
	"rinca/internal/rinca"
)

// An sshRemote speaks Git's protocol over SSH.
type sshRemote struct {
	m      *Mirrors
	a      address
	config *ssh.ClientConfig
	client *ssh.Client
	in     io.WriteCloser
	out    *watched
	errs   *tail
	ad     *advert
	run    *ssh.Session
	stop   func() bool
}

func (m *Mirrors) newSSH(a address, account *rinca.GitAccount) (remote, error) {
	if account == nil || account.Key.IsEmpty() {
		return nil, rinca.Errorf(rinca.Invalid, "%s needs a Git account with a key", a.text).
			Try("rinca git account add NAME --host %s --key FILE --known-hosts FILE", a.hostname())
	}
	addr := a.host
	if _, _, err := net.SplitHostPort(addr); err != nil {
		addr = net.JoinHostPort(a.hostname(), "22")
	}
	_, port, _ := net.SplitHostPort(addr)
	scan := "ssh-keyscan -p " + port + " " + a.hostname()
	if strings.TrimSpace(account.KnownHosts) == "" {
		return nil, rinca.Errorf(rinca.Invalid, "the Git account %s has no known_hosts, so %s cannot be told from an impostor", account.Name, a.host).
			Try("%s > known_hosts, compare it with what the host publishes, and: rinca git account set %s --known-hosts known_hosts", scan, account.Name)
	}
	signer, err := ssh.ParsePrivateKey([]byte(account.Key.Reveal()))
	if err != nil {
		why := "is no private key that can be read"
		if _, ok := errors.AsType[*ssh.PassphraseMissingError](err); ok {
			why = "is protected by a passphrase"
		}
		return nil, rinca.Errorf(rinca.Invalid, "the key of the Git account %s %s", account.Name, why).
			Try("make a deploy key: ssh-keygen -t ed25519 -N '' -f key")
	}
	check, err := m.knownHosts(account)
	if err != nil {
		return nil, err
	}
	known := algorithms(check, addr)
	if len(known) == 0 {
		return nil, rinca.Errorf(rinca.Invalid, "the known_hosts of the Git account %s have no key of %s", account.Name, a.host).
			Try("add what this says, after comparing it with what the host publishes: %s", scan)
	}
	s := &sshRemote{m: m, a: a, errs: &tail{}}
	s.a.host = addr
	s.config = &ssh.ClientConfig{
		User: a.user, Auth: []ssh.AuthMethod{ssh.PublicKeys(signer)},
		HostKeyCallback: func(host string, remote net.Addr, key ssh.PublicKey) error {
			if err := check(host, remote, key); err != nil {
				return rinca.Errorf(rinca.Forbidden, "%s shows a host key that is not in the known_hosts of %s", a.host, account.Name).
					Try("if it has really changed: %s", scan).Because(err)
			}
			return nil
		},
		HostKeyAlgorithms: known,
	}
	return s, nil
}

// knownHosts reads the account's known_hosts. The library wants a file.
func (m *Mirrors) knownHosts(account *rinca.GitAccount) (ssh.HostKeyCallback, error) {
	if err := os.MkdirAll(m.Dir, 0o700); err != nil {
		return nil, atomicfile.Error("make", m.Dir, err)
	}
	f, err := os.CreateTemp(m.Dir, ".known-*")
	if err != nil {
		return nil, atomicfile.Error("write", filepath.Join(m.Dir, ".known"), err)
	}
	defer os.Remove(f.Name())
	_, err = f.WriteString(account.KnownHosts)
	if closeErr := f.Close(); err == nil {
		err = closeErr
	}
	if err != nil {
		return nil, atomicfile.Error("write", f.Name(), err)
	}
	check, err := knownhosts.New(f.Name())
	if err != nil {
		return nil, rinca.Errorf(rinca.Invalid, "the known_hosts of the Git account %s: %s", account.Name, clean(strings.ReplaceAll(err.Error(), f.Name(), "line "))).
			Try("lines as in ~/.ssh/known_hosts")
	}
	return check, nil
}

// algorithms returns the kinds of keys that are known of a host, or a server
// with several keys might show another one.
func algorithms(check ssh.HostKeyCallback, addr string) []string {
	nobody, err := ssh.NewPublicKey(ed25519.PublicKey(make([]byte, ed25519.PublicKeySize)))
	if err != nil {
		return nil
	}
	err = check(addr, &net.TCPAddr{}, nobody)
	key, ok := errors.AsType[*knownhosts.KeyError](err)
	if !ok {
		return nil
	}
	var list []string
	for _, k := range key.Want {
		if k.Key.Type() == ssh.KeyAlgoRSA {
			list = append(list, ssh.KeyAlgoRSASHA512, ssh.KeyAlgoRSASHA256)
			continue
		}
		list = append(list, k.Key.Type())
	}
	return list
}

// A tail keeps the beginning of what the other side complains of.
type tail struct{ text []byte }

// Write implements io.Writer.
func (t *tail) Write(p []byte) (int, error) {
	t.text = append(t.text, p[:min(len(p), 2000-len(t.text))]...)
	return len(p), nil
}

func (s *sshRemote) close() {
	if s.stop != nil {
		s.stop()
	}
	if s.client != nil {
		_ = s.client.Close()
	}
}

func (s *sshRemote) refs(ctx context.Context) (*advert, error) {
	conn, err := s.m.connect(ctx, "tcp", s.a.host)
	if err != nil {
		return nil, unreachable(ctx, s.a, err)
	}
	stop := context.AfterFunc(ctx, func() { conn.Close() })
	s.stop = stop
	c, chans, reqs, err := ssh.NewClientConn(conn, s.a.host, s.config)
	if err != nil {
		conn.Close()
		if strings.Contains(err.Error(), "unable to authenticate") {
			return nil, rinca.Errorf(rinca.Unauthenticated, "%s refuses the key of the Git account %s", s.a.host, s.a.account).
				Try("add its public half to the repository as a deploy key").Because(err)
		}
		return nil, unreachable(ctx, s.a, err)
	}
	s.client = ssh.NewClient(c, chans, reqs)
	if err := s.start(); err != nil {
		return nil, unreachable(ctx, s.a, err)
	}
	adv := packp.NewAdvRefs()
	err = adv.Decode(s.out)
	switch {
	case err == nil, errors.Is(err, packp.ErrEmptyAdvRefs):
		s.ad = readAdvert(adv)
		return s.ad, nil
	case ctx.Err() != nil:
		return nil, ended(ctx)
	case s.out.err != nil:
		return nil, unreachable(ctx, s.a, s.out.err)
	case errors.Is(err, packp.ErrEmptyInput):
		end := s.run.Wait()
		if _, ok := errors.AsType[*ssh.ExitError](end); !ok {
			return nil, unreachable(ctx, s.a, err) // it was cut off, and has not ended
		}
		return nil, rinca.Errorf(rinca.NotFound, "%s does not exist, or the key may not read it: %s", s.a.text, clean(string(s.errs.text))).
			Try("check the URL, and the deploy keys of the repository")
	}
	return nil, answer(err)
}

// start runs upload-pack on the other side.
func (s *sshRemote) start() error {
	session, err := s.client.NewSession()
	if err != nil {
		return err
	}
	if s.in, err = session.StdinPipe(); err != nil {
		return err
	}
	out, err := session.StdoutPipe()
	if err != nil {
		return err
	}
	s.out = &watched{r: out}
	session.Stderr = s.errs
	s.run = session
	return session.Start("git-upload-pack '" + strings.ReplaceAll(s.a.path, "'", `'\''`) + "'")
}

func (s *sshRemote) get(ctx context.Context, w want, to *mirror) error {
	haves := to.haves()
	if len(haves) > maxHaves {
		haves = haves[:maxHaves]
	}
	if w.full {
		haves = nil
	}
	ask, body, err := request(w, s.ad, haves)
	if err != nil {
		return rinca.Errorf(rinca.Internal, "write a request to a Git server: %w", err)
	}
	if _, err := s.in.Write(body); err != nil {
		return unreachable(ctx, s.a, err)
	}
	err = receive(ctx, s.out, ask, w, to)
	if ctx.Err() != nil {
		return ended(ctx)
	}
	if s.out.err != nil {
		return unreachable(ctx, s.a, s.out.err)
	}
	return err
}
