package vault

import (
	"context"
	"strings"
	"sync"
	"time"

	"rinca/internal/rinca"
)

// A Resolver turns secret references into values at the least cost: one list
// of vaults, one list of items and one bulk fetch per vault, each file once.
// What it has fetched it keeps, so use one Resolver for one piece of work and
// then drop it. It is safe for use by several goroutines.
type Resolver struct {
	Provider rinca.Provider
	Now      func() time.Time // for one-time passwords; nil means time.Now

	mu     sync.Mutex
	listed bool
	vaults []rinca.Vault
	infos  map[string][]rinca.Info          // by vault id
	items  map[[2]string]*rinca.Item        // by vault and item id
	files  map[*rinca.File]rinca.Secret     // content
	values map[rinca.SecretRef]rinca.Secret // answers so far
	whole  map[rinca.SecretRef]bool         // those that are the content of a file
}

// IsFile reports whether a value that Resolve has returned is the content of
// a file, which may be anything, and not that of a field.
func (r *Resolver) IsFile(ref rinca.SecretRef) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.whole[ref]
}

// A Part is the part of a reference that could not be found or read.
type Part string

// The parts of a reference.
const (
	PartVault Part = "vault"
	PartItem  Part = "item"
	PartField Part = "field" // the section, field, file or attribute
)

// A Failure is one reference that has no value, and why.
type Failure struct {
	Ref  rinca.SecretRef
	Part Part
	Err  error
}

// Unresolved is the error of references that have no value: all of them, in
// the order they were asked for.
type Unresolved struct{ Failures []Failure } //nolint:errname // it lists what is unresolved

// Error names every reference and the reason, one a line.
func (u *Unresolved) Error() string {
	lines := make([]string, len(u.Failures))
	for i, f := range u.Failures {
		lines[i] = f.Ref.String() + ": " + f.Err.Error()
	}
	return strings.Join(lines, "\n")
}

// Unwrap returns the reasons.
func (u *Unresolved) Unwrap() []error {
	errs := make([]error, len(u.Failures))
	for i, f := range u.Failures {
		errs[i] = f.Err
	}
	return errs
}

// Resolve returns the value of every reference. When some cannot be resolved
// the error is an *Unresolved that names all of those, and the map has the
// others. A vault that does not answer, or refuses, ends the work with that
// error and no map.
func (r *Resolver) Resolve(ctx context.Context, refs []rinca.SecretRef) (map[rinca.SecretRef]rinca.Secret, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.values == nil {
		r.infos = map[string][]rinca.Info{}
		r.items = map[[2]string]*rinca.Item{}
		r.files = map[*rinca.File]rinca.Secret{}
		r.values = map[rinca.SecretRef]rinca.Secret{}
		r.whole = map[rinca.SecretRef]bool{}
	}
	values := map[rinca.SecretRef]rinca.Secret{}
	w := &work{r: r, failed: map[rinca.SecretRef]Failure{}}
	if err := w.run(ctx, refs); err != nil {
		return nil, err
	}
	var lost Unresolved
	for _, ref := range refs {
		if v, ok := r.values[ref]; ok {
			values[ref] = v
		} else if f, ok := w.failed[ref]; ok {
			lost.Failures = append(lost.Failures, f)
			delete(w.failed, ref) // say it once, even if it was asked for twice
		}
	}
	if len(lost.Failures) > 0 {
		return values, &lost
	}
	return values, nil
}

// work is one call of Resolve.
type work struct {
	r      *Resolver
	failed map[rinca.SecretRef]Failure
}

func (w *work) fail(ref rinca.SecretRef, part Part, err error) {
	w.failed[ref] = Failure{Ref: ref, Part: part, Err: err}
}

func (w *work) run(ctx context.Context, refs []rinca.SecretRef) error {
	r := w.r
	byVault := map[string][]rinca.SecretRef{} // vault id → refs
	var order []string
	seen := map[rinca.SecretRef]bool{}
	for _, ref := range refs {
		if _, known := r.values[ref]; known || seen[ref] {
			continue
		}
		seen[ref] = true
		if !r.listed {
			vaults, err := r.Provider.Vaults(ctx)
			if err != nil {
				return err
			}
			r.vaults, r.listed = vaults, true
		}
		v, err := Pick(r.vaults, ref.Vault)
		if err != nil {
			w.fail(ref, PartVault, err)
			continue
		}
		if _, ok := byVault[v.ID]; !ok {
			order = append(order, v.ID)
		}
		byVault[v.ID] = append(byVault[v.ID], ref)
	}
	for _, id := range order {
		if err := w.oneVault(ctx, id, byVault[id]); err != nil {
			return err
		}
	}
	return nil
}

// oneVault resolves the references into one vault. An item that disappears
// between the list and the fetch is looked for in a new list, once: it may
// have been deleted and made again.
func (w *work) oneVault(ctx context.Context, vaultID string, refs []rinca.SecretRef) error {
	ids, err := w.fetch(ctx, vaultID, refs)
	if rinca.CodeOf(err) == rinca.NotFound {
		delete(w.r.infos, vaultID)
		ids, err = w.fetch(ctx, vaultID, refs)
	}
	if err != nil {
		return err
	}
	for _, ref := range refs {
		id, ok := ids[ref]
		if !ok {
			continue
		}
		if err := w.read(ctx, w.r.items[[2]string{vaultID, id}], ref); err != nil {
			return err
		}
	}
	return nil
}

// fetch finds the items that refs need and gets those not known yet, in one
// call. It returns the item id of every reference whose item exists.
func (w *work) fetch(ctx context.Context, vaultID string, refs []rinca.SecretRef) (map[rinca.SecretRef]string, error) {
	r := w.r
	infos, ok := r.infos[vaultID]
	if !ok {
		var err error
		if infos, err = r.Provider.Items(ctx, vaultID); err != nil {
			return nil, err
		}
		r.infos[vaultID] = infos
	}
	ids := map[rinca.SecretRef]string{}
	var missing []string
	queued := map[string]bool{}
	picked := map[string]rinca.Info{} // many references go into one item
	for _, ref := range refs {
		info, ok := picked[ref.Item]
		var err error
		if !ok {
			info, err = PickItem(infos, ref.Item)
		}
		if err != nil {
			w.fail(ref, PartItem, inVault(err, ref.Vault))
			continue
		}
		picked[ref.Item] = info
		ids[ref] = info.ID
		if r.items[[2]string{vaultID, info.ID}] == nil && !queued[info.ID] {
			queued[info.ID] = true
			missing = append(missing, info.ID)
		}
	}
	if len(missing) == 0 {
		return ids, nil
	}
	items, err := r.Provider.Get(ctx, vaultID, missing...)
	if err != nil {
		return nil, err
	}
	for i := range items {
		items[i].VaultID = vaultID
		r.items[[2]string{vaultID, items[i].ID}] = &items[i]
	}
	for _, id := range missing {
		if r.items[[2]string{vaultID, id}] == nil {
			return nil, rinca.Errorf(rinca.Unavailable, "get items: the vault did not send item %s", id)
		}
	}
	return ids, nil
}

// inVault says in which vault an item was looked for.
func inVault(err error, vault string) error {
	e, ok := err.(*rinca.Error) //nolint:errorlint // PickItem's own error, not a wrapped one
	if !ok {
		return err
	}
	in := rinca.Errorf(e.Code, "%s in vault '%s'", e.Message, vault)
	in.Hint = e.Hint
	return in
}

// read puts the value of ref among the answers, or notes why there is none.
func (w *work) read(ctx context.Context, it *rinca.Item, ref rinca.SecretRef) error {
	r := w.r
	at, err := locate(it, ref)
	if err != nil {
		w.fail(ref, PartField, err)
		return nil
	}
	var value rinca.Secret
	switch {
	case at.field != nil:
		now := time.Now
		if r.Now != nil {
			now = r.Now
		}
		value, err = readField(at.field, ref, now())
	case ref.SSHFormat == "" && ref.Attribute != "" && ref.Attribute != "content" && ref.Attribute != "value":
		value, err = readFileAttribute(at.file, ref)
	default:
		if value, err = r.content(ctx, it, at.file); err != nil && rinca.CodeOf(err) != rinca.NotFound {
			return err
		}
		if err == nil && ref.SSHFormat != "" {
			value, err = opensshKey(value)
		} else {
			r.whole[ref] = true
		}
	}
	if err != nil {
		w.fail(ref, PartField, err)
		return nil
	}
	r.values[ref] = value
	return nil
}

func (r *Resolver) content(ctx context.Context, it *rinca.Item, f *rinca.File) (rinca.Secret, error) {
	if v, ok := r.files[f]; ok {
		return v, nil
	}
	v, err := r.Provider.ReadFile(ctx, it.VaultID, it.ID, f.ID)
	if err != nil {
		return rinca.Secret{}, err
	}
	r.files[f] = v
	return v, nil
}
