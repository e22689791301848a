package compose_test

import (
	"context"
	"errors"
	"reflect"
	"strings"
	"testing"
	"time"

	"rinca/internal/rinca"
)

// verify deploys a stack and verifies it, and returns what failed.
func verify(t *testing.T, s *stack, v rinca.Verify) error {
	t.Helper()
	d := s.load()
	p, err := d.Plan(t.Context(), false)
	if err != nil {
		t.Fatal(err)
	}
	if err := d.Apply(t.Context(), p, s.out); err != nil {
		t.Fatalf("apply: %v", err)
	}
	return d.Verify(t.Context(), v, s.out)
}

func TestVerify(t *testing.T) {
	quickly := rinca.Verify{Timeout: rinca.Duration(20 * time.Second), Settle: rinca.Duration(2 * time.Second)}
	for name, c := range map[string]struct {
		service string
		verify  rinca.Verify
		want    string // in the error; "" for none
		lines   string // among what is said
		status  rinca.StackStatus
	}{
		"up":               {service: "environment: {}", status: rinca.StatusRunning, lines: "is up"},
		"healthy":          {service: "environment: {APP_HEALTH: \"later:1s\"}\n    healthcheck: {test: [CMD, /bin/app, health], interval: 300ms, retries: 30}", status: rinca.StatusHealthy, lines: "is healthy"},
		"unhealthy":        {service: "environment: {APP_HEALTH: bad}\n    healthcheck: {test: [CMD, /bin/app, health], interval: 300ms, retries: 2}", want: "service web is unhealthy", lines: "health: bad", status: rinca.StatusUnhealthy},
		"crash at once":    {service: "environment: {APP_EXIT: \"3\", APP_LINES: \"50\"}", want: "service web exited with 3", lines: "web|out|line 50", status: rinca.StatusUnhealthy},
		"crash later":      {service: "environment: {APP_EXIT: \"4\", APP_AFTER: 300ms}", want: "service web exited with 4", lines: "app: exiting with 4", status: rinca.StatusUnhealthy},
		"crash, one retry": {service: "restart: on-failure:1\n    environment: {APP_EXIT: \"5\"}", want: "service web exited with 5", lines: "app: exiting with 5", status: rinca.StatusUnhealthy},
		"one-shot":         {service: "restart: \"no\"\n    environment: {APP_EXIT: \"0\", APP_AFTER: 1s}", lines: "is done", status: rinca.StatusDone},
		"one-shot fails":   {service: "restart: \"no\"\n    environment: {APP_EXIT: \"1\", APP_AFTER: 1s}", want: "service web exited with 1", lines: "app: exiting with 1", status: rinca.StatusUnhealthy},
		"one-shot hangs":   {service: "restart: \"no\"", verify: rinca.Verify{Timeout: rinca.Duration(time.Second)}, want: "service web has not finished yet", lines: "app: up", status: rinca.StatusRunning},
		"never healthy":    {service: "environment: {APP_HEALTH: \"later:1h\"}\n    healthcheck: {test: [CMD, /bin/app, health], interval: 300ms, retries: 1000}", verify: rinca.Verify{Timeout: rinca.Duration(time.Second)}, want: "not healthy yet", lines: "app: up", status: rinca.StatusStarting},
		"crash in circles": {service: "restart: always\n    environment: {APP_EXIT: \"6\"}", verify: rinca.Verify{Timeout: rinca.Duration(3 * time.Second)}, want: "restart", lines: "app: exiting with 6"},
		"skipped":          {service: "environment: {APP_EXIT: \"3\"}", verify: rinca.Verify{Skip: true}, status: rinca.StatusUnhealthy},
		"no containers":    {service: "scale: 0", status: rinca.StatusDown},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newStack(t, map[string]string{"compose.yaml": "services:\n  web:\n    image: IMAGE\n    stop_grace_period: 1s\n    " + c.service + "\n"})
			v := c.verify
			if reflect.ValueOf(v).IsZero() {
				v = quickly
			}
			err := verify(t, s, v)
			switch {
			case c.want == "" && err != nil:
				t.Errorf("error %v", err)
			case c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)):
				t.Errorf("error %v", err)
			}
			if !strings.Contains(s.said(), c.lines) {
				t.Errorf("%q is missing in\n%s", c.lines, s.said())
			}
			if n := strings.Count(s.said(), "web|out|line "); n > 20 {
				t.Errorf("%d of the container's lines are shown", n)
			}
			states, err := s.engine.States(t.Context(), s.spec.Name)
			if got := states[s.spec.Name].Status; err != nil || got != c.status && got != rinca.StatusUnhealthy && !v.Skip && c.status != "" {
				t.Errorf("status %s, %v", got, err)
			}
		})
	}
}

func TestVerifyIsCanceled(t *testing.T) {
	s := newStack(t, map[string]string{"compose.yaml": "services: {web: {image: IMAGE, restart: \"no\"}}\n"})
	s.deploy()
	ctx, cancel := context.WithCancel(t.Context())
	time.AfterFunc(300*time.Millisecond, cancel)
	start := time.Now()
	err := s.load().Verify(ctx, rinca.Verify{}, nil)
	if rinca.CodeOf(err) != rinca.Canceled || time.Since(start) > 3*time.Second {
		t.Errorf("after %v: %v", time.Since(start), err)
	}
	if !errors.Is(ctx.Err(), context.Canceled) {
		t.Error("the test ended too early")
	}
}

// Compose's own waits fail Apply, with the lines of the one that is to blame.
func TestApplyFailsWithItsDependencies(t *testing.T) {
	for name, c := range map[string]struct{ dep, condition, want, lines string }{
		"unhealthy": {
			"environment: {APP_HEALTH: bad}, healthcheck: {test: [CMD, /bin/app, health], interval: 300ms, retries: 1}",
			"service_healthy", "dependency failed to start: container", "dep|out|app: up",
		},
		"one-shot fails": {
			"restart: \"no\", environment: {APP_EXIT: \"3\"}",
			"service_completed_successfully", "exit 3", "dep|err|app: exiting with 3",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newStack(t, map[string]string{"compose.yaml": "services:\n  dep: {image: IMAGE, stop_grace_period: 1s, " + c.dep +
				"}\n  web: {image: IMAGE, depends_on: {dep: {condition: " + c.condition + "}}}\n"})
			_, err := s.tryDeploy()
			if err == nil || !strings.Contains(err.Error(), c.want) || rinca.CodeOf(err) != rinca.Unavailable {
				t.Errorf("error %v", err)
			}
			if !strings.Contains(s.said(), c.lines) {
				t.Errorf("%q is missing in\n%s", c.lines, s.said())
			}
		})
	}
}
