package run

import (
	"context"
	"encoding/json"
	"slices"
	"strings"

	"rinca/internal/deploy"
	"rinca/internal/rinca"
)

// BatchParams choose stacks.
type BatchParams struct {
	// Pattern is names, patterns with * and ?, and regular expressions between
	// two backslashes, separated by commas or newlines, with # comments. ""
	// means every stack.
	Pattern string   `json:"pattern,omitempty"`
	Tags    []string `json:"tags,omitempty"` // stacks must have all of them
	Force   bool     `json:"force,omitempty"`
	Pull    bool     `json:"pull,omitempty"`
	// Forced are those of the chosen stacks that Force is for, when it is not
	// for all of them.
	Forced []string `json:"forced,omitempty"`
	// IfChanged leaves stacks alone that are named and do not differ. Those
	// that a pattern or a tag chooses always are.
	IfChanged bool `json:"if_changed,omitempty"`
	// WithDependents adds every stack that comes after the chosen ones,
	// WithDependencies every one that they come after.
	WithDependents     bool `json:"with_dependents,omitempty"`
	WithDependencies   bool `json:"with_dependencies,omitempty"`
	SkipSecrets        bool `json:"skip_secrets,omitempty"`
	IgnoreDependencies bool `json:"ignore_dependencies,omitempty"`
}

// isPattern reports whether the target of an execution is several stacks.
func isPattern(name string) bool { return !rinca.ValidStackName(name) }

func batchDeployStack() Kind {
	return batchKind("BatchDeployStack", "Deploy the stacks that names, patterns or tags choose, each when those it comes after are verified; stacks with nothing to do are left alone.",
		func(p BatchParams) BatchParams { return p })
}

func batchDeployStackIfChanged() Kind {
	return batchKind("BatchDeployStackIfChanged", "Deploy those of the chosen stacks that differ from what runs, each when those it comes after are verified.",
		func(p BatchParams) BatchParams { p.IfChanged = true; return p })
}

func batchKind(name, doc string, with func(BatchParams) BatchParams) Kind {
	k := kind(Kind{Name: name, Doc: doc, Level: rinca.Execute}, func(p BatchParams) (rinca.Target, error) {
		chosen, err := rinca.ParseSelection(p.Pattern)
		for _, name := range p.Forced {
			if err == nil && !chosen.Matches(name) {
				err = rinca.Errorf(rinca.Invalid, "forced names the stack %.80q, and pattern does not choose it", name)
			}
		}
		return rinca.Target{Kind: rinca.KindStack, Name: chosen.String()}, err
	}, func(ctx context.Context, r *Runner, p BatchParams, rec *deploy.Record) error {
		return newBatch(r, with(p), rec).run(ctx)
	})
	k.orchestrates, k.resumes = true, true
	k.expand = func(ctx context.Context, r *Runner, raw json.RawMessage, t rinca.Target) (rinca.Target, error) {
		p, err := decode[BatchParams](name, raw)
		if err != nil || !p.WithDependents && !p.WithDependencies {
			return t, err
		}
		return expandTarget(ctx, r, p, t)
	}
	return k
}

// expandTarget names the stacks that are added too, so that their rights are
// asked for.
func expandTarget(ctx context.Context, r *Runner, p BatchParams, t rinca.Target) (rinca.Target, error) {
	all, err := r.DB.Stacks(ctx)
	if err != nil {
		return t, err
	}
	names, err := chosenNames(p, all)
	if err != nil {
		return t, err
	}
	chosen, err := rinca.ParseSelection(p.Pattern)
	if err != nil {
		return t, err
	}
	for _, name := range names {
		if !chosen.Matches(name) {
			t.Name = strings.TrimSuffix(t.Name, ",") + "," + name // one alone ends in a comma
		}
	}
	return t, nil
}

// chosenNames returns the names of the chosen stacks, sorted, with those that
// are added.
func chosenNames(p BatchParams, all []rinca.Stack) ([]string, error) {
	chosen, err := rinca.ParseSelection(p.Pattern)
	if err != nil {
		return nil, err
	}
	var names []string
	there := map[string]bool{}
	for i := range all {
		s := &all[i]
		there[s.Name] = true
		if chosen.Matches(s.Name) && !slices.ContainsFunc(p.Tags, func(t string) bool { return !slices.Contains(s.Tags, t) }) {
			names = append(names, s.Name)
		}
	}
	for _, name := range chosen.Exact {
		if !there[name] {
			return nil, rinca.Errorf(rinca.NotFound, "stack %q not found", name).Try("rinca stack list")
		}
	}
	order := deploy.OrderOf(all)
	for _, name := range slices.Clone(names) {
		if p.WithDependents {
			names = append(names, order.Dependents(name)...)
		}
		if p.WithDependencies {
			names = append(names, order.Dependencies(name)...)
		}
	}
	slices.Sort(names)
	names = slices.DeleteFunc(slices.Compact(names), func(n string) bool { return !there[n] })
	if len(names) == 0 {
		return nil, rinca.Errorf(rinca.NotFound, "no stack matches").Try("rinca stack list")
	}
	return names, nil
}
