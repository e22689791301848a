package watch

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"rinca/internal/deploy"
	"rinca/internal/export"
	"rinca/internal/rinca"
	"rinca/internal/rotation"
	"rinca/internal/store"
)

// A world is a watch over a real database and real exported files, whose clock
// is turned by hand. No vault is asked, and no engine.
type world struct {
	*testing.T
	w    *Watch
	db   *store.DB
	dir  string
	now  time.Time
	runs []rinca.Submission
	fail error // of what asks the vault
}

func newWorld(t *testing.T) *world {
	t.Helper()
	db, err := store.Open(t.Context(), store.Config{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	x := &world{T: t, db: db, dir: t.TempDir(), now: time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)}
	now, log := func() time.Time { return x.now }, slog.New(slog.DiscardHandler)
	v := &deploy.Vault{
		Now: now, Request: export.Request{Dest: x.dir}, Configured: func() bool { return x.fail != nil },
		Open: func(context.Context) (rinca.Provider, error) { return nil, x.fail },
	}
	r := &rotation.Rotator{DB: db, Now: now, Log: log, Deploy: &deploy.Deployer{DB: db, Vault: v, Now: now, Log: log}}
	x.w = &Watch{Rotator: r, Now: now, Log: log, containers: x.now, Submit: func(_ context.Context, s rinca.Submission) (rinca.Update, error) {
		x.runs = append(x.runs, s)
		return rinca.Update{ID: "u"}, nil
	}}
	return x
}

// stack adds one that was deployed with other content than its file has now.
func (x *world) stack(name string) {
	x.Helper()
	path := filepath.Join(x.dir, name+".env")
	plain, err := json.Marshal(map[string]any{"lineage": rinca.Lineage{Files: []rinca.LineageFile{{Path: path, Digest: "of what was deployed"}}}})
	if err = errors.Join(err, os.WriteFile(path, []byte("KEY=new\n"), 0o600)); err != nil {
		x.Fatal(err)
	}
	if _, err := x.db.PutStack(x.Context(), rinca.Stack{Name: name, Source: rinca.Source{Kind: rinca.SourceInline}}, store.Upsert); err != nil {
		x.Fatal(err)
	}
	if err := x.db.PutMark(x.Context(), store.Mark{Stack: name, At: x.now, Plain: plain}); err != nil {
		x.Fatal(err)
	}
}

// after turns the clock, looks, and checks how many rotations were asked for.
// It returns when the next look is.
func (x *world) after(d time.Duration, want int) time.Duration {
	x.Helper()
	x.now = x.now.Add(d)
	// Servers are asked from time to time; there are none here.
	x.w.containers = x.now
	next := x.w.step(x.Context())
	if len(x.runs) != want {
		x.Errorf("%s later at %s: %d rotations, and should be %d", d, x.now, len(x.runs), want)
	}
	return next
}

// Changes within a minute are one run, which begins a minute after the first.
func TestChangesAreCollected(t *testing.T) {
	x := newWorld(t)
	x.after(0, 0)
	x.stack("a")
	if next := x.after(time.Minute, 0); next > 61*time.Second {
		t.Errorf("the next look is in %s", next)
	}
	x.after(30*time.Second, 0)
	x.stack("b")
	x.after(20*time.Second, 0)
	x.after(10*time.Second, 1)
	if s := x.runs[0]; s.Execution.Kind != "RotateSecrets" || s.Operator != Operator || s.Trigger != rotation.WatchTrigger || !s.Join || !strings.Contains(s.Cause, "2 stacks") {
		t.Errorf("%+v", s)
	}
}

// What does not get better is tried again less and less often, and something
// new at once.
func TestRepeatsGetRarer(t *testing.T) {
	x := newWorld(t)
	x.stack("a")
	x.after(0, 0)
	x.after(time.Minute, 1)
	var tried []time.Duration
	for began := x.now; x.now.Sub(began) < 10*time.Hour; {
		n := len(x.runs)
		x.now = x.now.Add(10 * time.Second)
		x.w.containers = x.now
		x.w.step(t.Context())
		if len(x.runs) > n {
			tried = append(tried, x.now.Sub(began))
		}
	}
	if n := len(tried); n < 10 || n > 20 {
		t.Errorf("in ten hours it was tried %d times, after %v", n, tried)
	}
	for i := 1; i < len(tried); i++ {
		if gap := tried[i] - tried[i-1]; gap > lastRepeat+2*time.Minute || i > 1 && gap+time.Minute < tried[i-1]-tried[i-2] {
			t.Errorf("after %v", tried)
			break
		}
	}
	n := len(x.runs)
	x.stack("b")
	x.after(time.Second, n)
	x.after(59*time.Second, n)
	x.after(time.Second, n+1)
}

// A clock that jumps a day delays nothing and repeats nothing.
func TestClockJumps(t *testing.T) {
	for _, jump := range []time.Duration{24 * time.Hour, -24 * time.Hour} {
		x := newWorld(t)
		x.after(0, 0)
		x.stack("a")
		x.after(time.Second, 0)
		x.now = x.now.Add(jump)
		for range 100 {
			x.now = x.now.Add(time.Second)
			x.w.containers = x.now
			x.w.step(t.Context())
		}
		if len(x.runs) == 0 || len(x.runs) > 2 {
			t.Errorf("a jump of %s: %d rotations", jump, len(x.runs))
		}
		n := len(x.runs)
		x.now = x.now.Add(jump) // while what was tried waits for its next turn
		for range 90 {
			x.now = x.now.Add(time.Second)
			x.w.containers = x.now
			x.w.step(t.Context())
		}
		if got := len(x.runs) - n; got < 1 || got > 2 {
			t.Errorf("a second jump of %s: %d rotations more", jump, len(x.runs)-n)
		}
	}
}

// A vault that comes and goes is asked less often while it is gone, and what
// has changed is carried when it is back.
func TestFlappingVault(t *testing.T) {
	x := newWorld(t)
	x.stack("a")
	x.fail = rinca.Errorf(rinca.Unavailable, "the vault is away")
	var pauses []time.Duration
	for range 12 {
		pauses = append(pauses, x.after(time.Minute, 0))
	}
	if pauses[0] > 2*time.Minute || pauses[11] < 14*time.Minute || pauses[11] > 16*time.Minute {
		t.Errorf("it looks again after %v", pauses)
	}
	x.fail = nil
	if next := x.after(15*time.Minute, 0); next > 61*time.Second {
		t.Errorf("it is back, and the next look is in %s", next)
	}
	x.fail = rinca.Errorf(rinca.Unavailable, "the vault is away")
	x.after(30*time.Second, 0)
	x.fail = nil
	x.after(30*time.Second, 1)
}

// Off looks for nothing; a rotation that runs is not disturbed.
func TestWhenItDoesNotLook(t *testing.T) {
	x := newWorld(t)
	x.stack("a")
	policy := func(p rinca.RotationPolicy) {
		t.Helper()
		if _, err := x.w.Rotator.SetPolicy(t.Context(), p); err != nil {
			t.Fatal(err)
		}
	}
	policy(rinca.RotationPolicy{Off: true})
	for range 5 {
		x.after(time.Minute, 0)
	}
	policy(rinca.RotationPolicy{})
	put := func(state rinca.RotationState, key string) {
		t.Helper()
		err := rotation.Collection(x.db).Put(t.Context(), store.Record[rinca.Rotation]{ID: "r", Key: key, At: x.now, Value: rinca.Rotation{ID: "r", State: state}})
		if err != nil {
			t.Fatal(err)
		}
	}
	for _, state := range []rinca.RotationState{rinca.RotationRunning, rinca.RotationRollingBack, rinca.RotationWaits} {
		put(state, "open")
		for range 5 {
			x.after(time.Minute, 0)
		}
	}
	put(rinca.RotationSucceeded, "")
	x.after(time.Minute, 1)
}
