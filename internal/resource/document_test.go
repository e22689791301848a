package resource

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"rinca/internal/deploy"
	"rinca/internal/rinca"
)

// documentBlocks are the TOML blocks of the workflow document, as printed.
func documentBlocks() []string {
	return []string{`[[procedure]]
name = "Daily Secrets Export"
description = "Export all stack secrets from 1Password at scheduled time"
tags = ["platform", "system"]
config.schedule = "Every day at 02:00"

[[procedure.config.stage]]
name = "Export Secrets"
executions = [
  { execution.type = "DeployStack", execution.params.stack = "op-export", enabled = true }
]
`, `   [[procedure]]
   name = "Export Secrets on Push"
   config.webhook_path = "export-secrets"
   
   [[procedure.config.stage]]
   name = "Export"
   executions = [
     { execution.type = "DeployStack", execution.params.stack = "op-export", enabled = true }
   ]
`, `[[user_group]]
name = "platform-ops"

# Can deploy all stacks
all.Stack = { level = "Execute" }

# Can edit op-export configuration (and see token)
permissions = [
  { target.type = "Stack", target.id = "op-export", level = "Write" }
]
`, `[[stack]]
name = "authentik"
after = ["op-export"]  # authentik only deploys AFTER op-export succeeds
deploy = true

[stack.config]
# authentik configuration...
`}
}

// kinds are some kinds of executions, as the runner describes them.
func kinds() []rinca.ExecutionKind {
	type procedure struct {
		Procedure string            `json:"procedure"`
		Args      map[string]string `json:"args,omitempty"`
	}
	type sleep struct {
		Milliseconds int64 `json:"duration_ms"`
	}
	type backup struct{}
	return []rinca.ExecutionKind{
		{Name: "DeployStack", Target: rinca.KindStack, Params: deploy.Options{}},
		{Name: "RunProcedure", Target: rinca.KindProcedure, Params: procedure{}},
		{Name: "Sleep", Params: sleep{}},
		{Name: "Backup", Params: backup{}},
	}
}

func files(texts ...string) []File {
	var out []File
	for i, text := range texts {
		out = append(out, File{Path: "f" + string(rune('a'+i)) + ".toml", Text: rinca.NewSecret(text)})
	}
	return out
}

// state has the two stacks of the document.
func state() *State {
	source := rinca.Source{Kind: rinca.SourceGit, Repo: "https://github.com/me/homelab", Path: "stacks/op-export"}
	return &State{Stacks: []rinca.Stack{
		{Name: "authentik", Source: source, Environment: "A = b\n", Project: "auth"},
		{Name: "op-export", Source: source},
	}}
}

func TestTheDocument(t *testing.T) {
	set, warnings, err := Parse(files(documentBlocks()...), kinds())
	if err != nil || len(warnings) > 0 {
		t.Fatal(warnings, err)
	}
	plan, err := MakePlan(set, state(), Options{})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, c := range plan.Changes {
		got = append(got, string(c.Action)+" "+c.Target.String()+" "+c.At)
	}
	want := []string{
		"create UserGroup platform-ops fc.toml:1:3", "update Stack authentik fd.toml:1:3",
		"create Procedure Daily Secrets Export fa.toml:1:3", "create Procedure Export Secrets on Push fb.toml:1:6",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	// What the file says nothing of stays.
	if diff := cmp.Diff(" name = \"authentik\"\n+after = [\"op-export\"]\n+deploy = true\n [stack.config]\n project_name = \"auth\"\n…",
		strings.Join(plan.Changes[1].Diff[1:], "\n")); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"authentik"}, plan.Deploy); diff != "" {
		t.Error(diff)
	}
	p := plan.Changes[2].write.Procedure
	if p.Schedule.Text != "Every day at 02:00" || string(p.Stages[0].Executions[0].Execution.Params) != `{"stack":"op-export"}` {
		t.Errorf("%+v", p)
	}
}

// The blocks above are those of the document, where it can be read.
func TestTheDocumentIsAsPrinted(t *testing.T) {
	text, err := os.ReadFile(filepath.Join("..", "..", "..", "shared", "reference", "komodo-secrets-management.md"))
	if err != nil {
		t.Skip("the document is not here")
	}
	var blocks []string
	for _, m := range regexp.MustCompile("(?s)```toml\n(.*?) *```").FindAllStringSubmatch(string(text), -1) {
		blocks = append(blocks, m[1])
	}
	if diff := cmp.Diff(documentBlocks(), blocks); diff != "" {
		t.Error(diff)
	}
}
