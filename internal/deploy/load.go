package deploy

import (
	"context"
	"path/filepath"
	"slices"
	"strings"

	"rinca/internal/rinca"
)

// load gives the project to its engine.
func (j *job) load(ctx context.Context) (string, error) {
	engine, err := j.Engines.Get(ctx, j.stack.ServerName())
	if err != nil {
		return "", err
	}
	j.engine = j.pass.engine(engine)
	j.project.Name, j.project.Stack = j.stack.ProjectName(), j.stack.Name
	j.project.Dir, j.project.Source, j.project.Live = j.files.dir, j.files.root, j.files.live
	j.project.Read = j.compose.read
	j.project.Profiles = j.stack.Profiles
	j.project.Roots = j.roots()
	j.project.Tracked = slices.Clone(j.files.tracked)
	for _, f := range j.exported.files {
		j.project.Tracked = append(j.project.Tracked, f.path)
	}
	j.project.Digest = j.DB.Digest
	j.project.Warn = j.warn
	if j.dep, err = j.engine.Load(ctx, j.project); err != nil {
		return "", err
	}
	j.facts = j.dep.Facts()
	j.learn()
	// What was included by a name that could not be told before it was loaded.
	if err := j.compose.unknown(); err != nil {
		return "", err
	}
	if err := j.trackHostFiles(ctx); err != nil {
		return "", err
	}
	if len(j.facts.Services) == 0 {
		return "", noServices(j.stack)
	}
	if len(j.facts.Values) > 0 {
		j.Known.Set("project:"+j.stack.Name, j.maskable(j.facts.Values))
	}
	return plural(len(j.facts.Services), "service"), nil
}

// noServices refuses a project that would deploy nothing, and that would be
// taken for a good deploy of it.
func noServices(s rinca.Stack) error {
	e := rinca.Errorf(rinca.Invalid, "the compose files of stack %s have no service to deploy", s.Name)
	if len(s.Profiles) > 0 {
		return e.Try("are its profiles right? it has: %s", strings.Join(s.Profiles, ", "))
	}
	return e.Try("rinca stack destroy %s removes what runs; if its services have profiles: rinca stack set %s --compose-profile NAME", s.Name, s.Name)
}

// roots are the paths beside the source that the project may use: those that
// the stack declares, and the directories of its own exported files.
func (j *job) roots() []string {
	out := slices.Clone(j.stack.HostPaths)
	for _, s := range j.exported.stacks {
		out = append(out, filepath.Join(j.exported.dest, s))
	}
	return out
}

// trackHostFiles: of a directory on the host, nobody says which files belong
// to the stack and which are data; those that are mounted one by one do.
func (j *job) trackHostFiles(ctx context.Context) (err error) {
	if j.stack.Source.Kind != rinca.SourceHost {
		return nil
	}
	before := len(j.project.Tracked)
	for _, b := range j.facts.Binds {
		if isRegular(b.Path) && within(j.files.root, b.Path) {
			j.project.Tracked = append(j.project.Tracked, b.Path)
		}
	}
	if len(j.project.Tracked) == before {
		return nil
	}
	j.dep, err = j.engine.Load(ctx, j.project)
	return err
}

// makePlan asks the engine what would change. A plan that writes nothing adds
// what the files that it did not write would change.
func (j *job) makePlan(ctx context.Context) (string, error) {
	var plan rinca.Plan
	err := j.within(ctx, askTimeout, func(ctx context.Context) (err error) {
		plan, err = j.dep.Plan(ctx, j.o.Force)
		return err
	})
	if err != nil {
		return "", err
	}
	if j.planning {
		j.addUnwritten(&plan)
	}
	if !j.looking {
		j.runAgain(&plan)
	}
	if len(j.o.Services) > 0 {
		if err := j.only(&plan); err != nil {
			return "", err
		}
	}
	j.plan = plan
	for _, s := range plan.Services {
		if s.Change != rinca.Keep {
			j.rec.Line(rinca.Line{Service: s.Service, Text: PlanLine(s)})
		}
	}
	return summary(plan), nil
}

// runAgain makes a stack that has one-shot services alone run them: to do that
// is what it is deployed for, as with docker compose up, and its update says
// how they ended. A deploy of many stacks leaves it alone when nothing differs.
func (j *job) runAgain(plan *rinca.Plan) {
	if slices.ContainsFunc(j.facts.Services, func(s rinca.ServiceFacts) bool { return !s.OneShot }) {
		return
	}
	for i := range plan.Services {
		if s := &plan.Services[i]; s.Change == rinca.Keep && len(s.Containers) > 0 {
			s.Change, s.Reasons = rinca.Start, []rinca.Reason{{Kind: "again"}}
		}
	}
}

// addUnwritten marks the services that read files which an export would write.
func (j *job) addUnwritten(plan *rinca.Plan) {
	mark := func(uses []rinca.FileUse, kind string) {
		for _, u := range uses {
			keys, ok := j.exported.changed[u.Path]
			for path := range j.exported.changed { // a mounted directory shows its files
				ok = ok || within(u.Path, path)
			}
			if !ok {
				continue
			}
			for i := range plan.Services {
				s := &plan.Services[i]
				if !slices.Contains(u.Services, s.Service) || s.Change == rinca.Create {
					continue
				}
				s.Change = rinca.Recreate
				names := keys
				if kind != "env_file" || len(names) == 0 {
					names = []string{filepath.Base(u.Path)}
				}
				s.Reasons = append(s.Reasons, rinca.Reason{Kind: kind, Names: names})
			}
		}
	}
	mark(j.facts.EnvFiles, "env_file")
	mark(j.facts.SecretFiles, "secret")
	mark(j.facts.ConfigFiles, "config_file")
	mark(j.facts.Binds, "mount")
}

// only restricts a plan to the services that were asked for.
func (j *job) only(plan *rinca.Plan) error {
	for _, name := range j.o.Services {
		if !slices.ContainsFunc(plan.Services, func(s rinca.ServicePlan) bool { return s.Service == name }) {
			return rinca.Errorf(rinca.NotFound, "stack %s has no service %q", j.stack.Name, name).
				Try("rinca stack show %s", j.stack.Name)
		}
	}
	for i := range plan.Services {
		if s := &plan.Services[i]; !slices.Contains(j.o.Services, s.Service) && s.Change != rinca.Create {
			s.Change, s.Reasons = rinca.Keep, nil
		}
	}
	return nil
}
