package deploy

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"slices"

	"rinca/internal/rinca"
	"rinca/internal/store"
)

// lineage says what this deploy took from the vault and from variables, and
// which services read it.
func (j *job) lineage() rinca.Lineage {
	l := rinca.Lineage{Variables: map[string]string{}, Refs: map[string]string{}}
	for _, f := range j.exported.files {
		file := rinca.LineageFile{Path: f.path, Digest: j.fileDigest(f.path, f.data)}
		for _, use := range []struct {
			via  string
			uses []rinca.FileUse
		}{{"env_file", j.facts.EnvFiles}, {"secret", j.facts.SecretFiles}, {"config", j.facts.ConfigFiles}, {"mount", j.facts.Binds}} {
			for _, u := range use.uses {
				if u.Path == f.path || use.via == "mount" && within(u.Path, f.path) {
					file.Via = use.via
					file.Services = sorted(append(file.Services, u.Services...))
				}
			}
		}
		l.Files = append(l.Files, file)
	}
	for name, value := range j.vars.used {
		l.Variables[name] = j.valueDigest(name, value)
		if from := j.vars.all[name].From; from != "" {
			l.Refs[name] = from
		}
	}
	l.Readers = j.readers()
	for _, s := range j.facts.Services {
		if s.OneShot {
			l.OneShot = append(l.OneShot, s.Name)
		}
	}
	slices.Sort(l.OneShot)
	return l
}

func (d *Deployer) fileDigest(path string, data []byte) string {
	sum := d.DB.Digest("exported file", []byte(path), data)
	return hex.EncodeToString(sum[:12])
}

func (d *Deployer) valueDigest(name string, value rinca.Secret) string {
	sum := d.DB.Digest("variable in use", []byte(name), []byte(value.Reveal()))
	return hex.EncodeToString(sum[:12])
}

// LineageOf returns what a mark says of the secrets of its stack.
func LineageOf(m store.Mark) rinca.Lineage {
	var info markInfo
	if json.Unmarshal(m.Plain, &info) != nil {
		return rinca.Lineage{} // of another version: the next deploy writes it anew
	}
	return info.Lineage
}

// Lineages returns the lineage of every stack that was deployed.
func (d *Deployer) Lineages(ctx context.Context) (map[string]rinca.Lineage, error) {
	marks, err := d.DB.Marks(ctx)
	if err != nil {
		return nil, err
	}
	out := make(map[string]rinca.Lineage, len(marks))
	for i := range marks {
		out[marks[i].Stack] = LineageOf(marks[i])
	}
	return out, nil
}
