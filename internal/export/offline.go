package export

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"rinca/internal/rinca"
)

// offline takes the files as they are, because the vault is out of reach: each
// of them has to be there as it was exported. cause is why.
func (r *run) offline(cause error) (*Plan, error) {
	p := &Plan{Vault: rinca.Vault{Name: r.req.Vault}, Dest: r.d.path, Offline: true, Notes: r.notes}
	p.Notes = append(p.Notes, "the vault is out of reach, the files stay as they are: "+cause.Error())
	byStack := map[string][]string{}
	for name, e := range r.m.Files {
		if e.Vault != r.req.Vault && !strings.EqualFold(r.m.Vaults[e.Vault].Name, r.req.Vault) {
			continue
		}
		stack, _ := split(name)
		byStack[stack] = append(byStack[stack], name)
	}
	stacks := r.req.Stacks
	if len(stacks) == 0 {
		for stack := range byStack {
			stacks = append(stacks, stack)
		}
		slices.Sort(stacks)
	}
	if len(stacks) == 0 {
		return p, rinca.Errorf(rinca.Unavailable, "nothing was ever exported to %s: %w", r.d.path, cause).
			Try("run it again when the vault answers")
	}
	for _, stack := range stacks {
		p.Stacks = append(p.Stacks, r.offlineStack(stack, byStack[stack]))
	}
	return p, nil
}

func (r *run) offlineStack(stack string, names []string) Stack {
	s := Stack{Name: stack}
	if len(names) == 0 {
		s.Err = rinca.Errorf(rinca.Unavailable, "stack %s was never exported, and the vault is out of reach", stack).
			Try("run it again when the vault answers")
		return s
	}
	slices.Sort(names)
	root, _, err := r.d.openStack(stack)
	if err != nil {
		s.Err = err
		return s
	}
	if root != nil {
		defer root.Close()
	}
	for _, name := range names {
		e := r.m.Files[name]
		_, title := split(name)
		var disk diskState
		if root != nil {
			if disk, err = r.look(root, name, e, true); err != nil {
				s.Err = err
				return s
			}
		}
		if !disk.intact {
			what := "was edited"
			if disk.kind == absent {
				what = "is missing"
			}
			s.Problems = append(s.Problems, fmt.Sprintf("%s %s, and the vault is out of reach", title, what))
			continue
		}
		s.Files = append(s.Files, File{
			Title: title, Action: Offline, Item: e.Item, Version: e.Version,
			Age: r.Now().Sub(e.ExportedAt).Truncate(time.Second),
		})
	}
	if len(s.Problems) > 0 {
		s.Err = problemError(stack, s.Problems, false)
	}
	return s
}
