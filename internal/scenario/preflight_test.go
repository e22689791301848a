package scenario_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"rinca/internal/rinca"
)

// app is compose.yaml of one service with more lines.
func app(more ...string) string {
	return strings.TrimRight(small, "\n") + "\n    " + strings.Join(more, "\n    ") + "\n"
}

// A refusal is a stack that must not be deployed.
type refusal struct {
	name    string
	prepare func(s *stack)
	compose string
	says    []string // the problem, and its mend
}

// stage is where it is found.
func (r refusal) stage() string {
	switch r.name {
	case "unknown":
		return "Interpolate"
	case "directory":
		return "Load"
	}
	return "Preflight"
}

func refusals() []refusal {
	vaultFile := app("env_file: [LAB/secrets/NAME/NAME.env]")
	put := func(text string) func(s *stack) {
		return func(s *stack) { s.write(filepath.Join("secrets", s.name, s.name+".env"), text) }
	}
	return []refusal{
		{
			name: "missing", compose: vaultFile,
			says: []string{"app: env file not found", "missing/missing.env", "rinca item create missing.env.example"},
		},
		{
			name: "missing-of-source", compose: app("env_file: [./none.env]"),
			says: []string{"env file not found", "none.env", "add it to the source"},
		},
		{
			name: "directory", compose: vaultFile, says: []string{"is not a file", "remove it"},
			prepare: func(s *stack) {
				if err := os.MkdirAll(s.path("secrets", s.name, s.name+".env"), 0o755); err != nil {
					s.t.Fatal(err)
				}
			},
		},
		{name: "empty", compose: vaultFile, prepare: put(""), says: []string{"empty/empty.env is empty", "rinca item create"}},
		{name: "comments", compose: vaultFile, prepare: put("# KEY=value\n"), says: []string{"comments.env is empty: it sets no variable"}},
		{
			name: "placeholder", compose: vaultFile, prepare: put("PASSWORD=REPLACE_ME\nOTHER=fine\nTOKEN=changeme\n"),
			says: []string{"holds a placeholder in PASSWORD, TOKEN", "put the value into the vault"},
		},
		{
			name: "stale", compose: vaultFile, says: []string{"stale.env is stale: the vault has it no more", "--prune"},
			prepare: func(s *stack) {
				s.item(s.name, s.name+".env", map[string]string{"KEY": "value-of-stale"})
				s.item(s.name, "kept.env", map[string]string{"KEY": "value-of-kept"})
				s.must("export", s.name)
				s.must("op", "item", "delete", s.name+".env", "--vault", "homelab")
			},
		},
		{
			name: "network", compose: app("networks: [outer]") + "networks: {outer: {external: true, name: PROJECT-none}}\n",
			says: []string{"the external network network-", "does not exist", "docker network create"},
		},
		{
			name: "volume", compose: app("volumes: ['outer:/data']") + "volumes: {outer: {external: true, name: PROJECT-none}}\n",
			says: []string{"the external volume volume-", "does not exist", "docker volume create"},
		},
		{name: "port", compose: app("ports: ['127.0.0.1:45991:80']"), says: []string{"45991", "portholder"}},
		{
			name: "bind", compose: app("volumes: ['LAB/data/none:/data']"),
			says: []string{"data/none does not exist", "mkdir -p"},
		},
		{
			name: "bindfile", compose: app("volumes: ['./none.conf:/etc/app.conf']"),
			says: []string{"none.conf does not exist"},
		},
		{
			name:    "unknown",
			compose: "services:\n  app:\n    image: IMAGE\n    environment:\n      A: [[NOBODY_KNOWS]]\n      B: x-[[NEITHER_THIS]]-y\n",
			prepare: func(s *stack) {
				s.write("environment", "C = [[NOR_THIS]]\n")
				s.must("stack", "set", s.name, "--environment-file", s.path("environment"), "--pre-deploy", "echo [[NOT_EVEN_THIS]]")
			},
			says: []string{
				"compose.yaml:5", "NOBODY_KNOWS", "compose.yaml:6", "NEITHER_THIS", "environment:1", "NOR_THIS", "pre_deploy", "NOT_EVEN_THIS",
				"rinca variable set",
			},
		},
		{
			name: "several", compose: app("env_file: [./none.env]", "volumes: ['LAB/data/none:/data']", "networks: [outer]") + "networks: {outer: {external: true, name: PROJECT-none}}\n",
			says: []string{"3 problems", "none.env", "data/none", "does not exist", "docker network create"},
		},
	}
}

// What would fail is found before anything is touched, and the message says
// what mends it.
func TestPreflight(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	holder := l.newStack(t, "portholder", map[string]string{"compose.yaml": app("ports: ['127.0.0.1:45991:80']")})
	holder.deploy()
	for _, r := range refusals() {
		t.Run(r.name, func(t *testing.T) {
			t.Parallel()
			l.with(t).refuse(r)
		})
	}
}

func (l *lab) refuse(r refusal) {
	s := l.newStack(l.t, r.name, map[string]string{"compose.yaml": strings.ReplaceAll(r.compose, "NAME", r.name)}, "--host-path", l.path("data"))
	if r.prepare != nil {
		r.prepare(s)
	}
	// The first deploy makes nothing.
	u := s.refused(r.says...)
	if n := len(s.containers()); n != 0 {
		l.t.Errorf("it made %d containers", n)
	}
	if last := u.Stages[len(u.Stages)-1]; last.State != rinca.Failed || last.Name != r.stage() {
		l.t.Errorf("it failed in %s (%s)", last.Name, last.State)
	}
	if r.name == "unknown" {
		return // the stack's own text is wrong too
	}
	// A later one leaves what runs alone, and the files that it runs with.
	s.commit(map[string]string{"compose.yaml": small})
	s.deploy()
	before := s.containers()
	disk := tree(s.path("home", "stacks", s.name, "src"))
	s.commit(map[string]string{"compose.yaml": strings.ReplaceAll(r.compose, "NAME", r.name), "new.conf": "new"})
	s.refused(r.says[0])
	if got := moved(before, s.containers()); got != nil {
		l.t.Errorf("moved: %v", got)
	}
	after := tree(s.path("home", "stacks", s.name, "src"))
	for _, path := range differences(disk, after) {
		if !strings.HasSuffix(path, "compose.yaml") || s.read(path) != strings.ReplaceAll(small, "IMAGE", s.image) {
			l.t.Errorf("its files changed: %s", path)
		}
	}
	if _, ok := after[s.path("home", "stacks", s.name, "src", "stack", "new.conf")]; ok {
		l.t.Error("a file of the commit that was refused stays")
	}
	if got := s.rinca("stack", "plan", s.name); got.code != 1 {
		l.t.Errorf("a plan of it: %s", got)
	}
}

// An engine that is not there is one clear error; a server that is named by
// nobody too.
func TestNoEngine(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	socket := l.path("none.sock")
	l.rinca("server", "add", "gone", "unix://"+socket) // it may say at once that nobody answers
	s := l.newStack(t, "nowhere", map[string]string{"compose.yaml": small}, "--server", "gone")
	u := s.refused("gone", "out of reach")
	if last := u.Stages[len(u.Stages)-1].Name; last != "Preflight" {
		t.Errorf("it failed in %s", last)
	}
	var state rinca.StackState
	l.api("GET", "/v1/stacks/nowhere/state", nil, &state)
	if state.Status != rinca.StatusUnknown || state.Error == "" {
		t.Errorf("state: %+v", state)
	}
	if got := l.rinca("stack", "set", s.name, "--server", "nobody"); got.code == 0 {
		s.failing(4, "nobody")
	} else if !strings.Contains(got.err, "nobody") {
		t.Errorf("%s", got)
	}
	l.must("stack", "set", s.name, "--server", "local")
	s.deploy()
	if got := s.plan(); !slices.Equal(got, nil) {
		t.Errorf("plan: %v", got)
	}
}
