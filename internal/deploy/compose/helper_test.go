package compose_test

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"rinca/internal/deploy/compose"
	"rinca/internal/deploy/enginetest"
	"rinca/internal/rinca"
)

// A stack is a project in a directory, for tests.
type stack struct {
	t      testing.TB
	engine *compose.Engine
	real   *enginetest.Engine
	spec   rinca.Project
	image  string
	warned []string
	mu     sync.Mutex
	lines  []rinca.Line
}

func open(t testing.TB, e *enginetest.Engine) *compose.Engine {
	t.Helper()
	c, err := compose.Open(t.Context(), compose.Config{Server: rinca.Server{Name: "local", Address: e.Address()}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

func digestWith(key string) func(purpose string, data ...[]byte) [32]byte {
	return func(purpose string, data ...[]byte) (sum [32]byte) {
		h := hmac.New(sha256.New, []byte(key))
		fmt.Fprintf(h, "%d:%s", len(purpose), purpose)
		for _, d := range data {
			fmt.Fprintf(h, "%d:", len(d))
			h.Write(d)
		}
		h.Sum(sum[:0])
		return sum
	}
}

// newSpec makes a project of files that is on no engine.
func newSpec(t testing.TB, name string, files map[string]string) rinca.Project {
	t.Helper()
	dir, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	spec := rinca.Project{
		Name: name, Dir: dir, Source: dir, Digest: digestWith("key"),
		Files: []string{filepath.Join(dir, "compose.yaml")},
		Read: func(path string) (rinca.Secret, error) {
			text, err := os.ReadFile(path)
			if err != nil {
				return rinca.Secret{}, rinca.Errorf(rinca.NotFound, "read %s: %w", path, err)
			}
			return rinca.NewSecret(string(text)), nil
		},
		Environment: map[string]rinca.Secret{},
	}
	for path, text := range files {
		path = filepath.Join(dir, path)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		spec.Tracked = append(spec.Tracked, path)
	}
	slices.Sort(spec.Tracked)
	return spec
}

// newStack makes a project on the shared engine; IMAGE in its files is an
// image, and it is taken down at the end.
func newStack(t testing.TB, files map[string]string) *stack {
	t.Helper()
	return newStackOn(t, enginetest.Start(t), files)
}

func newStackOn(t testing.TB, e *enginetest.Engine, files map[string]string) *stack {
	t.Helper()
	s := &stack{t: t, engine: open(t, e), real: e, image: e.Image(t, "demo")}
	files = maps.Clone(files)
	for name, text := range files {
		files[name] = strings.ReplaceAll(text, "IMAGE", s.image)
	}
	s.spec = newSpec(t, projectName(t), files)
	s.spec.Warn = func(text string) { s.warned = append(s.warned, text) }
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
		defer cancel()
		op := rinca.Operation{Kind: "destroy", Volumes: true, Timeout: time.Second}
		if err := s.engine.Operate(ctx, s.spec.Name, op, nil); err != nil {
			t.Logf("destroy: %v", err)
		}
	})
	return s
}

func projectName(t testing.TB) string {
	t.Helper()
	sum := sha256.Sum256([]byte(t.Name()))
	name := strings.ToLower(strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' {
			return r
		}
		return -1
	}, t.Name()))
	return fmt.Sprintf("%.20s-%x", name, sum[:3])
}

func (s *stack) write(path, text string) {
	s.t.Helper()
	path = filepath.Join(s.spec.Dir, path)
	text = strings.ReplaceAll(text, "IMAGE", s.image)
	// As an export does: another file takes the place.
	if err := os.WriteFile(path+".tmp", []byte(text), 0o644); err != nil {
		s.t.Fatal(err)
	}
	if err := os.Rename(path+".tmp", path); err != nil {
		s.t.Fatal(err)
	}
}

func (s *stack) out(l rinca.Line) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.lines = append(s.lines, l)
}

func (s *stack) said() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var b strings.Builder
	for _, l := range s.lines {
		fmt.Fprintf(&b, "%s|%s|%s\n", l.Service, l.Stream, l.Text)
	}
	return b.String()
}

func (s *stack) load() rinca.Deployment {
	s.t.Helper()
	d, err := s.engine.Load(s.t.Context(), s.spec)
	if err != nil {
		s.t.Fatalf("load: %v (%s)", err, rinca.HintOf(err))
	}
	return d
}

func (s *stack) plan() rinca.Plan {
	s.t.Helper()
	p, err := s.load().Plan(s.t.Context(), false)
	if err != nil {
		s.t.Fatalf("plan: %v", err)
	}
	return p
}

// deploy plans and applies, and returns the plan.
func (s *stack) deploy() rinca.Plan {
	s.t.Helper()
	p, err := s.tryDeploy()
	if err != nil {
		s.t.Fatalf("deploy: %v (%s)\n%s", err, rinca.HintOf(err), s.said())
	}
	return p
}

func (s *stack) tryDeploy() (rinca.Plan, error) {
	s.t.Helper()
	d := s.load()
	p, err := d.Plan(s.t.Context(), false)
	if err != nil {
		return p, err
	}
	return p, d.Apply(s.t.Context(), p, s.out)
}

// ids are those of the containers, by service.
func (s *stack) ids() map[string]string {
	s.t.Helper()
	states, err := s.engine.States(s.t.Context(), s.spec.Name)
	if err != nil {
		s.t.Fatal(err)
	}
	ids := map[string]string{}
	for _, c := range states[s.spec.Name].Services {
		ids[c.Service] += c.ID
	}
	return ids
}

// changed lists the services whose containers are not the ones of before.
func changed(before, after map[string]string) []string {
	var names []string
	for name, id := range after {
		if before[name] != id {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// summary writes a plan as "web recreate secret(token)".
func summary(p rinca.Plan) string {
	var parts []string
	for _, s := range p.Services {
		if s.Change == rinca.Keep {
			continue
		}
		text := s.Service + " " + string(s.Change)
		for _, r := range s.Reasons {
			text += " " + r.Kind
			if len(r.Names) > 0 {
				text += "(" + strings.Join(r.Names, ",") + ")"
			}
		}
		parts = append(parts, text)
	}
	return strings.Join(append(parts, p.Resources...), "; ")
}
