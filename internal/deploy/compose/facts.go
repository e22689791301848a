package compose

import (
	"cmp"
	"slices"
	"strings"

	"github.com/compose-spec/compose-go/v2/types"
	"github.com/docker/compose/v5/pkg/api"

	"rinca/internal/rinca"
)

// collect makes the facts and the inputs of the project.
func (d *deployment) collect(from origins, envFiles []envUse) error {
	g := newDigester(d)
	d.inputs = map[string]inputs{}
	d.origins = from
	use := uses{}
	for _, name := range d.project.ServiceNames() {
		s := d.project.Services[name]
		in, err := g.of(s)
		if err != nil {
			return err
		}
		d.inputs[name] = in
		d.facts.Services = append(d.facts.Services, rinca.ServiceFacts{
			Name: name, Image: api.GetImageNameOrDefault(s, d.project.Name),
			OneShot: once(d.project, s), Health: hasHealthCheck(s),
		})
		use.service(d.project, s)
		for key := range from[name] {
			if v := s.Environment[key]; v != nil {
				d.value(*v)
			}
		}
	}
	for _, f := range envFiles {
		use.add("env", f.path, f.service, f.optional, false)
	}
	for name, o := range d.project.Secrets {
		if o.File != "" {
			if c := g.read(partSecret+name, o.File); c.err == nil {
				d.value(string(c.text))
			}
			continue
		}
		d.value(d.inline(types.FileObjectConfig(o)))
	}
	d.facts.EnvFiles = use.list("env")
	d.facts.SecretFiles = use.list("secret")
	d.facts.ConfigFiles = use.list("config")
	d.facts.Binds = use.list("bind")
	return d.checkInline()
}

// checkInline refuses secrets and configs whose variable is not set: Compose
// would only notice when the old containers are gone.
func (d *deployment) checkInline() error {
	check := func(kind, name string, o types.FileObjectConfig) error {
		if o.File != "" || o.Environment == "" || o.Content != "" || bool(o.External) {
			return nil
		}
		if _, ok := d.project.Environment[o.Environment]; ok {
			return nil
		}
		return rinca.Errorf(rinca.Invalid, "%s %s: the variable %s is not set", kind, name, o.Environment).
			Try("add %s = … to the stack's environment", o.Environment)
	}
	var problems []error
	for name, o := range d.project.Secrets {
		if err := check("secret", name, types.FileObjectConfig(o)); err != nil {
			problems = append(problems, err)
		}
	}
	for name, o := range d.project.Configs {
		if err := check("config", name, types.FileObjectConfig(o)); err != nil {
			problems = append(problems, err)
		}
	}
	if len(problems) > 0 {
		return joined(problems)
	}
	return nil
}

func (d *deployment) value(v string) {
	if v != "" {
		d.facts.Values = append(d.facts.Values, rinca.NewSecret(v))
	}
}

// once reports whether a service is done when it exits with 0.
func once(p *types.Project, s types.ServiceConfig) bool {
	if hasHealthCheck(s) {
		return false
	}
	if s.Restart == types.RestartPolicyNo {
		return true
	}
	if s.Restart == "" && s.Deploy != nil && s.Deploy.RestartPolicy != nil && s.Deploy.RestartPolicy.Condition == "none" {
		return true
	}
	for _, other := range p.Services {
		if other.DependsOn[s.Name].Condition == types.ServiceConditionCompletedSuccessfully {
			return true
		}
	}
	return false
}

func hasHealthCheck(s types.ServiceConfig) bool {
	h := s.HealthCheck
	return h != nil && !h.Disable && len(h.Test) > 0 && h.Test[0] != "NONE"
}

// Uses gather which services read a file, by kind and path.
type uses map[string]*rinca.FileUse

func (u uses) add(kind, path, service string, optional, create bool) {
	key := kind + "\x00" + path
	f, ok := u[key]
	if !ok {
		f = &rinca.FileUse{Path: path, Optional: optional, Create: create}
		u[key] = f
	}
	// One service that needs it is enough.
	f.Optional = f.Optional && optional
	f.Create = f.Create && create
	if !slices.Contains(f.Services, service) {
		f.Services = append(f.Services, service)
	}
}

func (u uses) service(p *types.Project, s types.ServiceConfig) {
	for _, ref := range s.Secrets {
		if o := p.Secrets[ref.Source]; o.File != "" {
			u.add("secret", o.File, s.Name, false, false)
		}
	}
	for _, ref := range s.Configs {
		if o := p.Configs[ref.Source]; o.File != "" {
			u.add("config", o.File, s.Name, false, false)
		}
	}
	for _, v := range s.Volumes {
		switch v.Type {
		case types.VolumeTypeBind:
			u.add("bind", v.Source, s.Name, false, v.Bind == nil || bool(v.Bind.CreateHostPath))
		case types.VolumeTypeVolume:
			if device := boundDevice(p.Volumes[v.Source]); device != "" {
				u.add("bind", device, s.Name, false, false)
			}
		}
	}
}

func (u uses) list(kind string) []rinca.FileUse {
	var out []rinca.FileUse
	for key, f := range u {
		if strings.HasPrefix(key, kind+"\x00") {
			out = append(out, *f)
		}
	}
	slices.SortFunc(out, func(a, b rinca.FileUse) int { return cmp.Compare(a.Path, b.Path) })
	return out
}
