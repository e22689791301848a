package scenario_test

import (
	"strings"
	"testing"

	"rinca/internal/rinca"
)

// Stacks are deployed as soon as those that they come after are verified, and
// not while one of them is not well: in one go, and each by itself.
func TestOrder(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	healthy := app("healthcheck: {test: [CMD, /bin/app, health], interval: 200ms, retries: 3}")
	broken := strings.Replace(healthy, "{VALUE: one}", "{VALUE: one, APP_HEALTH: bad}", 1)
	db := l.newStack(t, "db", map[string]string{"compose.yaml": broken}, "--verify-timeout", "15s")
	web := l.newStack(t, "web", map[string]string{"compose.yaml": small}, "--after", "db")
	ui := l.newStack(t, "ui", map[string]string{"compose.yaml": small}, "--after", "web")
	alone := l.newStack(t, "alone", map[string]string{"compose.yaml": small})

	// A single deploy touches nothing while a dependency was never verified.
	u := web.refused("comes after db, which has not been deployed yet", "--with-dependencies")
	if len(u.Stages) != 1 || u.Stages[0].Name != "Dependencies" || len(web.containers()) != 0 {
		t.Errorf("it went as far as %v", u.Stages)
	}
	// Of all of them, what comes after the one that fails says so itself.
	l.fails(1, []string{"3 of 4 stacks failed: db, ui, web", "ui: ✗ not deployed: it comes after web, and db failed"}, "stack", "deploy", "--all")
	for s, says := range map[*stack]string{web: "not deployed, because db failed", ui: "not deployed: it comes after web, and db failed"} {
		u := s.last()
		if u.State != rinca.CanceledRun || u.Error == nil || u.Error.Message != says || len(s.containers()) != 0 {
			t.Errorf("%s: %s, %+v", s.name, u.State, u.Error)
		}
	}
	if u := alone.last(); u.State != rinca.Succeeded {
		t.Errorf("what is independent %s", u.State)
	}
	// Mended, and from the top: each begins when the one before it is verified.
	db.commit(map[string]string{"compose.yaml": healthy})
	ui.must("stack", "deploy", "ui", "--with-dependencies")
	first, second, third := db.last(), web.last(), ui.last()
	for _, u := range []rinca.Update{first, second, third} {
		if u.State != rinca.Succeeded {
			t.Fatalf("%s %s: %+v", u.Target, u.State, u.Error)
		}
	}
	if second.StartedAt.Before(first.EndedAt) || third.StartedAt.Before(second.EndedAt) {
		t.Errorf("db ended %s, web began %s and ended %s, ui began %s", first.EndedAt, second.StartedAt, second.EndedAt, third.StartedAt)
	}
	// By hand, all at once, the wrong way round: they wait for one another.
	third, second, first = l.submit("DeployStack", map[string]any{"stack": "db", "force": true}), l.submit("DeployStack", map[string]any{"stack": "web", "force": true}), l.submit("DeployStack", map[string]any{"stack": "ui", "force": true})
	a, b, c := l.ended(third.ID), l.ended(second.ID), l.ended(first.ID)
	if b.StartedAt.Before(a.EndedAt) || c.StartedAt.Before(b.EndedAt) || c.State != rinca.Succeeded {
		t.Errorf("db ended %s, web began %s and ended %s, ui began %s and %s", a.EndedAt, b.StartedAt, b.EndedAt, c.StartedAt, c.State)
	}
	// One of them fails, and is well again as it was before: what was to be
	// deployed after it is not.
	db.commit(map[string]string{"compose.yaml": strings.Replace(healthy, "{VALUE: one}", `{VALUE: one, APP_EXIT: "3"}`, 1)})
	running := web.containers()["app"].ID
	l.fails(1, []string{"✗ web: not deployed, because db failed"}, "stack", "deploy", "ui", "web", "db", "--force")
	if web.containers()["app"].ID != running || db.last().State != rinca.Failed || ui.last().State != rinca.Failed {
		t.Errorf("web was deployed although db %s; ui %s", db.last().State, ui.last().State)
	}
	db.commit(map[string]string{"compose.yaml": healthy})
	// A dependency that is not well any more.
	l.must("stack", "stop", "db")
	web.refused("comes after db, which is stopped")
	web.must("stack", "deploy", "web", "--ignore-dependencies")
	// What comes after it, after it.
	db.edit("VALUE: one", "VALUE: two")
	before := ui.last().ID
	l.must("stack", "deploy", "db", "--with-dependents")
	if u := ui.last(); u.ID != before || db.last().State != rinca.Succeeded {
		t.Errorf("ui, of which nothing differs, was deployed; db %s", db.last().State)
	}
	// A server that is killed goes on with all of them when it starts again.
	u = l.submit("BatchDeployStack", map[string]any{"pattern": "db,web,ui", "force": true})
	l.wait("the second stack", func() bool {
		var list []rinca.Update
		l.api("GET", "/v1/updates?parent="+u.ID, nil, &list)
		return len(list) == 2
	})
	l.crash()
	l.restart()
	if u = l.ended(u.ID); u.State != rinca.Succeeded || !strings.HasPrefix(u.Summary, "3 deployed") {
		t.Errorf("after a kill it %s: %s %+v", u.State, u.Summary, u.Error)
	}
	if len(u.Stages) != 1 || u.Stages[0].Name != "Secrets" {
		t.Errorf("after a kill its stages are %+v", u.Stages)
	}
	for _, s := range []*stack{db, web, ui} {
		if u := s.last(); u.State != rinca.Succeeded {
			t.Errorf("after a kill %s %s", s.name, u.State)
		}
	}

	// So does a stage of a procedure: what comes after the one that was cut off
	// waits until that has been begun again.
	force := func(name string) string {
		return `{"execution":{"type":"DeployStack","params":{"stack":"` + name + `","force":true}}}`
	}
	l.procedure("both", `[{"name":"both","executions":[`+force("db")+`,`+force("web")+`]}]`)
	u = l.submit("RunProcedure", map[string]any{"procedure": "both"})
	l.wait("the deploy of db", func() bool { return db.last().State == rinca.Running })
	l.crash()
	l.restart()
	if u = l.ended(u.ID); u.State != rinca.Succeeded {
		t.Errorf("after a kill of a procedure it %s: %s %+v", u.State, u.Summary, u.Error)
	}

	// A service once, beside what runs.
	out := l.must("execute", "RunStackService", "--param", "stack=db", "--param", "service=app", "--param", `command=["print"]`, "--param", `env={"RUN":"once"}`)
	if !strings.Contains(out, "app ended with status 0") || !strings.Contains(out, `env "RUN=once"`) || !strings.Contains(out, `env "VALUE=two"`) {
		t.Errorf("it says\n%s", out)
	}
	l.fails(1, []string{"service app ended with status 3"}, "execute", "RunStackService", "--param", "stack=db", "--param", "service=app", "--param", `env={"APP_EXIT":"3"}`)
	if n := len(db.containers()); n != 1 {
		t.Errorf("%d containers", n)
	}
}
