package resource

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"rinca/internal/rinca"
	"rinca/internal/store"
)

// Every mistake is told, with its place and what is meant, and no value is.
func TestMistakes(t *testing.T) {
	for text, want := range map[string]string{
		"[[stak]]\nname = 'a'\n":                            "f:1:3: unknown key stak; is it stack?",
		"[[stack]]\nname = 'a'\nconfig.sever = 'hunter2'\n": "f:3:8: unknown key stack.config.sever; is it server?",
		"[[stack]]\nname = 'a'\nserver = 'hunter2'\n":       "f:3:1: unknown key stack.server; is it config.server?",
		"[[stack]]\nname = 'a'\ndeploy = 'hunter2'\n":       "f:3:10: stack.deploy is true or false",
		"[[stack]]\n":           "f:1:3: the stack has no name",
		"[stack]\nname = 'a'\n": "f:1:2: stack is written [[stack]], with two brackets",
		"[[stack]]\nname = 'a'\n[[stacks]]\nname = 'b'\n":                                                                                        "f:3:3: stack and stacks are the same key",
		"[[stack]]\nname = 'a'\nconfig = { server = 'x', server_id = 'y' }\n":                                                                    "stack.config.server and stack.config.server_id are the same key",
		"[[stack]]\nname = 'a'\n[[stack]]\nname = 'a'\n":                                                                                         "f:3:3: the stack \"a\" is also in f:1:3",
		"[[variable]]\nname = 'a'\nvalue = 'hunter2'\nvalue_from = 'op://v/i/f'\n":                                                               "value and value_from exclude each other",
		"[[procedure]]\nname = 'a'\nconfig.stage = [{ executions = [{ execution.type = 'DeployStak' }] }]\n":                                     `no execution is called "DeployStak"; is it DeployStack?`,
		"[[procedure]]\nname = 'a'\nconfig.stage = [{ executions = [{ execution.type = 'RunBuild' }] }]\n":                                       "f:3:52: the execution RunBuild is not supported; disable or remove it",
		"[[procedure]]\nname = 'a'\nconfig.stage = [{ executions = [{ execution.type = 'DeployStack', execution.params.stak = 'hunter2' }] }]\n": "DeployStack has no parameter stak; is it stack?",
		"[[procedure]]\nname = 'a'\nconfig.stage = [{ executions = [{ execution.type = 'DeployStack', execution.params.stack = 7 }] }]\n":        "f:3:92: DeployStack: the parameter stack takes a string",
		"[[user_group]]\nname = 'a'\nall.Stak = 'Read'\n":                                                                                        `"Stak" is no kind of resource; is it Stack?`,
		"a = \"\"\"\\hunter2\"\"\" b":               "f:1:20: this is not TOML",
		"[[stack]]\nname = 'a'\nname = 'hunter2'\n": "f:3:1: this is not TOML, or a key is there twice",
		strings.Repeat("a.", 100) + "a = 1":         "a key has more than 100 parts",
	} {
		_, _, err := Parse([]File{{"f", rinca.NewSecret(text)}}, kinds())
		if err == nil || !strings.Contains(err.Error(), want) || rinca.CodeOf(err) != rinca.Invalid {
			t.Errorf("%.150s\n got %v\nwant %s", text, err, want)
		}
		if err != nil && strings.Contains(err.Error(), "hunter2") {
			t.Errorf("the error quotes the file: %v", err)
		}
	}
}

func TestAllMistakesAtOnce(t *testing.T) {
	_, _, err := Parse(files("[[stack]]\nnam = 'a'\n", "[[procedure]]\nname = 'x'\nconfg = 1\n", "x = ["), kinds())
	if n := strings.Count(fmt.Sprint(err), "\n"); n != 3 {
		t.Errorf("%d line breaks: %v", n, err)
	}
}

// The dialect: string lists, environments in two forms, literal backslashes,
// aliases, hooks of several lines.
func TestKomodoForms(t *testing.T) {
	set, warnings, err := Parse(files(`
[[stacks]]
name = "web"
tags = """
media, home   # for people
# nothing
night
"""
after = "db, cache"
[stacks.config]
server_id = "nas"
repo = "me/homelab"
git_provider = "git.example.org"
git_account = "me"
run_directory = "./stacks/web"
links = "https://web.example.org"
environment = [{ variable = "A", value = "1" }, { variable = "B", value = "[[B]]" }]
additional_env_files = ["a.env", { path = "b.env", track = false }]
webhook_enabled = false
ignore_services = ["init"]
[stacks.config.pre_deploy]
path = "scripts"
command = """
# first
echo a \
  b
sed -e 's/\d+/x/' f   # why
"""
[[deployment]]
name = "db"
[[build]]
name = "image"
`), kinds())
	if err != nil {
		t.Fatal(err)
	}
	want := rinca.Stack{
		Name: "web", Tags: []string{"media", "home", "night"}, After: []string{"db", "cache"}, Server: "nas",
		Source:      rinca.Source{Kind: rinca.SourceGit, Repo: "https://git.example.org/me/homelab", Account: "me", Path: "stacks/web"},
		Environment: "A = 1\nB = [[B]]\n", EnvFiles: []string{"a.env", "b.env"}, Links: []string{"https://web.example.org"},
		Webhook: rinca.Webhook{Disabled: true}, PreDeploy: rinca.Hook{Path: "scripts", Command: `echo a b && sed -e 's/\d+/x/' f`},
	}
	if diff := cmp.Diff(want, set.Stacks[0].Value); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{
		"fa.toml:20:1: stack.config.ignore_services is not supported, ignored",
		"fa.toml:29:3: [[deployment]] db is not supported, ignored", "fa.toml:31:3: [[build]] image is not supported, ignored",
	}, warnings); diff != "" {
		t.Error(diff)
	}
}

// Names that lead nowhere, and cycles, are found before anything is changed.
func TestWholeSet(t *testing.T) {
	stack := func(name, more string) string {
		return fmt.Sprintf("[[stack]]\nname = %q\n%s\nconfig.repo = \"me/x\"\n", name, more)
	}
	for text, want := range map[string]string{
		stack("a", `after = ["authentic"]`):                                                     `the stack a is to come after "authentic", and there is no such stack; is it authentik?`,
		stack("a", `after = ["b"]`) + stack("b", `after = ["c"]`) + stack("c", `after = ["a"]`): "stacks wait for one another: a → b → c → a",
		stack("a", `config.server = "nowhere"`):                                                 `fa.toml:3:17: there is no server "nowhere"`,
		"[[stack]]\nname = 'a'\nconfig.linked_repo = 'x'\n":                                     `there is no repo "x"`,
		"[[stack]]\nname = 'a'\n":                                                               "the stack a is new, and has no source",
		stack("A", "") + stack("a", ""):                                                         `the stacks A and a have the same Compose project "a"`,
		"[[user_group]]\nname = 'g'\nusers = ['bob']\n":                                         `fa.toml:3:10: the group g names "bob", and there is no such user`,
		"[[variable]]\nname = 'V'\nstack = 'nope'\nvalue = 'x'\n":                               `the variable V is for the stack "nope", and there is no such stack`,
		"[[procedure]]\nname = 'p'\nconfig.stage = [{name='s', executions = [{ execution.type = 'DeployStack', execution.params.stack = 'op-exprt' }] }]\n": `DeployStack: there is no stack "op-exprt"; is it op-export?`,
		"[[procedure]]\nname = 'p'\nconfig.stage = [{name='s', executions = [{ execution.type = 'RunProcedure', execution.params.procedure = 'p' }] }]\n":   "procedures run one another: p → p",
		"[[procedure]]\nname = 'p'\nconfig.schedule = 'whenever you like'\n":                                                                                "fa.toml:3:19: ",
	} {
		set, _, err := Parse(files(text), kinds())
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		_, err = MakePlan(set, state(), Options{})
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s\n got %v\nwant %s", text, err, want)
		}
	}
}

func openDB(t testing.TB) *store.DB {
	t.Helper()
	db, err := store.Open(context.WithoutCancel(t.Context()), store.Config{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db
}

func service(t testing.TB) *Service {
	t.Helper()
	return &Service{DB: openDB(t), Now: time.Now, Kinds: kinds, Home: t.TempDir()}
}

func apply(t testing.TB, s *Service, o Options, texts ...string) *SyncPlan {
	t.Helper()
	p, err := s.ApplyFiles(t.Context(), files(texts...), o, By{Operator: "ann"})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// A secret is neither lost nor shown by a sync, nor written out.
func TestSecretsStay(t *testing.T) {
	s := service(t)
	apply(t, s, Options{}, "[[variable]]\nname = 'S'\nis_secret = true\nvalue = 'hunter2'\n[[variable]]\nname = 'P'\nvalue = 'plain'\n")
	p := apply(t, s, Options{}, "[[variable]]\nname = 'S'\ndescription = 'mine'\nis_secret = true\n")
	if len(p.Changes) != 1 {
		t.Errorf("%+v", p.Changes)
	}
	v, err := s.DB.Variable(t.Context(), "", "S")
	if err != nil || v.Value.Reveal() != "hunter2" || v.Version != 1 || !v.Secret {
		t.Errorf("%+v %v", v, err)
	}
	// Not even what deletes all that it has made deletes a secret.
	made := []rinca.Target{{Kind: rinca.KindVariable, Name: "S"}, {Kind: rinca.KindVariable, Name: "P"}}
	p = apply(t, s, Options{Delete: true, Made: made}, "[[variable]]\nname = 'Q'\nvalue = 'x'\n")
	if got := actions(p); got != "create Variable Q, delete Variable P" {
		t.Error(got)
	}
	p = apply(t, s, Options{}, "[[variable]]\nname = 'S'\nis_secret = true\nvalue = 'other'\n")
	if d := strings.Join(p.Changes[0].Diff, "\n"); strings.Contains(d, "hunter2") || strings.Contains(d, "other") || !strings.Contains(d, `+value = "***" # changed`) {
		t.Error(d)
	}
	text, err := s.Export(t.Context())
	if err != nil || strings.Contains(text, "other") || !strings.Contains(text, "is_secret = true") {
		t.Errorf("%s %v", text, err)
	}
	// One that has no value yet is told, and does not stop the rest.
	p = apply(t, s, Options{}, "[[variable]]\nname = 'NEW'\nis_secret = true\n")
	if len(p.Changes) != 0 || len(p.Warnings) != 1 || !strings.Contains(p.Warnings[0], "rinca variable set NEW --secret") {
		t.Errorf("%+v", p)
	}
}

func actions(p *SyncPlan) string {
	var out []string
	for _, c := range p.Changes {
		out = append(out, string(c.Action)+" "+c.Target.String())
	}
	return strings.Join(out, ", ")
}

// A stack that is renamed keeps what belongs to it.
func TestRename(t *testing.T) {
	s, ctx := service(t), t.Context()
	apply(t, s, Options{}, "[[stack]]\nname = 'old'\nconfig.repo = 'me/x'\nconfig.webhook_secret = 'hook'\n[[variable]]\nname = 'V'\nstack = 'old'\nvalue = 'x'\n")
	if err := s.DB.PutMark(ctx, store.Mark{Stack: "old", Commit: "c0ffee", Sealed: rinca.NewSecret("bundle")}); err != nil {
		t.Fatal(err)
	}
	u := rinca.Update{ID: s.DB.ID(), Execution: rinca.Execution{Kind: "DeployStack"}, Target: rinca.Target{Kind: rinca.KindStack, Name: "old"}, State: rinca.Queued, CreatedAt: time.Now()}
	u, _, err := s.DB.Enqueue(ctx, u, "")
	if err != nil {
		t.Fatal(err)
	}
	const renamed = "[[stack]]\nname = 'new'\nrenamed_from = 'old'\nconfig.repo = 'me/x'\nconfig.project_name = 'old'\n"
	if _, err := s.ApplyFiles(ctx, files(renamed), Options{}, By{}); rinca.CodeOf(err) != rinca.Conflict {
		t.Errorf("while it is queued: %v", err)
	}
	u.State, u.EndedAt = rinca.Failed, time.Now()
	if err := s.DB.SaveUpdate(ctx, u); err != nil {
		t.Fatal(err)
	}
	if p := apply(t, s, Options{}, renamed); actions(p) != "rename Stack new" {
		t.Error(actions(p))
	}
	mark, err := s.DB.Mark(ctx, "new")
	if err != nil || mark.Commit != "c0ffee" || mark.Sealed.Reveal() != "bundle" {
		t.Errorf("%+v %v", mark, err)
	}
	v, err := s.DB.Variable(ctx, "new", "V")
	if err != nil || v.Value.Reveal() != "x" {
		t.Errorf("%+v %v", v, err)
	}
	if versions, err := s.DB.VariableVersions(ctx, "new", "V"); err != nil || len(versions) != 1 {
		t.Errorf("%v %v", versions, err)
	}
	if h, err := s.DB.WebhookSecret(ctx, rinca.Target{Kind: rinca.KindStack, Name: "new"}); err != nil || h.Reveal() != "hook" {
		t.Error(err)
	}
	if list, err := s.DB.Updates(ctx, store.UpdateFilter{Kind: rinca.KindStack, Name: "new"}); err != nil || len(list) != 1 {
		t.Errorf("%v %v", list, err)
	}
	if _, err := s.DB.Stack(ctx, "old"); rinca.CodeOf(err) != rinca.NotFound {
		t.Error(err)
	}
	if p := apply(t, s, Options{}, renamed); p.HasChanges() {
		t.Error(actions(p))
	}
	if _, err := s.DB.Check(ctx); err != nil {
		t.Error(err)
	}
}

// With one mistake in ten thousand resources nothing is changed.
func TestAllOrNothing(t *testing.T) {
	s := service(t)
	var b strings.Builder
	for i := range 10_000 {
		fmt.Fprintf(&b, "[[stack]]\nname = \"s%d\"\nconfig.repo = \"me/x\"\n", i)
	}
	if _, err := s.ApplyFiles(t.Context(), files(b.String(), "[[stack]]\nname = 'x'\nafter = ['s10000']\nconfig.repo='me/x'\n"), Options{}, By{}); err == nil || !strings.Contains(err.Error(), "s10000") {
		t.Error(err)
	}
	// Nor with one that only the database finds.
	plan, err := s.PlanFiles(t.Context(), files(b.String()), Options{})
	if err != nil {
		t.Fatal(err)
	}
	bad := *plan.Changes[9_999].write.Stack
	bad.Name = "no name"
	plan.Changes[9_999].write.Stack = &bad
	if err := s.Apply(t.Context(), plan, By{}); rinca.CodeOf(err) != rinca.Invalid {
		t.Error(err)
	}
	if all, err := s.DB.Stacks(t.Context()); err != nil || len(all) != 0 {
		t.Errorf("%d stacks, %v", len(all), err)
	}
	if n, err := s.DB.LastAudit(t.Context()); err != nil || n != 0 {
		t.Errorf("%d entries, %v", n, err)
	}
}

// What changed between plan and apply is not overwritten.
func TestApplyLooksAgain(t *testing.T) {
	s := service(t)
	p, err := s.PlanFiles(t.Context(), files("[[variable]]\nname = 'A'\nvalue = 'x'\n"), Options{})
	if err != nil {
		t.Fatal(err)
	}
	apply(t, s, Options{}, "[[variable]]\nname = 'B'\nvalue = 'x'\n")
	if err := s.Apply(t.Context(), p, By{}); rinca.CodeOf(err) != rinca.Conflict {
		t.Error(err)
	}
	if entries, err := s.DB.AuditEntries(t.Context(), 0, 10); err != nil || len(entries) != 1 || entries[0].Action != "variable.create" || entries[0].Actor != "ann" {
		t.Errorf("%+v %v", entries, err)
	}
	if _, err := s.DB.VerifyAudit(t.Context()); err != nil {
		t.Error(err)
	}
}

func FuzzParse(f *testing.F) {
	for _, b := range documentBlocks() {
		f.Add(b)
	}
	f.Add("[[stack]]\nname='a'\nconfig.environment=\"\"\"\nA=\\d\\\n\"\"\"\nconfig.pre_deploy={command='x'}\n[[deployment]]\n")
	f.Add("[[procedure]]\nname='a'\nconfig.stages=[{executions=[{execution={type='Sleep',params={duration_ms=1e9}}}]}]\n")
	f.Add("[[alerter]]\nname='a'\nconfig.endpoint={type='Slack',params.url='u'}\nconfig.alert_types=['BuildFailed']\n")
	f.Add("x=\"\"\"\"\"\"\"\"\n#'''\ny='''a'''''\nz=\"a\\\"b\"\n")
	f.Fuzz(func(t *testing.T, text string) {
		lines := strings.Count(text, "\n") + 1
		set, _, err := Parse([]File{{"f", rinca.NewSecret(text)}}, kinds())
		if err != nil {
			if rinca.CodeOf(err) != rinca.Invalid {
				t.Errorf("%v", err)
			}
			for l := range strings.SplitSeq(err.Error(), "\n") {
				var line, column int
				if n, _ := fmt.Sscanf(l, "f:%d:%d:", &line, &column); n == 2 && (line > lines || column > len(text)+1) {
					t.Errorf("a place outside of the file: %s", l)
				}
			}
			return
		}
		if p, err := MakePlan(set, &State{Guess: true}, Options{}); err == nil {
			roundTrip(t, p)
		}
	})
}

// stateOf is what there is after a plan was applied to nothing.
func stateOf(p *SyncPlan) *State {
	s := &State{Guess: true}
	for _, c := range p.Changes {
		w := c.write
		switch {
		case w.Variable != nil:
			s.Variables = append(s.Variables, *w.Variable)
		case w.Group != nil:
			s.Groups = append(s.Groups, *w.Group)
		case w.Server != nil:
			s.Servers = append(s.Servers, *w.Server)
		case w.Alerter != nil:
			s.Alerters = append(s.Alerters, *w.Alerter)
		case w.Repo != nil:
			s.Repos = append(s.Repos, *w.Repo)
		case w.Stack != nil:
			s.Stacks = append(s.Stacks, *w.Stack)
		case w.Sync != nil:
			s.Syncs = append(s.Syncs, *w.Sync)
		case w.Procedure != nil:
			s.Procedures = append(s.Procedures, *w.Procedure)
		}
	}
	return s
}

// roundTrip applies a plan to nothing, writes it as TOML and reads that again:
// nothing differs.
func roundTrip(t *testing.T, p *SyncPlan) {
	t.Helper()
	s := stateOf(p)
	text := Export(s)
	set, _, err := Parse(files(text), kinds())
	if err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	again, err := MakePlan(set, s, Options{})
	if err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	if again.HasChanges() {
		t.Errorf("%s %s\n%s", actions(again), strings.Join(again.Changes[0].Diff, "\n"), text)
	}
}

// What is chosen by a name or a kind that is not there is an error, and not a
// plan of nothing.
func TestChosenHasToBeThere(t *testing.T) {
	set, _, err := Parse(files("[[variable]]\nname = 'A'\nvalue = 'x'\n"), kinds())
	if err != nil {
		t.Fatal(err)
	}
	for want, o := range map[string]Options{
		"of the kind \"Stak\"; is it Stack?":        {Kind: "Stak"},
		"authentic is chosen, and neither":          {Names: []string{"A", "authentic"}},
		"A is chosen, and neither the files nor":    {Kind: rinca.KindStack, Names: []string{"A"}},
		"":                                          {Names: []string{"A", "authentik"}},
		"op-exprt is chosen, and neither the files": {Kind: rinca.KindStack, Names: []string{"op-exprt"}},
	} {
		_, err := MakePlan(set, state(), o)
		if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%+v: %v, want %q", o, err, want)
		}
	}
}
