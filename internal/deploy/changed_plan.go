package deploy

import (
	"context"
	"slices"

	"rinca/internal/rinca"
	"rinca/internal/store"
)

// PlanChanged says what deploying a stack with its changed secrets would do:
// which services would be replaced, and why. It writes nothing and asks no
// vault; gate is what has to be so afterwards, in words.
func (d *Deployer) PlanChanged(ctx context.Context, c Changed, pass *Pass, rec *Record) (plan rinca.Plan, gate string, err error) {
	j, err := d.newJob(ctx, Options{Stack: c.Stack.Name, SkipSecrets: true, AsDeployed: true}, rec)
	if err != nil {
		return rinca.Plan{}, "", err
	}
	j.planning, j.looking, j.pass = true, true, pass
	g, err := d.goodGeneration(ctx, c.Stack.Name)
	if err != nil {
		return rinca.Plan{}, "", err
	}
	if j.vars, err = d.changedVariables(ctx, c, g); err != nil {
		return rinca.Plan{}, "", err
	}
	for _, s := range []struct {
		name string
		run  func(context.Context) (string, error)
	}{{"Source", j.source}, {"Interpolate", j.interpolate}, {"Secrets", j.secrets}, {"Load", j.load}, {"Plan", func(ctx context.Context) (string, error) {
		for path := range c.written {
			j.exported.changed[path] = c.Files[path]
		}
		return j.makePlan(ctx)
	}}} {
		if err := rec.Stage(ctx, s.name, s.run); err != nil {
			return rinca.Plan{}, "", err
		}
	}
	return MaskPlan(j.plan, rec.mask), j.gate(), nil
}

// changedVariables are the variables of a stack: references have the values
// that were found to differ, or those that it was deployed with.
func (d *Deployer) changedVariables(ctx context.Context, c Changed, g generation) (*variables, error) {
	v, err := d.loadVariables(ctx, c.Stack.Name)
	if err != nil {
		return nil, err
	}
	for name, x := range v.all {
		if x.From == "" {
			continue
		}
		if value, ok := c.values[name]; ok {
			v.values[name] = value
		} else if old, ok := g.Variables[name]; ok {
			v.values[name] = rinca.NewSecret(old)
		}
	}
	return v, nil
}

// gate says when a deploy of the stack counts as good.
func (j *job) gate() string {
	if j.stack.Verify.Skip {
		return "nothing is verified"
	}
	var health, once, up int
	for _, s := range j.facts.Services {
		switch {
		case s.Health:
			health++
		case s.OneShot:
			once++
		default:
			up++
		}
	}
	text := ""
	add := func(n int, what string) {
		if n == 0 {
			return
		}
		if text != "" {
			text += ", "
		}
		text += plural(n, "service") + " " + what
	}
	add(health, "healthy")
	add(up, "up")
	add(once, "ended with 0")
	return text
}

// containersOf is which containers of a stack are known to have been made
// from what was deployed.
type containersOf struct {
	IDs []string `json:"ids"`
}

func (d *Deployer) knownContainers() store.Records[containersOf] {
	return store.RecordsOf[containersOf](d.DB, "containers")
}

// Missed finds stacks with a container that was not made from what was last
// deployed: it missed its restart, or somebody made it by hand. It costs one
// request for each server, and a closer look at stacks whose containers are
// others than at the last look. Stacks that are stopped or down are left alone.
func (d *Deployer) Missed(ctx context.Context, rec *Record) ([]rinca.Stack, error) {
	marks, err := d.DB.Marks(ctx)
	if err != nil {
		return nil, err
	}
	deployed := map[string]bool{}
	for i := range marks {
		deployed[marks[i].Stack] = true
	}
	recs, err := d.knownContainers().List(ctx, store.RecordFilter{})
	if err != nil {
		return nil, err
	}
	known := map[string][]string{}
	for i := range recs {
		known[recs[i].ID] = recs[i].Value.IDs
	}
	stacks, err := d.DB.Stacks(ctx)
	if err != nil {
		return nil, err
	}
	states, err := d.States(ctx)
	if err != nil {
		return nil, err
	}
	var out []rinca.Stack
	pass := NewPass()
	for i := range stacks {
		s := stacks[i]
		state := states[s.Name]
		if !deployed[s.Name] || state.Status == rinca.StatusUnknown || state.Status == rinca.StatusDown || state.Status == rinca.StatusStopped {
			continue
		}
		ids := idsOf(state)
		if len(ids) == 0 || slices.Equal(ids, known[s.Name]) {
			continue
		}
		missed, err := d.missed(ctx, s, pass, rec)
		if err != nil {
			d.Log.Debug("look at the containers of a stack", "stack", s.Name, "error", rec.mask(err.Error()))
			continue // a deploy says what is wrong with it
		}
		if missed {
			out = append(out, s)
			continue
		}
		if err := d.knownContainers().Put(ctx, store.Record[containersOf]{ID: s.Name, At: d.Now().UTC(), Value: containersOf{ids}}); err != nil {
			return out, err
		}
	}
	return out, nil
}

// idsOf returns the ids of the containers of a state, sorted.
func idsOf(s rinca.StackState) []string {
	var ids []string
	for _, c := range s.Services {
		ids = append(ids, c.ID)
	}
	slices.Sort(ids)
	return ids
}

// missed reports whether a service would be replaced for the sake of its
// values, by a deploy of what was deployed last.
func (d *Deployer) missed(ctx context.Context, s rinca.Stack, pass *Pass, rec *Record) (bool, error) {
	plan, _, err := d.PlanChanged(ctx, Changed{Stack: s}, pass, rec.Quiet())
	if err != nil {
		return false, err
	}
	for _, p := range plan.Services {
		if p.Change == rinca.Recreate && slices.ContainsFunc(p.Reasons, func(r rinca.Reason) bool {
			switch r.Kind {
			case "environment", "env_file", "secret", "config_file", "mount", "config":
				return true
			}
			return false
		}) {
			return true, nil
		}
	}
	return false, nil
}
