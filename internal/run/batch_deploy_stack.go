package run

import (
	"context"
	"encoding/json"
	"fmt"
	"path"
	"slices"
	"strings"
	"sync"

	"golang.org/x/sync/errgroup"

	"rinca/internal/deploy"
	"rinca/internal/rinca"
)

// BatchParams choose stacks.
type BatchParams struct {
	// Pattern is a name, or names and patterns with * and ?, separated by
	// commas or newlines. "" means every stack.
	Pattern string   `json:"pattern,omitempty"`
	Tags    []string `json:"tags,omitempty"` // stacks must have all of them
	Force   bool     `json:"force,omitempty"`
	Pull    bool     `json:"pull,omitempty"`
}

func isPattern(name string) bool { return strings.ContainsAny(name, "*?,\n") }

func batchDeployStack() Kind {
	k := kind(Kind{
		Name: "BatchDeployStack", Doc: "Deploy every stack that a pattern or tags choose, dependencies first; stacks with nothing to do are left alone.", Level: rinca.Execute,
	}, func(p BatchParams) (rinca.Target, error) {
		if p.Pattern == "" {
			p.Pattern = "*"
		}
		for _, name := range patterns(p.Pattern) {
			if _, err := path.Match(name, "x"); err != nil {
				return rinca.Target{}, rinca.Errorf(rinca.Invalid, "%.80q is no pattern", name).Try("names with * and ?, separated by commas")
			}
		}
		if !isPattern(p.Pattern) {
			p.Pattern += ","
		}
		return rinca.Target{Kind: rinca.KindStack, Name: p.Pattern}, nil
	}, func(ctx context.Context, r *Runner, p BatchParams, rec *deploy.Record) error {
		return (&batch{Runner: r, p: p, rec: rec, failed: map[string]bool{}, pass: deploy.NewPass()}).run(ctx)
	})
	k.orchestrates = true
	return k
}

func patterns(s string) []string {
	return strings.FieldsFunc(s, func(c rune) bool { return c == ',' || c == '\n' || c == ' ' })
}

// A batch is one pass over several stacks.
type batch struct {
	*Runner
	p   BatchParams
	rec *deploy.Record

	mu       sync.Mutex
	failed   map[string]bool
	deployed int
	kept     int
	pass     *deploy.Pass
}

func (b *batch) run(ctx context.Context) error {
	stacks, err := b.choose(ctx)
	if err != nil {
		return err
	}
	waves, err := deploy.Waves(stacks)
	if err != nil {
		return err
	}
	exported, err := b.Deploy.ExportFor(ctx, stacks, b.rec)
	if err != nil {
		return err
	}
	for _, wave := range waves {
		var g errgroup.Group
		g.SetLimit(4)
		for _, s := range wave {
			g.Go(func() error {
				b.one(ctx, s, exported[s.Name])
				return nil
			})
		}
		_ = g.Wait() // failures are noted by name
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
	}
	return b.result(len(stacks))
}

func (b *batch) result(total int) error {
	b.rec.Summary(fmt.Sprintf("%d deployed, %d unchanged, %d failed", b.deployed, b.kept, len(b.failed)))
	if len(b.failed) == 0 {
		return nil
	}
	var names []string
	for n := range b.failed {
		names = append(names, n)
	}
	slices.Sort(names)
	return rinca.Errorf(rinca.Partial, "%d of %d stacks failed: %s", len(names), total, strings.Join(names, ", ")).
		Try("rinca stack history %s", names[0])
}

// choose returns the stacks of the pattern and the tags.
func (b *batch) choose(ctx context.Context) ([]rinca.Stack, error) {
	all, err := b.DB.Stacks(ctx)
	if err != nil {
		return nil, err
	}
	wanted := patterns(b.p.Pattern)
	var out []rinca.Stack
	for i := range all {
		s := &all[i]
		match := len(wanted) == 0 || slices.ContainsFunc(wanted, func(p string) bool {
			ok, err := path.Match(p, s.Name)
			return err == nil && ok
		})
		for _, t := range b.p.Tags {
			match = match && slices.Contains(s.Tags, t)
		}
		if match {
			out = append(out, *s)
		}
	}
	if len(out) == 0 {
		return nil, rinca.Errorf(rinca.NotFound, "no stack matches").Try("rinca stack list")
	}
	return out, nil
}

// one deploys a stack when there is something to do.
func (b *batch) one(ctx context.Context, s rinca.Stack, exportErr error) {
	fail := func(format string, args ...any) {
		b.mu.Lock()
		b.failed[s.Name] = true
		b.mu.Unlock()
		b.rec.Line(rinca.Line{Service: s.Name, Text: "✗ " + fmt.Sprintf(format, args...)})
	}
	if exportErr != nil {
		fail("%v", exportErr)
		return
	}
	for _, dep := range s.After {
		b.mu.Lock()
		bad := b.failed[dep]
		b.mu.Unlock()
		if bad {
			fail("not deployed, because %s failed", dep)
			return
		}
	}
	changes, err := b.check(ctx, s)
	if err == nil && !changes {
		b.mu.Lock()
		b.kept++
		b.mu.Unlock()
		b.rec.Line(rinca.Line{Service: s.Name, Text: "⊘ nothing changed"})
		return
	}
	// What is wrong is best told by the update of the stack itself.
	u, err := b.deployChild(ctx, s.Name)
	switch {
	case err != nil:
		fail("%v", err)
	case u.State != rinca.Succeeded:
		fail("%s: rinca update show %s", u.State, u.ID)
	default:
		b.mu.Lock()
		b.deployed++
		b.mu.Unlock()
		b.rec.Line(rinca.Line{Service: s.Name, Text: "✓ deployed: " + u.Summary})
	}
}

// check says whether a deploy of the stack would change anything.
func (b *batch) check(ctx context.Context, s rinca.Stack) (bool, error) {
	if b.p.Force || b.p.Pull {
		return true, nil
	}
	release, err := b.hold(ctx, rinca.Target{Kind: rinca.KindStack, Name: s.Name}, b.rec.Update().ID)
	if err != nil {
		return false, err
	}
	defer release()
	return b.Deploy.Changes(ctx, b.pass, s.Name, b.rec.Quiet())
}

// deployChild queues a deploy of a stack, and waits for its end.
func (b *batch) deployChild(ctx context.Context, stack string) (rinca.Update, error) {
	params, err := json.Marshal(deploy.Options{Stack: stack, Force: b.p.Force, Pull: b.p.Pull, SkipSecrets: true})
	if err != nil {
		return rinca.Update{}, rinca.Errorf(rinca.Internal, "encode the parameters: %w", err)
	}
	parent := b.rec.Update()
	return b.SubmitAndWait(ctx, rinca.Submission{
		Execution: rinca.Execution{Kind: "DeployStack", Params: params},
		Operator:  parent.Operator, Trigger: parent.Trigger, Parent: parent.ID,
	})
}
