package run

import (
	"context"
	"time"

	"rinca/internal/deploy"
	"rinca/internal/rinca"
)

// SleepParams say how long. One of them is given.
type SleepParams struct {
	Duration   rinca.Duration `json:"duration,omitempty"`
	DurationMS int64          `json:"duration_ms,omitempty"`
}

// maxSleep is longer than any procedure has a reason to wait.
const maxSleep = 7 * 24 * time.Hour

func (p SleepParams) time() (time.Duration, error) {
	d := time.Duration(p.Duration)
	switch {
	case p.Duration != 0 && p.DurationMS != 0:
		return 0, rinca.Errorf(rinca.Invalid, "Sleep takes duration or duration_ms, not both")
	case p.DurationMS < 0 || p.DurationMS > maxSleep.Milliseconds() || d < 0 || d > maxSleep:
		return 0, rinca.Errorf(rinca.Invalid, "Sleep takes a time of up to 7 days")
	case p.DurationMS != 0:
		d = time.Duration(p.DurationMS) * time.Millisecond
	}
	return d, nil
}

func sleepFor() Kind {
	k := kind(Kind{
		Name: "Sleep", Doc: "Wait for a time, and do nothing.", Level: rinca.None, on: rinca.KindSystem,
	}, func(p SleepParams) (rinca.Target, error) {
		_, err := p.time()
		return rinca.Target{Kind: rinca.KindSystem, Name: "Sleep"}, err
	}, func(ctx context.Context, r *Runner, p SleepParams, rec *deploy.Record) error {
		d, err := p.time()
		if err != nil {
			return err
		}
		// What passed while the server was down counts.
		if err := sleep(ctx, d-max(0, r.Now().Sub(rec.Update().StartedAt))); err != nil {
			return causeOf(ctx)
		}
		rec.Summary(d.String())
		return nil
	})
	k.orchestrates, k.resumes, k.shares = true, true, true
	return k
}

// onSystem makes the target of what is about the installation itself. Each
// kind has a name of its own, so that different ones run at once.
func onSystem(kind string) (rinca.Target, error) {
	return rinca.Target{Kind: rinca.KindSystem, Name: kind}, nil
}
