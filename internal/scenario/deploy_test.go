package scenario_test

import (
	"bufio"
	"encoding/json"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"rinca/internal/rinca"
)

// everyMode has one service for each way in which a value gets there, and one
// that uses none of them.
const everyMode = `
x-app: &app
  image: IMAGE
  stop_grace_period: 1s
services:
  env:
    <<: *app
    environment: {KEY: [[PLAIN]], APP_PRINT: 1}
  envfile:
    <<: *app
    environment: {APP_PRINT: 1}
    env_file: [LAB/secrets/modes/modes.env]
  secretfile:
    <<: *app
    environment: {APP_PRINT: 1, APP_FILES: /run/secrets/token}
    secrets: [token]
  secretenv:
    <<: *app
    environment: {APP_PRINT: 1, APP_FILES: /run/secrets/envtoken}
    secrets: [envtoken]
  content:
    <<: *app
    environment: {APP_PRINT: 1, APP_FILES: /etc/app.conf}
    configs: [{source: content, target: /etc/app.conf}]
  configfile:
    <<: *app
    environment: {APP_PRINT: 1, APP_FILES: /etc/app.conf}
    configs: [{source: file, target: /etc/app.conf}]
  mountfile:
    <<: *app
    environment: {APP_PRINT: 1, APP_FILES: /etc/mounted.conf}
    volumes: ["./mounted.conf:/etc/mounted.conf:ro"]
  mountdir:
    <<: *app
    environment: {APP_PRINT: 1, APP_FILES: /etc/dir/b}
    volumes: ["./dir:/etc/dir:ro"]
  other:
    <<: *app
secrets:
  token: {file: ./token.txt}
  envtoken: {environment: TOKEN}
configs:
  content: {content: "value=[[CONTENT]]"}
  file: {file: ./app.conf}
`

func newEveryMode(t *testing.T, l *lab) *stack {
	t.Helper()
	l.item("modes", "modes.env", map[string]string{"KEY": "vault-one", "SAME": "same"})
	l.variable("PLAIN", "plain-one")
	l.variable("HIDDEN", "hidden-one", "--secret")
	l.variable("CONTENT", "content-one", "--secret")
	l.write("environment", "TOKEN = [[HIDDEN]]\n")
	return l.newStack(t, "modes", map[string]string{
		"compose.yaml": everyMode, "token.txt": "token-one", "app.conf": "conf-one", "mounted.conf": "mounted-one",
		"dir/a": "a", "dir/b": "dir-one",
	}, "--environment-file", l.path("environment"))
}

// Whatever way a value takes, its change recreates the service that uses it
// and no other, the plan has said so before, and nothing changed touches nothing.
func TestEachDeliveryMode(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	s := newEveryMode(t, l)
	if got := s.plan(); len(got) != 9 || got[0] != "configfile create" {
		t.Errorf("plan of the first deploy: %v", got)
	}
	if n := len(s.containers()); n != 0 {
		t.Fatalf("the plan made %d containers", n)
	}
	first := s.deploy()
	if first.Plan == nil || len(changes(*first.Plan)) != 9 {
		t.Errorf("plan of the update: %+v", first.Plan)
	}
	before := s.containers()

	again := s.deploy()
	if again.Summary != "nothing changed" {
		t.Errorf("summary of a deploy without a change: %q", again.Summary)
	}
	if got := moved(before, s.containers()); got != nil {
		t.Errorf("without a change, %v moved", got)
	}

	for _, m := range []struct {
		service string
		change  func(s *stack)
		inside  string
	}{
		{"env", func(s *stack) { s.variable("PLAIN", "plain: two # 'x' $HOME {{") }, `env "KEY=plain: two # 'x' $HOME {{"`},
		{"envfile", func(s *stack) { s.item("modes", "modes.env", map[string]string{"KEY": `vault $two "q"`}) }, `env "KEY=vault $two \"q\""`},
		{"secretfile", func(s *stack) { s.commit(map[string]string{"token.txt": "token-two"}) }, `file /run/secrets/token "token-two"`},
		{"secretenv", func(s *stack) { s.variable("HIDDEN", "hidden $two\n- x") }, `file /run/secrets/envtoken "hidden $two\n- x"`},
		{"content", func(s *stack) { s.variable("CONTENT", "content: $two\n\"x\"") }, `file /etc/app.conf "value=content: $two\n\"x\""`},
		{"configfile", func(s *stack) { s.commit(map[string]string{"app.conf": "conf-two"}) }, `file /etc/app.conf "conf-two"`},
		{"mountfile", func(s *stack) { s.commit(map[string]string{"mounted.conf": "mounted-two"}) }, `file /etc/mounted.conf "mounted-two"`},
		{"mountdir", func(s *stack) { s.commit(map[string]string{"dir/b": "dir-two"}) }, `file /etc/dir/b "dir-two"`},
	} {
		t.Run(m.service, func(t *testing.T) { s.again(t).change(m.service, m.change, m.inside) })
	}
	if got := s.plan(); got != nil {
		t.Errorf("plan after everything: %v", got)
	}
}

func (s *stack) change(service string, change func(*stack), inside string) {
	s.t.Helper()
	change(s)
	before, disk := s.containers(), tree(s.path("secrets"), s.path("home", "stacks", s.name, "src"))
	want := []string{service + " recreate"}
	if got := s.plan(); !slices.Equal(got, want) {
		s.t.Errorf("plan: %v, want %v", got, want)
	}
	if got := differences(disk, tree(s.path("secrets"), s.path("home", "stacks", s.name, "src"))); got != nil {
		s.t.Errorf("the plan changed %v", got)
	}
	if got := moved(before, s.containers()); got != nil {
		s.t.Errorf("the plan moved %v", got)
	}
	u := s.deploy()
	if u.Plan == nil || !slices.Equal(changes(*u.Plan), want) {
		s.t.Errorf("the deploy's plan: %+v", u.Plan)
	}
	if got := moved(before, s.containers()); !slices.Equal(got, []string{service}) {
		s.t.Errorf("moved: %v, want %s", got, service)
	}
	if got := s.printed(service); !strings.Contains(got, inside) {
		s.t.Errorf("the container has\n%s\nwant %s", got, inside)
	}
}

const small = `
services:
  app:
    image: IMAGE
    stop_grace_period: 1s
    environment: {VALUE: one}
`

// The events of --json are one JSON document in each line, and tell of every
// stage, of the plan's lines and of the end.
func TestEventsAsJSON(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	s := l.newStack(t, "events", map[string]string{"compose.yaml": small})
	out := s.must("stack", "deploy", s.name, "--json")
	var last rinca.Update
	var lines []string
	scanner := bufio.NewScanner(strings.NewReader(out))
	for scanner.Scan() {
		var e rinca.Event
		if err := json.Unmarshal(scanner.Bytes(), &e); err != nil {
			t.Fatalf("%v: %s", err, scanner.Text())
		}
		switch e.Type {
		case "update":
			if err := json.Unmarshal(e.Data, &last); err != nil {
				t.Error(err)
			}
		case "line":
			var line rinca.Line
			if err := json.Unmarshal(e.Data, &line); err != nil {
				t.Error(err)
			}
			lines = append(lines, line.Text)
		}
	}
	if last.State != rinca.Succeeded {
		t.Errorf("the last event is an update that %s", last.State)
	}
	var stages []string
	for _, st := range last.Stages {
		if st.EndedAt.IsZero() || st.State != rinca.Succeeded {
			t.Errorf("stage %+v", st)
		}
		stages = append(stages, st.Name)
	}
	if got := strings.Join(stages, " "); got != "Source Interpolate Secrets Load Preflight Plan Pull Apply Verify" {
		t.Errorf("stages: %s", got)
	}
	if len(lines) == 0 {
		t.Error("no lines")
	}
}

func TestExitStatuses(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	s := l.newStack(t, "statuses", map[string]string{"compose.yaml": small}, crashing...)
	l.fails(2, []string{"1 to create"}, "stack", "plan", s.name)
	s.deploy()
	l.fails(0, []string{"1 unchanged"}, "stack", "plan", s.name)
	l.fails(4, []string{"statusx"}, "stack", "deploy", "statusx")
	l.fails(64, nil, "stack", "deploy")
	l.fails(64, nil, "stack", "deploy", s.name, "--nonsense")
	stranger := l.with(t)
	stranger.env = append(slices.Clone(l.env), "RINCA_API_KEY=rk_nobody")
	stranger.fails(3, nil, "stack", "deploy", s.name)
	s.edit("VALUE: one", "APP_EXIT: 3")
	l.fails(1, []string{"exited with 3", "put back"}, "stack", "deploy", s.name)

	// Detached, and attached again: the status is the deploy's.
	out := l.must("stack", "deploy", s.name, "-d", "--json")
	var u rinca.Update
	if err := json.Unmarshal([]byte(out), &u); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	l.fails(1, []string{"exited with 3"}, "update", "follow", u.ID)

	// Destroy keeps the stack; delete does not destroy silently.
	l.fails(1, []string{"--destroy"}, "stack", "delete", s.name, "--yes")
	l.must("stack", "destroy", s.name, "--yes")
	if n := len(s.containers()); n != 0 {
		t.Errorf("%d containers after destroy", n)
	}
	l.must("stack", "delete", s.name, "--yes")
	if n := len(historyOf(l, s.name)); n < 4 {
		t.Errorf("the history of a deleted stack has %d updates", n)
	}
}

func historyOf(l *lab, stack string) []rinca.Update {
	l.t.Helper()
	var list []rinca.Update
	l.api("GET", "/v1/updates?limit=100&stack="+stack, nil, &list)
	return list
}

// A directory on the host and files that are kept inline are sources too.
func TestOtherSources(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	text := strings.NewReplacer("IMAGE", l.image).Replace(small)
	for name, flag := range map[string]string{"onhost": "--dir", "inline": "--file"} {
		s := &stack{lab: l, name: name, project: name + "-" + l.id}
		t.Cleanup(s.remove)
		file := filepath.Join(name, "compose.yaml")
		l.write(file, text)
		arg := l.path(name)
		if flag == "--file" {
			arg = l.path(file)
		}
		l.must("stack", "create", name, flag, arg, "--project", s.project, "--verify-settle", "300ms")
		s.deploy()
		before := s.containers()
		if s.deploy(); moved(before, s.containers()) != nil {
			t.Errorf("%s: without a change, something moved", name)
		}
		l.write(file, strings.Replace(text, "one", "two", 1))
		if flag == "--file" {
			l.must("stack", "set", name, flag, arg)
		}
		if got := s.plan(); !slices.Equal(got, []string{"app recreate"}) {
			t.Errorf("%s: plan %v", name, got)
		}
		s.deploy()
		if got := s.containers()["app"].env("VALUE"); got != "two" {
			t.Errorf("%s: VALUE is %s", name, got)
		}
	}
}
