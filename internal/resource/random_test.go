package resource

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"rinca/internal/rinca"
)

// A maker makes random resources that are valid, with texts that are awkward
// to write as TOML.
type maker struct{ *rand.Rand }

func (m maker) coin() bool { return m.IntN(2) == 0 }

// some returns a value half of the time.
func some[T any](m maker, v T) (out T) {
	if m.coin() {
		out = v
	}
	return out
}

func of[T any](m maker, values ...T) T { return values[m.IntN(len(values))] }

func list[T any](m maker, one func() T) []T {
	var out []T
	for range m.IntN(3) {
		out = append(out, one())
	}
	return out
}

func (m maker) text() string {
	var b strings.Builder
	for range 1 + m.IntN(5) {
		b.WriteString(of(m, "a", `"`, `'`, `"""`, `'''`, `\`, `\n`, `\d+\.x`, "\n", "\t", "\r\n", " ", "#", " # no comment", "[[NAME]]", "=", "ünï☃", "\x01", "}", ","))
	}
	return b.String()
}

func (m maker) name() string {
	return of(m, "a", "B", "x y", "ä", "o'hara", "#1") + fmt.Sprint(m.IntN(1e9))
}
func (m maker) word() string { return of(m, "a", "b-c", "d_e", "f.g") + fmt.Sprint(m.IntN(1e9)) }

func (m maker) duration() rinca.Duration {
	return rinca.Duration(time.Duration(m.IntN(90)) * of(m, time.Second, time.Minute))
}

func (m maker) tags() []string { return list(m, func() string { return m.word() }) }

func (m maker) paths() []string {
	return list(m, func() string { return of(m, "", "x/", "ü/") + m.word() + of(m, "", ".yaml", `'s`) })
}

func (m maker) webhook() rinca.Webhook {
	return rinca.Webhook{
		Disabled: m.coin(), Path: some(m, m.word()), Branch: some(m, "release/*"), Tags: list(m, func() string { return "v" + m.word() }),
		Paths: list(m, func() string { return of(m, "**/*.toml", "stacks/x") }),
	}
}

func (m maker) schedule() rinca.Schedule {
	if m.coin() {
		return rinca.Schedule{}
	}
	i := m.IntN(2)
	return rinca.Schedule{
		Text: []string{"Every day at 02:00", "0 30 3 * * *"}[i], Format: some(m, []rinca.ScheduleFormat{rinca.English, rinca.Cron}[i]), TimeZone: some(m, "Europe/Berlin"), Disabled: m.coin(),
		Missed: of(m, "", rinca.RunOnce, rinca.Skip), Jitter: m.duration(),
	}
}

func (m maker) git(linked bool) rinca.Source {
	s := rinca.Source{Kind: rinca.SourceGit}
	if linked && m.coin() {
		s.Linked = "linked"
		return s
	}
	s.Repo, s.Account = "https://git.example.org/me/"+m.word(), some(m, "me")
	switch m.IntN(4) {
	case 0:
		s.Branch = "feature/" + m.word()
	case 1:
		s.Tag = "v1"
	case 2:
		s.Commit = strings.Repeat("a1", 20)
	}
	return s
}

func (m maker) stack(i int) rinca.Stack {
	s := rinca.Stack{
		Name: fmt.Sprintf("s%d", i), Description: some(m, m.text()), Tags: m.tags(), Server: some(m, "nas"), Project: some(m, fmt.Sprintf("project%d", i)),
		Environment: some(m, "A = "+m.text()+"\nB = 2\n"), EnvFiles: m.paths(), Profiles: m.tags(), HostPaths: list(m, func() string { return "/srv/" + m.word() }),
		PreDeploy: m.hook(), PostDeploy: m.hook(), Pull: m.coin(), AutoUpdate: m.coin(), Deploy: m.coin(),
		Secrets: rinca.Secrets{Skip: m.coin(), Vault: some(m, "home lab"), Stacks: m.tags(), Offline: m.coin()},
		Verify:  rinca.Verify{Skip: m.coin(), Timeout: m.duration(), Settle: m.duration()},
		Links:   list(m, func() string { return "https://" + m.word() + ".example.org/?a=b#c" }), Webhook: m.webhook(), OnBusy: of(m, "", rinca.Wait, rinca.Refuse),
	}
	s.Webhook.Force = m.coin()
	if i > 0 && m.coin() {
		s.After = []string{fmt.Sprintf("s%d", m.IntN(i))}
	}
	switch m.IntN(3) {
	case 0:
		s.Source = m.git(true)
		s.Source.Path, s.Source.Sparse, s.Source.ComposeFiles = some(m, "stacks/"+s.Name), m.paths(), m.paths()
	case 1:
		s.Source = rinca.Source{Kind: rinca.SourceHost, Dir: "/opt/" + m.word(), ComposeFiles: m.paths()}
	default:
		s.Source = rinca.Source{Kind: rinca.SourceInline}
		for j := range 1 + m.IntN(2) {
			s.Source.Files = append(s.Source.Files, rinca.InlineFile{Path: of(m, fmt.Sprintf("f%d.yaml", j), []string{"compose.yaml", "x/y.conf"}[j]), Content: m.text()})
		}
		s.Source.ComposeFiles = some(m, []string{s.Source.Files[0].Path})
	}
	return s
}

func (m maker) hook() rinca.Hook {
	if m.coin() {
		return rinca.Hook{}
	}
	return rinca.Hook{Path: some(m, "bin"), Command: "echo " + of(m, "x", "'a b'  # why", "\\\n  y", "a\nb\n", `"q" \ z`), Timeout: m.duration()}
}

func (m maker) procedure(i int) rinca.Procedure {
	p := rinca.Procedure{
		Name: fmt.Sprintf("p %d", i), Description: some(m, m.name()), Tags: m.tags(), Timeout: m.duration(), Schedule: m.schedule(), Webhook: m.webhook(),
		QuietFailure: m.coin(), ScheduleAlert: m.coin(),
	}
	if m.coin() {
		p.Parameters = []rinca.Parameter{{Name: "TIME", Description: some(m, m.name()), Default: some(m, "1s")}, {Name: "OTHER", Required: m.coin()}}
	}
	for range m.IntN(3) {
		s := rinca.ProcedureStage{
			Name: m.name(), Disabled: m.coin(), OnFailure: of(m, "", rinca.Stop, rinca.Continue), Timeout: m.duration(), AtOnce: m.IntN(4),
		}
		for range m.IntN(3) {
			params, _ := json.Marshal(of(m, map[string]any{"stack": "s0", "force": true, "services": []string{"a", "b"}}, map[string]any{"stack": "s0"}))
			s.Executions = append(s.Executions, rinca.StageExecution{
				Execution: rinca.Execution{Kind: "DeployStack", Params: params}, Disabled: m.coin(), Timeout: m.duration(), Retries: m.IntN(3), RetryDelay: m.duration(),
			})
		}
		p.Stages = append(p.Stages, s)
	}
	return p
}

func (m maker) sync(i int) rinca.ResourceSync {
	s := rinca.ResourceSync{
		Name: fmt.Sprintf("sync %d", i), Description: some(m, m.text()), Tags: m.tags(), Delete: m.coin(), MatchTags: m.tags(), SkipResources: m.coin(),
		IncludeVariables: m.coin(), IncludeGroups: m.coin(), Schedule: m.schedule(), Webhook: m.webhook(), Paths: m.paths(),
	}
	switch m.IntN(3) {
	case 0:
		s.Source = m.git(true)
	case 1:
		s.Source = rinca.Source{Kind: rinca.SourceHost, Dir: "/srv/" + m.word()}
	default:
		s.Source = rinca.Source{Kind: rinca.SourceInline, Files: []rinca.InlineFile{{Path: "resources.toml", Content: m.text()}}}
		s.Paths = nil
	}
	return s
}

func (m maker) grant() rinca.Grant {
	return rinca.Grant{Level: of(m, rinca.Read, rinca.Execute, rinca.Write), Specific: some(m, []string{rinca.Reveal})}
}

func (m maker) group(i int) rinca.UserGroup {
	g := rinca.UserGroup{Name: fmt.Sprintf("g%d", i), Everyone: m.coin(), Users: some(m, []string{"ann", "bob"}), Claims: list(m, m.name)}
	if m.coin() {
		g.All = map[rinca.Kind]rinca.Grant{rinca.KindStack: m.grant(), rinca.KindVariable: m.grant()}
	}
	for range m.IntN(3) {
		g.Permissions = append(g.Permissions, rinca.Permission{
			Target: rinca.Target{Kind: rinca.KindStack, Name: of(m, "s0", `\^web-.+$\`, "*")}, Grant: m.grant(),
		})
	}
	return g
}

func (m maker) alerter(i int) rinca.Alerter {
	targets := func() []rinca.Target {
		return list(m, func() rinca.Target { return rinca.Target{Kind: rinca.KindStack, Name: of(m, "s0", "web-*")} })
	}
	return rinca.Alerter{
		Name: fmt.Sprintf("alerter %d", i), Description: some(m, m.text()), Tags: m.tags(), Disabled: m.coin(), Kind: rinca.AlerterNtfy, Email: some(m, "me@example.org"),
		Types: some(m, rinca.AlertTypes()[:2]), Levels: some(m, []rinca.AlertLevel{rinca.AlertWarning, rinca.AlertCritical}), Resources: targets(), Except: targets(),
	}
}

func (m maker) variable(i int) rinca.Variable {
	v := rinca.Variable{Name: fmt.Sprintf("V%d", i), Stack: some(m, "s0"), Description: some(m, m.text()), Value: rinca.NewSecret(m.text())}
	if m.coin() {
		v.From, v.Value, v.Secret = "op://home lab/item/field", rinca.Secret{}, m.coin()
	}
	return v
}

func (m maker) state() *State {
	s := &State{Guess: true, Servers: []rinca.Server{{Name: "nas", Address: "ssh://me@nas", KnownHosts: some(m, "nas ssh-ed25519 AAAA\n")}}}
	s.Repos = []rinca.Repo{{Name: "linked", Description: some(m, m.text()), Tags: m.tags(), Source: m.git(false), Webhook: m.webhook()}}
	for i := range 3 {
		s.Stacks = append(s.Stacks, m.stack(i))
		s.Procedures = append(s.Procedures, m.procedure(i))
		s.Syncs = append(s.Syncs, m.sync(i))
		s.Groups = append(s.Groups, m.group(i))
		s.Alerters = append(s.Alerters, m.alerter(i))
		s.Variables = append(s.Variables, m.variable(i))
	}
	return s
}

// Whatever is valid is written as TOML that is read as the same, field by
// field, and no field stays behind.
func TestEverythingRoundTrips(t *testing.T) {
	seen := map[string]bool{}
	for seed := range uint64(120) {
		s := maker{rand.New(rand.NewPCG(seed, 1))}.state()
		text := Export(s)
		set, _, err := Parse(files(text), kinds())
		if err != nil {
			t.Fatalf("seed %d: %v\n%s", seed, err, text)
		}
		p, err := MakePlan(set, &State{Guess: true}, Options{})
		if err != nil {
			t.Fatalf("seed %d: %v\n%s", seed, err, text)
		}
		if diff := cmp.Diff(plain(s), plain(stateOf(p)), cmpopts.EquateEmpty(), sameJSON()); diff != "" {
			t.Fatalf("seed %d: %s\n%s", seed, diff, text)
		}
		note(seen, reflect.ValueOf(plain(s)), "")
	}
	for _, field := range fieldsOf(reflect.TypeFor[resources](), "") {
		if !seen[field] && !strings.HasSuffix(field, ".UpdatedAt") && !strings.HasSuffix(field, ".UpdatedBy") && !strings.HasSuffix(field, ".Version") {
			switch field {
			case ".Alerters.URL", ".Alerters.HasURL", ".Servers.Key", ".Servers.SSHKey": // secrets are never written
			case ".Servers.CA", ".Servers.Cert": // are of tcp:// alone
			case ".Stacks.Verify.Only": // is of one deploy
			case ".Repos.Source.Linked", ".Repos.Source.Path", ".Repos.Source.Sparse", ".Repos.Source.Dir", ".Repos.Source.Files.Path", ".Repos.Source.Files.Content", ".Repos.Source.ComposeFiles",
				".Syncs.Source.Path", ".Syncs.Source.Sparse", ".Syncs.Source.ComposeFiles": // they have none
			case ".Repos.Webhook.Force", ".Syncs.Webhook.Force", ".Procedures.Webhook.Force":
			default:
				t.Errorf("no resource had %s: is it written?", field)
			}
		}
	}
}

// resources are what a State has of its own.
type resources struct {
	Variables  []rinca.Variable
	Groups     []rinca.UserGroup
	Servers    []rinca.Server
	Alerters   []rinca.Alerter
	Repos      []rinca.Repo
	Stacks     []rinca.Stack
	Syncs      []rinca.ResourceSync
	Procedures []rinca.Procedure
}

func plain(s *State) resources {
	slices.SortFunc(s.Variables, func(a, b rinca.Variable) int { return strings.Compare(a.Name, b.Name) })
	return resources{s.Variables, s.Groups, s.Servers, s.Alerters, s.Repos, s.Stacks, s.Syncs, s.Procedures}
}

// sameJSON compares parameters by what they mean.
func sameJSON() cmp.Option {
	return cmp.Transformer("params", func(raw json.RawMessage) any {
		var v any
		_ = json.Unmarshal(raw, &v)
		return v
	})
}

// note remembers which fields are set.
func note(seen map[string]bool, v reflect.Value, path string) {
	switch {
	case v.IsZero():
		return
	case v.Kind() == reflect.Slice && v.Type().Elem().Kind() == reflect.Struct:
		for i := range v.Len() {
			note(seen, v.Index(i), path)
		}
	case v.Kind() == reflect.Struct && v.Type() != reflect.TypeFor[rinca.Secret]() && v.Type() != reflect.TypeFor[time.Time]():
		for i := range v.NumField() {
			note(seen, v.Field(i), path+"."+v.Type().Field(i).Name)
		}
	default:
		seen[path] = true
	}
}

// fieldsOf lists the fields that note may see.
func fieldsOf(t reflect.Type, path string) []string {
	if t.Kind() == reflect.Slice && t.Elem().Kind() == reflect.Struct {
		return fieldsOf(t.Elem(), path)
	}
	if t.Kind() != reflect.Struct || t == reflect.TypeFor[rinca.Secret]() || t == reflect.TypeFor[time.Time]() {
		return []string{path}
	}
	var out []string
	for i := range t.NumField() {
		out = append(out, fieldsOf(t.Field(i).Type, path+"."+t.Field(i).Name)...)
	}
	return out
}
