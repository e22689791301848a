package resource

import (
	"fmt"
	"slices"
	"strings"

	"rinca/internal/rinca"
	"rinca/internal/store"
)

// An Action says what becomes of a resource.
type Action string

// The actions.
const (
	Create Action = "create"
	Update Action = "update"
	Rename Action = "rename"
	Delete Action = "delete"
)

// A SyncChange is what becomes of one resource. It holds no secret value.
type SyncChange struct {
	Action Action       `json:"action"`
	Target rinca.Target `json:"target"`
	From   string       `json:"from,omitempty"` // the name before
	At     string       `json:"at,omitempty"`   // file, line and column
	// Diff compares the TOML of before and after, line by line.
	Diff []string `json:"diff,omitempty"`

	write store.Change
}

// A SyncPlan is what files would change. It is complete: nothing of it fails for a
// reason that could have been known.
type SyncPlan struct {
	Changes   []SyncChange `json:"changes"`
	Unchanged int          `json:"unchanged"`
	Warnings  []string     `json:"warnings,omitempty"`
	// Deploy are the stacks of the files that have deploy = true.
	Deploy []string `json:"deploy,omitempty"`

	revision int64
	made     []rinca.Target // that the files have
}

// HasChanges reports whether anything would change.
func (p *SyncPlan) HasChanges() bool { return len(p.Changes) > 0 }

// Summary is one line: "1 to create, 2 to update, 3 unchanged".
func (p *SyncPlan) Summary() string {
	n := map[Action]int{}
	for i := range p.Changes {
		n[p.Changes[i].Action]++
	}
	var parts []string
	for _, a := range []Action{Create, Update, Rename, Delete} {
		if n[a] > 0 {
			parts = append(parts, fmt.Sprintf("%d to %s", n[a], a))
		}
	}
	return strings.Join(append(parts, fmt.Sprintf("%d unchanged", p.Unchanged)), ", ")
}

// Options say which of what files say is wanted.
type Options struct {
	// Delete removes what has all of MatchTags and is in no file; without
	// MatchTags, what is in Made. Secret variables are never removed.
	Delete    bool     `json:"delete,omitempty"`
	MatchTags []string `json:"match_tags,omitempty"`
	// What is left out, and stays as it is.
	SkipResources bool `json:"skip_resources,omitempty"`
	SkipVariables bool `json:"skip_variables,omitempty"`
	SkipGroups    bool `json:"skip_user_groups,omitempty"`
	// Kind and Names choose single resources; neither means all.
	Kind  rinca.Kind `json:"kind,omitempty"`
	Names []string   `json:"names,omitempty"`

	// Made are the resources that files of the same origin had before.
	Made []rinca.Target `json:"-"`
	// Self is the sync that asks, which does not delete itself.
	Self string `json:"-"`
	// Reveals reports whether who asks may see a secret variable. Without it,
	// they may: only administrators say where a sync takes its files from.
	Reveals func(rinca.Target) bool `json:"-"`
}

// wants reports whether a resource is one that is wanted.
func (o *Options) wants(t rinca.Target, tags []string) bool {
	switch t.Kind {
	case rinca.KindVariable:
		if o.SkipVariables {
			return false
		}
	case store.KindGroup:
		if o.SkipGroups {
			return false
		}
	default:
		if o.SkipResources || !hasAll(tags, o.MatchTags) {
			return false
		}
	}
	return (o.Kind == "" || o.Kind == t.Kind) && (len(o.Names) == 0 || slices.Contains(o.Names, t.Name))
}

func hasAll(tags, wanted []string) bool {
	for _, t := range wanted {
		if !slices.Contains(tags, t) {
			return false
		}
	}
	return true
}

// MakePlan compares what files say with what there is. Everything that cannot
// be is told in one error, with code Invalid, before anything is changed.
func MakePlan(set *Set, state *State, o Options) (*SyncPlan, error) {
	p := &planner{set: set, state: state, o: o, plan: &SyncPlan{Changes: []SyncChange{}, revision: state.Revision}, made: map[rinca.Target]bool{}, stacks: map[string]bool{}}
	for _, t := range o.Made {
		p.made[t] = true
	}
	for i := range set.Stacks {
		p.stacks[set.Stacks[i].Value.Name] = true
	}
	for i := range state.Stacks {
		p.stacks[state.Stacks[i].Name] = true
	}
	p.checkKind()
	p.compare()
	p.checkNames()
	p.validate()
	if len(p.wrong) > 0 {
		return nil, listed(p.wrong, p.more, p.hint)
	}
	p.plan.Changes = append(p.plan.Changes, p.removals...)
	return p.plan, nil
}

// Kinds are the kinds of resources that files have.
func Kinds() []string {
	return []string{
		string(rinca.KindVariable), string(store.KindGroup), string(rinca.KindServer), string(rinca.KindAlerter), string(rinca.KindRepo),
		string(rinca.KindStack), string(rinca.KindSync), string(rinca.KindProcedure),
	}
}

// checkKind finds a kind that is chosen and is none.
func (p *planner) checkKind() {
	if k := string(p.o.Kind); k != "" && !slices.Contains(Kinds(), k) {
		p.wrongf(Where{}, "files have no resources of the kind %q%s", shown(k), near(k, Kinds()))
		p.try("one of %s", strings.Join(Kinds(), ", "))
	}
}

// meet notes a resource that may be chosen by its name.
func (p *planner) meet(kind rinca.Kind, name string) {
	if len(p.o.Names) > 0 && (p.o.Kind == "" || p.o.Kind == kind) {
		p.met = append(p.met, name)
	}
}

// checkNames finds names that are chosen and are nobody's: nothing would be
// done about them, and nobody would know.
func (p *planner) checkNames() {
	if len(p.wrong) > 0 {
		return
	}
	for _, name := range p.o.Names {
		if !slices.Contains(p.met, name) {
			p.wrongf(Where{}, "%s is chosen, and neither the files nor the server have a resource of that name%s", shown(name), near(name, p.met))
		}
	}
}

// A planner makes a plan.
type planner struct {
	set   *Set
	state *State
	o     Options
	plan  *SyncPlan
	made  map[rinca.Target]bool
	// after is what there will be.
	after    after
	stacks   map[string]bool // names of stacks of files and of what there is
	removals []SyncChange    // in the order in which they go
	met      []string        // names of resources that may be chosen

	wrong []string
	more  int
	hint  string
}

// after is what there will be, and where the files say so.
type after struct {
	variables  final[rinca.Variable]
	groups     final[rinca.UserGroup]
	servers    final[rinca.Server]
	alerters   final[rinca.Alerter]
	repos      final[rinca.Repo]
	stacks     final[rinca.Stack]
	syncs      final[rinca.ResourceSync]
	procedures final[rinca.Procedure]
}

// final is all resources of one kind, and those of them that files name.
type final[T any] struct {
	byName map[string]*T
	items  map[string]*Item[T]
}

// wrongf adds something that is wrong.
func (p *planner) wrongf(at Where, format string, args ...any) {
	if len(p.wrong) >= maxWrong {
		p.more++
		return
	}
	text := fmt.Sprintf(format, args...)
	if at.File != "" {
		text = at.String() + ": " + text
	}
	p.wrong = append(p.wrong, text)
}

// fault adds an error, and keeps its hint.
func (p *planner) fault(at Where, err error) {
	if p.hint == "" {
		p.hint = rinca.HintOf(err)
	}
	p.wrongf(at, "%s", err.Error())
}

func (p *planner) try(format string, args ...any) {
	if p.hint == "" {
		p.hint = fmt.Sprintf(format, args...)
	}
}

func (p *planner) warn(at Where, format string, args ...any) {
	if len(p.plan.Warnings) < maxWarnings {
		p.plan.Warnings = append(p.plan.Warnings, at.String()+": "+fmt.Sprintf(format, args...))
	}
}

// compare goes through the kinds in the order in which they are applied.
func (p *planner) compare() {
	p.after.variables = compareKind(p, variableKind(p), p.set.Variables, p.state.Variables)
	p.after.groups = compareKind(p, groupKind(), p.set.Groups, p.state.Groups)
	p.after.servers = compareKind(p, serverKind(), p.set.Servers, p.state.Servers)
	p.after.alerters = compareKind(p, alerterKind(), p.set.Alerters, p.state.Alerters)
	p.after.repos = compareKind(p, repoKind(), p.set.Repos, p.state.Repos)
	p.after.stacks = compareKind(p, stackKind(p), p.set.Stacks, p.state.Stacks)
	p.scopedVariables()
	p.after.syncs = compareKind(p, syncKind(), p.set.Syncs, p.state.Syncs)
	p.after.procedures = compareKind(p, procedureKind(), p.set.Procedures, p.state.Procedures)
	if p.set.Len() == 0 && p.o.Delete && len(p.removals) > 0 {
		p.removals = nil
		p.plan.Warnings = append(p.plan.Warnings, "the files have no resource at all: nothing is deleted")
	}
}

// A kindOf is how resources of one kind are compared.
type kindOf[T any] struct {
	kind  rinca.Kind
	name  func(*T) string // of its target
	named func(*T, string)
	tags  func(*T) []string
	print func(*printer, *T)
	later func(*T) bool // is compared later; nil: none is
	stays func(*T) bool // is never deleted; nil: none is
	// keep completes what a file says with what there is; old is nil when
	// there is nothing. It reports false when nothing can be made of it.
	keep func(it *Item[T], v, old *T) bool
	// secret returns what of the resource is secret, for two to be compared.
	secret func(v *T, hook rinca.Secret) rinca.Secret
	check  func(*T) error
	write  func(*store.Change, *T)
}

// compareKind compares the resources of one kind.
func compareKind[T any](p *planner, k kindOf[T], items []Item[T], have []T) final[T] {
	for i := range items {
		p.meet(k.kind, k.name(&items[i].Value))
	}
	for i := range have {
		p.meet(k.kind, k.name(&have[i]))
	}
	out := final[T]{byName: make(map[string]*T, len(have)+len(items)), items: make(map[string]*Item[T], len(items))}
	for i := range have {
		out.byName[k.name(&have[i])] = &have[i]
	}
	listed := map[string]bool{}
	for i := range items {
		it := &items[i]
		name := k.name(&it.Value)
		listed[name] = true
		t := rinca.Target{Kind: k.kind, Name: name}
		if k.later != nil && k.later(&it.Value) || !p.o.wants(t, it.Tags) {
			continue
		}
		p.plan.made = append(p.plan.made, t)
		compareItem(p, k, it, &out)
	}
	removeOthers(p, k, have, listed, &out)
	return out
}

// compareItem compares one resource.
func compareItem[T any](p *planner, k kindOf[T], it *Item[T], out *final[T]) {
	v := it.Value
	name := k.name(&v)
	old, from, ok := previous(p, k, it, out)
	if !ok {
		return
	}
	if !k.keep(it, &v, old) {
		return
	}
	if err := k.check(&v); err != nil && !(p.state.Guess && it.Sourceless) {
		p.fault(it.At, err)
		return
	}
	out.byName[name], out.items[name] = &v, it
	if from != "" {
		delete(out.byName, from)
	}
	c := SyncChange{Action: Create, Target: rinca.Target{Kind: k.kind, Name: name}, From: from, At: it.At.String()}
	differs, secret := true, false
	if old != nil {
		c.Action = Update
		if from != "" {
			c.Action = Rename
		}
		secret = secretChanged(p, k, it, &v, old, from)
		differs = secret || from != "" || text(k, old, "") != text(k, &v, "")
	}
	if !differs {
		p.plan.Unchanged++
		return
	}
	c.Diff = diffOf(p, k, it, &v, old, secret)
	c.write = store.Change{Target: c.Target, From: from, Hook: it.Hook}
	k.write(&c.write, &v)
	p.plan.Changes = append(p.plan.Changes, c)
}

// previous returns what a resource was before, and its name when that was
// another one.
func previous[T any](p *planner, k kindOf[T], it *Item[T], out *final[T]) (old *T, from string, ok bool) {
	name := k.name(&it.Value)
	old = out.byName[name]
	if it.RenamedFrom == "" {
		return old, "", true
	}
	before := it.Value
	k.named(&before, it.RenamedFrom)
	from = k.name(&before)
	prev := out.byName[from]
	switch {
	case from == name:
		p.wrongf(it.at("renamed_from"), "%s is renamed from its own name", shown(name))
		return nil, "", false
	case prev == nil: // it was renamed already, or there was none
		return old, "", true
	case out.items[from] != nil:
		p.wrongf(it.At, "%s %s is renamed from %s, which is in %s too", k.kind, shown(name), shown(from), out.items[from].At)
		return nil, "", false
	case old != nil:
		p.wrongf(it.At, "%s %s is renamed from %s, and there are both", k.kind, shown(name), shown(from))
		p.try("delete one of them")
		return nil, "", false
	}
	return prev, from, true
}

// text is a resource as TOML; a secret of it is written as told.
func text[T any](k kindOf[T], v *T, secret string) string {
	p := &printer{secret: secret}
	k.print(p, v)
	return p.String()
}

// How secrets are shown.
const (
	masked       = `"***"`
	maskedBefore = `"***" # before`
	maskedAfter  = `"***" # changed`
)

func secretChanged[T any](p *planner, k kindOf[T], it *Item[T], v, old *T, from string) bool {
	name := k.name(v)
	if from != "" {
		name = from
	}
	was := k.secret(old, p.state.Hooks[rinca.Target{Kind: k.kind, Name: name}])
	now := k.secret(v, it.Hook)
	return now.IsSet() && !now.Equal(was) && (!now.IsEmpty() || !was.IsEmpty())
}

func diffOf[T any](p *planner, k kindOf[T], it *Item[T], v, old *T, secret bool) []string {
	if old == nil {
		shown := ""
		if s := k.secret(v, it.Hook); s.IsSet() {
			shown = masked
		}
		return diff("", text(k, v, shown))
	}
	before, now := "", ""
	if secret {
		before, now = maskedBefore, maskedAfter
	}
	// A value that becomes secret is not shown as it was, either.
	was := &printer{secret: before, hide: k.secret(v, it.Hook).IsSet()}
	k.print(was, old)
	return diff(was.String(), text(k, v, now))
}

// removeOthers finds what is in no file, and goes.
func removeOthers[T any](p *planner, k kindOf[T], have []T, listed map[string]bool, out *final[T]) {
	if !p.o.Delete {
		return
	}
	var gone []SyncChange
	for i := range have {
		v := &have[i]
		name := k.name(v)
		t := rinca.Target{Kind: k.kind, Name: name}
		if listed[name] || out.byName[name] != v || k.stays != nil && k.stays(v) || !p.o.wants(t, k.tags(v)) || !p.deletes(t, k.tags(v)) {
			continue
		}
		delete(out.byName, name)
		secret := ""
		if s := k.secret(v, p.state.Hooks[t]); s.IsSet() {
			secret = masked
		}
		c := SyncChange{Action: Delete, Target: t, Diff: diff(text(k, v, secret), "")}
		c.write = store.Change{Target: t, Delete: true}
		gone = append(gone, c)
	}
	p.removals = append(gone, p.removals...) // later kinds use earlier ones
}

// deletes reports whether a resource that is in no file goes.
func (p *planner) deletes(t rinca.Target, tags []string) bool {
	if !p.o.Delete || t.Kind == rinca.KindSync && t.Name == p.o.Self || t.Kind == rinca.KindServer && t.Name == rinca.LocalServer {
		return false
	}
	switch t.Kind {
	case rinca.KindVariable, store.KindGroup, rinca.KindServer: // they have no tags
		return p.made[t]
	}
	if len(p.o.MatchTags) > 0 {
		return hasAll(tags, p.o.MatchTags)
	}
	return p.made[t]
}
