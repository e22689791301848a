package deploy

import (
	"context"

	"rinca/internal/rinca"
	"rinca/internal/store"
)

const driftPolicy = "drift policy"

// DriftPolicy returns when drift is checked by itself.
func (d *Deployer) DriftPolicy(ctx context.Context) (rinca.DriftPolicy, error) {
	return store.SettingJSON[rinca.DriftPolicy](ctx, d.DB, driftPolicy)
}

// SetDriftPolicy keeps when drift is checked by itself. That the schedule can
// be read is up to the caller.
func (d *Deployer) SetDriftPolicy(ctx context.Context, p rinca.DriftPolicy) error {
	return store.PutSettingJSON(ctx, d.DB, driftPolicy, p)
}
