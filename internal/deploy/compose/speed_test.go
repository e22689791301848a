package compose_test

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"rinca/internal/rinca"
)

// TestSpeed compares with docker compose, on a quiet machine only:
// RINCA_SPEED=1 go test -run TestSpeed -v
func TestSpeed(t *testing.T) {
	if os.Getenv("RINCA_SPEED") == "" {
		t.Skip("RINCA_SPEED is not set")
	}
	var b strings.Builder
	b.WriteString("services:\n")
	for i := range 10 {
		fmt.Fprintf(&b, "  s%d:\n    image: IMAGE\n    stop_grace_period: 1s\n    environment: {N: \"%d\"}\n    env_file: s%d.env\n", i, i, i)
	}
	files := map[string]string{"compose.yaml": b.String()}
	for i := range 10 {
		files[fmt.Sprintf("s%d.env", i)] = "V=1\n"
	}
	took := map[string][]time.Duration{}
	measure := func(name string, do func()) {
		start := time.Now()
		do()
		took[name] = append(took[name], time.Since(start))
	}
	ours, theirs := newStack(t, files), newStack(t, files)
	theirs.spec.Name += "-cli"
	t.Cleanup(func() {
		ctx := context.WithoutCancel(t.Context())
		_ = theirs.engine.Operate(ctx, theirs.spec.Name, rinca.Operation{Kind: "destroy"}, nil)
	})
	theirs.cli("ps") // builds it, if need be
	for round := range 5 {
		up := func() { theirs.cli("up", "-d") }
		deploy := func() { ours.deploy() }
		measure("first rinca", deploy)
		measure("first command", up)
		measure("nothing rinca", deploy)
		measure("nothing command", up)
		ours.write("s3.env", fmt.Sprintf("V=%d\n", round+2))
		theirs.write("s3.env", fmt.Sprintf("V=%d\n", round+2))
		measure("one rinca", deploy)
		measure("one command", up)
		ours.operate(rinca.Operation{Kind: "destroy", Timeout: time.Second})
		theirs.operate(rinca.Operation{Kind: "destroy", Timeout: time.Second})
	}
	median := func(name string) time.Duration {
		slices.Sort(took[name])
		return took[name][len(took[name])/2]
	}
	for _, what := range []string{"first", "nothing", "one"} {
		r, c := median(what+" rinca"), median(what+" command")
		t.Logf("%-8s rinca %8v  docker compose %8v  %.2f×", what, r.Round(time.Millisecond), c.Round(time.Millisecond), float64(r)/float64(c))
	}
}

// TestSpeedOfMany plans 200 stacks in which nothing changed; RINCA_SPEED=1.
func TestSpeedOfMany(t *testing.T) {
	if os.Getenv("RINCA_SPEED") == "" {
		t.Skip("RINCA_SPEED is not set")
	}
	var stacks []*stack
	for range 200 {
		s := newStack(t, map[string]string{"compose.yaml": "services: {web: {image: IMAGE, stop_grace_period: 0s, env_file: a.env, network_mode: none}}\n", "a.env": "A=1\n"})
		s.spec.Name = fmt.Sprintf("many-%d", len(stacks))
		s.deploy()
		stacks = append(stacks, s)
	}
	start := time.Now()
	for _, s := range stacks {
		if p := s.plan(); p.Changes() {
			t.Errorf("plan: %s", summary(p))
		}
	}
	t.Logf("200 stacks, one after the other: %v", time.Since(start))
	start = time.Now()
	stacks[0].cli("up", "-d")
	t.Logf("docker compose up -d of one of them: %v", time.Since(start))
}
