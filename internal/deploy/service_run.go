package deploy

import (
	"context"

	"rinca/internal/rinca"
)

// RunService runs a service of a stack once, with its source, variables and
// exported files as they are now, beside what runs. An exit status other than
// 0 is a failure.
func (d *Deployer) RunService(ctx context.Context, stack string, run rinca.ServiceRun, rec *Record) error {
	j, err := d.newJob(ctx, Options{Stack: stack, SkipSecrets: true}, rec)
	if err != nil {
		return err
	}
	j.planning = true // the checkout of what runs is left as it is
	for _, s := range []struct {
		name string
		run  func(context.Context) (string, error)
	}{
		{"Source", j.source},
		{"Interpolate", j.interpolate},
		{"Secrets", j.secrets},
		{"Load", j.load},
		{"Pull", func(ctx context.Context) (string, error) { return "", j.dep.Pull(ctx, true, rec.Line) }},
		{"Run", func(ctx context.Context) (string, error) {
			status, err := j.dep.RunService(ctx, run, rec.Line)
			if err == nil && status != 0 {
				err = rinca.Errorf(rinca.Unavailable, "service %s ended with status %d", run.Service, status).
					Try("rinca update show %s --log", rec.Update().ID)
			}
			return run.Service, err
		}},
	} {
		if err := rec.Stage(ctx, s.name, s.run); err != nil {
			return err
		}
	}
	rec.Summary(run.Service + " ended with status 0")
	return nil
}
