package cli

import (
	"context"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"rinca/internal/rinca"
)

// A childUpdate is an update that another one has started, with its own.
type childUpdate struct {
	rinca.Update
	Children []childUpdate `json:"children,omitempty"`
}

// startsOthers reports whether an execution may start others.
func startsOthers(kind string) bool {
	switch kind {
	case "", "DeployStack", "DeployStackIfChanged", "PullStack", "StartStack", "StopStack", "RestartStack", "DestroyStack", "ExportSecrets", "Sleep", "Backup":
		return false
	}
	return true
}

// children gets what an update has started, and what that has, the oldest
// first.
func (a *app) children(ctx context.Context, u rinca.Update, depth int) ([]childUpdate, error) {
	const deepest, most = 8, 2000
	if depth > deepest || !startsOthers(u.Execution.Kind) {
		return nil, nil
	}
	list, err := a.updates(ctx, url.Values{"parent": {u.ID}}, most)
	if err != nil {
		return nil, err
	}
	slices.Reverse(list)
	out := make([]childUpdate, len(list))
	for i, c := range list {
		out[i].Update = c
		if out[i].Children, err = a.children(ctx, c, depth+1); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// printChildren draws a tree.
func (a *app) printChildren(list []childUpdate, color bool, indent string) {
	for i, c := range list {
		branch, below := "├ ", "│ "
		if i == len(list)-1 {
			branch, below = "└ ", "  "
		}
		mark, st := stageMark(c.State)
		text := printable(c.Execution.Kind)
		if s := subject(c.Update); s != c.Execution.Kind {
			text += " " + printable(s)
		}
		if c.State != rinca.Succeeded {
			text += ", " + string(c.State)
		}
		if s := updateSummary(c.Update); s != "" {
			first, _, _ := strings.Cut(s, "\n")
			text += ": " + printable(first)
		}
		fmt.Fprintf(a.Stdout, "%s%s%s %s  %s\n", indent, branch, paint(color, st, mark), text, paint(color, dim, c.ID))
		a.printChildren(c.Children, color, indent+below)
	}
}
