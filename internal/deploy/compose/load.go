package compose

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"

	"github.com/compose-spec/compose-go/v2/loader"
	"github.com/compose-spec/compose-go/v2/template"
	"github.com/compose-spec/compose-go/v2/types"
	"github.com/docker/compose/v5/pkg/api"

	"rinca/internal/rinca"
)

// Labels that our containers carry beside Compose's. They are outside its
// config hash, so that docker compose takes our containers for its own.
const (
	labelDigest = "io.rinca.digest" // keyed digest of everything that labelInputs lists
	labelInputs = "io.rinca.inputs" // JSON: name → keyed digest, cut
	labelOnce   = "io.rinca.once"   // a service that is done when it exits with 0
)

// A deployment is a loaded project.
type deployment struct {
	engine  *Engine
	spec    rinca.Project
	policy  policy
	project *types.Project
	facts   rinca.ProjectFacts
	inputs  map[string]inputs // by service
	origins origins
	missing []error   // files that are needed to apply, and not there yet
	seen    *observed // by Preflight, for the plan that follows it
}

var _ rinca.Deployment = (*deployment)(nil)

// Load reads a project. All that is wrong with its paths is one error.
func (e *Engine) Load(ctx context.Context, p rinca.Project) (rinca.Deployment, error) {
	if err := ctx.Err(); err != nil {
		return nil, rinca.Errorf(rinca.Canceled, "load project %s: canceled", p.Name)
	}
	if len(p.Files) == 0 {
		return nil, rinca.Errorf(rinca.Invalid, "project %s has no compose file", p.Name).
			Try("add a compose.yaml to the stack's folder, or name its files")
	}
	if p.Digest == nil || p.Read == nil {
		return nil, rinca.Errorf(rinca.Internal, "load project %s: no way to read or to digest", p.Name)
	}
	pol := newPolicy(p)
	project, err := loadModel(ctx, p, pol)
	if err != nil {
		return nil, err
	}
	d := &deployment{engine: e, spec: p, policy: pol, project: project}
	if err := d.checkSupported(); err != nil {
		return nil, err
	}
	if err := d.checkPaths(); err != nil {
		return nil, err
	}
	from, envFiles, err := d.resolveFiles()
	if err != nil {
		return nil, err
	}
	if err := d.collect(from, envFiles); err != nil {
		return nil, err
	}
	d.moveToLive()
	d.label()
	return d, nil
}

// loadModel has Compose's loader read the files, with nothing of this
// process's environment.
func loadModel(ctx context.Context, p rinca.Project, pol policy) (*types.Project, error) {
	environment := types.Mapping{}
	for name, value := range p.Environment {
		environment[name] = value.Reveal()
	}
	src := newSources(p, pol)
	defer src.close()
	details := types.ConfigDetails{WorkingDir: p.Dir, Environment: environment}
	for _, path := range p.Files {
		text, err := src.read(target{path, p.Dir})
		if err != nil {
			return nil, err
		}
		details.ConfigFiles = append(details.ConfigFiles, types.ConfigFile{Filename: path, Content: text})
	}
	project, err := loader.LoadWithContext(ctx, details, func(o *loader.Options) {
		o.SetProjectName(p.Name, true)
		o.Profiles = p.Profiles
		o.ResourceLoaders = []loader.ResourceLoader{src}
		o.Interpolate.Substitute = func(text string, m template.Mapping) (string, error) { return src.substitute(text, m) }
		// These read files, which are checked first.
		o.SkipResolveEnvironment = true
		o.SkipResolveLabels = true
	})
	if err != nil {
		return nil, src.explain(err)
	}
	project.ComposeFiles = slices.Clone(p.Files)
	return project.WithoutUnnecessaryResources(), nil
}

// checkSupported refuses what would run programs on this host, or what only
// works with them.
func (d *deployment) checkSupported() error {
	for _, name := range d.project.ServiceNames() {
		s := d.project.Services[name]
		switch {
		case s.Provider != nil:
			return rinca.Errorf(rinca.Invalid, "service %s has a provider, which is a program on rinca's host; that is not supported", name).
				Try("remove provider: from the service")
		case len(s.Models) > 0:
			return rinca.Errorf(rinca.Invalid, "service %s uses models, which need Docker Model Runner; that is not supported", name).
				Try("remove models: from the service")
		}
	}
	return nil
}

// Origins say which env_file gave a service a key of its environment.
type origins map[string]map[string]string // service → key → path

// An envUse is an env_file of a service.
type envUse struct {
	path, service string
	optional      bool
}

// resolveFiles reads env_file and label_file of every service into it. The
// loader reads from files that we have opened.
func (d *deployment) resolveFiles() (origins, []envUse, error) {
	from := origins{}
	var used []envUse
	var problems []error
	var open []*os.File
	defer func() {
		for _, f := range open {
			f.Close()
		}
	}()
	names := []string{}
	take := func(what, path string, required bool) string {
		f, err := d.policy.open(what, path)
		switch {
		case err == nil:
		case !errors.Is(err, fs.ErrNotExist):
			problems = append(problems, err)
			return ""
		case required: // a plan may be made before it is there
			d.missing = append(d.missing, err)
			return ""
		default:
			return ""
		}
		open = append(open, f)
		names = append(names, memoryPath(f), path)
		return memoryPath(f)
	}
	labelFiles := map[string]types.StringList{} // as they are named
	for _, name := range d.project.ServiceNames() {
		s := d.project.Services[name]
		from[name] = map[string]string{}
		var envFiles []types.EnvFile
		for _, f := range s.EnvFiles {
			used = append(used, envUse{f.Path, name, !bool(f.Required)})
			if path := take("env_file of service "+name, f.Path, bool(f.Required)); path != "" {
				for _, key := range envKeys(path, f.Format) {
					from[name][key] = f.Path
				}
				f.Path = path
				envFiles = append(envFiles, f)
			}
		}
		for key := range s.Environment {
			delete(from[name], key) // environment goes before env_file
		}
		s.EnvFiles = envFiles
		labelFiles[name] = slices.Clone(s.LabelFiles)
		s.LabelFiles = nil
		for _, path := range labelFiles[name] {
			if open := take("label_file of service "+name, path, true); open != "" {
				s.LabelFiles = append(s.LabelFiles, open)
			}
		}
		d.project.Services[name] = s
	}
	if len(problems) > 0 {
		return nil, nil, joined(problems)
	}
	project, err := d.project.WithServicesLabelsResolved(false)
	if err == nil {
		// As the command does: env_file is not part of the config hash, its values are.
		project, err = project.WithServicesEnvironmentResolved(true)
	}
	if err != nil {
		return nil, nil, d.badFile(strings.NewReplacer(names...).Replace(err.Error()), names)
	}
	for name, s := range project.Services {
		s.LabelFiles = labelFiles[name]
		project.Services[name] = s
	}
	d.project = project
	return from, used, nil
}

// badFile is the error for a file that cannot be parsed. What the parser says
// may quote a value, so only the place is taken from it.
func (d *deployment) badFile(text string, names []string) error {
	where := "an env_file or label_file"
	for i := 1; i < len(names); i += 2 {
		if strings.Contains(text, names[i]) {
			where = names[i]
		}
	}
	if at := regexp.MustCompile(`line \d+`).FindString(text); at != "" {
		where += ", " + at
	}
	return rinca.Errorf(rinca.Invalid, "load project %s: %s: it cannot be read as an env file", d.spec.Name, where).
		Try("close every quote, and write a name and = on each line")
}

// joined makes one error of several: the first one's code and hint, all of
// their messages.
func joined(problems []error) error {
	if len(problems) == 1 {
		return problems[0]
	}
	var texts []string
	for _, err := range problems {
		texts = append(texts, err.Error())
	}
	return rinca.Errorf(rinca.CodeOf(problems[0]), "%d problems:\n  %s", len(problems), strings.Join(texts, "\n  ")).
		Because(errors.Join(problems...)).Try("%s", hints(problems))
}

func hints(problems []error) string {
	var all []string
	for _, err := range problems {
		if h := rinca.HintOf(err); h != "" && !slices.Contains(all, h) {
			all = append(all, h)
		}
	}
	return strings.Join(all, "; ")
}

// label sets the labels of every container: Compose's, as the command sets
// them, and ours.
func (d *deployment) label() {
	for name, s := range d.project.Services {
		s.CustomLabels = types.Labels{
			api.ProjectLabel:     d.project.Name,
			api.ServiceLabel:     name,
			api.VersionLabel:     Version,
			api.WorkingDirLabel:  d.project.WorkingDir,
			api.ConfigFilesLabel: strings.Join(d.project.ComposeFiles, ","),
			api.OneoffLabel:      "False",
		}
		maps.Copy(s.CustomLabels, d.inputs[name].labels())
		if once(d.project, s) {
			s.CustomLabels[labelOnce] = "true"
		}
		d.project.Services[name] = s
	}
}

// Facts say what the project uses.
func (d *deployment) Facts() rinca.ProjectFacts { return d.facts }

func (d *deployment) warn(format string, args ...any) {
	if d.spec.Warn != nil {
		d.spec.Warn(fmt.Sprintf(format, args...))
	}
}
