package deploy

import (
	"context"
	"maps"
	"slices"
	"sync"

	"rinca/internal/interpolate"
	"rinca/internal/rinca"
)

// variables are those that a stack may use, and which of them it does use.
type variables struct {
	all    map[string]rinca.Variable
	values map[string]rinca.Secret // of references, and of values that hold others
	fixed  map[string]rinca.Secret // a generation's, instead of all of these

	mu   sync.Mutex
	used map[string]rinca.Secret
	// kept, if set, is asked for the values that variables keep while their
	// items are held; it returns those that it has.
	kept func(ctx context.Context, names []string, why string) (map[string]rinca.Secret, error)
}

// loadVariables reads the variables of a stack: its own come before the
// global ones.
func (d *Deployer) loadVariables(ctx context.Context, stack string) (*variables, error) {
	list, err := d.DB.Variables(ctx)
	if err != nil {
		return nil, err
	}
	v := &variables{all: map[string]rinca.Variable{}, values: map[string]rinca.Secret{}, used: map[string]rinca.Secret{}}
	for _, x := range list {
		if x.Stack != "" && x.Stack != stack {
			continue
		}
		if have, ok := v.all[x.Name]; !ok || have.Stack == "" {
			v.all[x.Name] = x
		}
	}
	return v, nil
}

// resolve looks up the references among names, and among those that their
// values mention, in one piece of work.
func (v *variables) resolve(ctx context.Context, vault *Vault, names []string) error {
	refs := map[rinca.SecretRef][]string{}
	for _, name := range v.mentioned(names) {
		x := v.all[name]
		if _, known := v.values[name]; x.From == "" || known {
			continue
		}
		ref, err := rinca.ParseSecretRef(x.From)
		if err != nil {
			return rinca.Errorf(rinca.Invalid, "variable %s: %w", name, err)
		}
		refs[ref] = append(refs[ref], name)
	}
	got, err := v.ask(ctx, vault, refs)
	if err != nil {
		return rinca.Errorf(rinca.CodeOf(err), "look up the variables that are references: %w", err)
	}
	for ref, names := range refs {
		value, ok := got[ref]
		for _, name := range names {
			if _, kept := v.values[name]; ok && !kept {
				v.values[name] = value
			}
		}
	}
	return nil
}

// mentioned adds to names those that values of plain variables mention.
func (v *variables) mentioned(names []string) []string {
	out := slices.Clone(names)
	for _, name := range names {
		if x, ok := v.all[name]; ok && !x.Secret && x.From == "" {
			out = append(out, interpolate.Names(x.Value.Reveal())...)
		}
	}
	return sorted(out)
}

// lookup returns the value of a variable, and remembers that it is used. The
// value of a plain variable may mention secret ones.
func (v *variables) lookup(name string) (rinca.Secret, bool) {
	value, ok := v.value(name, true)
	if ok {
		v.mu.Lock()
		v.used[name] = value
		v.mu.Unlock()
	}
	return value, ok
}

func (v *variables) value(name string, inner bool) (rinca.Secret, bool) {
	if v.fixed != nil {
		value, ok := v.fixed[name]
		return value, ok
	}
	x, ok := v.all[name]
	switch {
	case !ok:
		return rinca.Secret{}, false
	case x.From != "":
		value, ok := v.values[name]
		return value, ok
	case x.Secret || !inner:
		return x.Value, true
	}
	text, missing, err := interpolate.Text(name, x.Value.Reveal(), func(n string) (rinca.Secret, bool) {
		if y, ok := v.all[n]; !ok || (!y.Secret && y.From == "") {
			return rinca.Secret{}, false
		}
		value, ok := v.value(n, false)
		if ok {
			v.mu.Lock()
			v.used[n] = value
			v.mu.Unlock()
		}
		return value, ok
	})
	if err != nil || len(missing) > 0 {
		return x.Value, true
	}
	return text, true
}

// usedNames lists what was looked up.
func (v *variables) usedNames() []string {
	v.mu.Lock()
	defer v.mu.Unlock()
	return slices.Sorted(maps.Keys(v.used))
}

// refs lists the references of the variables that were looked up.
func (v *variables) refs() []string {
	v.mu.Lock()
	defer v.mu.Unlock()
	var out []string
	for name := range v.used {
		if from := v.all[name].From; from != "" {
			out = append(out, from)
		}
	}
	return sorted(out)
}

// secrets returns the values that must not be shown.
func (v *variables) secrets() []rinca.Secret {
	var out []rinca.Secret
	for _, x := range v.all {
		if x.Secret && x.Value.IsSet() {
			out = append(out, x.Value)
		}
	}
	return slices.AppendSeq(out, maps.Values(v.values))
}
