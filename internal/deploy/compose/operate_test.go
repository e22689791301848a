package compose_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"rinca/internal/rinca"
)

const three = `
services:
  web: {image: IMAGE, stop_grace_period: 1s, depends_on: [db], environment: {APP_LINES: "5"}}
  db: {image: IMAGE, stop_grace_period: 1s, environment: {APP_LINES: "3"}, volumes: ["data:/data"]}
  job: {image: IMAGE, restart: "no", environment: {APP_EXIT: "0", APP_LINES: "1"}}
volumes: {data: {}}
`

func (s *stack) status() string {
	s.t.Helper()
	states, err := s.engine.States(s.t.Context(), s.spec.Name, "no-such-project")
	if err != nil {
		s.t.Fatal(err)
	}
	if states["no-such-project"].Status != rinca.StatusDown {
		s.t.Errorf("a project that is not there is %s", states["no-such-project"].Status)
	}
	text := string(states[s.spec.Name].Status)
	for _, c := range states[s.spec.Name].Services {
		text += " " + c.Service + "=" + string(c.Status)
	}
	return text
}

func (s *stack) operate(op rinca.Operation) {
	s.t.Helper()
	if err := s.engine.Operate(s.t.Context(), s.spec.Name, op, s.out); err != nil {
		s.t.Fatalf("%s: %v", op.Kind, err)
	}
}

func TestOperate(t *testing.T) {
	s := newStack(t, map[string]string{"compose.yaml": three})
	if err := s.engine.Operate(t.Context(), s.spec.Name, rinca.Operation{Kind: "start"}, nil); rinca.CodeOf(err) != rinca.NotFound {
		t.Errorf("start before deploy: %v", err)
	}
	s.deploy()
	d := s.load()
	if err := d.Verify(t.Context(), rinca.Verify{Settle: rinca.Duration(300 * time.Millisecond)}, s.out); err != nil {
		t.Fatal(err)
	}
	if got := s.status(); got != "running db=running job=done web=running" {
		t.Errorf("deployed: %s", got)
	}
	before := s.ids()
	s.operate(rinca.Operation{Kind: "stop", Services: []string{"web"}})
	if got := s.status(); got != "unhealthy db=running job=done web=stopped" {
		t.Errorf("web stopped: %s", got)
	}
	if p := s.plan(); summary(p) != "web start stopped" {
		t.Errorf("plan: %s", summary(p))
	}
	s.deploy()
	s.operate(rinca.Operation{Kind: "stop"})
	if got := s.status(); got != "stopped db=stopped job=done web=stopped" {
		t.Errorf("stopped: %s", got)
	}
	s.operate(rinca.Operation{Kind: "start", Services: []string{"web"}})
	s.operate(rinca.Operation{Kind: "restart", Services: []string{"web"}, Timeout: time.Second})
	s.operate(rinca.Operation{Kind: "start"})
	if names := changed(before, s.ids()); names != nil {
		t.Errorf("recreated: %v", names)
	}
	if err := s.engine.Operate(t.Context(), s.spec.Name, rinca.Operation{Kind: "stop", Services: []string{"none"}}, nil); rinca.CodeOf(err) != rinca.NotFound {
		t.Errorf("unknown service: %v", err)
	}
	s.operate(rinca.Operation{Kind: "destroy"})
	if got := s.status(); got != "down" {
		t.Errorf("destroyed: %s", got)
	}
	if out := s.real.Docker(t, "volume", "ls", "-q", "-f", "name="+s.spec.Name); out != s.spec.Name+"_data" {
		t.Errorf("volumes after destroy: %q", out)
	}
	s.deploy()
	s.operate(rinca.Operation{Kind: "destroy", Volumes: true})
	if out := s.real.Docker(t, "volume", "ls", "-q", "-f", "name="+s.spec.Name) + s.real.Docker(t, "network", "ls", "-q", "-f", "name="+s.spec.Name); out != "" {
		t.Errorf("left behind: %q", out)
	}
	s.operate(rinca.Operation{Kind: "destroy"}) // again: nothing to do
}

func TestLogs(t *testing.T) {
	s := newStack(t, map[string]string{"compose.yaml": three})
	s.deploy()
	read := func(o rinca.LogOptions) []rinca.Line {
		t.Helper()
		var mu sync.Mutex
		var lines []rinca.Line
		err := s.engine.Logs(t.Context(), s.spec.Name, o, func(l rinca.Line) {
			mu.Lock()
			defer mu.Unlock()
			lines = append(lines, l)
		})
		if err != nil {
			t.Fatal(err)
		}
		return lines
	}
	time.Sleep(500 * time.Millisecond) // until they have printed
	if n := len(read(rinca.LogOptions{})); n != 5+1+3+1+1 {
		t.Errorf("%d lines", n)
	}
	lines := read(rinca.LogOptions{Services: []string{"web"}, Tail: 2})
	if len(lines) != 2 || lines[0].Text != "line 5" || lines[0].Service != "web" || lines[0].Stream != "out" || lines[0].At.IsZero() {
		t.Errorf("tail: %+v", lines)
	}
	if lines := read(rinca.LogOptions{Services: []string{"job"}, Timestamps: true}); len(lines) != 1 || !strings.HasSuffix(lines[0].Text, "Z line 1") {
		t.Errorf("with times: %+v", lines)
	}
}

// A reader that is slow holds up neither the containers nor other readers,
// and what starts later is read, too.
func TestLogsFollow(t *testing.T) {
	s := newStack(t, map[string]string{"compose.yaml": "services:\n  a: {image: IMAGE, stop_grace_period: 1s, environment: {APP_CHATTER: 1ms, V: \"${V:-1}\"}}\n  b: {image: IMAGE, stop_grace_period: 1s}\n"})
	s.deploy()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var readers sync.WaitGroup
	fast := make(chan string, 100000)
	readers.Go(func() {
		err := s.engine.Logs(ctx, s.spec.Name, rinca.LogOptions{Follow: true}, func(l rinca.Line) {
			select {
			case fast <- l.Service + " " + l.Text:
			default:
			}
		})
		if err != nil {
			t.Errorf("logs: %v", err)
		}
	})
	readers.Go(func() {
		_ = s.engine.Logs(ctx, s.spec.Name, rinca.LogOptions{Follow: true}, func(rinca.Line) {
			select {
			case <-ctx.Done():
			case <-time.After(time.Second):
			}
		})
	})
	await := func(want string) {
		t.Helper()
		limit := time.After(20 * time.Second)
		for {
			select {
			case text := <-fast:
				if text == want {
					return
				}
			case <-limit:
				t.Fatalf("no %q", want)
			}
		}
	}
	await("a tick 50")
	start := time.Now()
	s.spec.Environment["V"] = rinca.NewSecret("2")
	s.deploy()
	if took := time.Since(start); took > 20*time.Second {
		t.Errorf("the deploy took %v beside a slow reader", took)
	}
	await("a tick 1")
	await("a tick 50")
	cancel()
	done := make(chan struct{})
	go func() { readers.Wait(); close(done) }()
	select {
	case <-done:
	case <-time.After(5 * time.Second):
		t.Error("the readers do not end")
	}
}

func TestImagesAreRestored(t *testing.T) {
	s := newStack(t, map[string]string{"compose.yaml": "services: {web: {image: \"moving:1\", stop_grace_period: 1s}, other: {image: IMAGE, stop_grace_period: 1s}}\n"})
	s.real.MakeImage(t, "moving:1", "one")
	s.deploy()
	before := s.ids()
	images, err := s.load().Images(t.Context())
	if err != nil || len(images) != 2 {
		t.Fatalf("images: %v, %v", images, err)
	}
	s.real.MakeImage(t, "moving:1", "two")
	if p := s.deploy(); summary(p) != "web recreate image(moving:1)" {
		t.Errorf("plan with another image: %s", summary(p))
	}
	if names := fmt.Sprint(changed(before, s.ids())); names != "[web]" {
		t.Errorf("recreated: %s", names)
	}
	if err := s.load().RestoreImages(t.Context(), images); err != nil {
		t.Fatal(err)
	}
	if p := s.deploy(); summary(p) != "web recreate image(moving:1)" {
		t.Errorf("plan after restore: %s", summary(p))
	}
	if now, _ := s.load().Images(t.Context()); now["web"] != images["web"] {
		t.Errorf("image %s, want %s", now["web"], images["web"])
	}
	images["web"] = "sha256:" + strings.Repeat("0", 64)
	if err := s.load().RestoreImages(t.Context(), images); rinca.CodeOf(err) != rinca.NotFound {
		t.Errorf("an image that is gone: %v", err)
	}
}

// Without a registry a pull fails; the error names the image, and images that
// are there are left alone when only missing ones are wanted.
func TestPull(t *testing.T) {
	s := newStack(t, map[string]string{"compose.yaml": "services: {web: {image: IMAGE}, none: {image: \"localhost:1/none:1\"}, own: {image: \"localhost:1/own\", pull_policy: never}}\n"})
	s.spec.Auth = func(registry string) (string, rinca.Secret, bool) {
		return "user", rinca.NewSecret("canary-password"), registry == "localhost:1"
	}
	err := s.load().Pull(t.Context(), true, s.out)
	if err == nil || !strings.Contains(err.Error(), "pull image localhost:1/none:1") || strings.Contains(err.Error(), "canary") {
		t.Errorf("error %v", err)
	}
	if s.said() != "localhost:1/none:1|pull|Pulling\n" {
		t.Errorf("said %q", s.said())
	}
}
