package main

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"rinca/internal/redact/leaktest"
)

// Values that must be found nowhere but where they belong. Their alphabets
// differ, so that each form of one is recognisable: quotes, spaces, bytes that
// URLs and JSON escape.
var canaries = []string{ // grows by the token of the Connect server, see known
	"canaryAlpha7Kq2Zp9XvR4mB8w",
	`canary "beta" & <3 $HOME/é 9Lr5Tn`,
	"canary-gamma-line-one\ncanary-gamma-line-two-77",
	"canarydelta'+/=?%41\\tail55",
}

var canariesMu sync.RWMutex // the process watch reads them all the time

// known returns the canaries so far.
func known() []string {
	canariesMu.RLock()
	defer canariesMu.RUnlock()
	return slices.Clone(canaries)
}

// leaked returns which canary data holds, and in which form.
func leaked(data []byte) string { return leaktest.New(known()...).Find(data) }

// A lab is a machine with canaries in its vault, and eyes on everything.
type lab struct {
	t     *testing.T
	dir   string
	bin   string // holds rinca and op
	env   []string
	watch *processWatch
}

func newLab(t *testing.T) *lab {
	t.Helper()
	dir := t.TempDir()
	l := &lab{t: t, dir: dir, bin: filepath.Join(dir, "bin")}
	for _, d := range []string{"bin", "home", "dest", "tmp", "work"} {
		if err := os.Mkdir(filepath.Join(dir, d), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	build := exec.CommandContext(t.Context(), "go", "build", "-o", filepath.Join(l.bin, "rinca"), ".")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("build: %v\n%s", err, out)
	}
	if err := os.Symlink("rinca", filepath.Join(l.bin, "op")); err != nil {
		t.Fatal(err)
	}
	l.env = []string{
		"PATH=" + l.bin + ":" + os.Getenv("PATH"), "HOME=" + filepath.Join(dir, "work"), "TMPDIR=" + filepath.Join(dir, "tmp"),
		"RINCA_HOME=" + filepath.Join(dir, "home"), "DEST_ROOT=" + filepath.Join(dir, "dest"),
		"RINCA_PROVIDER=embedded", "RINCA_LOG_LEVEL=debug", "TZ=UTC", "LANG=C.UTF-8",
	}
	l.watch = watchProcesses(t, os.Getpid())
	return l
}

// A call is one command, and where a value may legitimately appear.
type call struct {
	name  string // the command line, split at spaces; "{dir}" is the lab
	stdin string
	env   []string
	shows bool // its standard output is meant to hold values
	fails bool // it must fail
}

// run runs a command and searches what it printed.
func (l *lab) run(c call) string {
	l.t.Helper()
	args := strings.Fields(strings.ReplaceAll(c.name, "{dir}", l.dir))
	for i := range args {
		args[i] = strings.ReplaceAll(args[i], "␣", " ")
	}
	ctx, cancel := context.WithTimeout(l.t.Context(), time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, filepath.Join(l.bin, args[0]), args[1:]...)
	cmd.Env = append(slices.Clone(l.env), c.env...)
	cmd.Dir = filepath.Join(l.dir, "work")
	cmd.Stdin = strings.NewReader(c.stdin)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err := cmd.Run()
	if (err != nil) != c.fails {
		l.t.Errorf("%s: %v\n%s%s", c.name, err, mask(stdout.String()), mask(stderr.String()))
	}
	if what := leaked(stderr.Bytes()); what != "" {
		l.t.Errorf("%s: standard error holds %s\n%s", c.name, what, stderr.String())
	}
	if what := leaked(stdout.Bytes()); what != "" && !c.shows {
		l.t.Errorf("%s: standard output holds %s\n%s", c.name, what, stdout.String())
	}
	return stdout.String()
}

func mask(s string) string {
	if leaked([]byte(s)) != "" {
		return "(holds a canary)"
	}
	return s
}

// searchFiles looks through every file under the lab that is not meant to
// hold a value: all but the exported files and what the test itself wrote.
func (l *lab) searchFiles(allowed ...string) {
	l.t.Helper()
	err := filepath.WalkDir(l.dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		rel, _ := filepath.Rel(l.dir, path)
		for _, a := range append(allowed, "bin/*") {
			if ok, _ := filepath.Match(a, rel); ok {
				return nil
			}
		}
		data, err := os.ReadFile(path)
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if what := leaked(data); what != "" {
			l.t.Errorf("%s holds %s", rel, what)
		}
		return err
	})
	if err != nil {
		l.t.Error(err)
	}
}

// A processWatch reads the command lines and environments of every descendant
// of a process, as often as it can.
type processWatch struct {
	mu    sync.Mutex
	found []string
	seen  int
	stop  context.CancelFunc
	done  chan struct{}
	// mayHold says of a process, by its command line, that its environment is
	// meant to hold values: the child of `rinca run`.
	mayHold *regexp.Regexp
}

func watchProcesses(t *testing.T, root int) *processWatch {
	t.Helper()
	ctx, stop := context.WithCancel(context.Background())
	w := &processWatch{stop: stop, done: make(chan struct{}), mayHold: regexp.MustCompile(`^(sh\x00-c\x00: the child|base64\x00)`)}
	go func() {
		defer close(w.done)
		for ctx.Err() == nil {
			w.look(root)
			time.Sleep(500 * time.Microsecond)
		}
	}()
	t.Cleanup(stop)
	return w
}

func (w *processWatch) look(root int) {
	entries, err := os.ReadDir("/proc")
	if err != nil {
		return
	}
	for _, e := range entries {
		pid, err := strconv.Atoi(e.Name())
		if err != nil || pid == root || !descends(pid, root) {
			continue
		}
		line, _ := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid))
		environ, _ := os.ReadFile(fmt.Sprintf("/proc/%d/environ", pid))
		w.mu.Lock()
		w.seen++
		if what := leaked(line); what != "" {
			w.found = append(w.found, fmt.Sprintf("argv %q holds %s", line, what))
		}
		if what := leaked(environ); what != "" && !w.mayHold.Match(line) {
			w.found = append(w.found, fmt.Sprintf("the environment of %q holds %s", line, what))
		}
		w.mu.Unlock()
	}
}

func descends(pid, root int) bool {
	for range 8 {
		stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
		if err != nil {
			return false
		}
		fields := strings.Fields(string(stat[bytes.LastIndexByte(stat, ')')+1:]))
		if pid, err = strconv.Atoi(fields[1]); err != nil || pid <= 1 {
			return false
		}
		if pid == root {
			return true
		}
	}
	return false
}

// check ends the watch and reports what it saw.
func (w *processWatch) check(t *testing.T) {
	t.Helper()
	w.stop()
	<-w.done
	slices.Sort(w.found)
	for _, f := range slices.Compact(w.found) {
		t.Error(f)
	}
	if w.seen == 0 {
		t.Error("the watch saw no process: it proves nothing")
	}
}

// faultyProxy stands between a client and the Connect server and breaks one
// request in three, each time in another way.
func faultyProxy(t *testing.T, target string) string {
	t.Helper()
	u, err := url.Parse(target)
	if err != nil {
		t.Fatal(err)
	}
	proxy := httputil.NewSingleHostReverseProxy(u)
	var mu sync.Mutex
	n := 0
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		n++
		turn := n
		mu.Unlock()
		switch {
		case turn%3 != 0:
			proxy.ServeHTTP(w, r)
		case turn%4 == 0:
			http.Error(w, `{"status":500,"message":"Something went wrong"}`, http.StatusInternalServerError)
		case turn%4 == 1: // the whole answer, then cut off
			rec := httptest.NewRecorder()
			proxy.ServeHTTP(rec, r)
			w.Header().Set("Content-Length", strconv.Itoa(rec.Body.Len()+10))
			w.WriteHeader(rec.Code)
			_, _ = io.Copy(w, rec.Body)
		case turn%4 == 2:
			w.Header().Set("Retry-After", "0")
			http.Error(w, `{"status":429,"message":"Too many requests"}`, http.StatusTooManyRequests)
		default:
			_, _ = io.WriteString(w, `{"id":"x","fields":[{"value":"`+canaries[0]) // truncated JSON with a value in it
		}
	}))
	t.Cleanup(s.Close)
	return s.URL
}

func freeAddress(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// The search finds what it is for: a test that cannot fail proves nothing.
func TestLeakSearchFinds(t *testing.T) {
	for _, c := range known() {
		for _, text := range []string{
			"x" + c + "y", fmt.Sprintf("%q", c), base64.StdEncoding.EncodeToString([]byte("x=" + strings.Split(c, "\n")[0] + " tail")),
			hex.EncodeToString([]byte(c)), "?q=" + url.QueryEscape(strings.Split(c, "\n")[0]),
		} {
			if leaked([]byte(text)) == "" {
				t.Errorf("%.60q is not found", text)
			}
		}
	}
	if what := leaked([]byte("nothing of the kind")); what != "" {
		t.Errorf("finds %s in innocent text", what)
	}
}
