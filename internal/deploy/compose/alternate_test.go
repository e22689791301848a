package compose_test

import (
	"slices"
	"strings"
	"testing"

	"rinca/internal/rinca"
)

// cli runs docker compose on the stack, with the same variables.
func (s *stack) cli(args ...string) string {
	s.t.Helper()
	var env []string
	for name, value := range s.spec.Environment {
		env = append(env, name+"="+value.Reveal())
	}
	return s.real.Compose(s.t, s.spec.Dir, env, append([]string{"-p", s.spec.Name, "-f", s.spec.Files[0]}, args...)...)
}

// rich is a project with something of everything that goes into a hash.
const rich = `
name: something-else
x-common: &common
  stop_grace_period: 1s
  logging: {driver: json-file, options: {max-size: 1m}}
include:
  - inc/more.yaml
services:
  web:
    <<: *common
    image: IMAGE
    env_file: [app.env, {path: raw.env, format: raw}, {path: none.env, required: false}]
    environment: {A: "${VALUE}", B: "$$x", C:}
    label_file: [labels.env]
    ports: ["127.0.0.1:0:80"]
    healthcheck: {test: [CMD, /bin/app, health], interval: 1s}
    deploy: {resources: {limits: {memory: 64M}}}
    depends_on: {db: {condition: service_healthy, restart: true}, init: {condition: service_completed_successfully}}
    networks: {front: {}, default: {aliases: [w]}}
    secrets: [token, {source: inline, target: inl, mode: 0400}]
    configs: [{source: app, target: /etc/app.conf}]
    volumes: ["data:/data", "./conf:/etc/conf:ro", "/anonymous"]
  db:
    <<: *common
    extends: {file: base.yaml, service: base}
    healthcheck: {test: [CMD, /bin/app, health], interval: 1s, start_interval: 100ms, start_period: 5s}
  init: {<<: *common, image: IMAGE, restart: "no", environment: {APP_EXIT: "0"}}
  sidecar:
    <<: *common
    image: IMAGE
    network_mode: service:db
    pid: service:db
    volumes_from: [web]
networks: {front: {}}
volumes: {data: {}}
secrets: {token: {file: token.txt}, inline: {environment: VALUE}}
configs: {app: {content: "value=${VALUE}"}}
`

func richStack(t *testing.T) *stack {
	t.Helper()
	s := newStack(t, map[string]string{
		"compose.yaml": rich, "app.env": "KEY=1\nEXPANDED=${VALUE}-${KEY}\n", "raw.env": "RAW='x' $y\n", "labels.env": "one.two=3\n",
		"token.txt": "t0ken", "conf/a": "a", "conf/b": "b",
		"base.yaml":     "services: {base: {image: IMAGE, env_file: app.env, environment: {BASE: \"1\"}, extends: {file: sub/deep.yaml, service: deep}}}\n",
		"sub/deep.yaml": "services: {deep: {image: x, environment: {DEEP: \"${VALUE}\"}, env_file: deep.env}}\n", "sub/deep.env": "D=1\n",
		"inc/more.yaml":     "include: [{path: [deeper/d.yaml], project_directory: deeper}]\nservices: {more: {image: IMAGE, stop_grace_period: 1s, env_file: more.env, environment: {FROM: \"${INC}\"}, volumes: [\"./x:/x\"]}}\n",
		"inc/more.env":      "M=1\n",
		"inc/.env":          "INC=from-dotenv\n",
		"inc/x/y":           "1",
		"inc/deeper/d.yaml": "services: {deeper: {image: IMAGE, stop_grace_period: 1s, env_file: d.env}}\n",
		"inc/deeper/d.env":  "D=2\n",
	})
	s.spec.Environment["VALUE"] = rinca.NewSecret("one")
	s.spec.Environment["C"] = rinca.NewSecret("from outside")
	return s
}

// Whoever deploys first, the other one finds nothing to do.
func TestAlternatingWithTheCommandRecreatesNothing(t *testing.T) {
	for _, first := range []string{"rinca", "command"} {
		t.Run(first, func(t *testing.T) {
			t.Parallel()
			s := richStack(t)
			if first == "rinca" {
				s.deploy()
			} else {
				s.cli("up", "-d")
			}
			before := s.ids()
			if len(before) != 6 {
				t.Fatalf("containers: %v", before)
			}
			for range 2 {
				out := s.cli("up", "-d")
				if names := changed(before, s.ids()); names != nil {
					t.Fatalf("the command recreated %v\n%s", names, out)
				}
				if p := s.deploy(); p.Changes() {
					t.Errorf("plan after the command: %s", summary(p))
				}
				if names := changed(before, s.ids()); names != nil {
					t.Fatalf("rinca recreated %v", names)
				}
			}
			// One change, made by the other one; then back.
			s.write("app.env", "KEY=2\nEXPANDED=${VALUE}-${KEY}\n")
			if first == "rinca" {
				s.cli("up", "-d")
			} else {
				s.deploy()
			}
			if names := changed(before, s.ids()); !slices.Equal(names, []string{"db", "sidecar", "web"}) {
				t.Errorf("recreated after a change: %v", names)
			}
			if p := s.plan(); p.Changes() {
				t.Errorf("plan after the change: %s", summary(p))
			}
			before = s.ids()
			out := s.cli("up", "-d")
			if names := changed(before, s.ids()); names != nil {
				t.Errorf("the command recreated %v\n%s", names, out)
			}
		})
	}
}

// A container of the command is recreated when what it read has changed since,
// though Compose's hash is the same.
func TestContainersOfTheCommandAreRecreatedWhenTheirSecretsChanged(t *testing.T) {
	for _, m := range modes {
		if !strings.Contains(m.reason, "secret(") && !strings.Contains(m.reason, "config_file(") && !strings.Contains(m.reason, "mount(") {
			continue
		}
		t.Run(m.name, func(t *testing.T) {
			t.Parallel()
			s := m.stack(t)
			s.cli("up", "-d")
			before := s.ids()
			if p := s.plan(); p.Changes() {
				t.Errorf("plan: %s", summary(p))
			}
			m.change(s)
			if p := s.deploy(); summary(p) != "user recreate "+m.reason {
				t.Errorf("plan after the change: %s", summary(p))
			}
			if names := changed(before, s.ids()); !slices.Equal(names, []string{"user"}) {
				t.Errorf("recreated: %v", names)
			}
		})
	}
}

// With another key the digests of before say nothing; that is no reason to
// recreate everything.
func TestAnotherKeyRecreatesNothing(t *testing.T) {
	s := richStack(t)
	s.deploy()
	s.spec.Digest = digestWith("another")
	if p := s.plan(); p.Changes() {
		t.Errorf("plan with another key: %s", summary(p))
	}
	s.write("token.txt", "changed")
	if p := s.plan(); !strings.Contains(summary(p), "web recreate secret(token)") {
		t.Errorf("plan with another key and secret: %s", summary(p))
	}
}
