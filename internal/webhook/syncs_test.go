package webhook

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"rinca/internal/rinca"
	"rinca/internal/store"
)

// later returns a delivery when nothing of it waits any more.
func (w *world) later(id string) rinca.Delivery {
	w.Helper()
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(5 * time.Millisecond) {
		d, err := w.l.Delivery(w.Context(), id)
		w.must(err)
		if d.Waits == "" {
			return d
		}
		if time.Now().After(deadline) {
			w.Fatalf("it still waits: %+v", d)
		}
	}
}

// end ends what a delivery has started, in a state and after some stages.
func (w *world) end(id string, state rinca.UpdateState, stages ...rinca.Stage) {
	w.Helper()
	u, err := w.db.Update(w.Context(), id)
	w.must(err)
	u.State, u.EndedAt, u.Stages = state, w.clock.now(), stages
	w.must(w.db.SaveUpdate(w.Context(), u))
}

// A push that changes definitions and files: the sync goes first, and stacks
// are deployed as it has defined them, in one go, also those that are forced.
// A server that is killed meanwhile goes on with it.
func TestSyncGoesFirst(t *testing.T) {
	w := newWorld(t)
	w.global(theSecret)
	w.stack("db", "stacks/db")
	w.stack("web", "stacks/web", func(s *rinca.Stack) { s.After, s.Webhook.Force = []string{"db"}, true })
	_, err := w.db.PutSync(t.Context(), rinca.ResourceSync{Name: "all", Source: rinca.Source{Kind: rinca.SourceGit, Repo: repoURL}, Paths: []string{"resources"}}, store.Upsert)
	w.must(err)
	push := func(id string) reply {
		return w.github(wholeRepo, "push", id, pushed("main", "resources/a.toml", "stacks/db/x", "stacks/web/x", "stacks/new/x"))
	}
	r := push("1")
	r.started(t, "RunSync all")
	if r.Waits != "the rest is started when the resource sync all has ended" {
		t.Errorf("%s", r.raw)
	}
	w.l.cancel() // killed
	w.start()
	w.l.recover(t.Context())
	w.stack("new", "stacks/new") // what the sync does
	w.end(r.Started[0].Update, rinca.Succeeded)
	d := w.later(r.Delivery)
	if len(d.Started) != 2 {
		t.Fatalf("%+v", d)
	}
	u, err := w.db.Update(t.Context(), d.Started[1].Update)
	w.must(err)
	if u.Execution.Kind != "BatchDeployStackIfChanged" || string(u.Execution.Params) != `{"forced":["web"],"pattern":"db,new,web"}` {
		t.Errorf("%s %s", u.Execution.Kind, u.Execution.Params)
	}
	w.finish()

	// One that fails before it has applied anything: the stacks are not what
	// the push means, and are left. Delivered again, they are deployed.
	r = push("2")
	r.started(t, "RunSync all")
	w.end(r.Started[0].Update, rinca.Failed, rinca.Stage{Name: "Plan", State: rinca.Failed})
	d = w.later(r.Delivery)
	if len(d.Started) != 1 || !strings.Contains(d.Note, "the resource sync all failed") || !strings.Contains(d.Note, r.Started[0].Update) {
		t.Errorf("%+v", d)
	}
	again, err := w.l.Redeliver(t.Context(), r.Delivery, "bob")
	w.must(err)
	// One that has applied, and of which a deploy failed, keeps nobody.
	w.end(again.Started[0].Update, rinca.Failed, rinca.Stage{Name: "Apply", State: rinca.Succeeded}, rinca.Stage{Name: "Deploy", State: rinca.Failed})
	if d = w.later(again.ID); len(d.Started) != 2 || d.Note != "" {
		t.Errorf("%+v", d)
	}
}

// A push to a repo starts what is linked to it: its syncs, then its stacks.
func TestRepoStartsItsSyncs(t *testing.T) {
	w := newWorld(t)
	w.global(theSecret)
	_, err := w.db.PutRepo(t.Context(), rinca.Repo{Name: "infra", Source: rinca.Source{Kind: rinca.SourceGit, Repo: repoURL, Branch: "main"}}, store.Upsert)
	w.must(err)
	linked := rinca.Source{Kind: rinca.SourceGit, Linked: "infra"}
	w.stack("db", "stacks/db", func(s *rinca.Stack) { s.Source, s.Source.Path = linked, "stacks/db" })
	for name, off := range map[string]bool{"all": false, "by-hand": true} {
		s := rinca.ResourceSync{Name: name, Source: linked, Paths: []string{"resources"}}
		s.Webhook.Disabled = off
		_, err := w.db.PutSync(t.Context(), s, store.Upsert)
		w.must(err)
	}
	r := w.github("/listener/github/repo/infra/pull", "push", "1", pushed("main", "resources/a.toml", "stacks/db/x"))
	r.started(t, "RunSync all")
	w.end(r.Started[0].Update, rinca.Succeeded)
	if d := w.later(r.Delivery); len(d.Started) != 2 || d.Started[1].Target.Name != "db" {
		t.Errorf("%+v", d)
	}
	w.finish()
	r = w.github("/listener/github/repo/infra/pull", "push", "2", pushed("main", "stacks/db/x"))
	r.started(t, "DeployStackIfChanged db")
}

// A restart gives what starts itself no new turns.
func TestStartsAreCountedAcrossRestarts(t *testing.T) {
	w := newWorld(t)
	w.global(theSecret)
	w.procedure(rinca.Procedure{Name: "loop", Stages: []rinca.ProcedureStage{{Name: "s", Executions: []rinca.StageExecution{{Execution: execution("DeployStack", map[string]any{"stack": "x"})}}}}})
	send := func(i int) reply {
		return w.github("/listener/github/procedure/loop/__ANY__", "push", fmt.Sprint(i), payload(nil))
	}
	for i := range sameMost {
		send(i).started(t, "RunProcedure loop")
		w.finish()
		if i%7 == 0 {
			w.l.cancel()
			w.start()
			w.l.recover(t.Context())
		}
	}
	send(sameMost).ignores(t, "the same push started it 20 times")
}
