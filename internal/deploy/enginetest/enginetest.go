// Package enginetest gives tests a Docker Engine of their own: a real dockerd
// in its own namespaces, started by tools/engine, one for each test binary,
// which ends with it even when it is killed. No registry is needed: images
// are made from a small program of this package.
//
// RINCA_TEST_DOCKERD names another dockerd than the installed one. Where no
// engine can run, tests that need one are skipped; with
// RINCA_REQUIRE_ENGINE=1 they fail.
package enginetest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// An Engine is a private Docker Engine.
type Engine struct {
	Socket string // the path of its socket
	dir    string
	script string
	images sync.Map // names of images that it has
	mu     sync.Mutex
}

// Address returns the engine's address, such as "unix:///tmp/…/docker.sock".
func (e *Engine) Address() string { return "unix://" + e.Socket }

type shared struct {
	engine *Engine
	err    error
	keep   io.Closer // the end of the watcher's pipe; closed when we end
}

var start = sync.OnceValue(func() (s shared) {
	s.engine, s.keep, s.err = launch()
	return s
})

// Start returns the engine of this test binary, and starts it when needed.
func Start(t testing.TB) *Engine {
	t.Helper()
	s := start()
	if s.err != nil {
		if os.Getenv("RINCA_REQUIRE_ENGINE") == "1" {
			t.Fatalf("no engine: %v", s.err)
		}
		t.Skipf("no engine: %v", s.err)
	}
	return s.engine
}

// StartOwn returns an engine that only this test uses, to stop and break.
func StartOwn(t testing.TB) *Engine {
	t.Helper()
	Start(t) // skips where none can run
	e, keep, err := launch()
	if err != nil {
		t.Fatalf("start engine: %v", err)
	}
	t.Cleanup(func() {
		keep.Close()
		_, _ = e.run("stop", e.dir)
	})
	return e
}

func launch() (*Engine, io.Closer, error) {
	if runtime.GOOS != "linux" {
		return nil, nil, errors.New("it needs Linux")
	}
	if os.Getuid() != 0 {
		return nil, nil, errors.New("it needs root")
	}
	script, err := scriptPath()
	if err != nil {
		return nil, nil, err
	}
	// The path of a socket is short; TMPDIR may be long.
	dir, err := os.MkdirTemp("/tmp", "rinca-engine-")
	if err != nil {
		return nil, nil, err
	}
	e := &Engine{Socket: filepath.Join(dir, "docker.sock"), dir: dir, script: script}
	// Watch first: whatever happens next, it is cleaned up.
	keep, err := e.watch()
	if err != nil {
		os.RemoveAll(dir)
		return nil, nil, err
	}
	if out, err := e.run("start", dir); err != nil {
		keep.Close()
		return nil, nil, errors.New(lastLine(out))
	}
	return e, keep, nil
}

// watch starts the process that stops the engine when this one is gone: it
// reads from a pipe whose other end nobody else holds.
func (e *Engine) watch() (io.Closer, error) {
	r, w, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	defer r.Close()
	cmd := exec.Command(e.script, "watch", e.dir) //nolint:noctx // it outlives us
	cmd.Stdin = r
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true} // not ended by ^C
	if err := cmd.Start(); err != nil {
		w.Close()
		return nil, err
	}
	go func() { _ = cmd.Wait() }()
	return w, nil
}

func (e *Engine) run(args ...string) (string, error) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	// Files, not pipes: the engine would hold them open.
	out, err := os.CreateTemp("", "engine-out-")
	if err != nil {
		return "", err
	}
	defer os.Remove(out.Name())
	defer out.Close()
	cmd := exec.CommandContext(ctx, e.script, args...)
	cmd.Stdout, cmd.Stderr = out, out
	err = cmd.Run()
	text, readErr := os.ReadFile(out.Name())
	return string(text), errors.Join(err, readErr)
}

func lastLine(s string) string {
	lines := strings.Split(strings.TrimSpace(s), "\n")
	return lines[len(lines)-1]
}

func scriptPath() (string, error) {
	_, file, _, ok := runtime.Caller(0)
	if !ok {
		return "", errors.New("where is the source?")
	}
	path := filepath.Join(filepath.Dir(file), "..", "..", "..", "tools", "engine")
	if _, err := os.Stat(path); err == nil {
		return path, nil
	}
	// Built with -trimpath: tests run in the directory of their package.
	wd, err := os.Getwd()
	for ; err == nil && wd != "/"; wd = filepath.Dir(wd) {
		path := filepath.Join(wd, "tools", "engine")
		if _, err := os.Stat(path); err == nil {
			return path, nil
		}
	}
	return "", errors.New("tools/engine is not there")
}

// Kill ends the engine and all its containers at once, as a power cut would,
// and keeps its data. Only for an engine of StartOwn.
func (e *Engine) Kill(t testing.TB) {
	t.Helper()
	e.mu.Lock()
	defer e.mu.Unlock()
	if out, err := e.run("kill", e.dir); err != nil {
		t.Fatalf("kill engine: %v\n%s", err, out)
	}
}

// Restart starts the engine again after Kill, with its data.
func (e *Engine) Restart(t testing.TB) {
	t.Helper()
	e.mu.Lock()
	defer e.mu.Unlock()
	if out, err := e.run("start", e.dir); err != nil {
		t.Fatalf("restart engine: %v\n%s", err, out)
	}
}

// LeaveTask leaves the directory of a container's task as an engine does that
// ends while it starts the container: it cannot be started any more. Only for
// an engine of StartOwn.
func (e *Engine) LeaveTask(t testing.TB, container string) {
	t.Helper()
	if err := os.Mkdir(filepath.Join(e.dir, "exec", "containerd", "daemon", "io.containerd.runtime.v2.task", "rinca", container), 0o700); err != nil {
		t.Fatalf("leave task: %v", err)
	}
}

// Hang makes the engine accept connections and answer nothing, until the
// function that it returns is called, or the test ends. Only for an engine of
// StartOwn.
func (e *Engine) Hang(t testing.TB) (resume func()) {
	t.Helper()
	pids := e.pids(t)
	signal := func(s syscall.Signal) {
		for _, pid := range pids {
			_ = syscall.Kill(pid, s)
		}
	}
	signal(syscall.SIGSTOP)
	// The signal is delivered some time after kill returns: until then the
	// engine still answers.
	for _, pid := range pids {
		waitStopped(t, pid)
	}
	resume = sync.OnceFunc(func() { signal(syscall.SIGCONT) })
	t.Cleanup(resume)
	return resume
}

// waitStopped waits until every thread of a process has stopped.
func waitStopped(t testing.TB, pid int) {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); time.Now().Before(deadline); time.Sleep(time.Millisecond) {
		if stopped(t, pid) {
			return
		}
	}
	t.Fatalf("process %d does not stop", pid)
}

func stopped(t testing.TB, pid int) bool {
	t.Helper()
	threads, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/stat", pid))
	if err != nil || len(threads) == 0 {
		t.Fatalf("threads of process %d: %v", pid, err)
	}
	for _, path := range threads {
		stat, err := os.ReadFile(path)
		if err != nil {
			continue // a thread that ended
		}
		// The state follows the name, which stands in parentheses.
		if end := bytes.LastIndexByte(stat, ')'); end < 0 || !bytes.HasPrefix(stat[end:], []byte(") T")) {
			return false
		}
	}
	return true
}

// pids are those of dockerd, seen from here.
func (e *Engine) pids(t testing.TB) []int {
	t.Helper()
	conn, err := net.Dial("unix", e.Socket) //nolint:noctx // a local socket
	if err != nil {
		t.Fatalf("dial engine: %v", err)
	}
	defer conn.Close()
	raw, err := conn.(*net.UnixConn).SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	var cred *syscall.Ucred
	var credErr error
	if err := raw.Control(func(fd uintptr) {
		cred, credErr = syscall.GetsockoptUcred(int(fd), syscall.SOL_SOCKET, syscall.SO_PEERCRED)
	}); err != nil || credErr != nil {
		t.Fatal(err, credErr)
	}
	return []int{int(cred.Pid)}
}

// Docker runs the docker command against the engine and returns its output.
// It skips the test where the command is not installed.
func (e *Engine) Docker(t testing.TB, args ...string) string {
	t.Helper()
	if _, err := exec.LookPath("docker"); err != nil {
		t.Skip("no docker command")
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), time.Minute) // cleanups use it, too
	defer cancel()
	cmd := exec.CommandContext(ctx, "docker", args...)
	cmd.Env = append(os.Environ(), "DOCKER_HOST="+e.Address(), "DOCKER_CONTEXT=")
	var out, errOut bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errOut
	if err := cmd.Run(); err != nil {
		t.Fatalf("docker %s: %v\n%s%s", strings.Join(args, " "), err, &out, &errOut)
	}
	return strings.TrimSpace(out.String())
}

// request sends one request to the engine's API.
func (e *Engine) request(ctx context.Context, method, path string, body io.Reader) ([]byte, error) {
	transport := &http.Transport{
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			var d net.Dialer
			return d.DialContext(ctx, "unix", e.Socket)
		},
		DisableKeepAlives: true,
	}
	req, err := http.NewRequestWithContext(ctx, method, "http://engine"+path, body)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Content-Type", "application/x-tar")
	res, err := (&http.Client{Transport: transport}).Do(req)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		return nil, err
	}
	if res.StatusCode >= 300 || bytes.Contains(text, []byte(`"errorDetail"`)) {
		return nil, fmt.Errorf("%s %s: %s: %s", method, path, res.Status, text)
	}
	return text, nil
}

// Compose runs docker compose 5.6.0 against the engine, in a directory, with
// env and nothing else in its environment, and returns its output. It skips
// the test where that cannot be had; building it takes minutes, once.
func (e *Engine) Compose(t testing.TB, dir string, env []string, args ...string) string {
	t.Helper()
	config, err := composePlugin()
	if err != nil {
		if os.Getenv("RINCA_REQUIRE_ENGINE") == "1" {
			t.Fatalf("no docker compose: %v", err)
		}
		t.Skipf("no docker compose: %v", err)
	}
	cmd := exec.CommandContext(t.Context(), filepath.Join(config, "cli-plugins", "docker-compose"), args...)
	cmd.Dir = dir
	cmd.Env = append([]string{"PATH=" + os.Getenv("PATH"), "HOME=" + config, "DOCKER_CONFIG=" + config, "DOCKER_HOST=" + e.Address()}, env...)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("docker compose %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return string(out)
}

var composePlugin = sync.OnceValues(func() (string, error) {
	script, err := scriptPath()
	if err != nil {
		return "", err
	}
	ctx, cancel := context.WithTimeout(context.Background(), 15*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, script, "compose")
	var errOut bytes.Buffer
	cmd.Stderr = &errOut
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("%w: %s", err, lastLine(errOut.String()))
	}
	return strings.TrimSpace(string(out)), nil
})
