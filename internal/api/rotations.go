package api

import (
	"context"
	"encoding/json"
	"slices"

	"rinca/internal/rinca"
	"rinca/internal/rotation"
)

// Rotations carry changed secrets to stacks.
type Rotations interface {
	// Plan says what a rotation would do now.
	Plan(ctx context.Context, p rotation.Params) (rinca.Rotation, error)
	Rotation(ctx context.Context, id string) (rinca.Rotation, error)
	Rotations(ctx context.Context, before string, limit int) ([]rinca.Rotation, error)
	// Approve agrees to a plan of a rotation.
	Approve(ctx context.Context, id, plan, by string) (rinca.Rotation, error)
	Policy(ctx context.Context) (rinca.RotationPolicy, error)
	SetPolicy(ctx context.Context, p rinca.RotationPolicy) (rinca.RotationPolicy, error)
	Freeze(ctx context.Context, by, why string) (rinca.RotationPolicy, error)
	Unfreeze(ctx context.Context) (rinca.RotationPolicy, error)
	Quarantines(ctx context.Context) ([]rinca.Quarantine, error)
	// Quarantined finds one by its id, its item's id or its title.
	Quarantined(ctx context.Context, name string) (rinca.Quarantine, error)
	Release(ctx context.Context, name string) (rinca.Quarantine, error)
}

// rotationRoutes are about rotations, their policy, and what they keep away.
// Who may read one of its stacks sees a rotation, without the other stacks.
func rotationRoutes() []route {
	const one = "/v1/rotations/{id}"
	return []route{
		{
			pattern: "GET /v1/rotations", need: list(), doc: "List rotations of stacks that you may read, the newest first.",
			query: []param{{"limit", "at most so many, up to 500; the default is 50"}, {"before", "only those older than this id"}},
			out:   []rinca.Rotation{}, serve: (*Server).getRotations,
		}, {
			pattern: "GET " + one, need: list(), doc: "Show a rotation: its items, waves and states, of the stacks that you may read.",
			out: rinca.Rotation{}, serve: (*Server).getRotation,
		}, {
			pattern: "POST /v1/rotations/plan", need: list(), audit: "rotation.plan",
			doc: "Say what a rotation would do now, of the stacks that you may read; nothing is changed.",
			in:  rotation.Params{}, out: rinca.Rotation{}, serve: (*Server).postRotationPlan,
		}, {
			pattern: "POST " + one + "/approve", need: ofRotation(rinca.Execute), audit: "rotation.approve",
			doc:   "Agree to a rotation that waits, as it is planned now, or was when you saw it.",
			query: []param{{"plan", "the plan that you saw; another one is not approved"}},
			out:   rinca.Rotation{}, serve: (*Server).postApprove,
		}, {
			pattern: "POST " + one + "/cancel", need: ofRotation(rinca.Execute), audit: "rotation.cancel",
			doc: "Cancel a rotation: one that waits ends, one that runs puts everything back.",
			out: rinca.Rotation{}, status: 202, serve: (*Server).postCancelRotation,
		}, {
			pattern: "POST " + one + "/undo", need: ofRotation(rinca.Execute), audit: "rotation.undo",
			doc: "Bring the stacks of a rotation back to what they were before it, and put its versions into quarantine.",
			out: rinca.Update{}, status: 202, serve: (*Server).postUndo,
		}, {
			pattern: "GET /v1/rotation/policy", need: user(), doc: "Show when changes are looked for, and when they are carried to stacks.",
			out: rinca.RotationPolicy{}, serve: (*Server).getRotationPolicy,
		}, {
			pattern: "PUT /v1/rotation/policy", need: admin(rinca.Write), audit: "rotation.policy",
			doc: "Set that policy; whether rotations are frozen stays as it is.",
			in:  rinca.RotationPolicy{}, out: rinca.RotationPolicy{}, serve: (*Server).putRotationPolicy,
		}, {
			pattern: "POST /v1/rotation/freeze", need: admin(rinca.Write), audit: "rotation.freeze", doc: "Let no rotation begin; one that runs goes on.",
			in: freezeInput{}, out: rinca.RotationPolicy{}, serve: (*Server).postFreeze,
		}, {
			pattern: "POST /v1/rotation/unfreeze", need: admin(rinca.Write), audit: "rotation.unfreeze", doc: "Let rotations begin again.",
			out: rinca.RotationPolicy{}, serve: (*Server).postUnfreeze,
		}, {
			pattern: "GET /v1/quarantine", need: list(), doc: "List versions of items that are kept away because they made a stack fail that you may read.",
			out: []rinca.Quarantine{}, serve: (*Server).getQuarantine,
		}, {
			pattern: "POST /v1/quarantine/release", need: need{access: onQuarantine, level: rinca.Execute, name: from{doc: "the stack that failed with it", body: true}}, audit: "quarantine.release",
			doc: "Let a version out of quarantine, which the next look carries to stacks.",
			in:  releaseInput{}, out: rinca.Quarantine{}, serve: (*Server).postRelease,
		},
	}
}

// ofRotation needs a level on every stack of a rotation.
func ofRotation(level rinca.Level) need {
	return need{access: onRotation, level: level, name: from{doc: "the rotation's stacks"}}
}

type freezeInput struct {
	Why string `json:"why,omitempty"`
}

type releaseInput struct {
	Item string `json:"item"` // its id, vault/item id, or title
}

func (s *Server) rotations() (Rotations, error) {
	if s.cfg.Rotations == nil {
		return nil, rinca.Errorf(rinca.Unavailable, "this server rotates nothing")
	}
	return s.cfg.Rotations, nil
}

func stackTarget(name string) rinca.Target { return rinca.Target{Kind: rinca.KindStack, Name: name} }

// mayReadAll reports whether the caller sees whole rotations.
func (r *request) mayReadAll() bool { return r.may(rinca.Target{Kind: rinca.KindSystem}, rinca.Read) }

// cutRotation leaves what the caller may read; false when that is nothing.
func cutRotation(r *request, rot rinca.Rotation) (rinca.Rotation, bool) {
	if r.mayReadAll() {
		return rot, true
	}
	may := func(stack string) bool { return r.may(stackTarget(stack), rinca.Read) }
	all := len(rot.Stacks) + len(rot.LeftOut)
	rot.Stacks = slices.DeleteFunc(slices.Clone(rot.Stacks), func(s rinca.RotatedStack) bool { return !may(s.Stack) })
	rot.LeftOut = slices.DeleteFunc(slices.Clone(rot.LeftOut), func(l rinca.LeftOut) bool { return !may(l.Stack) })
	items := []rinca.RotatedItem{}
	for _, i := range rot.Items {
		i.Stacks = slices.DeleteFunc(slices.Clone(i.Stacks), func(n string) bool { return !may(n) })
		if len(i.Stacks) > 0 {
			items = append(items, i)
		}
	}
	rot.Items = items
	if len(rot.Stacks)+len(rot.LeftOut) < all { // they name stacks
		rot.Notes, rot.Cause = nil, ""
		if rot.Failed != "" && !may(rot.Failed) {
			rot.Failed, rot.Lines, rot.Error, rot.Summary = "", nil, nil, string(rot.State)
		}
	}
	return rot, len(rot.Stacks)+len(rot.LeftOut) > 0
}

func (s *Server) getRotations(r *request) (any, error) {
	rotations, err := s.rotations()
	if err != nil {
		return nil, err
	}
	limit, err := r.number("limit", 50, 500)
	if err != nil {
		return nil, err
	}
	out := []rinca.Rotation{}
	for before := r.URL.Query().Get("before"); int64(len(out)) < limit; {
		page, err := rotations.Rotations(r.Context(), before, 100)
		if err != nil {
			return nil, err
		}
		for _, rot := range page {
			before = rot.ID
			if rot, ok := cutRotation(r, rot); ok && int64(len(out)) < limit {
				out = append(out, rot)
			}
		}
		if len(page) < 100 {
			break
		}
	}
	return out, nil
}

// readRotation returns a rotation, whole and as the caller may read it. To
// those who may read nothing of it, it does not exist.
func (s *Server) readRotation(r *request) (whole, seen rinca.Rotation, err error) {
	rotations, err := s.rotations()
	if err != nil {
		return whole, seen, err
	}
	id, ok := r.PathValue("id"), false
	if whole, err = rotations.Rotation(r.Context(), id); err == nil {
		seen, ok = cutRotation(r, whole)
	}
	if rinca.CodeOf(err) == rinca.NotFound || err == nil && !ok {
		err = rinca.Errorf(rinca.NotFound, "there is no rotation %q", cut(id)).Try("rinca rotate list")
	}
	return whole, seen, err
}

// wholeRotation returns a rotation, if the caller has a level on all of its
// stacks.
func (s *Server) wholeRotation(r *request, level rinca.Level) (rinca.Rotation, error) {
	whole, _, err := s.readRotation(r)
	if err != nil {
		return rinca.Rotation{}, err
	}
	needs := []rinca.Target{}
	for _, one := range whole.Stacks {
		needs = append(needs, stackTarget(one.Stack))
	}
	for _, one := range whole.LeftOut {
		needs = append(needs, stackTarget(one.Stack))
	}
	if len(needs) == 0 { // what it will be about is not known yet
		needs = append(needs, rinca.Target{Kind: rinca.KindSystem})
	}
	r.target = rinca.Target{Kind: rinca.KindSystem}
	if len(needs) == 1 {
		r.target = needs[0]
	}
	for _, t := range needs {
		if !r.may(t, level) {
			return rinca.Rotation{}, rinca.Errorf(rinca.Forbidden, "this needs the level %s on every stack of the rotation", level)
		}
	}
	return whole, nil
}

func (s *Server) getRotation(r *request) (any, error) {
	_, seen, err := s.readRotation(r)
	return seen, err
}

func (s *Server) postRotationPlan(r *request) (any, error) {
	rotations, err := s.rotations()
	if err != nil {
		return nil, err
	}
	p := *body[rotation.Params](r)
	for _, name := range p.Stacks {
		if err := uses(r, stackTarget(name), rinca.Read); err != nil {
			return nil, err
		}
	}
	rot, err := rotations.Plan(r.Context(), p)
	if err != nil {
		return nil, err
	}
	rot, _ = cutRotation(r, rot)
	return rot, nil
}

func (s *Server) postApprove(r *request) (any, error) {
	plan := r.URL.Query().Get("plan")
	if plan == "" {
		plan = r.rotation.Plan // the rights were checked for it
	}
	rot, err := s.cfg.Rotations.Approve(r.Context(), r.rotation.ID, plan, r.user())
	if err != nil {
		return nil, err
	}
	rot, _ = cutRotation(r, rot)
	return rot, nil
}

func (s *Server) postCancelRotation(r *request) (any, error) {
	return r.rotation, s.cfg.Runner.Cancel(r.Context(), r.rotation.ID)
}

func (s *Server) postUndo(r *request) (any, error) {
	rot := r.rotation
	params, err := json.Marshal(rotation.Params{Undo: rot.ID})
	if err != nil {
		return nil, rinca.Errorf(rinca.Internal, "encode the parameters: %w", err)
	}
	return s.cfg.Runner.Submit(r.Context(), rinca.Submission{
		Execution: rinca.Execution{Kind: "RotateSecrets", Params: params}, Operator: r.user(), Trigger: "api", Cause: "undo of " + rot.ID,
	})
}

func (s *Server) getRotationPolicy(r *request) (any, error) {
	rotations, err := s.rotations()
	if err != nil {
		return nil, err
	}
	return rotations.Policy(r.Context())
}

func (s *Server) putRotationPolicy(r *request) (any, error) {
	rotations, err := s.rotations()
	if err != nil {
		return nil, err
	}
	return rotations.SetPolicy(r.Context(), *body[rinca.RotationPolicy](r))
}

func (s *Server) postFreeze(r *request) (any, error) {
	rotations, err := s.rotations()
	if err != nil {
		return nil, err
	}
	return rotations.Freeze(r.Context(), r.user(), body[freezeInput](r).Why)
}

func (s *Server) postUnfreeze(r *request) (any, error) {
	rotations, err := s.rotations()
	if err != nil {
		return nil, err
	}
	return rotations.Unfreeze(r.Context())
}

// mayQuarantine reports whether the caller has a level on what failed.
func mayQuarantine(r *request, q rinca.Quarantine, level rinca.Level) bool {
	if q.Stack == "" {
		return r.may(rinca.Target{Kind: rinca.KindSystem}, level)
	}
	return r.may(stackTarget(q.Stack), level)
}

func (s *Server) getQuarantine(r *request) (any, error) {
	rotations, err := s.rotations()
	if err != nil {
		return nil, err
	}
	all, err := rotations.Quarantines(r.Context())
	out := []rinca.Quarantine{}
	for _, q := range all {
		if mayQuarantine(r, q, rinca.Read) || r.mayReadAll() {
			out = append(out, q)
		}
	}
	return out, err
}

// quarantined finds what is in quarantine, if the caller has a level on the
// stack that failed with it.
func (s *Server) quarantined(r *request, name string, level rinca.Level) (rinca.Quarantine, error) {
	rotations, err := s.rotations()
	if err != nil {
		return rinca.Quarantine{}, err
	}
	q, err := rotations.Quarantined(r.Context(), name)
	if rinca.CodeOf(err) == rinca.NotFound || err == nil && !mayQuarantine(r, q, rinca.Read) {
		return q, rinca.Errorf(rinca.NotFound, "nothing in quarantine is called %.80q", name).Try("rinca rotate quarantine list")
	}
	if err != nil {
		return q, err
	}
	r.target, r.detail = stackTarget(q.Stack), q.Title
	if !mayQuarantine(r, q, level) {
		return q, rinca.Errorf(rinca.Forbidden, "this needs the level %s on stack %s", level, q.Stack)
	}
	return q, nil
}

func (s *Server) postRelease(r *request) (any, error) {
	return s.cfg.Rotations.Release(r.Context(), r.quarantine.ID)
}
