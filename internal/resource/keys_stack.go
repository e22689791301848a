package resource

import (
	"path"
	"strings"

	"rinca/internal/rinca"
	"rinca/internal/tomltree"
)

// A stackDraft is a stack while it is read.
type stackDraft struct {
	meta
	stack        rinca.Stack
	git          gitDraft
	filesOnHost  bool
	runDirectory string
	filePaths    []string
	contents     *string
	files        []rinca.InlineFile
	envFilePath  string
}

func stackTable() *table[stackDraft] {
	config := tableOf(
		[]key[stackDraft]{
			textKey("server", "name of the server that it runs on", func(d *stackDraft) *string { return &d.stack.Server }).also("server_id"),
			listKey("links", "addresses for people", func(d *stackDraft) *[]string { return &d.stack.Links }),
			textKey("project_name", "the Compose project; the stack's name when it is not given", func(d *stackDraft) *string { return &d.stack.Project }),
			flagKey("auto_pull", "look for newer images at every deploy; missing ones are always fetched", func(d *stackDraft) *bool { return &d.stack.Pull }),
			flagKey("auto_update", "deploy newer images when GlobalAutoUpdate finds them", func(d *stackDraft) *bool { return &d.stack.AutoUpdate }),
		},
		gitKeys(true, func(d *stackDraft) *gitDraft { return &d.git }),
		webhookKeys(func(d *stackDraft) *rinca.Webhook { return &d.stack.Webhook }, func(d *stackDraft) *rinca.Secret { return &d.hook }),
		[]key[stackDraft]{
			flagKey("webhook_force_deploy", "a delivery deploys it even when nothing differs", func(d *stackDraft) *bool { return &d.stack.Webhook.Force }),
			flagKey("files_on_host", "the files are in run_directory, an absolute path on the host", func(d *stackDraft) *bool { return &d.filesOnHost }),
			textKey("run_directory", "the stack's folder", func(d *stackDraft) *string { return &d.runDirectory }),
			listKey("file_paths", "compose files in that folder; the usual names when it is not given", func(d *stackDraft) *[]string { return &d.filePaths }),
			{name: "file_contents", form: "text", doc: "the compose file itself, in place of a repository", read: func(r *reader, n *tomltree.Node, path string, d *stackDraft) {
				if text := r.text(n, path); text != "" {
					d.contents = &text
				}
			}},
			{name: "environment", form: "text", doc: "KEY = VALUE lines, with [[NAME]]: what ${KEY} in the compose files stands for", read: func(r *reader, n *tomltree.Node, path string, d *stackDraft) {
				d.stack.Environment = r.environment(n, path)
			}},
			textKey("env_file_path", "a file of the source that is read when there is no environment", func(d *stackDraft) *string { return &d.envFilePath }),
			{name: "additional_env_files", form: "list", doc: "files of the source that are read before the environment", read: func(r *reader, n *tomltree.Node, path string, d *stackDraft) {
				d.stack.EnvFiles = r.envFiles(n, path)
			}},
			hookKey("pre_deploy", "runs on the host before containers change", func(d *stackDraft) *rinca.Hook { return &d.stack.PreDeploy }),
			hookKey("post_deploy", "runs on the host after the stack was verified", func(d *stackDraft) *rinca.Hook { return &d.stack.PostDeploy }),
		},
		ours(
			tablesKey("files", "files that are kept with the stack, in place of a repository", tableOf([]key[rinca.InlineFile]{
				textKey("path", "relative to the stack's folder", func(f *rinca.InlineFile) *string { return &f.Path }),
				textKey("content", "the text of the file", func(f *rinca.InlineFile) *string { return &f.Content }),
			}), func(d *stackDraft, f rinca.InlineFile) { d.files = append(d.files, f) }),
			listKey("sparse", "other folders of the repository that are checked out too", func(d *stackDraft) *[]string { return &d.stack.Source.Sparse }),
			listKey("profiles", "Compose profiles", func(d *stackDraft) *[]string { return &d.stack.Profiles }),
			listKey("host_paths", "absolute paths on the host that compose files may read and mount", func(d *stackDraft) *[]string { return &d.stack.HostPaths }),
			tableKey("secrets", "how its items are exported before a deploy", secretsTable(), func(d *stackDraft) *rinca.Secrets { return &d.stack.Secrets }),
			tableKey("verify", "when a deploy is good", verifyTable(), func(d *stackDraft) *rinca.Verify { return &d.stack.Verify }),
			oneOfKey("on_busy", "what a deploy does while another one of the stack runs", []rinca.OnBusy{rinca.Wait, rinca.Refuse}, func(d *stackDraft) *rinca.OnBusy { return &d.stack.OnBusy }),
		),
		ignored[stackDraft]("swarm_id|swarm", "run_build", "poll_for_updates", "auto_update_all_services", "auto_update_skip_services",
			"destroy_before_deploy", "skip_secret_interp", "clone_path", "reclone", "config_files", "send_alerts", "registry_provider", "registry_account",
			"extra_args", "build_extra_args", "compose_cmd_wrapper", "compose_cmd_wrapper_include", "ignore_services"),
	)
	return tableOf(metaKeys(config), []key[stackDraft]{
		listKey("after", "stacks that must be verified first", func(d *stackDraft) *[]string { return &d.stack.After }),
		flagKey("deploy", "a sync deploys it when it, or anything that it uses, differs from what runs", func(d *stackDraft) *bool { return &d.stack.Deploy }),
	})
}

func secretsTable() *table[rinca.Secrets] {
	return tableOf([]key[rinca.Secrets]{
		flagKey("skip", "export nothing", func(s *rinca.Secrets) *bool { return &s.Skip }),
		textKey("vault", "name of the vault; the server's when it is not given", func(s *rinca.Secrets) *string { return &s.Vault }),
		listKey("stacks", "stacks whose items are exported; its own name when it is not given", func(s *rinca.Secrets) *[]string { return &s.Stacks }),
		flagKey("offline", "take the files as they are when the vault is out of reach", func(s *rinca.Secrets) *bool { return &s.Offline }),
	})
}

func verifyTable() *table[rinca.Verify] {
	return tableOf([]key[rinca.Verify]{
		flagKey("skip", "a deploy ends when containers have started", func(v *rinca.Verify) *bool { return &v.Skip }),
		durationKey("timeout", "in which it must be good; 2 minutes when it is not given", func(v *rinca.Verify) *rinca.Duration { return &v.Timeout }),
		durationKey("settle", "how long a service without a health check must stay up; 2 seconds when it is not given", func(v *rinca.Verify) *rinca.Duration { return &v.Settle }),
	})
}

// A hookDraft is a hook while it is read.
type hookDraft struct {
	rinca.Hook
	shell bool
}

func hookKey[T any](name, doc string, field func(*T) *rinca.Hook) key[T] {
	t := tableOf([]key[hookDraft]{
		textKey("path", "folder of the source that it runs in", func(h *hookDraft) *string { return &h.Path }),
		textKey("command", "shell command; [[NAME]] is a variable. Each line runs when those before it worked", func(h *hookDraft) *string { return &h.Command }),
		flagKey("shell_mode", "true: the command is one script, as it is", func(h *hookDraft) *bool { return &h.shell }),
	}, ours(durationKey("timeout", "that it may take; 10 minutes when it is not given", func(h *hookDraft) *rinca.Duration { return &h.Timeout })))
	return key[T]{name: name, form: "table", doc: doc, nested: t, read: func(r *reader, n *tomltree.Node, path string, into *T) {
		var h hookDraft
		t.read(r, n, path, &h)
		if !h.shell {
			h.Command = joined(h.Command)
		}
		*field(into) = h.Hook
	}}
}

// joined makes one command of lines, each of which runs when those before it
// worked; comments are left out, and a \ at the end of a line continues it.
func joined(command string) string {
	if !strings.ContainsAny(command, "\n#") {
		return strings.TrimSpace(command)
	}
	var parts []string
	open := false
	for line := range strings.SplitSeq(command, "\n") {
		line = strings.TrimSpace(line)
		if strings.HasPrefix(line, "#") || line == "" {
			continue
		}
		if i := strings.Index(line, " #"); i >= 0 {
			line = strings.TrimSpace(line[:i])
		}
		rest, continues := strings.CutSuffix(line, `\`)
		rest = strings.TrimSpace(rest)
		if open {
			parts[len(parts)-1] += " " + rest
		} else {
			parts = append(parts, rest)
		}
		open = continues
	}
	return strings.Join(parts, " && ")
}

// environment reads text, or a list of { variable, value }.
func (r *reader) environment(n *tomltree.Node, path string) string {
	if n.Kind != tomltree.Array {
		if n.Kind != tomltree.String {
			r.complain(n.Place, "%s is text with KEY = VALUE lines", path)
		}
		return n.Text
	}
	type pair struct{ variable, value string }
	t := tableOf([]key[pair]{
		textKey("variable", "", func(p *pair) *string { return &p.variable }),
		textKey("value", "", func(p *pair) *string { return &p.value }),
	})
	var b strings.Builder
	for _, item := range n.Items {
		var p pair
		t.read(r, item, path, &p)
		if strings.ContainsAny(p.variable+p.value, "\n\r") {
			r.complain(item.Place, "%s: a value has one line here", path)
		}
		b.WriteString(p.variable + " = " + p.value + "\n")
	}
	return b.String()
}

// envFiles reads a list of paths, or of { path, track }.
func (r *reader) envFiles(n *tomltree.Node, path string) []string {
	if n.Kind != tomltree.Array {
		return r.stringList(n, path)
	}
	type file struct {
		path  string
		track bool
	}
	t := tableOf([]key[file]{
		textKey("path", "", func(f *file) *string { return &f.path }),
		flagKey("track", "", func(f *file) *bool { return &f.track }),
	})
	var out []string
	for _, item := range n.Items {
		if item.Kind != tomltree.Table {
			out = append(out, r.text(item, path))
			continue
		}
		var f file
		t.read(r, item, path, &f)
		out = append(out, f.path)
	}
	return out
}

func (r *reader) stack(n *tomltree.Node) {
	var d stackDraft
	if !named(r, r.schema.stack, n, "stack", &d) {
		return
	}
	s := d.stack
	s.Name, s.Description, s.Tags = d.name, d.description, d.tags
	if d.envFilePath != "" && s.Environment == "" {
		s.EnvFiles = append(s.EnvFiles, d.envFilePath) // it is read last
	}
	found := d.source(&s.Source)
	it := itemOf(r, n, &d.meta, s)
	it.Sourceless = !found
	r.set.Stacks = append(r.set.Stacks, it)
}

// source says where the stack's files come from, in Komodo's order, and
// whether the file says so at all.
func (d *stackDraft) source(s *rinca.Source) bool {
	s.ComposeFiles = d.filePaths
	switch {
	case d.filesOnHost:
		s.Kind, s.Dir, s.Sparse = rinca.SourceHost, d.runDirectory, nil
	case d.git.linked != "" || d.git.repo != "":
		d.git.into(s)
		s.Path = strings.TrimPrefix(d.runDirectory, "./")
		if s.Path == "." {
			s.Path = ""
		}
	case d.contents != nil:
		s.Kind, s.Sparse = rinca.SourceInline, nil
		name := "compose.yaml"
		if len(d.filePaths) > 0 {
			name = path.Clean(d.filePaths[0])
			s.ComposeFiles = append([]string{name}, d.filePaths[1:]...)
		}
		s.Files = append([]rinca.InlineFile{{Path: name, Content: *d.contents}}, d.files...)
	case len(d.files) > 0:
		s.Kind, s.Sparse, s.Files = rinca.SourceInline, nil, d.files
	default:
		return false
	}
	return true
}
