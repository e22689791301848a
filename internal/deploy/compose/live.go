package compose

import (
	"path/filepath"

	"github.com/compose-spec/compose-go/v2/types"
)

// live is where a path of the source lies when the project is deployed.
func (d *deployment) live(path string) string {
	if d.spec.Live == "" || d.spec.Live == d.spec.Source {
		return path
	}
	rel, err := filepath.Rel(d.spec.Source, path)
	if err != nil || !filepath.IsLocal(rel) {
		return path
	}
	return filepath.Join(d.spec.Live, rel)
}

// moveToLive names every path of the project as it will be, so that a plan
// that is made from files elsewhere compares with what runs. The facts keep
// the paths as they are.
func (d *deployment) moveToLive() {
	if d.spec.Live == "" || d.spec.Live == d.spec.Source {
		return
	}
	p := d.project
	p.WorkingDir = d.live(p.WorkingDir)
	for i, f := range p.ComposeFiles {
		p.ComposeFiles[i] = d.live(f)
	}
	for name, s := range p.Services {
		for i := range s.Volumes {
			if s.Volumes[i].Type == types.VolumeTypeBind {
				s.Volumes[i].Source = d.live(s.Volumes[i].Source)
			}
		}
		for i := range s.LabelFiles {
			s.LabelFiles[i] = d.live(s.LabelFiles[i])
		}
		if s.Build != nil {
			s.Build.Context = d.live(s.Build.Context)
		}
		p.Services[name] = s
	}
	for name, o := range p.Secrets {
		if o.File != "" {
			o.File = d.live(o.File)
			p.Secrets[name] = o
		}
	}
	for name, o := range p.Configs {
		if o.File != "" {
			o.File = d.live(o.File)
			p.Configs[name] = o
		}
	}
}
