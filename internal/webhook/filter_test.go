package webhook

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	gogit "github.com/go-git/go-git/v5"
	"github.com/go-git/go-git/v5/plumbing/object"

	"rinca/internal/rinca"
	"rinca/internal/store"
)

const wholeRepo = "/listener/github"

// One webhook of a repository: what a push touches is deployed, all of it by
// one execution, and nothing else.
func TestOneWebhookForTheRepository(t *testing.T) {
	w := newWorld(t)
	w.global(theSecret)
	w.stack("db", "stacks/db")
	w.stack("web", "stacks/web", func(s *rinca.Stack) { s.After, s.Source.Sparse = []string{"db"}, []string{"shared"} })
	w.stack("wiki", "stacks/wiki", func(s *rinca.Stack) {
		s.Source.Repo, s.Source.ComposeFiles = "ssh://git@git.example.org:2222/Alice/infra", []string{"../../common/base.yaml", "compose.yaml"}
	})
	w.stack("other", "stacks/web", func(s *rinca.Stack) { s.Source.Repo = "https://git.example.org/alice/else.git" })
	w.stack("dev", "stacks/db", func(s *rinca.Stack) { s.Source.Branch = "dev" })
	w.stack("off", "stacks/db", func(s *rinca.Stack) { s.Webhook.Disabled = true })
	w.stack("alias", "stacks/alias", func(s *rinca.Stack) { s.Source.Repo = "http://gitea:3000/alice/infra.git" })
	_, err := w.db.PutSync(t.Context(), rinca.ResourceSync{Name: "all", Source: rinca.Source{Kind: rinca.SourceGit, Repo: repoURL}, Paths: []string{"resources", "top.toml"}}, store.Upsert)
	w.must(err)
	for _, c := range []struct {
		files string
		want  string // names, or why nothing is started
	}{
		{"stacks/db/compose.yaml", "db"},
		{"stacks/db/conf/deep/er", "db"},
		{"stacks/web/x stacks/db/y stacks/wiki/z", "db,web,wiki"},
		{"shared/base.yaml", "web"},
		{"common/base.yaml", "wiki"},
		{"stacks/alias/x", "alias"},
		{"README.md docs/x stacks/dbx/compose.yaml stacks", "!none of the"},
	} {
		r := w.github(wholeRepo, "push", c.files, pushed("main", strings.Fields(c.files)...))
		if why, ok := strings.CutPrefix(c.want, "!"); ok {
			r.ignores(t, why)
			continue
		}
		if len(r.Started) != 1 || r.Started[0].Execution != "BatchDeployStackIfChanged" {
			t.Fatalf("%s: %s", c.files, r.raw)
		}
		u, err := w.db.Update(t.Context(), r.Started[0].Update)
		w.must(err)
		var params struct{ Pattern string }
		w.must(json.Unmarshal(u.Execution.Params, &params))
		if params.Pattern != c.want {
			t.Errorf("%s deploys %s, want %s", c.files, params.Pattern, c.want)
		}
	}
	// A sync of the repository is run by its own files, also by one alone.
	for file, want := range map[string]string{"resources/x/stacks.toml": "RunSync", "top.toml": "RunSync", "other.toml": ""} {
		prov, _ := providerOf("github")
		p, err := parse(prov, "push", pushed("main", file))
		w.must(err)
		v, err := (&decision{l: w.l, p: p, call: record{Action: start}}).decide(t.Context())
		w.must(err)
		if want == "" && len(v.run) > 0 || want != "" && (len(v.run) != 1 || v.run[0].Kind != want || string(v.run[0].Params) != `{"sync":"all"}`) {
			t.Errorf("%s runs %s", file, v.run)
		}
	}
	w.github(wholeRepo, "push", "dev", pushed("dev", "stacks/db/x")).started(t, "BatchDeployStackIfChanged dev,")
	w.github(wholeRepo, "push", "none", pushed("nobody", "stacks/db/x")).ignores(t, "none of the")
	elsewhere := payload(map[string]any{"repository": map[string]any{"full_name": "mallory/infra", "clone_url": "https://git.example.org/mallory/infra.git"}})
	w.github(wholeRepo, "push", "else", elsewhere).ignores(t, "mallory/infra")
}

func TestPathsTagsAndBranchesOfAWebhook(t *testing.T) {
	w := newWorld(t)
	w.global(theSecret)
	const at = "/listener/github/stack/web/deploy"
	n := 0
	send := func(body []byte) reply {
		n++
		return w.github(at, "push", string(rune('a'+n)), body)
	}
	hook := func(h rinca.Webhook) { w.stack("web", "stacks/web", func(s *rinca.Stack) { s.Webhook = h }) }
	hook(rinca.Webhook{Paths: []string{"images/**", "*.md"}})
	send(pushed("main", "images/a/b")).started(t, deployIfChanged+" web")
	send(pushed("main", "README.md")).started(t, deployIfChanged+" web")
	send(pushed("main", "stacks/web/compose.yaml", "docs/x.md")).ignores(t, "touches 2 files")
	hook(rinca.Webhook{Branch: "release/*"})
	send(pushed("release/1", "stacks/web/x")).started(t, deployIfChanged+" web")
	send(pushed("main", "stacks/web/x")).ignores(t, "follows the branch release/*")
	hook(rinca.Webhook{Branch: "*"})
	send(pushed("any/one", "stacks/web/x")).started(t, deployIfChanged+" web")
	hook(rinca.Webhook{Tags: []string{"v*"}})
	send(payload(map[string]any{"ref": "refs/tags/v1.2"})).started(t, deployIfChanged+" web")
	send(payload(map[string]any{"ref": "refs/tags/old"})).ignores(t, "the tag old does not start")
	hook(rinca.Webhook{Disabled: true})
	send(pushed("main", "stacks/web/x")).ignores(t, "disabled")
	w.stack("web", "stacks/web", func(s *rinca.Stack) { s.Source.Branch, s.Source.Tag = "", "stable" })
	send(payload(map[string]any{"ref": "refs/tags/stable"})).started(t, deployIfChanged+" web")
	send(pushed("main", "stacks/web/x")).ignores(t, "follows the tag stable")
	w.stack("web", "stacks/web", func(s *rinca.Stack) { s.Source.Branch = "" }) // the default one
	send(pushed("main", "stacks/web/x")).started(t, deployIfChanged+" web")
	send(pushed("dev", "stacks/web/x")).ignores(t, "follows the branch main")
	hook(rinca.Webhook{Force: true})
	r := send(pushed("main", "stacks/web/x"))
	r.started(t, "DeployStack web")
}

// The procedure of the workflow document, with its own address.
func TestProceduresByNameAndByPath(t *testing.T) {
	w := newWorld(t)
	w.global(theSecret)
	w.stack("op-export", "stacks/platform/secrets/op-export")
	deploys := func(stack string) rinca.ProcedureStage {
		return rinca.ProcedureStage{Name: "Export", Executions: []rinca.StageExecution{{Execution: execution("DeployStack", map[string]any{"stack": stack})}}}
	}
	p := rinca.Procedure{Name: "Export Secrets on Push", Webhook: rinca.Webhook{Path: "export-secrets"}, Stages: []rinca.ProcedureStage{deploys("op-export")}}
	w.procedure(p)
	const named = "/listener/github/export-secrets"
	w.github(named, "push", "1", pushed("main", "stacks/platform/secrets/op-export/authentik.env.example")).started(t, "RunProcedure "+p.Name)
	w.github(named, "push", "2", pushed("main", "stacks/web/compose.yaml")).ignores(t, "touches 1 file, and none that")
	const byName = "/listener/github/procedure/Export%20Secrets%20on%20Push/"
	w.github(byName+"main", "push", "3", pushed("main", "stacks/platform/secrets/op-export/x")).started(t, "RunProcedure "+p.Name)
	w.github(byName+"main", "push", "4", pushed("dev", "stacks/platform/secrets/op-export/x")).ignores(t, "follows the branch main")
	w.github(byName+"__ANY__", "push", "5", pushed("dev", "stacks/platform/secrets/op-export/x")).started(t, "RunProcedure "+p.Name)
	// One that does something else as well is started by every push.
	p.Stages = append(p.Stages, rinca.ProcedureStage{Name: "Rest", Executions: []rinca.StageExecution{{Execution: execution("Backup", nil)}}})
	w.procedure(p)
	w.github(named, "push", "6", pushed("main", "stacks/web/compose.yaml")).started(t, "RunProcedure "+p.Name)
	// And by a call without a push, from a script.
	w.post("/listener/bearer/export-secrets", nil, "Authorization", "Bearer "+theSecret).started(t, "RunProcedure "+p.Name)
	if w.queued() != 1 {
		t.Errorf("%d runs wait, and one would do", w.queued())
	}
}

func TestRepoDeploysWhatIsLinked(t *testing.T) {
	w := newWorld(t)
	w.global(theSecret)
	_, err := w.db.PutRepo(t.Context(), rinca.Repo{Name: "infra", Source: rinca.Source{Kind: rinca.SourceGit, Repo: repoURL, Branch: "main"}}, store.Upsert)
	w.must(err)
	const at = "/listener/github/repo/infra/pull"
	w.github(at, "push", "0", pushed("main", "a/x")).ignores(t, "nothing is linked")
	for _, name := range []string{"a", "b", "c"} {
		w.stack(name, name, func(s *rinca.Stack) {
			s.Source = rinca.Source{Kind: rinca.SourceGit, Linked: "infra", Path: name}
			s.Webhook.Force = name == "c"
		})
	}
	w.github(at, "push", "1", pushed("main", "a/x", "b/y")).started(t, "BatchDeployStackIfChanged a,b")
	w.github(at, "push", "2", pushed("main", "b/y")).started(t, deployIfChanged+" b")
	w.github(at, "push", "3", pushed("dev", "b/y")).ignores(t, "none of the 3")
	w.github(at, "push", "4", pushed("main", "a/x", "b/x", "c/y")).started(t, "BatchDeployStackIfChanged a,b,c")
}

// A payload that does not tell all is compared in the repository.
func TestCutPayloadsAreCompared(t *testing.T) {
	w := newWorld(t)
	w.global(theSecret)
	dir := t.TempDir()
	repo, err := gogit.PlainInit(dir, false)
	w.must(err)
	tree, err := repo.Worktree()
	w.must(err)
	commit := func(file string) string {
		w.must(os.MkdirAll(filepath.Dir(filepath.Join(dir, file)), 0o755))
		w.must(os.WriteFile(filepath.Join(dir, file), []byte(time.Now().String()), 0o644))
		_, err := tree.Add(file)
		w.must(err)
		h, err := tree.Commit("change "+file, &gogit.CommitOptions{Author: &object.Signature{Name: "alice", When: time.Now()}})
		w.must(err)
		return h.String()
	}
	first := commit("README.md")
	second := commit("stacks/wiki/compose.yaml")
	third := commit("stacks/web/compose.yaml")
	w.stack("web", "stacks/web", func(s *rinca.Stack) { s.Source.Repo = "file://" + dir })
	const at = "/listener/github/stack/web/deploy"
	cut := func(before, after string, more ...any) []byte {
		f := map[string]any{"before": before, "after": after, "size": 30, "commits": []any{map[string]any{"id": after, "modified": []string{"README.md"}}}}
		for i := 0; i+1 < len(more); i += 2 {
			key, _ := more[i].(string)
			f[key] = more[i+1]
		}
		return payload(f)
	}
	w.github(at, "push", "1", cut(first, second)).ignores(t, "touches 1 file, and none")
	r := w.github(at, "push", "2", cut(first, third))
	r.started(t, deployIfChanged+" web")
	d, err := w.l.Delivery(t.Context(), r.Delivery)
	w.must(err)
	if len(d.Files) != 2 || r.Note != "" {
		t.Errorf("files %q, note %q", d.Files, r.Note)
	}
	// Gitea tells of 5 commits at most, and how many there are.
	w.github(at, "push", "3", cut(first, second, "size", nil, "total_commits", 7)).ignores(t, "none")
	// Backwards, by force.
	w.github(at, "push", "4", cut(third, second, "size", nil, "forced", true)).started(t, deployIfChanged+" web")
	// Commits that are not there: better once too often.
	r = w.github(at, "push", "5", cut(commitA, third))
	r.started(t, deployIfChanged+" web")
	if !strings.Contains(r.Note, "every file counts as touched") {
		t.Errorf("the delivery does not say so: %s", r.raw)
	}
	r = w.github(at, "push", "6", cut(strings.Repeat("0", 40), third, "created", true))
	r.started(t, deployIfChanged+" web")
	if !strings.Contains(r.Note, "the branch is new") {
		t.Errorf("the delivery does not say so: %s", r.raw)
	}
}

func TestPatterns(t *testing.T) {
	for _, c := range []struct {
		pattern, yes, no string
	}{
		{"stacks/web", "stacks/web stacks/web/a/b", "stacks/webs stacks a/stacks/web"},
		{"/stacks/web/", "stacks/web/a", "stacks/webs/a"},
		{"*.md", "README.md .md", "docs/README.md README.mdx"},
		{"**/*.md", "README.md docs/README.md a/b/c.md", "README.mdx"},
		{"**", "a a/b", ""},
		{"stacks/*/compose.yaml", "stacks/a/compose.yaml", "stacks/a/b/compose.yaml stacks/compose.yaml"},
		{"stacks/**/compose.yaml", "stacks/a/b/compose.yaml stacks/compose.yaml", "stacks/a/compose.yml"},
		{"a?c", "abc", "a/c ac"},
		{"a**z", "az a/b/z", "a/b"},
		{"[a].(b)+$", "[a].(b)+$", "a"},
		{"v*", "v1", "v1/x w"},
	} {
		for _, f := range strings.Fields(c.yes) {
			if !matches([]string{c.pattern}, f) {
				t.Errorf("%s does not match %s", c.pattern, f)
			}
		}
		for _, f := range strings.Fields(c.no) {
			if matches([]string{c.pattern}, f) {
				t.Errorf("%s matches %s", c.pattern, f)
			}
		}
	}
}

// FuzzPattern compares patterns with a matcher that is slow and simple.
func FuzzPattern(f *testing.F) {
	f.Add("stacks/**/x?.*", "stacks/a/b/x1.yaml")
	f.Add("**/*", "a")
	f.Add("**/**/", "a/b")
	f.Add("a**/b", "a/x/b")
	f.Fuzz(func(t *testing.T, pattern, path string) {
		if len(pattern) > 40 || len(path) > 40 || strings.Count(pattern, "*") > 6 || strings.ToValidUTF8(pattern+path, "") != pattern+path {
			return
		}
		p := strings.TrimPrefix(strings.TrimPrefix(pattern, "./"), "/")
		want := false
		if folder := strings.TrimSuffix(p, "/"); folder != p || !strings.ContainsAny(p, "*?") {
			for i := range len(path) + 1 {
				want = want || (i == len(path) || path[i] == '/') && slowMatch(folder, path[:i], true)
			}
		} else {
			want = slowMatch(p, path, true)
		}
		if got := matches([]string{pattern}, path); got != want {
			t.Errorf("%q on %q: %v", pattern, path, got)
		}
	})
}

// slowMatch says the same as compile, by trying everything. begins: the
// pattern begins here, or after a slash of its own.
func slowMatch(p, s string, begins bool) bool {
	if p == "" {
		return s == ""
	}
	switch {
	case strings.HasPrefix(p, "**/") && begins:
		if slowMatch(p[3:], s, true) {
			return true
		}
		for i := range len(s) {
			if s[i] == '/' && slowMatch(p[3:], s[i+1:], true) {
				return true
			}
		}
		return false
	case strings.HasPrefix(p, "**"):
		for i := range len(s) + 1 {
			if slowMatch(p[2:], s[i:], false) {
				return true
			}
		}
		return false
	case p[0] == '*':
		for i := range len(s) + 1 {
			if slowMatch(p[1:], s[i:], false) {
				return true
			}
			if i < len(s) && s[i] == '/' {
				break
			}
		}
		return false
	case p[0] == '?':
		for i, r := range s {
			return r != '/' && slowMatch(p[1:], s[i+len(string(r)):], false)
		}
		return false
	}
	return s != "" && s[0] == p[0] && slowMatch(p[1:], s[1:], p[0] == '/')
}

func FuzzParse(f *testing.F) {
	for _, s := range samples {
		f.Add(s.body, "push")
	}
	f.Add(`{"ref":"refs/tags/v1","head_commit":null,"commits":[{}]}`, "")
	f.Add(`{"object_kind":"tag_push"}`, "System Hook")
	f.Add(`payload=%7B%7D`, "ping")
	f.Add(`{}`, "\x00")
	f.Fuzz(func(t *testing.T, body, event string) {
		for _, kind := range []string{"application/json", "application/x-www-form-urlencoded"} {
			doc, err := document(map[string][]string{"Content-Type": {kind}}, []byte(body))
			if err != nil {
				if rinca.CodeOf(err) != rinca.Invalid {
					t.Errorf("%v", err)
				}
				continue
			}
			for _, prov := range providers() {
				p, err := parse(prov, event, doc)
				if err != nil && rinca.CodeOf(err) != rinca.Invalid {
					t.Errorf("%v", err)
				}
				for _, text := range []string{p.author, p.ref, p.repository, p.event, p.branch} {
					if strings.ContainsAny(text, "\n\r\x00\x1b") || len(text) > 310 {
						t.Errorf("a text is not clean: %q", text)
					}
				}
				if p.after != "" && len(p.after) != 40 && len(p.after) != 64 {
					t.Errorf("%q is no commit", p.after)
				}
				for _, a := range p.repos {
					_ = p.from(a)
				}
			}
		}
	})
}

func FuzzAddress(f *testing.F) {
	f.Add("/listener/github/stack/web/deploy")
	f.Add("/listener/gitlab/procedure/a%20b/feature%2Fx")
	f.Add("/listener/gitea/%2e%2e/%00")
	f.Fuzz(func(t *testing.T, path string) {
		c, err := parseAddress(path)
		if err != nil {
			if rinca.CodeOf(err) != rinca.NotFound || rinca.HintOf(err) == "" {
				t.Errorf("%q: %v", path, err)
			}
			return
		}
		if c.action == "" || c.provider.name == "" || c.path != "" && c.target != (rinca.Target{}) {
			t.Errorf("%q: %+v", path, c)
		}
	})
}

func TestSameRepository(t *testing.T) {
	const one = "git.example.org/alice/infra"
	for _, a := range []string{
		"https://git.example.org/alice/infra.git", "https://git.example.org/Alice/Infra/", "git@git.example.org:alice/infra.git", "ssh://git@git.example.org:2222/alice/infra.git",
		"git.example.org:alice/infra", "https://user:secret@git.example.org:8443/alice/infra",
	} {
		if got := canonical(a); got != one {
			t.Errorf("%s is %s", a, got)
		}
	}
	for _, a := range []string{"", "x", "/srv/git/x.git", "https://", "https://host", "C:", ":", "://", "a b c"} {
		if got := canonical(a); got != "" {
			t.Errorf("%q is %q", a, got)
		}
	}
}
