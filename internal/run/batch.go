package run

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"

	"rinca/internal/deploy"
	"rinca/internal/rinca"
	"rinca/internal/store"
)

// batchAtOnce is how many stacks of a batch are looked at, or deployed, at once.
const batchAtOnce = 4

// A batch is one pass over several stacks: each begins as soon as those that
// it comes after are verified.
type batch struct {
	*Runner
	p     BatchParams
	rec   *deploy.Record
	pass  *deploy.Pass
	named []string        // that are deployed without a look before
	order deploy.Order    // of all stacks, chosen or not
	told  map[string]bool // that were told, before the end of a server, that they are not deployed
	// look says whether a stack is to be deployed.
	look func(context.Context, rinca.Stack) (bool, error)
	// strict takes a look that fails for a failure, and not for a reason to
	// deploy.
	strict bool

	mu       sync.Mutex
	failed   map[string]string // by stack: the one whose own failure it was
	deployed int
	kept     int
}

func newBatch(r *Runner, p BatchParams, rec *deploy.Record) *batch {
	b := &batch{Runner: r, p: p, rec: rec, failed: map[string]string{}, told: map[string]bool{}, pass: deploy.NewPass()}
	b.look = b.differs
	return b
}

func (b *batch) run(ctx context.Context) error {
	b.rec.Restart()
	all, err := b.DB.Stacks(ctx)
	if err != nil {
		return err
	}
	names, err := chosenNames(b.p, all)
	if err != nil {
		return err
	}
	if chosen, err := rinca.ParseSelection(b.p.Pattern); err == nil && !b.p.IfChanged {
		b.named = chosen.Exact
	}
	return b.deploy(ctx, all, names)
}

// deploy deploys the stacks of that name, in the order of them all.
func (b *batch) deploy(ctx context.Context, all []rinca.Stack, names []string) error {
	var stacks []rinca.Stack
	for i := range all {
		if slices.Contains(names, all[i].Name) {
			stacks = append(stacks, all[i])
		}
	}
	if _, err := deploy.Waves(stacks); err != nil {
		return err // a cycle, which would wait for ever
	}
	b.order = deploy.OrderOf(all)
	if err := b.remember(ctx); err != nil {
		return err
	}
	exported := map[string]error{}
	if !b.p.SkipSecrets {
		var err error
		if exported, err = b.Deploy.ExportFor(ctx, stacks, b.rec); err != nil {
			return err
		}
	}
	b.each(ctx, stacks, exported)
	if errors.Is(context.Cause(ctx), deploy.ErrStopping) {
		return deploy.ErrStopping
	}
	if ctx.Err() != nil {
		return causeOf(ctx)
	}
	return b.result(len(stacks))
}

// remember finds which stacks were closed without a deploy before the end of a
// server.
func (b *batch) remember(ctx context.Context) error {
	u := b.rec.Update()
	children, err := b.DB.Updates(ctx, store.UpdateFilter{Parent: u.ID, State: rinca.CanceledRun, Limit: 1000})
	for i := range children {
		b.told[children[i].Target.Name] = true
	}
	return err
}

// each begins every stack when those of the batch that it comes after are
// done; so many at once.
func (b *batch) each(ctx context.Context, stacks []rinca.Stack, exported map[string]error) {
	done := map[string]chan struct{}{}
	for i := range stacks {
		done[stacks[i].Name] = make(chan struct{})
	}
	slots := make(chan struct{}, batchAtOnce)
	var all sync.WaitGroup
	for i := range stacks {
		s := stacks[i]
		all.Go(func() {
			defer close(done[s.Name])
			for _, name := range b.order.Dependencies(s.Name) {
				if c := done[name]; c != nil {
					<-c
				}
			}
			slots <- struct{}{}
			defer func() { <-slots }()
			if ctx.Err() == nil {
				b.one(ctx, s, exported[s.Name])
			}
		})
	}
	all.Wait()
}

func (b *batch) result(total int) error {
	b.rec.Summary(fmt.Sprintf("%d deployed, %d unchanged, %d failed", b.deployed, b.kept, len(b.failed)))
	if len(b.failed) == 0 {
		return nil
	}
	var names, own []string
	for name, why := range b.failed {
		names = append(names, name)
		if why == name {
			own = append(own, name)
		}
	}
	slices.Sort(names)
	slices.Sort(own)
	return rinca.Errorf(rinca.Partial, "%d of %d stacks failed: %s", len(names), total, strings.Join(names, ", ")).
		Try("rinca stack history %s", own[0])
}

func (b *batch) fail(stack, why, format string, args ...any) {
	b.mu.Lock()
	b.failed[stack] = why
	b.mu.Unlock()
	b.rec.Line(rinca.Line{Service: stack, Text: "✗ " + fmt.Sprintf(format, args...)})
}

// one deploys a stack when there is something to do.
func (b *batch) one(ctx context.Context, s rinca.Stack, exportErr error) {
	if exportErr != nil {
		b.fail(s.Name, s.Name, "%v", exportErr)
		return
	}
	if dep, why := b.blame(s.Name); dep != "" {
		b.leave(ctx, s.Name, dep, why)
		return
	}
	if !slices.Contains(b.named, s.Name) {
		wanted, err := b.look(ctx, s)
		if err != nil && b.strict {
			b.fail(s.Name, s.Name, "%v", err)
			return
		}
		if err == nil && !wanted {
			b.mu.Lock()
			b.kept++
			b.mu.Unlock()
			b.rec.Line(rinca.Line{Service: s.Name, Text: "⊘ nothing changed"})
			return
		}
	}
	// What is wrong is best told by the update of the stack itself.
	u, err := b.deployChild(ctx, s.Name)
	switch {
	case errors.Is(err, deploy.ErrStopping):
	case err != nil:
		b.fail(s.Name, s.Name, "%v", err)
	case u.State != rinca.Succeeded:
		b.fail(s.Name, s.Name, "%s: rinca update show %s", u.State, u.ID)
	default:
		b.mu.Lock()
		b.deployed++
		b.mu.Unlock()
		b.rec.Line(rinca.Line{Service: s.Name, Text: "✓ deployed: " + u.Summary})
	}
}

// blame returns the nearest stack that this one comes after and that was not
// deployed well, and the one whose own failure that was.
func (b *batch) blame(stack string) (dep, why string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, name := range b.order.Dependencies(stack) {
		if why, ok := b.failed[name]; ok {
			return name, why
		}
	}
	return "", ""
}

// leave says on a stack itself that it is not deployed, and why.
func (b *batch) leave(ctx context.Context, stack, dep, why string) {
	text := fmt.Sprintf("not deployed, because %s failed", why)
	if dep != why {
		text = fmt.Sprintf("not deployed: it comes after %s, and %s failed", dep, why)
	}
	b.fail(stack, why, "%s", text)
	parent := b.rec.Update()
	if b.told[stack] {
		return
	}
	u, err := b.DB.AddClosed(context.WithoutCancel(ctx), rinca.Update{
		Execution: b.child(stack), Target: rinca.Target{Kind: rinca.KindStack, Name: stack},
		State: rinca.CanceledRun, Operator: parent.Operator, Trigger: parent.Trigger, Parent: parent.ID, Cause: parent.Cause,
		Error: &rinca.UpdateError{Code: rinca.Conflict, Message: text, Hint: "rinca stack history " + why},
	})
	if err != nil {
		b.Log.Error("record that a stack is not deployed", "stack", stack, "error", err)
		return
	}
	b.publish(u)
}

// differs says whether a deploy of the stack would change anything.
func (b *batch) differs(ctx context.Context, s rinca.Stack) (bool, error) {
	if b.forces(s.Name) || b.p.Pull {
		return true, nil
	}
	release, err := b.hold(ctx, rinca.Target{Kind: rinca.KindStack, Name: s.Name}, b.rec.Update().ID)
	if err != nil {
		return false, err
	}
	defer release()
	return b.Deploy.Changes(ctx, b.pass, s.Name, b.rec.Quiet())
}

// forces reports whether a stack is deployed also when nothing differs.
func (b *batch) forces(stack string) bool { return b.p.Force || slices.Contains(b.p.Forced, stack) }

func (b *batch) child(stack string) rinca.Execution {
	params, err := json.Marshal(deploy.Options{
		Stack: stack, Force: b.forces(stack), Pull: b.p.Pull, SkipSecrets: true, IgnoreDependencies: b.p.IgnoreDependencies,
		IfChanged: !slices.Contains(b.named, stack),
	})
	if err != nil {
		params = nil // texts and flags are always encoded
	}
	return rinca.Execution{Kind: "DeployStack", Params: params}
}

// deployChild queues a deploy of a stack, and waits for its end.
func (b *batch) deployChild(ctx context.Context, stack string) (rinca.Update, error) {
	return b.runOnce(ctx, b.rec.Update(), "stack "+stack, b.child(stack))
}
