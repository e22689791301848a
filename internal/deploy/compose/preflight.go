package compose

import (
	"context"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"

	"github.com/compose-spec/compose-go/v2/types"
	"github.com/docker/compose/v5/pkg/api"
	"github.com/moby/moby/client"

	"rinca/internal/rinca"
)

// Preflight looks for what would make Apply fail.
func (d *deployment) Preflight(ctx context.Context) ([]rinca.Problem, error) {
	ctx, cancel := context.WithTimeout(ctx, 2*quick)
	defer cancel()
	o, err := d.observe(ctx)
	if err != nil {
		return nil, err
	}
	d.seen = o
	problems := d.externals(o)
	if err := d.project.CheckContainerNameUnicity(); err != nil {
		problems = append(problems, rinca.Problem{Message: err.Error(), Hint: "give each service another container_name"})
	}
	names, err := d.namesTaken(ctx)
	if err != nil {
		return nil, err
	}
	problems = append(problems, names...)
	ports, err := d.portsTaken(ctx)
	if err != nil {
		return nil, err
	}
	problems = append(problems, ports...)
	if !d.engine.local {
		return problems, nil
	}
	host := d.engine.peer(ctx)
	if host.same {
		problems = append(problems, d.pathsMissing()...)
	}
	full, err := d.diskFull(ctx, host)
	if err != nil {
		return nil, err
	}
	return append(problems, full...), nil
}

// externals looks for networks and volumes that somebody else makes.
func (d *deployment) externals(o *observed) []rinca.Problem {
	var problems []rinca.Problem
	for _, key := range slices.Sorted(maps.Keys(d.project.Networks)) {
		n := d.project.Networks[key]
		if _, there := o.networks[key]; bool(n.External) && !there {
			problems = append(problems, rinca.Problem{
				Message: fmt.Sprintf("the external network %s does not exist", n.Name),
				Hint:    "docker network create " + n.Name + ", or deploy the stack that makes it first",
			})
		}
	}
	for _, key := range slices.Sorted(maps.Keys(d.project.Volumes)) {
		v := d.project.Volumes[key]
		if _, there := o.volumes[key]; bool(v.External) && !there {
			problems = append(problems, rinca.Problem{
				Message: fmt.Sprintf("the external volume %s does not exist", v.Name),
				Hint:    "docker volume create " + v.Name + ", or remove external: true",
			})
		}
	}
	for _, name := range d.project.ServiceNames() {
		s := d.project.Services[name]
		for _, ref := range s.Secrets {
			if bool(d.project.Secrets[ref.Source].External) {
				problems = append(problems, rinca.Problem{
					Service: name, Message: fmt.Sprintf("the secret %s is external; only Swarm has those", ref.Source),
					Hint: "use file: or environment: for it",
				})
			}
		}
		for _, ref := range s.Configs {
			if bool(d.project.Configs[ref.Source].External) {
				problems = append(problems, rinca.Problem{
					Service: name, Message: fmt.Sprintf("the config %s is external; only Swarm has those", ref.Source),
					Hint: "use file: or content: for it",
				})
			}
		}
		if s.ReadOnly {
			problems = append(problems, d.cannotWrite(s)...)
		}
	}
	return problems
}

// cannotWrite finds what Compose writes into a container whose file system is
// read-only.
func (d *deployment) cannotWrite(s types.ServiceConfig) []rinca.Problem {
	var problems []rinca.Problem
	add := func(kind, name string) {
		problems = append(problems, rinca.Problem{
			Service: s.Name, Message: fmt.Sprintf("the service is read_only, and its %s %s is not a file", kind, name),
			Hint: "use file: for it, or remove read_only",
		})
	}
	for _, ref := range s.Secrets {
		if d.project.Secrets[ref.Source].File == "" {
			add("secret", ref.Source)
		}
	}
	for _, ref := range s.Configs {
		if d.project.Configs[ref.Source].File == "" {
			add("config", ref.Source)
		}
	}
	return problems
}

// namesTaken looks for containers of others that have the name of one of ours.
func (d *deployment) namesTaken(ctx context.Context) ([]rinca.Problem, error) {
	wanted := map[string]string{}
	filters := make(client.Filters)
	for _, s := range d.project.Services {
		if s.ContainerName != "" {
			wanted[s.ContainerName] = s.Name
			filters.Add("name", "^/"+s.ContainerName+"$")
		}
	}
	if len(wanted) == 0 {
		return nil, nil
	}
	all, err := d.engine.containers(ctx, client.ContainerListOptions{All: true, Filters: filters})
	if err != nil {
		return nil, d.engine.fault(ctx, "look for names", err)
	}
	var problems []rinca.Problem
	for _, c := range all {
		service, ok := wanted[containerName(c)]
		if !ok || c.Labels[api.ProjectLabel] == d.project.Name {
			continue
		}
		problems = append(problems, rinca.Problem{
			Service: service, Message: fmt.Sprintf("a container named %s exists already%s", containerName(c), ofProject(c.Labels)),
			Hint: "docker rm " + containerName(c) + ", or choose another container_name",
		})
	}
	return problems, nil
}

func ofProject(labels map[string]string) string {
	if p := labels[api.ProjectLabel]; p != "" {
		return ", of the project " + p
	}
	return ""
}

// pathsMissing looks for what is mounted and not there. Compose would have a
// directory made, also for a file, and also where a disk is not mounted yet;
// only within the source is that what somebody meant.
func (d *deployment) pathsMissing() []rinca.Problem {
	var problems []rinca.Problem
	for _, list := range []struct {
		what  string
		files []rinca.FileUse
	}{{"the secret's file", d.facts.SecretFiles}, {"the config's file", d.facts.ConfigFiles}, {"the mounted path", d.facts.Binds}} {
		for _, f := range list.files {
			if !missing(f.Path) || f.Create && !looksLikeFile(f.Path) && within(d.spec.Source, f.Path) {
				continue
			}
			hint := "create it, or correct the path"
			if f.Create {
				hint = "is its disk mounted? if it shall be a new directory: mkdir -p " + f.Path
			}
			for _, service := range f.Services {
				problems = append(problems, rinca.Problem{
					Service: service, Message: fmt.Sprintf("%s %s does not exist", list.what, f.Path), Hint: hint,
				})
			}
		}
	}
	return problems
}

// fileSuffixes are endings of names that directories do not have.
const fileSuffixes = " .conf .cfg .ini .yaml .yml .json .toml .xml .env .txt .sh .sql .pem .crt .cer .key .sock .html .js .css .py .lua .php .list .rules .template .tmpl .properties .htpasswd "

func looksLikeFile(path string) bool {
	suffix := filepath.Ext(path)
	return suffix != "" && strings.Contains(fileSuffixes, " "+strings.ToLower(suffix)+" ")
}
