package scenario_test

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"rinca/internal/rinca"
)

// delivered has a service for each way in which a value reaches a process.
const delivered = `
services:
  environment:
    image: IMAGE
    stop_grace_period: 1s
    environment: {KEY: [[REF]], APP_PRINT: 1}
  env-file:
    image: IMAGE
    stop_grace_period: 1s
    environment: {APP_PRINT: 1}
    env_file: [LAB/secrets/modes/modes.env]
  secret-file:
    image: IMAGE
    stop_grace_period: 1s
    environment: {APP_PRINT: 1, APP_FILES: /run/secrets/file}
    secrets: [file]
  secret-environment:
    image: IMAGE
    stop_grace_period: 1s
    environment: {APP_PRINT: 1, APP_FILES: /run/secrets/inside}
    secrets: [inside]
  config-content:
    image: IMAGE
    stop_grace_period: 1s
    environment: {APP_PRINT: 1, APP_FILES: /etc/inside}
    configs: [{source: inside, target: /etc/inside}]
  mounted-file:
    image: IMAGE
    stop_grace_period: 1s
    environment: {APP_PRINT: 1, APP_FILES: /etc/modes.env}
    volumes: ["LAB/secrets/modes/modes.env:/etc/modes.env:ro"]
  mounted-folder:
    image: IMAGE
    stop_grace_period: 1s
    environment: {APP_PRINT: 1, APP_FILES: /etc/modes/modes.env}
    volumes: ["LAB/secrets/modes:/etc/modes:ro"]
  other:
    image: IMAGE
    stop_grace_period: 1s
secrets:
  file: {file: LAB/secrets/modes/modes.env}
  inside: {environment: INSIDE}
configs: {inside: {content: "[[REF]]"}}
`

// waiting comes after it, and fails when its item says so.
const waiting = `
services:
  app:
    image: IMAGE
    stop_grace_period: 1s
    env_file: [LAB/secrets/last/last.env]
`

// Every mode of delivery, with a good value, with one that makes a later stack
// fail, and with a server that is killed: each process has the new value, or
// after a failure the old one, and a service that uses no secret stays.
func TestRotation(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	l.must("rotate", "policy", "set", "--off")
	l.write("environment", "INSIDE = [[REF]]\n")
	l.item("modes", "modes.env", map[string]string{"KEY": "first-value"})
	l.item("last", "last.env", map[string]string{"KEY": "first-value", "APP_EXIT": "stay up"})
	l.must("variable", "set", "REF", "--from", "op://homelab/modes.env/KEY")
	s := l.newStack(t, "modes", map[string]string{"compose.yaml": delivered}, "--environment-file", l.path("environment"))
	last := l.newStack(t, "last", map[string]string{"compose.yaml": waiting}, "--after", "modes")
	s.deploy()
	last.deploy()
	other := s.containers()["other"]
	s.runsWith("first-value", "deployed")

	l.must("rotate") // nothing changed: nothing is touched
	l.fails(4, []string{"no stack uses", "nope.env"}, "rotate", "op://homelab/nope.env", "--plan")
	l.fails(4, []string{"nope"}, "rotate", "--vault", "nope")
	if got := s.containers(); got["other"].ID != other.ID {
		t.Error("a rotation without a change made containers anew")
	}

	l.item("modes", "modes.env", map[string]string{"KEY": "second-value"})
	l.item("last", "last.env", map[string]string{"KEY": "second-value"})
	l.fails(2, []string{"Wave 1", "Wave 2", "mounted-file", "KEY"}, "rotate", "--plan")
	l.must("rotate")
	s.runsWith("second-value", "after a good value")
	if got := last.containers()["app"].env("KEY"); got != "second-value" {
		t.Errorf("last has %s", got)
	}

	l.item("modes", "modes.env", map[string]string{"KEY": "third-value"})
	l.item("last", "last.env", map[string]string{"KEY": "third-value", "APP_EXIT": "7"})
	l.fails(1, []string{"exited with 7"}, "rotate")
	s.runsWith("second-value", "after a bad value")
	if b := last.containers()["app"]; b.env("KEY") != "second-value" || b.State.Status != "running" {
		t.Errorf("last has %s and is %s", b.env("KEY"), b.State.Status)
	}
	l.says("rotate quarantine list", "last.env")
	if r := l.rinca("drift"); strings.Contains(r.out, "edited") {
		t.Errorf("what was put back is said to be edited by hand:\n%s", r.out)
	}
	l.oneAlert("exited with 7")

	// All or none: what was carried together with it waits for it.
	l.says("rotate quarantine list", "it was carried together with last.env")
	l.must("rotate")
	s.runsWith("second-value", "after the next look")
	if got := last.containers()["app"].env("KEY"); got != "second-value" {
		t.Errorf("last has %s, which is in quarantine", got)
	}
	l.must("rotate", "--plan")
	l.item("last", "last.env", map[string]string{"KEY": "fourth-value", "APP_EXIT": "stay up"})
	l.must("rotate")
	s.runsWith("third-value", "together with a newer version of the other")
	if out := l.must("rotate", "quarantine", "list"); strings.Contains(out, ".env") {
		t.Errorf("still in quarantine:\n%s", out)
	}
	if got := last.containers()["app"].env("KEY"); got != "fourth-value" {
		t.Errorf("a newer version is not let through: last has %s", got)
	}

	l.item("modes", "modes.env", map[string]string{"KEY": "fifth-value"})
	u := l.submit("RotateSecrets", map[string]any{"now": true})
	time.Sleep(time.Duration(rand.Int64N(int64(4 * time.Second))))
	l.crash()
	l.restart()
	u = l.ended(u.ID)
	if u.State != rinca.Succeeded {
		l.must("rotate") // it went back; nothing is to blame
	}
	s.runsWith("fifth-value", "after the server was killed")
	l.must("drift")
	if got := s.containers()["other"]; got.ID != other.ID {
		t.Error("the service that uses no secret was made anew")
	}
	for _, line := range []string{"rotate list --json", "update list --json", "alert list --json", "rotate quarantine list --json"} {
		out := l.must(strings.Fields(line)...)
		for _, value := range []string{"second-value", "third-value", "fourth-value", "fifth-value"} {
			if strings.Contains(out, value) {
				t.Errorf("rinca %s shows %s", line, value)
			}
		}
	}
}

// runsWith checks that the process of each mode has a value.
func (s *stack) runsWith(value, when string) {
	s.t.Helper()
	boxes := s.containers()
	for service, b := range boxes {
		if b.State.Status != "running" {
			s.t.Errorf("%s: %s is %s", when, service, b.State.Status)
		}
	}
	for _, service := range []string{"environment", "env-file", "secret-file", "secret-environment", "config-content", "mounted-file", "mounted-folder"} {
		if got := s.printed(service); !strings.Contains(got, value) {
			s.t.Errorf("%s: %s has not %s:\n%.600s", when, service, value, got)
		}
	}
}

// oneAlert checks that a failed rotation is told of once.
func (l *lab) oneAlert(want string) {
	l.t.Helper()
	var alerts []rinca.Alert
	l.wait("the alert", func() bool {
		l.api("GET", "/v1/alerts?limit=50", nil, &alerts)
		return slices.ContainsFunc(alerts, func(a rinca.Alert) bool { return a.Type == rinca.AlertRotationFailed })
	})
	n := 0
	for _, a := range alerts {
		if a.Level == rinca.AlertCritical {
			n++
			if !strings.Contains(a.Message, want) || len(a.Lines) == 0 {
				l.t.Errorf("the alert is %+v", a)
			}
		}
	}
	if n != 1 {
		l.t.Errorf("there are %d alerts: %+v", n, alerts)
	}
}

// brief is healthy at first, and ends a moment later when its item says so.
const brief = `
services:
  app:
    image: IMAGE
    stop_grace_period: 1s
    env_file: [LAB/secrets/brief/brief.env]
    environment: {APP_AFTER: 1s}
    healthcheck: {test: [CMD, /bin/app, health], interval: 200ms, retries: 3}
`

// A stack that is verified and dies while what comes after it is deployed
// fails itself: both go back, and its value is in quarantine.
func TestVerifiedAndThenDead(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	l.must("rotate", "policy", "set", "--off")
	l.item("brief", "brief.env", map[string]string{"KEY": "first-value", "APP_EXIT": "stay up"})
	l.item("last", "last.env", map[string]string{"KEY": "first-value", "APP_EXIT": "stay up"})
	s := l.newStack(t, "brief", map[string]string{"compose.yaml": brief})
	last := l.newStack(t, "last", map[string]string{"compose.yaml": waiting}, "--after", "brief", "--verify-settle", "3s")
	s.deploy()
	last.deploy()

	l.item("brief", "brief.env", map[string]string{"KEY": "second-value", "APP_EXIT": "7"})
	l.item("last", "last.env", map[string]string{"KEY": "second-value"})
	l.fails(1, []string{"service app was verified and then exited with 7"}, "rotate")
	for _, s := range []*stack{s, last} {
		if b := s.containers()["app"]; b.env("KEY") != "first-value" || b.State.Status != "running" {
			t.Errorf("%s has %s and is %s", s.name, b.env("KEY"), b.State.Status)
		}
	}
	l.says("rotate quarantine list", "brief.env")
	l.oneAlert("then exited with 7")
}
