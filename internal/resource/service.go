package resource

import (
	"context"
	"encoding/json"
	"path/filepath"
	"strings"
	"time"

	"rinca/internal/alert"
	"rinca/internal/event"
	"rinca/internal/git"
	"rinca/internal/rinca"
	"rinca/internal/store"
)

// A Service makes what there is what files say. It is safe for use by several
// goroutines.
type Service struct {
	DB      *store.DB
	Mirrors *git.Mirrors
	Home    string
	Hub     *event.Hub    // told of changes; may be nil
	Alerts  *alert.Alerts // told of new addresses; may be nil
	Now     func() time.Time
	// Kinds lists the kinds of executions.
	Kinds func() []rinca.ExecutionKind
	// Check says what is wrong with an execution of a procedure: run.CheckExecution.
	Check CheckFunc
}

// A By says who makes changes, for the audit log.
type By struct {
	Operator string
	Via      string
	Remote   string
	Detail   string
}

// PlanFiles says what files would change.
func (s *Service) PlanFiles(ctx context.Context, files []File, o Options) (*SyncPlan, error) {
	set, warnings, err := Parse(files, s.Kinds())
	if err != nil {
		return nil, err
	}
	return s.plan(ctx, set, warnings, o)
}

func (s *Service) plan(ctx context.Context, set *Set, warnings []string, o Options) (*SyncPlan, error) {
	state, err := Load(ctx, s.DB)
	if err != nil {
		return nil, err
	}
	state.Check = s.Check
	plan, err := MakePlan(set, state, o)
	if err != nil {
		return nil, err
	}
	plan.Warnings = append(warnings, plan.Warnings...)
	return plan, nil
}

// maxTries is how often changes are planned again because others came first.
const maxTries = 5

// ApplyFiles makes the changes of files, all of them or none, and returns what
// they were.
func (s *Service) ApplyFiles(ctx context.Context, files []File, o Options, by By) (*SyncPlan, error) {
	set, warnings, err := Parse(files, s.Kinds())
	if err != nil {
		return nil, err
	}
	for try := 1; ; try++ {
		plan, err := s.plan(ctx, set, warnings, o)
		if err != nil {
			return nil, err
		}
		err = s.Apply(ctx, plan, by)
		if rinca.CodeOf(err) == rinca.Conflict && s.DB.Revision() != plan.revision && try < maxTries {
			continue
		}
		return plan, err
	}
}

// Apply makes the changes of a plan, all of them or none. A Conflict says that
// something has changed since it was made.
func (s *Service) Apply(ctx context.Context, p *SyncPlan, by By) error {
	if !p.HasChanges() {
		return nil
	}
	changes := make([]store.Change, len(p.Changes))
	for i := range p.Changes {
		c := p.Changes[i].write
		c.Audit = rinca.AuditEntry{
			Actor: by.Operator, Via: by.Via, Remote: by.Remote, Action: actionName(&p.Changes[i]), Target: c.Target.String(), Detail: by.Detail, OK: true,
		}
		signed(&c, by.Operator)
		changes[i] = c
	}
	if err := s.DB.Apply(ctx, p.revision, changes); err != nil {
		return err
	}
	s.tell(p, by)
	s.tellAlerts(ctx, p)
	return nil
}

// tellAlerts has new addresses masked, and sends what waits for them; what
// waits for alerters that are gone is given up.
func (s *Service) tellAlerts(ctx context.Context, p *SyncPlan) {
	if s.Alerts == nil {
		return
	}
	var changed []string
	for i := range p.Changes {
		if c := &p.Changes[i]; c.Target.Kind == rinca.KindAlerter {
			changed = append(changed, c.Target.Name)
		}
	}
	if len(changed) == 0 {
		return
	}
	s.Alerts.Learn(ctx)
	for _, name := range changed {
		s.Alerts.Retry(name)
	}
}

// actionName is the action in the audit log: "stack.update".
func actionName(c *SyncChange) string {
	kind := map[rinca.Kind]string{rinca.KindSync: "sync", store.KindGroup: "group"}[c.Target.Kind]
	if kind == "" {
		kind = strings.ToLower(string(c.Target.Kind))
	}
	return kind + "." + string(c.Action)
}

// signed notes who has written a resource.
func signed(c *store.Change, by string) {
	switch {
	case c.Variable != nil:
		v := *c.Variable
		v.UpdatedBy = by
		c.Variable = &v
	case c.Stack != nil:
		v := *c.Stack
		v.UpdatedBy = by
		c.Stack = &v
	case c.Procedure != nil:
		v := *c.Procedure
		v.UpdatedBy = by
		c.Procedure = &v
	case c.Sync != nil:
		v := *c.Sync
		v.UpdatedBy = by
		c.Sync = &v
	case c.Repo != nil:
		v := *c.Repo
		v.UpdatedBy = by
		c.Repo = &v
	case c.Alerter != nil:
		v := *c.Alerter
		v.UpdatedBy = by
		c.Alerter = &v
	}
}

// tell lets those who watch know what changed.
func (s *Service) tell(p *SyncPlan, by By) {
	if s.Hub == nil {
		return
	}
	for i := range p.Changes {
		c := &p.Changes[i]
		data, err := json.Marshal(map[string]string{"action": actionName(c), "by": by.Operator})
		if err == nil {
			s.Hub.Publish(rinca.Event{Type: "resource", Target: c.Target, Data: data})
		}
	}
}

// A Run is one run of a stored sync, step by step.
type Run struct {
	Sync   rinca.ResourceSync
	Files  []File
	Commit string
	Plan   *SyncPlan

	service *Service
	options Options
}

// Begin looks up a sync. Kind and names choose some of its resources.
func (s *Service) Begin(ctx context.Context, name string, kind rinca.Kind, names []string) (*Run, error) {
	y, err := s.DB.Sync(ctx, name)
	if err != nil {
		return nil, err
	}
	made, err := store.SettingJSON[[]rinca.Target](ctx, s.DB, madeKey(name))
	if err != nil {
		return nil, err
	}
	return &Run{Sync: y, service: s, options: Options{
		Delete: y.Delete, MatchTags: y.MatchTags, SkipResources: y.SkipResources, SkipVariables: !y.IncludeVariables, SkipGroups: !y.IncludeGroups,
		Kind: kind, Names: names, Made: made, Self: name,
	}}, nil
}

// madeKey is the setting that lists what the files of a sync had.
func madeKey(sync string) string { return "resources of the sync " + sync }

// Fetch brings the files.
func (r *Run) Fetch(ctx context.Context) (err error) {
	s := r.service
	r.Files, r.Commit, err = s.Fetch(ctx, r.Sync.Source, r.Sync.Paths, filepath.Join(s.Home, "syncs", folderOf(r.Sync.Name), "src"))
	return err
}

// folderOf is the name of a sync as that of a folder; it has no / and no dot
// in front.
func folderOf(name string) string { return name }

// MakePlan compares the files with what there is.
func (r *Run) MakePlan(ctx context.Context) (err error) {
	r.Plan, err = r.service.PlanFiles(ctx, r.Files, r.options)
	return err
}

// Apply makes the changes, and remembers what the files had.
func (r *Run) Apply(ctx context.Context, by By) error {
	plan, err := r.service.ApplyFiles(ctx, r.Files, r.options, by)
	if err != nil {
		return err
	}
	r.Plan = plan
	made := plan.made
	if r.options.Kind != "" || len(r.options.Names) > 0 { // the others are still there
		made = append(made, r.options.Made...)
	}
	return store.PutSettingJSON(ctx, r.service.DB, madeKey(r.Sync.Name), made)
}

// Pending says what a run of a sync would change now.
func (s *Service) Pending(ctx context.Context, name string) (*SyncPlan, error) {
	r, err := s.Begin(ctx, name, "", nil)
	if err != nil {
		return nil, err
	}
	files, _, err := s.Fetch(ctx, r.Sync.Source, r.Sync.Paths, "")
	if err != nil {
		return nil, err
	}
	return s.PlanFiles(ctx, files, r.options)
}

// Export writes everything that there is as TOML. No secret value is in it.
func (s *Service) Export(ctx context.Context) (string, error) {
	state, err := Load(ctx, s.DB)
	if err != nil {
		return "", err
	}
	return Export(state), nil
}

// Export writes a state as TOML. No secret value is in it.
func Export(s *State) string {
	var parts []string
	parts = append(parts, printAll(variableKind(nil), s.Variables)...)
	parts = append(parts, printAll(groupKind(), s.Groups)...)
	parts = append(parts, printAll(serverKind(), s.Servers)...)
	parts = append(parts, printAll(alerterKind(), s.Alerters)...)
	parts = append(parts, printAll(repoKind(), s.Repos)...)
	parts = append(parts, printAll(stackKind(&planner{}), s.Stacks)...)
	parts = append(parts, printAll(syncKind(), s.Syncs)...)
	parts = append(parts, printAll(procedureKind(), s.Procedures)...)
	return strings.Join(parts, "\n")
}

func printAll[T any](k kindOf[T], all []T) []string {
	var out []string
	for i := range all {
		out = append(out, text(k, &all[i], ""))
	}
	return out
}
