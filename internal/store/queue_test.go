package store_test

import (
	"encoding/json"
	"fmt"
	"sync"
	"testing"
	"time"

	"rinca/internal/rinca"
	"rinca/internal/store"
)

func enqueue(t testing.TB, db *store.DB, stack string) rinca.Update {
	t.Helper()
	u, _, err := db.Enqueue(t.Context(), update("DeployStack", stack), "")
	must(t, err)
	return u
}

// However many claim at once, from two handles, each update is claimed once,
// no target is claimed twice at a time, and each target's run in order.
func TestClaims(t *testing.T) {
	dir := newHome(t)
	handles := []*store.DB{open(t, dir), open(t, dir)}
	const n, targets = 120, 7
	var order [targets][]string
	for i := range n {
		u := enqueue(t, handles[i%2], fmt.Sprint(i%targets))
		order[i%targets] = append(order[i%targets], u.ID)
	}
	var mu sync.Mutex
	running, claimed := map[string]bool{}, map[string][]string{}
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			db := handles[i%2]
			for {
				u, ok, err := db.ClaimNext(t.Context(), nil)
				if err != nil {
					t.Error(err)
					return
				}
				mu.Lock()
				if !ok {
					left := len(running) > 0
					mu.Unlock()
					if !left {
						return
					}
					time.Sleep(time.Millisecond)
					continue
				}
				if running[u.Target.Name] {
					t.Errorf("target %s runs twice", u.Target.Name)
				}
				running[u.Target.Name] = true
				claimed[u.Target.Name] = append(claimed[u.Target.Name], u.ID)
				mu.Unlock()
				u.State = rinca.Succeeded
				mu.Lock()
				delete(running, u.Target.Name)
				if err := db.SaveUpdate(t.Context(), u); err != nil {
					t.Error(err)
				}
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	for i, want := range order {
		same(t, want, claimed[fmt.Sprint(i)])
	}
	mustCheck(t, handles[0])
}

func TestClaimPassesOverBusyTargets(t *testing.T) {
	db := newDB(t)
	enqueue(t, db, "a")
	want := enqueue(t, db, "b")
	u, ok, err := db.ClaimNext(t.Context(), func(w store.Waiting) bool { return w.Target.Name == "a" })
	if must(t, err); !ok || u.ID != want.ID || u.State != rinca.Running || u.StartedAt.IsZero() {
		t.Errorf("%+v", u)
	}
	_, ok, err = db.ClaimNext(t.Context(), func(store.Waiting) bool { return true })
	if must(t, err); ok {
		t.Error("claimed a busy one")
	}
}

func TestIdempotencyKeys(t *testing.T) {
	db := newDB(t)
	ctx := t.Context()
	var wg sync.WaitGroup
	ids := make([]string, 8)
	for i := range ids {
		wg.Go(func() {
			u, _, err := db.Enqueue(ctx, update("DeployStack", "web"), "key")
			if err != nil {
				t.Error(err)
			}
			ids[i] = u.ID
		})
	}
	wg.Wait()
	for _, id := range ids {
		if id != ids[0] {
			t.Fatalf("several updates: %v", ids)
		}
	}
	u := update("DeployStack", "web")
	u.Execution.Params = json.RawMessage(` { "stack": "web" } `) // the same, written differently
	_, existed, err := db.Enqueue(ctx, u, "key")
	if must(t, err); !existed {
		t.Error("not the same")
	}
	_, _, err = db.Enqueue(ctx, update("DestroyStack", "web"), "key")
	wantCode(t, rinca.Conflict, err)
	other := update("DeployStack", "web")
	other.Operator = "bob"
	_, existed, err = db.Enqueue(ctx, other, "key")
	if must(t, err); existed {
		t.Error("another operator's key")
	}
	_, _, err = db.Enqueue(ctx, rinca.Update{Execution: rinca.Execution{Kind: "X", Params: json.RawMessage(`{`)}}, "")
	wantCode(t, rinca.Invalid, err)
}

func TestUpdateStates(t *testing.T) {
	db := newDB(t)
	ctx := t.Context()
	u := enqueue(t, db, "a")
	c, ok, err := db.CancelQueued(ctx, u.ID)
	if must(t, err); !ok || c.State != rinca.CanceledRun || c.EndedAt.IsZero() {
		t.Errorf("%+v", c)
	}
	c, ok, err = db.CancelQueued(ctx, u.ID)
	if must(t, err); ok {
		t.Errorf("%+v", c)
	}
	u.State = rinca.Running
	wantCode(t, rinca.Conflict, db.SaveUpdate(ctx, u))
	c.Summary = "more"
	must(t, db.SaveUpdate(ctx, c))
	got, err := db.Update(ctx, u.ID)
	must(t, err)
	same(t, c, got)
	wantCode(t, rinca.NotFound, db.SaveUpdate(ctx, rinca.Update{ID: "none"}))
	_, err = db.Update(ctx, "none")
	wantCode(t, rinca.NotFound, err)

	r := enqueue(t, db, "b")
	_, ok, err = db.ClaimNext(ctx, nil)
	if must(t, err); !ok {
		t.Fatal("nothing claimed")
	}
	_, ok, err = db.CancelQueued(ctx, r.ID)
	if must(t, err); ok {
		t.Error("canceled one that runs")
	}
	r.State = rinca.Queued
	wantCode(t, rinca.Conflict, db.SaveUpdate(ctx, r))
}

func TestRecover(t *testing.T) {
	dir := newHome(t)
	db := open(t, dir)
	ctx := t.Context()
	enqueue(t, db, "a")
	waits := enqueue(t, db, "a")
	u, _, err := db.ClaimNext(ctx, nil)
	must(t, err)
	u.Stages = []rinca.Stage{{Name: "Source", State: rinca.Succeeded}, {Name: "Apply", State: rinca.Running}}
	must(t, db.SaveUpdate(ctx, u))
	db = open(t, dir) // the next server
	closed, err := db.Recover(ctx, func(rinca.Update) bool { return false })
	must(t, err)
	if len(closed) != 1 || closed[0].ID != u.ID || closed[0].State != rinca.Interrupted || closed[0].Error == nil ||
		closed[0].Stages[0].State != rinca.Succeeded || closed[0].Stages[1].State != rinca.Interrupted || closed[0].Stages[1].EndedAt.IsZero() {
		t.Errorf("%+v", closed)
	}
	got, err := db.Update(ctx, u.ID)
	must(t, err)
	same(t, closed[0], got)
	next, ok, err := db.ClaimNext(ctx, nil)
	if must(t, err); !ok || next.ID != waits.ID {
		t.Errorf("%+v", next)
	}
}

func TestUpdatesAreListed(t *testing.T) {
	db, clock := newClockDB(t)
	ctx := t.Context()
	manyUpdates(t, db, 150)
	clock.now = clock.now.Add(-24 * time.Hour) // the clock goes back
	last := enqueue(t, db, "late")
	child := update("DeployStack", "child")
	child.Parent = last.ID
	child, _, err := db.Enqueue(ctx, child, "")
	must(t, err)
	all, err := db.Updates(ctx, store.UpdateFilter{})
	must(t, err)
	if len(all) != 100 || all[0].ID != child.ID || all[1].ID != last.ID {
		t.Errorf("%d, the first %s", len(all), all[0].ID)
	}
	rest, err := db.Updates(ctx, store.UpdateFilter{Before: all[99].ID, Limit: 1000})
	if must(t, err); len(rest) != 52 || rest[0].ID >= all[99].ID {
		t.Errorf("%d", len(rest))
	}
	for f, want := range map[store.UpdateFilter]int{
		{Kind: rinca.KindStack, Name: "s07", Limit: 50}: 3, {State: rinca.Queued}: 2, {State: rinca.Failed}: 0,
		{Operator: "alice", Limit: 9}: 9, {Operator: "bob"}: 0, {Parent: last.ID}: 1, {Kind: rinca.KindServer}: 0,
	} {
		got, err := db.Updates(ctx, f)
		if must(t, err); len(got) != want {
			t.Errorf("%+v: %d, want %d", f, len(got), want)
		}
	}
}

func TestRetention(t *testing.T) {
	db, clock := newClockDB(t)
	ctx := t.Context()
	var seq int64
	finish := func(stack string) {
		u := enqueue(t, db, stack)
		u.State = rinca.Succeeded
		must(t, db.SaveUpdate(ctx, u))
		seq++
		must(t, db.AppendEvents(ctx, []rinca.Event{{Seq: seq, At: clock.now, Type: "line", Update: u.ID}}))
	}
	for range 5 {
		finish("old")
	}
	seq++
	must(t, db.AppendEvents(ctx, []rinca.Event{{Seq: seq, At: clock.now, Type: "server"}}))
	waits := enqueue(t, db, "old")
	clock.now = clock.now.Add(48 * time.Hour)
	for range 5 {
		finish("new")
	}
	n, err := db.PruneUpdates(ctx, store.UpdateRetention{})
	if must(t, err); n != 0 {
		t.Errorf("%d removed", n)
	}
	n, err = db.PruneUpdates(ctx, store.UpdateRetention{MaxAge: 24 * time.Hour})
	if must(t, err); n != 5 {
		t.Errorf("%d removed", n)
	}
	n, err = db.PruneUpdates(ctx, store.UpdateRetention{MaxPerTarget: 2})
	if must(t, err); n != 3 {
		t.Errorf("%d removed", n)
	}
	left, err := db.Updates(ctx, store.UpdateFilter{})
	if must(t, err); len(left) != 3 || left[2].ID != waits.ID {
		t.Errorf("%d left", len(left))
	}
	events, err := db.Events(ctx, 0, store.EventFilter{}, 100)
	if must(t, err); len(events) != 2 {
		t.Errorf("%d events left", len(events))
	}
	must(t, db.SaveUpdate(ctx, left[0]))
	mustCheck(t, db)
}

func TestEvents(t *testing.T) {
	dir := newHome(t)
	db := open(t, dir)
	ctx := t.Context()
	web := rinca.Target{Kind: rinca.KindStack, Name: "web"}
	now := time.Now().UTC().Round(0)
	events := []rinca.Event{
		{Seq: 3, At: now, Type: "line", Update: "u|1", Target: web, Data: json.RawMessage(`{"text":"<b>"}`)},
		{Seq: 4, At: now, Type: "update", Update: "u|1", Target: web},
		{Seq: 9, At: now, Type: "stack", Target: rinca.Target{Kind: rinca.KindStack, Name: "blog"}},
	}
	must(t, db.AppendEvents(ctx, events))
	must(t, db.AppendEvents(ctx, nil))
	wantCode(t, rinca.Conflict, db.AppendEvents(ctx, []rinca.Event{{Seq: 10}, {Seq: 10}}))
	wantCode(t, rinca.Conflict, db.AppendEvents(ctx, []rinca.Event{{Seq: 9}}))
	got, err := db.Events(ctx, 0, store.EventFilter{}, 100)
	must(t, err)
	same(t, events, got)
	for _, c := range []struct {
		after int64
		f     store.EventFilter
		limit int
		want  int
	}{
		{3, store.EventFilter{}, 100, 2},
		{0, store.EventFilter{}, 1, 1},
		{0, store.EventFilter{Update: "u|1"}, 100, 2},
		{0, store.EventFilter{Types: []string{"line", "stack"}}, 100, 2},
		{0, store.EventFilter{Target: web}, 100, 2},
		{0, store.EventFilter{Target: rinca.Target{Kind: rinca.KindStack}}, 100, 3},
		{9, store.EventFilter{}, 100, 0},
	} {
		got, err := db.Events(ctx, c.after, c.f, c.limit)
		if must(t, err); len(got) != c.want {
			t.Errorf("%+v: %d", c, len(got))
		}
	}
	n, err := open(t, dir).LastEvent(ctx)
	if must(t, err); n != 9 {
		t.Errorf("last %d", n)
	}
}
