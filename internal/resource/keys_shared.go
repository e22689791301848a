package resource

import (
	"strings"

	"rinca/internal/rinca"
	"rinca/internal/tomltree"
)

// A meta is what every resource has beside its config.
type meta struct {
	name        string
	description string
	renamedFrom string
	tags        []string
	template    bool
	configured  bool // there is a key in config
	hook        rinca.Secret
}

func (m *meta) self() *meta { return m }

// A draft is a resource while it is read.
type draft[T any] interface {
	*T
	self() *meta
}

// metaKeys are the keys of a resource beside its config.
func metaKeys[T any, P draft[T]](config *table[T]) []key[T] {
	of := func(v *T) *meta { return P(v).self() }
	return append([]key[T]{
		textKey("name", "its name, and what others call it by", func(v *T) *string { return &of(v).name }),
		textKey("description", "for people", func(v *T) *string { return &of(v).description }),
		listKey("tags", "for patterns of stacks, and for match_tags of a resource sync", func(v *T) *[]string { return &of(v).tags }),
		{name: "template", form: "true or false", doc: "a resource that is only copied in Komodo: it is left out", read: func(r *reader, n *tomltree.Node, path string, v *T) {
			if of(v).template = r.flag(n, path); of(v).template {
				r.warn(n.Place, "templates are not supported, ignored")
			}
		}},
		{name: "config", form: "table", doc: "what it is; without any key in it, what is there stays as it is", nested: config, read: func(r *reader, n *tomltree.Node, path string, v *T) {
			of(v).configured = len(n.Entries) > 0
			config.read(r, n, path, v)
		}},
	}, renamedKey(func(v *T) *string { return &of(v).renamedFrom })...)
}

func renamedKey[T any](field func(*T) *string) []key[T] {
	return ours(textKey("renamed_from", "the name that it had: it is renamed, and not made anew", field))
}

// named reads one resource: it must have a name. It reports whether there is
// something to keep.
func named[T any, P draft[T]](r *reader, t *table[T], n *tomltree.Node, path string, v *T) bool {
	before := len(r.wrong) + r.more
	t.read(r, n, path, v)
	m := P(v).self()
	if n.Get("name") == nil {
		r.complain(n.Place, "the %s has no name", path)
	} else if m.name == "" && before == len(r.wrong)+r.more {
		r.complain(r.places[path+".name"], "%s.name is empty", path)
	}
	return !m.template && before == len(r.wrong)+r.more
}

// itemOf is what a draft becomes.
func itemOf[T any](r *reader, n *tomltree.Node, m *meta, value T) Item[T] {
	return Item[T]{
		Value: value, At: Where{r.file, n.Place}, RenamedFrom: m.renamedFrom, Tags: m.tags, Hook: m.hook,
		Bare: !m.configured, keys: r.places,
	}
}

// A gitDraft says where files come from, in Komodo's words.
type gitDraft struct {
	linked   string
	provider string
	plain    bool // http
	account  string
	repo     string
	branch   string
	commit   string
	tag      string
}

func gitKeys[T any](linked bool, of func(*T) *gitDraft) []key[T] {
	keys := []key[T]{
		textKey("git_provider", `host of the repository; "github.com" when it is not given`, func(v *T) *string { return &of(v).provider }),
		unlessKey("git_https", "false: by http, without TLS", func(v *T) *bool { return &of(v).plain }),
		textKey("git_account", "name of the Git account (rinca git account list)", func(v *T) *string { return &of(v).account }),
		textKey("repo", `"owner/name", or a URL: https://, ssh://, git@host:path or file://`, func(v *T) *string { return &of(v).repo }),
		textKey("branch", "of the repository; its own default when it is not given", func(v *T) *string { return &of(v).branch }),
		textKey("commit", "of the repository, in place of a branch", func(v *T) *string { return &of(v).commit }),
	}
	keys = append(keys, ours(textKey("git_tag", "of the repository, in place of a branch", func(v *T) *string { return &of(v).tag }))...)
	if linked {
		keys = append(keys, textKey("linked_repo", "name of a repo that repository, account and branch are taken from", func(v *T) *string { return &of(v).linked }))
	}
	return keys
}

// isURL reports whether a repo is one already, and no owner/name.
func isURL(repo string) bool {
	at, colon := strings.Index(repo, "@"), strings.Index(repo, ":")
	return strings.Contains(repo, "://") || at > 0 && colon > at
}

// into writes where the files come from; commit comes before tag, and tag
// before branch.
func (g *gitDraft) into(s *rinca.Source) {
	s.Kind = rinca.SourceGit
	if s.Linked = g.linked; g.linked != "" {
		return
	}
	s.Repo, s.Account = g.repo, g.account
	if !isURL(g.repo) && g.repo != "" {
		scheme, host := "https://", g.provider
		if g.plain {
			scheme = "http://"
		}
		if host == "" {
			host = "github.com"
		}
		s.Repo = scheme + host + "/" + strings.Trim(g.repo, "/")
	}
	switch {
	case g.commit != "":
		s.Commit = g.commit
	case g.tag != "":
		s.Tag = g.tag
	default:
		s.Branch = g.branch
	}
}

// webhookKeys say which deliveries start something.
func webhookKeys[T any](of func(*T) *rinca.Webhook, secret func(*T) *rinca.Secret) []key[T] {
	return append([]key[T]{
		unlessKey("webhook_enabled", "false: deliveries start nothing", func(v *T) *bool { return &of(v).Disabled }),
		secretKey("webhook_secret", "authenticates deliveries; without it, the secret that it has stays", secret),
	}, ours(
		textKey("webhook_path", `another name in the address of the listener: "export-secrets" for /listener/github/export-secrets`, func(v *T) *string { return &of(v).Path }),
		textKey("webhook_branch", `branch whose push starts it; "*" is any`, func(v *T) *string { return &of(v).Branch }),
		listKey("webhook_tags", "patterns of Git tags whose push starts it", func(v *T) *[]string { return &of(v).Tags }),
		listKey("webhook_paths", "patterns of files: a push that touches none of them starts nothing", func(v *T) *[]string { return &of(v).Paths }),
	)...)
}

// scheduleKeys say when something runs by itself.
func scheduleKeys[T any](own bool, of func(*T) *rinca.Schedule) []key[T] {
	keys := []key[T]{
		textKey("schedule", `when it runs by itself: "Every day at 02:00", or cron`, func(v *T) *string { return &of(v).Text }),
		oneOfKey("schedule_format", "how the schedule is written; found out when it is not given", []rinca.ScheduleFormat{rinca.English, rinca.Cron}, func(v *T) *rinca.ScheduleFormat { return &of(v).Format }),
		unlessKey("schedule_enabled", "false: it does not run by itself", func(v *T) *bool { return &of(v).Disabled }),
		textKey("schedule_timezone", `such as "Europe/Berlin"; the server's when it is not given`, func(v *T) *string { return &of(v).TimeZone }),
	}
	more := ours(
		oneOfKey("schedule_missed", "what becomes of runs that were due while the server was down: one run makes up for them, or none", []rinca.Missed{rinca.RunOnce, rinca.Skip}, func(v *T) *rinca.Missed { return &of(v).Missed }),
		durationKey("schedule_jitter", "each run is put off by up to so long", func(v *T) *rinca.Duration { return &of(v).Jitter }),
	)
	if own {
		keys = ours(keys...)
	}
	return append(keys, more...)
}
