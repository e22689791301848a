package compose

import (
	"maps"
	"slices"

	"github.com/compose-spec/compose-go/v2/types"
	"github.com/docker/compose/v5/pkg/api"
	engine "github.com/docker/compose/v5/pkg/compose"
)

// resources lists the networks and volumes that would be made.
func (p *planner) resources() []string {
	var out []string
	for _, key := range slices.Sorted(maps.Keys(p.d.project.Networks)) {
		n := p.d.project.Networks[key]
		if _, there := p.o.networks[key]; !there && !bool(n.External) {
			out = append(out, "network "+n.Name)
		}
	}
	for _, key := range slices.Sorted(maps.Keys(p.d.project.Volumes)) {
		v := p.d.project.Volumes[key]
		have, there := p.o.volumes[key]
		switch {
		case bool(v.External):
		case !there:
			out = append(out, "volume "+v.Name)
		case have.Labels[api.ProjectLabel] == p.d.project.Name:
			hash, err := engine.VolumeHash(v)
			if err == nil && have.Labels[api.ConfigHashLabel] != "" && have.Labels[api.ConfigHashLabel] != hash {
				p.d.warn("volume %s was made with other options; it is kept as it is, with its data", v.Name)
			}
		}
	}
	return out
}

// divergedNetworks lists the networks of a service that Compose makes anew,
// since they are configured in another way now.
func (p *planner) divergedNetworks(s types.ServiceConfig) []string {
	var names []string
	for _, key := range slices.Sorted(maps.Keys(s.Networks)) {
		n := p.d.project.Networks[key]
		have, there := p.o.networks[key]
		if !there || bool(n.External) || have.Labels[api.ProjectLabel] != p.d.project.Name {
			continue
		}
		hash, err := engine.NetworkHash(&n)
		if err == nil && have.Labels[api.ConfigHashLabel] != "" && have.Labels[api.ConfigHashLabel] != hash {
			names = append(names, "network "+key)
		}
	}
	return names
}
