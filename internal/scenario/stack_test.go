package scenario_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"rinca/internal/rinca"
)

// A stack is one stack of a lab, with a Git repository of its own.
type stack struct {
	*lab
	name, project string
	work          string // the repository's work tree; compose.yaml is in stack/
}

// newStack puts files into a repository and adds a stack that is deployed
// from it. IMAGE and LAB in files stand for the usual image and the lab's folder.
func (l *lab) newStack(t testing.TB, name string, files map[string]string, flags ...string) *stack {
	t.Helper()
	s := &stack{lab: l.with(t), name: name, project: name + "-" + l.id, work: l.path("repos", name)}
	if err := os.MkdirAll(s.work, 0o755); err != nil {
		t.Fatal(err)
	}
	s.git("init", "-q", "-b", "main")
	s.commit(files)
	t.Cleanup(s.remove)
	s.must(append([]string{
		"stack", "create", name, "--repo", "file://" + s.work, "--branch", "main", "--path", "stack",
		"--project", s.project, "--verify-settle", "1s", "--verify-timeout", "60s",
	}, flags...)...)
	return s
}

// again returns the stack for a subtest.
func (s *stack) again(t testing.TB) *stack {
	c := *s
	c.lab = s.lab.with(t)
	return &c
}

func (s *stack) git(args ...string) string {
	s.t.Helper()
	cmd := exec.CommandContext(context.Background(), "git", args...)
	cmd.Dir = s.work
	cmd.Env = []string{
		"PATH=" + os.Getenv("PATH"), "HOME=" + s.path("user"), "GIT_CONFIG_NOSYSTEM=1",
		"GIT_AUTHOR_NAME=lab", "GIT_AUTHOR_EMAIL=lab@localhost", "GIT_COMMITTER_NAME=lab", "GIT_COMMITTER_EMAIL=lab@localhost",
	}
	out, err := cmd.CombinedOutput()
	if err != nil {
		s.t.Fatalf("git %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return strings.TrimSpace(string(out))
}

// commit writes files of the stack's folder, and returns the commit.
func (s *stack) commit(files map[string]string) string {
	s.t.Helper()
	for name, text := range files {
		path := filepath.Join(s.work, "stack", name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			s.t.Fatal(err)
		}
		text = strings.NewReplacer("IMAGE", s.image, "LAB", s.dir, "PROJECT", s.project).Replace(text)
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			s.t.Fatal(err)
		}
	}
	s.git("add", "-A")
	s.git("commit", "-q", "--allow-empty", "-m", "Change "+s.name)
	return s.git("rev-parse", "HEAD")
}

// edit replaces text in compose.yaml, and commits it.
func (s *stack) edit(old, text string) string {
	s.t.Helper()
	before := s.read(filepath.Join(s.work, "stack", "compose.yaml"))
	after := strings.Replace(before, old, text, 1)
	if before == after {
		s.t.Fatalf("compose.yaml has no %q", old)
	}
	return s.commit(map[string]string{"compose.yaml": after})
}

// deploy deploys the stack, which must work, and returns the update.
func (s *stack) deploy(flags ...string) rinca.Update {
	s.t.Helper()
	s.must(append([]string{"stack", "deploy", s.name}, flags...)...)
	u := s.last()
	if u.State != rinca.Succeeded {
		s.t.Fatalf("the command succeeded, and the update %s", u.State)
	}
	return u
}

// refused deploys the stack, which must fail and say each of wants.
func (s *stack) refused(wants ...string) rinca.Update {
	s.t.Helper()
	s.failing(1, wants...)
	return s.last()
}

func (s *stack) failing(code int, wants ...string) result {
	s.t.Helper()
	return s.fails(code, wants, "stack", "deploy", s.name)
}

// last returns the newest update of the stack.
func (s *stack) last() rinca.Update {
	s.t.Helper()
	var list []rinca.Update
	s.api("GET", "/v1/updates?limit=1&stack="+url.QueryEscape(s.name), nil, &list)
	if len(list) == 0 {
		s.t.Fatal("there is no update")
	}
	return s.update(list[0].ID)
}

// plan says which services a deploy would change, "name change", in order.
func (s *stack) plan() []string {
	s.t.Helper()
	r := s.rinca("stack", "plan", s.name, "--json")
	var p rinca.Plan
	if err := json.Unmarshal([]byte(r.out), &p); err != nil {
		s.t.Fatalf("%v\n%s", err, r)
	}
	want := 0
	if p.Changes() {
		want = 2
	}
	if r.code != want {
		s.t.Errorf("want exit status %d\n%s", want, r)
	}
	return changes(p)
}

func changes(p rinca.Plan) []string {
	var out []string
	for _, c := range p.Services {
		if c.Change != rinca.Keep {
			out = append(out, c.Service+" "+string(c.Change))
		}
	}
	slices.Sort(out)
	return out
}

// A box is a container, as the engine tells of it.
type box struct {
	ID    string `json:"Id"`
	Name  string
	Image string
	State struct {
		Status, StartedAt string
		ExitCode          int
	}
	Config struct {
		Env    []string
		Labels map[string]string
	}
}

// containers returns the containers of the stack by service. Two of one
// service are an error: a deploy has left a half state.
func (s *stack) containers() map[string]box {
	s.t.Helper()
	var list []struct{ ID string }
	filter, err := json.Marshal(map[string][]string{"label": {"com.docker.compose.project=" + s.project}})
	if err != nil {
		s.t.Fatal(err)
	}
	s.ofEngine("GET", "/containers/json?all=1&filters="+url.QueryEscape(string(filter)), &list)
	out := map[string]box{}
	for _, c := range list {
		var b box
		s.ofEngine("GET", "/containers/"+c.ID+"/json", &b)
		service := b.Config.Labels["com.docker.compose.service"]
		if other, ok := out[service]; ok {
			s.t.Errorf("%s has two containers, %s and %s", service, other.Name, b.Name)
		}
		if want := "/" + s.project + "-" + service + "-1"; b.Name != want {
			s.t.Errorf("the container of %s is named %s", service, b.Name)
		}
		out[service] = b
	}
	return out
}

// moved lists the services whose containers are others than before, or have
// started since.
func moved(before, after map[string]box) []string {
	var out []string
	for service, b := range after {
		if a := before[service]; a.ID != b.ID || a.State.StartedAt != b.State.StartedAt {
			out = append(out, service)
		}
	}
	for service := range before {
		if _, ok := after[service]; !ok {
			out = append(out, service)
		}
	}
	slices.Sort(out)
	return out
}

// env returns the value of a variable of a container.
func (b box) env(name string) string {
	for _, e := range b.Config.Env {
		if v, ok := strings.CutPrefix(e, name+"="); ok {
			return v
		}
	}
	return "(not set)"
}

// printed returns what the container of a service has written, unmasked.
func (s *stack) printed(service string) string {
	s.t.Helper()
	data, err := s.engineAnswer("GET", "/containers/"+s.containers()[service].ID+"/logs?stdout=1&stderr=1")
	if err != nil {
		s.t.Fatal(err)
	}
	var out bytes.Buffer
	for len(data) >= 8 {
		n := int(binary.BigEndian.Uint32(data[4:8]))
		out.Write(data[8:min(8+n, len(data))])
		data = data[min(8+n, len(data)):]
	}
	return out.String()
}

// remove removes what the stack has on the engine.
func (s *stack) remove() {
	filter := url.QueryEscape(`{"label":["com.docker.compose.project=` + s.project + `"]}`)
	var list []struct{ ID string }
	if data, err := s.engineAnswer("GET", "/containers/json?all=1&filters="+filter); err == nil {
		_ = json.Unmarshal(data, &list)
	}
	for _, c := range list {
		_, _ = s.engineAnswer("DELETE", "/containers/"+c.ID+"?force=1&v=1")
	}
	_, _ = s.engineAnswer("POST", "/networks/prune?filters="+filter)
	_, _ = s.engineAnswer("POST", "/volumes/prune?filters="+filter)
}

// ofEngine asks the engine itself.
func (l *lab) ofEngine(method, path string, out any) {
	l.t.Helper()
	data, err := l.engineAnswer(method, path)
	if err == nil && out != nil {
		err = json.Unmarshal(data, out)
	}
	if err != nil {
		l.t.Fatalf("%s %s: %v\n%s", method, path, err, data)
	}
}

func (l *lab) engineAnswer(method, path string) ([]byte, error) {
	transport := &http.Transport{DisableKeepAlives: true, DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "unix", l.engine.Socket)
	}}
	req, err := http.NewRequestWithContext(context.Background(), method, "http://engine"+path, nil)
	if err != nil {
		return nil, err
	}
	res, err := (&http.Client{Transport: transport}).Do(req)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	data, err := io.ReadAll(res.Body)
	if err == nil && res.StatusCode >= 300 {
		err = fmt.Errorf("status %d: %s", res.StatusCode, data)
	}
	return data, err
}
