package scenario_test

import (
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"rinca/internal/rinca"
)

// The workflow's compose file for op-export, as it is written: an unquoted
// [[NAME]], a folded command, and $s that is the shell's. Only the path and
// the token are ours. Then a stack that reads what it exported, and a rotation.
func TestTheDocument(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	l.opImage()
	script := l.read("testdata/op-export-stack-env.sh")
	l.write("scripts/op-export-stack-env.sh", script)
	if err := os.Chmod(l.path("scripts/op-export-stack-env.sh"), 0o755); err != nil {
		t.Fatal(err)
	}
	const token = "ops_token-of-the-scenario: it's \"odd\" #1 $HOME"
	l.variable("OP_SERVICE_ACCOUNT_TOKEN", token, "--secret")
	l.item("authentik", "authentik.env", map[string]string{"AUTHENTIK_SECRET_KEY": "first-key-in-the-vault"})
	l.item("authentik", "postgres.env", map[string]string{"POSTGRES_PASSWORD": "first-password"})
	l.item("restic", "restic.env", map[string]string{"RESTIC_PASSWORD": "restic-password"})
	l.item("uptime-kuma", "uptime-kuma.env", map[string]string{"KUMA_PASSWORD": "kuma-password"})

	compose := strings.ReplaceAll(l.read("testdata/op-export.yaml"), "/mnt/apps01", l.dir)
	export := l.newStack(t, "op-export", map[string]string{"compose.yaml": compose}, "--host-path", l.dir)
	u := export.deploy()
	if u.State != rinca.Succeeded {
		t.Errorf("op-export %s", u.State)
	}
	ran := export.containers()["op-export"]
	if ran.State.Status != "exited" || ran.State.ExitCode != 0 {
		t.Errorf("its container is %s with %d", ran.State.Status, ran.State.ExitCode)
	}
	if got := ran.env("OP_SERVICE_ACCOUNT_TOKEN"); got != token {
		t.Errorf("the token arrived as %q", got)
	}
	for _, want := range []string{"✓ Exported: authentik.env", "✓ Exported: postgres.env", "✓ Exported: restic.env", "✓ Exported: uptime-kuma.env"} {
		if got := l.must("stack", "logs", "op-export"); !strings.Contains(got, want) {
			t.Errorf("the log has no %q:\n%s", want, got)
		}
	}

	// A stack that only reads the files: what it gets is op-export's work.
	authentik := l.newStack(t, "authentik", map[string]string{"compose.yaml": `
services:
  server:
    image: IMAGE
    env_file: [LAB/secrets/authentik/authentik.env]
  postgres:
    image: IMAGE
    env_file: [LAB/secrets/authentik/postgres.env]
`}, "--after", "op-export", "--no-secrets")
	authentik.deploy()
	before := authentik.containers()
	if got := before["server"].env("AUTHENTIK_SECRET_KEY"); got != "first-key-in-the-vault" {
		t.Errorf("AUTHENTIK_SECRET_KEY=%s", got)
	}

	// Rotate as the document says; deploying a stack of jobs runs them again.
	l.must("op", "item", "edit", "authentik.env", "--vault", "homelab", "AUTHENTIK_SECRET_KEY=second-key-in-the-vault")
	if got := authentik.plan(); got != nil {
		t.Errorf("before the export, the plan is %v", got)
	}
	if got := export.plan(); !slices.Equal(got, []string{"op-export start"}) {
		t.Errorf("the plan of a job is %v", got)
	}
	export.deploy()
	if again := export.containers()["op-export"]; again.ID != ran.ID || again.State.StartedAt == ran.State.StartedAt {
		t.Error("op-export did not run again in its container")
	}
	if got := l.must("stack", "logs", "op-export"); !strings.Contains(got, "✓ Updated: authentik.env") || !strings.Contains(got, "⊘ No changes: postgres.env") {
		t.Errorf("the log:\n%s", got)
	}
	l.fails(2, []string{"server", "env file", "AUTHENTIK_SECRET_KEY"}, "stack", "plan", "authentik")
	authentik.deploy()
	after := authentik.containers()
	if got := moved(before, after); !slices.Equal(got, []string{"server"}) {
		t.Errorf("moved: %v", got)
	}
	if got := after["server"].env("AUTHENTIK_SECRET_KEY"); got != "second-key-in-the-vault" {
		t.Errorf("after the rotation AUTHENTIK_SECRET_KEY=%s", got)
	}

	// All stacks at once, with nothing changed: the job is left alone too.
	ran = export.containers()["op-export"]
	l.must("stack", "deploy", "--all")
	if now := export.containers()["op-export"]; now.State.StartedAt != ran.State.StartedAt {
		t.Error("a deploy of all stacks, with nothing changed, ran op-export")
	}

	// A run that fails is a deploy that fails, with the container's last lines.
	// Then the last good one has run again.
	export.edit("VAULT: homelab", "VAULT: nowhere")
	export.refused("service op-export exited with 4", "vault 'nowhere' not found", "put back")
	if last := export.containers()["op-export"]; last.State.ExitCode != 0 || last.env("VAULT") != "homelab" {
		t.Errorf("after the failure it is %+v", last.State)
	}
}

// opImage makes an image of the name that the document has: a shell, jq, our
// program as op, and an apk that has nothing to add.
func (l *lab) opImage() {
	l.t.Helper()
	root := l.path("image")
	for _, dir := range []string{"bin", "etc", "tmp", "usr/local/bin"} {
		if err := os.MkdirAll(filepath.Join(root, dir), 0o755); err != nil {
			l.t.Fatal(err)
		}
	}
	l.copyProgram("busybox", filepath.Join(root, "bin", "busybox"))
	for _, name := range strings.Fields("sh mkdir cmp mv chmod cat") {
		if err := os.Symlink("busybox", filepath.Join(root, "bin", name)); err != nil {
			l.t.Fatal(err)
		}
	}
	l.copyProgram("jq", filepath.Join(root, "bin", "jq"))
	l.copyProgram(l.program, filepath.Join(root, "usr", "local", "bin", "op"))
	if err := os.WriteFile(filepath.Join(root, "bin", "apk"), []byte("#!/bin/sh\n[ \"$*\" = 'add --no-cache jq' ]\n"), 0o755); err != nil {
		l.t.Fatal(err)
	}
	cmd := exec.Command("go", "run", "./tools/image", "-name", "1password/op:2",
		"-env", "PATH=/usr/local/bin:/bin RINCA_PROVIDER=embedded RINCA_HOME="+l.path("home"), root)
	cmd.Dir, cmd.Env = filepath.Join("..", ".."), append(os.Environ(), "DOCKER_HOST="+l.engine.Address(), "GOFLAGS=")
	if out, err := cmd.CombinedOutput(); err != nil {
		l.t.Fatalf("make the image: %v\n%s", err, out)
	}
}

// copyProgram copies a program and the libraries that it needs into an image.
func (l *lab) copyProgram(name, to string) {
	l.t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		if os.Getenv("RINCA_REQUIRE_ENGINE") == "1" {
			l.t.Fatal(err)
		}
		l.t.Skipf("it needs %s", name)
	}
	root := filepath.Dir(filepath.Dir(to))
	files := map[string]string{path: to}
	out, _ := exec.Command("ldd", path).Output() // a program without libraries is an error to ldd
	for _, word := range strings.Fields(string(out)) {
		if filepath.IsAbs(word) && word != path {
			files[word] = filepath.Join(root, word)
		}
	}
	for from, to := range files {
		l.copyFile(from, to)
	}
}

func (l *lab) copyFile(from, to string) {
	l.t.Helper()
	if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
		l.t.Fatal(err)
	}
	in, err := os.Open(from)
	if err != nil {
		l.t.Fatal(err)
	}
	defer in.Close()
	out, err := os.OpenFile(to, os.O_CREATE|os.O_WRONLY, 0o755)
	if err != nil {
		l.t.Fatal(err)
	}
	defer out.Close()
	if _, err := io.Copy(out, in); err != nil {
		l.t.Fatal(err)
	}
}
