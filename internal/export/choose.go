package export

import (
	"fmt"
	"slices"
	"strings"

	"rinca/internal/rinca"
	"rinca/internal/vault"
)

// A choice is what the vault has for one stack.
type choice struct {
	stack    string
	items    []listedItem // in the order of their titles
	problems []string     // why the stack cannot be exported, naming item ids
	others   int          // items of the stack whose titles do not end in .env
}

// isEnv reports whether an item is one to export.
func (i listedItem) isEnv() bool { return strings.HasSuffix(i.Title, rinca.EnvSuffix) }

// choose sorts items into stacks: those asked for, in their order, or with no
// names every stack that has a tag or, in known, files.
func choose(items []listedItem, asked, known []string) []choice {
	byStack := map[string]*choice{}
	for _, item := range items {
		for _, stack := range item.Stacks {
			c := byStack[stack]
			if c == nil {
				c = &choice{stack: stack}
				byStack[stack] = c
			}
			if item.isEnv() {
				c.items = append(c.items, item)
			} else {
				c.others++
			}
		}
	}
	names := asked
	if len(asked) == 0 {
		for stack := range byStack {
			names = append(names, stack)
		}
		names = append(names, known...)
		slices.Sort(names)
		names = slices.Compact(names)
	}
	choices := make([]choice, 0, len(names))
	for _, stack := range names {
		c := byStack[stack]
		if c == nil {
			c = &choice{stack: stack}
		}
		if len(asked) == 0 && len(c.items) == 0 && !slices.Contains(known, stack) {
			continue // a tag on items that are not exported is no stack of ours
		}
		c.check()
		choices = append(choices, *c)
	}
	return choices
}

// check finds titles that cannot be file names, and those that collide. Some
// file systems take names that differ in case for one.
func (c *choice) check() {
	if !rinca.ValidStackName(c.stack) {
		c.problems = append(c.problems, fmt.Sprintf("the tag %q names no stack: use letters, digits, '.', '_' and '-' (items %s)",
			rinca.StackTag+c.stack, ids(c.items)))
		c.items = nil
		return
	}
	slices.SortFunc(c.items, func(a, b listedItem) int {
		if n := strings.Compare(a.Title, b.Title); n != 0 {
			return n
		}
		return strings.Compare(a.ID, b.ID)
	})
	byName := map[string][]listedItem{}
	for _, item := range c.items {
		if why := rinca.TitleProblem(item.Title); why != "" {
			c.problems = append(c.problems, fmt.Sprintf("the title %q %s (item %s)", item.Title, why, item.ID))
		}
		folded := strings.ToLower(item.Title)
		byName[folded] = append(byName[folded], item)
	}
	for _, item := range c.items {
		same := byName[strings.ToLower(item.Title)]
		if len(same) < 2 || same[0].ID != item.ID {
			continue
		}
		what := fmt.Sprintf("%d items have the title %q", len(same), item.Title)
		if slices.ContainsFunc(same, func(i listedItem) bool { return i.Title != item.Title }) {
			what = fmt.Sprintf("%d items have titles that differ from %q in case only", len(same), item.Title)
		}
		c.problems = append(c.problems, fmt.Sprintf("%s (items %s)", what, ids(same)))
	}
}

func ids(items []listedItem) string {
	s := make([]string, len(items))
	for i, item := range items {
		s[i] = item.ID
	}
	return strings.Join(s, ", ")
}

// noItems is the error of a stack that was asked for and has none.
func noItems(c choice, items []listedItem) error {
	msg := fmt.Sprintf("no items for stack '%s'", c.stack)
	if c.others > 0 {
		return rinca.Errorf(rinca.NotFound, "%s: of the %d tagged %s%s none has a title that ends in .env", msg, c.others, rinca.StackTag, c.stack).
			Try("give the item a title such as %s.env", c.stack)
	}
	var stacks []string
	for _, item := range items {
		stacks = append(stacks, item.Stacks...)
	}
	slices.Sort(stacks)
	stacks = slices.Compact(stacks)
	e := rinca.Errorf(rinca.NotFound, "%s: no item is tagged %s%s", msg, rinca.StackTag, c.stack)
	if near := vault.Nearest(c.stack, stacks); near != "" {
		return e.Try("'%s', the nearest tag is %s%s", near, rinca.StackTag, near)
	}
	if len(stacks) == 0 {
		return e.Try("rinca item create %s.env.example --stack %s", c.stack, c.stack)
	}
	const most = 10
	more := ""
	if len(stacks) > most {
		stacks, more = stacks[:most], ", …"
	}
	return e.Try("one of the stacks that have tags: %s%s", strings.Join(stacks, ", "), more)
}

// listed reduces what a vault lists to what the manifest keeps.
func listed(infos []rinca.Info) []listedItem {
	var items []listedItem
	for _, i := range infos {
		stacks := i.Stacks()
		if len(stacks) == 0 || i.State != rinca.Active {
			continue
		}
		items = append(items, listedItem{
			ID: i.ID, Title: i.Title, Stacks: stacks, Version: i.Version, UpdatedAt: i.UpdatedAt.UTC(),
			Hold: slices.Contains(i.Tags, rinca.HoldTag),
		})
	}
	return items
}
