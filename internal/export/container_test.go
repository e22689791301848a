package export

import (
	"debug/elf"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// In a directory with nothing but the binary, as any user, with the variables
// of the export stack and no HOME: what the container image is.
func TestInAnEmptyRoot(t *testing.T) {
	needRoot(t)
	if !static(t, os.Args[0]) {
		t.Skip("needs a static test binary: CGO_ENABLED=0")
	}
	f := newFaulty(t)
	f.vault.put("authentik.env", stack("authentik"), "K=1")
	f.vault.put("restic.env", stack("restic"), "K=1")
	root := t.TempDir()
	bin, err := os.ReadFile(os.Args[0])
	if err != nil {
		t.Fatal(err)
	}
	apps := filepath.Join(root, "mnt/apps01")
	for _, err := range []error{
		os.WriteFile(filepath.Join(root, "rinca"), bin, 0o755),
		os.MkdirAll(apps, 0o755),
		os.Chown(apps, 999, 999),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	run := func() string {
		cmd := exec.Command("/rinca", "export")
		cmd.Dir = "/"
		cmd.SysProcAttr = &syscall.SysProcAttr{Chroot: root, Credential: &syscall.Credential{Uid: 999, Gid: 999}}
		cmd.Env = []string{
			"EXPORT_TEST_RINCA=1", "OP_CONNECT_HOST=" + f.server.URL, "OP_CONNECT_TOKEN=token", "VAULT=homelab",
			"DEST_ROOT=/mnt/apps01/secrets", "STACKS=authentik restic",
		}
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		return string(out)
	}
	if out := run(); !strings.Contains(out, "✓ Exported: authentik.env\n") || !strings.Contains(out, "✓ Exported: restic.env\n") {
		t.Errorf("it printed\n%s", out)
	}
	if out := run(); strings.Count(out, "⊘ No changes: ") != 2 {
		t.Errorf("it printed\n%s", out)
	}
	entries, err := os.ReadDir(root)
	if err != nil || len(entries) != 2 {
		t.Errorf("it wrote outside its destination: %v, %v", entries, err)
	}
	if f.requests.Load() != 5 {
		t.Errorf("%d requests; want 5", f.requests.Load())
	}
}

// static reports whether a program needs no loader.
func static(t *testing.T, path string) bool {
	t.Helper()
	f, err := elf.Open(path)
	if err != nil {
		return false
	}
	defer f.Close()
	return f.Section(".interp") == nil
}
