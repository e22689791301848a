package deploy

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"rinca/internal/rinca"
	"rinca/internal/store"
)

// DriftOptions say what is looked at, and how closely.
type DriftOptions struct {
	Stacks []string // none means all
	// Deep reads the real environment and files of containers; else their
	// labels are believed.
	Deep bool
	// Borrow keeps a stack from being deployed while it is looked at; false
	// when it is busy. nil keeps nothing.
	Borrow func(stack string) (release func(), ok bool)
}

// Drift compares every value of stacks in the vault, in the exported file and
// in the running container, by keyed digests. It changes nothing. What cannot
// be asked is unknown, and no error; for all stacks together the vault is
// asked once.
func (d *Deployer) Drift(ctx context.Context, o DriftOptions) (rinca.DriftReport, error) {
	c := &driftCheck{Deployer: d, o: o, pass: NewPass(), at: d.Now().UTC(), mask: d.Known.Masker().String}
	if err := c.load(ctx); err != nil {
		return rinca.DriftReport{}, err
	}
	c.askVault(ctx)
	out := rinca.DriftReport{At: c.at, Deep: o.Deep, Stacks: make([]rinca.StackDrift, len(c.stacks)), Requests: c.requests, Notes: c.notes}
	var g errgroup.Group
	g.SetLimit(4)
	for i := range c.stacks {
		g.Go(func() error {
			out.Stacks[i] = c.stack(ctx, c.stacks[i])
			return nil
		})
	}
	_ = g.Wait() // what fails is in the state of its stack
	if ctx.Err() != nil {
		return rinca.DriftReport{}, canceled(ctx)
	}
	out.Count()
	return out, nil
}

// A driftCheck is one look at several stacks.
type driftCheck struct {
	*Deployer
	o        DriftOptions
	pass     *Pass
	at       time.Time
	mask     func(string) string
	stacks   []rinca.Stack
	marks    map[string]store.Mark
	files    map[string]vaultFile // by "stack/title"
	wrong    map[string]string    // why the items of a stack could not be compared
	refs     map[string]refValue  // by the text of the reference
	vars     []rinca.Variable
	requests int
	notes    []string
}

func (c *driftCheck) load(ctx context.Context) error {
	all, err := c.DB.Stacks(ctx)
	if err != nil {
		return err
	}
	for _, name := range c.o.Stacks {
		if !slices.ContainsFunc(all, func(s rinca.Stack) bool { return s.Name == name }) {
			return rinca.Errorf(rinca.NotFound, "no stack is named %.80q", name).Try("rinca stack list")
		}
	}
	for i := range all {
		if len(c.o.Stacks) == 0 || slices.Contains(c.o.Stacks, all[i].Name) {
			c.stacks = append(c.stacks, all[i])
		}
	}
	marks, err := c.DB.Marks(ctx)
	if err != nil {
		return err
	}
	c.marks = map[string]store.Mark{}
	for i := range marks {
		c.marks[marks[i].Stack] = marks[i]
	}
	c.vars, err = c.DB.Variables(ctx)
	return err
}

// stack compares one stack.
func (c *driftCheck) stack(ctx context.Context, s rinca.Stack) rinca.StackDrift {
	w := &stackCheck{driftCheck: c, s: s, covered: map[string]bool{}}
	w.out = rinca.StackDrift{Stack: s.Name, Server: s.ServerName(), At: c.at, Deep: c.o.Deep}
	w.compare(ctx)
	out := w.out
	slices.SortStableFunc(out.Keys, func(a, b rinca.DriftKey) int {
		return cmp.Or(cmp.Compare(a.Service, b.Service), cmp.Compare(a.Via, b.Via), cmp.Compare(a.Key, b.Key))
	})
	out.State = rinca.DriftProven
	if out.Why != "" {
		out.State, out.Why = rinca.DriftUnknown, c.mask(out.Why)
	}
	for i := range out.Keys {
		k := &out.Keys[i]
		k.Why, k.Container = c.mask(k.Why), c.mask(k.Container)
		if k.State == rinca.DriftProven {
			out.Proven++
		}
		if k.State.Drifted() && !k.Since.IsZero() && (out.Since.IsZero() || k.Since.Before(out.Since)) {
			out.Since = k.Since
		}
		out.State = out.State.Worse(k.State)
	}
	return out
}

// A stackCheck is the look at one stack.
type stackCheck struct {
	*driftCheck
	s       rinca.Stack
	lineage rinca.Lineage
	changed map[string]rinca.Variable // variables whose values differ from those that were deployed
	covered map[string]bool           // exported files that a key has told about
	out     rinca.StackDrift
}

func (w *stackCheck) compare(ctx context.Context) {
	defer w.leftFiles()
	mark, deployed := w.marks[w.s.Name]
	if !deployed {
		w.out.Why, w.out.Idle = "it was never deployed", true
		return
	}
	w.lineage = LineageOf(mark)
	w.variables()
	if w.o.Borrow != nil {
		release, ok := w.o.Borrow(w.s.Name)
		if !ok {
			w.unread("it is being worked on just now")
			return
		}
		defer release()
	}
	containers, err := w.inspect(ctx)
	if err != nil {
		w.unread(err.Error())
		return
	}
	if len(containers) == 0 {
		w.out.Why, w.out.Idle = "it has no containers", true
		return
	}
	w.containers(containers)
}

// inspect loads what was last deployed, with the values of now, and compares
// it with the containers.
func (w *stackCheck) inspect(ctx context.Context) ([]rinca.InspectedContainer, error) {
	j, err := w.deployedJob(ctx, w.s.Name)
	if err != nil {
		return nil, err
	}
	looker, ok := j.dep.(rinca.Inspector)
	if !ok {
		return nil, rinca.Errorf(rinca.Invalid, "its engine cannot tell what containers were made from")
	}
	var out []rinca.InspectedContainer
	err = j.within(ctx, askTimeout, func(ctx context.Context) (err error) {
		out, err = looker.Inspect(ctx, w.o.Deep)
		return err
	})
	return out, err
}

// containers makes a key of every value of every service: the worst of its
// containers.
func (w *stackCheck) containers(list []rinca.InspectedContainer) {
	type id struct{ service, via, name string }
	at := map[id]int{}
	for _, c := range list {
		for _, p := range c.Parts {
			k := w.key(c, p)
			here := id{c.Service, p.Via, p.Name}
			i, seen := at[here]
			if !seen {
				at[here] = len(w.out.Keys)
				w.out.Keys = append(w.out.Keys, k)
				continue
			}
			if w.out.Keys[i].State.Worse(k.State) != w.out.Keys[i].State {
				w.out.Keys[i] = k
			}
		}
	}
}

// key judges one value of one container.
func (w *stackCheck) key(c rinca.InspectedContainer, p rinca.InspectedPart) rinca.DriftKey {
	k := rinca.DriftKey{Key: p.Name, Via: p.Via, Service: c.Service, File: p.File, State: rinca.DriftProven}
	judge := func(state rinca.DriftState, why string) {
		if rank := k.State.Worse(state); rank != k.State {
			k.State, k.Why = state, why
			if c.Name != "" && state != rinca.DriftHeld {
				k.Container = c.Name
			}
		}
	}
	switch {
	case p.Real == rinca.Differs && (p.Label == rinca.Same || p.Why != "" && p.Label == ""):
		judge(rinca.DriftEdited, cmp.Or(p.Why, "the container has another value than it was made with"))
	case p.Real == rinca.Differs && p.Label == "":
		judge(rinca.DriftStale, "the container has another value")
		k.Since = w.since(c.Service, p)
	case p.Label == rinca.Differs:
		judge(rinca.DriftStale, cmp.Or(p.Why, w.whyStale(c.Service, p)))
		k.Since = w.since(c.Service, p)
	case p.Label == "" && p.Real == "":
		judge(rinca.DriftUnknown, cmp.Or(p.Why, c.Unlabelled+"; rinca drift --deep looks into it"))
	case w.o.Deep && p.Real == "" && p.Why != "":
		judge(rinca.DriftUnknown, p.Why)
	}
	switch k.State {
	case rinca.DriftStale:
		k.Mend = "deploy"
	case rinca.DriftEdited: // a deploy takes the label's word for it
		k.Mend = "recreate"
	}
	w.addVault(&k)
	return k
}

// whyStale says what is newer than a container.
func (w *stackCheck) whyStale(service string, p rinca.InspectedPart) string {
	if p.File != "" {
		return "the file was written after the container was made"
	}
	if names := w.changedFor(service); len(names) > 0 {
		return "the container was made before " + strings.Join(names, ", ") + " changed"
	}
	return "the container was made with another value"
}

// since is when what a container should have was changed.
func (w *stackCheck) since(service string, p rinca.InspectedPart) time.Time {
	if p.File != "" {
		return modified(p.File)
	}
	var last time.Time
	for _, name := range w.changedFor(service) {
		if at := w.changed[name].UpdatedAt; at.After(last) {
			last = at
		}
	}
	return last
}

// unread is for a stack whose containers cannot be looked at: what was
// deployed is known, and whether it runs is not.
func (w *stackCheck) unread(why string) {
	w.out.Why = why
	for _, f := range w.lineage.Files {
		services := f.Services
		if len(services) == 0 {
			services = []string{""}
		}
		for _, service := range services {
			k := rinca.DriftKey{Via: cmp.Or(f.Via, "file"), Service: service, File: f.Path, State: rinca.DriftUnknown, Why: why}
			w.addVault(&k)
			w.out.Keys = append(w.out.Keys, k)
		}
	}
}

// DriftSummary is one line about a report.
func DriftSummary(r rinca.DriftReport) string {
	text := fmt.Sprintf("%d proven", r.Counts[rinca.DriftProven])
	for _, s := range []struct {
		state rinca.DriftState
		word  string
	}{{rinca.DriftStale, "stale"}, {rinca.DriftEdited, "edited by hand"}, {rinca.DriftHeld, "held"}, {rinca.DriftUnknown, "unknown"}} {
		if n := r.Counts[s.state]; n > 0 {
			text += fmt.Sprintf(", %d %s", n, s.word)
		}
	}
	return text
}

func (d *Deployer) drifts() store.Records[rinca.StackDrift] {
	return store.RecordsOf[rinca.StackDrift](d.DB, "drift")
}

// KeepDrift remembers what was found, in place of what was found before of
// the same stacks.
func (d *Deployer) KeepDrift(ctx context.Context, r rinca.DriftReport) error {
	recs := make([]store.Record[rinca.StackDrift], len(r.Stacks))
	for i, s := range r.Stacks {
		recs[i] = store.Record[rinca.StackDrift]{ID: s.Stack, At: s.At, Value: s}
	}
	return d.drifts().PutAll(ctx, recs)
}

// LastDrift returns what was last found of every stack that there is; those
// that were never looked at are left out.
func (d *Deployer) LastDrift(ctx context.Context) (rinca.DriftReport, error) {
	out := rinca.DriftReport{Stacks: []rinca.StackDrift{}}
	recs, err := d.drifts().List(ctx, store.RecordFilter{Oldest: true})
	if err != nil {
		return out, err
	}
	stacks, err := d.DB.Stacks(ctx)
	if err != nil {
		return out, err
	}
	marks, err := d.DB.Marks(ctx)
	if err != nil {
		return out, err
	}
	deployed := map[string]time.Time{}
	for i := range marks {
		deployed[marks[i].Stack] = marks[i].At
	}
	for _, r := range recs {
		r.Value.Outdated = deployed[r.ID].After(r.Value.At)
		if !slices.ContainsFunc(stacks, func(s rinca.Stack) bool { return s.Name == r.ID }) {
			continue
		}
		out.Stacks = append(out.Stacks, r.Value)
		if out.At.IsZero() || r.Value.At.Before(out.At) {
			out.At = r.Value.At
		}
	}
	out.Count()
	return out, nil
}
