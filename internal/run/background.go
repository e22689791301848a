package run

import (
	"context"

	"rinca/internal/rinca"
	"rinca/internal/vault"
)

// asks marks work that nobody waits for, so that it leaves what the vault
// still takes to people: what a schedule or a watch has started.
func asks(ctx context.Context, u rinca.Update) context.Context {
	switch u.Trigger {
	case "schedule", "watch":
		return vault.Background(ctx)
	}
	return ctx
}
