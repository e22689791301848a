package scenario_test

import (
	"encoding/pem"
	"net/http"
	"net/http/cgi"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"rinca/internal/rinca"
)

// A gitServer serves the repositories of a lab over HTTPS, with a token, and
// fails when it is told to.
type gitServer struct {
	lab  *lab
	http *httptest.Server
	mode atomic.Value // "", "hang", "cut", "down", "gone", "denied"
}

const gitToken = "git-token-of-the-scenario-7Xq"

func newGitServer(t *testing.T, l *lab) *gitServer {
	t.Helper()
	git, err := exec.LookPath("git")
	if err != nil {
		t.Fatal(err)
	}
	g := &gitServer{lab: l}
	g.mode.Store("")
	backend := &cgi.Handler{
		Path: git, Args: []string{"http-backend"}, Dir: l.dir,
		Env: []string{"GIT_PROJECT_ROOT=" + l.path("repos"), "GIT_HTTP_EXPORT_ALL=1", "GIT_CONFIG_COUNT=1", "GIT_CONFIG_KEY_0=safe.directory", "GIT_CONFIG_VALUE_0=*"},
	}
	g.http = httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mode := g.mode.Load()
		switch _, token, _ := r.BasicAuth(); {
		case mode == "hang":
			select {
			case <-r.Context().Done():
			case <-time.After(2 * time.Minute):
			}
		case mode == "down":
			panic(http.ErrAbortHandler)
		case mode == "gone":
			http.NotFound(w, r)
		case mode == "denied", token != gitToken:
			w.Header().Set("WWW-Authenticate", `Basic realm="lab"`)
			w.WriteHeader(http.StatusUnauthorized)
		case mode == "cut" && r.Method == http.MethodPost:
			backend.ServeHTTP(&cutWriter{ResponseWriter: w, left: 200}, r)
		default:
			backend.ServeHTTP(w, r)
		}
	}))
	t.Cleanup(g.http.Close)
	l.write("git-ca.pem", string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: g.http.Certificate().Raw})))
	l.write("git-token", gitToken+"\n")
	l.must("git", "account", "add", "lab", "--host", strings.TrimPrefix(g.http.URL, "https://"), "--token-file", l.path("git-token"), "--ca", l.path("git-ca.pem"))
	return g
}

// url is where the repository of a work tree is served.
func (g *gitServer) url(work string) string {
	return g.http.URL + "/" + filepath.Base(work) + "/.git"
}

// A cutWriter ends the connection after some bytes.
type cutWriter struct {
	http.ResponseWriter
	left int
}

func (c *cutWriter) Write(p []byte) (int, error) {
	if len(p) > c.left {
		_, _ = c.ResponseWriter.Write(p[:c.left])
		if f, ok := c.ResponseWriter.(http.Flusher); ok {
			f.Flush()
		}
		panic(http.ErrAbortHandler)
	}
	c.left -= len(p)
	return c.ResponseWriter.Write(p)
}

// Whatever happens to a repository: what runs, and the last checkout, are left
// alone, the error says what is wrong, and when it is well again a deploy works.
func TestGitFails(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	g := newGitServer(t, l)
	s := l.newStack(t, "remote", map[string]string{"compose.yaml": small}, crashing...)
	s.must("stack", "set", s.name, "--repo", g.url(s.work), "--account", "lab")
	s.deploy()
	before := s.containers()
	disk := tree(s.path("home", "stacks", s.name, "src"))
	untouched := func(what string) {
		t.Helper()
		if got := moved(before, s.containers()); got != nil {
			t.Errorf("%s: moved %v", what, got)
		}
		if got := differences(disk, tree(s.path("home", "stacks", s.name, "src"))); got != nil {
			t.Errorf("%s: the checkout changed: %v", what, got)
		}
	}
	s.edit("VALUE: one", "VALUE: two")
	for mode, want := range map[string]struct {
		code int
		says string
	}{
		"down": {1, "127.0.0.1"}, "cut": {1, ""}, "gone": {4, "remote"}, "denied": {3, "lab"},
	} {
		g.mode.Store(mode)
		r := s.failing(want.code, want.says)
		if u := s.last(); u.State != rinca.Failed || u.Stages[len(u.Stages)-1].Name != "Source" {
			t.Errorf("%s: the update %s in %s", mode, u.State, u.Stages[len(u.Stages)-1].Name)
		}
		if strings.Contains(r.out+r.err, gitToken) {
			t.Errorf("%s: the token is shown\n%s", mode, r)
		}
		untouched(mode)
	}
	g.mode.Store("")

	// The branch is gone, then comes back with another history.
	s.git("checkout", "-q", "--orphan", "other")
	s.git("commit", "-q", "--allow-empty", "-m", "Another history")
	s.git("branch", "-D", "main")
	s.failing(4, "main")
	untouched("a branch that is gone")
	s.git("branch", "-m", "main")
	s.git("reflog", "expire", "--expire=now", "--all")
	s.git("gc", "-q", "--prune=now")
	u := s.deploy()
	if want := s.git("rev-parse", "HEAD"); u.Commit != want {
		t.Errorf("deployed %s, want %s", u.Commit, want)
	}
	if got := s.containers()["app"].env("VALUE"); got != "two" {
		t.Errorf("after the force-push VALUE is %s", got)
	}

	// A failed deploy goes back to a commit that the remote has no more.
	s.edit("VALUE: two", "APP_EXIT: 3")
	s.git("commit", "-q", "--amend", "-m", "No parent")
	s.git("checkout", "-q", "--orphan", "alone")
	s.git("commit", "-q", "-m", "Alone")
	s.git("branch", "-M", "main")
	s.git("reflog", "expire", "--expire=now", "--all")
	s.git("gc", "-q", "--prune=now")
	s.refused("exited with 3", "put back ("+u.Commit[:7])
	if got := s.containers()["app"].env("VALUE"); got != "two" {
		t.Errorf("after the rollback VALUE is %s", got)
	}

	// The local repository of a file:// stack is moved away.
	local := l.newStack(t, "local", map[string]string{"compose.yaml": small})
	local.deploy()
	runs := local.containers()
	if err := os.Rename(local.work, local.work+".away"); err != nil {
		t.Fatal(err)
	}
	local.failing(4, "repos/local")
	if got := moved(runs, local.containers()); got != nil {
		t.Errorf("moved %v", got)
	}
	if err := os.Rename(local.work+".away", local.work); err != nil {
		t.Fatal(err)
	}
	local.deploy()
	if got := local.plan(); !slices.Equal(got, nil) {
		t.Errorf("plan: %v", got)
	}
}
