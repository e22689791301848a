package deploy

import (
	"context"
	"slices"

	"rinca/internal/rinca"
)

// Newer fetches the images of a stack, and returns the services that a deploy
// would put on a newer one.
func (d *Deployer) Newer(ctx context.Context, pass *Pass, name string, rec *Record) ([]string, error) {
	j, err := d.newJob(ctx, Options{Stack: name, SkipSecrets: true}, rec)
	if err != nil {
		return nil, err
	}
	j.looking, j.planning, j.pass = true, true, pass
	if err := d.Pull(ctx, name, nil, rec); err != nil {
		return nil, err
	}
	if err := j.prepare(ctx); err != nil {
		return nil, err
	}
	var services []string
	for _, s := range j.plan.Services {
		if s.Change == rinca.Recreate && slices.ContainsFunc(s.Reasons, func(r rinca.Reason) bool { return r.Kind == "image" }) {
			services = append(services, s.Service)
		}
	}
	return services, nil
}
