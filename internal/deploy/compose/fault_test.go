package compose_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"rinca/internal/deploy/compose"
	"rinca/internal/deploy/enginetest"
	"rinca/internal/rinca"
)

func TestOpenRefusesBadAddresses(t *testing.T) {
	for _, address := range []string{
		"http://x", "unix://relative", "unix:///", "tcp://host", "tcp://host:2376", "tcp://host:2376/path", "ssh://host", "ssh://u:password@host",
		"ssh://", "\x00", "npipe:////./pipe/docker", "/var/run/docker.sock", "unix://host/path",
	} {
		_, err := compose.Open(t.Context(), compose.Config{Server: rinca.Server{Name: "x", Address: address}})
		if address == "unix:///" {
			continue // a directory, found out when dialing
		}
		if rinca.CodeOf(err) != rinca.Invalid || rinca.HintOf(err) == "" || strings.Contains(fmt.Sprint(err), "password@") {
			t.Errorf("%q: %v (%s)", address, err, rinca.HintOf(err))
		}
	}
	for name, s := range map[string]rinca.Server{
		"bad CA":       {Name: "x", Address: "tcp://h:1", CA: "no"},
		"half a pair":  {Name: "x", Address: "tcp://h:1", Cert: "no"},
		"bad key":      {Name: "x", Address: "ssh://u@h", SSHKey: rinca.NewSecret("canary")},
		"bad known":    {Name: "x", Address: "ssh://u@h", KnownHosts: "canary nonsense"},
		"no such host": {Name: "x", Address: "ssh://u@"},
	} {
		_, err := compose.Open(t.Context(), compose.Config{Server: s})
		if rinca.CodeOf(err) != rinca.Invalid || strings.Contains(fmt.Sprint(err), "canary") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestNoEngineIsUnavailable(t *testing.T) {
	e := offline(t)
	spec := newSpec(t, "p", map[string]string{"compose.yaml": "services: {web: {image: x}}\n"})
	d, err := e.Load(t.Context(), spec)
	if err != nil {
		t.Fatal(err)
	}
	ctx := t.Context()
	_, info := e.Info(ctx)
	_, states := e.States(ctx)
	_, plan := d.Plan(ctx, false)
	_, pre := d.Preflight(ctx)
	_, images := d.Images(ctx)
	for name, err := range map[string]error{
		"info": info, "states": states, "plan": plan, "preflight": pre, "images": images,
		"pull": d.Pull(ctx, true, nil), "verify": d.Verify(ctx, rinca.Verify{}, nil),
		"apply":   d.Apply(ctx, rinca.Plan{Services: []rinca.ServicePlan{{Service: "web", Change: rinca.Create}}}, nil),
		"operate": e.Operate(ctx, "p", rinca.Operation{Kind: "stop"}, nil), "logs": e.Logs(ctx, "p", rinca.LogOptions{Follow: true}, nil),
	} {
		if rinca.CodeOf(err) != rinca.Unavailable || rinca.HintOf(err) == "" {
			t.Errorf("%s: %s %v", name, rinca.CodeOf(err), err)
		}
	}
}

// An engine that hangs holds up nobody longer than the context says.
func TestHungEngineIsBoundedByTheContext(t *testing.T) {
	real := enginetest.StartOwn(t)
	s := newStackOn(t, real, map[string]string{"compose.yaml": "services: {web: {image: IMAGE, stop_grace_period: 1s}}\n"})
	s.deploy()
	d := s.load()
	p, err := d.Plan(t.Context(), true)
	if err != nil {
		t.Fatal(err)
	}
	resume := real.Hang(t)
	fresh := open(t, real)
	freshly, err := fresh.Load(t.Context(), s.spec)
	if err != nil {
		t.Fatal(err)
	}
	for name, do := range map[string]func(ctx context.Context) error{
		"info":      func(ctx context.Context) error { _, err := fresh.Info(ctx); return err },
		"states":    func(ctx context.Context) error { _, err := s.engine.States(ctx); return err },
		"plan":      func(ctx context.Context) error { _, err := freshly.Plan(ctx, false); return err },
		"preflight": func(ctx context.Context) error { _, err := d.Preflight(ctx); return err },
		"apply":     func(ctx context.Context) error { return d.Apply(ctx, p, nil) },
		"verify":    func(ctx context.Context) error { return d.Verify(ctx, rinca.Verify{}, nil) },
		"pull":      func(ctx context.Context) error { return d.Pull(ctx, true, nil) },
		"stop": func(ctx context.Context) error {
			return s.engine.Operate(ctx, s.spec.Name, rinca.Operation{Kind: "stop"}, nil)
		},
		"logs": func(ctx context.Context) error { return s.engine.Logs(ctx, s.spec.Name, rinca.LogOptions{}, nil) },
	} {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		start := time.Now()
		err := do(ctx)
		cancel()
		if took := time.Since(start); took > 5*time.Second || rinca.CodeOf(err) != rinca.Unavailable {
			t.Errorf("%s: %v after %v", name, err, took)
		}
	}
	resume()
	if err := d.Apply(t.Context(), p, s.out); err != nil {
		t.Errorf("apply when it is back: %v", err)
	}
}

// An engine that ends in the middle of a deploy is an error; when it is back,
// the same deploy ends well, whatever was left.
func TestEngineStoppedWhileApplying(t *testing.T) {
	real := enginetest.StartOwn(t)
	var b strings.Builder
	b.WriteString("services:\n")
	for i := range 6 {
		fmt.Fprintf(&b, "  s%d: {image: IMAGE, stop_grace_period: 1s, restart: always, environment: {V: \"${V}\"}}\n", i)
	}
	s := newStackOn(t, real, map[string]string{"compose.yaml": b.String()})
	for round, after := range []time.Duration{50 * time.Millisecond, 300 * time.Millisecond, 700 * time.Millisecond} {
		s.spec.Environment["V"] = rinca.NewSecret(fmt.Sprint(round))
		d := s.load()
		p, err := d.Plan(t.Context(), false)
		if err != nil {
			t.Fatal(err)
		}
		done := make(chan error, 1)
		go func() { done <- d.Apply(t.Context(), p, s.out) }()
		select {
		case err := <-done:
			t.Logf("round %d: done before the end: %v", round, err)
		case <-time.After(after):
			real.Kill(t)
			select {
			case err := <-done:
				if rinca.CodeOf(err) != rinca.Unavailable {
					t.Errorf("round %d: %s %v", round, rinca.CodeOf(err), err)
				}
			case <-time.After(20 * time.Second):
				t.Fatalf("round %d: apply does not end", round)
			}
			real.Restart(t)
		}
		var last error
		for range 3 { // names may be held by what is half removed
			if _, last = s.tryDeploy(); last == nil {
				break
			}
		}
		if last != nil {
			t.Logf("%s\n%s", real.Docker(t, "ps", "-a", "--no-trunc"), s.said())
			t.Fatalf("round %d: deploy again: %v", round, last)
		}
		if err := s.load().Verify(t.Context(), rinca.Verify{Settle: rinca.Duration(300 * time.Millisecond)}, s.out); err != nil {
			t.Errorf("round %d: verify: %v", round, err)
		}
		if p := s.plan(); p.Changes() {
			t.Errorf("round %d: plan after: %s", round, summary(p))
		}
		if ids := s.ids(); len(ids) != 6 {
			t.Errorf("round %d: containers %v", round, ids)
		}
	}
}

// An engine that ends while it starts containers may leave some behind that
// never start again. They are replaced, with what is in their volumes.
func TestContainersThatCannotStart(t *testing.T) {
	real := enginetest.StartOwn(t)
	s := newStackOn(t, real, map[string]string{"compose.yaml": "services:\n" +
		"  one: {image: IMAGE, stop_grace_period: 1s, volumes: [/data]}\n" +
		"  two: {image: IMAGE, stop_grace_period: 1s}\n" +
		"  three: {image: IMAGE, stop_grace_period: 1s}\n"})
	s.deploy()
	volume := func() string {
		return real.Docker(t, "inspect", "--format", "{{(index .Mounts 0).Name}}", s.ids()["one"])
	}
	before, data := s.ids(), volume()
	for _, name := range []string{"one", "two"} {
		real.Docker(t, "stop", before[name])
		real.LeaveTask(t, before[name])
	}
	s.deploy()
	if names := changed(before, s.ids()); fmt.Sprint(names) != "[one two]" {
		t.Errorf("recreated: %v\n%s", names, s.said())
	}
	if got := volume(); got != data {
		t.Errorf("its volume is %s, and was %s", got, data)
	}
	if p := s.plan(); p.Changes() {
		t.Errorf("plan after: %s", summary(p))
	}
}

func TestApplyIsCanceled(t *testing.T) {
	s := newStack(t, map[string]string{"compose.yaml": "services:\n  dep: {image: IMAGE, stop_grace_period: 1s, environment: {APP_HEALTH: \"later:1h\"}, healthcheck: {test: [CMD, /bin/app, health], interval: 1s, retries: 1000}}\n  web: {image: IMAGE, depends_on: {dep: {condition: service_healthy}}}\n"})
	d := s.load()
	p, err := d.Plan(t.Context(), false)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	time.AfterFunc(2*time.Second, cancel)
	start := time.Now()
	err = d.Apply(ctx, p, s.out)
	if rinca.CodeOf(err) != rinca.Canceled || time.Since(start) > 6*time.Second {
		t.Errorf("after %v: %v", time.Since(start), err)
	}
}

// What is not asked for is not touched.
func TestApplyOfAPartTouchesNothingElse(t *testing.T) {
	s := richStack(t)
	s.deploy()
	before := s.ids()
	s.spec.Environment["VALUE"] = rinca.NewSecret("two") // web, db and sidecar would change
	d := s.load()
	p, err := d.Plan(t.Context(), false)
	if err != nil {
		t.Fatal(err)
	}
	if got := summary(p); !strings.Contains(got, "db recreate") || !strings.Contains(got, "web recreate") {
		t.Fatalf("plan: %s", got)
	}
	for i := range p.Services {
		if p.Services[i].Service != "web" {
			p.Services[i].Change = rinca.Keep
		}
	}
	if err := d.Apply(t.Context(), p, s.out); err != nil {
		t.Fatal(err)
	}
	if names := changed(before, s.ids()); fmt.Sprint(names) != "[web]" {
		t.Errorf("recreated: %v", names)
	}
}

func TestForceScaleOrphansAndNetworks(t *testing.T) {
	s := newStack(t, map[string]string{"compose.yaml": "services: {a: {image: IMAGE, stop_grace_period: 1s}, b: {image: IMAGE, stop_grace_period: 1s}}\n"})
	s.deploy()
	before := s.ids()
	d := s.load()
	p, err := d.Plan(t.Context(), true)
	if err != nil || summary(p) != "a recreate forced; b recreate forced" {
		t.Fatalf("forced plan: %s, %v", summary(p), err)
	}
	if err := d.Apply(t.Context(), p, s.out); err != nil {
		t.Fatal(err)
	}
	if names := changed(before, s.ids()); len(names) != 2 {
		t.Errorf("forced: %v", names)
	}

	before = s.ids()
	s.write("compose.yaml", "services: {a: {image: IMAGE, stop_grace_period: 1s, scale: 2}, b: {image: IMAGE, stop_grace_period: 1s}}\n")
	if p := s.deploy(); summary(p) != "a scale scale" {
		t.Errorf("plan of two: %s", summary(p))
	}
	if after := s.ids(); !strings.Contains(after["a"], before["a"]) || len(after["a"]) != 128 || after["b"] != before["b"] {
		t.Errorf("after scaling up: %v, before: %v", after, before)
	}
	s.write("compose.yaml", "services: {a: {image: IMAGE, stop_grace_period: 1s}}\n")
	if p := s.deploy(); summary(p) != "a scale scale; b remove gone" {
		t.Errorf("plan of one: %s", summary(p))
	}
	if after := s.ids(); after["a"] != before["a"] || after["b"] != "" {
		t.Errorf("after scaling down: %v, before: %v", after, before)
	}
	s.write("compose.yaml", "services: {a: {image: IMAGE, stop_grace_period: 1s}}\nnetworks: {default: {driver_opts: {com.docker.network.bridge.name: br-other0}}}\n")
	p = s.deploy()
	if summary(p) != "a restart config(network default)" {
		t.Errorf("plan of another network: %s", summary(p))
	}
	if after := s.ids(); after["a"] != before["a"] || len(after) != 1 {
		t.Errorf("after another network: %v, before: %v", after, before)
	}
	if p := s.plan(); p.Changes() {
		t.Errorf("plan after: %s", summary(p))
	}
}

// Dependents that ask for it are restarted, and stay the same containers;
// those that share a namespace cannot.
func TestDependentsFollow(t *testing.T) {
	s := newStack(t, map[string]string{"compose.yaml": `
services:
  db: {image: IMAGE, stop_grace_period: 1s, environment: {V: "${V:-1}"}}
  web: {image: IMAGE, stop_grace_period: 1s, depends_on: {db: {condition: service_started, restart: true}}}
  side: {image: IMAGE, stop_grace_period: 1s, network_mode: "service:db"}
  other: {image: IMAGE, stop_grace_period: 1s, depends_on: [db]}
`})
	s.deploy()
	before := s.ids()
	started := s.real.Docker(t, "inspect", "-f", "{{.State.StartedAt}}", before["web"])
	s.spec.Environment["V"] = rinca.NewSecret("2")
	p := s.deploy()
	if want := "db recreate environment(V); side recreate dependency(db); web restart dependency(db)"; summary(p) != want {
		t.Errorf("plan: %s", summary(p))
	}
	if names := fmt.Sprint(changed(before, s.ids())); names != "[db side]" {
		t.Errorf("recreated: %s", names)
	}
	if now := s.real.Docker(t, "inspect", "-f", "{{.State.StartedAt}} {{.State.Running}}", before["web"]); now == started+" true" || !strings.HasSuffix(now, "true") {
		t.Errorf("web was not restarted: %s", now)
	}
	if p := s.plan(); p.Changes() {
		t.Errorf("plan after: %s", summary(p))
	}
}

// A volume is never made anew, since its data would be lost.
func TestVolumesKeepTheirData(t *testing.T) {
	s := newStack(t, map[string]string{"compose.yaml": "services: {a: {image: IMAGE, stop_grace_period: 1s, volumes: [\"data:/data\"]}}\nvolumes: {data: {}}\n"})
	s.deploy()
	s.real.Docker(t, "exec", s.ids()["a"], "/bin/busybox", "sh", "-c", "echo precious >/data/x")
	s.write("compose.yaml", "services: {a: {image: IMAGE, stop_grace_period: 1s, environment: {X: y}, volumes: [\"data:/data\"]}}\nvolumes: {data: {labels: {other: options}}}\n")
	s.deploy()
	if out := s.real.Docker(t, "exec", s.ids()["a"], "/bin/busybox", "cat", "/data/x"); out != "precious" {
		t.Errorf("the volume holds %q", out)
	}
	if len(s.warned) == 0 || !strings.Contains(strings.Join(s.warned, " "), "made with other options") {
		t.Errorf("warned: %q", s.warned)
	}
}
