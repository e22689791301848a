package deploy

import (
	"context"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"rinca/internal/interpolate"
	"rinca/internal/rinca"
)

// An uses is which stacks use which variables, as of a moment: whoever shows
// a variable asks for it, and it takes a look at every stack.
type uses struct {
	marks atomic.Int64 // counts the deploys that were noted

	mu       sync.Mutex
	known    bool
	moment   [2]int64            // the revision of the database, and marks
	variable map[string][]string // names of stacks, sorted
}

// UsedBy returns the stacks that use a variable: those whose last deploy did,
// and those whose own text names it.
func (d *Deployer) UsedBy(ctx context.Context, v rinca.Variable) ([]string, error) {
	u := &d.uses
	u.mu.Lock()
	defer u.mu.Unlock()
	// What is read after this may be newer, and never older.
	moment := [2]int64{d.DB.Revision(), u.marks.Load()}
	if !u.known || u.moment != moment {
		all, err := d.allUses(ctx)
		if err != nil {
			return nil, err
		}
		u.known, u.moment, u.variable = true, moment, all
	}
	stacks := u.variable[v.Name]
	if v.Stack == "" {
		return slices.Clone(stacks), nil
	}
	if slices.Contains(stacks, v.Stack) {
		return []string{v.Stack}, nil
	}
	return nil, nil
}

// allUses returns the names of stacks by the variables that they use.
func (d *Deployer) allUses(ctx context.Context) (map[string][]string, error) {
	marks, err := d.DB.Marks(ctx)
	if err != nil {
		return nil, err
	}
	stacks, err := d.DB.Stacks(ctx)
	if err != nil {
		return nil, err
	}
	last := map[string][]string{} // what the last deploy of a stack used
	for i := range marks {
		last[marks[i].Stack] = marks[i].Uses
	}
	all := map[string][]string{}
	for i := range stacks {
		s := &stacks[i]
		for _, name := range sorted(append(mentioned(s), last[s.Name]...)) {
			all[name] = append(all[name], s.Name)
		}
	}
	for name := range all {
		slices.Sort(all[name])
	}
	return all, nil
}

// mentioned lists the variables that a stack's own text names.
func mentioned(s *rinca.Stack) []string {
	text := []string{s.Environment, s.PreDeploy.Command, s.PostDeploy.Command}
	for _, f := range s.Source.Files {
		text = append(text, f.Content)
	}
	return interpolate.Names(strings.Join(text, "\n"))
}
