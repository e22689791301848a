package alert

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"rinca/internal/rinca"
	"rinca/internal/store"
)

// ends makes an update that ended, with its lines, as the runner does.
func (w *world) ends(u rinca.Update, lines ...rinca.Line) rinca.Update {
	w.Helper()
	before := w.Hub.Last()
	final := u.State
	u.State = ""
	made, _, err := w.DB.Enqueue(w.Context(), u, "")
	if err != nil {
		w.Fatal(err)
	}
	made.State, made.Error, made.Stages, made.EndedAt, made.Summary = final, u.Error, u.Stages, w.time().UTC(), u.Summary
	event := func(typ string, v any) rinca.Event {
		data, err := json.Marshal(v)
		if err != nil {
			w.Fatal(err)
		}
		return rinca.Event{Type: typ, Update: made.ID, Target: made.Target, Data: data}
	}
	running := made
	running.State = rinca.Running
	w.Hub.Begin(before, event("update", running))
	for _, l := range lines {
		w.Hub.Publish(event("line", l))
	}
	if err := w.DB.SaveUpdate(w.Context(), made); err != nil {
		w.Fatal(err)
	}
	w.Hub.Publish(event("update", made))
	return made
}

func deployOf(stack string, state rinca.UpdateState) rinca.Update {
	u := rinca.Update{
		Execution: rinca.Execution{Kind: "DeployStack", Params: json.RawMessage(`{"stack":"` + stack + `"}`)},
		Target:    rinca.Target{Kind: rinca.KindStack, Name: stack}, Operator: "alice", State: state,
	}
	if state == rinca.Failed {
		u.Stages = []rinca.Stage{{Name: "Apply", State: rinca.Succeeded}, {Name: "Verify", State: rinca.Failed}, {Name: "Rollback", State: rinca.Succeeded}}
		u.Error = &rinca.UpdateError{Code: rinca.Unavailable, Message: "service app exited with 1", Hint: "rinca stack logs " + stack + " app"}
	}
	return u
}

// openAlerts are types and names of what is open, sorted.
func (w *world) openAlerts() []string {
	w.Helper()
	open, err := w.List(w.Context(), Filter{Open: true})
	if err != nil {
		w.Fatal(err)
	}
	out := []string{}
	for i := range open {
		out = append(out, open[i].Type+" "+open[i].Target.Name)
	}
	slices.Sort(out)
	return out
}

func (w *world) waitOpen(want ...string) {
	w.Helper()
	var got []string
	for end := time.Now().Add(10 * time.Second); time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
		if got = w.openAlerts(); slices.Equal(got, want) {
			return
		}
	}
	w.Fatalf("open: %q, and not %q", got, want)
}

// caughtUp waits until every event was looked at.
func (w *world) caughtUp(f *follower) {
	w.Helper()
	if _, err := f.pass(w.Context()); err != nil {
		w.Fatal(err)
	}
}

func TestFailedDeployIsTold(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.start()
	var lines []rinca.Line
	for i := range 700 {
		lines = append(lines, rinca.Line{Stage: "Verify", Service: "app", Stream: "out", Text: fmt.Sprintf("line %d", i)})
	}
	lines = append(lines, rinca.Line{Stage: "Verify", Service: "app", Text: "Container app-1 is up"}, rinca.Line{Stage: "Rollback", Service: "app", Stream: "out", Text: "from the old one"})
	u := w.ends(deployOf("web", rinca.Failed), lines...)
	w.waitOpen("StackDeployFailed web")
	open, _ := w.List(t.Context(), Filter{Open: true})
	x := open[0]
	if x.Level != rinca.AlertCritical || x.Message != "service app exited with 1" || x.Hint != "rinca stack logs web app" || x.Update != u.ID ||
		len(x.Lines) != shownLines || x.Lines[0] != "app | line 680" || x.Lines[19] != "app | line 699" {
		t.Errorf("%+v", x)
	}
	w.ends(deployOf("db", rinca.Failed))
	w.waitOpen("StackDeployFailed db", "StackDeployFailed web")
	w.ends(deployOf("web", rinca.Succeeded))
	w.waitOpen("StackDeployFailed db")
	w.ends(rinca.Update{Execution: rinca.Execution{Kind: "DestroyStack"}, Target: rinca.Target{Kind: rinca.KindStack, Name: "db"}, Operator: "a", State: rinca.Succeeded})
	w.waitOpen()
}

// What failed while nobody looked is told at the next start, and once.
func TestFollowerGoesOnAfterARestart(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	stop := w.start()
	w.ends(deployOf("a", rinca.Failed))
	w.waitOpen("StackDeployFailed a")
	stop()
	w.ends(deployOf("b", rinca.Failed))
	w.ends(deployOf("a", rinca.Succeeded))
	w = w.restart()
	stop = w.start()
	w.waitOpen("StackDeployFailed b")
	stop()
	// As if the server had been killed before it noted where it was.
	if err := store.PutSettingJSON(t.Context(), w.DB, positionName, int64(1)); err != nil {
		t.Fatal(err)
	}
	w = w.restart()
	w.start()
	eventually(t, "the events again", func() bool {
		at, err := store.SettingJSON[int64](t.Context(), w.DB, positionName)
		return err == nil && at > 1
	})
	w.waitOpen("StackDeployFailed b")
	if open, _ := w.List(t.Context(), Filter{Open: true}); open[0].Count != 1 {
		t.Errorf("one failure counts as %d", open[0].Count)
	}
}

func TestWhatRaisesAndWhatDoesNot(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ctx := t.Context()
	for _, p := range []rinca.Procedure{{Name: "loud", ScheduleAlert: true}, {Name: "quiet", QuietFailure: true}} {
		if _, err := w.DB.PutProcedure(ctx, p, store.Upsert); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := w.DB.PutSync(ctx, rinca.ResourceSync{Name: "main"}, store.Upsert); err != nil {
		t.Fatal(err)
	}
	of := func(kind string, target rinca.Target, state rinca.UpdateState, params string) rinca.Update {
		return rinca.Update{Execution: rinca.Execution{Kind: kind, Params: json.RawMessage(params)}, Target: target, State: state, Operator: "alice"}
	}
	procedure := func(name string) rinca.Target { return rinca.Target{Kind: rinca.KindProcedure, Name: name} }
	all := rinca.Target{Kind: rinca.KindStack, Name: "*"}
	sync := rinca.Target{Kind: rinca.KindSync, Name: "main"}
	w.start()
	w.ends(deployOf("a", rinca.CanceledRun))
	w.ends(deployOf("a", rinca.Interrupted))
	rotation := w.ends(of("RotateSecrets", rinca.Target{Kind: rinca.KindStack, Name: "*"}, rinca.Failed, `{}`))
	child := deployOf("a", rinca.Failed)
	child.Parent = w.ends(rinca.Update{Execution: rinca.Execution{Kind: "Something"}, Target: all, Operator: "a", Parent: rotation.ID, State: rinca.Failed}).ID
	w.ends(child)
	w.ends(of("StopStack", rinca.Target{Kind: rinca.KindStack, Name: "a"}, rinca.Failed, `{}`))
	w.ends(of("RunProcedure", procedure("quiet"), rinca.Failed, `{}`))
	w.ends(of("ExportSecrets", all, rinca.Failed, `{}`))
	w.ends(of("ExportSecrets", rinca.Target{Kind: rinca.KindStack, Name: "b"}, rinca.Failed, `{"stack":"b"}`))
	w.ends(of("RunProcedure", procedure("loud"), rinca.Failed, `{}`))
	w.ends(of("RunSync", sync, rinca.Failed, `{}`))
	w.waitOpen("ExportFailed *", "ExportFailed b", "ProcedureFailed loud", "ResourceSyncFailed main")
	w.ends(of("RunSync", sync, rinca.Succeeded, `{}`))
	scheduled := of("RunProcedure", procedure("loud"), rinca.Succeeded, `{}`)
	scheduled.Trigger, scheduled.Summary = "schedule", "3 stacks exported"
	w.ends(scheduled)
	w.ends(of("ExportSecrets", all, rinca.Succeeded, `{"stacks":["a"]}`))
	w.waitOpen("ExportFailed b")
	w.ends(of("ExportSecrets", all, rinca.Succeeded, `{}`))
	w.waitOpen()
	list, err := w.List(ctx, Filter{Type: rinca.AlertScheduleRun})
	if err != nil || len(list) != 1 || !list[0].Once || !strings.HasSuffix(list[0].Message, "3 stacks exported") {
		t.Errorf("scheduled runs: %+v, %v", list, err)
	}
	if err := w.DB.DeleteStack(ctx, "a"); err != nil {
		t.Fatal(err)
	}
}

// A server that is away for a moment is nobody's trouble.
func TestUnreachableServer(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	f := &follower{Alerts: w.Alerts, after: w.Hub.Last(), down: map[string]rinca.ServerState{}}
	state := func(up bool) {
		data, _ := json.Marshal(rinca.ServerState{Reachable: up, Since: w.time(), Error: "connection refused"})
		w.Hub.Publish(rinca.Event{Type: "server", Target: rinca.Target{Kind: rinca.KindServer, Name: rinca.LocalServer}, Data: data})
		w.caughtUp(f)
		f.look(t.Context())
	}
	state(false)
	w.pass(30 * time.Second)
	state(true)
	w.pass(time.Hour)
	state(false)
	w.pass(59 * time.Second)
	f.look(t.Context())
	w.waitOpen()
	w.pass(2 * time.Second)
	f.look(t.Context())
	w.waitOpen("ServerUnreachable local")
	w.pass(time.Hour)
	f.look(t.Context())
	state(true)
	w.waitOpen()
	if all, _ := w.List(t.Context(), Filter{}); len(all) != 1 || all[0].Count != 1 {
		t.Errorf("%+v", all)
	}
}

// An alert about what was deleted does not stay open.
func TestAlertOfWhatIsGoneIsResolved(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.raise(failedDeploy("a", "m"))
	w.raise(failedDeploy("b", "m"))
	if err := w.DB.DeleteStack(t.Context(), "a"); err != nil {
		t.Fatal(err)
	}
	if err := w.tidy(t.Context()); err != nil {
		t.Fatal(err)
	}
	w.waitOpen("StackDeployFailed b")
}

func TestOldAlertsAreRemovedAndOpenOnesStay(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.raise(failedDeploy("a", "stays open"))
	x := failedDeploy("b", "is over")
	w.raise(x)
	w.resolved(x.DedupeKey())
	w.pass(keepAlertsFor + time.Hour)
	w.prune(t.Context())
	all, err := w.List(t.Context(), Filter{})
	if err != nil || len(all) != 1 || all[0].Message != "stays open" {
		t.Errorf("%+v, %v", all, err)
	}
}
