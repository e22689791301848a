package resource

import (
	"bytes"
	"encoding/json"
	"fmt"
	"path"
	"slices"
	"strings"
	"time"

	"rinca/internal/rinca"
)

// A printer writes resources as TOML, in Komodo's form. What it writes is read
// again as the same.
type printer struct {
	strings.Builder
	// secret is what a secret of the resource is written as; "" leaves it out.
	secret string
	hide   bool // values of variables are not written
}

// head begins a resource.
func (p *printer) head(kind string) { fmt.Fprintf(p, "[[%s]]\n", kind) }

// table begins a table of a resource.
func (p *printer) table(path string) { fmt.Fprintf(p, "[%s]\n", path) }

func (p *printer) raw(key, value string) { fmt.Fprintf(p, "%s = %s\n", key, value) }

func (p *printer) text(key, value string) {
	if value != "" {
		p.raw(key, quoted(value, true))
	}
}

func (p *printer) flag(key string, value bool) {
	if value {
		p.raw(key, "true")
	}
}

// unless writes a flag whose field means the opposite.
func (p *printer) unless(key string, value bool) {
	if value {
		p.raw(key, "false")
	}
}

func (p *printer) list(key string, values []string) {
	if len(values) == 0 {
		return
	}
	p.raw(key, inline(values))
}

// inline writes a list in one line, or with a line for each entry when that
// is long.
func inline(values []string) string {
	parts := make([]string, len(values))
	long := 0
	for i, v := range values {
		parts[i] = quoted(v, false)
		long += len(parts[i]) + 2
	}
	if long > 100 {
		return "[\n  " + strings.Join(parts, ",\n  ") + ",\n]"
	}
	return "[" + strings.Join(parts, ", ") + "]"
}

func (p *printer) duration(key string, d rinca.Duration) {
	if d != 0 {
		p.raw(key, quoted(time.Duration(d).String(), false))
	}
}

func (p *printer) number(key string, n int) {
	if n != 0 {
		p.raw(key, fmt.Sprint(n))
	}
}

// quoted writes a text. One of several lines is written as it is between """,
// where backslashes are just that, if it can be.
func quoted(s string, tall bool) string {
	s = strings.ToValidUTF8(s, "\ufffd")
	if tall && strings.Contains(s, "\n") && !strings.Contains(s, `"""`) && !strings.HasSuffix(s, `"`) &&
		strings.IndexFunc(s, func(r rune) bool { return r < ' ' && r != '\n' && r != '\t' || r == 0x7f }) < 0 {
		return "\"\"\"\n" + s + `"""`
	}
	var b strings.Builder
	b.WriteByte('"')
	for _, r := range s {
		switch {
		case r == '"' || r == '\\':
			b.WriteByte('\\')
			b.WriteRune(r)
		case r == '\n':
			b.WriteString(`\n`)
		case r == '\r':
			b.WriteString(`\r`)
		case r == '\t':
			b.WriteString(`\t`)
		case r < ' ' || r == 0x7f:
			fmt.Fprintf(&b, `\u%04x`, r)
		default:
			b.WriteRune(r)
		}
	}
	b.WriteByte('"')
	return b.String()
}

// bare writes a key.
func bareKey(k string) string {
	if k != "" && strings.IndexFunc(k, func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && r != '_' && r != '-'
	}) < 0 {
		return k
	}
	return quoted(k, false)
}

func (p *printer) meta(name, description string, tags []string) {
	p.raw("name", quoted(name, false))
	p.text("description", description)
	p.list("tags", tags)
}

func (p *printer) webhook(w rinca.Webhook) {
	p.unless("webhook_enabled", w.Disabled)
	p.hook()
	p.text("webhook_path", w.Path)
	p.text("webhook_branch", w.Branch)
	p.list("webhook_tags", w.Tags)
	p.list("webhook_paths", w.Paths)
}

// hook writes that there is a secret.
func (p *printer) hook() {
	if p.secret != "" {
		p.raw("webhook_secret", p.secret)
	}
}

func (p *printer) schedule(s rinca.Schedule) {
	p.text("schedule", s.Text)
	p.text("schedule_format", string(s.Format))
	p.unless("schedule_enabled", s.Disabled)
	p.text("schedule_timezone", s.TimeZone)
	p.text("schedule_missed", string(s.Missed))
	p.duration("schedule_jitter", s.Jitter)
}

func (p *printer) git(s rinca.Source) {
	p.text("linked_repo", s.Linked)
	p.text("repo", s.Repo)
	p.text("git_account", s.Account)
	p.text("branch", s.Branch)
	p.text("commit", s.Commit)
	p.text("git_tag", s.Tag)
}

func printVariable(p *printer, v *rinca.Variable) {
	p.head("variable")
	p.raw("name", quoted(v.Name, false))
	p.text("stack", v.Stack)
	p.text("description", v.Description)
	switch {
	case v.From != "":
		p.text("value_from", v.From)
	case v.Secret && p.secret != "":
		p.raw("value", p.secret)
	case p.hide && v.Value.IsSet():
		p.raw("value", masked)
	case !v.Secret && v.Value.IsSet():
		p.raw("value", quoted(v.Value.Reveal(), true))
	}
	p.flag("is_secret", v.Secret)
}

func printGroup(p *printer, g *rinca.UserGroup) {
	p.head("user_group")
	p.raw("name", quoted(g.Name, false))
	p.flag("everyone", g.Everyone)
	p.list("users", slices.Compact(slices.Sorted(slices.Values(g.Users))))
	p.list("claims", g.Claims)
	for _, k := range rinca.Kinds() {
		if grant, ok := g.All[k]; ok && grant.Level > rinca.None {
			p.raw("all."+string(k), printGrant(grant))
		}
	}
	var list []string
	for _, perm := range g.Permissions {
		if perm.Level == rinca.None {
			continue
		}
		text := fmt.Sprintf("  { target.type = %s, target.id = %s, level = %s", quoted(string(perm.Target.Kind), false), quoted(perm.Target.Name, false), quoted(perm.Level.String(), false))
		if len(perm.Specific) > 0 {
			text += ", specific = " + inline(perm.Specific)
		}
		list = append(list, text+" },\n")
	}
	if len(list) > 0 {
		p.raw("permissions", "[\n"+strings.Join(list, "")+"]")
	}
}

func printGrant(g rinca.Grant) string {
	if len(g.Specific) == 0 {
		return quoted(g.Level.String(), false)
	}
	return fmt.Sprintf("{ level = %s, specific = %s }", quoted(g.Level.String(), false), inline(g.Specific))
}

func printServer(p *printer, s *rinca.Server) {
	p.head("server")
	p.raw("name", quoted(s.Name, false))
	p.table("server.config")
	p.raw("address", quoted(s.Address, false))
	p.text("ca", s.CA)
	p.text("cert", s.Cert)
	p.text("known_hosts", s.KnownHosts)
}

func printAlerter(p *printer, a *rinca.Alerter) {
	p.head("alerter")
	p.meta(a.Name, a.Description, a.Tags)
	p.table("alerter.config")
	p.raw("enabled", fmt.Sprint(!a.Disabled))
	p.text("endpoint.type", a.Kind)
	if p.secret != "" {
		p.raw("endpoint.params.url", p.secret)
	}
	p.text("endpoint.params.email", a.Email)
	p.list("alert_types", a.Types)
	var levels []string
	for _, l := range a.Levels {
		levels = append(levels, string(l))
	}
	p.list("levels", levels)
	p.targets("resources", a.Resources)
	p.targets("except_resources", a.Except)
}

func (p *printer) targets(key string, list []rinca.Target) {
	var parts []string
	for _, t := range list {
		parts = append(parts, fmt.Sprintf("  { type = %s, id = %s },\n", quoted(string(t.Kind), false), quoted(t.Name, false)))
	}
	if len(parts) > 0 {
		p.raw(key, "[\n"+strings.Join(parts, "")+"]")
	}
}

func printRepo(p *printer, r *rinca.Repo) {
	p.head("repo")
	p.meta(r.Name, r.Description, r.Tags)
	p.table("repo.config")
	p.git(r.Source)
	p.webhook(r.Webhook)
}

func printStack(p *printer, s *rinca.Stack) {
	p.head("stack")
	p.meta(s.Name, s.Description, s.Tags)
	p.list("after", s.After)
	p.flag("deploy", s.Deploy)
	p.table("stack.config")
	p.text("server", s.Server)
	p.text("project_name", s.Project)
	p.list("links", s.Links)
	p.source(s.Source)
	p.flag("auto_pull", s.Pull)
	p.flag("auto_update", s.AutoUpdate)
	p.list("profiles", s.Profiles)
	p.list("host_paths", s.HostPaths)
	p.text("on_busy", string(s.OnBusy))
	p.webhook(s.Webhook)
	p.flag("webhook_force_deploy", s.Webhook.Force) // nothing else is deployed
	p.hookOf("pre_deploy", s.PreDeploy)
	p.hookOf("post_deploy", s.PostDeploy)
	p.list("additional_env_files", s.EnvFiles)
	p.flag("secrets.skip", s.Secrets.Skip)
	p.text("secrets.vault", s.Secrets.Vault)
	p.list("secrets.stacks", s.Secrets.Stacks)
	p.flag("secrets.offline", s.Secrets.Offline)
	p.flag("verify.skip", s.Verify.Skip)
	p.duration("verify.timeout", s.Verify.Timeout)
	p.duration("verify.settle", s.Verify.Settle)
	p.text("environment", s.Environment)
}

// source writes where a stack's files come from.
func (p *printer) source(s rinca.Source) {
	switch s.Kind {
	case rinca.SourceHost:
		p.flag("files_on_host", true)
		p.raw("run_directory", quoted(s.Dir, false))
		p.list("file_paths", s.ComposeFiles)
	case rinca.SourceInline:
		if len(s.Files) == 1 && s.Files[0].Content != "" && oneFile(s) {
			p.list("file_paths", s.ComposeFiles)
			p.text("file_contents", s.Files[0].Content)
			return
		}
		p.list("file_paths", s.ComposeFiles)
		var parts []string
		for _, f := range s.Files {
			parts = append(parts, fmt.Sprintf("  { path = %s, content = %s },\n", quoted(f.Path, false), quoted(f.Content, true)))
		}
		p.raw("files", "[\n"+strings.Join(parts, "")+"]")
	default:
		p.git(s)
		p.text("run_directory", s.Path)
		p.list("sparse", s.Sparse)
		p.list("file_paths", s.ComposeFiles)
	}
}

// oneFile reports whether the one file is the one that file_contents means.
func oneFile(s rinca.Source) bool {
	if len(s.ComposeFiles) == 0 {
		return s.Files[0].Path == "compose.yaml"
	}
	return s.ComposeFiles[0] == s.Files[0].Path && path.Clean(s.Files[0].Path) == s.Files[0].Path
}

func (p *printer) hookOf(key string, h rinca.Hook) {
	var parts []string
	if h.Path != "" {
		parts = append(parts, "path = "+quoted(h.Path, false))
	}
	if h.Command != "" {
		parts = append(parts, "command = "+quoted(h.Command, true))
	}
	if joined(h.Command) != h.Command {
		parts = append(parts, "shell_mode = true")
	}
	if h.Timeout != 0 {
		parts = append(parts, "timeout = "+quoted(time.Duration(h.Timeout).String(), false))
	}
	if len(parts) > 0 {
		p.raw(key, "{ "+strings.Join(parts, ", ")+" }")
	}
}

func printSync(p *printer, s *rinca.ResourceSync) {
	p.head("resource_sync")
	p.meta(s.Name, s.Description, s.Tags)
	p.table("resource_sync.config")
	switch s.Source.Kind {
	case rinca.SourceHost:
		p.flag("files_on_host", true)
		p.raw("directory", quoted(s.Source.Dir, false))
	case rinca.SourceInline:
		var all []string
		for _, f := range s.Source.Files {
			all = append(all, f.Content)
		}
		p.text("file_contents", strings.Join(all, "\n"))
	default:
		p.git(s.Source)
	}
	p.list("resource_path", s.Paths)
	p.flag("delete", s.Delete)
	p.list("match_tags", s.MatchTags)
	p.unless("include_resources", s.SkipResources)
	p.flag("include_variables", s.IncludeVariables)
	p.flag("include_user_groups", s.IncludeGroups)
	p.schedule(s.Schedule)
	p.webhook(s.Webhook)
}

func printProcedure(p *printer, v *rinca.Procedure) {
	p.head("procedure")
	p.meta(v.Name, v.Description, v.Tags)
	p.table("procedure.config")
	p.schedule(v.Schedule)
	p.flag("schedule_alert", v.ScheduleAlert)
	p.unless("failure_alert", v.QuietFailure)
	p.webhook(v.Webhook)
	p.duration("timeout", v.Timeout)
	if len(v.Parameters) > 0 {
		var parts []string
		for _, x := range v.Parameters {
			text := "  { name = " + quoted(x.Name, false)
			if x.Description != "" {
				text += ", description = " + quoted(x.Description, false)
			}
			if x.Default != "" {
				text += ", default = " + quoted(x.Default, false)
			}
			if x.Required {
				text += ", required = true"
			}
			parts = append(parts, text+" },\n")
		}
		p.raw("parameters", "[\n"+strings.Join(parts, "")+"]")
	}
	if len(v.Stages) == 0 {
		p.raw("stages", "[]")
	}
	for _, s := range v.Stages {
		p.stage(s)
	}
}

func (p *printer) stage(s rinca.ProcedureStage) {
	p.WriteString("\n[[procedure.config.stage]]\n")
	p.raw("name", quoted(s.Name, false))
	p.unless("enabled", s.Disabled)
	p.text("on_failure", string(s.OnFailure))
	p.duration("timeout", s.Timeout)
	p.number("at_once", s.AtOnce)
	if len(s.Executions) == 0 {
		return
	}
	p.WriteString("executions = [\n")
	for _, e := range s.Executions {
		p.WriteString("  { execution.type = " + quoted(e.Execution.Kind, false))
		p.params(e.Execution.Params)
		fmt.Fprintf(p, ", enabled = %t", !e.Disabled)
		if e.Timeout != 0 {
			p.WriteString(", timeout = " + quoted(time.Duration(e.Timeout).String(), false))
		}
		if e.Retries != 0 {
			fmt.Fprintf(p, ", retries = %d", e.Retries)
		}
		if e.RetryDelay != 0 {
			p.WriteString(", retry_delay = " + quoted(time.Duration(e.RetryDelay).String(), false))
		}
		p.WriteString(" },\n")
	}
	p.WriteString("]\n")
}

func (p *printer) params(raw json.RawMessage) {
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.UseNumber()
	var params map[string]any
	if dec.Decode(&params) != nil { // none, or no object
		return
	}
	for _, k := range sortedKeys(params) {
		if params[k] != nil {
			p.WriteString(", execution.params." + bareKey(k) + " = " + tomlValue(params[k]))
		}
	}
}

func sortedKeys(m map[string]any) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

// tomlValue writes a value of JSON; TOML has no null.
func tomlValue(v any) string {
	switch v := v.(type) {
	case string:
		return quoted(v, false)
	case json.Number:
		return v.String()
	case bool:
		return fmt.Sprint(v)
	case []any:
		var parts []string
		for _, x := range v {
			if x != nil {
				parts = append(parts, tomlValue(x))
			}
		}
		return "[" + strings.Join(parts, ", ") + "]"
	case map[string]any:
		var parts []string
		for _, k := range sortedKeys(v) {
			if v[k] != nil {
				parts = append(parts, bareKey(k)+" = "+tomlValue(v[k]))
			}
		}
		return "{ " + strings.Join(parts, ", ") + " }"
	}
	return `""`
}
