package scenario_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"rinca/internal/redact/leaktest"
)

// The canaries: one for each way in. Their alphabets differ, so that each form
// of one is recognised.
const (
	canaryEnv     = "canaryEnv7Kq2Zp9XvR4mB8w"
	canaryVault   = `canary vault "beta" & <3 $HOME/é 9Lr5Tn`
	canarySecret  = "canary-secret-one\ncanary-secret-line-two-77"
	canaryContent = "canaryContent'+/=?%41\\tail55"
	canaryHook    = "canaryHook:it's `odd` 0Fd6"
	canaryPlainly = "canaryReference 3Wq {{ x }} #1"
)

const leaky = `
services:
  env:
    image: IMAGE
    stop_grace_period: 1s
    environment: {KEY: [[CANARY_ENV]], REF: [[CANARY_REF]], APP_PRINT: 1, TURN: one}
  vault:
    image: IMAGE
    stop_grace_period: 1s
    environment: {APP_PRINT: 1}
    env_file: [LAB/secrets/leaky/leaky.env]
  files:
    image: IMAGE
    stop_grace_period: 1s
    environment: {APP_PRINT: 1, APP_FILES: /run/secrets/inside /etc/inside}
    secrets: [inside]
    configs: [{source: inside, target: /etc/inside}]
  other:
    image: IMAGE
    stop_grace_period: 1s
    volumes: ["data:/data"]
volumes: {data: {}}
secrets: {inside: {environment: INSIDE}}
configs: {inside: {content: "value = [[CANARY_CONTENT]]"}}
`

// TestNothingLeaks does about everything that can be done with values that are
// recognised, and then looks for them wherever they must not be.
func TestNothingLeaks(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	l.watchProcesses()
	l.heard = &transcript{}
	g := newGitServer(t, l)
	s := l.leakyStack(g)
	reader := l.reader()
	stop := reader.listen()
	l.doEverything(s)
	stop()
	l.searchAnswers(s, true)
	reader.searchAnswers(s, false)
	l.searchContainers(s)
	l.must("backup", l.path("backup.bak"))
	l.server.stop(syscall.SIGTERM)
	l.searchDisk()
	for _, said := range l.heard.all() {
		l.nowhere(said.where, []byte(said.text))
	}
}

// canaries returns the values that are looked for.
func (l *lab) canaries() *leaktest.Search {
	return leaktest.New(canaryEnv, canaryVault, canarySecret, canaryContent, canaryHook, canaryPlainly, gitToken,
		strings.TrimSpace(l.read(l.path("password"))), l.key)
}

func (l *lab) nowhere(where string, data []byte) {
	l.t.Helper()
	if what := l.canaries().Find(data); what != "" {
		l.t.Errorf("%s holds %s", where, what)
	}
}

func (l *lab) leakyStack(g *gitServer) *stack {
	l.t.Helper()
	l.variable("CANARY_ENV", canaryEnv, "--secret")
	l.variable("CANARY_HOOK", canaryHook, "--secret")
	l.item("leaky", "leaky.env", map[string]string{"KEY": canaryVault})
	l.item("leaky", "apart.env", map[string]string{"KEY": canaryPlainly})
	l.write("environment", "INSIDE = [[CANARY_SECRET]]\n")
	hook := `echo "hook: [[CANARY_HOOK]]"; printf %s [[CANARY_HOOK]] | base64 -w0; echo; echo [[CANARY_HOOK]] >&2`
	s := l.newStack(l.t, "leaky", map[string]string{"compose.yaml": leaky}, "--environment-file", l.path("environment"),
		"--pre-deploy", hook, "--post-deploy", hook, "--verify-settle", "3s")
	l.variable("CANARY_SECRET", canarySecret, "--secret", "--stack", s.name)
	l.variable("CANARY_CONTENT", canaryContent, "--secret", "--stack", s.name)
	l.must("variable", "set", "CANARY_REF", "--from", "op://homelab/apart.env/KEY")
	s.must("stack", "set", s.name, "--repo", g.url(s.work), "--account", "lab")
	return s
}

// reader is the lab as a user sees it who may read everything, and no value.
func (l *lab) reader() *lab {
	l.t.Helper()
	l.must("user", "create", "reader", "--service", "--grant", "Stack=Read", "--grant", "Variable=Read", "--grant", "Server=Read", "--grant", "GitAccount=Read")
	r := *l
	r.key = strings.TrimSpace(l.must("apikey", "create", "reading", "--user", "reader"))
	r.env = append(slices.Clone(l.env), "RINCA_API_KEY="+r.key)
	return &r
}

// listen reads every event, until the function that it returns is called.
func (l *lab) listen() (stop func()) {
	l.t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	res, err := l.open(ctx, "GET", "/v1/events?after=0", nil)
	if err != nil || res.StatusCode != 200 {
		l.t.Fatal(err, res)
	}
	var all bytes.Buffer
	var reading sync.WaitGroup
	reading.Go(func() {
		defer res.Body.Close()
		_, _ = io.Copy(&all, res.Body) // until it is canceled
	})
	return func() {
		l.t.Helper()
		time.Sleep(200 * time.Millisecond) // what is on its way
		cancel()
		reading.Wait()
		l.nowhere("the stream of events", all.Bytes())
		if !strings.Contains(all.String(), "concealed") {
			l.t.Errorf("in the stream of events nothing is masked: it proves nothing\n%.2000s", all.String())
		}
	}
}

func (l *lab) doEverything(s *stack) {
	l.t.Helper()
	l.rinca("stack", "plan", s.name)
	s.deploy("--verbose")
	for service, want := range map[string]string{"env": canaryEnv, "files": "canary-secret-line-two-77"} {
		if got := s.printed(service); !strings.Contains(got, want) {
			l.t.Fatalf("%s did not get its value: the search would prove nothing\n%s", service, got)
		}
	}
	l.rinca("drift", s.name, "--all", "--deep")
	l.item("leaky", "leaky.env", map[string]string{"KEY": canaryVault + "-newer"})
	l.variable("CANARY_SECRET", canarySecret+"-newer", "--secret", "--stack", s.name)
	for _, flag := range []string{"--json", "--deep"} {
		l.rinca("drift", s.name, flag)
	}
	l.item("leaky", "leaky.env", map[string]string{"KEY": canaryVault})
	l.variable("CANARY_SECRET", canarySecret, "--secret", "--stack", s.name)
	l.rinca("secret", "list", "--values", "--json")
	l.rinca("secret", "used-by", "op://homelab/leaky.env/KEY", "--json")
	l.rinca("stack", "logs", s.name, "--tail", "0")
	l.rinca("stack", "logs", s.name, "--json", "--timestamps")
	l.rinca("stack", "deploy", s.name, "--force", "--json")
	s.edit("TURN: one", "TURN: two, APP_EXIT: 3") // its last lines hold its environment
	s.refused("exited with 3")
	s.edit("APP_EXIT: 3", "APP_AFTER: 1s")
	s.must("stack", "set", s.name, "--pre-deploy", "cat /nowhere/[[CANARY_HOOK]]")
	s.refused("pre_deploy")
	s.must("stack", "set", s.name, "--pre-deploy", "sleep 50; echo [[CANARY_HOOK]]")
	u := l.submit("DeployStack", map[string]any{"stack": s.name})
	l.inStage(u.ID, "Pre-deploy")
	l.cancels(u.ID)
	s.commit(map[string]string{"compose.yaml": "services: {env: {image: IMAGE, environment: {A: [[CANARY_ENV]]}, nonsense: [[CANARY_CONTENT]]}}"})
	s.refused()
	s.commit(map[string]string{"compose.yaml": "services: {env: {image: IMAGE, volumes: ['/x/[[CANARY_ENV]]:/y']}}"})
	s.refused()
	s.commit(map[string]string{"compose.yaml": leaky})
	s.must("stack", "set", s.name, "--pre-deploy", "")
	s.deploy()
	for _, line := range []string{
		"variable list", "variable list --json", "variable get CANARY_ENV", "variable history CANARY_ENV", "variable history CANARY_SECRET --stack leaky --json",
		"stack show leaky", "stack show leaky --json", "stack list --json", "stack history leaky", "update list --json", "git account list --json",
		"server list --json", "audit list --json", "audit verify", "user list --json", "apikey list --json", "doctor", "export leaky", "item show leaky.env",
		"deploy", "stack deploy nothing", "stack restart leaky", "stack pull leaky", "update show " + s.last().ID + " --log", "key rotate", "stack plan leaky",
	} {
		l.rinca(strings.Fields(line)...)
	}
	for _, u := range historyOf(l, s.name) {
		l.rinca("update", "show", u.ID, "--log", "--json")
	}
}

// searchAnswers asks every route that only looks, as the API itself lists them.
// Who reveals may see a value where it is asked for.
func (l *lab) searchAnswers(s *stack, reveals bool) {
	l.t.Helper()
	var api struct {
		Paths map[string]map[string]json.RawMessage `json:"paths"`
	}
	l.api("GET", "/v1/openapi.json", nil, &api)
	names := map[string][]string{
		"stack": {s.name}, "server": {"local"}, "account": {"lab"}, "user": {"reader", "admin"}, "group": {"none"},
		"name": {"CANARY_ENV", "CANARY_REF", "CANARY_SECRET?stack=leaky"}, "variable": {"CANARY_ENV", "CANARY_REF", "CANARY_SECRET?stack=leaky"},
	}
	for _, u := range historyOf(l, s.name) {
		names["id"] = append(names["id"], u.ID)
	}
	param, asked := regexp.MustCompile(`\{(\w+)\}`), 0
	for path, methods := range api.Paths {
		if _, ok := methods["get"]; !ok || path == "/v1/events" {
			continue
		}
		key := ""
		if m := param.FindStringSubmatch(path); m != nil {
			key = m[1]
		}
		for _, name := range append(names[key], map[bool][]string{true: {""}}[key == ""]...) {
			plain, query, _ := strings.Cut(name, "?")
			target := strings.Replace(path, "{"+key+"}", url.PathEscape(plain), 1)
			if query != "" {
				target += "?" + query
			}
			if status := l.searchAnswer(target, reveals); status < 400 {
				asked++
			}
		}
	}
	if asked < 15 {
		l.t.Errorf("only %d answers were searched", asked)
	}
}

func (l *lab) searchAnswer(path string, reveals bool) int {
	l.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	res, err := l.open(ctx, "GET", path, nil)
	if err != nil {
		l.t.Errorf("GET %s: %v", path, err)
		return 500
	}
	defer res.Body.Close()
	answer, _ := io.ReadAll(res.Body)
	if reveals && regexp.MustCompile(`/value(\?|$)`).MatchString(path) {
		return res.StatusCode
	}
	l.nowhere("GET "+path, answer)
	return res.StatusCode
}

// searchContainers looks at all that the engine tells of what is not the
// environment of a container that has it for a reason.
func (l *lab) searchContainers(s *stack) {
	l.t.Helper()
	for service, b := range s.containers() {
		data, err := l.engineAnswer("GET", "/containers/"+b.ID+"/json")
		if err != nil {
			l.t.Fatal(err)
		}
		if service == "env" || service == "vault" {
			var doc map[string]any
			if err := json.Unmarshal(data, &doc); err != nil {
				l.t.Fatal(err)
			}
			delete(doc["Config"].(map[string]any), "Env")
			if data, err = json.Marshal(doc); err != nil {
				l.t.Fatal(err)
			}
		}
		l.nowhere("docker inspect of "+service, data)
	}
	for _, path := range []string{"/containers/json?all=1", "/networks", "/volumes", "/images/json", "/info", "/events?since=0&until=" + strconv.FormatInt(time.Now().Unix(), 10)} {
		data, err := l.engineAnswer("GET", path)
		if err != nil {
			l.t.Fatal(err)
		}
		l.nowhere("the engine's "+path, data)
	}
}

// searchDisk looks through every file of the lab but those that the values
// came from, and the exported ones.
func (l *lab) searchDisk() {
	l.t.Helper()
	seen := 0
	err := filepath.WalkDir(l.dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		rel, err := filepath.Rel(l.dir, path)
		if err != nil || rel == "password" || rel == "git-token" || strings.HasPrefix(rel, "items/") ||
			strings.HasPrefix(rel, "secrets/leaky/") && strings.HasSuffix(rel, ".env") {
			return err
		}
		seen++
		l.nowhere(rel, []byte(l.read(path)))
		return nil
	})
	if err != nil || seen < 10 {
		l.t.Errorf("searched %d files: %v", seen, err)
	}
	for _, name := range []string{"home/rinca.db", "serve.log", "backup.bak"} {
		if info, err := os.Stat(l.path(name)); err != nil || info.Size() == 0 {
			l.t.Errorf("%s was not there to be searched: %v", name, err)
		}
	}
	if rest, _ := os.ReadDir(l.path("tmp")); len(rest) > 0 {
		l.t.Errorf("temporary files are left: %v", rest)
	}
}

// A transcript keeps what commands say.
type transcript struct {
	mu   sync.Mutex
	said []saying
}

type saying struct{ where, text string }

func (tr *transcript) add(r result) {
	tr.mu.Lock()
	defer tr.mu.Unlock()
	tr.said = append(tr.said, saying{r.line, r.out + r.err})
}

func (tr *transcript) all() []saying {
	tr.mu.Lock()
	defer tr.mu.Unlock()
	return tr.said
}

// watchProcesses reads the command lines of every process of the machine, and
// the environment of the server, until the test ends.
func (l *lab) watchProcesses() {
	ctx, stop := context.WithCancel(context.Background())
	search, seen := l.canaries(), map[string]bool{}
	var watching sync.WaitGroup
	watching.Go(func() {
		for ctx.Err() == nil {
			paths, _ := filepath.Glob("/proc/[0-9]*/cmdline")
			for _, path := range append(paths, fmt.Sprintf("/proc/%d/environ", l.server.cmd.Process.Pid)) {
				data, _ := os.ReadFile(path) // it may have ended
				if what := search.Find(data); what != "" && !seen[what] {
					seen[what] = true
					l.t.Errorf("%s, %.200q, holds %s", path, data, what)
				}
			}
			time.Sleep(3 * time.Millisecond)
		}
	})
	l.t.Cleanup(func() { stop(); watching.Wait() })
}
