package deploy

import (
	"cmp"
	"context"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"rinca/internal/export"
	"rinca/internal/rinca"
)

// A vaultFile is an exported file, compared with its item.
type vaultFile struct {
	path  string
	state rinca.DriftState
	since time.Time
	why   string
	keys  []string // that differ; none with whole
	whole bool     // nobody knows which keys differ, or there are none
	// missing: it was never written.
	missing bool
}

// A refValue is what a secret reference stands for now.
type refValue struct {
	value rinca.Secret
	err   error
}

// fileKey names an exported file by its stack and title.
func fileKey(path string) string {
	return filepath.Base(filepath.Dir(path)) + "/" + filepath.Base(path)
}

// askVault compares items with exported files, and looks references up: for
// all stacks at once.
func (c *driftCheck) askVault(ctx context.Context) {
	c.files, c.wrong, c.refs = map[string]vaultFile{}, map[string]string{}, map[string]refValue{}
	if !c.Vault.Configured() {
		c.notes = append(c.notes, "no vault is configured: files are compared with containers alone")
		return
	}
	before := c.Vault.Requests()
	groups := map[string][]string{} // by vault
	for i := range c.stacks {
		s := &c.stacks[i]
		if s.Secrets.Skip {
			continue
		}
		of := s.Secrets.Stacks
		if len(of) == 0 {
			of = []string{s.Name}
		}
		groups[s.Secrets.Vault] = append(groups[s.Secrets.Vault], of...)
	}
	for vault, names := range groups {
		c.compareItems(ctx, vault, sorted(names))
	}
	c.lookUp(ctx)
	c.requests = c.Vault.Requests() - before
}

func (c *driftCheck) compareItems(ctx context.Context, vault string, stacks []string) {
	req := c.Vault.Request
	if vault != "" {
		req.Vault = vault
	}
	req.Stacks, req.Offline = stacks, true
	p, err := c.Vault.Export(ctx, req, true)
	if err != nil {
		c.notes = append(c.notes, "the vault could not be compared: "+c.mask(err.Error()))
		for _, s := range stacks {
			c.wrong[s] = err.Error()
		}
		return
	}
	for _, n := range p.Notes {
		c.notes = append(c.notes, c.mask(n))
	}
	for i := range p.Stacks {
		s := &p.Stacks[i]
		if s.Err != nil && (rinca.CodeOf(s.Err) != rinca.NotFound || len(s.Problems) > 0) {
			c.wrong[s.Name] = s.Err.Error()
		}
		for k := range s.Files {
			f := &s.Files[k]
			path := filepath.Join(p.Dir(s.Name), f.Title)
			v := judgeFile(f, path)
			c.files[fileKey(path)] = v
		}
	}
}

// judgeFile says how a file stands to its item.
func judgeFile(f *export.File, path string) vaultFile {
	v := vaultFile{path: path, state: rinca.DriftProven, keys: slices.Concat(f.Keys.Changed, f.Keys.Added, f.Keys.Removed)}
	v.whole = f.Keys.Unknown || len(v.keys) == 0
	if f.Held != "" {
		v.state, v.why = rinca.DriftHeld, f.Held
		return v
	}
	switch f.Action {
	case export.Unchanged, export.Permissions, export.Pruned:
		v.why = f.Change
	case export.Offline:
		v.state, v.why = rinca.DriftUnknown, "the vault is out of reach"
	case export.Stale:
		v.state, v.why, v.whole = rinca.DriftStale, "the vault has it no more", true
	case export.Exported:
		v.state, v.since, v.why, v.missing = rinca.DriftStale, f.ChangedAt(), "it was never exported", f.Drift == ""
		if f.Drift != "" {
			v.state, v.since, v.why, v.whole = rinca.DriftEdited, time.Time{}, "the file was removed by hand", true
		}
	case export.Updated, export.Repaired:
		v.state, v.since, v.why = rinca.DriftStale, f.ChangedAt(), "the vault has a newer value than the file"
		if f.Drift != "" {
			v.state, v.since, v.why = rinca.DriftEdited, modified(path), "the file was "+strings.TrimPrefix(f.Drift, "was ")
			v.whole = v.whole || f.Keys.Others > 0
		}
	}
	return v
}

// lookUp finds the values of every reference that a stack was deployed with.
func (c *driftCheck) lookUp(ctx context.Context) {
	var refs []rinca.SecretRef
	texts := map[rinca.SecretRef][]string{}
	for i := range c.stacks {
		mark, ok := c.marks[c.stacks[i].Name]
		if !ok {
			continue
		}
		for name := range LineageOf(mark).Variables {
			for _, v := range c.vars {
				if v.Name != name || v.From == "" || v.Stack != "" && v.Stack != c.stacks[i].Name {
					continue
				}
				ref, err := rinca.ParseSecretRef(v.From)
				if err != nil {
					c.refs[v.From] = refValue{err: err}
					continue
				}
				if !slices.Contains(texts[ref], v.From) {
					texts[ref] = append(texts[ref], v.From)
				}
			}
		}
	}
	for ref := range texts {
		refs = append(refs, ref)
	}
	got, err := c.Vault.Resolve(ctx, refs)
	for ref, all := range texts {
		value, ok := got[ref]
		r := refValue{value: value}
		if !ok {
			r.err = rinca.Errorf(cmp.Or(rinca.CodeOf(err), rinca.NotFound), "the vault has no value for %s", ref)
			if got == nil && err != nil {
				r.err = err
			}
		}
		for _, text := range all {
			c.refs[text] = r
		}
	}
}

// isExported reports whether a path lies where exports go, which may be
// reached through a link.
func (c *driftCheck) isExported(path string) bool {
	dest := c.Vault.Request.Dest
	if within(dest, path) {
		return true
	}
	real, err := filepath.EvalSymlinks(dest)
	return err == nil && within(real, path)
}

// addVault adds to a key how its file stands to the vault.
func (w *stackCheck) addVault(k *rinca.DriftKey) {
	if k.File == "" || k.Via == "environment" || !w.isExported(k.File) {
		return
	}
	f, ok := w.files[fileKey(k.File)]
	if !ok {
		if why := w.wrong[filepath.Base(filepath.Dir(k.File))]; why != "" && k.State == rinca.DriftProven {
			k.State, k.Why = rinca.DriftUnknown, why
		}
		return
	}
	if k.Via == "env_file" && k.Key != "" && !f.whole && !slices.Contains(f.keys, k.Key) {
		return
	}
	if k.Via == "env_file" && k.Key != "" && f.whole && f.state.Drifted() && len(f.keys) == 0 && f.why != "the file was removed by hand" {
		return // no key differs: what does is told once, about the file
	}
	w.covered[fileKey(k.File)] = true
	if k.State.Worse(f.state) == k.State {
		return
	}
	k.State, k.Why, k.Since, k.Container = f.state, f.why, f.since, ""
	if f.state.Drifted() {
		k.Mend = "export"
	}
}

// leftFiles adds the exported files of the stack that no key has told about:
// those that no service reads, and those of which no single key differs.
func (w *stackCheck) leftFiles() {
	owners := w.s.Secrets.Stacks
	if len(owners) == 0 {
		owners = []string{w.s.Name}
	}
	for name, f := range w.files {
		if !slices.Contains(owners, filepath.Dir(name)) || w.covered[name] {
			continue
		}
		if _, deployed := w.marks[w.s.Name]; !deployed && f.missing {
			continue // its first deploy writes it
		}
		read := slices.ContainsFunc(w.out.Keys, func(k rinca.DriftKey) bool { return sameFile(k.File, f.path) })
		if read && f.state == rinca.DriftProven {
			continue
		}
		k := rinca.DriftKey{Key: filepath.Base(f.path), Via: "file", File: f.path, State: f.state, Since: f.since, Why: f.why}
		if f.state.Drifted() && f.why != "the vault has it no more" {
			k.Mend = "export"
		}
		w.out.Keys = append(w.out.Keys, k)
	}
}
