package webhook

import (
	"context"
	"encoding/json"
	"slices"
	"strings"

	"rinca/internal/rinca"
)

// ofProcedure returns what deliveries to a procedure are about: by default the
// files of the stacks that it deploys.
func (l *Listener) ofProcedure(ctx context.Context, p *rinca.Procedure) (hooked, error) {
	h := hooked{
		target: rinca.Target{Kind: rinca.KindProcedure, Name: p.Name}, hook: p.Webhook,
		run: execution("RunProcedure", map[string]any{"procedure": p.Name}),
	}
	if len(p.Webhook.Paths) > 0 {
		h.scope = scopeOf(p.Webhook.Paths)
		if stacks, ok, err := l.namedBy(ctx, p, nil); err == nil && ok && len(stacks) > 0 { // whose repository may be asked
			h.source, err = l.DB.Linked(ctx, stacks[0].Source)
			h.source.Branch, h.source.Tag, h.source.Commit = "", "", ""
			return h, err
		}
		return h, nil
	}
	stacks, ok, err := l.namedBy(ctx, p, nil)
	if err != nil {
		return h, err
	}
	h.scope, h.source = everything(), rinca.Source{}
	if !ok || len(stacks) == 0 {
		return h, nil
	}
	var all scope
	var from rinca.Source
	for i := range stacks {
		source, err := l.DB.Linked(ctx, stacks[i].Source)
		if err != nil {
			return h, err
		}
		if source.Kind != rinca.SourceGit || from.Repo != "" && canonical(from.Repo) != canonical(source.Repo) {
			return h, nil
		}
		from = source
		own := stacks[i]
		own.Webhook.Paths = nil
		all.join(stackScope(&own, source))
	}
	// Its branch is that of its address or its own setting, not the stacks'.
	from.Branch, from.Tag, from.Commit = "", "", ""
	h.scope, h.source = all, from
	return h, nil
}

// namedBy returns the stacks that every execution of a procedure is about. ok
// is false when there is one that is about something else.
func (l *Listener) namedBy(ctx context.Context, p *rinca.Procedure, within []string) (stacks []rinca.Stack, ok bool, err error) {
	if slices.Contains(within, p.Name) || len(within) > 10 {
		return nil, false, nil
	}
	within = append(slices.Clone(within), p.Name)
	for _, stage := range p.Stages {
		for _, e := range stage.Executions {
			if stage.Disabled || e.Disabled {
				continue
			}
			some, ok, err := l.named(ctx, e.Execution, within)
			if err != nil || !ok {
				return nil, false, err
			}
			stacks = append(stacks, some...)
		}
	}
	return stacks, true, nil
}

// named returns the stacks that an execution is about.
func (l *Listener) named(ctx context.Context, e rinca.Execution, within []string) ([]rinca.Stack, bool, error) {
	var params struct {
		Stack     string          `json:"stack"`
		Stacks    []string        `json:"stacks"`
		Pattern   json.RawMessage `json:"pattern"`
		Tags      []string        `json:"tags"`
		Procedure string          `json:"procedure"`
	}
	if len(e.Params) > 0 && json.Unmarshal(e.Params, &params) != nil {
		return nil, false, nil
	}
	switch e.Kind {
	case "Sleep", "SendAlert":
		return nil, true, nil // they do nothing without the others
	case "RunProcedure":
		p, err := l.DB.Procedure(ctx, params.Procedure)
		if err != nil {
			return nil, false, unlessMissing(err)
		}
		return l.namedBy(ctx, &p, within)
	}
	if strings.HasPrefix(e.Kind, "Batch") {
		return l.chosen(ctx, string(params.Pattern), params.Tags)
	}
	names := params.Stacks
	if params.Stack != "" {
		names = append(names, params.Stack)
	}
	var out []rinca.Stack
	for _, n := range names {
		s, err := l.DB.Stack(ctx, n)
		if err != nil { // of an export, names may be of what is no stack here
			return nil, false, unlessMissing(err)
		}
		out = append(out, s)
	}
	return out, len(out) > 0, nil
}

// chosen returns the stacks that a batch is about.
func (l *Listener) chosen(ctx context.Context, pattern string, tags []string) ([]rinca.Stack, bool, error) {
	all, err := l.DB.Stacks(ctx)
	if err != nil {
		return nil, false, err
	}
	var text string
	if pattern != "" && json.Unmarshal([]byte(pattern), &text) != nil {
		return nil, false, nil
	}
	wanted, err := rinca.ParseSelection(text)
	if err != nil {
		return nil, false, nil //nolint:nilerr // the run will say so
	}
	var out []rinca.Stack
	for i := range all {
		s := &all[i]
		match := wanted.Matches(s.Name)
		for _, t := range tags {
			match = match && slices.Contains(s.Tags, t)
		}
		if match {
			out = append(out, *s)
		}
	}
	return out, len(out) > 0, nil
}

func unlessMissing(err error) error {
	if rinca.CodeOf(err) == rinca.NotFound {
		return nil
	}
	return err
}
