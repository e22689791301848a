package scenario_test

import (
	"bufio"
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"
)

// A server is a rinca serve that runs.
type server struct {
	url  string
	cmd  *exec.Cmd
	log  string // path of what it wrote to standard error
	done chan struct{}
}

// serve starts the server of the lab, and waits until it listens.
func (l *lab) serve(address string, args ...string) *server {
	l.t.Helper()
	s := &server{log: l.path("serve.log"), done: make(chan struct{})}
	s.cmd = exec.Command(l.program, append([]string{"serve", "--listen", address, "--docker", l.docker(), "--log-level", "debug"}, args...)...)
	s.cmd.Env = slices.Concat(l.env, []string{"RINCA_INIT_ADMIN_USERNAME=admin", "RINCA_INIT_ADMIN_PASSWORD_FILE=" + l.path("password")}, l.serverEnv)
	s.cmd.Dir = l.path("user")
	log, err := os.OpenFile(s.log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		l.t.Fatal(err)
	}
	defer log.Close()
	s.cmd.Stderr = log
	out, err := s.cmd.StdoutPipe()
	if err != nil {
		l.t.Fatal(err)
	}
	if err := s.cmd.Start(); err != nil {
		l.t.Fatal(err)
	}
	said, lines := make(chan string, 1), bufio.NewScanner(out)
	go func() {
		for lines.Scan() {
			if _, url, ok := strings.Cut(lines.Text(), "Listening on "); ok {
				said <- url
			}
		}
		_ = s.cmd.Wait()
		close(s.done)
	}()
	l.t.Cleanup(func() {
		s.stop(syscall.SIGTERM)
		if l.t.Failed() {
			l.t.Logf("the end of the server's log:\n%s", tail(s.log, 30))
		}
	})
	select {
	case s.url = <-said:
	case <-s.done:
		l.t.Fatalf("the server ended:\n%s", tail(s.log, 30))
	case <-time.After(2 * time.Minute):
		l.t.Fatalf("the server does not listen:\n%s", tail(s.log, 30))
	}
	return s
}

func (l *lab) docker() string { return l.engine.Address() }

// stop ends the server with a signal, and waits until it has ended.
func (s *server) stop(sig syscall.Signal) {
	_ = s.cmd.Process.Signal(sig)
	select {
	case <-s.done:
	case <-time.After(45 * time.Second):
		_ = s.cmd.Process.Kill()
		<-s.done
	}
}

// crash ends the server at once, as a power cut would.
func (l *lab) crash() {
	l.t.Helper()
	l.server.stop(syscall.SIGKILL)
}

// restart starts the server again, at the same address.
func (l *lab) restart() {
	l.t.Helper()
	address := strings.TrimPrefix(l.server.url, "http://")
	*l.server = *l.serve(address)
}

func tail(path string, n int) string {
	data, err := os.ReadFile(path)
	if err != nil {
		return err.Error()
	}
	lines := slices.DeleteFunc(bytes.Split(bytes.TrimRight(data, "\n"), []byte("\n")), func(line []byte) bool {
		return bytes.Contains(line, []byte("msg=request")) // who asked what says little
	})
	return string(bytes.Join(lines[max(0, len(lines)-n):], []byte("\n")))
}

// tree describes every file below some folders, to see whether one changes.
func tree(dirs ...string) map[string]string {
	out := map[string]string{}
	for _, dir := range dirs {
		_ = filepath.Walk(dir, func(path string, info os.FileInfo, err error) error {
			if err != nil {
				return nil //nolint:nilerr // what is not there has no files
			}
			note := info.Mode().String()
			if st, ok := info.Sys().(*syscall.Stat_t); ok && info.Mode().IsRegular() {
				data, _ := os.ReadFile(path)
				note = fmt.Sprint(note, info.ModTime(), st.Ino, string(data))
			}
			out[path] = note
			return nil
		})
	}
	return out
}

// differences lists the paths that differ between two trees.
func differences(a, b map[string]string) []string {
	var out []string
	for path, note := range a {
		if b[path] != note {
			out = append(out, path)
		}
	}
	for path := range b {
		if _, ok := a[path]; !ok {
			out = append(out, path)
		}
	}
	return out
}
