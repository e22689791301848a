package scenario_test

import (
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"rinca/internal/rinca"
)

// A deploy can be canceled at each stage. What was not touched stays; what
// was is put back.
func TestCancel(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	g := newGitServer(t, l)
	for _, c := range []struct {
		stage string
		flags []string
		hold  func(s *stack) // makes the next deploy wait in the stage
		left  []string
	}{
		{stage: "Source", hold: func(s *stack) {
			s.must("stack", "set", s.name, "--repo", g.url(s.work), "--account", "lab")
			g.mode.Store("hang")
		}},
		{stage: "Pre-deploy", hold: func(s *stack) { s.must("stack", "set", s.name, "--pre-deploy", "sleep 100") }},
		{stage: "Apply", left: []string{"db"}, hold: func(s *stack) { s.commit(slow("second", "100s")) }},
		{stage: "Verify", left: []string{"app"}, hold: func(s *stack) {
			s.commit(map[string]string{"compose.yaml": strings.Replace(
				s.read(filepath.Join(s.work, "stack", "compose.yaml")), "depends_on:",
				"healthcheck: {test: [CMD, /bin/false], interval: 200ms, retries: 1000}\n    depends_on:", 1)})
		}},
		{stage: "Post-deploy", left: []string{"app", "db"}, hold: func(s *stack) { s.must("stack", "set", s.name, "--post-deploy", "sleep 100") }},
	} {
		t.Run(c.stage, func(t *testing.T) {
			t.Parallel()
			s := l.newStack(t, "cancel-"+strings.ToLower(c.stage), slow("first", "0s"))
			s.deploy()
			before := s.containers()
			if c.stage != "Apply" && c.stage != "Verify" {
				s.commit(slow("second", "0s"))
			}
			c.hold(s)
			u := s.submit("DeployStack", map[string]any{"stack": s.name})
			s.inStage(u.ID, c.stage)
			if c.stage == "Apply" {
				s.wait("the new container", func() bool { return s.someContainer("TURN=second") })
			}
			u = s.cancels(u.ID)
			if touched := c.stage == "Apply" || c.stage == "Verify"; touched != strings.Contains(u.RolledBack, "put back") {
				t.Errorf("rolled back: %q", u.RolledBack)
			}
			after := s.containers()
			if got := moved(before, after); !slices.Equal(got, c.left) && c.stage != "Apply" {
				t.Errorf("moved: %v, want %v", got, c.left)
			}
			want := "first"
			if c.stage == "Post-deploy" {
				want = "second"
			}
			for service, b := range after {
				if b.env("TURN") != want || b.State.Status != "running" {
					t.Errorf("%s is %s with TURN=%s", service, b.State.Status, b.env("TURN"))
				}
			}
			g.mode.Store("")
			s.must("stack", "set", s.name, "--pre-deploy", "", "--post-deploy", "")
			s.commit(slow("third", "0s"))
			s.deploy()
			s.turn("third")
		})
	}
}

// A deploy that is queued can be canceled too, and never runs; Ctrl-C cancels
// the deploy that a command waits for; a command that is killed does not.
func TestClientsThatLeave(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	s := l.newStack(t, "clients", map[string]string{"compose.yaml": small}, "--pre-deploy", "sleep 2")
	start := func() (*exec.Cmd, rinca.Update) {
		cmd := exec.Command(l.program, "stack", "deploy", s.name)
		cmd.Env, cmd.Dir = l.env, l.path("user")
		before := len(historyOf(l, s.name))
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		l.wait("the update", func() bool { return len(historyOf(l, s.name)) > before })
		return cmd, s.last()
	}
	cmd, u := start()
	queued := l.submit("DeployStack", map[string]any{"stack": s.name})
	l.must("update", "cancel", queued.ID)
	if u := l.update(queued.ID); u.State != rinca.CanceledRun || len(u.Stages) > 0 {
		t.Errorf("what was queued %s, after %d stages", u.State, len(u.Stages))
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait()
	if u = l.ended(u.ID); u.State != rinca.Succeeded {
		t.Errorf("after its client was killed the update %s: %+v", u.State, u.Error)
	}

	s.edit("VALUE: one", "VALUE: two")
	cmd, u = start()
	l.inStage(u.ID, "Pre-deploy")
	if err := cmd.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait()
	if code := cmd.ProcessState.ExitCode(); code != 130 {
		t.Errorf("after Ctrl-C the exit status is %d", code)
	}
	if u = l.ended(u.ID); u.State != rinca.CanceledRun {
		t.Errorf("after Ctrl-C the update %s", u.State)
	}
	if got := s.containers()["app"].env("VALUE"); got != "one" {
		t.Errorf("VALUE is %s", got)
	}
}

// The same stack twice at once: the second waits, or is refused as busy.
func TestBusyStack(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	s := l.newStack(t, "busy", map[string]string{"compose.yaml": small}, "--pre-deploy", "sleep 1")
	first := l.submit("DeployStack", map[string]any{"stack": s.name})
	second := l.submit("DeployStack", map[string]any{"stack": s.name})
	l.inStage(first.ID, "Pre-deploy")
	if u := l.update(second.ID); u.State != rinca.Queued {
		t.Errorf("the second one is %s", u.State)
	}
	l.must("stack", "set", s.name, "--on-busy", "refuse")
	s.refusedAs("busy")
	a, b := l.ended(first.ID), l.ended(second.ID)
	if a.State != rinca.Succeeded || b.State != rinca.Succeeded || b.StartedAt.Before(a.EndedAt) {
		t.Errorf("%s until %s, %s from %s", a.State, a.EndedAt, b.State, b.StartedAt)
	}
	s.deploy()
}

func (s *stack) refusedAs(says string) { s.fails(1, []string{says}, "stack", "deploy", s.name) }

// Readers that take one byte a second, of logs and of events, hold up nothing.
func TestSlowReaders(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	chatter := strings.Replace(small, "VALUE: one", "VALUE: one, APP_CHATTER: 1ms", 1)
	s := l.newStack(t, "chatter", map[string]string{"compose.yaml": chatter})
	s.deploy()
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	for range 3 {
		for _, path := range []string{"/v1/stacks/chatter/logs?follow=true&tail=0", "/v1/events?after=0"} {
			res, err := l.open(ctx, "GET", path, nil)
			if err != nil || res.StatusCode != 200 {
				t.Fatal(err, res)
			}
			go func() {
				defer res.Body.Close()
				for b := make([]byte, 1); ctx.Err() == nil; time.Sleep(time.Second) {
					if _, err := res.Body.Read(b); err != nil {
						return
					}
				}
			}()
		}
	}
	for _, value := range []string{"two", "three"} {
		s.edit("APP_CHATTER: 1ms", "APP_CHATTER: 1ms, NEXT: "+value)
		begin := time.Now()
		u := s.deploy()
		if took := u.EndedAt.Sub(u.StartedAt); took > 20*time.Second {
			t.Errorf("the deploy took %s", took)
		}
		if took := time.Since(begin); took > 30*time.Second {
			t.Errorf("the command took %s", took)
		}
		s.edit(", NEXT: "+value, "")
	}
	l.alive()
	var doc json.RawMessage
	if status := l.api("GET", "/v1/states", nil, &doc); status != 200 {
		t.Errorf("states: %d", status)
	}
}

// Plans that are asked for while the stack is deployed disturb nothing.
func TestPlansMeanwhile(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	s := l.newStack(t, "planned", map[string]string{"compose.yaml": small, "app.conf": "zero"})
	s.deploy()
	for _, value := range []string{"two", "three", "four"} {
		s.commit(map[string]string{"compose.yaml": strings.Replace(small, "one", value, 1), "app.conf": value, "new-" + value: value})
		u := l.submit("DeployStack", map[string]any{"stack": s.name})
		var plans sync.WaitGroup
		for range 4 {
			plans.Go(func() {
				for range 3 {
					if r := l.rinca("stack", "plan", s.name); r.code != 0 && r.code != 2 {
						t.Errorf("%s", r)
					}
				}
			})
		}
		plans.Wait()
		if u = l.ended(u.ID); u.State != rinca.Succeeded {
			t.Errorf("the update %s: %+v", u.State, u.Error)
		}
		if got := s.plan(); got != nil {
			t.Errorf("the plan afterwards is %v", got)
		}
		if got := s.containers()["app"].env("VALUE"); got != value {
			t.Errorf("VALUE is %s, want %s", got, value)
		}
	}
}
