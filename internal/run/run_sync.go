package run

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"rinca/internal/deploy"
	"rinca/internal/resource"
	"rinca/internal/rinca"
)

// SyncParams name a resource sync, and may choose some of its resources.
type SyncParams struct {
	Sync         string     `json:"sync"`
	ResourceType rinca.Kind `json:"resource_type,omitempty"`
	Resources    []string   `json:"resources,omitempty"` // names
}

func runSync() Kind {
	k := kind(Kind{
		Name: "RunSync", Doc: "Make resources what the files of a resource sync say, all or none, and deploy those with deploy = true that differ.",
		Level: rinca.Execute, on: rinca.KindSync,
	}, func(p SyncParams) (rinca.Target, error) {
		if !rinca.ValidResourceName(p.Sync) {
			return rinca.Target{}, rinca.Errorf(rinca.Invalid, "%.80q cannot be the name of a resource sync", p.Sync)
		}
		return rinca.Target{Kind: rinca.KindSync, Name: p.Sync}, nil
	}, func(ctx context.Context, r *Runner, p SyncParams, rec *deploy.Record) error {
		if r.Syncs == nil {
			return rinca.Errorf(rinca.Internal, "there is nothing that runs resource syncs")
		}
		return r.runSync(ctx, p, rec)
	})
	k.orchestrates, k.resumes = true, true
	return k
}

// runSync goes through the stages of a sync. After the end of the server it
// does so again: what was applied is unchanged then, and a deploy that was
// under way is found.
func (r *Runner) runSync(ctx context.Context, p SyncParams, rec *deploy.Record) error {
	rec.Restart()
	s, err := r.Syncs.Begin(ctx, p.Sync, p.ResourceType, p.Resources)
	if err != nil {
		return err
	}
	for _, stage := range []struct {
		name string
		run  func(context.Context) (string, error)
	}{
		{"Fetch", func(ctx context.Context) (string, error) { return r.fetchSync(ctx, s, rec) }},
		{"Plan", func(ctx context.Context) (string, error) { return planSync(ctx, s, rec) }},
		{"Apply", func(ctx context.Context) (string, error) { return applySync(ctx, s, rec) }},
	} {
		if err := rec.Stage(ctx, stage.name, stage.run); err != nil {
			return err
		}
	}
	// What was applied before the end of a server is unchanged now.
	if s.Plan.HasChanges() || rec.Update().Summary == "" {
		rec.Summary(s.Plan.Summary())
	}
	if len(s.Plan.Deploy) == 0 {
		return nil
	}
	return rec.Stage(ctx, "Deploy", func(ctx context.Context) (string, error) { return r.deploySync(ctx, s, rec) })
}

func (r *Runner) fetchSync(ctx context.Context, s *resource.Run, rec *deploy.Record) (string, error) {
	if err := s.Fetch(ctx); err != nil {
		return "", err
	}
	note := counts(len(s.Files), "file")
	if s.Commit != "" {
		rec.SetPlan(rinca.Plan{}, s.Commit)
		note += " of " + s.Commit[:min(7, len(s.Commit))]
	}
	return note, nil
}

// planSync tells what would change, line by line. Lines are masked.
func planSync(ctx context.Context, s *resource.Run, rec *deploy.Record) (string, error) {
	if err := s.MakePlan(ctx); err != nil {
		return "", err
	}
	for _, w := range s.Plan.Warnings {
		rec.Line(rinca.Line{Text: "warning: " + w})
	}
	for i := range s.Plan.Changes {
		c := &s.Plan.Changes[i]
		text := fmt.Sprintf("%s %s", c.Action, c.Target)
		if c.From != "" {
			text += ", which was " + c.From
		}
		rec.Line(rinca.Line{Text: text})
		for _, l := range c.Diff {
			rec.Line(rinca.Line{Text: "  " + l})
		}
	}
	return s.Plan.Summary(), nil
}

func applySync(ctx context.Context, s *resource.Run, rec *deploy.Record) (string, error) {
	u := rec.Update()
	detail := "by the resource sync " + s.Sync.Name
	if s.Commit != "" {
		detail += " from commit " + s.Commit
	}
	if err := s.Apply(ctx, resource.By{Operator: u.Operator, Via: "update " + u.ID, Detail: detail}); err != nil {
		return "", err
	}
	return counts(len(s.Plan.Changes), "change"), nil
}

// deploySync deploys the stacks that ask for it, those that differ.
func (r *Runner) deploySync(ctx context.Context, s *resource.Run, rec *deploy.Record) (string, error) {
	params, err := json.Marshal(BatchParams{Pattern: strings.Join(s.Plan.Deploy, ","), IfChanged: true})
	if err != nil {
		return "", rinca.Errorf(rinca.Internal, "encode the parameters: %w", err)
	}
	// Of a newer commit, which the start after a kill may find, there is a deploy
	// of its own.
	u, err := r.runOnce(ctx, rec.Update(), "deploy "+s.Commit, rinca.Execution{Kind: "BatchDeployStack", Params: params})
	if err != nil {
		return "", err
	}
	if u.State != rinca.Succeeded {
		return u.Summary, rinca.Errorf(rinca.Partial, "the resources are as the files say, and the deploys have %s", u.State).Try("rinca update show %s", u.ID)
	}
	return u.Summary, nil
}
