package run

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"rinca/internal/deploy"
	"rinca/internal/event"
	"rinca/internal/redact"
	"rinca/internal/rinca"
	"rinca/internal/seal"
	"rinca/internal/store"
)

// A world is a runner on a database, without stacks. The kind Backup does what
// its function does.
type world struct {
	t  *testing.T
	db *store.DB
	*Runner

	mu    sync.Mutex
	calls map[string]int // of Backup, by the folder
	stop  func()
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{t: t, calls: map[string]int{}}
	dir := t.TempDir()
	var err error
	if w.db, err = store.Open(t.Context(), store.Config{Dir: dir, Keys: seal.Source{Path: dir + "/rinca.key"}}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { w.db.Close() })
	w.boot()
	return w
}

// boot starts a runner, as a new server would.
func (w *world) boot() {
	w.t.Helper()
	log := slog.New(slog.DiscardHandler)
	hub, err := event.New(w.t.Context(), w.db, log)
	if err != nil {
		w.t.Fatal(err)
	}
	w.Runner = &Runner{
		DB: w.db, Hub: hub, Known: &redact.Known{}, Now: time.Now, Log: log, Grace: 50 * time.Millisecond,
		Deploy: &deploy.Deployer{DB: w.db}, BackupDir: w.t.TempDir(), Backup: w.backup,
	}
	w.init()
	ctx, cancel := context.WithCancel(w.t.Context())
	done := make(chan error, 1)
	go func(r *Runner) { done <- r.Run(ctx) }(w.Runner)
	w.stop = sync.OnceFunc(func() {
		cancel()
		if err := <-done; err != nil {
			w.t.Errorf("run: %v", err)
		}
		hub.Close()
	})
	w.t.Cleanup(w.stop)
}

// backup fails as often as the name of the folder says: ".../fail-2".
func (w *world) backup(ctx context.Context, path string) error {
	dir := path[:strings.LastIndexByte(path, '/')]
	name := dir[strings.LastIndexByte(dir, '/')+1:]
	w.mu.Lock()
	w.calls[name]++
	n := w.calls[name]
	w.mu.Unlock()
	var fails int
	if _, err := fmt.Sscanf(name, "fail-%d", &fails); err == nil && n <= fails {
		return rinca.Errorf(rinca.Destination, "no room for backup %d", n)
	}
	if name == "slow" {
		return sleep(ctx, time.Minute)
	}
	return nil
}

func (w *world) called(name string) int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.calls[name]
}

func params(v any) json.RawMessage {
	data, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return data
}

// does is an execution that calls backup.
func (w *world) does(name string) rinca.StageExecution {
	return rinca.StageExecution{Execution: rinca.Execution{Kind: "Backup", Params: params(BackupParams{Dir: w.BackupDir + "/" + name})}, RetryDelay: 1}
}

func sleeps(d time.Duration) rinca.StageExecution {
	return rinca.StageExecution{Execution: rinca.Execution{Kind: "Sleep", Params: params(SleepParams{Duration: rinca.Duration(d)})}}
}

func stage(e ...rinca.StageExecution) rinca.ProcedureStage {
	return rinca.ProcedureStage{Executions: e}
}

func (w *world) put(p rinca.Procedure) {
	w.t.Helper()
	if err := p.Check(); err != nil {
		w.t.Fatal(err)
	}
	if _, err := w.db.PutProcedure(w.t.Context(), p, store.Upsert); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) begin(procedure string, values map[string]string) rinca.Update {
	w.t.Helper()
	u, err := w.Submit(w.t.Context(), rinca.Submission{
		Execution: rinca.Execution{Kind: "RunProcedure", Params: params(ProcedureParams{procedure, values})},
		Operator:  "ann", Trigger: "schedule", Cause: "the schedule of " + procedure,
	})
	if err != nil {
		w.t.Fatal(err)
	}
	return u
}

// ended waits until an update has ended.
func (w *world) ended(id string) rinca.Update {
	w.t.Helper()
	for deadline := time.Now().Add(20 * time.Second); time.Now().Before(deadline); time.Sleep(2 * time.Millisecond) {
		u, err := w.db.Update(w.t.Context(), id)
		if err != nil {
			w.t.Fatal(err)
		}
		if u.State.Final() {
			return u
		}
	}
	w.t.Fatalf("update %s does not end", id)
	return rinca.Update{}
}

func (w *world) children(id string) []rinca.Update {
	w.t.Helper()
	list, err := w.db.Updates(w.t.Context(), store.UpdateFilter{Parent: id, Limit: 1000})
	if err != nil {
		w.t.Fatal(err)
	}
	return list
}

func states(u rinca.Update) string {
	var out []string
	for _, s := range u.Stages {
		out = append(out, s.Name+" "+string(s.State))
	}
	return strings.Join(out, ", ")
}

func TestProcedure(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	bad := func(n int) rinca.StageExecution { return w.does(fmt.Sprintf("fail-%d", n)) }
	withRetries := func(e rinca.StageExecution, n int) rinca.StageExecution { e.Retries = n; return e }
	within := func(e rinca.StageExecution, d time.Duration) rinca.StageExecution {
		e.Timeout = rinca.Duration(d)
		return e
	}
	disabled := w.does("never")
	disabled.Disabled = true
	off := stage(w.does("never"))
	off.Disabled, off.Name = true, "Off"
	goOn := stage(bad(1000))
	goOn.OnFailure, goOn.Name = rinca.Continue, "First"
	short := stage(w.does("slow"))
	short.Timeout = rinca.Duration(30 * time.Millisecond)
	for _, c := range []struct {
		name  string
		p     rinca.Procedure
		state rinca.UpdateState
		want  string // stages
		says  string // error or summary
	}{
		{"plain", rinca.Procedure{Stages: []rinca.ProcedureStage{stage(sleeps(1), w.does("a")), off, stage(w.does("b"), disabled)}}, rinca.Succeeded, "Stage 1 succeeded, Off succeeded, Stage 3 succeeded", "3 stages"},
		{"empty", rinca.Procedure{}, rinca.Succeeded, "", "0 stages"},
		{"stop", rinca.Procedure{Stages: []rinca.ProcedureStage{stage(bad(1001)), stage(w.does("never"))}}, rinca.Failed, "Stage 1 failed", "Stage 1: Backup: no room for backup 1"},
		{"continue", rinca.Procedure{Stages: []rinca.ProcedureStage{goOn, stage(w.does("c"))}}, rinca.Failed, "First failed, Stage 2 succeeded", "First: Backup: no room"},
		{"two fail", rinca.Procedure{Stages: []rinca.ProcedureStage{goOn, stage(bad(1002))}}, rinca.Failed, "First failed, Stage 2 failed", "2 of 2 stages failed: First, Stage 2"},
		{"retry", rinca.Procedure{Stages: []rinca.ProcedureStage{stage(withRetries(bad(2), 2))}}, rinca.Succeeded, "Stage 1 succeeded", "1 stage"},
		{"retry in vain", rinca.Procedure{Stages: []rinca.ProcedureStage{stage(withRetries(bad(1003), 2))}}, rinca.Failed, "Stage 1 failed", "no room for backup 3"},
		{"late", rinca.Procedure{Stages: []rinca.ProcedureStage{stage(within(w.does("slow"), 30*time.Millisecond))}}, rinca.Failed, "Stage 1 failed", "took longer than 30ms"},
		{"late stage", rinca.Procedure{Stages: []rinca.ProcedureStage{short, stage(w.does("never"))}}, rinca.Failed, "Stage 1 failed", "the stage Stage 1 took longer than 30ms"},
		{"late procedure", rinca.Procedure{Timeout: rinca.Duration(30 * time.Millisecond), Stages: []rinca.ProcedureStage{{OnFailure: rinca.Continue, Executions: []rinca.StageExecution{w.does("slow")}}, stage(w.does("never"))}}, rinca.Failed, "Stage 1 failed", "took longer than 30ms"},
	} {
		c.p.Name = c.name
		w.put(c.p)
		u := w.ended(w.begin(c.name, nil).ID)
		text := u.Summary
		if u.Error != nil {
			text = u.Error.Message
		}
		if u.State != c.state || states(u) != c.want || !strings.Contains(text, c.says) {
			t.Errorf("%s: %s, %s: %s", c.name, u.State, states(u), text)
		}
		for _, child := range w.children(u.ID) {
			if !child.State.Final() || child.Cause != u.Cause || child.Trigger != "schedule" || child.Operator != "ann" {
				t.Errorf("%s: a child is %s, by %s through %s because of %q", c.name, child.State, child.Operator, child.Trigger, child.Cause)
			}
		}
	}
	if w.called("never") != 0 {
		t.Error("what is disabled, or comes after a failure, ran")
	}
	if n := w.called("fail-2"); n != 3 {
		t.Errorf("%d tries", n)
	}
	w.stop()
	if left, err := procedureRuns(w.db).List(t.Context(), store.RecordFilter{}); err != nil || len(left) > 0 {
		t.Errorf("%d definitions of runs that have ended are kept (%v)", len(left), err)
	}
}

// A run that is canceled cancels what runs, waits for it, and begins nothing
// more.
func TestCancelProcedure(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.put(rinca.Procedure{Name: "inner", Stages: []rinca.ProcedureStage{stage(sleeps(time.Hour), w.does("slow")), stage(w.does("never"))}})
	w.put(rinca.Procedure{Name: "outer", Stages: []rinca.ProcedureStage{{
		OnFailure: rinca.Continue, AtOnce: 1,
		Executions: []rinca.StageExecution{{Execution: rinca.Execution{Kind: "RunProcedure", Params: params(ProcedureParams{Procedure: "inner"})}}, w.does("never")},
	}, stage(w.does("never"))}})
	u := w.begin("outer", nil)
	for w.called("slow") == 0 {
		time.Sleep(time.Millisecond)
	}
	if err := w.Cancel(t.Context(), u.ID); err != nil {
		t.Fatal(err)
	}
	if u = w.ended(u.ID); u.State != rinca.CanceledRun {
		t.Errorf("it %s: %+v", u.State, u.Error)
	}
	children := w.children(u.ID)
	if len(children) != 1 {
		t.Fatalf("%d children", len(children))
	}
	for _, c := range append(children, w.children(children[0].ID)...) {
		if c.State != rinca.CanceledRun {
			t.Errorf("%s %s", c.Execution.Kind, c.State)
		}
	}
	if w.called("never") > 0 {
		t.Error("something began after the cancel")
	}
}

// A server that stops lets a procedure go on with the next one: what had ended
// is not run again, and the definition is that of the beginning.
func TestProcedureGoesOn(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.put(rinca.Procedure{Name: "p", Stages: []rinca.ProcedureStage{
		{OnFailure: rinca.Continue, Executions: []rinca.StageExecution{w.does("a"), w.does("fail-99")}},
		stage(w.does("b"), sleeps(200*time.Millisecond)), stage(w.does("c")),
	}})
	u := w.begin("p", nil)
	for range 3 {
		for running := 0; w.called("b") == 0 || running == 0; time.Sleep(time.Millisecond) {
			w.Runner.mu.Lock()
			running = len(w.active)
			w.Runner.mu.Unlock()
		}
		w.stop()
		if now, err := w.db.Update(t.Context(), u.ID); err != nil || now.State != rinca.Running {
			t.Fatalf("between servers it is %s (%v)", now.State, err)
		}
		w.put(rinca.Procedure{Name: "p", Stages: []rinca.ProcedureStage{stage(w.does("never"))}})
		w.boot()
	}
	u = w.ended(u.ID)
	if u.State != rinca.Failed || states(u) != "Stage 1 failed, Stage 2 succeeded, Stage 3 succeeded" {
		t.Errorf("it %s, %s: %+v", u.State, states(u), u.Error)
	}
	for name, want := range map[string]int{"a": 1, "fail-99": 1, "b": 1, "c": 1, "never": 0} {
		if n := w.called(name); n != want {
			t.Errorf("%s ran %d times", name, n)
		}
	}
	if n := len(w.children(u.ID)); n != 5 {
		t.Errorf("%d children", n)
	}
}

// However it comes to be, a procedure does not wait for itself.
func TestProcedureThatCallsItself(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	call := func(name string) rinca.ProcedureStage {
		return stage(rinca.StageExecution{Execution: rinca.Execution{Kind: "RunProcedure", Params: params(ProcedureParams{Procedure: name})}})
	}
	w.put(rinca.Procedure{Name: "a", Stages: []rinca.ProcedureStage{call("b")}})
	w.put(rinca.Procedure{Name: "b", Stages: []rinca.ProcedureStage{call("a")}})
	u := w.ended(w.begin("a", nil).ID)
	if u.State != rinca.Failed || !strings.Contains(u.Error.Message, "calls itself: a → b → a") {
		t.Errorf("it %s: %+v", u.State, u.Error)
	}
}

func TestParametersArrive(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.put(rinca.Procedure{Name: "p", Parameters: []rinca.Parameter{{Name: "WHERE", Required: true}, {Name: "KEEP", Default: "x"}}, Stages: []rinca.ProcedureStage{stage(w.does("[[WHERE]]-[[KEEP]]-[[[WHERE]]]"))}})
	if u := w.ended(w.begin("p", map[string]string{"WHERE": "[[KEEP]]"}).ID); u.State != rinca.Succeeded {
		t.Fatalf("%+v", u.Error)
	}
	if w.called("[[KEEP]]-x-[[WHERE]]") != 1 {
		t.Errorf("called: %v", w.calls)
	}
	for _, values := range []map[string]string{nil, {"WHERE": "a", "WHER": "b"}} {
		_, err := w.Submit(t.Context(), rinca.Submission{Execution: rinca.Execution{Kind: "RunProcedure", Params: params(ProcedureParams{"p", values})}, Operator: "ann"})
		if rinca.CodeOf(err) != rinca.Invalid {
			t.Errorf("%v: %v", values, err)
		}
	}
}
