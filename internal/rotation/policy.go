package rotation

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"time"

	"rinca/internal/rinca"
	"rinca/internal/store"
)

const policySetting = "rotation policy"

// Policy returns the policy; the zero one when none was set.
func (r *Rotator) Policy(ctx context.Context) (rinca.RotationPolicy, error) {
	return store.SettingJSON[rinca.RotationPolicy](ctx, r.DB, policySetting)
}

// SetPolicy checks and stores the policy. Whether rotations are frozen stays
// as it is.
func (r *Rotator) SetPolicy(ctx context.Context, p rinca.RotationPolicy) (rinca.RotationPolicy, error) {
	if err := p.Check(); err != nil {
		return p, err
	}
	now, err := r.Policy(ctx)
	if err != nil {
		return p, err
	}
	p.Frozen, p.FrozenBy, p.FrozenWhy, p.FrozenAt = now.Frozen, now.FrozenBy, now.FrozenWhy, now.FrozenAt
	return p, r.putPolicy(ctx, p)
}

func (r *Rotator) putPolicy(ctx context.Context, p rinca.RotationPolicy) error {
	defer r.Poke()
	return store.PutSettingJSON(ctx, r.DB, policySetting, p)
}

// Freeze lets no rotation begin until Unfreeze. One that runs goes on.
func (r *Rotator) Freeze(ctx context.Context, by, why string) (rinca.RotationPolicy, error) {
	if len(why) > 500 {
		return rinca.RotationPolicy{}, rinca.Errorf(rinca.Invalid, "the reason is longer than 500 bytes")
	}
	p, err := r.Policy(ctx)
	if err != nil {
		return p, err
	}
	p.Frozen, p.FrozenBy, p.FrozenWhy, p.FrozenAt = true, by, why, r.Now().UTC()
	return p, r.putPolicy(ctx, p)
}

// Unfreeze lets rotations begin again.
func (r *Rotator) Unfreeze(ctx context.Context) (rinca.RotationPolicy, error) {
	p, err := r.Policy(ctx)
	if err != nil {
		return p, err
	}
	p.Frozen, p.FrozenBy, p.FrozenWhy, p.FrozenAt = false, "", "", time.Time{}
	return p, r.putPolicy(ctx, p)
}

// waitsFor says what a rotation has to wait for, in words, and until when as
// far as that is known; "" for nothing.
func (x *run) waitsFor(p rinca.RotationPolicy) (why string, until time.Time) {
	if p.Frozen {
		why = "rotations are frozen"
		if p.FrozenBy != "" {
			why += " by " + p.FrozenBy
		}
		if p.FrozenWhy != "" {
			why += ": " + p.FrozenWhy
		}
		return why, time.Time{}
	}
	if p.Approve && x.rot.ApprovedBy == "" {
		return "it waits until somebody approves it", time.Time{}
	}
	if x.p.Now {
		return "", time.Time{}
	}
	open, next := p.Open(x.Now())
	switch {
	case open:
		return "", time.Time{}
	case next.IsZero():
		return "no window opens within two weeks", time.Time{}
	}
	return fmt.Sprintf("the next window opens at %s", next.Format("15:04 MST on Mon 2 Jan")), next
}

// changes lists what a plan would carry, so that an approval is for just that.
func changes(rot rinca.Rotation) []string {
	var out []string
	for _, i := range rot.Items {
		out = append(out, fmt.Sprintf("item %s/%s@%d", i.Vault, i.Item, i.Version))
	}
	for _, s := range rot.Stacks {
		out = append(out, "stack "+s.Stack)
	}
	slices.Sort(out)
	return out
}

// PlanOf names what a rotation is to do.
func PlanOf(rot rinca.Rotation) string {
	sum := sha256.Sum256([]byte(strings.Join(changes(rot), "\n")))
	return hex.EncodeToString(sum[:6])
}

// Approve agrees to a rotation that waits, as it was planned when somebody saw
// it: another plan is a Conflict.
func (r *Rotator) Approve(ctx context.Context, id, plan, by string) (rinca.Rotation, error) {
	r.mu.Lock()
	rot, err := r.approve(ctx, id, plan, by)
	r.mu.Unlock()
	if err == nil {
		r.Poke()
	}
	return rot, err
}

func (r *Rotator) approve(ctx context.Context, id, plan, by string) (rinca.Rotation, error) {
	rot, err := r.Rotation(ctx, id)
	if err != nil {
		return rot, err
	}
	if rot.State != rinca.RotationWaits {
		return rot, rinca.Errorf(rinca.Conflict, "the rotation does not wait: it is %s", rot.State).Try("rinca rotate show %s", id)
	}
	if plan != PlanOf(rot) {
		return rot, rinca.Errorf(rinca.Conflict, "what the rotation would do has changed since it was looked at; nothing was approved").
			Try("look again, and approve that: rinca rotate show %s", id)
	}
	j, err := r.journal(ctx, id)
	if err != nil {
		return rot, err
	}
	rot.ApprovedBy, j.Approved = by, changes(rot)
	if err := r.journals().Put(ctx, store.Record[journal]{ID: id, At: rot.CreatedAt, Value: j}); err != nil {
		return rot, err
	}
	return rot, r.put(ctx, rot)
}

func (r *Rotator) journal(ctx context.Context, id string) (journal, error) {
	rec, err := r.journals().Get(ctx, id)
	if rinca.CodeOf(err) == rinca.NotFound {
		return journal{}, nil
	}
	return rec.Value, err
}

// put stores a rotation as it is now.
func (r *Rotator) put(ctx context.Context, rot rinca.Rotation) error {
	key := openKey
	if rot.State.Final() {
		key = ""
	}
	return Collection(r.DB).Put(context.WithoutCancel(ctx), store.Record[rinca.Rotation]{ID: rot.ID, Key: key, At: rot.CreatedAt, Value: rot})
}
