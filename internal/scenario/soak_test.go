package scenario_test

import (
	"bufio"
	"fmt"
	"math/rand/v2"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"rinca/internal/deploy/enginetest"
	"rinca/internal/redact/leaktest"
	"rinca/internal/rinca"
)

// looped is a stack whose app takes everything from its own item: its value,
// and whether it stays up.
const looped = `
services:
  app:
    image: IMAGE
    stop_grace_period: 1s
    env_file: [LAB/secrets/NAME/NAME.env]
  other:
    image: IMAGE
    stop_grace_period: 1s
`

// TestLoopConverges lets the loop run while values change at random, some of
// them bad, the server is killed, the engine loses its power, and the vault
// goes away. Afterwards everything is what the vault says, and nothing is left
// over. RINCA_SOAK_FOR says for how long; bench/soak runs it for an hour.
func TestLoopConverges(t *testing.T) {
	t.Parallel()
	span := 15 * time.Second
	if text := os.Getenv("RINCA_SOAK_FOR"); text != "" {
		var err error
		if span, err = time.ParseDuration(text); err != nil {
			t.Fatal(err)
		}
	}
	k := newSoak(t)
	did := map[string]int{}
	for end := time.Now().Add(span); time.Now().Before(end) && !t.Failed(); {
		did[k.act()]++
		time.Sleep(time.Duration(rand.Int64N(int64(1500 * time.Millisecond))))
	}
	t.Logf("in %s: %v", span, did)
	if t.Failed() {
		return
	}
	k.settle()
}

// A soak is a lab whose server has its vault behind Connect, so that it can
// go away.
type soak struct {
	*lab
	own     *enginetest.Engine
	stacks  []*stack
	connect *exec.Cmd
	address string // of Connect
	turn    int
	values  map[string]string // the last good value of each stack
}

func newSoak(t *testing.T) *soak {
	k := &soak{lab: bareLab(t), own: enginetest.StartOwn(t), values: map[string]string{}}
	k.engine, k.image = k.own, k.own.Image(t, "scenario/app:1")
	k.must("init", "-q")
	token := strings.TrimSpace(k.must("connect", "token", "create", "loop", "--vault", "homelab,r", "-q"))
	k.address = "127.0.0.1:0"
	k.startVault()
	t.Cleanup(k.stopVault)
	k.serverEnv = []string{"RINCA_HOME=" + k.path("plane"), "RINCA_PROVIDER=connect", "OP_CONNECT_HOST=http://" + k.address, "OP_CONNECT_TOKEN=" + token}
	k.server = k.serve("127.0.0.1:0")
	k.must("login", "--host", k.server.url, "--user", "admin", "--password-file", k.path("password"))
	k.key = strings.TrimSpace(k.must("apikey", "create", "lab"))
	k.env = append(k.env, "RINCA_HOST="+k.server.url, "RINCA_API_KEY="+k.key)
	k.must("rotate", "policy", "set", "--interval", "1s", "--batch", "1s")
	for _, s := range []struct{ name, after string }{{"base", ""}, {"db", "base"}, {"cache", "base"}, {"web", "db,cache"}, {"jobs", "db"}} {
		k.change(s.name, false)
		flags := []string{"--verify-settle", "1500ms"}
		if s.after != "" {
			flags = append(flags, "--after", s.after)
		}
		st := k.newStack(t, s.name, map[string]string{"compose.yaml": strings.ReplaceAll(looped, "NAME", s.name)}, flags...)
		st.deploy()
		k.stacks = append(k.stacks, st)
	}
	return k
}

// change gives the item of a stack a new value, of the kind that lets its app
// stay up or of the kind that ends it.
func (k *soak) change(name string, bad bool) {
	k.t.Helper()
	k.turn++
	value, exit := fmt.Sprintf("canary-of-turn-%d-%s", k.turn, name), "stay up"
	if bad {
		exit = "7"
	} else {
		k.values[name] = value
	}
	k.item(name, name+".env", map[string]string{"KEY": value, "APP_EXIT": exit})
}

// act does one thing at random, and says what.
func (k *soak) act() string {
	k.t.Helper()
	switch n := rand.IntN(20); {
	case n < 8:
		k.change(k.stacks[rand.IntN(len(k.stacks))].name, false)
		return "good value"
	case n < 10:
		for _, s := range k.stacks[:3] {
			k.change(s.name, false)
		}
		return "three good values"
	case n < 13:
		k.change(k.stacks[rand.IntN(len(k.stacks))].name, true)
		return "bad value"
	case n < 16:
		k.crash()
		time.Sleep(time.Duration(rand.Int64N(int64(500 * time.Millisecond))))
		k.restart()
		return "server killed"
	case n < 17:
		k.own.Kill(k.t)
		time.Sleep(time.Duration(rand.Int64N(int64(time.Second))))
		k.own.Restart(k.t)
		k.started()
		return "engine killed"
	default:
		k.stopVault()
		time.Sleep(time.Duration(rand.Int64N(int64(2 * time.Second))))
		k.startVault()
		return "vault away"
	}
}

// started starts every stack after the engine has lost its power: their
// services ask for no restart.
func (k *soak) started() {
	for _, s := range k.stacks {
		k.rinca("stack", "start", s.name)
	}
}

// settle gives every stack a last good value, and waits until everything is
// what it is to be.
func (k *soak) settle() {
	t := k.t
	t.Helper()
	k.started()
	for _, s := range k.stacks {
		k.change(s.name, false)
	}
	var wrong []string
	for end := time.Now().Add(3 * time.Minute); time.Now().Before(end); time.Sleep(500 * time.Millisecond) {
		if wrong = k.wrong(); len(wrong) == 0 {
			break
		}
	}
	if len(wrong) > 0 {
		for _, line := range []string{"rotate --plan", "rotate list", "rotate quarantine list", "update list", "stack list"} {
			t.Log(k.rinca(strings.Fields(line)...))
		}
		var rotations []rinca.Rotation
		k.api("GET", "/v1/rotations?limit=3", nil, &rotations)
		for _, r := range rotations {
			t.Log(k.rinca("rotate", "show", r.ID))
			t.Log(k.rinca("update", "show", r.ID, "--log"))
		}
		t.Fatalf("it does not converge: %s", strings.Join(wrong, "; "))
	}
	k.wait("the end of what runs", func() bool { return len(k.open()) == 0 })
	if r := k.rinca("drift"); r.code != 0 {
		t.Errorf("%s", r)
	}
	if r := k.rinca("rotate", "--plan"); r.code != 0 {
		t.Errorf("%s", r)
	}
	k.nothingLeft()
	k.must("audit", "verify")
	k.server.stop(syscall.SIGTERM)
	k.searchSoak()
}

// wrong says what is not yet as it is to be.
func (k *soak) wrong() []string {
	var out []string
	for _, s := range k.stacks {
		var boxes []struct {
			ID, State string
			Names     []string
		}
		filter := url.QueryEscape(`{"label":["com.docker.compose.project=` + s.project + `"]}`)
		k.ofEngine("GET", "/containers/json?all=1&filters="+filter, &boxes)
		if len(boxes) != 2 {
			out = append(out, fmt.Sprintf("%s has %d containers", s.name, len(boxes)))
			continue // a service is being replaced
		}
		named := true
		for _, b := range boxes {
			if len(b.Names) != 1 || !strings.HasPrefix(b.Names[0], "/"+s.project) {
				out = append(out, fmt.Sprintf("a container of %s is named %v", s.name, b.Names))
				named = false
			}
		}
		if !named {
			continue // the engine ended while one was replaced; the next run mends it
		}
		for _, b := range boxes {
			if b.State != "running" {
				out = append(out, fmt.Sprintf("a container of %s is %s", s.name, b.State))
			}
		}
		if got := s.containers()["app"].env("KEY"); got != k.values[s.name] {
			out = append(out, fmt.Sprintf("%s has %s, not %s", s.name, got, k.values[s.name]))
		}
	}
	return out
}

// open lists the updates that have not ended.
func (k *soak) open() []string {
	k.t.Helper()
	var out []string
	for _, state := range []string{"queued", "running"} {
		var list []rinca.Update
		k.api("GET", "/v1/updates?limit=100&state="+state, nil, &list)
		for _, u := range list {
			out = append(out, u.ID)
		}
	}
	return out
}

// nothingLeft looks for what an interrupted piece of work could have left.
func (k *soak) nothingLeft() {
	t := k.t
	t.Helper()
	var projects []string
	for _, s := range k.stacks {
		projects = append(projects, s.project)
	}
	var list []struct{ Labels map[string]string }
	k.ofEngine("GET", "/containers/json?all=1", &list)
	for _, c := range list {
		if !slices.Contains(projects, c.Labels["com.docker.compose.project"]) {
			t.Errorf("a container of nobody is left: %v", c.Labels)
		}
	}
	if len(list) != 2*len(k.stacks) {
		t.Errorf("there are %d containers", len(list))
	}
	for path := range tree(k.path("secrets")) {
		if name := filepath.Base(path); strings.HasSuffix(name, ".tmp") {
			t.Errorf("%s is left", path)
		}
	}
	var rotations []rinca.Rotation
	k.api("GET", "/v1/rotations?limit=100", nil, &rotations)
	states := map[rinca.RotationState]int{}
	for _, r := range rotations {
		states[r.State]++
		if !r.State.Final() {
			t.Errorf("rotation %s is %s", r.ID, r.State)
		}
	}
	t.Logf("rotations: %v", states)
}

// searchSoak looks for values where none may be.
func (k *soak) searchSoak() {
	t := k.t
	t.Helper()
	search := leaktest.New(k.values["base"], k.values["db"], k.values["cache"], k.values["web"], k.values["jobs"])
	for _, dir := range []string{"plane", "serve.log", "tmp"} {
		_ = filepath.Walk(k.path(dir), func(path string, info os.FileInfo, err error) error {
			if err != nil || !info.Mode().IsRegular() {
				return nil //nolint:nilerr // what is not there holds nothing
			}
			if what := search.Find([]byte(k.read(path))); what != "" {
				t.Errorf("%s holds %s", path, what)
			}
			return nil
		})
	}
}

// startVault serves the vault, always at the same address.
func (k *soak) startVault() {
	k.t.Helper()
	cmd := exec.Command(k.program, "connect", "serve", "--listen", k.address)
	cmd.Env = k.env
	out, err := cmd.StderrPipe()
	if err != nil {
		k.t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		k.t.Fatal(err)
	}
	k.connect = cmd
	said := make(chan string, 1)
	go func() {
		for lines := bufio.NewScanner(out); lines.Scan(); {
			if _, address, ok := strings.Cut(lines.Text(), "Connect API on http://"); ok {
				said <- address
			}
		}
		close(said)
	}()
	select {
	case address, ok := <-said:
		if !ok {
			k.t.Fatal("the vault does not start")
		}
		k.address = address
	case <-time.After(time.Minute):
		k.t.Fatal("the vault does not listen")
	}
}

func (k *soak) stopVault() {
	_ = k.connect.Process.Kill()
	_ = k.connect.Wait()
}
