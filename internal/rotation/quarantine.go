package rotation

import (
	"context"
	"fmt"
	"sync"

	"rinca/internal/rinca"
	"rinca/internal/store"
)

// quarantines keeps in memory what is in quarantine: every export asks.
type quarantines struct {
	mu sync.RWMutex
	by map[string]rinca.Quarantine // by vault id / item id
	// replaced are those of which the vault has a newer version.
	replaced map[string]bool
}

func (r *Rotator) quarantined() store.Records[rinca.Quarantine] {
	return store.RecordsOf[rinca.Quarantine](r.DB, "quarantine")
}

// kept returns the quarantines, read once.
func (r *Rotator) kept(ctx context.Context) (*quarantines, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.held != nil {
		return r.held, nil
	}
	recs, err := r.quarantined().List(ctx, store.RecordFilter{})
	if err != nil {
		return nil, err
	}
	q := &quarantines{by: map[string]rinca.Quarantine{}, replaced: map[string]bool{}}
	for i := range recs {
		q.by[recs[i].ID] = recs[i].Value
	}
	r.held = q
	return q, nil
}

// Listed notes which versions in quarantine have been replaced: what was
// carried with them goes on in the same run.
func (r *Rotator) Listed(v rinca.Vault, items []rinca.Info) {
	q, err := r.kept(context.Background())
	if err != nil {
		return // Hold tells
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	for i := range items {
		id := v.ID + "/" + items[i].ID
		if held, ok := q.by[id]; ok {
			q.replaced[id] = newer(held, items[i])
		}
	}
}

// Hold says why an item's change is kept out; "" when it is not. It is the
// Hold of every export.
func (r *Rotator) Hold(v rinca.Vault, item rinca.Info) string {
	q, err := r.kept(context.Background())
	if err != nil {
		r.Log.Error("read what is in quarantine", "error", err)
		return "what is in quarantine cannot be read" // nothing that may be bad gets out
	}
	q.mu.RLock()
	defer q.mu.RUnlock()
	held, ok := q.by[v.ID+"/"+item.ID]
	if !ok || newer(held, item) {
		return ""
	}
	if held.With != "" {
		other, ok := q.by[held.With]
		if !ok || q.replaced[held.With] {
			return ""
		}
		return fmt.Sprintf("its version %d was carried together with %s, which is in quarantine", held.Version, other.Title)
	}
	if held.Stack == "" { // nothing failed: somebody took it back
		return fmt.Sprintf("its version %d is in quarantine: %s", held.Version, held.Why)
	}
	return fmt.Sprintf("its version %d is in quarantine: stack %s failed with it", held.Version, held.Stack)
}

// newer reports whether an item was changed after the version in quarantine.
// Where the vault counts no versions, its times tell.
func newer(q rinca.Quarantine, item rinca.Info) bool {
	if item.Version != 0 && q.Version != 0 {
		return item.Version > q.Version
	}
	return item.UpdatedAt.After(q.At)
}

// Quarantines lists what is in quarantine.
func (r *Rotator) Quarantines(ctx context.Context) ([]rinca.Quarantine, error) {
	recs, err := r.quarantined().List(ctx, store.RecordFilter{Oldest: true})
	out := make([]rinca.Quarantine, len(recs))
	for i := range recs {
		out[i] = recs[i].Value
	}
	return out, err
}

// Release lets an item's version out of quarantine. The next look carries it
// to stacks.
func (r *Rotator) Release(ctx context.Context, name string) (rinca.Quarantine, error) {
	q, err := r.Quarantined(ctx, name)
	if err != nil {
		return q, err
	}
	return q, r.dropQuarantine(ctx, q.ID)
}

// Quarantined finds a quarantine by its id, its item's id or title, or a
// reference to that.
func (r *Rotator) Quarantined(ctx context.Context, name string) (rinca.Quarantine, error) {
	list, err := r.Quarantines(ctx)
	if err != nil {
		return rinca.Quarantine{}, err
	}
	var found []rinca.Quarantine
	for _, q := range list {
		if name == q.ID || name == q.Item || name == q.Title || name == "op://"+q.VaultName+"/"+q.Title {
			found = append(found, q)
		}
	}
	switch len(found) {
	case 0:
		return rinca.Quarantine{}, rinca.Errorf(rinca.NotFound, "nothing in quarantine is called %.80q", name).Try("rinca rotate quarantine list")
	case 1:
	default:
		return rinca.Quarantine{}, rinca.Errorf(rinca.Conflict, "several items in quarantine are called %.80q", name).Try("name it by its id: rinca rotate quarantine list")
	}
	return found[0], nil
}

func (r *Rotator) dropQuarantine(ctx context.Context, id string) error {
	q, err := r.kept(ctx)
	if err != nil {
		return err
	}
	if err := r.quarantined().Delete(ctx, id); err != nil {
		return err
	}
	q.mu.Lock()
	delete(q.by, id)
	delete(q.replaced, id)
	var with []string // what was only waiting for it
	for other, held := range q.by {
		if held.With == id {
			with = append(with, other)
		}
	}
	q.mu.Unlock()
	for _, other := range with {
		if err := r.dropQuarantine(ctx, other); err != nil {
			return err
		}
	}
	r.forgetReferences()
	r.Poke()
	return nil
}

// putQuarantine keeps versions of items away from every stack.
func (r *Rotator) putQuarantine(ctx context.Context, list []rinca.Quarantine) error {
	q, err := r.kept(ctx)
	if err != nil {
		return err
	}
	recs := make([]store.Record[rinca.Quarantine], len(list))
	for i, one := range list {
		recs[i] = store.Record[rinca.Quarantine]{ID: one.ID, At: one.At, Value: one}
	}
	if err := r.quarantined().PutAll(ctx, recs); err != nil {
		return err
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	for _, one := range list {
		q.by[one.ID] = one
		delete(q.replaced, one.ID)
	}
	return nil
}

// superseded drops quarantines of versions that a newer one has replaced with
// success.
func (r *Rotator) superseded(ctx context.Context, items []rinca.RotatedItem) error {
	q, err := r.kept(ctx)
	if err != nil {
		return err
	}
	for _, i := range items {
		id := i.Vault + "/" + i.Item
		q.mu.RLock()
		held, ok := q.by[id]
		q.mu.RUnlock()
		if ok && i.Held == "" && i.Version > held.Version {
			if err := r.dropQuarantine(ctx, id); err != nil {
				return err
			}
		}
	}
	return nil
}

// forgetReferences makes the next look compare every secret reference.
func (r *Rotator) forgetReferences() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.clean = nil
}
