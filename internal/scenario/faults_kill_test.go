package scenario_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"rinca/internal/rinca"
)

// victim takes a moment to deploy, in an order, with values of all kinds.
const victim = `
services:
  db:
    image: IMAGE
    stop_grace_period: 1s
    environment: {TURN: "0", FROM: [[TURN]], APP_HEALTH: "later:300ms"}
    healthcheck: {test: [CMD, /bin/app, health], interval: 200ms, retries: 50}
    volumes: ["./turn.conf:/etc/turn.conf:ro"]
  app:
    image: IMAGE
    stop_grace_period: 1s
    environment: {TURN: "0", APP_PRINT: 1, APP_FILES: /run/secrets/inside /etc/inside}
    env_file: [LAB/secrets/victim/victim.env]
    secrets: [inside]
    configs: [{source: inside, target: /etc/inside}]
    depends_on: {db: {condition: service_healthy}}
  other:
    image: IMAGE
    stop_grace_period: 1s
    volumes: ["data:/data"]
volumes: {data: {}}
secrets: {inside: {environment: INSIDE}}
configs: {inside: {content: "[[TURN]]"}}
`

// A server that is killed at any moment of a deploy loses nothing: after it
// has started again, what ran is closed or done, what was queued runs, a
// deploy converges, and no half state stays.
func TestServerIsKilled(t *testing.T) {
	t.Parallel()
	times := 5
	if os.Getenv("RINCA_SOAK") == "1" {
		times = 100
	}
	l := newLab(t)
	l.write("environment", "INSIDE = [[TURN]]\n")
	l.variable("TURN", "turn-0", "--secret")
	l.item("victim", "victim.env", map[string]string{"KEY": "turn-0"})
	s := l.newStack(t, "victim", map[string]string{"compose.yaml": victim, "turn.conf": "turn-0"}, "--environment-file", l.path("environment"))
	next := l.newStack(t, "next", map[string]string{"compose.yaml": small})
	begin := time.Now()
	s.deploy()
	whole := time.Since(begin)
	states := map[string]int{}
	for turn := 1; turn <= times && !t.Failed(); turn++ {
		states[s.kill(next, turn, time.Duration(rand.Int64N(int64(whole))))]++
	}
	t.Logf("a deploy took %s; killed in %v", whole, states)
}

// kill changes everything, deploys it, kills the server after a while, and
// returns in which stage that was.
func (s *stack) kill(next *stack, turn int, after time.Duration) string {
	t := s.t
	t.Helper()
	value := fmt.Sprintf("turn-%d", turn)
	s.variable("TURN", value, "--secret")
	s.item("victim", "victim.env", map[string]string{"KEY": value})
	text := strings.ReplaceAll(victim, `TURN: "0"`, fmt.Sprintf("TURN: %q", fmt.Sprint(turn)))
	s.commit(map[string]string{"compose.yaml": text, "turn.conf": value})
	next.commit(map[string]string{"compose.yaml": strings.Replace(small, "one", value, 1)})

	first := s.submit("DeployStack", map[string]any{"stack": s.name})
	second := s.submit("DeployStack", map[string]any{"stack": s.name})
	third := s.submit("DeployStack", map[string]any{"stack": next.name})
	time.Sleep(after)
	s.crash()
	s.restart()

	u := s.ended(first.ID)
	if u.State != rinca.Interrupted && u.State != rinca.Succeeded {
		t.Errorf("killed after %s: the update %s: %+v", after, u.State, u.Error)
	}
	stage := "nothing"
	for _, st := range u.Stages {
		stage = st.Name
		if !st.State.Final() || st.EndedAt.IsZero() {
			t.Errorf("killed after %s: stage %s is %s", after, st.Name, st.State)
		}
	}
	for _, id := range []string{second.ID, third.ID} {
		if u := s.ended(id); u.State != rinca.Succeeded && u.State != rinca.Interrupted {
			t.Errorf("killed after %s in %s: %s, which was queued, %s: %+v", after, stage, u.Target.Name, u.State, u.Error)
		}
	}
	s.deploy()
	next.deploy()
	s.checkTurn(turn, value, fmt.Sprintf("killed after %s in %s", after, stage))
	if got := next.containers()["app"].env("VALUE"); got != value {
		t.Errorf("killed after %s: next has VALUE=%s", after, got)
	}
	return stage + " " + string(u.State)
}

func (s *stack) checkTurn(turn int, value, when string) {
	t := s.t
	t.Helper()
	boxes := s.containers()
	if len(boxes) != 3 {
		t.Errorf("%s: there are %d containers", when, len(boxes))
	}
	for service, b := range boxes {
		if b.State.Status != "running" {
			t.Errorf("%s: %s is %s", when, service, b.State.Status)
		}
	}
	for name, got := range map[string]string{
		"TURN of db": boxes["db"].env("TURN"), "TURN of app": boxes["app"].env("TURN"),
	} {
		if got != fmt.Sprint(turn) {
			t.Errorf("%s: %s is %s, not %d", when, name, got, turn)
		}
	}
	src := s.path("home", "stacks", s.name, "src", "stack")
	for name, got := range map[string]string{
		"FROM of db": boxes["db"].env("FROM"), "KEY of app": boxes["app"].env("KEY"),
		"turn.conf": s.read(filepath.Join(src, "turn.conf")), "victim.env": strings.TrimPrefix(strings.TrimSpace(s.read(s.path("secrets", s.name, "victim.env"))), "KEY="),
	} {
		if got != value {
			t.Errorf("%s: %s is %q, not %s", when, name, got, value)
		}
	}
	for _, path := range []string{"/run/secrets/inside", "/etc/inside"} {
		if got := s.printed("app"); !strings.Contains(got, fmt.Sprintf("file %s %q", path, value)) {
			t.Errorf("%s: %s is not %s in\n%s", when, path, value, got)
		}
	}
	if got := s.plan(); got != nil {
		t.Errorf("%s: the plan is %v", when, got)
	}
	for path := range tree(src) {
		if name := filepath.Base(path); name != "stack" && name != "compose.yaml" && name != "turn.conf" {
			t.Errorf("%s: %s was left behind", when, path)
		}
	}
}

// A server that is told to stop lets what runs come to its end.
func TestServerIsStopped(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	s := l.newStack(t, "stopped", map[string]string{"compose.yaml": small}, "--pre-deploy", "sleep 2")
	u := l.submit("DeployStack", map[string]any{"stack": s.name})
	s.inStage(u.ID, "Pre-deploy")
	queued := l.submit("DeployStack", map[string]any{"stack": s.name})
	l.server.stop(syscall.SIGTERM)
	l.restart()
	if u = l.update(u.ID); u.State != rinca.Succeeded {
		t.Errorf("the update %s: %+v", u.State, u.Error)
	}
	if u := l.ended(queued.ID); u.State != rinca.Succeeded {
		t.Errorf("what was queued %s: %+v", u.State, u.Error)
	}
}

// inStage waits until an update is in a stage.
func (l *lab) inStage(id, stage string) {
	l.t.Helper()
	l.wait("stage "+stage, func() bool {
		u := l.update(id)
		if u.State.Final() {
			l.t.Fatalf("the update %s before it was in %s: %+v", u.State, stage, u.Error)
		}
		return len(u.Stages) > 0 && u.Stages[len(u.Stages)-1].Name == stage
	})
}

// A second server on one home is refused, and touches nothing.
func TestTwoServers(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	before := tree(l.path("home"))
	for _, c := range []struct{ address, says string }{
		{"127.0.0.1:0", fmt.Sprint(l.server.cmd.Process.Pid)},
		{strings.TrimPrefix(l.server.url, "http://"), "in use"},
	} {
		l.fails(1, []string{c.says}, "serve", "--listen", c.address, "--docker", l.docker())
	}
	for _, path := range differences(before, tree(l.path("home"))) {
		if !slices.Contains([]string{"rinca.db", "rinca.db-wal", "rinca.db-shm"}, filepath.Base(path)) {
			t.Errorf("it changed %s", path)
		}
	}
	if status := l.api("GET", "/readyz", nil, nil); status != 200 {
		t.Errorf("afterwards the first one answers %d", status)
	}
}
