package scenario_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"rinca/internal/rinca"
)

// consumer reads what op-export wrote, as the workflow's stacks do.
const consumer = `
services:
  app:
    image: IMAGE
    stop_grace_period: 1s
    env_file: [LAB/secrets/NAME/NAME.env]
`

// The procedures of the workflow document, by number, with its own TOML as it
// is printed; paths and the token are ours.
func TestTheWorkflow(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	l.must("rotate", "policy", "set", "--off") // each step is taken by hand, as the document has it
	l.opImage()
	l.write("scripts/op-export-stack-env.sh", l.read("testdata/op-export-stack-env.sh"))
	if err := os.Chmod(l.path("scripts/op-export-stack-env.sh"), 0o755); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"authentik", "restic", "uptime-kuma"} {
		l.item(name, name+".env", map[string]string{"KEY": "first of " + name})
	}

	// Deploying the op-export stack, steps 1 to 4.
	l.variable("OP_SERVICE_ACCOUNT_TOKEN", "ops_token-of-the-workflow", "--secret")
	compose := strings.ReplaceAll(l.read("testdata/op-export.yaml"), "/mnt/apps01", l.dir)
	export := l.newStack(t, "op-export", map[string]string{"compose.yaml": compose}, "--host-path", l.dir)
	export.deploy()
	l.says("stack logs op-export", "✓ Exported: authentik.env")
	if got := l.read(l.path("secrets", "authentik", "authentik.env")); !strings.Contains(got, "first of authentik") {
		t.Errorf("authentik.env holds %q", got)
	}

	// Option 1: Start, and look at the logs until it is done.
	l.item("restic", "restic.env", map[string]string{"KEY": "second of restic"})
	export.exported("✓ Updated: restic.env")

	l.dailyExport(export)
	l.exportOnPush(export)
	l.permissions()
	stacks := l.consumers()
	l.enforcedOrder(export, stacks)
	l.simpleUpdate(export, stacks["authentik"])
	l.massRotation(export, stacks)
}

// printed returns the path of a block of the document, as it is printed there.
func printed(t testing.TB, name string) string {
	t.Helper()
	path, err := filepath.Abs(filepath.Join("testdata", "workflow", name+".toml"))
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// exported starts op-export, and waits until it has said something new and is
// done.
func (s *stack) exported(want string) {
	s.t.Helper()
	before := strings.Count(s.must("stack", "logs", s.name, "--tail", "0"), want)
	s.must("stack", "start", s.name)
	s.wait("the export", func() bool {
		return strings.Count(s.must("stack", "logs", s.name, "--tail", "0"), want) > before && s.containers()["op-export"].State.Status == "exited"
	})
}

// says runs a command whose output must hold a text.
func (l *lab) says(line, want string) {
	l.t.Helper()
	if got := l.must(strings.Fields(line)...); !strings.Contains(got, want) {
		l.t.Errorf("rinca %s does not say %q:\n%s", line, want, got)
	}
}

// dailyExport is option 2: a procedure with a schedule.
func (l *lab) dailyExport(export *stack) {
	l.t.Helper()
	const name = "Daily Secrets Export"
	l.must("sync", "apply", printed(l.t, "daily"))
	r := l.rinca("sync", "plan", printed(l.t, "daily"))
	if r.code != 0 {
		l.t.Errorf("applied, it still differs: %s", r)
	}
	var all []rinca.Scheduled
	l.api("GET", "/v1/schedules", nil, &all)
	i := slices.IndexFunc(all, func(s rinca.Scheduled) bool { return s.Target.Name == name })
	if i < 0 || len(all[i].Next) == 0 || all[i].Next[0].UTC().Format("15:04:05") != "02:00:00" || time.Until(all[i].Next[0]) > 24*time.Hour {
		l.t.Fatalf("the schedule is %+v", all)
	}
	l.item("authentik", "authentik.env", map[string]string{"KEY": "second of authentik"})
	l.must("procedure", "run", name)
	l.says("stack logs op-export", "✓ Updated: authentik.env")
	if u := export.last(); u.State != rinca.Succeeded || u.Parent == "" {
		l.t.Errorf("the update of op-export is %s, of parent %q", u.State, u.Parent)
	}
}

// exportOnPush is option 3: a webhook with a path of its own.
func (l *lab) exportOnPush(export *stack) {
	l.t.Helper()
	l.must("sync", "apply", printed(l.t, "push"))
	secret := strings.TrimSpace(l.must("webhook", "secret", "set", "procedure/Export Secrets on Push", "--generate", "-q"))
	push := func(secret, id, file string) heard {
		fields := commits(strings.Repeat("1", 40), strings.Repeat("2", 40), file)
		fields["repository"] = map[string]any{"full_name": "lab/homelab", "clone_url": "file://" + export.work, "default_branch": "main"}
		answer, err := l.push(l.server.url+"/listener/github/export-secrets", secret, id, fields)
		if err != nil {
			l.t.Fatal(err)
		}
		return answer
	}
	if a := push(secret, "one", "docs/README.md"); a.status != 200 || a.Ignored == "" {
		l.t.Errorf("a push of another folder: %+v", a)
	}
	before := export.containers()["op-export"].State.StartedAt
	if a := push(secret, "two", "stack/compose.yaml"); a.status != 200 || len(a.Started) != 1 {
		l.t.Errorf("a push of the folder: %+v", a)
	}
	l.wait("the export", func() bool { return export.containers()["op-export"].State.StartedAt != before })
	l.wait("the end of it", func() bool { return export.last().State.Final() })
	if u := export.last(); u.State != rinca.Succeeded || !strings.Contains(u.Cause, "push") {
		l.t.Errorf("%s, caused by %q", u.State, u.Cause)
	}
	if a := push("", "three", "stack/compose.yaml"); a.status != 401 {
		l.t.Errorf("an empty secret is answered %+v", a)
	}
}

// permissions is "Permissioning for Secrets".
func (l *lab) permissions() {
	l.t.Helper()
	l.must("sync", "apply", printed(l.t, "permissions"))
	l.must("user", "create", "olga", "--service")
	l.must("group", "set", "platform-members", "--user", "olga")
	var g rinca.UserGroup
	l.api("GET", "/v1/groups/platform-ops", nil, &g)
	if g.All[rinca.KindStack].Level != rinca.Execute || g.On(rinca.Target{Kind: rinca.KindStack, Name: "op-export"}).Level != rinca.Write {
		l.t.Errorf("the group is %+v", g)
	}
}

// consumers are the stacks that read what op-export wrote; authentik is
// declared in TOML, with its configuration where the document has a comment.
func (l *lab) consumers() map[string]*stack {
	l.t.Helper()
	stacks := map[string]*stack{}
	for _, name := range []string{"authentik", "restic", "uptime-kuma"} {
		s := l.newStack(l.t, name, map[string]string{"compose.yaml": strings.ReplaceAll(consumer, "NAME", name)}, "--after", "op-export", "--no-secrets")
		stacks[name] = s
	}
	return stacks
}

// enforcedOrder is "Enforcing Deploy Order": authentik comes after op-export.
func (l *lab) enforcedOrder(export *stack, stacks map[string]*stack) {
	l.t.Helper()
	a := stacks["authentik"]
	l.must("stack", "delete", "authentik", "--yes")
	config := fmt.Sprintf("repo = \"file://%s\"\nbranch = \"main\"\nrun_directory = \"stack\"\nproject_name = %q\nsecrets.skip = true\nenvironment = \"\"\"\n", a.work, a.project)
	variables := l.read("testdata/workflow/variables.toml")
	_, text, _ := strings.Cut(variables, "\"\"\"\n")
	filled := strings.Replace(l.read("testdata/workflow/after.toml"), "# authentik configuration...", config+text, 1)
	l.write("after.toml", filled)
	// The variables that it names do not exist yet: it says so, and leaves it.
	r := l.rinca("sync", "apply", l.path("after.toml"))
	if r.code == 0 || !strings.Contains(r.out+r.err, "DB_PASSWORD_GLOBAL") {
		l.t.Errorf("without its variables: %s", r)
	}
	l.variable("DB_PASSWORD_GLOBAL", "of the database", "--secret")
	l.variable("SHARED_SECRET", "shared by several", "--secret")
	l.must("sync", "apply", l.path("after.toml"))
	if u := a.last(); u.State != rinca.Succeeded {
		l.t.Errorf("authentik %s: %+v", u.State, u.Error)
	}
	if got := a.containers()["app"].env("KEY"); got != "second of authentik" {
		l.t.Errorf("authentik has KEY=%s", got)
	}
	// It does not come before op-export is good.
	export.edit("VAULT: homelab", "VAULT: nowhere")
	l.fails(1, []string{"op-export"}, "stack", "deploy", "authentik", "--with-dependencies", "--force")
	export.edit("VAULT: nowhere", "VAULT: homelab")
	l.must("stack", "deploy", "restic", "uptime-kuma", "--with-dependencies")
	for name, s := range stacks {
		if b := s.containers()["app"]; b.State.Status != "running" {
			l.t.Errorf("%s is %q", name, b.State.Status)
		}
	}
	for _, bad := range []struct{ text, want string }{
		{`after = ["op-exprot"]`, "op-export"}, {`after = ["authentik"]`, "authentik"},
	} {
		l.write("bad.toml", strings.Replace(filled, `after = ["op-export"]`, bad.text, 1))
		r := l.rinca("sync", "plan", l.path("bad.toml"))
		if r.code != 1 && r.code != 3 || !strings.Contains(r.out+r.err, bad.want) {
			l.t.Errorf("%s: %s", bad.text, r)
		}
	}
}

// simpleUpdate is "Simple Update", steps 1 to 4.
func (l *lab) simpleUpdate(export, authentik *stack) {
	l.t.Helper()
	l.must("op", "item", "edit", "authentik.env", "--vault", "homelab", "KEY=third of authentik")
	l.must("stack", "start", "op-export")
	l.wait("the export", func() bool {
		return strings.Contains(l.must("stack", "logs", "op-export"), "✓ Updated: authentik.env")
	})
	if got := l.read(filepath.Join(l.path("secrets"), "authentik", "authentik.env")); !strings.Contains(got, "third of authentik") {
		l.t.Errorf("authentik.env holds %q", got)
	}
	authentik.deploy()
	if got := authentik.containers()["app"].env("KEY"); got != "third of authentik" {
		l.t.Errorf("authentik has KEY=%s", got)
	}
}

// massRotation is "Mass Rotation": the export, and then one command for every
// stack that it concerns.
func (l *lab) massRotation(export *stack, stacks map[string]*stack) {
	l.t.Helper()
	for name := range stacks {
		l.must("op", "item", "edit", name+".env", "--vault", "homelab", "KEY=rotated "+name)
	}
	export.deploy()
	before := export.containers()["op-export"]
	l.must("rotate")
	for name, s := range stacks {
		if got := s.containers()["app"].env("KEY"); got != "rotated "+name {
			l.t.Errorf("%s has KEY=%s", name, got)
		}
	}
	if after := export.containers()["op-export"]; after.ID != before.ID {
		l.t.Error("a rotation made op-export anew")
	}
	l.must("drift")
}
