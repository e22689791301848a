package deploy

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"rinca/internal/export"
	"rinca/internal/rinca"
	"rinca/internal/vault"
)

// LookOptions say what a look is about.
type LookOptions struct {
	Stacks []string // none means all
	// Known are the content versions of vaults, by id, at which no secret
	// reference differed. What has not moved since is not looked up again.
	Known map[string]int64
}

// A Look is what differs between the vault, the exported files, and what
// stacks were deployed with. It is a comparison of levels: how it came about
// does not matter, and what was missed once is found the next time.
type Look struct {
	Changed  []Changed        // by stack
	Vaults   map[string]int64 // content versions, by id; those in which nothing is held or differs
	Requests int
	Notes    []string
	// Listed tells that items were listed anew. An export remembers them.
	Listed bool
	// Blocked are stacks whose items cannot be exported, and why.
	Blocked map[string]error
	// Held are items whose changes are left out.
	Held []rinca.RotatedItem
}

// A Changed is a stack that was deployed with other secrets than it would be
// now.
type Changed struct {
	Stack rinca.Stack
	Items []rinca.RotatedItem
	// Files are the exported files that differ, by path, with the names of
	// the keys that do.
	Files map[string][]string
	// Variables are those whose references lead to another value now.
	Variables []string

	written map[string]rinca.Secret // new contents, by path, that are not on disk yet
	values  map[string]rinca.Secret // of Variables
}

// Look compares every stack that was deployed. When nothing has moved it costs
// one request. It writes nothing.
func (d *Deployer) Look(ctx context.Context, o LookOptions) (Look, error) {
	l := &look{Deployer: d, o: o, found: map[string]*Changed{}, plans: map[string]*export.Stack{}, dirs: map[string]string{}}
	l.out.Vaults, l.out.Blocked = map[string]int64{}, map[string]error{}
	if err := l.load(ctx); err != nil {
		return Look{}, err
	}
	if len(l.stacks) > 0 && d.Vault.Configured() {
		if err := d.Vault.use(ctx, func(p rinca.Provider) error { return l.ask(ctx, p) }); err != nil {
			return l.out, err
		}
	}
	for i := range l.stacks {
		l.files(&l.stacks[i])
	}
	for _, s := range l.stacks {
		if c := l.found[s.Name]; c != nil && l.out.Blocked[s.Name] == nil {
			l.out.Changed = append(l.out.Changed, *c)
		}
	}
	return l.out, nil
}

// A look is a Look under way.
type look struct {
	*Deployer
	o        LookOptions
	stacks   []rinca.Stack // that were deployed, by name
	lineages map[string]rinca.Lineage
	found    map[string]*Changed
	plans    map[string]*export.Stack // by the stack that items are tagged with
	dirs     map[string]string        // their directories
	vaults   map[string]rinca.Vault   // by the same
	out      Look
}

func (l *look) load(ctx context.Context) error {
	all, err := l.DB.Stacks(ctx)
	if err != nil {
		return err
	}
	if l.lineages, err = l.Lineages(ctx); err != nil {
		return err
	}
	for i := range all {
		if _, deployed := l.lineages[all[i].Name]; deployed && (len(l.o.Stacks) == 0 || slices.Contains(l.o.Stacks, all[i].Name)) {
			l.stacks = append(l.stacks, all[i])
		}
	}
	slices.SortFunc(l.stacks, func(a, b rinca.Stack) int { return strings.Compare(a.Name, b.Name) })
	l.vaults = map[string]rinca.Vault{}
	return nil
}

// owners are the names that the items of a stack are tagged with.
func owners(s *rinca.Stack) []string {
	if len(s.Secrets.Stacks) > 0 {
		return s.Secrets.Stacks
	}
	return []string{s.Name}
}

func (l *look) change(s *rinca.Stack) *Changed {
	c := l.found[s.Name]
	if c == nil {
		c = &Changed{Stack: *s, Files: map[string][]string{}, written: map[string]rinca.Secret{}, values: map[string]rinca.Secret{}}
		l.found[s.Name] = c
	}
	return c
}

// ask compares the vault with the files, and looks references up.
func (l *look) ask(ctx context.Context, p rinca.Provider) error {
	g := glanceAt(p)
	before := g.Requests()
	defer func() { l.out.Requests = g.Requests() - before }()
	groups := map[string][]string{}
	for i := range l.stacks {
		s := &l.stacks[i]
		if !s.Secrets.Skip {
			groups[s.Secrets.Vault] = append(groups[s.Secrets.Vault], owners(s)...)
		}
	}
	for name, stacks := range groups {
		req := l.Vault.Request
		if name != "" {
			req.Vault = name
		}
		req.Stacks, req.Offline = sorted(stacks), false
		plan, err := (&export.Exporter{Provider: g, Now: l.Now, Wait: 2 * time.Minute}).Plan(ctx, req)
		if err != nil {
			return err
		}
		l.out.Notes = append(l.out.Notes, plan.Notes...)
		for i := range plan.Stacks {
			s := &plan.Stacks[i]
			l.plans[s.Name], l.dirs[s.Name], l.vaults[s.Name] = s, plan.Dir(s.Name), plan.Vault
		}
	}
	l.out.Listed = len(g.items) > 0
	return l.references(ctx, g)
}

// files compares the exported files of a stack with those that it was
// deployed with.
func (l *look) files(s *rinca.Stack) {
	was := map[string]rinca.LineageFile{}
	for _, f := range l.lineages[s.Name].Files {
		was[fileKey(f.Path)] = f
	}
	for _, owner := range owners(s) {
		p := l.plans[owner]
		if p == nil {
			continue
		}
		if p.Err != nil && (rinca.CodeOf(p.Err) != rinca.NotFound || len(p.Problems) > 0) {
			l.out.Blocked[s.Name] = p.Err
			continue
		}
		for i := range p.Files {
			f := &p.Files[i]
			path := filepath.Join(l.dirs[owner], f.Title)
			l.file(s, f, path, was[fileKey(path)], l.vaults[owner])
			delete(was, fileKey(path))
		}
	}
	for _, f := range was { // what no vault was asked for
		if data, err := os.ReadFile(f.Path); err == nil && l.fileDigest(f.Path, data) != f.Digest {
			l.change(s).Files[f.Path] = nil
		}
	}
}

func (l *look) file(s *rinca.Stack, f *export.File, path string, was rinca.LineageFile, v rinca.Vault) {
	item := rinca.RotatedItem{
		Vault: v.ID, VaultName: v.Name, Item: f.Item, Title: f.Title, Version: f.Version, Held: f.Held,
		Keys: slices.Concat(f.Keys.Changed, f.Keys.Added, f.Keys.Removed), Stacks: []string{s.Name},
	}
	if f.Held != "" {
		l.out.Held = append(l.out.Held, item)
	}
	content := f.Content()
	if content.IsSet() {
		c := l.change(s)
		c.written[path] = content
		c.Files[path] = item.Keys
		if was.Path == "" || l.fileDigest(was.Path, []byte(content.Reveal())) != was.Digest {
			c.Items = append(c.Items, item)
		}
		return
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return // there is nothing that could be deployed
	}
	if was.Path == "" || l.fileDigest(was.Path, data) != was.Digest {
		c := l.change(s)
		c.Files[path] = nil
		if f.Item != "" && f.Held == "" {
			c.Items = append(c.Items, item)
		}
	}
}

// references looks up the references of stacks, in vaults that have moved.
func (l *look) references(ctx context.Context, g *glance) error {
	refs := map[rinca.SecretRef]rinca.Vault{}
	for i := range l.stacks {
		for _, from := range l.lineages[l.stacks[i].Name].Refs {
			ref, err := rinca.ParseSecretRef(from)
			if err != nil {
				continue // it was one when it was deployed
			}
			if _, seen := refs[ref]; seen {
				continue
			}
			vaults, err := g.Vaults(ctx)
			if err != nil {
				return err
			}
			v, err := vault.Pick(vaults, ref.Vault)
			if err != nil {
				l.out.Notes = append(l.out.Notes, err.Error())
				continue
			}
			refs[ref] = v
		}
	}
	var wanted []rinca.SecretRef
	for ref, v := range refs {
		if v.ContentVersion == 0 || l.o.Known[v.ID] != v.ContentVersion {
			wanted = append(wanted, ref)
		}
		l.out.Vaults[v.ID] = v.ContentVersion
	}
	if len(wanted) == 0 {
		return nil
	}
	got, err := (&vault.Resolver{Provider: g, Now: l.Now}).Resolve(ctx, wanted)
	if err != nil && len(got) == 0 && outOfReach(err) {
		return err
	}
	for i := range l.stacks {
		if err := l.stackReferences(ctx, g, &l.stacks[i], refs, got); err != nil {
			return err
		}
	}
	return nil
}

func outOfReach(err error) bool {
	switch rinca.CodeOf(err) {
	case rinca.Unavailable, rinca.RateLimited, rinca.Unauthenticated, rinca.Canceled:
		return true
	}
	return false
}

func (l *look) stackReferences(ctx context.Context, g *glance, s *rinca.Stack, refs map[rinca.SecretRef]rinca.Vault, got map[rinca.SecretRef]rinca.Secret) error {
	lineage := l.lineages[s.Name]
	for name, from := range lineage.Refs {
		ref, err := rinca.ParseSecretRef(from)
		if err != nil {
			continue
		}
		value, ok := got[ref]
		if !ok || l.valueDigest(name, value) == lineage.Variables[name] {
			continue
		}
		v := refs[ref]
		delete(l.out.Vaults, v.ID) // so that it is looked at again until it is deployed
		infos, err := g.known(ctx, v.ID)
		if err != nil {
			return err
		}
		item := rinca.RotatedItem{Vault: v.ID, VaultName: v.Name, Title: ref.Item, Keys: []string{ref.Field}, Stacks: []string{s.Name}}
		for _, info := range infos {
			if info.ID == ref.Item || strings.EqualFold(info.Title, ref.Item) {
				item.Item, item.Title, item.Version = info.ID, info.Title, info.Version
				item.Held = l.Vault.held(v, info)
			}
		}
		if item.Held != "" {
			l.out.Held = append(l.out.Held, item)
			continue
		}
		c := l.change(s)
		c.Items = append(c.Items, item)
		c.Variables = append(c.Variables, name)
		c.values[name] = value
	}
	return nil
}

// An Exported is what an export for several stacks did.
type Exported struct {
	// Failed are the stacks of which nothing was written, and why.
	Failed map[string]error
	// Made are the paths of files that were not there before.
	Made map[string]bool
	// Versions are those of items, by vault and item id.
	Versions map[[2]string]int64
}

// ExportStacks exports the secrets of stacks, with one export for each vault.
// Of each stack everything is written, or nothing.
func (d *Deployer) ExportStacks(ctx context.Context, stacks []rinca.Stack, rec *Record) (Exported, error) {
	out := Exported{Failed: map[string]error{}, Made: map[string]bool{}, Versions: map[[2]string]int64{}}
	if !d.Vault.Configured() {
		return out, nil
	}
	groups, users := map[string][]string{}, map[string][]string{}
	for i := range stacks {
		s := &stacks[i]
		if s.Secrets.Skip {
			continue
		}
		groups[s.Secrets.Vault] = append(groups[s.Secrets.Vault], owners(s)...)
		for _, o := range owners(s) {
			users[o] = append(users[o], s.Name)
		}
	}
	for name, list := range groups {
		req := d.Vault.Request
		if name != "" {
			req.Vault = name
		}
		req.Stacks, req.Offline = sorted(list), false
		p, err := d.Vault.Export(ctx, req, false)
		if err != nil {
			return out, err
		}
		d.noteExport(p, users, &out, rec)
	}
	d.LearnExported()
	return out, nil
}

func (d *Deployer) noteExport(p *export.Plan, users map[string][]string, out *Exported, rec *Record) {
	j := &job{Deployer: d, rec: rec, exported: exported{changed: map[string][]string{}, stale: map[string]bool{}}}
	for i := range p.Stacks {
		one := *p
		one.Stacks, one.Notes = p.Stacks[i:i+1], nil
		if _, err := j.tellExport(&one); err != nil {
			for _, user := range users[p.Stacks[i].Name] {
				out.Failed[user] = err
			}
			continue
		}
		for k := range p.Stacks[i].Files {
			f := &p.Stacks[i].Files[k]
			if f.Action == export.Exported && f.Drift == "" {
				out.Made[filepath.Join(p.Dir(p.Stacks[i].Name), f.Title)] = true
			}
			if f.Held == "" {
				out.Versions[[2]string{p.Vault.ID, f.Item}] = f.Version
			}
		}
	}
}

// RememberLists exports every stack whose files are what the vault says, so
// that the lists of items need not be asked for again. It writes files only
// when something has changed just now, which the next look finds.
func (d *Deployer) RememberLists(ctx context.Context) error {
	all, err := d.DB.Stacks(ctx)
	if err != nil {
		return err
	}
	lineages, err := d.Lineages(ctx)
	if err != nil {
		return err
	}
	var deployed []rinca.Stack
	for i := range all {
		if _, ok := lineages[all[i].Name]; ok {
			deployed = append(deployed, all[i])
		}
	}
	rec := (&Record{Known: d.Known, Now: d.Now, Log: d.Log}).Quiet()
	_, err = d.ExportStacks(ctx, deployed, rec)
	return err
}
