package rotation

import (
	"context"
	"fmt"
	"slices"
	"sync"

	"golang.org/x/sync/semaphore"

	"rinca/internal/deploy"
	"rinca/internal/rinca"
)

// A failure is why a rotation goes back.
type failure struct {
	stack  string // "" when no stack is to blame
	update rinca.Update
	fell   bool // it was verified, and was not well any more a moment later
	err    error
}

func (f failure) Error() string { return f.err.Error() }

func (f failure) Unwrap() error { return f.err }

// deployAll deploys every stack of the rotation. One starts when those that it
// comes after are verified; after a failure no other one starts, and those
// that run come to their end.
func (x *run) deployAll(ctx context.Context) error {
	after, err := x.waitsOn(ctx)
	if err != nil {
		return err
	}
	policy, err := x.Policy(ctx)
	if err != nil {
		return err
	}
	last, cancel := lasting(ctx)
	defer cancel()
	d := &deploying{run: x, after: after, most: int64(policy.Most()), done: map[string]chan struct{}{}}
	d.free = semaphore.NewWeighted(d.most)
	for _, s := range x.rot.Stacks {
		d.done[s.Stack] = make(chan struct{})
	}
	var all sync.WaitGroup
	for i, s := range slices.Clone(x.rot.Stacks) {
		all.Go(func() {
			defer close(d.done[s.Stack])
			d.one(ctx, last, i)
		})
	}
	all.Wait()
	if len(d.failed) == 0 && ctx.Err() == nil {
		for _, s := range slices.Clone(x.rot.Stacks) {
			d.stands(last, s.Stack)
		}
	}
	if last.Err() != nil {
		return context.Cause(last)
	}
	if len(d.failed) > 0 {
		return x.turnBack(ctx, d.failed)
	}
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return nil
}

// waitsOn says which stacks of the rotation each one waits for.
func (x *run) waitsOn(ctx context.Context) (map[string][]string, error) {
	all, err := x.DB.Stacks(ctx)
	if err != nil {
		return nil, err
	}
	pl := planned{stacks: slices.Clone(x.rot.Stacks)}
	err = pl.order(all)
	return pl.after, err
}

// A deploying is the stacks of a rotation while they are deployed.
type deploying struct {
	*run
	after map[string][]string
	most  int64
	free  *semaphore.Weighted
	done  map[string]chan struct{} // closed when a stack has ended

	fmu    sync.Mutex
	failed []failure
}

func (d *deploying) stopped(ctx context.Context) bool {
	d.fmu.Lock()
	defer d.fmu.Unlock()
	return len(d.failed) > 0 || ctx.Err() != nil
}

func (d *deploying) one(ctx, last context.Context, i int) {
	d.mu.Lock()
	s := d.rot.Stacks[i]
	d.mu.Unlock()
	for _, name := range d.after[s.Stack] {
		<-d.done[name]
	}
	if d.stopped(ctx) {
		return
	}
	for _, name := range d.after[s.Stack] {
		if !d.stands(last, name) {
			return
		}
	}
	weight := min(max(1, int64(len(s.Services))), d.most)
	if d.free.Acquire(ctx, weight) != nil {
		return
	}
	defer d.free.Release(weight)
	if d.stopped(ctx) {
		return
	}
	if err := d.deploy(last, i); err != nil {
		if last.Err() != nil {
			return // the server stops; it goes on with the next one
		}
		d.fmu.Lock()
		defer d.fmu.Unlock()
		d.failed = append(d.failed, *err)
	}
}

// stands reports whether a stack of the rotation, which was verified, is still
// well. One that is not is a failure of its own, and not of what comes after
// it.
func (d *deploying) stands(ctx context.Context, stack string) bool {
	d.mu.Lock()
	s := d.rot.Stacks[slices.IndexFunc(d.rot.Stacks, func(s rinca.RotatedStack) bool { return s.Stack == stack })]
	d.mu.Unlock()
	var services []string
	for _, p := range s.Services {
		if p.Change != rinca.Remove && p.Change != rinca.Keep {
			services = append(services, p.Service)
		}
	}
	why, err := d.Deploy.Fallen(ctx, stack, services)
	if err == nil && why != "" {
		err = rinca.Errorf(rinca.Unavailable, "%s", why).Try("see its lines: rinca stack logs %s", stack)
	}
	if err == nil || ctx.Err() != nil {
		return err == nil
	}
	d.fmu.Lock()
	defer d.fmu.Unlock()
	if slices.ContainsFunc(d.failed, func(f failure) bool { return f.stack == stack }) {
		return false // others that come after it have seen it too
	}
	d.rec.Line(rinca.Line{Service: stack, Text: "✗ " + err.Error()})
	f := failure{stack: stack, fell: why != "", err: err}
	if f.update, err = d.DB.Update(ctx, s.Update); err != nil {
		d.Log.Error("read the update of what has fallen", "stack", stack, "error", err)
	}
	d.failed = append(d.failed, f)
	if err := d.save(ctx, func() {
		for i := range d.rot.Stacks {
			if d.rot.Stacks[i].Stack == stack {
				d.rot.Stacks[i].State = rinca.Failed
			}
		}
	}); err != nil {
		d.Log.Error("write down what has fallen", "stack", stack, "error", err)
	}
	return false
}

// deploy deploys one stack, once.
func (d *deploying) deploy(ctx context.Context, i int) *failure {
	d.mu.Lock()
	name := d.rot.Stacks[i].Stack
	d.mu.Unlock()
	bad := func(u rinca.Update, err error) *failure { return &failure{stack: name, update: u, err: err} }
	if err := d.save(ctx, func() {
		d.rot.Stacks[i].State = rinca.Running
		if !slices.Contains(d.j.Touched, name) {
			d.j.Touched = append(d.j.Touched, name)
		}
	}); err != nil {
		return bad(rinca.Update{}, err)
	}
	e, err := execution("DeployStack", deploy.Options{Stack: name, SkipSecrets: true, AsDeployed: true})
	if err != nil {
		return bad(rinca.Update{}, err)
	}
	u, err := d.Run(ctx, d.update, "deploy "+name, e)
	if ctx.Err() != nil {
		return bad(u, context.Cause(ctx))
	}
	if err == nil && u.State != rinca.Succeeded {
		err = updateError(u)
	}
	if err == nil {
		err = d.proven(ctx, name)
	}
	if saved := d.save(ctx, func() {
		s := &d.rot.Stacks[i]
		s.State, s.Update = u.State, u.ID
		if err != nil {
			s.State = rinca.Failed
		}
	}); err == nil {
		err = saved
	}
	if err != nil {
		d.rec.Line(rinca.Line{Service: name, Text: "✗ " + err.Error()})
		return bad(u, err)
	}
	d.rec.Line(rinca.Line{Service: name, Text: "✓ verified: " + u.Summary})
	return nil
}

// proven checks that what is verified has the values of this rotation. A
// server that ended while a stack was put back leaves the old ones, which the
// next deploy verifies all the same.
func (d *deploying) proven(ctx context.Context, stack string) error {
	mark, err := d.DB.Mark(ctx, stack)
	if err != nil {
		return err
	}
	now := deploy.FileDigests(mark)
	for file, digest := range d.j.Expect[stack] {
		if has, ok := now[file]; ok && has != digest {
			return rinca.Errorf(rinca.Conflict, "%s does not run with the new content of %s: it was put back when the server ended", stack, file)
		}
	}
	return nil
}

func updateError(u rinca.Update) error {
	if u.Error != nil {
		return rinca.Errorf(u.Error.Code, "%s", u.Error.Message).Try("%s", u.Error.Hint)
	}
	return rinca.Errorf(rinca.Internal, "its deploy %s", fmt.Sprint(u.State))
}
