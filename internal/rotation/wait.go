package rotation

import (
	"context"
	"slices"
	"strings"
	"time"

	"rinca/internal/rinca"
)

// begin plans, waits for what has to be waited for, and plans anew, until the
// rotation may run: then everything that it will touch is kept. done means
// that there is nothing to do.
func (x *run) begin(ctx context.Context) (done bool, err error) {
	if len(x.j.Generated) > 0 { // the server ended after the vault got the new values
		if !x.take() {
			return false, rinca.Errorf(rinca.Conflict, "another rotation runs: %s", x.turnOf())
		}
		return x.start(ctx)
	}
	for waited := false; ; waited = true {
		wake := x.Poked()
		if err := x.replan(ctx, !waited); err != nil {
			return false, err
		}
		if len(x.rot.Stacks) == 0 && len(x.rot.LeftOut) > 0 && x.update.Trigger != WatchTrigger {
			l := x.rot.LeftOut[0]
			return false, rinca.Errorf(rinca.Conflict, "nothing was rotated; %s is left out: %s", l.Stack, l.Why).Try("rinca rotate show %s", x.rot.ID)
		}
		if len(x.rot.Stacks) == 0 && len(x.p.Generate) == 0 {
			return true, x.save(ctx, func() { x.rot.Summary = "nothing to rotate" })
		}
		policy, err := x.Policy(ctx)
		if err != nil {
			return false, err
		}
		why, until := x.waitsFor(policy)
		if why == "" {
			if why, err = x.others(ctx); err != nil {
				return false, err
			}
		}
		if why == "" {
			return x.start(ctx)
		}
		if err := x.wait(ctx, why, until, wake); err != nil {
			return false, err
		}
	}
}

// replan looks again. An approval that was for something else is void.
func (x *run) replan(ctx context.Context, tell bool) error {
	rec := x.rec
	if !tell {
		rec = rec.Quiet()
	}
	if len(x.p.Generate) > 0 {
		rot, err := x.planGenerate(ctx, x.p)
		if err != nil {
			return err
		}
		return x.save(ctx, func() {
			x.rot.Items, x.rot.Stacks, x.rot.Notes = rot.Items, rot.Stacks, rot.Notes
			x.checkApproval()
		})
	}
	byHand := x.update.Trigger != WatchTrigger
	err := rec.Stage(ctx, "Plan", func(ctx context.Context) (string, error) {
		pl, err := x.plan(ctx, x.p, byHand, rec)
		if err != nil {
			return "", err
		}
		x.pl = pl
		return summaryOf(rinca.Rotation{Items: pl.items, Stacks: pl.stacks, Waves: pl.waves}), nil
	})
	if err != nil {
		return err
	}
	return x.save(ctx, func() {
		pl := &x.pl
		x.rot.Items, x.rot.Stacks, x.rot.Waves, x.rot.LeftOut, x.rot.Notes = pl.items, pl.stacks, pl.waves, pl.leftOut, pl.notes
		x.checkApproval()
	})
}

// checkApproval is for a plan that was just made: x.save holds the locks.
func (x *run) checkApproval() {
	x.rot.Plan = PlanOf(x.rot)
	j, err := x.journal(context.Background(), x.rot.ID)
	now, err2 := x.Rotation(context.Background(), x.rot.ID)
	if err == nil && err2 == nil { // somebody may have approved meanwhile
		x.j.Approved, x.j.Canceled, x.rot.ApprovedBy = j.Approved, j.Canceled, now.ApprovedBy
	}
	for _, c := range changes(x.rot) {
		if x.rot.ApprovedBy != "" && !slices.Contains(x.j.Approved, c) {
			x.rot.Notes = append(x.rot.Notes, "more has changed after it was approved by "+x.rot.ApprovedBy)
			x.rot.ApprovedBy, x.j.Approved = "", nil
		}
	}
}

// others says which other rotation is under way, also one that the end of the
// server cut off and that goes on in a moment.
func (x *run) others(ctx context.Context) (string, error) {
	open, err := x.Open(ctx)
	if err != nil {
		return "", err
	}
	for _, o := range open {
		if o.ID == x.rot.ID || o.State != rinca.RotationRunning && o.State != rinca.RotationRollingBack {
			continue
		}
		u, err := x.DB.Update(ctx, o.ID)
		if err == nil && u.State.Final() || rinca.CodeOf(err) == rinca.NotFound {
			continue // it was ended from outside
		}
		return "another rotation runs: " + o.ID, nil
	}
	if !x.take() {
		return "another rotation runs", nil
	}
	return "", nil
}

// How often those who wait look whether they still have to.
const lookAgain = time.Minute

func (x *run) wait(ctx context.Context, why string, until time.Time, wake <-chan struct{}) error {
	if x.rot.Waits != why || x.rot.State != rinca.RotationWaits {
		if err := x.save(ctx, func() { x.rot.State, x.rot.Waits = rinca.RotationWaits, why }); err != nil {
			return err
		}
		x.rec.Say("waiting: %s", why)
		x.rec.Summary("waits: " + why)
		x.rec.Save(ctx)
		if strings.Contains(why, "approves") {
			x.tell(rinca.Alert{
				Type: rinca.AlertRotationWaits, Level: rinca.AlertWarning, Key: "rotation waits " + x.rot.ID, Target: x.target(),
				Message: "a rotation waits for an approval: " + summaryOf(x.rot), Hint: "rinca rotate show " + x.rot.ID + "; rinca rotate approve " + x.rot.ID,
			})
		}
	}
	for {
		d := lookAgain
		if !until.IsZero() {
			d = max(time.Second, min(d, until.Sub(x.Now())))
		}
		t := time.NewTimer(d)
		select {
		case <-ctx.Done():
			t.Stop()
			return context.Cause(ctx)
		case <-wake:
			t.Stop()
			return nil
		case <-t.C:
		}
		policy, err := x.Policy(ctx)
		if err != nil {
			return err
		}
		if now, _ := x.waitsFor(policy); now != why && !strings.HasPrefix(why, "another") {
			return nil
		} else if strings.HasPrefix(why, "another") {
			return nil
		}
	}
}
