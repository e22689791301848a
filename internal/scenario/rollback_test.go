package scenario_test

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"rinca/internal/rinca"
)

// fragile has a service for each way to fail, one that nothing happens to, and
// a file that is mounted.
const fragile = `
services:
  app:
    image: IMAGE
    stop_grace_period: 1s
    environment: {VALUE: one, APP_HEALTH: "[[HEALTH_NAME]]", APP_FILES: /etc/app.conf, APP_PRINT: 1}
    volumes: ["./app.conf:/etc/app.conf:ro"]
    env_file: [LAB/secrets/NAME/NAME.env]
    healthcheck: {test: [CMD, /bin/app, health], interval: 300ms, timeout: 5s, retries: 2}
  job:
    image: IMAGE
    restart: "no"
    environment: {APP_EXIT: "0"}
  other:
    image: IMAGE
    stop_grace_period: 1s
`

// crashing are the flags of stacks whose containers end soon: on a machine that
// has much to do, that takes a while.
var crashing = []string{"--verify-settle", "3s"}

// A failure is one way in which a second deploy fails.
type failure struct {
	name string
	harm func(s *stack)
	mend func(s *stack)
	says string // the error
	left []string
}

func failures() []failure {
	conf := map[string]string{"app.conf": "two"}
	return []failure{
		{
			name: "crash", says: "service app exited with 3",
			harm: func(s *stack) { s.commit(conf); s.edit("VALUE: one", "APP_EXIT: 3, VALUE: two") },
			mend: func(s *stack) { s.edit("APP_EXIT: 3, VALUE: two", "VALUE: three") },
			left: []string{"app"},
		},
		{
			name: "unhealthy", says: "service app is unhealthy",
			harm: func(s *stack) { s.commit(conf); s.edit(`"[[HEALTH_unhealthy]]"`, "bad") },
			mend: func(s *stack) { s.edit("APP_HEALTH: bad", "APP_HEALTH: well") },
			left: []string{"app"},
		},
		{
			name: "oneshot", says: "service job exited with 3",
			harm: func(s *stack) { s.edit(`APP_EXIT: "0"`, `APP_EXIT: "3"`) },
			mend: func(s *stack) { s.edit(`APP_EXIT: "3"`, `APP_EXIT: "0"`) },
			left: []string{"job"},
		},
		{
			name: "value", says: "service app is unhealthy",
			harm: func(s *stack) { s.variable("HEALTH_value", "bad", "--secret") },
			mend: func(s *stack) { s.variable("HEALTH_value", "fine", "--secret") },
			left: []string{"app"},
		},
		{
			name: "exported", says: "service app exited with 7",
			harm: func(s *stack) { s.item(s.name, s.name+".env", map[string]string{"KEY": "two", "APP_EXIT": "7"}) },
			mend: func(s *stack) {
				s.item(s.name, s.name+".env", map[string]string{"KEY": "three", "APP_EXIT": "stay up"})
			},
			left: []string{"app"},
		},
		{
			name: "image", says: "service app exited with 3",
			harm: func(s *stack) {
				s.engine.MakeImage(s.t, s.image, "another "+s.image)
				s.edit("VALUE: one", "APP_EXIT: 3, VALUE: two")
			},
			mend: func(s *stack) { s.edit("APP_EXIT: 3, VALUE: two", "VALUE: three") },
			left: []string{"app", "job", "other"},
		},
	}
}

// After a deploy that fails, what ran before runs again: its files, its
// values, its images. The update says so, and a deploy of what was mended works.
func TestRollback(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	for _, f := range failures() {
		t.Run(f.name, func(t *testing.T) {
			t.Parallel()
			l.with(t).rollback(f)
		})
	}
}

func (l *lab) rollback(f failure) {
	t := l.t
	l.image = l.engine.Image(t, "scenario/"+f.name+":"+l.id)
	l.item(f.name, f.name+".env", map[string]string{"KEY": "one", "APP_EXIT": "go on"})
	l.variable("HEALTH_"+f.name, "health-as-it-should-be", "--secret")
	text := strings.ReplaceAll(fragile, "NAME", f.name)
	s := l.newStack(t, f.name, map[string]string{"compose.yaml": text, "app.conf": "one"}, crashing...)
	good := s.deploy()
	before, tag := s.containers(), s.imageID()
	disk := s.onDisk()

	f.harm(s)
	var planned []string
	for _, p := range s.plan() {
		planned = append(planned, strings.Fields(p)[0])
	}
	if !slices.Equal(planned, f.left) {
		t.Errorf("planned: %v, want %v", planned, f.left)
	}
	u := s.refused(f.says, "rinca stack logs "+f.name+" ", "the last good deploy was put back ("+good.Commit[:7])
	if u.State != rinca.Failed || !strings.Contains(u.RolledBack, "put back") || !strings.Contains(u.RolledBack, "verified") {
		t.Errorf("the update %s, rolled back: %q", u.State, u.RolledBack)
	}
	after := s.containers()
	if got := moved(before, after); !slices.Equal(got, f.left) {
		t.Errorf("moved: %v, want %v", got, f.left)
	}
	for service, b := range before {
		a := after[service]
		if a.Image != b.Image || !slices.Equal(sorted(a.Config.Env), sorted(b.Config.Env)) || a.State.Status != b.State.Status {
			t.Errorf("%s is %s of %s with %v\nwas %s of %s with %v", service, a.State.Status, a.Image, a.Config.Env, b.State.Status, b.Image, b.Config.Env)
		}
	}
	if now := s.imageID(); now != tag {
		t.Errorf("the tag %s leads to another image", s.image)
	}
	if got := s.onDisk(); got != disk {
		t.Errorf("on disk:\n%s\nwas:\n%s", got, disk)
	}
	if got := s.printed("app"); !strings.Contains(got, `file /etc/app.conf "one"`) {
		t.Errorf("the container sees another file:\n%s", got)
	}

	f.mend(s)
	s.deploy()
	for service, b := range s.containers() {
		if b.State.Status != "running" && service != "job" {
			t.Errorf("%s is %s after it was mended", service, b.State.Status)
		}
	}
	if got := s.plan(); got != nil {
		t.Errorf("plan after it was mended: %v", got)
	}
}

func sorted(list []string) []string {
	list = slices.Clone(list)
	slices.Sort(list)
	return list
}

// imageID returns the image that the usual tag leads to.
func (l *lab) imageID() string {
	l.t.Helper()
	var image struct{ ID string }
	l.ofEngine("GET", "/images/"+l.image+"/json", &image)
	return image.ID
}

// onDisk returns the files that a stack was deployed with.
func (s *stack) onDisk() string {
	s.t.Helper()
	var b strings.Builder
	for _, path := range []string{
		s.path("home", "stacks", s.name, "src", "stack", "compose.yaml"),
		s.path("home", "stacks", s.name, "src", "stack", "app.conf"),
		s.path("secrets", s.name, s.name+".env"),
	} {
		b.WriteString(filepath.Base(path) + ":\n" + s.read(path) + "\n")
	}
	return b.String()
}

// The first deploy has nothing to go back to: it says so, leaves what it
// started for a look, and the next one goes on from there.
func TestFirstDeployThatFails(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	s := l.newStack(t, "first", map[string]string{"compose.yaml": small}, crashing...)
	s.edit("VALUE: one", "APP_EXIT: 3, APP_LINES: 3")
	u := s.refused("service app exited with 3", "line 3")
	if u.State != rinca.Failed || !strings.Contains(u.RolledBack, "no earlier good deploy") {
		t.Errorf("the update %s, rolled back: %q", u.State, u.RolledBack)
	}
	s.refused("service app exited with 3") // it is tried again, not taken for done
	s.edit("APP_EXIT: 3, APP_LINES: 3", "VALUE: two")
	s.deploy()
	if got := s.plan(); got != nil {
		t.Errorf("plan after it was mended: %v", got)
	}
}

// A commit that cannot be deployed at all touches nothing.
func TestBadCommit(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	s := l.newStack(t, "bad", map[string]string{"compose.yaml": small})
	s.deploy()
	before := s.containers()
	for text, says := range map[string]string{
		"services:\n  app:\n   image: [":                                    "compose.yaml",
		"services:\n  app:\n    imgae: IMAGE\n":                             "imgae",
		"services: {}\n":                                                    "service",
		"services:\n  app: {image: IMAGE, volumes: ['/etc:/host']}\n":       "/etc",
		"services:\n  app: {image: IMAGE, env_file: ../../../etc/passwd}\n": "outside",
	} {
		s.commit(map[string]string{"compose.yaml": text})
		u := s.refused(says)
		if u.RolledBack != "" {
			t.Errorf("%q: rolled back: %s", text, u.RolledBack)
		}
		if got := moved(before, s.containers()); got != nil {
			t.Errorf("%q moved %v", text, got)
		}
	}
}
