package deploy

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"time"

	"rinca/internal/rinca"
	"rinca/internal/store"
)

// dependencies refuses a deploy, before anything is touched, while a stack
// that it comes after is missing, was never verified, or is not well. One that
// is still starting is waited for, as long as its own deploy would.
func (j *job) dependencies(ctx context.Context) error {
	if len(j.stack.After) == 0 || j.o.IgnoreDependencies {
		return nil
	}
	return j.rec.Stage(ctx, "Dependencies", func(ctx context.Context) (string, error) {
		for began := time.Now(); ; {
			stacks, wait, err := j.named(ctx, time.Since(began))
			if err == nil && !wait {
				wait, err = j.met(ctx, stacks, time.Since(began))
			}
			if err != nil {
				return "", err
			}
			if !wait {
				return strings.Join(j.stack.After, ", "), nil
			}
			select {
			case <-ctx.Done():
				return "", context.Cause(ctx)
			case <-time.After(500 * time.Millisecond):
			}
		}
	})
}

// named returns the stacks that this one comes after, each of which has been
// deployed and verified once. wait says that one of them is about to be.
func (j *job) named(ctx context.Context, waited time.Duration) (out []*rinca.Stack, wait bool, err error) {
	marks, err := j.DB.Marks(ctx)
	if err != nil {
		return nil, false, err
	}
	verified := map[string]bool{}
	for i := range marks {
		verified[marks[i].Stack] = true
	}
	for _, name := range j.stack.After {
		s, err := j.DB.Stack(ctx, name)
		if rinca.CodeOf(err) == rinca.NotFound {
			return nil, false, rinca.Errorf(rinca.Conflict, "stack %s comes after %s, and there is no such stack", j.stack.Name, name).
				Try("rinca stack set %s --after …, without it", j.stack.Name)
		}
		if err != nil {
			return nil, false, err
		}
		if waited < patience && j.repeated(ctx, name) {
			wait = true
			continue
		}
		if !verified[name] {
			return nil, false, j.unmet(name, "has not been deployed yet")
		}
		if j.unverified(ctx, name) {
			return nil, false, j.unmet(name, "was not verified since its last deploy began")
		}
		if err := j.failedMeanwhile(ctx, name); err != nil {
			return nil, false, err
		}
		out = append(out, &s)
	}
	return out, wait, nil
}

// patience is how long one waits for a stack whose deploy is begun again, or
// that is still starting.
const patience = 2 * time.Minute

// repeated reports whether a deploy that the end of the server has cut off is
// begun again by the run that this one is a part of, too.
func (j *job) repeated(ctx context.Context, name string) bool {
	parent := j.rec.Update().Parent
	if parent == "" {
		return false
	}
	last, err := j.DB.Updates(ctx, store.UpdateFilter{Kind: rinca.KindStack, Name: name, Limit: 1})
	return err == nil && len(last) == 1 && last[0].Parent == parent && (last[0].State == rinca.Interrupted || !last[0].State.Final())
}

// failedMeanwhile refuses a deploy that was asked for before one of a stack that
// it comes after has failed: they were to be deployed together. That stack is
// what it was before, and well; what this one would bring was meant for more.
func (j *job) failedMeanwhile(ctx context.Context, name string) error {
	asked := j.rec.Update().CreatedAt
	last, err := j.DB.Updates(ctx, store.UpdateFilter{Kind: rinca.KindStack, Name: name, Limit: 10})
	if err != nil {
		return err
	}
	for i := range last {
		u := &last[i]
		if !u.State.Final() || !strings.HasPrefix(u.Execution.Kind, "DeployStack") {
			continue
		}
		if u.State == rinca.Succeeded || u.EndedAt.Before(asked) {
			return nil
		}
		return rinca.Errorf(rinca.Conflict, "not deployed, because %s failed", name).
			Try("rinca update show %s; then: rinca stack deploy %s", u.ID, j.stack.Name)
	}
	return nil
}

func (j *job) unmet(name, why string) error {
	return rinca.Errorf(rinca.Conflict, "stack %s comes after %s, which %s", j.stack.Name, name, why).
		Try("rinca stack deploy %s --with-dependencies; or --ignore-dependencies", j.stack.Name)
}

// met asks how the stacks are now: one request for each server. wait says that
// one of them may yet become well.
func (j *job) met(ctx context.Context, stacks []*rinca.Stack, waited time.Duration) (wait bool, err error) {
	byServer := map[string][]*rinca.Stack{}
	var servers []string
	for _, s := range stacks {
		if byServer[s.ServerName()] == nil {
			servers = append(servers, s.ServerName())
		}
		byServer[s.ServerName()] = append(byServer[s.ServerName()], s)
	}
	slices.Sort(servers)
	states := map[string]rinca.StackState{}
	for _, server := range servers {
		for name, s := range j.statesOn(ctx, server, byServer[server]) {
			states[name] = s
		}
	}
	for _, s := range stacks {
		patience := cmp.Or(time.Duration(s.Verify.Timeout), patience)
		switch state := states[s.Name]; state.Status {
		case rinca.StatusHealthy, rinca.StatusRunning, rinca.StatusDone:
		case rinca.StatusStarting:
			if s.Verify.Skip {
				continue
			}
			if waited > patience {
				return false, j.unmet(s.Name, "is still starting after "+patience.String())
			}
			wait = true
		case rinca.StatusUnknown:
			return false, rinca.Errorf(rinca.Unavailable, "stack %s comes after %s, and how that is cannot be told: %s", j.stack.Name, s.Name, state.Error).
				Try("rinca server show %s; or, to deploy all the same: rinca stack deploy %s --ignore-dependencies", s.ServerName(), j.stack.Name)
		default:
			return false, j.unmet(s.Name, "is "+string(state.Status))
		}
	}
	return wait, nil
}
