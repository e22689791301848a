package run

import (
	"context"
	"fmt"
	"strings"

	"rinca/internal/deploy"
	"rinca/internal/rinca"
)

// AutoUpdateParams say how stacks are brought to newer images.
type AutoUpdateParams struct {
	// SkipAutoUpdate looks for newer images, and deploys none.
	SkipAutoUpdate bool `json:"skip_auto_update,omitempty"`
}

func globalAutoUpdate() Kind {
	k := kind(Kind{
		Name:  "GlobalAutoUpdate",
		Doc:   "Look for newer images of every stack with auto_update, and deploy those that have some, in their order.",
		Level: rinca.Write, on: rinca.KindSystem,
	}, func(AutoUpdateParams) (rinca.Target, error) {
		return onSystem("GlobalAutoUpdate")
	}, func(ctx context.Context, r *Runner, p AutoUpdateParams, rec *deploy.Record) error {
		return r.autoUpdate(ctx, p, rec)
	})
	k.orchestrates, k.resumes = true, true
	return k
}

func (r *Runner) autoUpdate(ctx context.Context, p AutoUpdateParams, rec *deploy.Record) error {
	rec.Restart()
	all, err := r.DB.Stacks(ctx)
	if err != nil {
		return err
	}
	var names []string
	for i := range all {
		if all[i].AutoUpdate {
			names = append(names, all[i].Name)
		}
	}
	if len(names) == 0 {
		rec.Summary("no stack has auto_update")
		return nil
	}
	b := newBatch(r, BatchParams{IfChanged: true, SkipSecrets: p.SkipAutoUpdate}, rec)
	b.strict = true
	b.look = func(ctx context.Context, s rinca.Stack) (bool, error) {
		newer, err := b.newer(ctx, s)
		if err == nil && len(newer) > 0 {
			rec.Line(rinca.Line{Service: s.Name, Text: "newer images for " + strings.Join(newer, ", ")})
		}
		return len(newer) > 0 && !p.SkipAutoUpdate, err
	}
	return b.deploy(ctx, all, names)
}

// newer looks for newer images of a stack. A stack that does not run has none:
// nobody asked for it.
func (b *batch) newer(ctx context.Context, s rinca.Stack) ([]string, error) {
	release, err := b.hold(ctx, rinca.Target{Kind: rinca.KindStack, Name: s.Name}, b.rec.Update().ID)
	if err != nil {
		return nil, err
	}
	defer release()
	newer, err := b.Deploy.Newer(ctx, b.pass, s.Name, b.rec.Quiet())
	if err != nil {
		return nil, fmt.Errorf("look for newer images: %w", err)
	}
	return newer, nil
}
