package rotation

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"sync"

	"rinca/internal/deploy"
	"rinca/internal/rinca"
	"rinca/internal/store"
)

// A run is one rotation under way.
type run struct {
	*Rotator
	p      Params
	rec    *deploy.Record
	update rinca.Update
	pl     planned

	mu  sync.Mutex // of what follows, and of writing it down
	rot rinca.Rotation
	j   journal
}

// Rotate carries out a rotation, or goes on with it after the server has
// ended. It returns when every stack is verified: with the new values, or with
// the old ones.
func (r *Rotator) Rotate(ctx context.Context, p Params, rec *deploy.Record) error {
	if err := p.check(); err != nil {
		return err
	}
	x := &run{Rotator: r, p: p, rec: rec, update: rec.Update()}
	if err := x.load(ctx); err != nil {
		return err
	}
	defer x.release()
	err := x.run(ctx)
	if errors.Is(context.Cause(ctx), deploy.ErrStopping) {
		return err // it goes on when the server has started again
	}
	return x.end(ctx, err)
}

// load finds how far it was.
func (x *run) load(ctx context.Context) error {
	rot, err := x.Rotation(ctx, x.update.ID)
	if err == nil {
		x.rot = rot
		x.j, err = x.journal(ctx, x.update.ID)
		return err
	}
	if rinca.CodeOf(err) != rinca.NotFound {
		return err
	}
	x.rot = rinca.Rotation{
		ID: x.update.ID, State: rinca.RotationPlanned, Operator: x.update.Operator, Trigger: x.update.Trigger, Cause: x.update.Cause,
		CreatedAt: x.Now().UTC(),
	}
	return x.save(ctx, nil)
}

// save changes the rotation, and writes it and its journal down. It does not
// end with ctx: what was done has to be known.
func (x *run) save(ctx context.Context, change func()) error {
	ctx = context.WithoutCancel(ctx)
	x.mu.Lock()
	defer x.mu.Unlock()
	x.Rotator.mu.Lock() // an approval is read, and may not come before it is written
	defer x.Rotator.mu.Unlock()
	if change != nil {
		change()
	}
	if err := x.journals().Put(ctx, store.Record[journal]{ID: x.rot.ID, At: x.rot.CreatedAt, Value: x.j}); err != nil {
		return err
	}
	return x.put(ctx, x.rot)
}

func (x *run) run(ctx context.Context) error {
	if x.p.Undo != "" {
		return x.undo(ctx)
	}
	if x.rot.State == rinca.RotationPlanned || x.rot.State == rinca.RotationWaits {
		done, err := x.begin(ctx)
		if err != nil && len(x.j.Generated) > 0 && !errors.Is(context.Cause(ctx), deploy.ErrStopping) {
			return x.back(ctx, failure{err: err}) // the vault has the new values
		}
		if done || err != nil {
			return err
		}
	}
	if !x.take() {
		return rinca.Errorf(rinca.Conflict, "another rotation runs: %s", x.turnOf())
	}
	if x.rot.State == rinca.RotationRunning {
		if err := x.carry(ctx); err == nil || errors.Is(context.Cause(ctx), deploy.ErrStopping) {
			return err
		} else if x.rot.State == rinca.RotationRunning {
			return x.back(ctx, failure{err: err})
		}
	}
	return x.back(ctx, failure{})
}

// take gets the turn; false when another rotation has it.
func (x *run) take() bool {
	x.Rotator.mu.Lock()
	defer x.Rotator.mu.Unlock()
	if x.turn != "" && x.turn != x.rot.ID {
		return false
	}
	x.turn = x.rot.ID
	return true
}

func (r *Rotator) turnOf() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.turn
}

func (x *run) release() {
	x.Rotator.mu.Lock()
	if x.turn == x.rot.ID {
		x.turn = ""
	}
	x.Rotator.mu.Unlock()
	x.Poke()
}

// start keeps what is to be touched, and writes down that it runs.
func (x *run) start(ctx context.Context) (done bool, err error) {
	x.tell(rinca.Alert{Type: rinca.AlertRotationWaits, Key: "rotation waits " + x.rot.ID, Target: x.target(), Resolved: true})
	if len(x.p.Generate) > 0 {
		if err := x.generate(ctx); err != nil {
			return false, err
		}
		p := x.p
		p.Refs, p.Generate = append(slices.Clone(p.Refs), generatedItems(x.j.Generated)...), nil
		pl, err := x.plan(ctx, p, true, x.rec.Quiet())
		for _, l := range pl.leftOut {
			if err == nil && slices.ContainsFunc(x.rot.Stacks, func(s rinca.RotatedStack) bool { return s.Stack == l.Stack }) {
				err = rinca.Errorf(rinca.Conflict, "the new value cannot be carried to %s: %s", l.Stack, l.Why)
			}
		}
		if err == nil {
			x.pl = pl
			err = x.save(ctx, func() {
				x.rot.Items, x.rot.Stacks, x.rot.Waves, x.rot.LeftOut, x.rot.Notes = pl.items, pl.stacks, pl.waves, pl.leftOut, pl.notes
				markGenerated(x.rot.Items, x.j.Generated)
				x.rot.State, x.rot.Waits, x.rot.StartedAt = rinca.RotationRunning, "", x.Now().UTC()
			})
		}
		if err != nil {
			return false, err
		}
	}
	for i := range x.rot.Stacks {
		if err := x.keep(ctx, &x.rot.Stacks[i]); err != nil {
			return false, err
		}
	}
	return false, x.save(ctx, func() {
		x.rot.State, x.rot.Waits, x.j.Kept = rinca.RotationRunning, "", true
		if x.rot.StartedAt.IsZero() {
			x.rot.StartedAt = x.Now().UTC()
		}
	})
}

// keep puts the generation of a stack aside, with its values, sealed.
func (x *run) keep(ctx context.Context, s *rinca.RotatedStack) error {
	k, err := x.Deploy.Keep(ctx, s.Stack)
	if err != nil {
		return err
	}
	k.Made = x.pl.changed[s.Stack].New()
	return Keepsakes(x.DB).Put(ctx, store.Record[deploy.Keepsake]{ID: x.rot.ID + "/" + s.Stack, Key: x.rot.ID, At: x.Now().UTC(), Value: k})
}

// carry exports and deploys.
func (x *run) carry(ctx context.Context) error {
	if !x.j.Kept { // the server ended between a new value and its generations
		if _, err := x.start(ctx); err != nil {
			return err
		}
	}
	if len(x.rot.Stacks) == 0 {
		return nil
	}
	if !x.j.Exported {
		if err := x.rec.Stage(ctx, "Export", x.export); err != nil {
			return err
		}
	}
	return x.rec.Stage(ctx, "Deploy", func(ctx context.Context) (string, error) {
		if err := x.deployAll(ctx); err != nil {
			return "", err
		}
		return count(len(x.rot.Stacks), "stack") + " verified", nil
	})
}

// export writes the files of every stack of the rotation, and notes what their
// contents are.
func (x *run) export(ctx context.Context) (string, error) {
	var stacks []rinca.Stack
	for _, s := range x.rot.Stacks {
		stack, err := x.DB.Stack(ctx, s.Stack)
		if err != nil {
			return "", err
		}
		stacks = append(stacks, stack)
	}
	got, err := x.Deploy.ExportStacks(ctx, stacks, x.rec)
	if err != nil {
		return "", err
	}
	for _, s := range x.rot.Stacks {
		if err := got.Failed[s.Stack]; err != nil {
			return "", rinca.Errorf(rinca.CodeOf(err), "export the secrets of %s: %w", s.Stack, err).Try("%s", rinca.HintOf(err))
		}
	}
	expect := map[string]map[string]string{}
	for i := range stacks {
		if expect[stacks[i].Name], err = x.Deploy.ExportedDigests(&stacks[i]); err != nil {
			return "", err
		}
	}
	return count(len(stacks), "stack"), x.save(ctx, func() {
		x.j.Exported, x.j.Expect = true, expect
		for i := range x.rot.Items {
			item := &x.rot.Items[i]
			if v := got.Versions[[2]string{item.Vault, item.Item}]; v > item.Version && item.Held == "" {
				item.Version = v // it changed again after the plan
			}
		}
	})
}

// execution makes an execution of a kind.
func execution(kind string, params any) (rinca.Execution, error) {
	data, err := json.Marshal(params)
	if err != nil {
		return rinca.Execution{}, rinca.Errorf(rinca.Internal, "encode the parameters: %w", err)
	}
	return rinca.Execution{Kind: kind, Params: data}, nil
}

// lasting is a context for what must not be cut off by somebody who cancels
// the rotation: it goes back safely instead. It ends when the server stops.
func lasting(ctx context.Context) (context.Context, func()) {
	out, cancel := context.WithCancelCause(context.WithoutCancel(ctx))
	stop := context.AfterFunc(ctx, func() {
		if errors.Is(context.Cause(ctx), deploy.ErrStopping) {
			cancel(deploy.ErrStopping)
		}
	})
	return out, func() { stop(); cancel(nil) }
}

func (x *run) target() rinca.Target {
	if len(x.rot.Stacks) == 1 {
		return rinca.Target{Kind: rinca.KindStack, Name: x.rot.Stacks[0].Stack}
	}
	return rinca.Target{Kind: rinca.KindStack, Name: "*"}
}

func (x *run) tell(a rinca.Alert) {
	if x.Alert == nil {
		return
	}
	if a.Update == "" {
		a.Update = x.rot.ID
	}
	x.Alert(a)
}

// end closes the rotation.
func (x *run) end(ctx context.Context, err error) error {
	ctx = context.WithoutCancel(ctx)
	state := x.rot.State
	if !state.Final() {
		state = rinca.RotationSucceeded
		switch {
		case err != nil && rinca.CodeOf(err) == rinca.Canceled:
			state = rinca.RotationCanceled
		case err != nil:
			state = rinca.RotationFailed
		}
	}
	if saved := x.save(ctx, func() {
		x.rot.State, x.rot.Waits, x.rot.EndedAt = state, "", x.Now().UTC()
		if err != nil && x.rot.Error == nil {
			x.rot.Error = &rinca.UpdateError{Code: rinca.CodeOf(err), Message: x.rec.Mask(err.Error()), Hint: x.rec.Mask(rinca.HintOf(err))}
		}
		if x.rot.Summary == "" {
			x.rot.Summary = summaryOf(x.rot)
		}
	}); saved != nil && err == nil {
		err = saved
	}
	x.rec.Summary(x.rot.Summary)
	if state == rinca.RotationSucceeded {
		x.well(ctx)
	}
	x.tell(rinca.Alert{Type: rinca.AlertRotationWaits, Key: "rotation waits " + x.rot.ID, Target: x.target(), Resolved: true})
	x.prune(ctx)
	return err
}

// well resolves what was told of stacks that are well now.
func (x *run) well(ctx context.Context) {
	var names []string
	for _, s := range x.rot.Stacks {
		names = append(names, s.Stack)
		x.tell(rinca.Alert{Type: rinca.AlertRotationFailed, Key: failedKey(s.Stack), Target: rinca.Target{Kind: rinca.KindStack, Name: s.Stack}, Resolved: true})
	}
	if err := x.retryNoMore(ctx, names); err != nil {
		x.Log.Error("forget failures", "error", err)
	}
	if x.rot.Undoes == "" {
		if err := x.superseded(ctx, x.rot.Items); err != nil {
			x.Log.Error("let older versions out of quarantine", "error", err)
		}
	}
}

func failedKey(stack string) string { return fmt.Sprintf("rotation of %s failed", stack) }

// What is kept of rotations: enough to undo the last ones.
const (
	keepRotations   = 500
	keepGenerations = 20 // rotations whose generations are kept
)

func (x *run) prune(ctx context.Context) {
	err := Collection(x.DB).Prune(ctx, x.Now().AddDate(-1, 0, 0), keepRotations)
	list, err2 := Collection(x.DB).List(ctx, store.RecordFilter{Limit: keepGenerations + 200})
	if err = errors.Join(err, err2); err == nil && len(list) > keepGenerations {
		for _, old := range list[keepGenerations:] {
			if !old.Value.State.Final() {
				continue
			}
			var ids []string
			for _, s := range old.Value.Stacks {
				ids = append(ids, old.ID+"/"+s.Stack)
			}
			if len(ids) == 0 {
				continue
			}
			err = errors.Join(err, Keepsakes(x.DB).Delete(ctx, ids...))
		}
		last := list[min(len(list)-1, keepGenerations-1)]
		err = errors.Join(err, x.journals().Prune(ctx, last.At, 0))
	}
	if err != nil {
		x.Log.Error("remove old rotations", "error", err)
	}
}
