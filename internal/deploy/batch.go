package deploy

import (
	"context"
	"slices"
	"strings"

	"rinca/internal/export"
	"rinca/internal/rinca"
	"rinca/internal/vault"
)

// Waves sorts stacks so that each comes after those it names in After, as far
// as they are among them: the stacks of one wave do not depend on one another.
// A cycle is an error that prints the path.
func Waves(stacks []rinca.Stack) ([][]rinca.Stack, error) {
	left := map[string]rinca.Stack{}
	for i := range stacks {
		left[stacks[i].Name] = stacks[i]
	}
	var waves [][]rinca.Stack
	for len(left) > 0 {
		var wave []rinca.Stack
		for _, s := range left {
			if !slices.ContainsFunc(s.After, func(n string) bool { _, ok := left[n]; return ok }) {
				wave = append(wave, s)
			}
		}
		if len(wave) == 0 {
			return nil, rinca.Errorf(rinca.Invalid, "stacks wait for one another: %s", cycle(left)).
				Try("remove one of them from after: rinca stack set NAME --after …")
		}
		slices.SortFunc(wave, func(a, b rinca.Stack) int { return strings.Compare(a.Name, b.Name) })
		for i := range wave {
			delete(left, wave[i].Name)
		}
		waves = append(waves, wave)
	}
	return waves, nil
}

// cycle follows After until a name comes again.
func cycle(left map[string]rinca.Stack) string {
	var names []string
	for n := range left {
		names = append(names, n)
	}
	slices.Sort(names)
	at, path := names[0], []string{}
	for !slices.Contains(path, at) {
		path = append(path, at)
		for _, n := range left[at].After {
			if _, ok := left[n]; ok {
				at = n
				break
			}
		}
	}
	return strings.Join(append(path[slices.Index(path, at):], at), " → ")
}

// Changes reports whether a deploy would change anything; its secrets have
// been exported.
func (d *Deployer) Changes(ctx context.Context, pass *Pass, name string, rec *Record) (bool, error) {
	j, err := d.newJob(ctx, Options{Stack: name, SkipSecrets: true}, rec)
	if err != nil {
		return false, err
	}
	j.looking = true
	j.pass = pass
	if err := j.prepare(ctx); err != nil {
		return false, err
	}
	if j.plan.Changes() {
		return true, nil
	}
	if _, err := d.DB.Mark(ctx, name); err != nil || d.unverified(ctx, name) {
		return true, nil //nolint:nilerr // nobody has verified it yet: a deploy does
	}
	return false, j.keepMark(ctx)
}

// ExportFor exports the secrets of several stacks: one export for each vault,
// so that nothing changed costs one request. What is wrong with single stacks
// is in the map.
func (d *Deployer) ExportFor(ctx context.Context, stacks []rinca.Stack, rec *Record) (map[string]error, error) {
	failed := map[string]error{}
	if !d.Vault.Configured() {
		return failed, nil
	}
	type group struct {
		vault   string
		offline bool
	}
	names := map[group][]string{}
	owners := map[string][]string{}
	for i := range stacks {
		s := &stacks[i]
		if s.Secrets.Skip {
			continue
		}
		of := s.Secrets.Stacks
		if len(of) == 0 {
			of = []string{s.Name}
		}
		g := group{s.Secrets.Vault, s.Secrets.Offline}
		for _, n := range of {
			names[g] = append(names[g], n)
			owners[n] = append(owners[n], s.Name)
		}
	}
	for g, list := range names {
		err := rec.Stage(ctx, "Secrets", func(ctx context.Context) (string, error) {
			return d.exportGroup(ctx, exportGroup{g.vault, g.offline, sorted(list), owners}, failed, rec)
		})
		if err != nil {
			return failed, err
		}
	}
	return failed, nil
}

// An exportGroup is what one export is about.
type exportGroup struct {
	vault   string
	offline bool
	stacks  []string
	owners  map[string][]string // who uses the files of a stack
}

func (d *Deployer) exportGroup(ctx context.Context, g exportGroup, failed map[string]error, rec *Record) (string, error) {
	req := d.Vault.Request
	if g.vault != "" {
		req.Vault = g.vault
	}
	req.Stacks, req.Offline = g.stacks, g.offline
	p, err := d.Vault.Export(ctx, req, false)
	if err != nil {
		return "", err
	}
	j := &job{Deployer: d, rec: rec, exported: exported{changed: map[string][]string{}, stale: map[string]bool{}}}
	for i := range p.Stacks {
		one := *p
		one.Stacks, one.Notes = p.Stacks[i:i+1], nil
		if _, err := j.tellExport(&one); err != nil {
			for _, owner := range g.owners[p.Stacks[i].Name] {
				failed[owner] = err
			}
		}
	}
	return plural(len(p.Stacks), "stack") + ", " + plural(p.Requests, "request"), nil
}

// Export writes the secrets of stacks, or of every stack that an item is
// tagged with, and deploys nothing.
func (d *Deployer) Export(ctx context.Context, vaultName string, stacks []string, rec *Record) error {
	if !d.Vault.Configured() {
		return rinca.Errorf(rinca.Unauthenticated, "no vault is configured").
			Try("rinca token set, or an encrypted vault of your own: rinca init")
	}
	return rec.Stage(ctx, "Secrets", func(ctx context.Context) (string, error) {
		req := d.Vault.Request
		if vaultName != "" {
			req.Vault = vaultName
		}
		req.Stacks = stacks
		p, err := d.Vault.Export(ctx, req, false)
		if err != nil {
			return "", err
		}
		defer d.LearnExported()
		return d.tellAll(p, rec)
	})
}

func (d *Deployer) tellAll(p *export.Plan, rec *Record) (string, error) {
	j := &job{Deployer: d, rec: rec, exported: exported{changed: map[string][]string{}, stale: map[string]bool{}}}
	note, err := j.tellExport(p)
	if err != nil {
		return "", err
	}
	return note, p.Err()
}

// CheckAfter finds names in After that no stack has, and cycles.
func CheckAfter(s rinca.Stack, all []rinca.Stack) error {
	names := []string{}
	var others []rinca.Stack
	for i := range all {
		names = append(names, all[i].Name)
		if all[i].Name != s.Name {
			others = append(others, all[i])
		}
	}
	for _, n := range s.After {
		if n == s.Name || slices.Contains(names, n) {
			continue
		}
		e := rinca.Errorf(rinca.Invalid, "stack %s is to come after %q, and there is no such stack", s.Name, n)
		if near := vault.Nearest(n, names); near != "" {
			return e.Try("did you mean %s?", near)
		}
		return e.Try("rinca stack list")
	}
	_, err := Waves(append(others, s))
	return err
}
