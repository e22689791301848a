// Package watch looks for changed secrets, and starts rotations.
package watch

import (
	"context"
	"encoding/json"
	"log/slog"
	"math/rand/v2"
	"time"

	"rinca/internal/rinca"
	"rinca/internal/rotation"
	"rinca/internal/schedule"
	"rinca/internal/vault"
)

// Operator is who rotations are asked for by.
const Operator = "watch"

// A Watch looks, as often as the policy says, for what differs between the
// vault and what stacks were deployed with, and submits a rotation.
type Watch struct {
	Rotator *rotation.Rotator
	Submit  func(ctx context.Context, s rinca.Submission) (rinca.Update, error)
	// MinInterval is the shortest time between two looks that the budget of
	// the vault allows; nil means any.
	MinInterval func() time.Duration
	Now         func() time.Time
	Log         *slog.Logger

	failures   int       // in a row
	seen       time.Time // when the change that waits for its run was noticed first
	print      string    // of what was noticed last
	submitted  string    // the print of the last run
	again      time.Time // when that may be run again
	times      int
	containers time.Time // when servers were last asked
}

const (
	askServers  = 10 * time.Minute // between two questions whether containers are those that were deployed
	maxBackoff  = 15 * time.Minute
	firstRepeat = 20 * time.Second
	lastRepeat  = time.Hour
)

// Run looks until ctx ends.
func (w *Watch) Run(ctx context.Context) {
	ctx = vault.Background(ctx)
	for ctx.Err() == nil {
		poked := w.Rotator.Poked()
		t := time.NewTimer(w.step(ctx))
		select {
		case <-ctx.Done():
		case <-poked:
		case <-t.C:
		}
		t.Stop()
	}
}

// step looks once, and returns when to look again.
func (w *Watch) step(ctx context.Context) time.Duration {
	policy, err := w.Rotator.Policy(ctx)
	if err != nil {
		w.Log.Error("read the policy of rotations", "error", err)
		return time.Minute
	}
	if policy.Off {
		w.seen, w.print = time.Time{}, ""
		return time.Hour
	}
	if err := w.look(ctx, policy); err != nil {
		if ctx.Err() == nil {
			w.failures++
			w.Log.Warn("look for changed secrets", "error", err, "failures", w.failures)
		}
	} else {
		w.failures = 0
	}
	return w.pause(policy)
}

// look looks, and submits a rotation when what it found has been there for as
// long as changes are collected.
func (w *Watch) look(ctx context.Context, policy rinca.RotationPolicy) error {
	open, err := w.Rotator.Open(ctx)
	if err != nil {
		return err
	}
	for _, o := range open {
		if o.State == rinca.RotationRunning || o.State == rinca.RotationRollingBack {
			return nil // what it does would be taken for a change
		}
	}
	now := w.Now()
	containers := now.Sub(w.containers) >= askServers || now.Before(w.containers)
	found, err := w.Rotator.Notice(ctx, containers)
	if err != nil {
		return err
	}
	if containers {
		w.containers = now
	}
	if len(found.Stacks) == 0 {
		w.seen, w.print, w.submitted, w.times = time.Time{}, "", "", 0
		return nil
	}
	if now.Before(w.seen) { // the clock was put back
		w.seen = now
	}
	if found.Print != w.print {
		if w.seen.IsZero() || w.print == w.submitted { // what was there was tried already
			w.seen = now
		}
		w.print = found.Print
		if len(open) > 0 {
			w.Rotator.Poke() // one that waits plans anew
		}
	}
	if len(open) > 0 || now.Sub(w.seen) < policy.Collects() {
		return nil
	}
	if found.Print == w.submitted && now.Before(w.again) && w.again.Sub(now) <= lastRepeat {
		return nil // it was tried, and nothing has changed since; a clock that was put back delays nothing
	}
	return w.submit(ctx, found, now)
}

func (w *Watch) submit(ctx context.Context, found rotation.Noticed, now time.Time) error {
	params, err := json.Marshal(rotation.Params{})
	if err != nil {
		return rinca.Errorf(rinca.Internal, "encode the parameters: %w", err)
	}
	u, err := w.Submit(ctx, rinca.Submission{
		Execution: rinca.Execution{Kind: "RotateSecrets", Params: params},
		Operator:  Operator, Trigger: rotation.WatchTrigger, Cause: found.Cause, Join: true,
	})
	if err != nil {
		return err
	}
	w.Log.Info("secrets have changed", "cause", found.Cause, "stacks", len(found.Stacks), "update", u.ID)
	if found.Print != w.submitted {
		w.times = 0
	}
	wait := lastRepeat
	if w.times < 9 {
		wait = min(lastRepeat, firstRepeat<<w.times)
	}
	w.times++
	w.seen, w.submitted, w.again = time.Time{}, found.Print, now.Add(wait)
	w.print = ""
	return nil
}

// pause returns the time until the next look, a little more or less than the
// policy says, so that many servers do not ask at once.
func (w *Watch) pause(policy rinca.RotationPolicy) time.Duration {
	now := w.Now()
	d := policy.Every()
	if policy.Schedule.IsSet() {
		spec, err := schedule.Parse(policy.Schedule, time.Local)
		if err != nil {
			w.Log.Error("read the schedule of rotations", "error", err)
		} else if next := spec.Next(now); !next.IsZero() {
			d = max(time.Second, next.Sub(now))
		}
	}
	if w.MinInterval != nil {
		d = max(d, w.MinInterval())
	}
	if w.failures > 0 {
		d = max(d, min(maxBackoff, d<<min(w.failures-1, 10)))
	}
	d = time.Duration(float64(d) * (0.95 + 0.1*rand.Float64())) //nolint:gosec // jitter
	if !w.seen.IsZero() && w.failures == 0 {
		d = min(d, max(50*time.Millisecond, policy.Collects()-now.Sub(w.seen)))
	}
	return d
}
