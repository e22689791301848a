package compose_test

import (
	"slices"
	"strings"
	"testing"

	"rinca/internal/rinca"
)

// A mode is a way in which a value reaches a service.
type mode struct {
	name    string
	service string            // what the service "user" has beside its image
	top     string            // what the file has beside its services
	files   map[string]string // and what it reads
	change  func(s *stack)
	reason  string // that the plan gives
	inside  string // what the container holds afterwards
}

var modes = []mode{
	{
		name: "environment", service: "environment: {KEY: \"${VALUE}\"}",
		change: func(s *stack) { s.spec.Environment["VALUE"] = rinca.NewSecret("two") },
		reason: "environment(KEY)", inside: `env "KEY=two"`,
	},
	{
		name: "env_file", service: "env_file: [app.env]", files: map[string]string{"app.env": "KEY=one\nOTHER=1\n"},
		change: func(s *stack) { s.write("app.env", "KEY=two\nOTHER=1\n") },
		reason: "environment(KEY) env_file(DIR/app.env)", inside: `env "KEY=two"`,
	},
	{
		name: "env_file raw", service: "env_file: [{path: app.env, format: raw}]", files: map[string]string{"app.env": "KEY='one $x'\n"},
		change: func(s *stack) { s.write("app.env", "KEY='two $x'\n") },
		reason: "environment(KEY) env_file(DIR/app.env)", inside: `env "KEY='two $x'"`,
	},
	{
		name: "secret file", service: "secrets: [token]\n    environment: {APP_FILES: /run/secrets/token}",
		top: "secrets: {token: {file: token.txt}}", files: map[string]string{"token.txt": "one"},
		change: func(s *stack) { s.write("token.txt", "two") },
		reason: "secret(token)", inside: `file /run/secrets/token "two"`,
	},
	{
		name: "secret environment", service: "secrets: [token]\n    environment: {APP_FILES: /run/secrets/token}",
		top:    "secrets: {token: {environment: VALUE}}",
		change: func(s *stack) { s.spec.Environment["VALUE"] = rinca.NewSecret("two") },
		reason: "secret(token)", inside: `file /run/secrets/token "two"`,
	},
	{
		name: "config content", service: "configs: [{source: app, target: /etc/app.conf}]\n    environment: {APP_FILES: /etc/app.conf}",
		top:    "configs: {app: {content: \"value=${VALUE}\"}}",
		change: func(s *stack) { s.spec.Environment["VALUE"] = rinca.NewSecret("two") },
		reason: "config_file(app)", inside: `file /etc/app.conf "value=two"`,
	},
	{
		name: "config file", service: "configs: [{source: app, target: /etc/app.conf}]\n    environment: {APP_FILES: /etc/app.conf}",
		top: "configs: {app: {file: app.conf}}", files: map[string]string{"app.conf": "one"},
		change: func(s *stack) { s.write("app.conf", "two") },
		reason: "config_file(app)", inside: `file /etc/app.conf "two"`,
	},
	{
		name: "mounted file", service: "volumes: [\"./app.conf:/etc/app.conf:ro\"]\n    environment: {APP_FILES: /etc/app.conf}",
		files:  map[string]string{"app.conf": "one"},
		change: func(s *stack) { s.write("app.conf", "two") },
		reason: "mount(/etc/app.conf)", inside: `file /etc/app.conf "two"`,
	},
	{
		name: "mounted directory", service: "volumes: [\"./conf:/etc/conf:ro\"]\n    environment: {APP_FILES: /etc/conf/b}",
		files:  map[string]string{"conf/a": "one", "conf/b": "one"},
		change: func(s *stack) { s.write("conf/b", "two") },
		reason: "mount(/etc/conf)", inside: `file /etc/conf/b "two"`,
	},
	{
		name: "label", service: "labels: {note: \"${VALUE}\"}",
		change: func(s *stack) { s.spec.Environment["VALUE"] = rinca.NewSecret("two") },
		reason: "config(labels)", inside: "env",
	},
	{
		name: "command", service: "command: [\"${VALUE}\"]",
		change: func(s *stack) { s.spec.Environment["VALUE"] = rinca.NewSecret("two") },
		reason: "config(command)", inside: "env",
	},
}

func (m mode) stack(t *testing.T) *stack {
	t.Helper()
	files := map[string]string{"compose.yaml": `
services:
  user:
    image: IMAGE
    stop_grace_period: 1s
    ` + m.service + `
  other:
    image: IMAGE
    stop_grace_period: 1s
    environment: {A: b}
` + m.top + "\n"}
	for name, text := range m.files {
		files[name] = text
	}
	s := newStack(t, files)
	s.spec.Environment["VALUE"] = rinca.NewSecret("one")
	return s
}

// Whatever way a value takes: when it changes, the services that use it are
// recreated, and no others; when nothing changes, nothing is touched.
func TestOnlyServicesThatUseAValueAreRecreated(t *testing.T) {
	for _, m := range modes {
		t.Run(m.name, func(t *testing.T) {
			t.Parallel()
			s := m.stack(t)
			first := s.deploy()
			if want := "other create new; user create new; network " + s.spec.Name + "_default"; summary(first) != want {
				t.Errorf("first plan: %s", summary(first))
			}
			before := s.ids()

			if again := s.deploy(); again.Changes() || again.Services[0].Change != rinca.Keep {
				t.Errorf("plan without a change: %s", summary(again))
			}
			if names := changed(before, s.ids()); names != nil {
				t.Errorf("without a change, %v were recreated", names)
			}

			m.change(s)
			p := s.deploy()
			if want := "user recreate " + strings.ReplaceAll(m.reason, "DIR", s.spec.Dir); summary(p) != want {
				t.Errorf("plan: %s\nwant: %s", summary(p), want)
			}
			if names := changed(before, s.ids()); !slices.Equal(names, []string{"user"}) {
				t.Errorf("recreated: %v", names)
			}
			if again := s.plan(); again.Changes() {
				t.Errorf("plan after the change: %s", summary(again))
			}
			if got := s.real.Docker(t, "exec", s.ids()["user"], "/bin/app", "print"); !strings.Contains(got, m.inside) {
				t.Errorf("the container has\n%s\nwant %s", got, m.inside)
			}
		})
	}
}
