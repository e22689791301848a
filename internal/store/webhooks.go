package store

import (
	"context"

	"rinca/internal/rinca"
)

// Webhooks returns the webhooks of all resources that have one.
func (db *DB) Webhooks(ctx context.Context) (map[rinca.Target]rinca.Webhook, error) {
	out := map[rinca.Target]rinca.Webhook{}
	stacks, err := db.Stacks(ctx)
	if err != nil {
		return nil, err
	}
	for i := range stacks {
		out[rinca.Target{Kind: rinca.KindStack, Name: stacks[i].Name}] = stacks[i].Webhook
	}
	procedures, err := db.Procedures(ctx)
	if err != nil {
		return nil, err
	}
	for i := range procedures {
		out[rinca.Target{Kind: rinca.KindProcedure, Name: procedures[i].Name}] = procedures[i].Webhook
	}
	syncs, err := db.Syncs(ctx)
	if err != nil {
		return nil, err
	}
	for i := range syncs {
		out[rinca.Target{Kind: rinca.KindSync, Name: syncs[i].Name}] = syncs[i].Webhook
	}
	repos, err := db.Repos(ctx)
	if err != nil {
		return nil, err
	}
	for i := range repos {
		out[rinca.Target{Kind: rinca.KindRepo, Name: repos[i].Name}] = repos[i].Webhook
	}
	return out, nil
}

// CheckWebhook reports what keeps a resource from having a webhook: a form
// that can never be right (Invalid), or a path that another one has (Conflict).
func (db *DB) CheckWebhook(ctx context.Context, t rinca.Target, w rinca.Webhook) error {
	if err := w.Check(); err != nil || w.Path == "" {
		return err
	}
	hooks, err := db.Webhooks(ctx)
	if err != nil {
		return err
	}
	for other, hook := range hooks {
		if other != t && hook.Path == w.Path {
			return rinca.CheckWebhookPaths(map[rinca.Target]rinca.Webhook{other: hook, t: w})
		}
	}
	return nil
}
