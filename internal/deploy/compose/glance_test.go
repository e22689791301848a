package compose_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"rinca/internal/rinca"
)

// Plans that are made at a glance are those that are made one by one, and what
// changes later is seen by the next glance.
func TestGlanceSeesWhatIs(t *testing.T) {
	files := map[string]string{"compose.yaml": `
services:
  web: {image: IMAGE, ports: ["127.0.0.1::8080"], volumes: ["data:/data"]}
  side: {image: IMAGE, container_name: NAME}
volumes: {data: {}}
networks: {default: {}}
`}
	a, b := newStack(t, named(files, projectName(t)+"-a")), newStack(t, named(files, projectName(t)+"-b"))
	b.spec.Name += "-b"
	a.deploy()
	plan := func(e rinca.Engine, s *stack) rinca.Plan {
		t.Helper()
		d, err := e.Load(t.Context(), s.spec)
		if err != nil {
			t.Fatal(err)
		}
		if problems, err := d.Preflight(t.Context()); err != nil || len(problems) > 0 {
			t.Fatal(problems, err)
		}
		p, err := d.Plan(t.Context(), false)
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	for range 2 {
		seen := a.engine.Glance()
		for _, s := range []*stack{a, b, a} {
			if diff := cmp.Diff(plan(a.engine, s), plan(seen, s)); diff != "" {
				t.Errorf("%s, at a glance:\n%s", s.spec.Name, diff)
			}
		}
		b.deploy()
	}
	op := rinca.Operation{Kind: "destroy", Volumes: true, Timeout: time.Second}
	if err := b.engine.Operate(t.Context(), b.spec.Name, op, nil); err != nil {
		t.Fatal(err)
	}
}

func named(files map[string]string, name string) map[string]string {
	out := map[string]string{}
	for path, text := range files {
		out[path] = strings.ReplaceAll(text, "NAME", name)
	}
	return out
}
