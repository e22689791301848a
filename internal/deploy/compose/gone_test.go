package compose_test

import (
	"strings"
	"testing"

	"rinca/internal/rinca"
)

// A service that is renamed leaves nothing behind, and its port is free for
// the one that takes its place.
func TestServicesThatAreGone(t *testing.T) {
	t.Parallel()
	compose := func(service string) string {
		return "services:\n  " + service + ":\n    image: IMAGE\n    stop_grace_period: 1s\n    ports: [\"127.0.0.1:18417:80\"]\n  db:\n    image: IMAGE\n"
	}
	s := newStack(t, map[string]string{"compose.yaml": compose("web")})
	s.deploy()
	before := s.ids()
	s.write("compose.yaml", compose("app"))
	d := s.load()
	problems, err := d.Preflight(t.Context())
	if err != nil || len(problems) > 0 {
		t.Errorf("preflight: %v, %v", problems, err)
	}
	p := s.plan()
	if got := summary(p); !strings.Contains(got, "web remove gone") {
		t.Errorf("the plan removes nothing: %s", got)
	}
	s.deploy()
	after := s.ids()
	if _, ok := after["web"]; ok || after["db"] != before["db"] || after["app"] == "" {
		t.Errorf("before %v, after %v", before, after)
	}
	if again := s.plan(); again.Changes() {
		t.Errorf("and again: %s", summary(again))
	}
}

// An error of the engine is told as it is, also when it ends other requests.
func TestBadImageNameIsNoCancel(t *testing.T) {
	t.Parallel()
	s := newStack(t, map[string]string{"compose.yaml": "services:\n  web:\n    image: \"UPPER/case:latest\"\n"})
	_, err := s.load().Plan(t.Context(), false) // newer engines only say that it is not there
	if rinca.CodeOf(err) == rinca.Canceled {
		t.Error(err)
	}
}

// What a parser says of an env file may quote a value.
func TestBadEnvFileIsNotQuoted(t *testing.T) {
	t.Parallel()
	s := newStack(t, map[string]string{
		"compose.yaml": "services:\n  web:\n    image: IMAGE\n    env_file: [x.env]\n",
		"x.env":        "A=1\nDB_PASSWORD=\"hunter2hunter2\n",
	})
	_, err := s.engine.Load(t.Context(), s.spec)
	if err == nil || strings.Contains(err.Error()+rinca.HintOf(err), "hunter2") || !strings.Contains(err.Error(), "x.env") {
		t.Errorf("%v", err)
	}
}
