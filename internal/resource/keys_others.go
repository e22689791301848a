package resource

import (
	"path"
	"slices"
	"strings"

	"rinca/internal/rinca"
	"rinca/internal/tomltree"
)

// A variableDraft is a variable while it is read.
type variableDraft struct {
	v           rinca.Variable
	renamedFrom string
}

func variableTable() *table[variableDraft] {
	return tableOf([]key[variableDraft]{
		textKey("name", "what [[NAME]] stands for", func(d *variableDraft) *string { return &d.v.Name }),
		textKey("description", "for people", func(d *variableDraft) *string { return &d.v.Description }),
		secretKey("value", "its value; without it, the value that it has stays. Anybody who reads the file reads it", func(d *variableDraft) *rinca.Secret { return &d.v.Value }),
		flagKey("is_secret", "the value is never shown", func(d *variableDraft) *bool { return &d.v.Secret }),
	}, ours(
		textKey("value_from", `a secret reference, "op://vault/item/field": the value is looked up when it is used`, func(d *variableDraft) *string { return &d.v.From }),
		textKey("stack", "the one stack that it is for; all of them when it is not given", func(d *variableDraft) *string { return &d.v.Stack }),
	), renamedKey(func(d *variableDraft) *string { return &d.renamedFrom }))
}

func (r *reader) variable(n *tomltree.Node) {
	var d variableDraft
	before := len(r.wrong) + r.more
	r.schema.variable.read(r, n, "variable", &d)
	if n.Get("name") == nil {
		r.complain(n.Place, "the variable has no name")
	}
	if d.v.From != "" && d.v.Value.IsSet() {
		r.complain(r.places["variable.value_from"], "value and value_from exclude each other")
	}
	if d.v.From != "" {
		if _, err := rinca.ParseSecretRef(d.v.From); err != nil {
			r.fault(r.places["variable.value_from"], err)
		}
	}
	if before != len(r.wrong)+r.more {
		return
	}
	r.set.Variables = append(r.set.Variables, Item[rinca.Variable]{Value: d.v, At: Where{r.file, n.Place}, RenamedFrom: d.renamedFrom, keys: r.places})
}

// A groupDraft is a group of users while it is read.
type groupDraft struct {
	g           rinca.UserGroup
	renamedFrom string
}

func groupTable() *table[groupDraft] {
	permission := tableOf([]key[rinca.Permission]{
		tableKey("target", "what it is about", tableOf([]key[rinca.Target]{
			{name: "type", form: "kind", doc: "kind of resource", read: func(r *reader, n *tomltree.Node, path string, t *rinca.Target) {
				t.Kind = rinca.Kind(r.text(n, path))
			}},
			textKey("id", `name of the resource, a pattern with * and ?, or a regular expression between two backslashes`, func(t *rinca.Target) *string { return &t.Name }),
		}), func(p *rinca.Permission) *rinca.Target { return &p.Target }),
		levelKey("level", func(p *rinca.Permission) *rinca.Level { return &p.Level }),
		specificKey(func(p *rinca.Permission) *[]string { return &p.Specific }),
	})
	grant := tableOf([]key[rinca.Grant]{
		levelKey("level", func(g *rinca.Grant) *rinca.Level { return &g.Level }),
		specificKey(func(g *rinca.Grant) *[]string { return &g.Specific }),
	})
	return tableOf([]key[groupDraft]{
		textKey("name", "its name", func(d *groupDraft) *string { return &d.g.Name }),
		flagKey("everyone", "everybody belongs to it", func(d *groupDraft) *bool { return &d.g.Everyone }),
		listKey("users", "names of its members", func(d *groupDraft) *[]string { return &d.g.Users }),
		{name: "all", form: "table", doc: `by kind of resource, a level: all.Stack = "Execute", or { level = "Read", specific = ["Reveal"] }`, nested: grant, read: func(r *reader, n *tomltree.Node, path string, d *groupDraft) {
			d.g.All = r.allGrants(n, path, grant)
		}},
		{name: "permissions", aliases: []string{"permission"}, form: "list of tables", doc: "levels on single resources", nested: permission, read: func(r *reader, n *tomltree.Node, path string, d *groupDraft) {
			d.g.Permissions = r.permissions(n, path, permission)
		}},
	}, ours(listKey("claims", "groups of the identity provider whose members belong to it", func(d *groupDraft) *[]string { return &d.g.Claims })),
		renamedKey(func(d *groupDraft) *string { return &d.renamedFrom }))
}

func levelKey[T any](name string, field func(*T) *rinca.Level) key[T] {
	return key[T]{name: name, form: "level", doc: "None, Read, Execute or Write", read: func(r *reader, n *tomltree.Node, path string, into *T) {
		*field(into) = r.level(n, path)
	}}
}

func (r *reader) level(n *tomltree.Node, path string) rinca.Level {
	text := r.text(n, path)
	if n.Kind != tomltree.String {
		return rinca.None
	}
	l, err := rinca.ParseLevel(text)
	if err != nil {
		r.complain(n.Place, "%s is None, Read, Execute or Write", path)
	}
	return l
}

// specificKey leaves out the extra rights that only Komodo has.
func specificKey[T any](field func(*T) *[]string) key[T] {
	return key[T]{name: "specific", form: "list", doc: "Reveal: to see secret values", read: func(r *reader, n *tomltree.Node, path string, into *T) {
		for i, s := range r.texts(n, path) {
			switch {
			case s == rinca.Reveal:
				*field(into) = append(*field(into), s)
			case slices.Contains([]string{"Terminal", "Attach", "Inspect", "Logs", "Processes"}, s):
				r.warn(n.Items[i].Place, "%s: %s is not supported, ignored", path, s)
			default:
				r.complain(n.Items[i].Place, "%s: there is no extra right %q%s", path, shown(s), near(s, []string{rinca.Reveal}))
			}
		}
	}}
}

func kindNames() []string {
	var out []string
	for _, k := range rinca.Kinds() {
		out = append(out, string(k))
	}
	return out
}

func (r *reader) allGrants(n *tomltree.Node, path string, grant *table[rinca.Grant]) map[rinca.Kind]rinca.Grant {
	if n.Kind != tomltree.Table {
		r.complain(n.Place, "%s is a table of kinds", path)
		return nil
	}
	out := map[rinca.Kind]rinca.Grant{}
	for _, e := range n.Entries {
		if !r.knownKind(e.Place, path, e.Key) {
			continue
		}
		var g rinca.Grant
		if at := path + "." + e.Key; e.Node.Kind == tomltree.Table {
			grant.read(r, e.Node, at, &g)
		} else {
			g.Level = r.level(e.Node, at)
		}
		if g.Level > rinca.None {
			out[rinca.Kind(e.Key)] = g
		}
	}
	return out
}

// knownKind reports whether a kind of resource is one of ours; others are
// told.
func (r *reader) knownKind(at tomltree.Place, path, name string) bool {
	switch {
	case slices.Contains(kindNames(), name):
		return true
	case slices.Contains(foreignTargets(), name):
		r.warn(at, "%s: %s is not supported, ignored", path, name)
	default:
		r.complain(at, "%s: %q is no kind of resource%s", path, shown(name), near(name, kindNames()))
	}
	return false
}

func (r *reader) permissions(n *tomltree.Node, path string, t *table[rinca.Permission]) []rinca.Permission {
	if n.Kind != tomltree.Array {
		r.complain(n.Place, "%s is a list of tables", path)
		return nil
	}
	var out []rinca.Permission
	for _, item := range n.Items {
		var p rinca.Permission
		before := len(r.wrong) + r.more
		t.read(r, item, path, &p)
		if before != len(r.wrong)+r.more {
			continue
		}
		if !r.knownKind(item.Place, path, string(p.Target.Kind)) || p.Level == rinca.None {
			continue
		}
		if err := rinca.CheckPattern(p.Target.Name); err != nil {
			r.fault(item.Place, err)
			continue
		}
		out = append(out, p)
	}
	return out
}

func (r *reader) group(n *tomltree.Node) {
	var d groupDraft
	before := len(r.wrong) + r.more
	r.schema.group.read(r, n, "user_group", &d)
	if n.Get("name") == nil {
		r.complain(n.Place, "the user_group has no name")
	}
	if before != len(r.wrong)+r.more {
		return
	}
	r.set.Groups = append(r.set.Groups, Item[rinca.UserGroup]{Value: d.g, At: Where{r.file, n.Place}, RenamedFrom: d.renamedFrom, keys: r.places})
}

// A serverDraft is a server while it is read.
type serverDraft struct {
	meta
	server rinca.Server
}

func serverTable() *table[serverDraft] {
	return tableOf(metaKeys(tableOf([]key[serverDraft]{
		textKey("address", "of the engine: unix:///path, ssh://user@host or tcp://host:2376. That of a Komodo Periphery is ignored", func(d *serverDraft) *string { return &d.server.Address }),
	}, ours(
		textKey("ca", "PEM text that the engine's certificate is checked against", func(d *serverDraft) *string { return &d.server.CA }),
		textKey("cert", "PEM text of our certificate; its key is set with rinca server set", func(d *serverDraft) *string { return &d.server.Cert }),
		textKey("known_hosts", "lines as in ~/.ssh/known_hosts", func(d *serverDraft) *string { return &d.server.KnownHosts }),
	), ignored[serverDraft]("insecure_tls", "external_address", "region", "enabled", "auto_rotate_keys", "passkey", "ignore_mounts", "auto_prune", "links",
		"stats_monitoring", "send_unreachable_alerts", "send_cpu_alerts", "send_mem_alerts", "send_disk_alerts", "send_version_mismatch_alerts",
		"cpu_warning", "cpu_critical", "mem_warning", "mem_critical", "disk_warning", "disk_critical", "maintenance_windows"))))
}

func (r *reader) server(n *tomltree.Node) {
	var d serverDraft
	if !named(r, r.schema.server, n, "server", &d) {
		return
	}
	d.server.Name = d.name
	if a := d.server.Address; strings.HasPrefix(a, "http://") || strings.HasPrefix(a, "https://") || strings.HasPrefix(a, "ws") || a == "" {
		if a != "" {
			r.warn(r.places["server.config.address"], "the address of a Komodo Periphery is not supported, ignored; set that of its engine: rinca server set %s --address ssh://user@host", shown(d.name))
		}
		d.configured = false
	}
	r.set.Servers = append(r.set.Servers, itemOf(r, n, &d.meta, d.server))
}

// A repoDraft is a repo while it is read.
type repoDraft struct {
	meta
	repo rinca.Repo
	git  gitDraft
}

func repoTable() *table[repoDraft] {
	return tableOf(metaKeys(tableOf(
		gitKeys(false, func(d *repoDraft) *gitDraft { return &d.git }),
		webhookKeys(func(d *repoDraft) *rinca.Webhook { return &d.repo.Webhook }, func(d *repoDraft) *rinca.Secret { return &d.hook }),
		ignored[repoDraft]("server|server_id", "builder|builder_id", "path", "on_clone", "on_pull", "links", "environment", "env_file_path", "skip_secret_interp"),
	)))
}

func (r *reader) repo(n *tomltree.Node) {
	var d repoDraft
	if !named(r, r.schema.repo, n, "repo", &d) {
		return
	}
	d.repo.Name, d.repo.Description, d.repo.Tags = d.name, d.description, d.tags
	d.git.into(&d.repo.Source)
	it := itemOf(r, n, &d.meta, d.repo)
	it.Sourceless = d.git.repo == ""
	r.set.Repos = append(r.set.Repos, it)
}

// A syncDraft is a resource sync while it is read.
type syncDraft struct {
	meta
	sync        rinca.ResourceSync
	git         gitDraft
	filesOnHost bool
	contents    *string
	managed     bool
}

func syncTable() *table[syncDraft] {
	return tableOf(metaKeys(tableOf(
		gitKeys(true, func(d *syncDraft) *gitDraft { return &d.git }),
		webhookKeys(func(d *syncDraft) *rinca.Webhook { return &d.sync.Webhook }, func(d *syncDraft) *rinca.Secret { return &d.hook }),
		[]key[syncDraft]{
			flagKey("files_on_host", "the files are on the host", func(d *syncDraft) *bool { return &d.filesOnHost }),
			listKey("resource_path", "files and folders of the source; all of it when it is not given", func(d *syncDraft) *[]string { return &d.sync.Paths }),
			{name: "file_contents", form: "text", doc: "the TOML itself, in place of a repository", read: func(r *reader, n *tomltree.Node, path string, d *syncDraft) {
				if text := r.text(n, path); text != "" {
					d.contents = &text
				}
			}},
			flagKey("delete", "remove what matches match_tags, or what this sync has made, and is in no file", func(d *syncDraft) *bool { return &d.sync.Delete }),
			{name: "managed", form: "true or false", doc: "the same as delete; nothing is written back to the repository", read: func(r *reader, n *tomltree.Node, path string, d *syncDraft) {
				if d.managed = r.flag(n, path); d.managed {
					r.warn(n.Place, "%s: nothing is written back to the source; it is the same as delete", path)
				}
			}},
			listKey("match_tags", "only resources that have all of these tags", func(d *syncDraft) *[]string { return &d.sync.MatchTags }),
			unlessKey("include_resources", "false: only variables and user groups", func(d *syncDraft) *bool { return &d.sync.SkipResources }),
			flagKey("include_variables", "variables too", func(d *syncDraft) *bool { return &d.sync.IncludeVariables }),
			flagKey("include_user_groups", "user groups too", func(d *syncDraft) *bool { return &d.sync.IncludeGroups }),
		},
		ours(textKey("directory", "absolute path of the folder on the host, with files_on_host", func(d *syncDraft) *string { return &d.sync.Source.Dir })),
		scheduleKeys(true, func(d *syncDraft) *rinca.Schedule { return &d.sync.Schedule }),
		ignored[syncDraft]("pending_alert"),
	)))
}

func (r *reader) resourceSync(n *tomltree.Node) {
	var d syncDraft
	if !named(r, r.schema.sync, n, "resource_sync", &d) {
		return
	}
	s := d.sync
	s.Name, s.Description, s.Tags = d.name, d.description, d.tags
	s.Delete = s.Delete || d.managed
	sourceless := false
	switch dir := s.Source.Dir; {
	case d.filesOnHost:
		s.Source = rinca.Source{Kind: rinca.SourceHost, Dir: dir}
		r.hostPaths(&s)
	case d.git.linked != "" || d.git.repo != "":
		s.Source = rinca.Source{}
		d.git.into(&s.Source)
	case d.contents != nil:
		s.Source = rinca.Source{Kind: rinca.SourceInline, Files: []rinca.InlineFile{{Path: "resources.toml", Content: *d.contents}}}
	default:
		s.Source, sourceless = rinca.Source{}, true
	}
	it := itemOf(r, n, &d.meta, s)
	it.Sourceless = sourceless
	r.set.Syncs = append(r.set.Syncs, it)
}

// hostPaths finds the folder of absolute paths.
func (r *reader) hostPaths(s *rinca.ResourceSync) {
	if s.Source.Dir != "" {
		return
	}
	if len(s.Paths) == 1 && path.IsAbs(s.Paths[0]) {
		p := path.Clean(s.Paths[0])
		if s.Source.Dir, s.Paths = p, nil; strings.HasSuffix(p, ".toml") {
			s.Source.Dir, s.Paths = path.Dir(p), []string{path.Base(p)}
		}
		return
	}
	r.complain(r.places["resource_sync.config.files_on_host"], "resource_sync.config.directory is missing: the absolute path of the folder on the host")
}

// An alerterDraft is an alerter while it is read.
type alerterDraft struct {
	meta
	alerter rinca.Alerter
}

func alerterTable() *table[alerterDraft] {
	endpoint := tableOf([]key[rinca.Alerter]{
		textKey("type", "Custom, Slack, Discord, Ntfy, Gotify, Pushover, SMTP or Shoutrrr", func(a *rinca.Alerter) *string { return &a.Kind }),
		tableKey("params", "of the endpoint", tableOf([]key[rinca.Alerter]{
			secretKey("url", "where to; without it, the address that it has stays", func(a *rinca.Alerter) *rinca.Secret { return &a.URL }),
			textKey("email", "of Ntfy", func(a *rinca.Alerter) *string { return &a.Email }),
		}), func(a *rinca.Alerter) *rinca.Alerter { return a }),
	})
	targets := tableOf([]key[rinca.Target]{
		{name: "type", form: "kind", doc: "kind of resource", read: func(r *reader, n *tomltree.Node, path string, t *rinca.Target) {
			if name := r.text(n, path); n.Kind == tomltree.String && (name == string(rinca.KindSystem) || r.knownKind(n.Place, path, name)) {
				t.Kind = rinca.Kind(name)
			}
		}},
		textKey("id", "name or pattern", func(t *rinca.Target) *string { return &t.Name }),
	})
	add := func(list func(*alerterDraft) *[]rinca.Target) func(*alerterDraft, rinca.Target) {
		return func(d *alerterDraft, t rinca.Target) {
			if t.Kind != "" {
				*list(d) = append(*list(d), t)
			}
		}
	}
	return tableOf(metaKeys(tableOf([]key[alerterDraft]{
		unlessKey("enabled", "false: nothing is sent", func(d *alerterDraft) *bool { return &d.alerter.Disabled }),
		tableKey("endpoint", "where alerts are sent", endpoint, func(d *alerterDraft) *rinca.Alerter { return &d.alerter }),
		{name: "alert_types", form: "list", doc: "types that are sent; all when it is not given", read: func(r *reader, n *tomltree.Node, path string, d *alerterDraft) {
			d.alerter.Types = r.alertTypes(n, path, &d.alerter)
		}},
		tablesKey("resources", "what alerts are about; anything when it is not given", targets, add(func(d *alerterDraft) *[]rinca.Target { return &d.alerter.Resources })),
		tablesKey("except_resources", "what alerts are left out", targets, add(func(d *alerterDraft) *[]rinca.Target { return &d.alerter.Except })),
	}, ours(key[alerterDraft]{name: "levels", form: "list", doc: "OK, WARNING, CRITICAL; all when it is not given", read: func(r *reader, n *tomltree.Node, path string, d *alerterDraft) {
		for _, text := range r.stringList(n, path) {
			level := rinca.AlertLevel(text)
			if !slices.Contains([]rinca.AlertLevel{rinca.AlertOK, rinca.AlertWarning, rinca.AlertCritical}, level) {
				r.complain(n.Place, "%s are OK, WARNING and CRITICAL", path)
				return
			}
			d.alerter.Levels = append(d.alerter.Levels, level)
		}
	}}), ignored[alerterDraft]("maintenance_windows"))))
}

// alertTypes reads types of alerts. An alerter whose types only Komodo has
// sends nothing, and not everything.
func (r *reader) alertTypes(n *tomltree.Node, path string, a *rinca.Alerter) []string {
	var out []string
	given := r.stringList(n, path)
	for _, name := range given {
		switch {
		case slices.Contains(rinca.AlertTypes(), name):
			out = append(out, name)
		case slices.Contains(foreignAlerts(), name):
			r.warn(n.Place, "%s: %s is not supported, ignored", path, name)
		default:
			r.complain(n.Place, "%s: there is no type of alert %q%s", path, shown(name), near(name, rinca.AlertTypes()))
		}
	}
	if len(given) > 0 && len(out) == 0 {
		a.Disabled = true
		r.warn(n.Place, "%s: none of them is supported; the alerter is disabled", path)
	}
	return out
}

func (r *reader) alerter(n *tomltree.Node) {
	var d alerterDraft
	if !named(r, r.schema.alerter, n, "alerter", &d) {
		return
	}
	d.alerter.Name, d.alerter.Description, d.alerter.Tags = d.name, d.description, d.tags
	r.set.Alerters = append(r.set.Alerters, itemOf(r, n, &d.meta, d.alerter))
}
