package server

import (
	"context"
	"encoding/json"
	"time"

	"rinca/internal/deploy"
	"rinca/internal/rinca"
)

// deploys is the deployer as the API sees it.
type deploys struct{ *deploy.Deployer }

// Plan says what a deploy would do.
func (d deploys) Plan(ctx context.Context, stack string) (rinca.Plan, error) {
	rec := &deploy.Record{Known: d.Known, Now: d.Now, Log: d.Log}
	return d.Deployer.Plan(ctx, deploy.Options{Stack: stack}, rec.Quiet())
}

// ServerState returns what is known of a server.
func (d deploys) ServerState(name string) rinca.ServerState { return d.Engines.State(name) }

// CheckServer asks a server that need not be kept.
func (d deploys) CheckServer(ctx context.Context, s rinca.Server) (rinca.ServerState, error) {
	info, err := d.Engines.Try(ctx, s)
	now := d.Now().UTC()
	state := rinca.ServerState{
		Reachable: err == nil, Since: now, CheckedAt: now,
		Version: info.Version, APIVersion: info.APIVersion, OS: info.OS, Containers: info.Containers,
	}
	if err != nil {
		state.Error = err.Error()
	}
	return state, err
}

func serverEvent(name string, s rinca.ServerState) rinca.Event {
	data, err := json.Marshal(s)
	if err != nil {
		data = nil // a state of text, numbers and times is always encoded
	}
	return rinca.Event{At: time.Now().UTC(), Type: "server", Target: rinca.Target{Kind: rinca.KindServer, Name: name}, Data: data}
}
