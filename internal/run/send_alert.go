package run

import (
	"context"
	"strings"

	"rinca/internal/deploy"
	"rinca/internal/rinca"
)

// SendAlertParams are those of SendAlert.
type SendAlertParams struct {
	Level    rinca.AlertLevel `json:"level,omitempty"` // "" means OK
	Message  string           `json:"message"`
	Details  string           `json:"details,omitempty"`
	Alerters []string         `json:"alerters,omitempty"` // names; none means those whose filters let it through
}

func sendAlert() Kind {
	k := kind(Kind{
		Name: "SendAlert", Doc: "Send a message to alerters.", Level: rinca.Execute, on: rinca.KindAlerter,
	}, func(p SendAlertParams) (rinca.Target, error) {
		if strings.TrimSpace(p.Message) == "" {
			return rinca.Target{}, rinca.Errorf(rinca.Invalid, "SendAlert has no message")
		}
		if p.Level != "" {
			if err := p.Level.Check(); err != nil {
				return rinca.Target{}, err
			}
		}
		for _, name := range p.Alerters {
			if !rinca.ValidResourceName(name) {
				return rinca.Target{}, rinca.Errorf(rinca.Invalid, "%.80q cannot be the name of an alerter", name)
			}
		}
		if len(p.Alerters) == 1 {
			return rinca.Target{Kind: rinca.KindAlerter, Name: p.Alerters[0]}, nil
		}
		return rinca.Target{Kind: rinca.KindAlerter, Name: "*"}, nil // the level on all of them
	}, func(ctx context.Context, r *Runner, p SendAlertParams, rec *deploy.Record) error {
		for _, name := range p.Alerters {
			if _, err := r.DB.Alerter(ctx, name); err != nil {
				return err
			}
		}
		level := p.Level
		if level == "" {
			level = rinca.AlertOK
		}
		rec.Summary(string(level) + ": " + p.Message)
		return r.Alerts.Raise(ctx, rinca.Alert{
			Type: rinca.AlertCustom, Level: level, Message: p.Message, Details: p.Details, To: p.Alerters, Once: true, Update: rec.Update().ID,
		})
	})
	k.orchestrates = true // it waits for nothing, and a failing deploy's alert waits for no deploy
	return k
}

// TestAlerterParams name an alerter.
type TestAlerterParams struct {
	Alerter string `json:"alerter"`
}

func testAlerter() Kind {
	return kind(Kind{
		Name: "TestAlerter", Doc: "Send a test to an alerter and say how that went.", Level: rinca.Execute, on: rinca.KindAlerter,
	}, func(p TestAlerterParams) (rinca.Target, error) {
		if !rinca.ValidResourceName(p.Alerter) {
			return rinca.Target{}, rinca.Errorf(rinca.Invalid, "%.80q cannot be the name of an alerter", p.Alerter)
		}
		return rinca.Target{Kind: rinca.KindAlerter, Name: p.Alerter}, nil
	}, func(ctx context.Context, r *Runner, p TestAlerterParams, rec *deploy.Record) error {
		if r.Alerts == nil {
			return rinca.Errorf(rinca.Unavailable, "this server sends no alerts")
		}
		if err := r.Alerts.Test(ctx, p.Alerter); err != nil {
			return err
		}
		rec.Summary("the alerter has taken the test")
		return nil
	})
}
