package rotation

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"rinca/internal/deploy"
	"rinca/internal/rinca"
	"rinca/internal/vault"
)

// A planned rotation, with what is needed to carry it out.
type planned struct {
	items   []rinca.RotatedItem
	stacks  []rinca.RotatedStack
	waves   int
	leftOut []rinca.LeftOut
	notes   []string
	changed map[string]deploy.Changed // by stack
	left    map[string]deploy.Changed // those that were left out
	after   map[string][]string       // the stacks of the rotation that one waits for
}

// Plan says what a rotation would do now. It changes nothing.
func (r *Rotator) Plan(ctx context.Context, p Params) (rinca.Rotation, error) {
	out := rinca.Rotation{State: rinca.RotationPlanned}
	if err := p.check(); err != nil {
		return out, err
	}
	if p.Undo != "" {
		return out, rinca.Errorf(rinca.Invalid, "undo is not planned: it restores what rinca rotate show %s lists", p.Undo)
	}
	if len(p.Generate) > 0 {
		return r.planGenerate(ctx, p)
	}
	got, err := r.plan(ctx, p, true, r.quiet())
	if err != nil {
		return out, err
	}
	out.Items, out.Stacks, out.Waves, out.LeftOut, out.Notes = got.items, got.stacks, got.waves, got.leftOut, got.notes
	out.Summary = summaryOf(out)
	return out, nil
}

func summaryOf(r rinca.Rotation) string {
	if len(r.Stacks) == 0 {
		return "nothing to rotate"
	}
	n := 0
	for _, s := range r.Stacks {
		n += len(s.Services)
	}
	text := count(len(r.Items), "item") + ", " + count(n, "service") + " of " + count(len(r.Stacks), "stack")
	if r.Waves > 1 {
		text += " in " + count(r.Waves, "wave")
	}
	return text
}

func count(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

// plan looks at what has changed, and makes waves of it. byHand: stacks that
// failed lately are tried again all the same.
func (r *Rotator) plan(ctx context.Context, p Params, byHand bool, rec *deploy.Record) (planned, error) {
	out := planned{changed: map[string]deploy.Changed{}}
	all, err := r.DB.Stacks(ctx)
	if err != nil {
		return out, err
	}
	if err := known(all, p.Stacks); err != nil {
		return out, err
	}
	look, err := r.Deploy.Look(ctx, deploy.LookOptions{Stacks: p.Stacks, Known: r.cleanVersions()})
	if err != nil {
		return out, err
	}
	r.remember(look, len(p.Stacks) > 0)
	out.notes = look.Notes
	for _, c := range look.Changed {
		out.changed[c.Stack.Name] = c
	}
	if len(p.Refs) == 0 && p.Vault == "" {
		missed, err := r.Deploy.Missed(ctx, rec)
		if err != nil {
			return out, err
		}
		for _, s := range missed {
			if _, ok := out.changed[s.Name]; !ok && (len(p.Stacks) == 0 || slices.Contains(p.Stacks, s.Name)) {
				out.changed[s.Name] = deploy.Changed{Stack: s}
			}
		}
	}
	if err := out.choose(p); err != nil {
		return out, err
	}
	if byHand && len(out.changed) == 0 {
		if err := r.areThere(ctx, p); err != nil {
			return out, err
		}
	}
	if err := r.leaveOut(ctx, &out, look, byHand); err != nil {
		return out, err
	}
	if err := r.services(ctx, &out, rec); err != nil {
		return out, err
	}
	out.block(all)
	if err := out.order(all); err != nil {
		return out, err
	}
	out.collect(look.Held)
	return out, nil
}

// areThere finds names of items and vaults that nothing has: with a typing
// error there is nothing to rotate either, and nobody would know.
func (r *Rotator) areThere(ctx context.Context, p Params) error {
	if p.Vault != "" {
		err := r.Deploy.Vault.Use(ctx, func(provider rinca.Provider) error {
			_, err := vault.Find(ctx, provider, p.Vault)
			return err
		})
		if err != nil {
			return err
		}
	}
	for _, ref := range p.Refs {
		used, err := r.Deploy.SecretUses(ctx, ref)
		if err != nil {
			return err
		}
		if len(used.Items)+len(used.Uses) == 0 {
			return rinca.Errorf(rinca.NotFound, "no stack uses %.100q", ref).Try("rinca secret list")
		}
	}
	return nil
}

// known finds names that no stack has.
func known(all []rinca.Stack, names []string) error {
	for _, n := range names {
		if !slices.ContainsFunc(all, func(s rinca.Stack) bool { return s.Name == n }) {
			return rinca.Errorf(rinca.NotFound, "no stack is named %.80q", n).Try("rinca stack list")
		}
	}
	return nil
}

func (r *Rotator) cleanVersions() map[string]int64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	return maps.Clone(r.clean)
}

// remember keeps the versions of vaults in which every reference leads to what
// was deployed. A look at a few stacks says nothing about the others.
func (r *Rotator) remember(look deploy.Look, few bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if few {
		return
	}
	r.clean = look.Vaults
}

// choose leaves what the parameters are about.
func (pl *planned) choose(p Params) error {
	if len(p.Refs) == 0 && p.Vault == "" {
		return nil
	}
	var things []rinca.Thing
	for _, ref := range p.Refs {
		t, err := rinca.ParseThing(ref)
		if err != nil {
			return err
		}
		things = append(things, t)
	}
	maps.DeleteFunc(pl.changed, func(_ string, c deploy.Changed) bool {
		return !slices.ContainsFunc(c.Items, func(i rinca.RotatedItem) bool {
			inVault := p.Vault == "" || p.Vault == i.Vault || strings.EqualFold(p.Vault, i.VaultName)
			return inVault && (len(things) == 0 || slices.ContainsFunc(things, func(t rinca.Thing) bool { return isItem(t, i) }))
		})
	})
	return nil
}

func isItem(t rinca.Thing, i rinca.RotatedItem) bool {
	if t.Name != "" {
		return t.Name == i.Item || strings.EqualFold(t.Name, i.Title)
	}
	return (t.Vault == i.Vault || strings.EqualFold(t.Vault, i.VaultName)) && (t.Item == i.Item || strings.EqualFold(t.Item, i.Title))
}

// leaveOut notes the stacks that cannot be exported, and those that failed a
// short while ago for no fault of a value.
func (r *Rotator) leaveOut(ctx context.Context, pl *planned, look deploy.Look, byHand bool) error {
	for name, err := range look.Blocked {
		pl.leave(name, err.Error())
	}
	if byHand {
		return nil
	}
	retries, err := r.retries(ctx)
	if err != nil {
		return err
	}
	for name, c := range pl.changed {
		if again, ok := retries[name]; ok && r.Now().Before(again.At) && again.Of == versions(name, c.Items) {
			pl.leave(name, fmt.Sprintf("it failed a while ago (%s); it is tried again at %s", again.Why, again.At.Format("15:04")))
		}
	}
	return nil
}

func (pl *planned) leave(stack, why string) {
	if c, ok := pl.changed[stack]; ok {
		if pl.left == nil {
			pl.left = map[string]deploy.Changed{}
		}
		pl.left[stack] = c
	}
	delete(pl.changed, stack)
	if !slices.ContainsFunc(pl.leftOut, func(l rinca.LeftOut) bool { return l.Stack == stack }) {
		pl.leftOut = append(pl.leftOut, rinca.LeftOut{Stack: stack, Why: why})
	}
}

// services asks engines which services would change. A stack whose server
// does not answer is left out.
func (r *Rotator) services(ctx context.Context, pl *planned, rec *deploy.Record) error {
	pass := deploy.NewPass()
	for _, name := range slices.Sorted(maps.Keys(pl.changed)) {
		c := pl.changed[name]
		s := rinca.RotatedStack{Stack: name, Server: c.Stack.ServerName(), State: rinca.Queued}
		plan, gate, err := r.Deploy.PlanChanged(ctx, c, pass, rec.Quiet())
		if ctx.Err() != nil { // that says nothing about the stack
			return context.Cause(ctx)
		}
		if err != nil {
			pl.leave(name, "it cannot be planned: "+err.Error())
			continue
		}
		s.Gate, s.CanRollBack = gate, true
		for _, p := range plan.Services {
			if p.Change != rinca.Keep {
				s.Services = append(s.Services, p)
			}
		}
		pl.stacks = append(pl.stacks, s)
	}
	return nil
}

// block leaves out, too, what belongs together with a stack that is left out:
// those that come after it, and those that read an item which it reads.
func (pl *planned) block(all []rinca.Stack) {
	reach := reachable(all)
	for n := 0; n < len(pl.leftOut); n++ {
		out := pl.leftOut[n].Stack
		for _, name := range slices.Sorted(maps.Keys(pl.changed)) {
			switch {
			case reach[name][out]:
				pl.leave(name, "it comes after "+out+", which is left out")
			case shares(pl.changed[name], pl.left[out]):
				pl.leave(name, "it reads an item that "+out+" reads, too, which is left out")
			}
		}
	}
	pl.stacks = slices.DeleteFunc(pl.stacks, func(s rinca.RotatedStack) bool {
		_, ok := pl.changed[s.Stack]
		return !ok
	})
}

// shares reports whether two stacks read an item that has changed.
func shares(a, b deploy.Changed) bool {
	return slices.ContainsFunc(a.Items, func(i rinca.RotatedItem) bool {
		return slices.ContainsFunc(b.Items, func(j rinca.RotatedItem) bool { return i.Item != "" && i.Vault == j.Vault && i.Item == j.Item })
	})
}

// reachable says which stacks each one comes after, directly or not.
func reachable(all []rinca.Stack) map[string]map[string]bool {
	after := map[string][]string{}
	for i := range all {
		after[all[i].Name] = all[i].After
	}
	out := make(map[string]map[string]bool, len(all))
	for i := range all {
		seen := map[string]bool{}
		next := slices.Clone(all[i].After)
		for len(next) > 0 {
			name := next[0]
			next = next[1:]
			if !seen[name] {
				seen[name] = true
				next = append(next, after[name]...)
			}
		}
		out[all[i].Name] = seen
	}
	return out
}

// order sorts the stacks into waves. A stack comes after those that it names
// in After, also by way of stacks that the rotation does not touch.
func (pl *planned) order(all []rinca.Stack) error {
	reach := reachable(all)
	pl.after = map[string][]string{}
	var list []rinca.Stack
	for _, s := range pl.stacks {
		one := rinca.Stack{Name: s.Stack}
		for _, other := range pl.stacks {
			if reach[s.Stack][other.Stack] && other.Stack != s.Stack {
				one.After = append(one.After, other.Stack)
			}
		}
		slices.Sort(one.After)
		pl.after[s.Stack] = one.After
		list = append(list, one)
	}
	waves, err := deploy.Waves(list)
	if err != nil {
		return err
	}
	at := map[string]int{}
	for n, wave := range waves {
		for i := range wave {
			at[wave[i].Name] = n + 1
		}
	}
	for i := range pl.stacks {
		pl.stacks[i].Wave = at[pl.stacks[i].Stack]
	}
	slices.SortFunc(pl.stacks, func(a, b rinca.RotatedStack) int {
		return cmp.Or(cmp.Compare(a.Wave, b.Wave), cmp.Compare(a.Stack, b.Stack))
	})
	pl.waves = len(waves)
	return nil
}

// collect merges the items of all stacks.
func (pl *planned) collect(held []rinca.RotatedItem) {
	byID := map[string]*rinca.RotatedItem{}
	add := func(i rinca.RotatedItem) {
		id := i.Vault + "/" + i.Item + "/" + i.Title
		have := byID[id]
		if have == nil {
			byID[id] = &i
			return
		}
		have.Keys = sortedNames(append(have.Keys, i.Keys...))
		have.Stacks = sortedNames(append(have.Stacks, i.Stacks...))
	}
	for _, s := range pl.stacks {
		for _, i := range pl.changed[s.Stack].Items {
			add(i)
		}
	}
	for _, i := range held {
		add(i)
	}
	for _, id := range slices.Sorted(maps.Keys(byID)) {
		pl.items = append(pl.items, *byID[id])
	}
	slices.SortFunc(pl.items, func(a, b rinca.RotatedItem) int {
		return cmp.Or(cmp.Compare(a.VaultName, b.VaultName), cmp.Compare(a.Title, b.Title))
	})
	slices.SortFunc(pl.leftOut, func(a, b rinca.LeftOut) int { return cmp.Compare(a.Stack, b.Stack) })
}

func sortedNames(names []string) []string {
	out := slices.Clone(names)
	slices.Sort(out)
	return slices.Compact(out)
}

// check finds what is wrong with parameters by themselves.
func (p *Params) check() error {
	for _, s := range p.Stacks {
		if !rinca.ValidStackName(s) {
			return rinca.Errorf(rinca.Invalid, "%.80q cannot be the name of a stack", s)
		}
	}
	for _, ref := range p.Refs {
		if _, err := rinca.ParseThing(ref); err != nil {
			return err
		}
	}
	for _, ref := range p.Generate {
		if _, err := rinca.ParseSecretRef(ref); err != nil {
			return err
		}
	}
	if p.Undo != "" && (len(p.Stacks)+len(p.Refs)+len(p.Generate) > 0 || p.Vault != "") {
		return rinca.Errorf(rinca.Invalid, "undo takes back a whole rotation, and nothing else")
	}
	if p.Recipe != "" && len(p.Generate) == 0 {
		return rinca.Errorf(rinca.Invalid, "a recipe is for generate")
	}
	return nil
}

// Check finds what is wrong with parameters.
func (p Params) Check() error { return p.check() }
