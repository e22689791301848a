package server

import (
	"context"
	"encoding/json"

	"rinca/internal/deploy"
	"rinca/internal/rinca"
	"rinca/internal/run"
	"rinca/internal/schedule"
	"rinca/internal/scheduler"
)

// secrets is what the API knows of secrets.
type secrets struct {
	*deploy.Deployer
	runner *run.Runner
}

// CheckDrift compares stacks now. A stack that is being worked on is left
// alone.
func (s secrets) CheckDrift(ctx context.Context, o deploy.DriftOptions) (rinca.DriftReport, error) {
	return s.runner.CheckDrift(ctx, o)
}

// Overdue counts the secrets that were older than they may be at the last
// check.
func (s secrets) Overdue(ctx context.Context) (int, error) { return s.runner.Overdue(ctx) }

// SetDriftPolicy keeps when drift is checked by itself.
func (s secrets) SetDriftPolicy(ctx context.Context, p rinca.DriftPolicy) error {
	if p.Schedule.IsSet() {
		if _, err := schedule.Parse(p.Schedule, nil); err != nil {
			return err
		}
	}
	return s.Deployer.SetDriftPolicy(ctx, p)
}

// driftSchedule is the schedule of the checks of drift and of ages.
func driftSchedule(d *deploy.Deployer) scheduler.Source {
	return func(ctx context.Context) ([]scheduler.Entry, error) {
		p, err := d.DriftPolicy(ctx)
		if err != nil || !p.Schedule.IsSet() {
			return nil, err
		}
		params, _ := json.Marshal(run.CheckDriftParams{Deep: p.Deep}) // a flag always encodes
		return []scheduler.Entry{{
			Target: rinca.Target{Kind: rinca.KindSystem, Name: "drift"}, Schedule: p.Schedule,
			Execution: rinca.Execution{Kind: "CheckDrift", Params: params}, Cause: "schedule of the checks of drift",
		}}, nil
	}
}
