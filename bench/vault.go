package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"time"
)

// A server is `rinca connect serve` over an embedded vault of its own, behind
// a proxy that counts requests.
type server struct {
	env      []string // what a client needs
	vaultID  string
	token    string
	address  string // of the server itself, not counted
	requests atomic.Int64
	stop     func()
}

func startServer(ctx context.Context, b *bench) (*server, error) {
	home := filepath.Join(b.dir, "server")
	env := append(os.Environ(), "RINCA_HOME="+home, "RINCA_PROVIDER=embedded")
	if out, err := command(ctx, env, b.rinca, "init"); err != nil {
		return nil, fmt.Errorf("init: %w: %s", err, out)
	}
	token, err := command(ctx, env, b.rinca, "connect", "token", "create", "bench", "--vault", "homelab,rw")
	if err != nil {
		return nil, fmt.Errorf("token: %w: %s", err, token)
	}
	address, err := freePort()
	if err != nil {
		return nil, err
	}
	cmd := exec.CommandContext(ctx, b.rinca, "connect", "serve", "--listen", address)
	cmd.Env = env
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	s := &server{token: strings.TrimSpace(token), address: "http://" + address}
	target, err := url.Parse(s.address)
	if err != nil {
		return nil, err
	}
	proxy := httputil.NewSingleHostReverseProxy(target)
	proxy.Transport = &http.Transport{MaxIdleConnsPerHost: 64}
	front := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.requests.Add(1)
		proxy.ServeHTTP(w, r)
	}))
	s.stop = func() { front.Close(); _ = cmd.Process.Kill(); _ = cmd.Wait() }
	s.env = append(os.Environ(), "RINCA_PROVIDER=connect", "OP_CONNECT_HOST="+front.URL, "OP_CONNECT_TOKEN="+s.token)
	if err := s.ready(ctx); err != nil {
		s.stop()
		return nil, err
	}
	return s, nil
}

// ready waits until the server answers, and notes the id of its vault.
func (s *server) ready(ctx context.Context) error {
	var last error
	for range 100 {
		var vaults []struct{ ID string }
		if last = s.call(ctx, "GET", "/v1/vaults", nil, &vaults); last == nil && len(vaults) == 1 {
			s.vaultID = vaults[0].ID
			return nil
		}
		time.Sleep(50 * time.Millisecond)
	}
	return fmt.Errorf("the server is not ready: %w", last)
}

func (s *server) call(ctx context.Context, method, path string, in, out any) error {
	body, err := json.Marshal(in)
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, method, s.address+path, bytes.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("Authorization", "Bearer "+s.token)
	req.Header.Set("Content-Type", "application/json")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		text, _ := io.ReadAll(io.LimitReader(resp.Body, 300))
		return fmt.Errorf("%s %s: %s: %s", method, path, resp.Status, text)
	}
	return json.NewDecoder(resp.Body).Decode(out)
}

type field struct {
	Type  string `json:"type"`
	Label string `json:"label"`
	Value string `json:"value"`
}

type item struct {
	ID       string            `json:"id,omitempty"`
	Title    string            `json:"title"`
	Category string            `json:"category"`
	Tags     []string          `json:"tags"`
	Vault    map[string]string `json:"vault"`
	Fields   []field           `json:"fields"`
}

// seed creates items: stacks × items, each of so many fields.
func (s *server) seed(ctx context.Context, stacks, items, fields int) error {
	for st := range stacks {
		for it := range items {
			if err := s.create(ctx, st, it, fields); err != nil {
				return err
			}
		}
	}
	return nil
}

func (s *server) create(ctx context.Context, st, it, fields int) error {
	in := item{
		Title: fmt.Sprintf("item%d.env", it), Category: "SECURE_NOTE",
		Tags: []string{fmt.Sprintf("stack:s%d", st)}, Vault: map[string]string{"id": s.vaultID},
	}
	for f := range fields {
		in.Fields = append(in.Fields, field{"CONCEALED", fmt.Sprintf("KEY_%d", f), fmt.Sprintf("value-%d-%d-%d-0123456789", st, it, f)})
	}
	var out item
	return s.call(ctx, "POST", "/v1/vaults/"+s.vaultID+"/items", in, &out)
}

// counted runs f and returns how many requests clients sent meanwhile.
func (s *server) counted(f func() error) (int, error) {
	before := s.requests.Load()
	err := f()
	return int(s.requests.Load() - before), err
}

func command(ctx context.Context, env []string, name string, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Env = env
	var out, errout bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errout
	err := cmd.Run()
	if err != nil {
		line, _ := bufio.NewReader(&errout).ReadString('\n')
		err = errors.Join(err, errors.New(strings.TrimSpace(line)))
	}
	return out.String(), err
}

func freePort() (string, error) {
	l := httptest.NewServer(nil)
	defer l.Close()
	return strings.TrimPrefix(l.URL, "http://"), nil
}
