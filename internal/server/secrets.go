package server

import (
	"context"

	"rinca/internal/deploy"
	"rinca/internal/rinca"
	"rinca/internal/run"
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
