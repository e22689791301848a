package deploy

import (
	"cmp"
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"rinca/internal/envfile"
	"rinca/internal/export"
	"rinca/internal/interpolate"
	"rinca/internal/rinca"
)

// SecretUses finds what reads an item, a field of it, or a variable: files,
// services, containers, and the stacks that come after theirs. It asks no
// vault: it knows what was exported and deployed. Of engines it only wants the
// names of containers; one that does not answer is a note.
func (d *Deployer) SecretUses(ctx context.Context, what string) (rinca.UsedBy, error) {
	thing, err := rinca.ParseThing(what)
	if err != nil {
		return rinca.UsedBy{}, err
	}
	f := &finder{thing: thing, out: rinca.UsedBy{What: strings.TrimSpace(what), Uses: []rinca.SecretUse{}}}
	if err := f.load(ctx, d); err != nil {
		return rinca.UsedBy{}, err
	}
	f.items()
	f.variables()
	f.containers(ctx, d)
	slices.SortFunc(f.out.Uses, func(a, b rinca.SecretUse) int {
		return cmp.Or(cmp.Compare(a.Stack, b.Stack), cmp.Compare(a.File, b.File), cmp.Compare(a.Variable, b.Variable), cmp.Compare(a.Service, b.Service))
	})
	return f.out, nil
}

// A finder looks for the uses of one thing.
type finder struct {
	thing     rinca.Thing
	inventory export.Inventory
	stacks    []rinca.Stack
	lineages  map[string]rinca.Lineage
	vars      []rinca.Variable
	mentions  map[string][]string // stacks, by the variables that they use
	out       rinca.UsedBy
}

func (f *finder) load(ctx context.Context, d *Deployer) (err error) {
	if f.inventory, err = export.TakeInventory(d.Vault.Request.Dest); err != nil {
		f.out.Notes = append(f.out.Notes, "what was exported is not known: "+err.Error())
	}
	if f.stacks, err = d.DB.Stacks(ctx); err != nil {
		return err
	}
	if f.lineages, err = d.Lineages(ctx); err != nil {
		return err
	}
	if f.vars, err = d.DB.Variables(ctx); err != nil {
		return err
	}
	f.mentions, err = d.allUses(ctx)
	return err
}

func (f *finder) isItem(vaultID, vaultName, id, title string) bool {
	t := f.thing
	if t.Name != "" {
		return t.Name == id || strings.EqualFold(t.Name, title)
	}
	return (t.Vault == vaultID || strings.EqualFold(t.Vault, vaultName)) && (t.Item == id || strings.EqualFold(t.Item, title))
}

// items follows items to the files that are made of them.
func (f *finder) items() {
	for _, k := range f.inventory.Files {
		if !f.isItem(k.Vault, k.VaultName, k.Item, k.Title) {
			continue
		}
		if f.thing.Field != "" && !holds(k.Path, f.thing.Field) {
			continue
		}
		f.addItem(rinca.UsedItem{Vault: k.Vault, VaultName: k.VaultName, Item: k.Item, Title: k.Title, Version: k.Version, ChangedAt: k.ChangedAt})
		use := rinca.SecretUse{Vault: cmp.Or(k.VaultName, k.Vault), Item: k.Title, Field: f.thing.Field, File: k.Path}
		for i := range f.stacks {
			f.readers(&f.stacks[i], k.Stack, use)
		}
	}
	for _, t := range f.inventory.Items { // tagged, and not exported yet
		if f.thing.Field == "" && f.isItem(t.Vault, t.VaultName, t.Item, t.Title) {
			f.addItem(rinca.UsedItem{Vault: t.Vault, VaultName: t.VaultName, Item: t.Item, Title: t.Title, Version: t.Version, ChangedAt: t.ChangedAt})
		}
	}
}

func (f *finder) addItem(item rinca.UsedItem) {
	if !slices.ContainsFunc(f.out.Items, func(i rinca.UsedItem) bool {
		return i.Vault == item.Vault && i.Item == item.Item && i.Title == item.Title
	}) {
		f.out.Items = append(f.out.Items, item)
	}
}

// holds reports whether an env file has a key; one that cannot be read may.
func holds(path, key string) bool {
	data, err := os.ReadFile(path)
	if err != nil {
		return true
	}
	entries, err := envfile.Parse(data)
	if err != nil {
		return true
	}
	return slices.ContainsFunc(entries, func(e envfile.Entry) bool { return e.Key == key })
}

// sameFile compares exported files by stack and title: the destination may be
// reached through a link.
func sameFile(a, b string) bool {
	return filepath.Base(a) == filepath.Base(b) && filepath.Base(filepath.Dir(a)) == filepath.Base(filepath.Dir(b))
}

// readers adds the services of a stack that read an exported file.
func (f *finder) readers(s *rinca.Stack, owner string, use rinca.SecretUse) {
	use.Stack, use.Server = s.Name, s.ServerName()
	l, deployed := f.lineages[s.Name]
	for _, file := range l.Files {
		if !sameFile(file.Path, use.File) {
			continue
		}
		use.Via = file.Via
		if len(file.Services) == 0 {
			f.out.Uses = append(f.out.Uses, use)
		}
		for _, service := range file.Services {
			use.Service = service
			f.out.Uses = append(f.out.Uses, use)
		}
		return
	}
	owners := s.Secrets.Stacks
	if len(owners) == 0 {
		owners = []string{s.Name}
	}
	if !deployed && slices.Contains(owners, owner) && !s.Secrets.Skip {
		f.out.Uses = append(f.out.Uses, use)
	}
}

// variables follows a variable, and those that refer to an item, to stacks.
func (f *finder) variables() {
	for i := range f.vars {
		v := &f.vars[i]
		use := rinca.SecretUse{Variable: v.Name, Via: "variable"}
		if v.From != "" {
			ref, err := rinca.ParseSecretRef(v.From)
			if err != nil {
				continue
			}
			use.Vault, use.Item, use.Field = ref.Vault, ref.Item, ref.Field
		}
		if v.Name != f.thing.Name && !f.refers(use) && !f.mentionsIt(v) {
			continue
		}
		if use.Item != "" {
			f.addReferred(use)
		}
		if !slices.Contains(f.out.Variables, v.Name) {
			f.out.Variables = append(f.out.Variables, v.Name)
		}
		for _, stack := range f.mentions[v.Name] {
			if (v.Stack == "" || v.Stack == stack) && !f.shadowed(v, stack) {
				f.usesVariable(use, stack)
			}
		}
	}
}

// mentionsIt reports whether the value of a plain variable holds [[NAME]].
func (f *finder) mentionsIt(v *rinca.Variable) bool {
	return f.thing.Name != "" && !v.Secret && v.From == "" && slices.Contains(interpolate.Names(v.Value.Reveal()), f.thing.Name)
}

// refers reports whether a reference is to what was asked for. Names and ids
// of one item are told apart only when it was exported.
func (f *finder) refers(use rinca.SecretUse) bool {
	if use.Item == "" {
		return false
	}
	if f.thing.Field != "" && !strings.EqualFold(f.thing.Field, use.Field) {
		return false
	}
	if f.isItem(use.Vault, use.Vault, use.Item, use.Item) {
		return true
	}
	return slices.ContainsFunc(f.inventory.Items, func(t export.Tagged) bool {
		named := (use.Vault == t.Vault || strings.EqualFold(use.Vault, t.VaultName)) && (use.Item == t.Item || strings.EqualFold(use.Item, t.Title))
		return named && f.isItem(t.Vault, t.VaultName, t.Item, t.Title)
	})
}

func (f *finder) addReferred(use rinca.SecretUse) {
	for _, i := range f.out.Items {
		if (use.Vault == i.Vault || strings.EqualFold(use.Vault, i.VaultName)) && (use.Item == i.Item || strings.EqualFold(use.Item, i.Title)) {
			return
		}
	}
	f.addItem(rinca.UsedItem{VaultName: use.Vault, Title: use.Item})
}

// shadowed reports whether a stack has a variable of its own of that name.
func (f *finder) shadowed(v *rinca.Variable, stack string) bool {
	return v.Stack == "" && slices.ContainsFunc(f.vars, func(o rinca.Variable) bool { return o.Name == v.Name && o.Stack == stack })
}

func (f *finder) usesVariable(use rinca.SecretUse, stack string) {
	use.Stack = stack
	if i := slices.IndexFunc(f.stacks, func(s rinca.Stack) bool { return s.Name == stack }); i >= 0 {
		use.Server = f.stacks[i].ServerName()
	}
	services := f.lineages[stack].Readers[use.Variable]
	if len(services) == 0 {
		f.out.Uses = append(f.out.Uses, use)
	}
	for _, service := range services {
		use.Service = service
		f.out.Uses = append(f.out.Uses, use)
	}
}

// containers adds the names of containers, and the stacks that come after.
func (f *finder) containers(ctx context.Context, d *Deployer) {
	byServer := map[string][]*rinca.Stack{}
	for i := range f.stacks {
		s := &f.stacks[i]
		if slices.ContainsFunc(f.out.Uses, func(u rinca.SecretUse) bool { return u.Stack == s.Name }) {
			byServer[s.ServerName()] = append(byServer[s.ServerName()], s)
		}
	}
	for server, stacks := range byServer {
		states := d.statesOn(ctx, server, stacks)
		if e := states[stacks[0].Name].Error; e != "" {
			f.out.Notes = append(f.out.Notes, "the containers on "+server+" are not known: "+e)
		}
		for i := range f.out.Uses {
			u := &f.out.Uses[i]
			for _, c := range states[u.Stack].Services {
				if c.Service == u.Service || u.Service == "" && u.Variable != "" {
					u.Containers = append(u.Containers, c.Container)
				}
			}
		}
	}
	for i := range f.out.Uses {
		f.out.Uses[i].Dependents = dependents(f.stacks, f.out.Uses[i].Stack)
	}
	slices.Sort(f.out.Notes)
}

// dependents lists the stacks that come after one, also by way of others.
func dependents(all []rinca.Stack, of string) []string {
	found := map[string]bool{}
	var follow func(name string)
	follow = func(name string) {
		for i := range all {
			if s := &all[i]; slices.Contains(s.After, name) && !found[s.Name] && s.Name != of {
				found[s.Name] = true
				follow(s.Name)
			}
		}
	}
	follow(of)
	var out []string
	for name := range found {
		out = append(out, name)
	}
	slices.Sort(out)
	return out
}
