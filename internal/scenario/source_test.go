package scenario_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"rinca/internal/rinca"
)

// What a repository holds may be hostile, or huge: it is refused with one
// clear error, or deployed, and reaches nothing outside of the checkout.
func TestHostileSources(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	l.write("data/outside.yaml", "services: {stolen: {image: IMAGE}}\n")
	bomb := "a: &a [x, x, x, x, x, x, x, x, x]\n"
	for c := 'b'; c <= 'k'; c++ {
		bomb += strings.ReplaceAll("N: &N [*P, *P, *P, *P, *P, *P, *P, *P, *P]\n", "P", string(c-1))
		bomb = strings.ReplaceAll(bomb, "N", string(c))
	}
	for name, c := range map[string]struct {
		files map[string]string
		link  [2]string // of the stack's folder, to
		says  string
	}{
		"bomb":     {files: map[string]string{"compose.yaml": bomb + small}, says: "alias"},
		"link":     {link: [2]string{"compose.yaml", l.path("data/outside.yaml")}, says: "compose.yaml"},
		"envlink":  {files: map[string]string{"compose.yaml": app("env_file: [app.env]")}, link: [2]string{"app.env", "/etc/passwd"}, says: "app.env"},
		"mount":    {files: map[string]string{"compose.yaml": app("volumes: ['./etc:/host']")}, link: [2]string{"etc", "/etc"}, says: "etc"},
		"extends":  {files: map[string]string{"compose.yaml": "services: {app: {extends: {file: LAB/data/outside.yaml, service: stolen}}}"}, says: "outside"},
		"include":  {files: map[string]string{"compose.yaml": "include: [../../../../data/outside.yaml]\n" + small}, says: "outside"},
		"secret":   {files: map[string]string{"compose.yaml": app("secrets: [s]") + "secrets: {s: {file: /etc/shadow}}\n"}, says: "/etc/shadow"},
		"absolute": {files: map[string]string{"compose.yaml": app("env_file: [/etc/environment]")}, says: "/etc/environment"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := l.newStack(t, "hostile-"+name, map[string]string{"compose.yaml": small})
			if c.files != nil {
				s.commit(c.files)
			}
			if c.link[0] != "" {
				path := filepath.Join(s.work, "stack", c.link[0])
				_ = os.Remove(path)
				if err := os.Symlink(c.link[1], path); err != nil {
					t.Fatal(err)
				}
				s.commit(nil)
			}
			s.refused(c.says)
			if n := len(s.containers()); n != 0 {
				t.Errorf("it made %d containers", n)
			}
		})
	}
	large := l.newStack(t, "large", map[string]string{"compose.yaml": small + "x-padding: |\n" + strings.Repeat("  "+strings.Repeat("#", 78)+"\n", 5<<20/81)})
	large.deploy()
}

// Volumes outlive containers; a service that is asked for alone is deployed
// alone; batches heed the order and what failed.
func TestOperations(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	s := l.newStack(t, "kept", map[string]string{"compose.yaml": `
services:
  one: {image: IMAGE, stop_grace_period: 1s, environment: {V: a}, volumes: ["data:/data"]}
  two: {image: IMAGE, stop_grace_period: 1s, environment: {V: a}}
volumes: {data: {}}
`})
	s.deploy()
	before := s.containers()
	s.commit(map[string]string{"compose.yaml": strings.ReplaceAll(s.read(filepath.Join(s.work, "stack", "compose.yaml")), "V: a", "V: b")})
	s.deploy("--service", "two")
	if got := moved(before, s.containers()); !slices.Equal(got, []string{"two"}) {
		t.Errorf("a deploy of two moved %v", got)
	}
	if got := s.plan(); !slices.Equal(got, []string{"one recreate"}) {
		t.Errorf("plan after it: %v", got)
	}
	s.deploy()
	volume := "/volumes/" + s.project + "_data"
	s.must("stack", "stop", s.name)
	s.must("stack", "start", s.name)
	s.must("stack", "restart", s.name, "one")
	s.must("stack", "destroy", s.name, "--yes")
	if _, err := s.engineAnswer("GET", volume); err != nil {
		t.Errorf("destroy removed the volume: %v", err)
	}
	s.deploy()
	s.must("stack", "destroy", s.name, "--yes", "--volumes")
	if _, err := s.engineAnswer("GET", volume); err == nil {
		t.Error("destroy --volumes left the volume")
	}

	// Under another name of the project it is told that the old one stays.
	s.deploy()
	old := s.containers()
	s.must("stack", "set", s.name, "--project", s.project+"-new")
	if out := s.must("stack", "deploy", s.name); !strings.Contains(out, "docker compose -p "+s.project+" down") {
		t.Errorf("nothing is said of the old project:\n%s", out)
	}
	if got := moved(old, s.containers()); got != nil {
		t.Errorf("of the old project, %v moved", got)
	}
	renamed := &stack{lab: l, name: s.name, project: s.project + "-new"}
	t.Cleanup(renamed.remove)
	l.must("stack", "destroy", s.name, "--yes")

	bad := l.newStack(t, "bad", map[string]string{"compose.yaml": strings.Replace(small, "VALUE: one", "APP_EXIT: 3", 1)}, crashing...)
	after := l.newStack(t, "after", map[string]string{"compose.yaml": small}, "--after", "bad")
	free := l.newStack(t, "free", map[string]string{"compose.yaml": small})
	l.fails(1, []string{"after", "bad failed"}, "stack", "deploy", "--all")
	if len(after.containers()) != 0 || len(free.containers()) != 1 {
		t.Errorf("after has %d containers, free %d", len(after.containers()), len(free.containers()))
	}
	bad.commit(map[string]string{"compose.yaml": small})
	l.must("stack", "deploy", "--all")
	runs := free.containers()
	if out := l.must("stack", "deploy", "--all"); !strings.Contains(out, "unchanged") || moved(runs, free.containers()) != nil {
		t.Errorf("with nothing changed:\n%s", out)
	}
}

// Files that are kept with a stack, and those of a directory on the host, are
// rolled back too.
func TestRollbackOfOtherSources(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	good := strings.ReplaceAll(app("volumes: ['./app.conf:/etc/app.conf:ro']"), "IMAGE", l.image)
	bad := strings.Replace(good, "VALUE: one", "APP_EXIT: 3", 1)
	for name, flag := range map[string]string{"hosted": "--dir", "inlined": "--file"} {
		s := &stack{lab: l, name: name, project: name + "-" + l.id}
		t.Cleanup(s.remove)
		set := func(verb, text, conf string) {
			t.Helper()
			l.write(name+"/compose.yaml", text)
			l.write(name+"/app.conf", conf)
			args := []string{"stack", verb, name}
			if flag == "--dir" {
				args = append(args, "--dir", l.path(name))
			} else {
				args = append(args, "--file", l.path(name, "compose.yaml"), "--file", l.path(name, "app.conf"))
			}
			l.must(append(args, "--project", s.project, "--verify-settle", "3s")...)
		}
		set("create", good, "one")
		s.deploy()
		set("set", bad, "two")
		s.refused("exited with 3", "put back")
		if b := s.containers()["app"]; b.env("VALUE") != "one" || b.State.Status != "running" {
			t.Errorf("%s: app is %s with VALUE=%s", name, b.State.Status, b.env("VALUE"))
		}
		if flag == "--file" {
			if got := l.read(l.path("home", "stacks", name, "src", "app.conf")); got != "one" {
				t.Errorf("%s: app.conf is %q", name, got)
			}
		}
		set("set", strings.Replace(good, "one", "three", 1), "three")
		s.deploy()
		if got := s.plan(); got != nil {
			t.Errorf("%s: plan %v", name, got)
		}
	}
}

// A home without room: the error says so, the server lives, nothing is lost,
// and with room again everything works.
func TestDiskIsFull(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	l.server.stop(syscall.SIGTERM)
	// The home moves to a small disk.
	if err := os.Rename(l.path("home"), l.path("home.before")); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(l.path("home"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Mount("rinca-small", l.path("home"), "tmpfs", 0, "size=24m,mode=0700"); err != nil {
		t.Skipf("no small disk: %v", err)
	}
	t.Cleanup(func() { _ = syscall.Unmount(l.path("home"), syscall.MNT_DETACH) })
	if err := os.CopyFS(l.path("home"), os.DirFS(l.path("home.before"))); err != nil {
		t.Fatal(err)
	}
	if err := filepath.Walk(l.path("home"), func(path string, info os.FileInfo, err error) error {
		if err == nil && !info.IsDir() {
			err = os.Chmod(path, 0o600)
		}
		return err
	}); err != nil {
		t.Fatal(err)
	}
	l.restart()
	s := l.newStack(t, "full", map[string]string{"compose.yaml": small})
	s.deploy()
	before := s.containers()

	filler, err := os.Create(l.path("home", "filler"))
	if err != nil {
		t.Fatal(err)
	}
	block := make([]byte, 4096)
	for err == nil {
		_, err = filler.Write(block)
	}
	filler.Close()
	s.commit(map[string]string{"compose.yaml": strings.Replace(small, "one", "two", 1), "large": strings.Repeat("x", 1<<20)})
	r := s.rinca("stack", "deploy", s.name)
	if r.code == 0 || !strings.Contains(r.err, "full") && !strings.Contains(r.err, "no space") {
		t.Errorf("on a full disk: %s", r)
	}
	if got := moved(before, s.containers()); got != nil {
		t.Errorf("on a full disk it moved %v", got)
	}
	if status := l.api("GET", "/healthz", nil, nil); status != 200 {
		t.Errorf("the server answers %d", status)
	}
	if err := os.Remove(l.path("home", "filler")); err != nil {
		t.Fatal(err)
	}
	s.deploy()
	if got := s.containers()["app"].env("VALUE"); got != "two" {
		t.Errorf("with room again VALUE is %s", got)
	}
	for _, u := range historyOf(l, s.name) {
		if !u.State.Final() {
			t.Errorf("an update stays %s", u.State)
		}
	}
	if u := s.last(); u.State != rinca.Succeeded {
		t.Errorf("the last update %s", u.State)
	}
}
