package child

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"rinca/internal/envfile"
	"rinca/internal/rinca"
	"rinca/internal/vault"
)

// A File is an env file.
type File struct {
	Name string
	Data []byte
}

// Environ is what a command gets: the variables of the process and those of
// files. The last of one name wins.
type Environ struct {
	names  []string
	values map[string]variable
}

type variable struct {
	value  rinca.Secret
	origin string // where it was written, for messages
}

// NewEnviron reads the variables of the process, "NAME=value", and files over
// them. Errors in a file name it, and the line.
func NewEnviron(environ []string, files ...File) (*Environ, error) {
	e := &Environ{values: map[string]variable{}}
	for _, kv := range environ {
		if name, value, ok := strings.Cut(kv, "="); ok && name != "" {
			e.set(name, rinca.NewSecret(value), "environment")
		}
	}
	for _, f := range files {
		entries, err := envfile.Parse(f.Data)
		if err == nil {
			entries, err = envfile.ExpandFrom(entries, e.lookup)
		}
		if err != nil {
			return nil, rinca.Errorf(rinca.CodeOf(err), "%s: %w", f.Name, err)
		}
		for _, v := range entries {
			if v.Value.IsSet() { // a name alone means the variable of the process
				e.set(v.Key, v.Value, fmt.Sprintf("%s:%d", f.Name, v.Line))
			}
		}
	}
	return e, nil
}

func (e *Environ) set(name string, value rinca.Secret, origin string) {
	if _, ok := e.values[name]; !ok {
		e.names = append(e.names, name)
	}
	e.values[name] = variable{value, origin}
}

func (e *Environ) lookup(name string) (string, bool) {
	v, ok := e.values[name]
	return v.value.Reveal(), ok
}

// Unset removes variables.
func (e *Environ) Unset(names ...string) {
	e.names = slices.DeleteFunc(e.names, func(n string) bool { return slices.Contains(names, n) })
	for _, n := range names {
		delete(e.values, n)
	}
}

// List returns the environment as "NAME=value".
func (e *Environ) List() []string {
	out := make([]string, len(e.names))
	for i, n := range e.names {
		out[i] = n + "=" + e.values[n].value.Reveal()
	}
	return out
}

// Refs returns the names of the variables whose whole value is a reference.
func (e *Environ) Refs() []string {
	var names []string
	for _, n := range e.names {
		if rinca.IsSecretRef(e.values[n].value.Reveal()) {
			names = append(names, n)
		}
	}
	return names
}

// Resolve replaces every reference by its value and returns the values. Its
// error names everything that is wrong; nothing has changed then. Variables
// within a reference are those of the environment itself.
func (e *Environ) Resolve(ctx context.Context, r *vault.Resolver) ([]rinca.Secret, error) {
	wrong := map[string]error{}
	refs := map[string]rinca.SecretRef{}
	var all []rinca.SecretRef
	names := e.Refs()
	for _, n := range names {
		ref, err := vault.ExpandRef(e.values[n].value.Reveal(), e.lookup)
		if err != nil {
			wrong[n] = err
			continue
		}
		refs[n] = ref
		all = append(all, ref)
	}
	values, err := r.Resolve(ctx, all)
	lost := &vault.Unresolved{}
	if err != nil && !errors.As(err, &lost) {
		return nil, err
	}
	failed := map[rinca.SecretRef]error{}
	for _, f := range lost.Failures {
		failed[f.Ref] = fmt.Errorf("%s: %w", f.Ref, f.Err)
	}
	secrets := make([]rinca.Secret, len(names))
	var errs []error
	for i, n := range names {
		err := cmp.Or(wrong[n], failed[refs[n]])
		secrets[i] = values[refs[n]]
		if err == nil && strings.ContainsRune(secrets[i].Reveal(), 0) {
			err = rinca.Errorf(rinca.Invalid, "%s: the value holds a NUL byte, which no environment can carry", refs[n])
		}
		if err != nil {
			errs = append(errs, e.at(n, err))
		}
	}
	if len(errs) > 0 {
		return nil, errors.Join(errs...)
	}
	for i, n := range names {
		e.values[n] = variable{secrets[i], e.values[n].origin}
	}
	return secrets, nil
}

// at says which variable an error is about.
func (e *Environ) at(name string, err error) error {
	w := rinca.Errorf(rinca.CodeOf(err), "%s (%s): %w", name, e.values[name].origin, err)
	w.Hint = rinca.HintOf(err)
	return w
}
