package git_test

import (
	"crypto/ed25519"
	"crypto/rand"
	"encoding/pem"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/cgi"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/knownhosts"

	"rinca/internal/rinca"
)

const token = "ghp_hunter2hunter2"

// A server serves repositories over HTTPS, to who has the token.
type server struct {
	*httptest.Server
	root     string
	requests atomic.Int64
	packs    atomic.Int64
	slow     chan struct{} // when set, the first question waits for it
}

func gitBinary(t testing.TB) string {
	t.Helper()
	path, err := exec.LookPath("git")
	if err != nil {
		t.Skip("there is no git to serve with")
	}
	return path
}

func newServer(t testing.TB) *server {
	t.Helper()
	s := &server{root: t.TempDir()}
	backend := &cgi.Handler{
		Path: gitBinary(t), Args: []string{"http-backend"},
		Env: []string{"GIT_PROJECT_ROOT=" + s.root, "GIT_HTTP_EXPORT_ALL=1", "GIT_CONFIG_COUNT=1", "GIT_CONFIG_KEY_0=safe.directory", "GIT_CONFIG_VALUE_0=*"},
	}
	backend.Stderr, backend.Logger = io.Discard, log.New(io.Discard, "", 0)
	s.Server = httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.requests.Add(1)
		if r.Method == http.MethodPost {
			s.packs.Add(1)
		}
		if s.slow != nil {
			<-s.slow
		}
		_, password, _ := r.BasicAuth()
		if password != token && !strings.HasPrefix(r.URL.Path, "/public/") {
			w.Header().Set("WWW-Authenticate", "Basic")
			http.Error(w, "who are you, "+password+"?", http.StatusUnauthorized)
			return
		}
		if strings.HasPrefix(r.URL.Path, "/forbidden/") {
			http.Error(w, "no", http.StatusForbidden)
			return
		}
		backend.ServeHTTP(w, r)
	}))
	s.Config.ErrorLog = backend.Logger
	s.StartTLS()
	t.Cleanup(s.Close)
	return s
}

// repo makes a repository of the server.
func (s *server) repo(t testing.TB, name string) *repo {
	t.Helper()
	return newRepoAt(t, filepath.Join(s.root, name))
}

func (s *server) account() *rinca.GitAccount {
	return &rinca.GitAccount{
		Name: "test", Host: strings.TrimPrefix(s.URL, "https://"), Token: rinca.NewSecret(token),
		CA: string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.Certificate().Raw})),
	}
}

// A proxy passes connections on, and cuts them after a number of bytes.
type proxy struct {
	net.Listener
	cut   atomic.Int64 // bytes from the server; negative: none
	stall atomic.Bool  // say nothing instead
	seen  atomic.Int64 // bytes from the server on all connections
}

func newProxy(t testing.TB, to string) *proxy {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &proxy{Listener: l}
	p.cut.Store(-1)
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go p.pass(c, to)
		}
	}()
	return p
}

func (p *proxy) pass(c net.Conn, to string) {
	defer c.Close()
	up, err := net.Dial("tcp", to)
	if err != nil {
		return
	}
	defer up.Close()
	go func() { _, _ = io.Copy(up, c) }()
	buf := make([]byte, 512)
	for {
		n, err := up.Read(buf)
		if cut := p.cut.Load(); cut >= 0 {
			if left := cut - p.seen.Load(); left < int64(n) {
				_, _ = c.Write(buf[:max(left, 0)])
				p.seen.Add(max(left, 0))
				if p.stall.Load() {
					_, _ = io.Copy(io.Discard, c) // until the other side gives up
				}
				return
			}
		}
		p.seen.Add(int64(n))
		if _, werr := c.Write(buf[:n]); werr != nil || err != nil {
			return
		}
	}
}

// An sshServer runs git-upload-pack for who has the key.
type sshServer struct {
	addr    string
	account *rinca.GitAccount
	root    string
}

func newKey(t testing.TB) (ssh.Signer, string) {
	t.Helper()
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	signer, err := ssh.NewSignerFromKey(key)
	if err != nil {
		t.Fatal(err)
	}
	block, err := ssh.MarshalPrivateKey(key, "")
	if err != nil {
		t.Fatal(err)
	}
	return signer, string(pem.EncodeToMemory(block))
}

func newSSHServer(t testing.TB) *sshServer {
	t.Helper()
	git := gitBinary(t)
	host, _ := newKey(t)
	client, private := newKey(t)
	config := &ssh.ServerConfig{PublicKeyCallback: func(c ssh.ConnMetadata, key ssh.PublicKey) (*ssh.Permissions, error) {
		if c.User() != "git" || string(key.Marshal()) != string(client.PublicKey().Marshal()) {
			return nil, fmt.Errorf("no")
		}
		return nil, nil
	}}
	config.AddHostKey(host)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	s := &sshServer{addr: l.Addr().String(), root: t.TempDir()}
	s.account = &rinca.GitAccount{
		Name: "key", Host: "127.0.0.1", Key: rinca.NewSecret(private),
		KnownHosts: "# comment\n" + knownhosts.Line([]string{s.addr}, host.PublicKey()) + "\n",
	}
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go s.serve(c, config, git)
		}
	}()
	return s
}

func (s *sshServer) serve(c net.Conn, config *ssh.ServerConfig, git string) {
	conn, chans, reqs, err := ssh.NewServerConn(c, config)
	if err != nil {
		c.Close()
		return
	}
	defer conn.Close()
	go ssh.DiscardRequests(reqs)
	for nc := range chans {
		ch, reqs, err := nc.Accept()
		if err != nil {
			return
		}
		go func() {
			for req := range reqs {
				var p struct{ Command string }
				if req.Type != "exec" || ssh.Unmarshal(req.Payload, &p) != nil || !strings.HasPrefix(p.Command, "git-upload-pack ") {
					_ = req.Reply(false, nil)
					continue
				}
				_ = req.Reply(true, nil)
				cmd := exec.Command("sh", "-c", strings.Replace(p.Command, "git-upload-pack", git+" -c safe.directory=* upload-pack", 1))
				cmd.Stdout, cmd.Stderr = ch, ch.Stderr()
				in, err := cmd.StdinPipe()
				if err == nil {
					go func() { _, _ = io.Copy(in, ch); in.Close() }()
					err = cmd.Run()
				}
				code := byte(0)
				if err != nil {
					code = 128
				}
				_, _ = ch.SendRequest("exit-status", false, []byte{0, 0, 0, code})
				ch.Close()
			}
		}()
	}
}

// leaks looks for the token below a directory and in texts.
func leaks(t testing.TB, dir string, secrets []string, texts ...string) {
	t.Helper()
	for _, s := range secrets {
		for _, text := range texts {
			if strings.Contains(text, s) {
				t.Errorf("a secret is in %q", text)
			}
		}
		_ = filepath.WalkDir(dir, func(p string, d os.DirEntry, err error) error {
			if err != nil || d.IsDir() {
				return nil
			}
			if data, _ := os.ReadFile(p); strings.Contains(string(data), s) {
				t.Errorf("a secret is in %s", p)
			}
			return nil
		})
	}
}

func sshLine(key ssh.PublicKey) []byte { return ssh.MarshalAuthorizedKey(key) }
