package scenario_test

import (
	"strings"
	"testing"
	"time"

	"rinca/internal/rinca"
)

// What people decide about rotations: when they may begin, whether, and that
// one is taken back. Nothing restarts before they do.
func TestRotationsAndPeople(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	l.must("rotate", "policy", "set", "--off")
	turn := func(value string) {
		t.Helper()
		l.item("last", "last.env", map[string]string{"KEY": value, "APP_LONGEST": "50"})
	}
	turn("value-one")
	s := l.newStack(t, "last", map[string]string{"compose.yaml": waiting}, "--verify-settle", "300ms")
	s.deploy()
	has := func(value, when string) {
		t.Helper()
		if b := s.containers()["app"]; b.env("KEY") != value || b.State.Status != "running" {
			t.Errorf("%s: it has %s and is %s", when, b.env("KEY"), b.State.Status)
		}
	}
	waits := func(id, why string) rinca.Rotation {
		t.Helper()
		var rot rinca.Rotation
		l.wait("that it waits: "+why, func() bool {
			l.api("GET", "/v1/rotations/"+id, nil, &rot)
			return rot.State == rinca.RotationWaits && strings.Contains(rot.Waits, why)
		})
		return rot
	}
	rotate := func() rinca.Update { return l.submit("RotateSecrets", map[string]any{}) }
	well := func(id, value, when string) {
		t.Helper()
		if u := l.ended(id); u.State != rinca.Succeeded {
			t.Errorf("%s: it %s: %+v", when, u.State, u.Error)
		}
		has(value, when)
	}

	// Frozen, and let go again.
	l.must("rotate", "freeze", "--why", "the auditors are here")
	turn("value-two")
	u := rotate()
	waits(u.ID, "the auditors are here")
	has("value-one", "frozen")
	l.must("rotate", "unfreeze")
	well(u.ID, "value-two", "unfrozen")

	// No window is open; one that waits survives the server.
	l.must("rotate", "policy", "set", "--off", "--window", never())
	turn("value-three")
	u = rotate()
	waits(u.ID, "the next window opens")
	l.crash()
	l.restart()
	waits(u.ID, "the next window opens")
	has("value-two", "out of the window")
	l.must("rotate", "cancel", u.ID)
	if u := l.ended(u.ID); u.State != rinca.CanceledRun {
		t.Errorf("canceled, it %s", u.State)
	}
	has("value-two", "canceled")
	l.must("rotate", "--now")
	has("value-three", "now")

	// An approval is for what was to be done then.
	l.must("rotate", "policy", "set", "--off", "--window", "none", "--approve")
	turn("value-four")
	u = rotate()
	first := waits(u.ID, "approves")
	turn("value-five")
	l.must("rotate", "policy", "set", "--off", "--approve", "--at-once", "3") // it plans anew
	l.wait("another plan", func() bool { return waits(u.ID, "approves").Plan != first.Plan })
	if status := l.api("POST", "/v1/rotations/"+u.ID+"/approve?plan="+first.Plan, nil, nil); status != 409 {
		t.Errorf("the plan of before is approved: %d", status)
	}
	has("value-three", "approved for something else")
	l.must("rotate", "approve", u.ID)
	well(u.ID, "value-five", "approved")
	l.must("rotate", "policy", "set", "--off", "--approve=false")

	// Taken back: the values of before, and the newer ones in quarantine, until
	// somebody lets them out.
	l.must("rotate", "undo", u.ID, "--yes")
	has("value-three", "undone")
	l.says("rotate quarantine list", "last.env")
	l.must("rotate")
	has("value-three", "in quarantine")
	l.fails(1, []string{"undone already"}, "rotate", "undo", u.ID, "--yes")
	l.must("rotate", "quarantine", "release", "last.env")
	l.must("rotate")
	has("value-five", "released")

	// Two at once: one does it, the other one finds nothing to do.
	turn("value-six")
	one, two := rotate(), rotate()
	well(one.ID, "value-six", "two at once")
	well(two.ID, "value-six", "two at once")

	// A new value, made here: the old one comes back when it does no good.
	l.must("rotate", "--generate", "op://homelab/last.env/KEY", "--recipe", "hex:20")
	made := l.must("op", "read", "-n", "op://homelab/last.env/KEY")
	if len(made) != 40 {
		t.Errorf("the recipe made %d characters", len(made))
	}
	has(made, "generated")
	l.fails(1, []string{"exited with 7"}, "rotate", "--generate", "op://homelab/last.env/KEY", "--recipe", "hex:64")
	if got := l.must("op", "read", "-n", "op://homelab/last.env/KEY"); got != made {
		t.Errorf("the vault has %d characters", len(got))
	}
	has(made, "a new value that is bad")

	// An item that says so itself is left alone.
	l.must("op", "item", "edit", "last.env", "--vault", "homelab", "--tags", "stack:last,rinca:hold")
	turn("value-seven")
	l.must("rotate")
	has(made, "held")

	// The watch: changes that come one after another are one run.
	l.must("op", "item", "edit", "last.env", "--vault", "homelab", "--tags", "stack:last")
	before := len(l.rotations())
	l.must("rotate", "policy", "set", "--off=false", "--interval", "1s", "--batch", "10s")
	time.Sleep(time.Second)
	turn("value-eight")
	var list []rinca.Rotation
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("%d rotations were there before: %+v", before, list)
		}
	})
	l.wait("the watch", func() bool {
		list = l.rotations()
		return len(list) > before && list[0].State == rinca.RotationSucceeded
	})
	has("value-eight", "by the watch")
	if n := len(l.rotations()) - before; n != 1 {
		t.Errorf("there were %d rotations", n)
	}
}

func (l *lab) rotations() []rinca.Rotation {
	l.t.Helper()
	var list []rinca.Rotation
	l.api("GET", "/v1/rotations", nil, &list)
	return list
}

// never is a window that does not open for hours.
func never() string {
	from := time.Now().UTC().Add(6 * time.Hour)
	return from.Format("15:04") + "-" + from.Add(time.Hour).Format("15:04") + " UTC"
}
