package scenario_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"rinca/internal/rinca"
)

// synced is three stacks of one linked repo, as a resource sync of the same repo
// defines them.
const synced = `
[[variable]]
name = "EDITION"
value = "TURN"

[[variable]]
name = "PASS"
is_secret = true

[[stack]]
name = "db"
deploy = true
[stack.config]
linked_repo = "infra"
run_directory = "stack/db"
project_name = "db-LAB"
secrets.skip = true
environment = """
PASS=[[PASS]]
"""

[[stack]]
name = "web"
deploy = true
after = ["db"]
[stack.config]
linked_repo = "infra"
run_directory = "stack/web"
project_name = "web-LAB"
secrets.skip = true
environment = """
EDITION=[[EDITION]]
"""

[[stack]]
name = "ui"
[stack.config]
linked_repo = "infra"
run_directory = "stack/ui"
project_name = "ui-LAB"
secrets.skip = true
environment = """
EDITION=TURN
"""
`

// A sync deploys what changed and has deploy = true, in order, whatever it was
// that changed: a definition, a file, a variable, a secret. Killed at any
// moment, it is applied whole or not at all, goes on, and lists each stage once.
func TestSyncDeploys(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	l.variable("PASS", "first secret", "--secret")
	service := func(env string) string { return strings.Replace(small, "one", env, 1) }
	s := l.newStack(t, "placeholder", map[string]string{
		"db/compose.yaml": service(`"${PASS}"`), "web/compose.yaml": service(`"${EDITION}"`), "ui/compose.yaml": service(`"${EDITION}"`), "resources.toml": l.definitions("one"),
	})
	l.must("stack", "delete", "placeholder", "--yes")
	l.must("repo", "set", "infra", "--repo", "file://"+s.work, "--branch", "main")
	l.must("sync", "set", "all", "--linked", "infra", "--path", "stack/resources.toml", "--variables")
	db := &stack{lab: s.lab, name: "db", project: "db-" + l.id, work: s.work}
	web := &stack{lab: s.lab, name: "web", project: "web-" + l.id, work: s.work}
	t.Cleanup(db.remove)
	ui := &stack{lab: s.lab, name: "ui", project: "ui-" + l.id, work: s.work}
	t.Cleanup(web.remove)
	t.Cleanup(ui.remove)
	holds := func(what, pass, edition string) {
		t.Helper()
		a, b := db.containers()["app"].env("VALUE"), web.containers()["app"].env("VALUE")
		if a != pass || b != edition {
			t.Errorf("%s: db has %q, web has %q", what, a, b)
		}
	}
	l.must("sync", "run", "all")
	holds("at first", "first secret", "one")
	if a, b := db.last(), web.last(); b.StartedAt.Before(a.EndedAt) {
		t.Errorf("db ended %s, and web, which comes after it, began %s", a.EndedAt, b.StartedAt)
	}
	was, now := db.containers(), web.containers()
	l.must("sync", "run", "all")
	if n := len(moved(was, db.containers())) + len(moved(now, web.containers())); n > 0 {
		t.Errorf("nothing changed, and %d containers did", n)
	}
	l.variable("PASS", "second secret", "--secret")
	l.must("sync", "run", "all")
	holds("after another secret", "second secret", "one")
	if n := moved(now, web.containers()); len(n) > 0 {
		t.Error("web, which does not use the secret, was deployed again")
	}
	for turn := range 3 {
		edition := fmt.Sprintf("turn-%d", turn)
		l.variable("PASS", "of "+edition, "--secret")
		s.commit(map[string]string{"resources.toml": l.definitions(edition)})
		u := l.submit("RunSync", map[string]any{"sync": "all"})
		time.Sleep(time.Duration(rand.Int64N(int64(2500 * time.Millisecond))))
		l.crash()
		l.restart()
		u = l.ended(u.ID)
		if u.State != rinca.Succeeded {
			t.Fatalf("%s: it %s: %+v", edition, u.State, u.Error)
		}
		seen := map[string]int{}
		for _, st := range u.Stages {
			seen[st.Name]++
		}
		if len(seen) != 4 || len(u.Stages) != 4 {
			t.Errorf("%s: its stages are %+v", edition, u.Stages)
		}
		done := map[string]int{}
		for _, batch := range l.childrenOf(u.ID) {
			for _, c := range l.childrenOf(batch.ID) {
				if c.State == rinca.Succeeded {
					done[c.Target.Name]++
				}
			}
		}
		if done["db"] > 1 || done["web"] > 1 {
			t.Errorf("%s: deployed %v times", edition, done)
		}
		holds(edition, "of "+edition, edition)
	}
	ui.pushed()
	l.says("repo show infra", s.work)
	l.says("stack show web", "repo infra stack/web")
	l.must("stack", "set", "web", "--repo", "file://"+s.work, "--branch", "main")
	l.says("stack show web", "file://"+s.work+"@main stack/web")
	l.must("stack", "set", "web", "--linked", "infra")
	l.must("sync", "plan", "--sync", "all") // it is as the files say again
	l.fails(1, []string{"takes its files from the repo"}, "repo", "delete", "infra", "--yes")
}

// definitions are what the sync's file says in a turn.
func (l *lab) definitions(edition string) string {
	return strings.NewReplacer("TURN", edition, "LAB", l.id).Replace(synced)
}

// pushed pushes what defines the stack and what it is made of, at once: the
// sync goes first, and the stack is deployed as that has defined it.
func (s *stack) pushed() {
	s.t.Helper()
	before := s.git("rev-parse", "HEAD")
	after := s.commit(map[string]string{"resources.toml": s.definitions("pushed"), "ui/conf": "new"})
	secret := strings.TrimSpace(s.must("webhook", "secret", "set", "--global", "--generate", "-q"))
	fields := commits(before, after, "stack/resources.toml", "stack/ui/conf")
	fields["repository"] = map[string]any{"full_name": "lab/infra", "clone_url": "file://" + s.work, "default_branch": "main"}
	h, err := s.push(s.server.url+"/listener/github", secret, "1", fields)
	if err != nil || len(h.Started) != 1 || h.Started[0].Execution != "RunSync" {
		s.t.Fatalf("%+v, %v", h, err)
	}
	var d rinca.Delivery
	s.wait("the deploy after the sync", func() bool {
		s.api("GET", "/v1/deliveries/"+h.Delivery, nil, &d)
		return len(d.Started) == 2
	})
	u := s.ended(d.Started[1].Update)
	if first := s.update(h.Started[0].Update); u.State != rinca.Succeeded || u.StartedAt.Before(first.EndedAt) {
		s.t.Errorf("the sync ended %s; the deploy began %s and %s", first.EndedAt, u.StartedAt, u.State)
	}
	if got := s.containers()["app"].env("VALUE"); got != "pushed" {
		s.t.Errorf("ui has %q", got)
	}
}
