package rotation

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"rinca/internal/rinca"
	"rinca/internal/store"
)

// A retry is when a stack is tried again that failed for no fault of a value:
// its server did not answer, its image could not be had.
type retry struct {
	At    time.Time `json:"at"`
	Times int       `json:"times"`
	Why   string    `json:"why,omitempty"`
	// Of tells with which versions of items it failed: others are tried at once.
	Of string `json:"of,omitempty"`
}

const (
	retriesSetting = "rotation retries"
	firstRetry     = 15 * time.Second
	lastRetry      = time.Hour
)

func (r *Rotator) retries(ctx context.Context) (map[string]retry, error) {
	return store.SettingJSON[map[string]retry](ctx, r.DB, retriesSetting)
}

// versions tells which versions of items a stack is given.
func versions(stack string, items []rinca.RotatedItem) string {
	var out []string
	for _, i := range items {
		if slices.Contains(i.Stacks, stack) && i.Held == "" {
			out = append(out, fmt.Sprintf("%s/%s/%d", i.Vault, i.Item, i.Version))
		}
	}
	return strings.Join(sortedNames(out), " ")
}

// retryLater puts the next try of a stack with these versions off, longer each
// time.
func (r *Rotator) retryLater(ctx context.Context, stack, of, why string) error {
	all, err := r.retries(ctx)
	if err != nil {
		return err
	}
	if all == nil {
		all = map[string]retry{}
	}
	one := all[stack]
	if one.Of != of {
		one.Times = 0
	}
	one.Times++
	wait := lastRetry
	if one.Times < 10 {
		wait = min(lastRetry, firstRetry<<(one.Times-1))
	}
	one.At, one.Why, one.Of = r.Now().UTC().Add(wait), why, of
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
