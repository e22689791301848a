package cli_test

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"io"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"rinca/internal/cli"
	"rinca/internal/rinca"
	"rinca/internal/vault/embedded"
)

// A log is what a command writes while it runs.
type log struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *log) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *log) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// run runs a command to its end.
func run(ctx context.Context, home string, out, log io.Writer, args ...string) int {
	return cli.Main(ctx, cli.Env{
		Args: append([]string{"rinca"}, args...), Environ: []string{"RINCA_HOME=" + home, "RINCA_PROVIDER=embedded"},
		Stdin: strings.NewReader(""), Stdout: out, Stderr: log,
	})
}

// certificate writes a certificate for 127.0.0.1 and its key.
func certificate(t *testing.T) (cert, key string, pool *x509.CertPool) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &private.PublicKey, private)
	if err != nil {
		t.Fatal(err)
	}
	keyDER, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	cert, key, pool = filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem"), x509.NewCertPool()
	text := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	pool.AppendCertsFromPEM(text)
	for name, data := range map[string][]byte{cert: text, key: pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: keyDER})} {
		if err := os.WriteFile(name, data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return cert, key, pool
}

// A server that is told to stop answers the request that is under way, and
// has written its log of requests when it is gone.
func TestConnectServeFinishes(t *testing.T) {
	home := filepath.Join(t.TempDir(), "home")
	if err := embedded.Init(t.Context(), embedded.Config{Dir: home}, rinca.Secret{}); err != nil {
		t.Fatal(err)
	}
	db, err := embedded.Open(t.Context(), embedded.Config{Dir: home})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	v, err := db.CreateVault(t.Context(), "a,b", "")
	if err != nil {
		t.Fatal(err)
	}
	var token bytes.Buffer
	if status := run(t.Context(), home, &token, io.Discard, "connect", "token", "create", "t", "--vault", "a,b,rw"); status != 0 {
		t.Fatal(status)
	}
	cert, key, pool := certificate(t)
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	messages, ended := &log{}, make(chan int, 1)
	go func() {
		ended <- run(ctx, home, io.Discard, messages, "connect", "serve", "--listen", "127.0.0.1:0", "--tls-cert", cert, "--tls-key", key)
	}()
	url := serverURL(t, messages)

	// The body comes in two parts, and the server is told to stop in between.
	body, write := io.Pipe()
	go func() {
		_, _ = io.WriteString(write, `{"title":"late.env",`)
		time.Sleep(200 * time.Millisecond)
		stop()
		time.Sleep(200 * time.Millisecond)
		_, _ = io.WriteString(write, `"category":"LOGIN"}`)
		write.Close()
	}()
	req, err := http.NewRequestWithContext(t.Context(), "POST", url+"/v1/vaults/"+v.ID+"/items", body)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+strings.TrimSpace(token.String()))
	client := http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}}}
	resp, err := client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if text, _ := io.ReadAll(resp.Body); resp.StatusCode != 200 || !strings.Contains(string(text), "late.env") {
		t.Errorf("%d %s", resp.StatusCode, text)
	}
	select {
	case status := <-ended:
		if status != 0 {
			t.Errorf("status %d\n%s", status, messages)
		}
	case <-time.After(15 * time.Second):
		t.Fatal("it goes on running")
	}
	if items, err := db.Items(t.Context(), v.ID); err != nil || len(items) != 1 {
		t.Errorf("%d items, %v", len(items), err)
	}
	if _, n, err := db.Requests(t.Context(), 10, 0); err != nil || n != 1 {
		t.Errorf("%d requests in the log, %v", n, err)
	}
	if strings.Contains(messages.String(), "late.env") || strings.Contains(messages.String(), token.String()[:40]) {
		t.Errorf("the log tells too much:\n%s", messages)
	}
}

func serverURL(t *testing.T, messages *log) string {
	t.Helper()
	address := regexp.MustCompile(`Serving the Connect API on (https?://\S+)`)
	for range 100 {
		if m := address.FindStringSubmatch(messages.String()); m != nil {
			return m[1]
		}
		time.Sleep(50 * time.Millisecond)
	}
	t.Fatalf("no server: %s", messages)
	return ""
}

func TestConnectServeRefuses(t *testing.T) {
	home := filepath.Join(t.TempDir(), "home")
	if err := embedded.Init(t.Context(), embedded.Config{Dir: home}, rinca.Secret{}); err != nil {
		t.Fatal(err)
	}
	cert, _, _ := certificate(t)
	for _, c := range []struct {
		args   []string
		status int
		text   string
	}{
		{[]string{"serve", "--tls-cert", cert}, 64, "belong together"},
		{[]string{"serve", "--tls-cert", cert, "--tls-key", cert}, 64, "read the certificate"},
		{[]string{"serve", "--tls-cert", "none", "--tls-key", "none"}, 64, "no such file"},
		{[]string{"serve", "--listen", "127.0.0.1:99999"}, 1, "listen on 127.0.0.1:99999"},
		{[]string{"token", "create", "", "--vault", "homelab"}, 64, "the name of a token"},
		{[]string{"token", "create", "a\nb", "--vault", "homelab"}, 64, "the name of a token"},
		{[]string{"token", "create", "x"}, 64, "a token needs a vault"},
		{[]string{"token", "create", "x", "--vault", "none,r"}, 4, "not found"},
		{[]string{"token", "revoke", "none"}, 4, "no active token"},
	} {
		messages := &log{}
		if status := run(t.Context(), home, io.Discard, messages, append([]string{"connect"}, c.args...)...); status != c.status || !strings.Contains(messages.String(), c.text) {
			t.Errorf("%q: status %d, want %d: %s", c.args, status, c.status, messages)
		}
	}
}
