package resource

import (
	"rinca/internal/rinca"
	"rinca/internal/tomltree"
)

// A schema is the tables of all kinds: what may be in a file.
type schema struct {
	top       *table[reader]
	variable  *table[variableDraft]
	group     *table[groupDraft]
	server    *table[serverDraft]
	alerter   *table[alerterDraft]
	repo      *table[repoDraft]
	stack     *table[stackDraft]
	sync      *table[syncDraft]
	procedure *table[procedureDraft]
}

func newSchema() *schema {
	s := &schema{
		variable: variableTable(), group: groupTable(), server: serverTable(), alerter: alerterTable(),
		repo: repoTable(), stack: stackTable(), sync: syncTable(), procedure: procedureTable(),
	}
	s.top = tableOf([]key[reader]{
		listOf("variable", "variables", "A name and a value that [[NAME]] stands for.", s.variable, (*reader).variable),
		listOf("user_group", "user_groups", "Gives rights to several users.", s.group, (*reader).group),
		listOf("server", "servers", "A Docker engine.", s.server, (*reader).server),
		listOf("alerter", "alerters", "Where alerts are sent.", s.alerter, (*reader).alerter),
		listOf("repo", "repos", "A Git repository that several stacks and syncs share.", s.repo, (*reader).repo),
		listOf("stack", "stacks", "Services that are deployed together from one source.", s.stack, (*reader).stack),
		listOf("resource_sync", "resource_syncs", "Makes resources what TOML files say.", s.sync, (*reader).resourceSync),
		listOf("procedure", "procedures", "Stages of executions.", s.procedure, (*reader).procedure),
	}, foreignTops())
	return s
}

// listOf is the list of one kind of resource, by both of its names.
func listOf(name, plural, doc string, t documented, read func(*reader, *tomltree.Node)) key[reader] {
	return key[reader]{name: name, aliases: []string{plural}, form: "list of tables", doc: doc, nested: t, read: func(r *reader, n *tomltree.Node, _ string, _ *reader) {
		r.each(n, name, func(item *tomltree.Node) { read(r, item) })
	}}
}

func foreignTops() []key[reader] {
	var out []key[reader]
	for _, names := range foreignKinds() {
		k := key[reader]{name: names[0], aliases: []string{names[1]}, read: func(r *reader, n *tomltree.Node, _ string, _ *reader) { r.foreign(n, names[0]) }}
		out = append(out, k)
	}
	return out
}

// duplicates finds resources of one kind and name.
func (r *reader) duplicates() {
	twice(r, "variable", r.set.Variables, func(v *rinca.Variable) string { return v.Target().Name })
	twice(r, "user_group", r.set.Groups, func(g *rinca.UserGroup) string { return g.Name })
	twice(r, "server", r.set.Servers, func(s *rinca.Server) string { return s.Name })
	twice(r, "alerter", r.set.Alerters, func(a *rinca.Alerter) string { return a.Name })
	twice(r, "repo", r.set.Repos, func(v *rinca.Repo) string { return v.Name })
	twice(r, "stack", r.set.Stacks, func(s *rinca.Stack) string { return s.Name })
	twice(r, "resource_sync", r.set.Syncs, func(s *rinca.ResourceSync) string { return s.Name })
	twice(r, "procedure", r.set.Procedures, func(p *rinca.Procedure) string { return p.Name })
}

func twice[T any](r *reader, kind string, items []Item[T], name func(*T) string) {
	first := make(map[string]Where, len(items))
	for i := range items {
		n := name(&items[i].Value)
		if at, ok := first[n]; ok {
			r.wrongf("%s: the %s %q is also in %s", items[i].At, kind, shown(n), at)
			continue
		}
		first[n] = items[i].At
	}
}
