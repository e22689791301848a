package rotation

import (
	"context"
	"slices"

	"rinca/internal/rinca"
)

// undo brings every stack of a rotation that has ended back to what it was
// before it, and puts the versions that it carried into quarantine.
func (x *run) undo(ctx context.Context) error {
	old, err := x.undoable(ctx)
	if err != nil {
		return err
	}
	if why, err := x.others(ctx); err != nil || why != "" {
		if err == nil {
			err = rinca.Errorf(rinca.Conflict, "%s", why).Try("rinca rotate list")
		}
		return err
	}
	if err := x.save(ctx, func() {
		x.rot.State, x.rot.Undoes, x.rot.Items, x.rot.Waves = rinca.RotationRunning, old.ID, old.Items, old.Waves
		if x.rot.StartedAt.IsZero() {
			x.rot.StartedAt = x.Now().UTC()
		}
		if len(x.rot.Stacks) == 0 {
			for _, s := range old.Stacks {
				x.rot.Stacks = append(x.rot.Stacks, rinca.RotatedStack{Stack: s.Stack, Server: s.Server, Wave: s.Wave, Services: s.Services, Gate: s.Gate, CanRollBack: true, State: rinca.Queued})
			}
		}
	}); err != nil {
		return err
	}
	var list []rinca.Quarantine
	for _, i := range old.Items {
		if i.Item != "" && i.Held == "" {
			list = append(list, rinca.Quarantine{
				ID: i.Vault + "/" + i.Item, Vault: i.Vault, VaultName: i.VaultName, Item: i.Item, Title: i.Title, Version: i.Version,
				At: x.Now().UTC(), Rotation: x.rot.ID, Why: "the rotation " + old.ID + " was undone by " + x.update.Operator,
			})
		}
	}
	if err := x.putQuarantine(ctx, list); err != nil {
		return err
	}
	last, cancel := lasting(ctx)
	defer cancel()
	err = x.rec.Stage(last, "Restore", func(ctx context.Context) (string, error) {
		return count(len(x.rot.Stacks), "stack"), x.undoAll(ctx, old.ID)
	})
	if last.Err() != nil {
		return context.Cause(last)
	}
	if err != nil {
		return err
	}
	old.UndoneBy = x.rot.ID
	return x.put(ctx, old)
}

// undoable returns the rotation, when it can be taken back.
func (x *run) undoable(ctx context.Context) (rinca.Rotation, error) {
	old, err := x.Rotation(ctx, x.p.Undo)
	switch {
	case err != nil:
		return old, err
	case old.State != rinca.RotationSucceeded:
		return old, rinca.Errorf(rinca.Conflict, "only a rotation that succeeded can be undone; %s is %s", old.ID, old.State)
	case old.UndoneBy != "" && old.UndoneBy != x.rot.ID:
		return old, rinca.Errorf(rinca.Conflict, "it was undone already, by %s", old.UndoneBy)
	case old.Undoes != "":
		return old, rinca.Errorf(rinca.Conflict, "it has undone another rotation itself").Try("rinca rotate quarantine release ITEM lets the new values out again")
	}
	for _, s := range old.Stacks {
		k, err := Keepsakes(x.DB).Get(ctx, old.ID+"/"+s.Stack)
		if err != nil {
			return old, rinca.Errorf(rinca.NotFound, "what %s was before is not kept any more", s.Stack).Because(err)
		}
		if slices.ContainsFunc(x.rot.Stacks, func(r rinca.RotatedStack) bool { return r.Stack == s.Stack && r.Restored == verified }) {
			continue
		}
		mark, err := x.DB.Mark(ctx, s.Stack)
		if err != nil {
			return old, err
		}
		if mark.Commit != k.Value.Commit {
			return old, rinca.Errorf(rinca.Conflict, "%s was deployed from another commit since then: to undo the rotation would take that back, too", s.Stack).
				Try("change the value in the vault instead")
		}
	}
	return old, nil
}

func (x *run) undoAll(ctx context.Context, of string) error {
	for i := len(x.rot.Stacks) - 1; i >= 0; i-- {
		s := x.rot.Stacks[i]
		if s.Restored == verified {
			continue
		}
		e, err := execution("RestoreStack", RestoreParams{Stack: s.Stack, Rotation: of})
		if err != nil {
			return err
		}
		u, err := x.Run(ctx, x.update, "undo "+s.Stack, e)
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if err == nil && u.State != rinca.Succeeded {
			err = updateError(u)
		}
		if saved := x.save(ctx, func() {
			r := &x.rot.Stacks[i]
			r.State, r.RestoredUpdate, r.Restored = u.State, u.ID, verified
			if err != nil {
				r.Restored = "not put back: " + x.rec.Mask(err.Error())
			}
		}); err == nil {
			err = saved
		}
		if err != nil {
			return rinca.Errorf(rinca.CodeOf(err), "put %s back: %w", s.Stack, err).Try("%s", rinca.HintOf(err))
		}
	}
	return nil
}
