package rotation

import (
	"context"
	"time"

	"rinca/internal/store"
)

// A retry is when a stack is tried again that failed for no fault of a value:
// its server did not answer, its image could not be had.
type retry struct {
	At    time.Time `json:"at"`
	Times int       `json:"times"`
	Why   string    `json:"why,omitempty"`
}

const (
	retriesSetting = "rotation retries"
	firstRetry     = 5 * time.Minute
	lastRetry      = 6 * time.Hour
)

func (r *Rotator) retries(ctx context.Context) (map[string]retry, error) {
	return store.SettingJSON[map[string]retry](ctx, r.DB, retriesSetting)
}

// retryLater puts the next try of a stack off, longer each time.
func (r *Rotator) retryLater(ctx context.Context, stack, why string) error {
	all, err := r.retries(ctx)
	if err != nil {
		return err
	}
	if all == nil {
		all = map[string]retry{}
	}
	one := all[stack]
	one.Times++
	wait := lastRetry
	if one.Times < 8 {
		wait = min(lastRetry, firstRetry<<(one.Times-1))
	}
	one.At, one.Why = r.Now().UTC().Add(wait), why
	all[stack] = one
	return store.PutSettingJSON(ctx, r.DB, retriesSetting, all)
}

// retryNoMore forgets the failures of stacks that are well.
func (r *Rotator) retryNoMore(ctx context.Context, stacks []string) error {
	all, err := r.retries(ctx)
	if err != nil || len(all) == 0 {
		return err
	}
	n := len(all)
	for _, s := range stacks {
		delete(all, s)
	}
	if len(all) == n {
		return nil
	}
	return store.PutSettingJSON(ctx, r.DB, retriesSetting, all)
}
