package export

import (
	"context"
	"slices"
	"strings"

	"rinca/internal/rinca"
	"rinca/internal/vault"
)

// attempts bounds how often a vault that changes under us is listed.
const attempts = 3

// facts gathers everything that a plan is decided from.
func (r *run) facts(ctx context.Context) (Facts, error) {
	v, err := r.findVault(ctx)
	if err != nil {
		return Facts{}, err
	}
	for attempt := 1; ; attempt++ {
		items, err := r.items(ctx, v, attempt > 1)
		if err != nil {
			return Facts{}, err
		}
		if r.req.Listed != nil {
			r.req.Listed(v, infosOf(v, items))
		}
		f := Facts{Vault: v, Dest: r.d.path, Rules: r.req.Rules, Now: r.Now().UTC(), anyItems: slices.ContainsFunc(items, listedItem.isEnv)}
		for _, c := range choose(items, r.req.Stacks, r.knownStacks(v.ID)) {
			s := r.survey(c)
			r.hold(v, s)
			f.stacks = append(f.stacks, s)
		}
		r.orphans(v.ID, f.stacks)
		r.empty(&f, items)
		if len(f.stacks) == 0 {
			return Facts{}, noStacks(v)
		}
		again, err := r.fetch(ctx, v.ID, f.stacks, attempt < attempts)
		if err != nil {
			return Facts{}, err
		}
		if !again {
			return f, nil
		}
	}
}

// noStacks is the error of a vault that has nothing to export.
func noStacks(v rinca.Vault) error {
	return rinca.Errorf(rinca.NotFound, "no items for any stack: no item of vault '%s' has a tag such as %sauthentik and a title that ends in .env", v.Name, rinca.StackTag).
		Try("rinca item create authentik.env.example --stack authentik")
}

// empty is about stacks without items: an error when one was asked for by name,
// or when the vault lists none at all. Otherwise it is a stack that is no more.
func (r *run) empty(f *Facts, items []listedItem) {
	byName := len(r.req.Stacks) > 0
	f.stacks = slices.DeleteFunc(f.stacks, func(s *stackFacts) bool {
		if len(s.choice.items)+len(s.choice.problems) > 0 {
			return false
		}
		meant := r.req.Prune && r.req.AllowEmpty && len(s.orphans) > 0
		if !meant && (byName || !f.anyItems) {
			s.missing = noItems(s.choice, items)
		}
		return !byName && len(s.orphans) == 0
	})
}

func (r *run) findVault(ctx context.Context) (rinca.Vault, error) {
	if err := r.spend(1); err != nil {
		return rinca.Vault{}, err
	}
	vaults, err := r.Provider.Vaults(ctx)
	if err != nil {
		return rinca.Vault{}, err
	}
	return vault.Pick(vaults, r.req.Vault)
}

// items lists the items of stacks: from the manifest when the vault has not
// moved since, else from the vault.
func (r *run) items(ctx context.Context, v rinca.Vault, fresh bool) ([]listedItem, error) {
	last, ok := r.m.Vaults[v.ID]
	if ok && !fresh && v.ContentVersion != 0 && v.ContentVersion == last.ContentVersion && v.UpdatedAt.Equal(last.UpdatedAt) {
		return last.Items, nil
	}
	if err := r.spend(1); err != nil {
		return nil, err
	}
	infos, err := r.Provider.Items(ctx, v.ID)
	if err != nil {
		return nil, err
	}
	items := listed(infos)
	// A list that is newer than the version is taken for the older one, and
	// asked for again next time: that is the safe side.
	if v.ContentVersion != 0 && !fresh {
		r.m.list(v.ID, listing{Name: v.Name, ContentVersion: v.ContentVersion, UpdatedAt: v.UpdatedAt.UTC(), Items: items})
	}
	return items, nil
}

// knownStacks returns the stacks that have files from this vault.
func (r *run) knownStacks(vaultID string) []string {
	seen := map[string]bool{}
	var stacks []string
	for name, e := range r.m.Files {
		if stack, _ := split(name); e.Vault == vaultID && !seen[stack] {
			seen[stack] = true
			stacks = append(stacks, stack)
		}
	}
	slices.Sort(stacks)
	return stacks
}

// orphans finds the files of ours that the vault no longer has.
func (r *run) orphans(vaultID string, stacks []*stackFacts) {
	byName := make(map[string]*stackFacts, len(stacks))
	wanted := map[string]bool{}
	for _, s := range stacks {
		byName[s.choice.stack] = s
		for _, f := range s.files {
			wanted[f.name] = true
		}
	}
	for name, e := range r.m.Files {
		stack, title := split(name)
		s := byName[stack]
		if s == nil || wanted[name] || e.Vault != vaultID || s.err != nil {
			continue
		}
		// A title that is wrong now was right once; the file stays.
		if slices.ContainsFunc(s.choice.items, func(i listedItem) bool { return i.Title == title }) {
			continue
		}
		disk, err := r.lookAt(name, e)
		switch {
		case err != nil: // it cannot be seen; it stays ours
		case disk.kind == absent:
			r.m.remove(name) // gone from both: forget it
		default:
			s.orphans = append(s.orphans, orphan{name: name, disk: disk})
		}
	}
	for _, s := range stacks {
		slices.SortFunc(s.orphans, func(a, b orphan) int { return strings.Compare(a.name, b.name) })
	}
}
