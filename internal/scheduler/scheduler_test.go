package scheduler_test

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"rinca/internal/event"
	"rinca/internal/rinca"
	"rinca/internal/run"
	"rinca/internal/scheduler"
	"rinca/internal/store"
)

// A world is a server with a clock that the test sets. Nothing carries out
// what is queued.
type world struct {
	t      testing.TB
	now    time.Time
	db     *store.DB
	runner *run.Runner
	s      *scheduler.Scheduler
	alerts []rinca.Alert
	fail   error // of Submit
}

func newWorld(t testing.TB) *world {
	t.Helper()
	w := &world{t: t, now: time.Date(2026, 11, 26, 8, 0, 0, 0, time.UTC)}
	var err error
	w.db, err = store.Open(t.Context(), store.Config{Dir: t.TempDir(), Now: func() time.Time { return w.now }})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { w.db.Close() })
	hub, err := event.New(t.Context(), w.db, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(hub.Close)
	w.runner = &run.Runner{DB: w.db, Hub: hub, Now: func() time.Time { return w.now }, Log: slog.New(slog.DiscardHandler)}
	w.restart()
	return w
}

// restart forgets all that is not in the database, as the end of a server does.
func (w *world) restart() {
	w.s = &scheduler.Scheduler{
		DB: w.db, Sources: []scheduler.Source{scheduler.Procedures(w.db), scheduler.Syncs(w.db)},
		Submit: func(ctx context.Context, q rinca.Submission) (rinca.Update, error) {
			if w.fail != nil {
				return rinca.Update{}, w.fail
			}
			return w.runner.Submit(ctx, q)
		},
		Now: func() time.Time { return w.now }, Zone: time.UTC, Log: slog.New(slog.DiscardHandler),
		Alert: func(a rinca.Alert) { w.alerts = append(w.alerts, a) },
	}
}

// put makes or changes a procedure.
func (w *world) put(name string, when rinca.Schedule) {
	w.t.Helper()
	_, err := w.db.PutProcedure(w.t.Context(), rinca.Procedure{Name: name, Schedule: when, Stages: []rinca.ProcedureStage{{
		Name: "wait", Executions: []rinca.StageExecution{{Execution: rinca.Execution{Kind: "Sleep", Params: []byte(`{"duration":"1s"}`)}}},
	}}}, store.Upsert)
	if err != nil {
		w.t.Fatal(err)
	}
}

// at sets the clock and lets the scheduler look.
func (w *world) at(clock string) time.Time {
	w.t.Helper()
	now, err := time.Parse("2006-01-02 15:04:05", clock)
	if err != nil {
		w.t.Fatal(err)
	}
	w.now = now
	return w.s.Step(w.t.Context())
}

// started are the updates of a procedure, the oldest first.
func (w *world) started(name string) []rinca.Update {
	w.t.Helper()
	list, err := w.db.Updates(w.t.Context(), store.UpdateFilter{Kind: rinca.KindProcedure, Name: name})
	if err != nil {
		w.t.Fatal(err)
	}
	slices.Reverse(list)
	return list
}

func (w *world) want(name string, n int) {
	w.t.Helper()
	if got := len(w.started(name)); got != n {
		w.t.Fatalf("%s: %s was started %d times, want %d; %+v", w.now.Format(time.DateTime), name, got, n, w.shown(name))
	}
}

// finish ends what is queued.
func (w *world) finish(name string) {
	w.t.Helper()
	for _, u := range w.started(name) {
		if !u.State.Final() {
			if _, ok, err := w.db.CancelQueued(w.t.Context(), u.ID); err != nil || !ok {
				w.t.Fatal(ok, err)
			}
		}
	}
}

func (w *world) shown(name string) rinca.Scheduled {
	for _, x := range w.s.List(w.t.Context(), 0) {
		if x.Target.Name == name {
			return x
		}
	}
	return rinca.Scheduled{}
}

func (w *world) wantNote(name, text string, missed int) {
	w.t.Helper()
	if x := w.shown(name); !strings.Contains(x.Note, text) || x.Missed != missed {
		w.t.Errorf("%s: the note is %q with %d missed, want one with %q and %d", name, x.Note, x.Missed, text, missed)
	}
}

const secrets = "Daily Secrets Export"

func daily() rinca.Schedule { return rinca.Schedule{Text: "Every day at 02:00"} }

func TestRunsWhenItIsDue(t *testing.T) {
	w := newWorld(t)
	w.put(secrets, daily())
	if next := w.at("2026-11-26 08:00:00"); next.Format(time.DateTime) != "2026-11-27 02:00:00" {
		t.Errorf("due next at %s", next)
	}
	w.at("2026-11-27 01:59:59")
	w.want(secrets, 0)
	if next := w.at("2026-11-27 02:00:00"); next.Format(time.DateTime) != "2026-11-28 02:00:00" {
		t.Errorf("due next at %s", next)
	}
	w.want(secrets, 1)
	w.at("2026-11-27 02:00:02")
	w.want(secrets, 1)
	u := w.started(secrets)[0]
	if u.Operator != "schedule" || u.Trigger != "schedule" || u.Cause != "schedule of "+secrets || u.Execution.Kind != "RunProcedure" {
		t.Errorf("%+v", u)
	}
	x := w.shown(secrets)
	if x.LastRun != u.ID || x.Cron != "0 0 2 * * *" || x.Zone != "UTC" || len(x.Next) != 5 || x.Next[0].Format(time.DateTime) != "2026-11-28 02:00:00" || x.Note != "" {
		t.Errorf("%+v", x)
	}
}

// What was due while the server was down runs once, or not at all.
func TestMissedRuns(t *testing.T) {
	w := newWorld(t)
	w.put("once", daily())
	skip := daily()
	skip.Missed = rinca.Skip
	w.put("skip", skip)
	w.at("2026-11-26 08:00:00")
	w.restart()
	w.at("2026-11-30 12:00:00")
	w.want("once", 1)
	w.wantNote("once", "4 runs that were missed", 0)
	w.want("skip", 0)
	w.wantNote("skip", "not made up", 4)
	if len(w.alerts) != 1 || w.alerts[0].Type != rinca.AlertScheduleMissed || w.alerts[0].Target.Name != "skip" {
		t.Errorf("alerts: %+v", w.alerts)
	}
	w.at("2026-11-30 12:00:10")
	w.want("once", 1)
	w.finish("once")
	w.at("2026-12-01 02:00:00")
	w.want("once", 2)
	w.want("skip", 1)
	if len(w.alerts) != 2 || !w.alerts[1].Resolved {
		t.Errorf("alerts: %+v", w.alerts)
	}
	w.finish("skip")
	w.restart()
	w.at("2026-12-02 02:00:40") // a restart takes a moment, and is no miss
	w.want("skip", 2)
}

// A schedule that is new, on again or different has missed nothing.
func TestNothingIsMissedBeforeItWasThere(t *testing.T) {
	w := newWorld(t)
	w.put(secrets, daily())
	w.at("2026-11-26 08:00:00")
	off := daily()
	off.Disabled = true
	w.put(secrets, off)
	w.at("2026-11-26 09:00:00")
	w.at("2026-11-28 09:00:00")
	w.restart()
	w.at("2026-11-28 10:00:00")
	w.put(secrets, daily())
	w.at("2026-11-29 10:00:00") // on again
	w.want(secrets, 0)
	w.put(secrets, rinca.Schedule{Text: "Every day at 09:00"})
	w.at("2026-11-29 10:00:01") // another one, earlier on this day
	w.want(secrets, 0)
	w.put(secrets, rinca.Schedule{Text: "every blue moon"})
	w.at("2026-12-05 10:00:00")
	if x := w.shown(secrets); !strings.Contains(x.Error, "blue") || len(x.Next) != 0 {
		t.Errorf("%+v", x)
	}
	w.put(secrets, rinca.Schedule{Text: "Every day at 09:00"})
	w.at("2026-12-06 10:00:00")
	w.want(secrets, 0)
	w.at("2026-12-07 09:00:00")
	w.want(secrets, 1)
	if err := w.db.DeleteProcedure(t.Context(), secrets); err != nil {
		t.Fatal(err)
	}
	w.at("2026-12-08 09:00:00")
	w.put(secrets, daily())
	w.at("2026-12-10 09:00:00") // made anew
	w.want(secrets, 1)
}

// While a run is not at its end, no other begins; that is told.
func TestNoOverlap(t *testing.T) {
	w := newWorld(t)
	w.put(secrets, rinca.Schedule{Text: "every 10 minutes"})
	w.at("2026-11-26 08:00:00")
	w.at("2026-11-26 08:10:00")
	w.at("2026-11-26 08:20:00")
	w.restart()
	w.at("2026-11-26 08:30:00")
	w.want(secrets, 1)
	w.wantNote(secrets, "was not finished", 2)
	if len(w.alerts) != 2 || w.alerts[1].DedupeKey() != w.alerts[0].DedupeKey() {
		t.Errorf("alerts: %+v", w.alerts)
	}
	w.finish(secrets)
	w.at("2026-11-26 08:40:00")
	w.want(secrets, 2)
	w.wantNote(secrets, "", 0)
	if last := w.alerts[len(w.alerts)-1]; !last.Resolved {
		t.Errorf("%+v", last)
	}
}

// A server that ends between asking for a run and noting it does not run it
// again.
func TestACrashRunsNothingTwice(t *testing.T) {
	w := newWorld(t)
	w.put(secrets, daily())
	w.at("2026-11-26 08:00:00")
	submit := w.s.Submit
	w.s.Submit = func(ctx context.Context, q rinca.Submission) (rinca.Update, error) {
		if _, err := submit(ctx, q); err != nil {
			t.Error(err)
		}
		panic("the server ends here")
	}
	func() {
		defer func() { recover() }()
		w.at("2026-11-27 02:00:00")
	}()
	w.want(secrets, 1)
	w.restart()
	w.at("2026-11-27 02:00:30")
	w.want(secrets, 1)
	if x := w.shown(secrets); x.LastRun != w.started(secrets)[0].ID {
		t.Errorf("%+v", x)
	}
}

// A clock that jumps forward has missed runs; one that jumps back repeats none.
func TestClockJumps(t *testing.T) {
	w := newWorld(t)
	w.put(secrets, daily())
	w.at("2026-11-26 08:00:00")
	w.at("2026-11-27 08:00:00")
	w.want(secrets, 1)
	w.finish(secrets)
	for _, clock := range []string{"2026-11-26 08:00:01", "2026-11-26 12:00:00", "2026-11-27 02:00:00", "2026-11-27 03:00:00"} {
		w.at(clock)
		w.want(secrets, 1)
	}
	w.at("2026-11-28 02:00:00")
	w.want(secrets, 2)
	w.finish(secrets)
	w.at("2031-01-01 00:00:00") // a clock that is wrong
	w.want(secrets, 3)
	w.finish(secrets)
	w.at("2026-11-28 03:00:00") // and set right: the schedule goes on
	w.want(secrets, 3)
	w.at("2026-11-29 02:00:00")
	w.want(secrets, 4)
	w.finish(secrets)
	w.at("2031-01-01 00:00:00")
	w.finish(secrets)
	n := len(w.started(secrets))
	w.restart()
	w.at("2026-11-29 03:00:00") // set right while the server was down
	w.at("2026-11-30 02:00:00")
	w.want(secrets, n+1)
}

// A schedule of each second that slept for a year is dealt with at once.
func TestALongSleep(t *testing.T) {
	w := newWorld(t)
	w.put("often", rinca.Schedule{Text: "every second"})
	w.put("at times", rinca.Schedule{Text: "* * 3 1 1 *"})
	w.at("2026-11-26 08:00:00")
	began := time.Now()
	w.at("2027-11-26 08:00:00")
	if took := time.Since(began); took > 2*time.Second {
		t.Errorf("took %s", took)
	}
	w.want("often", 1)
	w.wantNote("often", "1000 runs or more", 0)
	w.finish("often")
	if next := w.at("2027-11-26 08:00:01"); next.Format(time.DateTime) != "2027-11-26 08:00:02" {
		t.Errorf("due next at %s", next)
	}
	w.want("often", 2)
	w.want("at times", 1)
}

// Jitter puts off by the same each time, by less than asked for, and entries by
// different times.
func TestJitter(t *testing.T) {
	w := newWorld(t)
	for i := range 20 {
		w.put(fmt.Sprint("p", i), rinca.Schedule{Text: "Every day at 02:00", Jitter: rinca.Duration(10 * time.Minute)})
	}
	first := w.at("2026-11-26 08:00:00")
	w.restart()
	if again := w.at("2026-11-26 08:00:01"); !again.Equal(first) {
		t.Errorf("%s, and after a restart %s", first, again)
	}
	seen := map[time.Time]bool{}
	for next := first; len(seen) < 100 && next.Day() == 27; next = w.s.Step(t.Context()) {
		w.now = next
		seen[next] = true
		if next.Hour() != 2 || next.Minute() > 9 {
			t.Errorf("put off to %s", next)
		}
	}
	if len(seen) < 10 {
		t.Errorf("20 entries at %d different times", len(seen))
	}
	for i := range 20 {
		w.want(fmt.Sprint("p", i), 1)
	}
}

// What cannot be asked for now is asked for again; what never can is told.
func TestSubmitFails(t *testing.T) {
	w := newWorld(t)
	w.put(secrets, daily())
	w.at("2026-11-26 08:00:00")
	w.fail = rinca.Errorf(rinca.Unavailable, "the database does not answer")
	if next := w.at("2026-11-27 02:00:00"); next.Sub(w.now) > 15*time.Second {
		t.Errorf("tries again at %s", next)
	}
	w.fail = nil
	w.at("2026-11-27 02:00:15")
	w.want(secrets, 1)
	w.finish(secrets)
	w.fail = rinca.Errorf(rinca.Invalid, "stage 1 is wrong")
	w.at("2026-11-28 02:00:00")
	w.wantNote(secrets, "stage 1 is wrong", 1)
	if len(w.alerts) != 1 {
		t.Errorf("alerts: %+v", w.alerts)
	}
}

func TestAThousandAtOnce(t *testing.T) {
	w := newWorld(t)
	var list []scheduler.Entry
	for i := range 1000 {
		list = append(list, scheduler.Entry{
			Target: rinca.Target{Kind: rinca.KindProcedure, Name: fmt.Sprint("p", i)}, Schedule: daily(),
			Execution: rinca.Execution{Kind: "Sleep", Params: []byte(`{"duration":"1s"}`)},
		})
	}
	w.s.Sources = []scheduler.Source{func(context.Context) ([]scheduler.Entry, error) { return list, nil }}
	seen := map[string]int{}
	w.s.Submit = func(_ context.Context, q rinca.Submission) (rinca.Update, error) {
		seen[q.IdempotencyKey]++
		return rinca.Update{ID: q.IdempotencyKey}, nil
	}
	w.at("2026-11-26 08:00:00")
	w.at("2026-11-27 02:00:00")
	w.at("2026-11-27 02:00:01")
	if len(seen) != 1000 {
		t.Errorf("%d were started", len(seen))
	}
	for key, n := range seen {
		if n != 1 {
			t.Errorf("%s: %d times", key, n)
		}
	}
}

// Run itself, by the clock of the machine.
func TestRun(t *testing.T) {
	w := newWorld(t)
	w.put("often", rinca.Schedule{Text: "every second"})
	started := make(chan time.Time, 10)
	w.s.Now = time.Now
	w.s.Submit = func(context.Context, rinca.Submission) (rinca.Update, error) {
		started <- time.Now()
		return rinca.Update{ID: "gone"}, nil
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { w.s.Run(ctx); close(done) }()
	for range 2 {
		if at := <-started; at.Nanosecond() > int(400*time.Millisecond) {
			t.Errorf("started at %s", at)
		}
	}
	cancel()
	select {
	case <-done:
	case <-time.After(5 * time.Second):
		t.Fatal("it does not end")
	}
}

// 10,000 entries of which none is due cost nothing: they are read once, and a
// look at the clock allocates nothing, also while executions come and go.
func TestIdle(t *testing.T) {
	w := newWorld(t)
	var list []scheduler.Entry
	for i := range 10_000 {
		list = append(list, scheduler.Entry{
			Target: rinca.Target{Kind: rinca.KindProcedure, Name: fmt.Sprint("p", i)}, Schedule: daily(), Execution: rinca.Execution{Kind: "Sleep"},
		})
	}
	reads := 0
	w.s.Sources = []scheduler.Source{func(context.Context) ([]scheduler.Entry, error) { reads++; return list, nil }}
	w.at("2026-11-26 08:00:00")
	for range 3 {
		if _, err := w.runner.Submit(t.Context(), rinca.Submission{Execution: rinca.Execution{Kind: "Sleep", Params: []byte(`{"duration":"1s"}`)}, Operator: "ann"}); err != nil {
			t.Fatal(err)
		}
		w.at("2026-11-26 08:00:02")
	}
	if reads != 1 {
		t.Errorf("the entries were read %d times", reads)
	}
	if n := testing.AllocsPerRun(100, func() { w.s.Step(t.Context()) }); n > 2 {
		t.Errorf("a look allocates %v times", n)
	}
}

// 10,000 entries of which none is due: what a look costs, every two seconds.
func BenchmarkIdle(b *testing.B) {
	w := newWorld(b)
	var list []scheduler.Entry
	for i := range 10_000 {
		list = append(list, scheduler.Entry{
			Target: rinca.Target{Kind: rinca.KindProcedure, Name: fmt.Sprint("p", i)}, Schedule: rinca.Schedule{Text: fmt.Sprintf("every weekday at %d:%02d", i/60%24, i%60), TimeZone: "Europe/Berlin"},
			Execution: rinca.Execution{Kind: "Sleep"},
		})
	}
	w.s.Sources = []scheduler.Source{func(context.Context) ([]scheduler.Entry, error) { return list, nil }}
	w.s.Step(b.Context())
	for b.Loop() {
		w.s.Step(b.Context())
	}
}

// A list tells the next five times, or all of so many days, up to 200.
func TestTimesOfDays(t *testing.T) {
	w := newWorld(t)
	for name, text := range map[string]string{"minutely": "every minute", "hourly": "every hour", "daily": "every day at 02:00", "monthly": "every month on the 1st at 04:00"} {
		w.put(name, rinca.Schedule{Text: text})
	}
	for days, want := range map[int]map[string]int{
		0: {"minutely": 5, "hourly": 5, "daily": 5, "monthly": 5},
		7: {"minutely": 200, "hourly": 168, "daily": 7, "monthly": 5},
	} {
		got := map[string]int{}
		for _, x := range w.s.List(t.Context(), days) {
			if x.Error != "" {
				t.Errorf("%s: %s", x.Target.Name, x.Error)
			}
			got[x.Target.Name] = len(x.Next)
		}
		if !maps.Equal(got, want) {
			t.Errorf("%d days: %v, want %v", days, got, want)
		}
	}
}
