package deploy

import (
	"context"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"rinca/internal/git"
	"rinca/internal/rinca"
)

// deployedJob loads a stack as it was last deployed, but with the variables
// and the exported files of now: what its containers should have. It reads the
// files of the last deploy where they lie, and writes nothing.
func (c *driftCheck) deployedJob(ctx context.Context, stack string) (*job, error) {
	g, err := c.goodGeneration(ctx, stack)
	if err != nil {
		return nil, err
	}
	rec := &Record{Known: c.Known, Now: c.Now, Log: c.Log}
	j := &job{
		Deployer: c.Deployer, o: Options{Stack: stack, SkipSecrets: true}, rec: rec.Quiet(), stack: g.Stack,
		planning: true, looking: true, pass: c.pass, warned: map[string]bool{},
	}
	if err := j.filesInPlace(g); err != nil {
		return nil, err
	}
	if j.vars, err = c.valuesFor(ctx, stack, g); err != nil {
		return nil, err
	}
	if _, err := j.secrets(ctx); err != nil {
		return nil, err
	}
	if err := j.interpolateGiven(g.Files); err != nil {
		return nil, err
	}
	_, err = j.load(ctx)
	c.Known.Set("deployed:"+stack, j.maskable(deployedSecrets(g, j.vars)))
	return j, err
}

// deployedSecrets are the values that containers of a generation have, and may
// print, whatever is newer by now.
func deployedSecrets(g generation, v *variables) []rinca.Secret {
	var out []rinca.Secret
	for name, value := range g.Variables {
		if x, ok := v.all[name]; !ok || x.Concealed() {
			out = append(out, rinca.NewSecret(value))
		}
	}
	for _, f := range g.Exported {
		out = append(out, valuesOf(f.Data)...)
	}
	return out
}

// filesInPlace finds the files of the last deploy without writing any.
func (j *job) filesInPlace(g generation) error {
	dest := filepath.Join(j.dir(j.stack.Name), "src")
	src := j.stack.Source
	switch src.Kind {
	case rinca.SourceGit:
		_, tracked, err := git.CheckedOut(dest)
		if err != nil {
			return err
		}
		dir := filepath.Join(dest, filepath.FromSlash(strings.Trim(src.Path, "/")))
		if dir != dest && !within(dest, dir) {
			return rinca.Errorf(rinca.Invalid, "the path %q leaves the source", src.Path)
		}
		j.files = files{root: dest, dir: dir, live: dest, tracked: tracked, commit: g.Commit}
	case rinca.SourceInline:
		j.files = files{root: dest, dir: dest, live: dest}
		for _, f := range src.Files {
			if filepath.IsLocal(f.Path) {
				j.files.tracked = append(j.files.tracked, filepath.Join(dest, filepath.Clean(f.Path)))
			}
		}
	default:
		_, err := j.hostSource()
		return err
	}
	if _, err := os.Stat(j.files.dir); err != nil {
		return rinca.Errorf(rinca.NotFound, "the files of its last deploy are gone: %w", reason(err)).Try("rinca stack deploy %s", j.stack.Name)
	}
	return nil
}

// valuesFor returns the variables of a stack as they are now. A reference
// that could not be looked up keeps the value it was deployed with.
func (c *driftCheck) valuesFor(ctx context.Context, stack string, g generation) (*variables, error) {
	v, err := c.loadVariables(ctx, stack)
	if err != nil {
		return nil, err
	}
	for name, x := range v.all {
		if x.From == "" {
			continue
		}
		if got := c.refs[x.From]; got.err == nil && got.value.IsSet() {
			v.values[name] = got.value
		} else if old, ok := g.Variables[name]; ok {
			v.values[name] = rinca.NewSecret(old)
		}
	}
	return v, nil
}

// variables compares the variables that the stack was deployed with.
func (w *stackCheck) variables() {
	w.changed = map[string]rinca.Variable{}
	own := &variables{all: map[string]rinca.Variable{}, values: map[string]rinca.Secret{}, used: map[string]rinca.Secret{}}
	for _, x := range w.vars {
		if x.Stack != "" && x.Stack != w.s.Name {
			continue
		}
		if have, ok := own.all[x.Name]; !ok || have.Stack == "" {
			own.all[x.Name] = x
		}
	}
	for name, x := range own.all {
		if got := w.refs[x.From]; x.From != "" && got.err == nil {
			own.values[name] = got.value
		}
	}
	for _, name := range slices.Sorted(maps.Keys(w.lineage.Variables)) {
		w.variable(own, name)
	}
}

func (w *stackCheck) variable(own *variables, name string) {
	x, there := own.all[name]
	k := rinca.DriftKey{Key: name, Via: "variable", State: rinca.DriftProven}
	if services := w.lineage.Readers[name]; len(services) == 1 {
		k.Service = services[0]
	}
	value, ok := own.value(name, true)
	switch {
	case !there:
		k.State, k.Why = rinca.DriftUnknown, "the variable is there no more"
	case x.From != "" && w.refs[x.From].err != nil:
		k.State, k.Why = rinca.DriftUnknown, w.refs[x.From].err.Error()
	case !ok:
		k.State, k.Why = rinca.DriftUnknown, "the vault was not asked for it"
	case w.valueDigest(name, value) != w.lineage.Variables[name]:
		w.changed[name] = x
		k.State, k.Since, k.Mend = rinca.DriftStale, x.UpdatedAt, "deploy"
		k.Why = "it was changed after the stack was deployed"
		if x.From != "" {
			k.Since, k.Why = time.Time{}, "the vault has another value than the stack was deployed with"
		}
	}
	// A plain one is no secret: it is told only when it differs.
	if x.Concealed() || k.State != rinca.DriftProven {
		w.out.Keys = append(w.out.Keys, k)
	}
}

// changedFor lists the variables that changed and may end up in a service.
func (w *stackCheck) changedFor(service string) []string {
	var out []string
	for _, name := range slices.Sorted(maps.Keys(w.changed)) {
		if readers, known := w.lineage.Readers[name]; !known || slices.Contains(readers, service) {
			out = append(out, name)
		}
	}
	return out
}

// modified is when a file was last written; zero when it is not there.
func modified(path string) time.Time {
	info, err := os.Stat(path)
	if err != nil {
		return time.Time{}
	}
	return info.ModTime().UTC()
}
