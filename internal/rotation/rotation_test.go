package rotation

import (
	"errors"
	"log/slog"
	"slices"
	"testing"
	"time"

	"rinca/internal/deploy"
	"rinca/internal/rinca"
	"rinca/internal/store"
)

// rotator is one with a real database, and a clock that is turned by hand.
func rotator(t *testing.T, now *time.Time) *Rotator {
	t.Helper()
	db, err := store.Open(t.Context(), store.Config{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	return &Rotator{DB: db, Now: func() time.Time { return *now }, Log: slog.New(slog.DiscardHandler)}
}

func TestQuarantine(t *testing.T) {
	now := time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)
	r := rotator(t, &now)
	v := rinca.Vault{ID: "v"}
	held := func(id string, version int64, changed time.Time) bool {
		return r.Hold(v, rinca.Info{ID: id, Version: version, UpdatedAt: changed}) != ""
	}
	if held("a", 1, now) {
		t.Error("what nobody put there is held")
	}
	err := r.putQuarantine(t.Context(), []rinca.Quarantine{
		{ID: "v/a", Vault: "v", VaultName: "homelab", Item: "a", Title: "db.env", Version: 3, At: now, Stack: "db"},
		{ID: "v/b", Vault: "v", VaultName: "homelab", Item: "b", Title: "db.env", At: now, Stack: "web"}, // of a vault that counts no versions
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		item    string
		version int64
		changed time.Time
		want    bool
	}{
		{"a", 2, now.Add(time.Hour), true}, // an older one that was put back in the vault
		{"a", 3, now.Add(time.Hour), true},
		{"a", 4, now, false},
		{"b", 0, now, true},
		{"b", 9, now.Add(-time.Second), true},
		{"b", 0, now.Add(time.Second), false},
		{"c", 1, now, false},
	} {
		if got := held(c.item, c.version, c.changed); got != c.want {
			t.Errorf("%+v is held: %t", c, got)
		}
	}
	// The same after the server has started again.
	again := &Rotator{DB: r.DB, Now: r.Now, Log: r.Log}
	if again.Hold(v, rinca.Info{ID: "a", Version: 3}) == "" {
		t.Error("it is forgotten by another process")
	}
	if _, err := r.Release(t.Context(), "db.env"); rinca.CodeOf(err) != rinca.Conflict {
		t.Errorf("two of that title: %v", err)
	}
	if _, err := r.Release(t.Context(), "nothing"); rinca.CodeOf(err) != rinca.NotFound {
		t.Errorf("none of that title: %v", err)
	}
	if _, err := r.Release(t.Context(), "v/b"); err != nil || held("b", 0, now) {
		t.Errorf("released, and held: %v", err)
	}
	// A version that was carried with success ends the quarantine of an older one.
	for _, i := range []rinca.RotatedItem{{Vault: "v", Item: "a", Version: 3}, {Vault: "v", Item: "a", Version: 4, Held: "by its tag"}} {
		if err := r.superseded(t.Context(), []rinca.RotatedItem{i}); err != nil || !held("a", 3, now) {
			t.Errorf("%+v lets it out: %v", i, err)
		}
	}
	if err := r.superseded(t.Context(), []rinca.RotatedItem{{Vault: "v", Item: "a", Version: 4}}); err != nil || held("a", 3, now) {
		t.Errorf("it is still held: %v", err)
	}
	if list, err := r.Quarantines(t.Context()); err != nil || len(list) != 0 {
		t.Errorf("%v, %v", list, err)
	}
}

// A stack that failed for no fault of a value is tried again less and less
// often, and at once with another version.
func TestRetries(t *testing.T) {
	now := time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)
	r := rotator(t, &now)
	items := func(version int64) []rinca.RotatedItem {
		return []rinca.RotatedItem{{Vault: "v", Item: "a", Version: version, Stacks: []string{"db"}}, {Vault: "v", Item: "x", Version: 7, Stacks: []string{"other"}}}
	}
	left := func(version int64, byHand bool) bool {
		t.Helper()
		pl := planned{changed: map[string]deploy.Changed{"db": {Stack: rinca.Stack{Name: "db"}, Items: items(version)[:1]}}}
		if err := r.leaveOut(t.Context(), &pl, deploy.Look{}, byHand); err != nil {
			t.Fatal(err)
		}
		return len(pl.leftOut) > 0
	}
	for _, want := range []time.Duration{15 * time.Second, 30 * time.Second, time.Minute, 2 * time.Minute, 4 * time.Minute, 8 * time.Minute, 16 * time.Minute, 32 * time.Minute, time.Hour, time.Hour, time.Hour} {
		if err := r.retryLater(t.Context(), "db", versions("db", items(1)), "its server does not answer"); err != nil {
			t.Fatal(err)
		}
		now = now.Add(want - time.Millisecond)
		if !left(1, false) || left(1, true) || left(2, false) {
			t.Errorf("shortly before %s: left out %t, by hand %t, with another version %t", want, left(1, false), left(1, true), left(2, false))
		}
		if now = now.Add(time.Millisecond); left(1, false) {
			t.Errorf("after %s it is left out", want)
		}
	}
	if err := r.retryLater(t.Context(), "db", versions("db", items(2)), "again"); err != nil {
		t.Fatal(err)
	}
	if now = now.Add(15 * time.Second); left(2, false) {
		t.Error("another version waits as long as the one before")
	}
	if err := r.retryLater(t.Context(), "db", versions("db", items(2)), "again"); err != nil {
		t.Fatal(err)
	}
	if err := r.retryNoMore(t.Context(), []string{"db", "nothing"}); err != nil || left(2, false) {
		t.Errorf("it is well, and left out: %v", err)
	}
}

// Waves go by what comes after what, also by way of stacks that are not part
// of it; what belongs to a stack that is left out is left out, too.
func TestWavesAndWhatIsLeftOut(t *testing.T) {
	stack := func(name string, after ...string) rinca.Stack { return rinca.Stack{Name: name, After: after} }
	all := []rinca.Stack{stack("web", "api"), stack("api", "db"), stack("db"), stack("cache"), stack("jobs", "cache"), stack("alone")}
	rotating := func(names ...string) *planned {
		pl := &planned{changed: map[string]deploy.Changed{}}
		for _, n := range names {
			pl.changed[n] = deploy.Changed{Stack: rinca.Stack{Name: n}, Items: []rinca.RotatedItem{{Vault: "v", Item: n}}}
			pl.stacks = append(pl.stacks, rinca.RotatedStack{Stack: n})
		}
		return pl
	}
	waves := func(pl *planned) (out []string) {
		t.Helper()
		if err := pl.order(all); err != nil {
			t.Fatal(err)
		}
		for _, s := range pl.stacks {
			out = append(out, string(rune('0'+s.Wave))+s.Stack)
		}
		return out
	}
	if got := waves(rotating("web", "db", "jobs", "cache", "alone")); !slices.Equal(got, []string{"1alone", "1cache", "1db", "2jobs", "2web"}) {
		t.Errorf("%v", got)
	}
	if got := waves(rotating("web", "api", "db")); !slices.Equal(got, []string{"1db", "2api", "3web"}) {
		t.Errorf("%v", got)
	}
	pl := rotating("web", "db", "jobs", "cache", "alone")
	c := pl.changed["alone"]
	c.Items = append(c.Items, rinca.RotatedItem{Vault: "v", Item: "db"})
	pl.changed["alone"] = c
	pl.leave("db", "its server does not answer")
	pl.block(all)
	if got := waves(pl); !slices.Equal(got, []string{"1cache", "2jobs"}) || len(pl.leftOut) != 3 {
		t.Errorf("%v, without %v", got, pl.leftOut)
	}
	all[2].After = []string{"web"}
	if err := rotating("web", "db").order(all); err == nil {
		t.Error("a cycle is no error")
	}
}

// An approval holds for what was approved, and for less of it.
func TestApprovals(t *testing.T) {
	now := time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)
	r := rotator(t, &now)
	x := &run{Rotator: r, rot: rinca.Rotation{
		ID: "r", State: rinca.RotationWaits, CreatedAt: now, Stacks: []rinca.RotatedStack{{Stack: "a"}, {Stack: "b"}},
		Items: []rinca.RotatedItem{{Vault: "v", Item: "i", Version: 1}, {Vault: "v", Item: "j", Version: 1}},
	}}
	plan := func(change func()) {
		t.Helper()
		if err := x.save(t.Context(), func() { change(); x.checkApproval() }); err != nil {
			t.Fatal(err)
		}
	}
	plan(func() {})
	if _, err := r.Approve(t.Context(), "r", "another", "eva"); rinca.CodeOf(err) != rinca.Conflict {
		t.Errorf("another plan: %v", err)
	}
	if _, err := r.Approve(t.Context(), "r", x.rot.Plan, "eva"); err != nil {
		t.Fatal(err)
	}
	policy := rinca.RotationPolicy{Approve: true}
	plan(func() { x.rot.Items, x.rot.Stacks = x.rot.Items[:1], x.rot.Stacks[:1] })
	if why, _ := x.waitsFor(policy); why != "" {
		t.Errorf("less than was approved waits: %s", why)
	}
	plan(func() { x.rot.Items[0].Version = 2 })
	if why, _ := x.waitsFor(policy); why == "" || x.rot.ApprovedBy != "" {
		t.Errorf("a newer version runs, approved by %q", x.rot.ApprovedBy)
	}
	if err := x.save(t.Context(), func() { x.rot.State = rinca.RotationRunning }); err != nil {
		t.Fatal(err)
	}
	if _, err := r.Approve(t.Context(), "r", x.rot.Plan, "eva"); rinca.CodeOf(err) != rinca.Conflict {
		t.Errorf("one that runs: %v", err)
	}
}

// What makes a stack fail by its value is kept away; a server that does not
// answer is not the value's fault.
func TestWhatIsToBlame(t *testing.T) {
	now := time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)
	x := &run{Rotator: rotator(t, &now)}
	x.Deploy = &deploy.Deployer{Engines: &deploy.Engines{List: x.DB.Servers, Now: x.Now, Log: x.Log}}
	for stage, want := range map[string]bool{"Source": false, "Secrets": false, "Preflight": false, "Pull": false, "Load": true, "Apply": true, "Verify": true, "Post-deploy": true, "Dependencies": false} {
		u := rinca.Update{ID: "u", State: rinca.Failed, Stages: []rinca.Stage{{Name: stage, State: rinca.Failed}, {Name: "Rollback", State: rinca.Failed}}}
		if got := x.byValue(t.Context(), failure{stack: "s", update: u, err: errors.New("it failed")}); got != want {
			t.Errorf("%s: by its value %t", stage, got)
		}
	}
	if !x.byValue(t.Context(), failure{stack: "s", fell: true, update: rinca.Update{ID: "u", State: rinca.Succeeded}, err: errors.New("it died")}) {
		t.Error("what died after it was verified is not to blame")
	}
	for _, u := range []rinca.Update{{}, {ID: "u", State: rinca.Interrupted}, {ID: "u", State: rinca.CanceledRun}} {
		if x.byValue(t.Context(), failure{stack: "s", update: u, err: errors.New("it ended")}) {
			t.Errorf("%+v is to blame", u)
		}
	}
}
