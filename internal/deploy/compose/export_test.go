package compose

import (
	"fmt"

	"rinca/internal/rinca"
)

// Dump writes what a deployment would give the engine, for tests.
func Dump(d rinca.Deployment) []string {
	var out []string
	for _, s := range d.(*deployment).project.Services {
		for key, value := range s.Environment {
			if value != nil {
				out = append(out, key+"="+*value)
			}
		}
		out = append(out, fmt.Sprint(s.Command, s.Labels, s.Volumes, s.Image, s.EnvFiles, s.Extends))
	}
	return out
}
