package scenario_test

import (
	"strings"
	"testing"
	"time"

	"rinca/internal/deploy/enginetest"
	"rinca/internal/rinca"
)

// waits has a service that becomes healthy after a while, and one that is not
// started before.
const waits = `
services:
  db:
    image: IMAGE
    stop_grace_period: 1s
    environment: {TURN: "0", APP_HEALTH: "later:WHILE"}
    healthcheck: {test: [CMD, /bin/app, health], interval: 200ms, retries: 200}
  app:
    image: IMAGE
    stop_grace_period: 1s
    environment: {TURN: "0"}
    depends_on: {db: {condition: service_healthy}}
`

// slow replaces WHILE and the turn.
func slow(turn, while string) map[string]string {
	return map[string]string{"compose.yaml": strings.NewReplacer(`TURN: "0"`, "TURN: "+turn, "WHILE", while).Replace(waits)}
}

// An engine that dies while containers are made, or that hangs, holds up
// nothing but what needs it; when it is back, a deploy converges.
func TestEngineFails(t *testing.T) {
	t.Parallel()
	e := enginetest.StartOwn(t)
	l := labOn(t, e)
	s := l.newStack(t, "waits", slow("first", "0s"))
	s.deploy()

	// It dies in Apply.
	s.commit(slow("second", "30s"))
	u := s.submit("DeployStack", map[string]any{"stack": s.name})
	s.inStage(u.ID, "Apply")
	s.wait("the new container", func() bool { return s.someContainer("TURN=second") })
	e.Kill(t)
	u = s.ended(u.ID)
	if u.State != rinca.Failed || u.Error == nil || u.RolledBack == "" {
		t.Errorf("the update %s, %+v, rolled back: %q", u.State, u.Error, u.RolledBack)
	}
	s.alive()
	s.refused("out of reach")
	e.Restart(t)
	s.commit(slow("third", "0s"))
	s.deploy()
	s.turn("third")

	// It hangs before anything is touched.
	before := s.containers()
	s.commit(slow("fourth", "30s"))
	resume := e.Hang(t)
	u = s.submit("DeployStack", map[string]any{"stack": s.name})
	s.inStage(u.ID, "Preflight")
	s.alive()
	s.cancels(u.ID)
	resume()
	if got := moved(before, s.containers()); got != nil {
		t.Errorf("moved: %v", got)
	}

	// It hangs in Apply, where what was touched is put back when it is back.
	u = s.submit("DeployStack", map[string]any{"stack": s.name})
	s.inStage(u.ID, "Apply")
	s.wait("the new container", func() bool { return s.someContainer("TURN=fourth") })
	resume = e.Hang(t)
	s.alive()
	s.must("update", "cancel", u.ID)
	time.Sleep(time.Second)
	resume()
	if u = s.ended(u.ID); u.State != rinca.CanceledRun {
		t.Errorf("the update %s: %+v", u.State, u.Error)
	}
	s.commit(slow("fifth", "0s"))
	s.deploy()
	s.turn("fifth")
}

// someContainer reports whether a container has a variable.
func (s *stack) someContainer(env string) bool {
	var list []struct{ ID string }
	s.ofEngine("GET", "/containers/json?all=1", &list)
	for _, c := range list {
		data, err := s.engineAnswer("GET", "/containers/"+c.ID+"/json")
		if err == nil && strings.Contains(string(data), `"`+env+`"`) {
			return true
		}
	}
	return false
}

func (s *stack) turn(turn string) {
	s.t.Helper()
	boxes := s.containers()
	for _, service := range []string{"db", "app"} {
		if b := boxes[service]; b.env("TURN") != turn || b.State.Status != "running" {
			s.t.Errorf("%s is %s with TURN=%s, want %s", service, b.State.Status, b.env("TURN"), turn)
		}
	}
	if len(boxes) != 2 {
		s.t.Errorf("there are %d containers", len(boxes))
	}
	if got := s.plan(); got != nil {
		s.t.Errorf("the plan is %v", got)
	}
}

// alive: the server answers at once what needs no engine.
func (l *lab) alive() {
	l.t.Helper()
	for _, path := range []string{"/healthz", "/readyz", "/v1/stacks", "/v1/updates", "/v1/servers", "/metrics"} {
		begin := time.Now()
		if status := l.api("GET", path, nil, nil); status != 200 {
			l.t.Errorf("%s: status %d", path, status)
		}
		if took := time.Since(begin); took > 5*time.Second {
			l.t.Errorf("%s took %s", path, took)
		}
	}
}

// cancels cancels an update, which must end soon.
func (l *lab) cancels(id string) rinca.Update {
	l.t.Helper()
	begin := time.Now()
	l.must("update", "cancel", id)
	u := l.ended(id)
	if u.State != rinca.CanceledRun {
		l.t.Errorf("the update %s: %+v", u.State, u.Error)
	}
	if took := time.Since(begin); took > 30*time.Second {
		l.t.Errorf("it took %s to cancel", took)
	}
	return u
}
