package scenario_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"strings"
	"testing"
	"time"

	"rinca/internal/rinca"
)

// A server that is killed at any moment of a rotation of five stacks, one of
// which gets a value that ends it: the rotation goes forward or back to a
// verified state by itself, and the next one carries what is good.
func TestRotationIsKilled(t *testing.T) {
	t.Parallel()
	times := 1
	if os.Getenv("RINCA_SOAK") == "1" {
		times = 100
	}
	l := newLab(t)
	l.must("rotate", "policy", "set", "--off")
	set := func(name, value, exit string) {
		t.Helper()
		l.item(name, name+".env", map[string]string{"KEY": value, "APP_EXIT": exit})
	}
	var stacks []*stack
	var names []string
	others, good := map[string]string{}, map[string]string{}
	for _, s := range []struct{ name, after string }{{"base", ""}, {"db", "base"}, {"cache", "base"}, {"web", "db,cache"}, {"jobs", "db"}} {
		good[s.name] = "value-0-" + s.name
		set(s.name, good[s.name], "stay up")
		flags := []string{"--verify-settle", "500ms"}
		if s.after != "" {
			flags = append(flags, "--after", s.after)
		}
		st := l.newStack(t, s.name, map[string]string{"compose.yaml": strings.ReplaceAll(looped, "NAME", s.name)}, flags...)
		st.deploy()
		others[s.name] = st.containers()["other"].ID
		stacks, names = append(stacks, st), append(names, s.name)
	}
	states := map[rinca.UpdateState]int{}
	for turn := 1; turn <= times && !t.Failed(); turn++ {
		bad := names[rand.IntN(len(names))]
		before := map[string]string{}
		for _, name := range names {
			before[name] = good[name]
			if value := fmt.Sprintf("value-%d-%s", turn, name); name == bad {
				set(name, value, "7")
			} else {
				good[name] = value
				set(name, value, "stay up")
			}
		}
		u := l.submit("RotateSecrets", map[string]any{})
		after := time.Duration(rand.Int64N(int64(8 * time.Second)))
		time.Sleep(after)
		l.crash()
		l.restart()
		states[l.ended(u.ID).State]++
		when := fmt.Sprintf("turn %d, killed after %s, %s is bad", turn, after, bad)
		for _, s := range stacks {
			b := s.containers()["app"]
			if got := b.env("KEY"); b.State.Status != "running" || got != before[s.name] && (got != good[s.name] || s.name == bad) {
				t.Errorf("%s: %s is %s with %s", when, s.name, b.State.Status, got)
			}
		}
		// All or none: what is good waits for what is bad, which is kept away, or
		// found to be bad now.
		l.rinca("rotate")
		for _, s := range stacks {
			if got := s.containers()["app"].env("KEY"); got != before[s.name] {
				t.Errorf("%s: then %s has %s", when, s.name, got)
			}
		}
		good[bad] = fmt.Sprintf("value-%d-%s-mended", turn, bad)
		set(bad, good[bad], "stay up")
		for try := 0; try < 3 && l.rinca("rotate").code != 0; try++ {
		}
		for _, s := range stacks {
			if b := s.containers()["app"]; b.env("KEY") != good[s.name] || b.State.Status != "running" {
				t.Errorf("%s: in the end %s is %s with %s, not %s", when, s.name, b.State.Status, b.env("KEY"), good[s.name])
			}
			if s.containers()["other"].ID != others[s.name] {
				t.Errorf("%s: the service of %s that uses no secret was made anew", when, s.name)
			}
		}
	}
	t.Logf("the rotations: %v", states)
}
