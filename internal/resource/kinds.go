package resource

import (
	"fmt"
	"strings"

	"rinca/internal/auth"
	"rinca/internal/rinca"
	"rinca/internal/store"
)

// scopedVariables compares the variables of single stacks, which may be new.
func (p *planner) scopedVariables() {
	k := variableKind(p)
	all := &p.after.variables
	for i := range p.plan.Changes { // a stack that is renamed takes its variables along
		if c := &p.plan.Changes[i]; c.Target.Kind == rinca.KindStack && c.From != "" {
			p.moveVariables(c.From, c.Target.Name)
		}
	}
	for i := range p.set.Variables {
		it := &p.set.Variables[i]
		t := it.Value.Target()
		if it.Value.Stack == "" || !p.o.wants(t, nil) {
			continue
		}
		p.plan.made = append(p.plan.made, t)
		if _, ok := p.after.stacks.byName[it.Value.Stack]; !ok {
			p.wrongf(it.at("variable.stack"), "the variable %s is for the stack %q, and there is no such stack%s", shown(it.Value.Name), shown(it.Value.Stack), p.nearStack(it.Value.Stack))
			continue
		}
		compareItem(p, k, it, all)
	}
	for i := range p.removals {
		if c := &p.removals[i]; c.Target.Kind == rinca.KindStack {
			for name := range all.byName {
				if strings.HasPrefix(name, c.Target.Name+"/") {
					delete(all.byName, name)
				}
			}
		}
	}
}

func (p *planner) moveVariables(from, to string) {
	all := p.after.variables.byName
	for name, v := range all {
		if own, ok := strings.CutPrefix(name, from+"/"); ok {
			moved := *v
			moved.Stack = to
			delete(all, name)
			all[to+"/"+own] = &moved
		}
	}
}

func noHook[T any](*T, rinca.Secret) rinca.Secret { return rinca.Secret{} }

func onlyHook[T any](_ *T, hook rinca.Secret) rinca.Secret { return hook }

func noTags[T any](*T) []string { return nil }

func variableKind(p *planner) kindOf[rinca.Variable] {
	return kindOf[rinca.Variable]{
		kind:  rinca.KindVariable,
		name:  func(v *rinca.Variable) string { return v.Target().Name },
		named: func(v *rinca.Variable, name string) { v.Name = name },
		tags:  noTags[rinca.Variable],
		print: printVariable,
		later: func(v *rinca.Variable) bool { return v.Stack != "" },
		stays: func(v *rinca.Variable) bool { return v.Secret },
		keep: func(it *Item[rinca.Variable], v, old *rinca.Variable) bool {
			if v.Value.IsSet() || v.From != "" {
				return true
			}
			if old == nil {
				flag := ""
				if v.Secret {
					flag = " --secret"
				}
				if v.Stack != "" {
					flag += " --stack " + v.Stack
				}
				p.warn(it.At, "the variable %s has no value yet: rinca variable set %s%s", shown(v.Name), shown(v.Name), flag)
				return false
			}
			v.Value, v.From = old.Value, old.From
			v.Secret = v.Secret || old.Secret // a value that is not given does not become readable
			return true
		},
		secret: func(v *rinca.Variable, _ rinca.Secret) rinca.Secret {
			if v.Secret && v.From == "" {
				return v.Value
			}
			return rinca.Secret{}
		},
		check: func(v *rinca.Variable) error {
			switch {
			case !rinca.ValidVariableName(v.Name):
				return rinca.Errorf(rinca.Invalid, "%q cannot name a variable", shown(v.Name)).Try("letters, digits and '_', the first one no digit")
			case v.Stack != "" && !rinca.ValidStackName(v.Stack):
				return rinca.Errorf(rinca.Invalid, "%q cannot name a stack", shown(v.Stack))
			case v.Value.Len() > rinca.MaxVariable:
				return rinca.Errorf(rinca.Invalid, "the value of %s has more than %d bytes", v.Name, rinca.MaxVariable)
			}
			return nil
		},
		write: func(c *store.Change, v *rinca.Variable) { c.Variable = v },
	}
}

func groupKind() kindOf[rinca.UserGroup] {
	return kindOf[rinca.UserGroup]{
		kind:  store.KindGroup,
		name:  func(g *rinca.UserGroup) string { return g.Name },
		named: func(g *rinca.UserGroup, name string) { g.Name = name },
		tags:  noTags[rinca.UserGroup], print: printGroup, secret: noHook[rinca.UserGroup],
		keep:  func(*Item[rinca.UserGroup], *rinca.UserGroup, *rinca.UserGroup) bool { return true },
		check: func(g *rinca.UserGroup) error { return auth.CheckGroup(*g) },
		write: func(c *store.Change, g *rinca.UserGroup) { c.Group = g },
	}
}

func serverKind() kindOf[rinca.Server] {
	return kindOf[rinca.Server]{
		kind:  rinca.KindServer,
		name:  func(s *rinca.Server) string { return s.Name },
		named: func(s *rinca.Server, name string) { s.Name = name },
		tags:  noTags[rinca.Server], print: printServer, secret: noHook[rinca.Server],
		keep: func(it *Item[rinca.Server], s, old *rinca.Server) bool {
			if it.Bare && old != nil {
				name := s.Name
				*s = *old
				s.Name = name
			}
			return !it.Bare || old != nil // that of a Periphery makes no server
		},
		check: checkServer,
		write: func(c *store.Change, s *rinca.Server) { c.Server = s },
	}
}

func alerterKind() kindOf[rinca.Alerter] {
	return kindOf[rinca.Alerter]{
		kind:  rinca.KindAlerter,
		name:  func(a *rinca.Alerter) string { return a.Name },
		named: func(a *rinca.Alerter, name string) { a.Name = name },
		tags:  func(a *rinca.Alerter) []string { return a.Tags }, print: printAlerter,
		secret: func(a *rinca.Alerter, _ rinca.Secret) rinca.Secret { return a.URL },
		keep: func(it *Item[rinca.Alerter], a, old *rinca.Alerter) bool {
			if it.Bare && old != nil {
				now := *old
				now.Name, now.Description, now.Tags = a.Name, a.Description, a.Tags
				*a = now
			}
			return true
		},
		check: func(a *rinca.Alerter) error { return a.Check() },
		write: func(c *store.Change, a *rinca.Alerter) { c.Alerter = a },
	}
}

func repoKind() kindOf[rinca.Repo] {
	return kindOf[rinca.Repo]{
		kind:  rinca.KindRepo,
		name:  func(r *rinca.Repo) string { return r.Name },
		named: func(r *rinca.Repo, name string) { r.Name = name },
		tags:  func(r *rinca.Repo) []string { return r.Tags }, print: printRepo, secret: onlyHook[rinca.Repo],
		keep: func(it *Item[rinca.Repo], r, old *rinca.Repo) bool {
			if it.Bare && old != nil {
				now := *old
				now.Name, now.Description, now.Tags = r.Name, r.Description, r.Tags
				*r = now
			} else if it.Sourceless && old != nil {
				r.Source = old.Source
			}
			return true
		},
		check: func(r *rinca.Repo) error { return r.Check() },
		write: func(c *store.Change, r *rinca.Repo) { c.Repo = r },
	}
}

func stackKind(p *planner) kindOf[rinca.Stack] {
	return kindOf[rinca.Stack]{
		kind:  rinca.KindStack,
		name:  func(s *rinca.Stack) string { return s.Name },
		named: func(s *rinca.Stack, name string) { s.Name = name },
		tags:  func(s *rinca.Stack) []string { return s.Tags }, print: printStack, secret: onlyHook[rinca.Stack],
		keep:  p.keepStack,
		check: func(s *rinca.Stack) error { return s.Check() },
		write: func(c *store.Change, s *rinca.Stack) { c.Stack = s },
	}
}

// keepStack completes a stack. One that is renamed keeps its containers only
// with the project that it had.
func (p *planner) keepStack(it *Item[rinca.Stack], s, old *rinca.Stack) bool {
	s.After = p.supported(it, s.After)
	switch {
	case old == nil && it.Sourceless && p.state.Guess:
		p.warn(it.At, "the stack %s has no source here: it has to be on the server already", shown(s.Name))
	case old == nil && it.Sourceless:
		p.wrongf(it.At, "the stack %s is new, and has no source", shown(s.Name))
		p.try(`config.repo = "owner/name" and config.run_directory, config.files_on_host, or config.file_contents`)
		return false
	case it.Bare && old != nil:
		now := *old
		now.Name, now.Description, now.Tags, now.After, now.Deploy = s.Name, s.Description, s.Tags, s.After, s.Deploy
		*s = now
	case it.Sourceless && old != nil:
		s.Source = old.Source
	}
	if old != nil && old.Name != s.Name {
		if old.ProjectName() != s.ProjectName() {
			p.wrongf(it.At, "the stack %s is renamed from %s: with another Compose project, its containers would stay beside new ones", shown(s.Name), shown(old.Name))
			p.try("config.project_name = %q keeps them", old.ProjectName())
			return false
		}
		if len(s.Secrets.Stacks) == 0 && !s.Secrets.Skip {
			p.warn(it.At, "the stack %s was %s: its items are now those tagged stack:%s; secrets.stacks = [%q] keeps the ones before", shown(s.Name), shown(old.Name), shown(s.Name), old.Name)
		}
	}
	if s.Deploy {
		p.plan.Deploy = append(p.plan.Deploy, s.Name)
	}
	return true
}

// supported leaves out what only Komodo can deploy.
func (p *planner) supported(it *Item[rinca.Stack], after []string) []string {
	var out []string
	for i, name := range after {
		if p.set.Foreign[name] && !p.stacks[name] {
			p.warn(it.at(fmt.Sprintf("stack.after[%d]", i)), "after: %s is not supported, ignored", shown(name))
			continue
		}
		out = append(out, name)
	}
	return out
}

func syncKind() kindOf[rinca.ResourceSync] {
	return kindOf[rinca.ResourceSync]{
		kind:  rinca.KindSync,
		name:  func(s *rinca.ResourceSync) string { return s.Name },
		named: func(s *rinca.ResourceSync, name string) { s.Name = name },
		tags:  func(s *rinca.ResourceSync) []string { return s.Tags }, print: printSync, secret: onlyHook[rinca.ResourceSync],
		keep: func(it *Item[rinca.ResourceSync], s, old *rinca.ResourceSync) bool {
			if it.Bare && old != nil {
				now := *old
				now.Name, now.Description, now.Tags = s.Name, s.Description, s.Tags
				*s = now
			} else if it.Sourceless && old != nil {
				s.Source = old.Source
			}
			return true
		},
		check: func(s *rinca.ResourceSync) error { return s.Check() },
		write: func(c *store.Change, s *rinca.ResourceSync) { c.Sync = s },
	}
}

func procedureKind() kindOf[rinca.Procedure] {
	return kindOf[rinca.Procedure]{
		kind:  rinca.KindProcedure,
		name:  func(v *rinca.Procedure) string { return v.Name },
		named: func(v *rinca.Procedure, name string) { v.Name = name },
		tags:  func(v *rinca.Procedure) []string { return v.Tags }, print: printProcedure, secret: onlyHook[rinca.Procedure],
		keep: func(it *Item[rinca.Procedure], v, old *rinca.Procedure) bool {
			if it.Bare && old != nil {
				now := *old
				now.Name, now.Description, now.Tags = v.Name, v.Description, v.Tags
				*v = now
			}
			return true
		},
		check: func(v *rinca.Procedure) error { return v.Check() },
		write: func(c *store.Change, v *rinca.Procedure) { c.Procedure = v },
	}
}
