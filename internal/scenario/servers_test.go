package scenario_test

import (
	"testing"

	"rinca/internal/deploy/enginetest"
	"rinca/internal/rinca"
)

// The order of stacks holds across servers: by hand, when one of them is not
// well, when its server is gone, and in a rotation that goes back on both.
func TestOrderAcrossServers(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	l.must("rotate", "policy", "set", "--off")
	far := enginetest.StartOwn(t)
	far.Image(t, l.image)
	l.must("server", "add", "far", far.Address())
	l.item("brief", "brief.env", map[string]string{"KEY": "first-value", "APP_EXIT": "stay up"})
	l.item("last", "last.env", map[string]string{"KEY": "first-value", "APP_EXIT": "stay up"})
	db := l.newStack(t, "brief", map[string]string{"compose.yaml": brief}, "--server", "far")
	db.engine = far
	web := l.newStack(t, "last", map[string]string{"compose.yaml": waiting}, "--after", "brief", "--verify-settle", "500ms")

	l.must("stack", "deploy", "--all")
	first, second := db.last(), web.last()
	if first.State != rinca.Succeeded || second.State != rinca.Succeeded || second.StartedAt.Before(first.EndedAt) {
		t.Errorf("brief %s and ended %s, last %s and began %s", first.State, first.EndedAt, second.State, second.StartedAt)
	}
	l.must("stack", "stop", "brief")
	web.refused("comes after brief, which is stopped")
	l.must("stack", "start", "brief")

	// A value that ends what is here takes back what is there.
	l.item("brief", "brief.env", map[string]string{"KEY": "second-value"})
	l.item("last", "last.env", map[string]string{"KEY": "second-value", "APP_EXIT": "7"})
	l.fails(1, []string{"exited with 7"}, "rotate")
	for _, s := range []*stack{db, web} {
		if b := s.containers()["app"]; b.env("KEY") != "first-value" || b.State.Status != "running" {
			t.Errorf("%s has %s and is %s", s.name, b.env("KEY"), b.State.Status)
		}
	}
	// What went out with it waits with it, on the other server too, and goes out
	// with what is good.
	l.must("rotate")
	if got := db.containers()["app"].env("KEY"); got != "first-value" {
		t.Errorf("before there is something good, brief has %s", got)
	}
	l.item("last", "last.env", map[string]string{"KEY": "second-value", "APP_EXIT": "stay up"})
	l.must("rotate")
	for _, s := range []*stack{db, web} {
		if got := s.containers()["app"].env("KEY"); got != "second-value" {
			t.Errorf("%s has %s", s.name, got)
		}
	}

	far.Kill(t)
	web.refused("comes after brief, and how that is cannot be told")
	// A value for a stack whose server is gone is carried nowhere, nor to what
	// comes after it.
	l.item("brief", "brief.env", map[string]string{"KEY": "third-value"})
	l.item("last", "last.env", map[string]string{"KEY": "third-value", "APP_EXIT": "stay up"})
	l.fails(1, []string{"nothing was rotated", "brief"}, "rotate")
	if got := web.containers()["app"].env("KEY"); got != "second-value" {
		t.Errorf("last has %s", got)
	}
	far.Restart(t)
	l.must("stack", "start", "brief")
	l.must("rotate")
	for _, s := range []*stack{db, web} {
		if got := s.containers()["app"].env("KEY"); got != "third-value" {
			t.Errorf("%s has %s", s.name, got)
		}
	}
}
