package rotation

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"rinca/internal/deploy"
	"rinca/internal/rinca"
)

// A Noticed is what a look has found that a rotation would carry.
type Noticed struct {
	Stacks []string // none: there is nothing to do
	Cause  string   // in words
	// Print tells one finding from another.
	Print string
}

// Notice looks whether there is anything to rotate. When nothing has moved it
// costs one request to the vault and nothing else; containers asks each server
// too, once.
func (r *Rotator) Notice(ctx context.Context, containers bool) (Noticed, error) {
	look, err := r.Deploy.Look(ctx, deploy.LookOptions{Known: r.cleanVersions()})
	if err != nil {
		return Noticed{}, err
	}
	r.remember(look, false)
	r.tellBlocked(look)
	pl := planned{changed: map[string]deploy.Changed{}}
	for _, c := range look.Changed {
		pl.changed[c.Stack.Name] = c
	}
	if len(pl.changed) == 0 && look.Listed {
		if err := r.Deploy.RememberLists(ctx); err != nil {
			return Noticed{}, err
		}
	}
	if containers {
		missed, err := r.Deploy.Missed(ctx, r.quiet())
		if err != nil {
			return Noticed{}, err
		}
		for _, s := range missed {
			if _, ok := pl.changed[s.Name]; !ok {
				pl.changed[s.Name] = deploy.Changed{Stack: s}
			}
		}
	}
	if len(pl.changed) == 0 {
		return Noticed{}, nil
	}
	if err := r.leaveOut(ctx, &pl, look, false); err != nil {
		return Noticed{}, err
	}
	all, err := r.DB.Stacks(ctx)
	if err != nil {
		return Noticed{}, err
	}
	pl.block(all)
	return noticed(pl), nil
}

func noticed(pl planned) Noticed {
	out := Noticed{Stacks: slices.Sorted(maps.Keys(pl.changed))}
	var parts, items []string
	for _, name := range out.Stacks {
		c := pl.changed[name]
		parts = append(parts, "stack "+name)
		for _, i := range c.Items {
			where := i.Title
			if i.VaultName != "" {
				where += " in " + i.VaultName
			}
			items = append(items, where)
			parts = append(parts, fmt.Sprintf("%s/%s@%d", i.Vault, i.Item, i.Version))
		}
		parts = append(parts, slices.Sorted(maps.Keys(c.Files))...)
	}
	out.Print = strings.Join(parts, "\n")
	switch items = sortedNames(items); {
	case len(items) == 0 && len(out.Stacks) > 0:
		out.Cause = "stack " + out.Stacks[0] + " does not run with what it was deployed with"
		if n := len(out.Stacks); n > 1 {
			out.Cause = fmt.Sprintf("%d stacks do not run with what they were deployed with", n)
		}
	case len(items) == 1:
		out.Cause = "change of " + items[0]
	case len(items) > 1:
		out.Cause = fmt.Sprintf("change of %s and %d more", items[0], len(items)-1)
	}
	return out
}

// tellBlocked raises an alert about each stack whose items cannot be exported,
// and resolves those of the others.
func (r *Rotator) tellBlocked(look deploy.Look) {
	r.mu.Lock()
	was := r.blocked
	r.blocked = map[string]bool{}
	for name := range look.Blocked {
		r.blocked[name] = true
	}
	r.mu.Unlock()
	if r.Alert == nil {
		return
	}
	for name, err := range look.Blocked {
		if !was[name] {
			r.Alert(rinca.Alert{
				Type: rinca.AlertExportFailed, Level: rinca.AlertWarning, Target: rinca.Target{Kind: rinca.KindStack, Name: name},
				Message: "the secrets of stack " + name + " cannot be exported: " + err.Error(), Hint: rinca.HintOf(err),
			})
		}
	}
	for name := range was {
		if look.Blocked[name] == nil {
			r.Alert(rinca.Alert{Type: rinca.AlertExportFailed, Target: rinca.Target{Kind: rinca.KindStack, Name: name}, Resolved: true})
		}
	}
}

// quiet is a record that nobody sees.
func (r *Rotator) quiet() *deploy.Record {
	return (&deploy.Record{Known: r.Deploy.Known, Now: r.Now, Log: r.Log}).Quiet()
}
