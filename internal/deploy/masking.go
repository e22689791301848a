package deploy

import "rinca/internal/rinca"

// MaskPlan returns a plan whose images and names are masked: a variable may
// have been put into them.
func MaskPlan(p rinca.Plan, mask func(string) string) rinca.Plan {
	out := rinca.Plan{Services: make([]rinca.ServicePlan, len(p.Services)), Resources: make([]string, len(p.Resources))}
	for i, s := range p.Services {
		s.Image = mask(s.Image)
		reasons := make([]rinca.Reason, len(s.Reasons))
		for k, r := range s.Reasons {
			names := make([]string, len(r.Names))
			for n, name := range r.Names {
				names[n] = mask(name)
			}
			reasons[k] = rinca.Reason{Kind: r.Kind, Names: names}
		}
		s.Reasons = reasons
		out.Services[i] = s
	}
	for i, r := range p.Resources {
		out.Resources[i] = mask(r)
	}
	return out
}

// maskState masks the images and container names of a state.
func (d *Deployer) maskState(s rinca.StackState) rinca.StackState {
	mask := d.Known.Masker()
	services := make([]rinca.ServiceState, len(s.Services))
	for i, x := range s.Services {
		x.Image, x.Container, x.Text = mask.String(x.Image), mask.String(x.Container), mask.String(x.Text)
		services[i] = x
	}
	s.Services, s.Error = services, mask.String(s.Error)
	return s
}
