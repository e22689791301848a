package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
)

// benchImage is the image of every container that is measured: one small
// static program that waits for its end.
const benchImage = "rinca-bench/app:latest"

// A leftOutError is a benchmark that this machine cannot run.
type leftOutError struct{ why string }

func (e *leftOutError) Error() string { return e.why }

// An engine is a Docker Engine of a benchmark's own, and docker compose 5.6.0.
type engine struct {
	socket  string
	plugin  string // docker compose, called without docker before it, which is faster
	config  string // its DOCKER_CONFIG
	client  *http.Client
	dir     string
	watcher io.Closer // the engine ends when this does, whatever happens to us
}

// startEngine starts an engine through tools/engine and gives it the image.
func startEngine(ctx context.Context, b *bench) (*engine, error) {
	if os.Getuid() != 0 {
		return nil, &leftOutError{"an engine of its own needs root"}
	}
	if _, err := exec.LookPath("dockerd"); err != nil {
		return nil, &leftOutError{"there is no dockerd: apt-get install docker.io"}
	}
	config, err := command(ctx, os.Environ(), "tools/engine", "compose")
	if err != nil {
		return nil, &leftOutError{"docker compose cannot be built: " + err.Error()}
	}
	dir, err := os.MkdirTemp("/tmp", "rinca-bench-") // the path of a socket is short
	if err != nil {
		return nil, err
	}
	config = strings.TrimSpace(config)
	e := &engine{
		dir: dir, socket: filepath.Join(dir, "docker.sock"), config: config,
		plugin: filepath.Join(config, "cli-plugins", "docker-compose"),
	}
	e.client = &http.Client{Transport: &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "unix", e.socket)
	}}}
	// Room for a network of each of many projects.
	pools := `{"default-address-pools": [{"base": "10.192.0.0/14", "size": 26}]}`
	if err := os.WriteFile(filepath.Join(dir, "daemon.json"), []byte(pools), 0o644); err != nil {
		return nil, err
	}
	if e.watcher, err = watchEngine(dir); err != nil {
		return nil, err
	}
	if err := e.start(ctx, b); err != nil {
		e.watcher.Close()
		return nil, err
	}
	return e, nil
}

// watchEngine starts the process that removes the engine when we are gone.
func watchEngine(dir string) (io.Closer, error) {
	cmd := exec.Command("tools/engine", "watch", dir) //nolint:noctx // it outlives us
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	in, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	return closer(func() error { return errors.Join(in.Close(), cmd.Wait()) }), nil
}

type closer func() error

func (f closer) Close() error { return f() }

func (e *engine) start(ctx context.Context, b *bench) error {
	log, err := os.Create(filepath.Join(b.dir, "engine.log"))
	if err != nil {
		return err
	}
	defer log.Close()
	cmd := exec.CommandContext(ctx, "tools/engine", "start", e.dir)
	cmd.Stdout, cmd.Stderr = log, log // a file: the engine would hold a pipe open
	if err := cmd.Run(); err != nil {
		text, _ := os.ReadFile(log.Name())
		return &leftOutError{"no engine runs here: " + strings.TrimSpace(string(text))}
	}
	files := filepath.Join(b.dir, "image")
	for _, d := range []string{"bin", "tmp"} {
		if err := os.MkdirAll(filepath.Join(files, d), 0o755); err != nil {
			return err
		}
	}
	env := append(os.Environ(), "CGO_ENABLED=0", "GOFLAGS=", "DOCKER_HOST=unix://"+e.socket)
	if out, err := command(ctx, env, "go", "build", "-trimpath", "-ldflags=-s -w", "-o", filepath.Join(files, "bin", "app"), "./internal/deploy/enginetest/testdata/app"); err != nil {
		return fmt.Errorf("build the image's program: %w: %s", err, out)
	}
	out, err := command(ctx, env, "go", "run", "./tools/image", "-name", benchImage, "-entrypoint", "/bin/app", files)
	if err != nil {
		return fmt.Errorf("load the image: %w: %s", err, out)
	}
	return nil
}

func (e *engine) stop() { e.watcher.Close() }

// compose runs docker compose in a directory, with nothing of our environment.
func (e *engine) compose(ctx context.Context, dir string, args ...string) error {
	cmd := exec.CommandContext(ctx, e.plugin, args...)
	cmd.Dir = dir
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + e.config, "DOCKER_CONFIG=" + e.config, "DOCKER_HOST=unix://" + e.socket}
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("docker compose %s: %w: %s", strings.Join(args, " "), err, out)
	}
	return nil
}

// call sends a request to the engine's own API.
func (e *engine) call(ctx context.Context, method, path string, in, out any) error {
	return callJSON(ctx, e.client, request{method, "http://engine" + path, "", in, out})
}

// A request is one over HTTP with JSON on both sides.
type request struct {
	method, url, key string
	in, out          any
}

func callJSON(ctx context.Context, c *http.Client, r request) error {
	var body io.Reader
	if r.in != nil {
		data, err := json.Marshal(r.in)
		if err != nil {
			return err
		}
		body = strings.NewReader(string(data))
	}
	req, err := http.NewRequestWithContext(ctx, r.method, r.url, body)
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/json")
	if r.key != "" {
		req.Header.Set("Authorization", "Bearer "+r.key)
	}
	resp, err := c.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	data, err := io.ReadAll(resp.Body)
	if err != nil {
		return err
	}
	if resp.StatusCode >= 300 {
		return fmt.Errorf("%s %s: %s: %s", r.method, r.url, resp.Status, data)
	}
	if r.out == nil || len(data) == 0 {
		return nil
	}
	return json.Unmarshal(data, r.out)
}
