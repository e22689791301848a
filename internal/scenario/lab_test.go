// Package scenario_test drives the real program from outside: rinca serve on
// a loopback port, a private Docker Engine, local Git repositories and an
// embedded vault, by the commands that a person types.
package scenario_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"rinca/internal/deploy/enginetest"
	"rinca/internal/rinca"
)

var programDir string

func TestMain(m *testing.M) {
	flag.Parse()
	// They wait for containers more than they compute.
	if f := flag.Lookup("test.parallel"); f != nil && f.Value.String() == f.DefValue {
		_ = f.Value.Set("5")
	}
	dir, err := os.MkdirTemp("", "rinca-scenario-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	programDir = dir
	status := m.Run()
	os.RemoveAll(dir)
	os.Exit(status)
}

// program builds the binary that is tested, once, unless RINCA_TEST_PROGRAM
// names one. It needs no libraries, so that it runs inside images too.
var program = sync.OnceValues(func() (string, error) {
	if path := os.Getenv("RINCA_TEST_PROGRAM"); path != "" {
		return path, nil
	}
	root := filepath.Join("..", "..")
	// The test cache sees that a result depends on every source file.
	err := filepath.WalkDir(filepath.Join(root, "internal"), func(_ string, _ fs.DirEntry, err error) error { return err })
	if err != nil {
		return "", err
	}
	out := filepath.Join(programDir, "rinca")
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, "go", "build", "-o", out, ".")
	cmd.Dir, cmd.Env = root, append(os.Environ(), "CGO_ENABLED=0", "GOFLAGS=")
	if text, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build the program: %w\n%s", err, text)
	}
	return out, nil
})

var labs atomic.Int64

// A lab is one installation: a home, a vault, a server, and an engine that it
// may share with other labs. Its methods fail t.
type lab struct {
	t       testing.TB
	dir     string
	id      string // in the names of its projects, volumes and images
	program string
	image   string // the usual image of its containers
	engine  *enginetest.Engine
	server  *server
	key     string // an administrator's API key
	env     []string
	// serverEnv is for the server alone, over env.
	serverEnv []string
	heard     *transcript // of commands; may be nil
}

// newLab returns a lab whose server runs, on the engine of the test binary.
func newLab(t testing.TB) *lab {
	t.Helper()
	return labOn(t, enginetest.Start(t))
}

func labOn(t testing.TB, e *enginetest.Engine) *lab {
	t.Helper()
	l := bareLab(t)
	l.engine, l.image = e, e.Image(t, "scenario/app:1")
	l.must("init", "-q")
	l.server = l.serve("127.0.0.1:0")
	l.must("login", "--host", l.server.url, "--user", "admin", "--password-file", l.path("password"))
	l.key = strings.TrimSpace(l.must("apikey", "create", "lab"))
	l.env = append(l.env, "RINCA_HOST="+l.server.url, "RINCA_API_KEY="+l.key)
	return l
}

// bareLab has folders and the program, and nothing that runs.
func bareLab(t testing.TB) *lab {
	t.Helper()
	bin, err := program()
	if err != nil {
		t.Fatal(err)
	}
	// The engine reaches /tmp; TMPDIR may be elsewhere, and long.
	dir, err := os.MkdirTemp("/tmp", "rinca-lab-") //nolint:usetesting // for the reason above
	if err != nil {
		t.Fatal(err)
	}
	l := &lab{t: t, dir: dir, id: fmt.Sprintf("lab%d", labs.Add(1)), program: bin}
	t.Cleanup(func() { os.RemoveAll(dir) })
	for _, d := range []string{"tmp", "user", "secrets", "data"} {
		if err := os.Mkdir(l.path(d), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	l.write("password", "scenario-password-of-"+l.id+"\n")
	l.env = []string{
		"PATH=" + os.Getenv("PATH"), "HOME=" + l.path("user"), "TMPDIR=" + l.path("tmp"), "TZ=UTC", "LANG=C.UTF-8",
		"RINCA_HOME=" + l.path("home"), "DEST_ROOT=" + l.path("secrets"), "RINCA_PROVIDER=embedded",
	}
	return l
}

// with returns the lab for a subtest.
func (l *lab) with(t testing.TB) *lab {
	c := *l
	c.t = t
	return &c
}

func (l *lab) path(elements ...string) string {
	return filepath.Join(append([]string{l.dir}, elements...)...)
}

// write writes a file of the lab.
func (l *lab) write(name, text string) {
	l.t.Helper()
	path := l.path(name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		l.t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		l.t.Fatal(err)
	}
}

func (l *lab) read(path string) string {
	l.t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		l.t.Fatal(err)
	}
	return string(data)
}

// A result is what a command did.
type result struct {
	line     string
	out, err string
	code     int
}

func (r result) String() string {
	return fmt.Sprintf("%s: exit status %d\n%s%s", r.line, r.code, r.out, r.err)
}

// rinca runs a command.
func (l *lab) rinca(args ...string) result {
	l.t.Helper()
	return l.typed("", args...)
}

// typed runs a command with something on its standard input.
func (l *lab) typed(stdin string, args ...string) result {
	l.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, l.program, args...)
	cmd.Env, cmd.Dir, cmd.Stdin = l.env, l.path("user"), strings.NewReader(stdin)
	var out, errOut bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errOut
	err := cmd.Run()
	r := result{line: "rinca " + strings.Join(args, " "), out: out.String(), err: errOut.String(), code: cmd.ProcessState.ExitCode()}
	if l.heard != nil {
		l.heard.add(r)
	}
	if _, ok := errors.AsType[*exec.ExitError](err); err != nil && !ok {
		l.t.Errorf("%s: %v", r.line, err)
	}
	return r
}

// must runs a command that must work, and returns what it printed.
func (l *lab) must(args ...string) string {
	l.t.Helper()
	r := l.rinca(args...)
	if r.code != 0 {
		l.t.Fatalf("%s", r)
	}
	return r.out
}

// fails runs a command that must fail with a status, and say each of wants.
func (l *lab) fails(code int, wants []string, args ...string) result {
	l.t.Helper()
	r := l.rinca(args...)
	if r.code != code {
		l.t.Errorf("want exit status %d\n%s", code, r)
	}
	for _, w := range wants {
		if !strings.Contains(r.out+r.err, w) {
			l.t.Errorf("it does not say %q\n%s", w, r)
		}
	}
	return r
}

// variable sets a variable, from standard input as a person would.
func (l *lab) variable(name, value string, flags ...string) {
	l.t.Helper()
	if r := l.typed(value, append([]string{"variable", "set", name, "--value-file", "-"}, flags...)...); r.code != 0 {
		l.t.Fatalf("%s", r)
	}
}

// item makes or changes the item of an env file; values go through files.
func (l *lab) item(stack, title string, values map[string]string) {
	l.t.Helper()
	example := filepath.Join("items", stack, title+".example")
	args := []string{"item", "create", l.path(example), "--stack", stack, "--yes"}
	var text strings.Builder
	for key, value := range values {
		fmt.Fprintf(&text, "%s=REPLACE_ME\n", key)
		name := filepath.Join("items", stack, title+"."+key)
		l.write(name, value)
		args = append(args, "--set-file", key+"="+l.path(name))
	}
	l.write(example, text.String())
	l.must(args...)
}

// api sends a request to the server, and decodes the answer into out.
func (l *lab) api(method, path string, body, out any) int {
	l.t.Helper()
	status, answer, err := l.ask(method, path, body)
	if err != nil {
		l.t.Fatalf("%s %s: %v", method, path, err)
	}
	if status < 300 && out != nil {
		if err := json.Unmarshal(answer, out); err != nil {
			l.t.Fatalf("%s %s: %v\n%s", method, path, err, answer)
		}
	}
	return status
}

func (l *lab) ask(method, path string, body any) (int, []byte, error) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	res, err := l.open(ctx, method, path, body)
	if err != nil {
		return 0, nil, err
	}
	defer res.Body.Close()
	answer, err := io.ReadAll(res.Body)
	return res.StatusCode, answer, err
}

// open begins a request whose answer may be a stream.
func (l *lab) open(ctx context.Context, method, path string, body any) (*http.Response, error) {
	var r io.Reader
	if body != nil {
		data, err := json.Marshal(body)
		if err != nil {
			return nil, err
		}
		r = bytes.NewReader(data)
	}
	req, err := http.NewRequestWithContext(ctx, method, l.server.url+path, r)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Authorization", "Bearer "+l.key)
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	return http.DefaultClient.Do(req)
}

// update gets an update.
func (l *lab) update(id string) rinca.Update {
	l.t.Helper()
	var u rinca.Update
	if status := l.api("GET", "/v1/updates/"+id, nil, &u); status != 200 {
		l.t.Fatalf("update %s: status %d", id, status)
	}
	return u
}

// submit asks for an execution and does not wait for it.
func (l *lab) submit(kind string, params map[string]any) rinca.Update {
	l.t.Helper()
	var u rinca.Update
	if status := l.api("POST", "/v1/executions", map[string]any{"type": kind, "params": params}, &u); status != 202 {
		l.t.Fatalf("%s %v: status %d", kind, params, status)
	}
	return u
}

// ended waits until an update has ended.
func (l *lab) ended(id string) rinca.Update {
	l.t.Helper()
	var u rinca.Update
	l.wait("the end of update "+id, func() bool {
		u = l.update(id)
		return u.State.Final()
	})
	return u
}

// wait waits until something is so.
func (l *lab) wait(what string, ok func() bool) {
	l.t.Helper()
	for deadline := time.Now().Add(2 * time.Minute); !ok(); time.Sleep(50 * time.Millisecond) {
		if time.Now().After(deadline) {
			l.t.Fatalf("waited in vain for %s", what)
		}
	}
}
