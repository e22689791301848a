package resource

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"
	"time"

	"rinca/internal/alert"
	"rinca/internal/git"
	"rinca/internal/interpolate"
	"rinca/internal/rinca"
	"rinca/internal/schedule"
)

// validate looks at everything as it will be: names that lead nowhere, cycles,
// and what cannot be there twice.
func (p *planner) validate() {
	p.checkGroups()
	p.checkAlerters()
	for _, name := range ordered(p.after.repos.items) {
		p.checkSource(p.after.repos.items[name].at("repo.config.git_account"), p.after.repos.byName[name].Source)
	}
	p.checkStacks()
	for _, name := range ordered(p.after.syncs.items) {
		it, s := p.after.syncs.items[name], p.after.syncs.byName[name]
		p.checkSource(it.at("resource_sync.config.linked_repo"), s.Source)
		p.checkSchedule(it.at("resource_sync.config.schedule"), s.Schedule)
	}
	p.checkProcedures()
	p.checkRemoved()
	p.checkPaths()
}

// ordered returns the names of a map in order, so that errors are too.
func ordered[T any](m map[string]T) []string { return slices.Sorted(maps.Keys(m)) }

// stackNames returns the names of all stacks, in order.
func (p *planner) stackNames() []string { return ordered(p.after.stacks.byName) }

// nearStack says which stack is likely meant.
func (p *planner) nearStack(name string) string { return nearIn(p, name, p.after.stacks.byName) }

// nearIn says which resource is likely meant, as long as that is shown.
func nearIn[T any](p *planner, name string, all map[string]*T) string {
	if len(p.wrong) >= maxWrong {
		return ""
	}
	return near(name, ordered(all))
}

func (p *planner) checkGroups() {
	if p.state.Guess {
		return
	}
	for _, name := range ordered(p.after.groups.items) {
		it := p.after.groups.items[name]
		for i, user := range p.after.groups.byName[name].Users {
			if !slices.Contains(p.state.Users, user) {
				p.wrongf(it.at(fmt.Sprintf("user_group.users[%d]", i)), "the group %s names %q, and there is no such user%s", shown(name), shown(user), near(user, p.state.Users))
				p.try("rinca user create %s", shown(user))
			}
		}
	}
}

// checkAlerters checks addresses that are new. They are sent what [[NAME]] in
// them stands for, wherever they lead: so it takes the right to see it.
func (p *planner) checkAlerters() {
	was := map[string]*rinca.Alerter{}
	for i := range p.state.Alerters {
		was[p.state.Alerters[i].Name] = &p.state.Alerters[i]
	}
	for _, name := range ordered(p.after.alerters.items) {
		it, a := p.after.alerters.items[name], p.after.alerters.byName[name]
		old := was[name]
		if old == nil {
			old = was[it.RenamedFrom]
		}
		at := it.at("alerter.config.endpoint.params.url")
		switch {
		case a.URL.IsSet() && (old == nil || !a.URL.Equal(old.URL)):
			p.checkAddress(at, a)
		case !a.URL.IsSet() && (old == nil || !old.URL.IsSet()):
			p.warn(at, "the alerter %s has no address yet: rinca alerter set %s --url-file FILE", shown(name), shown(name))
		case old != nil && old.Kind != a.Kind:
			p.wrongf(at, "the kind of the alerter %s changes, and the address that is kept was for the one before", shown(name))
			p.try("config.endpoint.params.url is the address")
		}
	}
}

func (p *planner) checkAddress(at Where, a *rinca.Alerter) {
	if err := alert.CheckAddress(a.Kind, a.URL); err != nil {
		p.fault(at, err)
		return
	}
	for _, name := range interpolate.Names(a.URL.Reveal()) { // names alone are looked at
		t := rinca.Target{Kind: rinca.KindVariable, Name: name}
		v := p.after.variables.byName[name]
		switch {
		case v == nil && p.state.Guess:
		case v == nil:
			p.wrongf(at, "the address of the alerter %s names the variable %s, and there is none%s", shown(a.Name), shown(name), nearIn(p, name, p.after.variables.byName))
		case v.Concealed() && p.o.Reveals != nil && !p.o.Reveals(t):
			p.wrongf(at, "the address of an alerter takes secret variables of those with the right %s only: %s", rinca.Reveal, shown(name))
		}
	}
}

// checkSource looks for the repo and the account that a source names.
func (p *planner) checkSource(at Where, s rinca.Source) {
	if s.Kind != rinca.SourceGit {
		return
	}
	if s.Linked != "" {
		if p.after.repos.byName[s.Linked] == nil {
			p.wrongf(at, "there is no repo %q%s", shown(s.Linked), nearIn(p, s.Linked, p.after.repos.byName))
		}
		return
	}
	var account *rinca.GitAccount
	if s.Account != "" && !p.state.Guess {
		i := slices.IndexFunc(p.state.Accounts, func(a rinca.GitAccount) bool { return a.Name == s.Account })
		if i < 0 {
			p.wrongf(at, "there is no Git account %q", shown(s.Account))
			p.try("rinca git account add %s --host HOST", shown(s.Account))
			return
		}
		account = &p.state.Accounts[i]
	}
	if err := git.Check(s, account); err != nil {
		p.fault(at, err)
	}
}

func (p *planner) checkSchedule(at Where, s rinca.Schedule) {
	if s.Text == "" {
		return
	}
	if _, err := schedule.Parse(s, time.UTC); err != nil {
		p.fault(at, err)
	}
}

func (p *planner) checkStacks() {
	projects := map[string]string{}
	for _, name := range p.stackNames() {
		s := p.after.stacks.byName[name]
		it := p.after.stacks.items[name]
		key := s.ServerName() + "\x00" + s.ProjectName()
		if other, ok := projects[key]; ok {
			at := p.whereStack(name)
			if at.File == "" {
				at = p.whereStack(other)
			}
			p.wrongf(at, "the stacks %s and %s have the same Compose project %q on the server %s", shown(other), shown(name), s.ProjectName(), s.ServerName())
			p.try("config.project_name")
		}
		projects[key] = name
		if it != nil {
			p.checkStack(it, s)
		}
	}
	p.checkAfterCycles()
}

func (p *planner) whereStack(name string) Where {
	if it := p.after.stacks.items[name]; it != nil {
		return it.At
	}
	return Where{}
}

func (p *planner) checkStack(it *Item[rinca.Stack], s *rinca.Stack) {
	if name := s.ServerName(); name != rinca.LocalServer && p.after.servers.byName[name] == nil && !p.state.Guess {
		p.wrongf(it.at("stack.config.server"), "there is no server %q%s", shown(name), nearIn(p, name, p.after.servers.byName))
		p.try("rinca server add %s --address ssh://user@host", shown(name))
	}
	p.checkSource(it.at("stack.config.git_account"), s.Source)
	for i, name := range s.After {
		if p.after.stacks.byName[name] == nil {
			p.wrongf(it.at(fmt.Sprintf("stack.after[%d]", i)), "the stack %s is to come after %q, and there is no such stack%s", shown(s.Name), shown(name), p.nearStack(name))
		}
	}
}

// checkAfterCycles finds stacks that wait for one another.
func (p *planner) checkAfterCycles() {
	cycle := findCycle(p.stackNames(), func(name string) []string {
		if s := p.after.stacks.byName[name]; s != nil {
			return s.After
		}
		return nil
	})
	if cycle != nil {
		p.wrongf(p.whereStack(cycle[0]), "stacks wait for one another: %s", strings.Join(cycle, " → "))
		p.try("remove one of them from after")
	}
}

// findCycle returns a path that ends where it begins, or nil.
func findCycle(names []string, next func(string) []string) []string {
	const (
		fresh = iota
		open
		done
	)
	state := map[string]int{}
	var path []string
	var visit func(string) []string
	visit = func(name string) []string {
		switch state[name] {
		case done:
			return nil
		case open:
			i := slices.Index(path, name)
			return append(slices.Clone(path[i:]), name)
		}
		state[name] = open
		path = append(path, name)
		for _, n := range next(name) {
			if c := visit(n); c != nil {
				return c
			}
		}
		path = path[:len(path)-1]
		state[name] = done
		return nil
	}
	for _, name := range names {
		if c := visit(name); c != nil {
			return c
		}
	}
	return nil
}

func (p *planner) checkProcedures() {
	for _, name := range ordered(p.after.procedures.items) {
		it, v := p.after.procedures.items[name], p.after.procedures.byName[name]
		p.checkSchedule(it.at("procedure.config.schedule"), v.Schedule)
		for i := range v.Stages {
			for j := range v.Stages[i].Executions {
				e := &v.Stages[i].Executions[j]
				path := fmt.Sprintf("procedure.config.stages[%d].executions[%d].execution", i, j)
				p.checkExecution(it, path, &e.Execution)
				if p.state.Check == nil {
					continue
				}
				if err := p.state.Check(v, i, j); err != nil {
					p.wrongf(it.at(path+".params"), "%s", err)
					if hint := rinca.HintOf(err); hint != "" {
						p.try("%s", hint)
					}
				}
			}
		}
	}
	cycle := findCycle(ordered(p.after.procedures.byName), func(name string) []string {
		if v := p.after.procedures.byName[name]; v != nil {
			return callsOf(v)
		}
		return nil
	})
	if cycle != nil {
		at := Where{}
		if it := p.after.procedures.items[cycle[0]]; it != nil {
			at = it.At
		}
		p.wrongf(at, "procedures run one another: %s", strings.Join(cycle, " → "))
		p.try("remove one of these executions")
	}
}

// namesIn are parameters that name resources.
type namesIn struct {
	Stack     string
	Stacks    []string
	Procedure string
	Sync      string
	Alerter   string
	Alerters  []string
}

// namesOf reads them; what is of another type names nothing.
func namesOf(e *rinca.Execution) (n namesIn) {
	var all map[string]json.RawMessage
	_ = json.Unmarshal(e.Params, &all)
	for key, into := range map[string]any{
		"stack": &n.Stack, "stacks": &n.Stacks, "procedure": &n.Procedure, "sync": &n.Sync, "alerter": &n.Alerter, "alerters": &n.Alerters,
	} {
		if json.Unmarshal(all[key], into) != nil {
			continue
		}
	}
	return n
}

// callsOf are the procedures that a procedure runs.
func callsOf(v *rinca.Procedure) []string {
	var out []string
	for i := range v.Stages {
		for j := range v.Stages[i].Executions {
			if e := &v.Stages[i].Executions[j].Execution; e.Kind == "RunProcedure" {
				if name := namesOf(e).Procedure; name != "" {
					out = append(out, name)
				}
			}
		}
	}
	return out
}

// checkExecution looks for the resources that an execution names. [[NAME]]
// stands for what is known when it runs.
func (p *planner) checkExecution(it *Item[rinca.Procedure], path string, e *rinca.Execution) {
	at := it.at(path + ".params")
	n := namesOf(e)
	if e.Kind != "ExportSecrets" { // it may be about a stack that is deployed elsewhere
		for _, name := range append(n.Stacks, n.Stack) {
			mustBe(p, at, e.Kind+": there is no stack", name, p.after.stacks.byName)
		}
	}
	mustBe(p, at, e.Kind+": there is no procedure", n.Procedure, p.after.procedures.byName)
	mustBe(p, at, e.Kind+": there is no resource sync", n.Sync, p.after.syncs.byName)
	for _, name := range append(n.Alerters, n.Alerter) {
		mustBe(p, at, e.Kind+": there is no alerter", name, p.after.alerters.byName)
	}
}

// mustBe looks for a resource that a parameter names.
func mustBe[T any](p *planner, at Where, missing, name string, all map[string]*T) {
	if name != "" && !strings.ContainsAny(name, "*?,\n") && !strings.Contains(name, "[[") && all[name] == nil {
		p.wrongf(at, "%s %q%s", missing, shown(name), nearIn(p, name, all))
	}
}

// checkRemoved finds what others that stay still name.
func (p *planner) checkRemoved() {
	if len(p.removals) == 0 {
		return
	}
	gone := map[rinca.Target]bool{}
	for i := range p.removals {
		gone[p.removals[i].Target] = true
	}
	for _, name := range p.stackNames() {
		s := p.after.stacks.byName[name]
		for _, a := range s.After {
			if gone[rinca.Target{Kind: rinca.KindStack, Name: a}] {
				p.wrongf(Where{}, "the stack %s would be deleted, and %s comes after it", a, name)
			}
		}
		if gone[rinca.Target{Kind: rinca.KindServer, Name: s.ServerName()}] {
			p.wrongf(Where{}, "the server %s would be deleted, and the stack %s is on it", s.ServerName(), name)
		}
		if gone[rinca.Target{Kind: rinca.KindRepo, Name: s.Source.Linked}] {
			p.wrongf(Where{}, "the repo %s would be deleted, and the stack %s uses it", s.Source.Linked, name)
		}
	}
}

// checkPaths finds webhooks that cannot be told apart.
func (p *planner) checkPaths() {
	seen := map[string]string{}
	look := func(kind rinca.Kind, name, path string, at Where) {
		if path == "" {
			return
		}
		if other, ok := seen[path]; ok {
			p.wrongf(at, "%s and %s %s have the same webhook_path", other, kind, shown(name))
		}
		seen[path] = string(kind) + " " + shown(name)
	}
	for _, name := range p.stackNames() {
		look(rinca.KindStack, name, p.after.stacks.byName[name].Webhook.Path, p.whereStack(name))
	}
	for _, name := range ordered(p.after.procedures.byName) {
		at := Where{}
		if it := p.after.procedures.items[name]; it != nil {
			at = it.at("procedure.config.webhook_path")
		}
		look(rinca.KindProcedure, name, p.after.procedures.byName[name].Webhook.Path, at)
	}
	for _, name := range ordered(p.after.syncs.byName) {
		at := Where{}
		if it := p.after.syncs.items[name]; it != nil {
			at = it.at("resource_sync.config.webhook_path")
		}
		look(rinca.KindSync, name, p.after.syncs.byName[name].Webhook.Path, at)
	}
}

// checkServer checks the form of a server.
func checkServer(s *rinca.Server) error {
	const hint = "unix:///var/run/docker.sock, ssh://user@host or tcp://host:2376"
	if !rinca.ValidStackName(s.Name) {
		return rinca.Errorf(rinca.Invalid, "%q is no name of a server", shown(s.Name)).Try("letters, digits and ._- , the first a letter or digit")
	}
	u, err := url.Parse(s.Address)
	if err != nil || s.Address == "" || strings.ContainsAny(s.Address, "\r\n\x00 ") {
		return rinca.Errorf(rinca.Invalid, "the address of the server %s is none", s.Name).Try(hint)
	}
	if _, has := u.User.Password(); has {
		return rinca.Errorf(rinca.Invalid, "the address of the server %s holds a password", s.Name).Try("rinca server set %s --ssh-key FILE", s.Name)
	}
	switch u.Scheme {
	case "unix":
		if u.Path != "" && u.Host == "" {
			return nil
		}
	case "ssh", "tcp":
		if u.Host != "" {
			return nil
		}
	}
	return rinca.Errorf(rinca.Invalid, "the address of the server %s is none", s.Name).Try(hint)
}
