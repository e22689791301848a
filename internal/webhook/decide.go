package webhook

import (
	"context"
	"encoding/json"
	"fmt"
	"path"
	"slices"
	"strings"

	"rinca/internal/rinca"
)

// A hooked is a resource with a webhook: what its deliveries start, and which.
type hooked struct {
	target rinca.Target
	hook   rinca.Webhook
	source rinca.Source // of Git, or what a procedure's stacks are from; may be zero
	scope  scope
	run    rinca.Execution
	stack  string // its name, for one that is deployed together with others
}

// A verdict is what a delivery comes to.
type verdict struct {
	run     []rinca.Execution
	ignored string // why nothing is run
	note    string
}

func ignored(format string, args ...any) verdict {
	return verdict{ignored: fmt.Sprintf(format, args...)}
}

// A decision is about one push.
type decision struct {
	l    *Listener
	p    push
	call record // what the address said
	// slow: the repository may be asked. Without it, errSlow says that it
	// would have to be.
	slow  bool
	note  string
	files []string // what was found by comparing
}

// decide says what a delivery starts. It changes nothing.
func (d *decision) decide(ctx context.Context) (verdict, error) {
	switch {
	case d.call.Action == refresh:
		return ignored("a refresh does nothing here: a plan or a deploy looks at the source itself"), nil
	case !d.p.isPush && !d.p.plain:
		return ignored("the event %s starts nothing; a push does", or(d.p.event, "without a name")), nil
	case d.p.deleted:
		return ignored("%s was deleted", or(d.p.ref, "it")), nil
	case d.p.isPush && d.p.branch == "" && d.p.tag == "":
		return ignored("%s is neither a branch nor a tag", d.p.ref), nil
	case d.call.Target.Kind == "":
		return d.whole(ctx)
	}
	list, err := d.l.hooked(ctx, d.call.Target)
	if err != nil {
		return verdict{}, err
	}
	return d.those(ctx, list, false)
}

// whole decides for everything that is made of the repository.
func (d *decision) whole(ctx context.Context) (verdict, error) {
	if len(d.p.repos) == 0 {
		return ignored("the delivery does not say which repository it is about"), nil
	}
	list, err := d.l.ofRepository(ctx, &d.p)
	if err != nil {
		return verdict{}, err
	}
	if len(list) == 0 {
		return ignored("no stack and no sync has %s as its source", or(d.p.repository, "that repository")), nil
	}
	return d.those(ctx, list, true)
}

// those decides for some resources; what several of them lack is told for the
// first, with their number.
func (d *decision) those(ctx context.Context, list []hooked, several bool) (verdict, error) {
	var out verdict
	var chosen []hooked
	why := "nothing is linked to it"
	for i := range list {
		reason, err := d.unwanted(ctx, &list[i])
		if err != nil {
			return out, err
		}
		if reason == "" {
			chosen = append(chosen, list[i])
		} else {
			why = reason
		}
	}
	if len(chosen) == 0 {
		if len(list) > 1 {
			why = fmt.Sprintf("none of the %d resources of the repository is meant: %s, for one", len(list), why)
		}
		out.ignored = why
		return out, nil
	}
	out.note = d.note
	out.run = together(chosen, several)
	return out, nil
}

// together makes executions of resources: all stacks are deployed by one, which
// heeds their order, also when only some of them are forced.
func together(list []hooked, several bool) []rinca.Execution {
	var out []rinca.Execution
	var stacks []*hooked
	for i := range list {
		if h := &list[i]; h.stack == "" {
			out = append(out, h.run)
		} else {
			stacks = append(stacks, h)
		}
	}
	if len(stacks) == 0 {
		return out
	}
	if len(stacks) == 1 && !several {
		return append(out, stacks[0].run)
	}
	var names, forced []string
	for _, h := range stacks {
		names = append(names, h.stack)
		if h.hook.Force {
			forced = append(forced, h.stack)
		}
	}
	slices.Sort(names)
	slices.Sort(forced)
	kind, params := "BatchDeployStackIfChanged", map[string]any{"pattern": strings.Join(names, ",")}
	switch len(forced) {
	case 0:
	case len(names):
		kind, params["force"] = "BatchDeployStack", true
	default:
		params["forced"] = forced
	}
	return append(out, execution(kind, params))
}

// deployIfChanged is how a stack is deployed: what does not differ is left alone.
const deployIfChanged = "DeployStackIfChanged"

func execution(kind string, params map[string]any) rinca.Execution {
	data, _ := json.Marshal(params) // texts and truths
	return rinca.Execution{Kind: kind, Params: data}
}

// unwanted says why a push does not concern a resource; "" if it does.
func (d *decision) unwanted(ctx context.Context, h *hooked) (string, error) {
	if h.hook.Disabled {
		return fmt.Sprintf("the webhook of %s is disabled", h.target), nil
	}
	if d.p.plain {
		return "", nil
	}
	if why := d.otherRef(h); why != "" {
		return why, nil
	}
	return d.untouched(ctx, h)
}

// otherRef says why the branch or the tag is not that of the resource.
func (d *decision) otherRef(h *hooked) string {
	if tag := d.p.tag; tag != "" {
		if h.source.Tag == tag && h.hook.Branch == "" || matches(h.hook.Tags, tag) {
			return ""
		}
		return fmt.Sprintf("the tag %s does not start %s", tag, h.target)
	}
	want := h.hook.Branch
	switch {
	case d.call.Any:
		return ""
	case d.call.Branch != "":
		want = d.call.Branch
	case want != "":
	case h.target.Kind == rinca.KindProcedure:
		return ""
	case h.source.Tag != "":
		return fmt.Sprintf("%s follows the tag %s, and not a branch", h.target, h.source.Tag)
	case h.source.Commit != "":
		return fmt.Sprintf("%s is fixed to the commit %.12s", h.target, h.source.Commit)
	case h.source.Kind != rinca.SourceGit:
		return "" // nothing says which one it could be
	default:
		want = or(h.source.Branch, d.p.defaultBranch, d.p.branch)
	}
	if want == "*" || want == anyBranch || want == d.p.branch || strings.ContainsAny(want, "*?") && matches([]string{want}, d.p.branch) {
		return ""
	}
	return fmt.Sprintf("%s follows the branch %s, and %s was pushed", h.target, want, d.p.branch)
}

// untouched says that the push has none of the resource's files; "" if it has,
// or if that cannot be known: better one start too many.
func (d *decision) untouched(ctx context.Context, h *hooked) (string, error) {
	if h.scope.all || d.p.tag != "" {
		return "", nil
	}
	files := d.p.files
	if !d.p.complete {
		if h.scope.touched(files) {
			return "", nil
		}
		var ok bool
		var err error
		if files, ok, err = d.compared(ctx, h); err != nil || !ok {
			return "", err
		}
	}
	if h.scope.touched(files) {
		return "", nil
	}
	return fmt.Sprintf("the push touches %s, and none that %s is made of", count(len(files), "file"), h.target), nil
}

func count(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

// hooked returns what deliveries to a resource are about: itself, or what is
// linked to a repo. NotFound when there is none of that name.
func (l *Listener) hooked(ctx context.Context, t rinca.Target) ([]hooked, error) {
	switch t.Kind {
	case rinca.KindStack:
		s, err := l.DB.Stack(ctx, t.Name)
		if err != nil {
			return nil, err
		}
		h, err := l.ofStack(ctx, &s)
		return []hooked{h}, err
	case rinca.KindSync:
		s, err := l.DB.Sync(ctx, t.Name)
		if err != nil {
			return nil, err
		}
		h, err := l.ofSync(ctx, &s)
		return []hooked{h}, err
	case rinca.KindProcedure:
		p, err := l.DB.Procedure(ctx, t.Name)
		if err != nil {
			return nil, err
		}
		h, err := l.ofProcedure(ctx, &p)
		return []hooked{h}, err
	case rinca.KindRepo:
		return l.ofRepo(ctx, t.Name)
	}
	return nil, rinca.Errorf(rinca.NotFound, "%s has no webhook", t)
}

func (l *Listener) ofStack(ctx context.Context, s *rinca.Stack) (hooked, error) {
	source, err := l.DB.Linked(ctx, s.Source)
	h := hooked{target: rinca.Target{Kind: rinca.KindStack, Name: s.Name}, hook: s.Webhook, source: source, stack: s.Name}
	kind := deployIfChanged
	if s.Webhook.Force {
		kind = "DeployStack"
	}
	h.run = execution(kind, map[string]any{"stack": s.Name})
	h.scope = stackScope(s, source)
	return h, err
}

// stackScope is what a stack is made of: its folder, and what of the
// repository it names beside that.
func stackScope(s *rinca.Stack, source rinca.Source) scope {
	if len(s.Webhook.Paths) > 0 {
		return scopeOf(s.Webhook.Paths)
	}
	if source.Kind != rinca.SourceGit {
		return everything()
	}
	var out scope
	out.add(source.Path)
	for _, p := range source.Sparse {
		if clean, ok := inRepo(p); ok && clean == "" {
			out.beside("x") // the files at the root, and no folders
			continue
		}
		out.add(p)
	}
	for _, f := range slices.Concat(source.ComposeFiles, s.EnvFiles) {
		out.beside(path.Join(source.Path, f))
	}
	return out
}

func (l *Listener) ofSync(ctx context.Context, s *rinca.ResourceSync) (hooked, error) {
	source, err := l.DB.Linked(ctx, s.Source)
	h := hooked{target: rinca.Target{Kind: rinca.KindSync, Name: s.Name}, hook: s.Webhook, source: source}
	h.run = execution(runSync, map[string]any{"sync": s.Name})
	switch {
	case len(s.Webhook.Paths) > 0:
		h.scope = scopeOf(s.Webhook.Paths)
	case source.Kind != rinca.SourceGit:
		h.scope = everything()
	case len(s.Paths) == 0:
		h.scope.add(source.Path)
	default:
		for _, p := range s.Paths {
			h.scope.add(path.Join(source.Path, p))
		}
	}
	return h, err
}

// ofRepo returns the stacks that are linked to a repo. The repo's own webhook
// says whether, and by which branch.
func (l *Listener) ofRepo(ctx context.Context, name string) ([]hooked, error) {
	r, err := l.DB.Repo(ctx, name)
	if err != nil {
		return nil, err
	}
	stacks, err := l.DB.Stacks(ctx)
	if err != nil {
		return nil, err
	}
	syncs, err := l.DB.Syncs(ctx)
	if err != nil {
		return nil, err
	}
	var out []hooked
	add := func(h hooked, err error) error {
		h.hook.Branch = or(h.hook.Branch, r.Webhook.Branch)
		h.hook.Tags = slices.Concat(h.hook.Tags, r.Webhook.Tags)
		if len(r.Webhook.Paths) > 0 && len(h.hook.Paths) == 0 {
			h.scope = scopeOf(r.Webhook.Paths)
		}
		out = append(out, h)
		return err
	}
	for i := range stacks {
		if stacks[i].Source.Linked == name {
			if err := add(l.ofStack(ctx, &stacks[i])); err != nil {
				return nil, err
			}
		}
	}
	for i := range syncs {
		if syncs[i].Source.Linked == name && !syncs[i].Webhook.Disabled {
			if err := add(l.ofSync(ctx, &syncs[i])); err != nil {
				return nil, err
			}
		}
	}
	return out, nil
}

// ofRepository returns the stacks and syncs whose source is where the push
// went, but for those whose webhook is disabled.
func (l *Listener) ofRepository(ctx context.Context, p *push) ([]hooked, error) {
	stacks, err := l.DB.Stacks(ctx)
	if err != nil {
		return nil, err
	}
	var out []hooked
	for i := range stacks {
		source, err := l.DB.Linked(ctx, stacks[i].Source)
		if err != nil || source.Kind != rinca.SourceGit || stacks[i].Webhook.Disabled || !p.from(source.Repo) {
			continue
		}
		h, err := l.ofStack(ctx, &stacks[i])
		if err != nil {
			return nil, err
		}
		out = append(out, h)
	}
	syncs, err := l.DB.Syncs(ctx)
	if err != nil {
		return nil, err
	}
	for i := range syncs {
		source, err := l.DB.Linked(ctx, syncs[i].Source)
		if err != nil || source.Kind != rinca.SourceGit || syncs[i].Webhook.Disabled || !p.from(source.Repo) {
			continue
		}
		h, err := l.ofSync(ctx, &syncs[i])
		if err != nil {
			return nil, err
		}
		out = append(out, h)
	}
	return out, nil
}
