package scenario_test

import (
	"strings"
	"testing"

	"rinca/internal/deploy/enginetest"
	"rinca/internal/rinca"
)

// A registry has a newer image of the same name: of the stacks that ask for
// it, those that use it are deployed, and nobody else.
func TestGlobalAutoUpdate(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	const name = "127.0.0.1:5999/auto"
	enginetest.Publish(t, l.path("images"), "auto", "1", "first")
	enginetest.Publish(t, l.path("images"), "still", "1", "still")
	l.newStack(t, "registry", map[string]string{"compose.yaml": `
services:
  app:
    image: IMAGE
    stop_grace_period: 1s
    network_mode: host
    environment: {APP_LISTEN: "127.0.0.1:5999", APP_REGISTRY: /data}
    volumes: ["LAB/images:/data:ro"]
`}, "--host-path", l.path("images")).deploy()
	text := "services:\n  app:\n    image: " + name + ":1\n    stop_grace_period: 1s\n"
	auto := l.newStack(t, "auto", map[string]string{"compose.yaml": text}, "--auto-update")
	still := l.newStack(t, "still", map[string]string{"compose.yaml": strings.ReplaceAll(text, "/auto", "/still")}, "--auto-update")
	pinned := l.newStack(t, "pinned", map[string]string{"compose.yaml": text})
	ids := map[*stack]string{}
	for _, s := range []*stack{auto, still, pinned} {
		s.deploy()
		ids[s] = s.containers()["app"].ID
	}
	run := func(when string, changed *stack, want string, flags ...string) {
		t.Helper()
		out := l.must(append([]string{"execute", "GlobalAutoUpdate"}, flags...)...)
		if !strings.Contains(out, want) {
			t.Errorf("%s it says\n%s", when, out)
		}
		for s, id := range ids {
			if now := s.containers()["app"].ID; (now != id) != (s == changed) {
				t.Errorf("%s %s was made anew: %t", when, s.name, now != id)
			} else {
				ids[s] = now
			}
		}
	}
	run("with nothing newer", nil, "0 deployed, 2 unchanged")
	enginetest.Publish(t, l.path("images"), "auto", "1", "second")
	run("only looking", nil, "newer images for app", "--param", "skip_auto_update=true")
	run("with a newer image", auto, "1 deployed, 1 unchanged")
	if u := pinned.last(); u.State != rinca.Succeeded || strings.Contains(u.Trigger, "GlobalAutoUpdate") {
		t.Errorf("pinned: %+v", u)
	}
	run("again", nil, "0 deployed, 2 unchanged")

	// A registry that does not answer fails what asks it, and changes nothing.
	l.must("stack", "stop", "registry")
	l.fails(1, []string{"look for newer images"}, "execute", "GlobalAutoUpdate")
	now := auto.containers()["app"]
	if now.ID != ids[auto] || now.State.Status != "running" {
		t.Errorf("auto is %s", now.State.Status)
	}
}
