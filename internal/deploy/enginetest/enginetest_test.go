package enginetest_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"rinca/internal/deploy/enginetest"
)

func TestEngineRunsContainersOfLocalImages(t *testing.T) {
	e := enginetest.Start(t)
	image := e.Image(t, "demo")
	if image != "demo:latest" {
		t.Errorf("image is named %s", image)
	}
	out := e.Docker(t, "run", "--rm", "-e", "A=b c", image, "print")
	if !strings.Contains(out, `env "A=b c"`) {
		t.Errorf("the container printed %q", out)
	}
	before := e.Docker(t, "image", "inspect", "-f", "{{.ID}}", image)
	e.MakeImage(t, image, "other")
	if after := e.Docker(t, "image", "inspect", "-f", "{{.ID}}", image); after == before {
		t.Error("another mark is the same image")
	}
}

func TestEngineSurvivesAPowerCut(t *testing.T) {
	e := enginetest.StartOwn(t)
	image := e.Image(t, "demo")
	e.Docker(t, "run", "-d", "--name", "lasting", image)
	e.Kill(t)
	e.Restart(t)
	if out := e.Docker(t, "ps", "-a", "--format", "{{.Names}}"); out != "lasting" {
		t.Errorf("containers after: %q", out)
	}
}

// A test binary that is killed leaves no engine behind.
func TestEngineEndsWithTheTest(t *testing.T) {
	enginetest.Start(t)
	if os.Getenv("ENGINETEST_CHILD") != "" {
		e := enginetest.Start(t)
		_ = os.WriteFile(os.Getenv("ENGINETEST_CHILD"), []byte(e.Socket), 0o600)
		select {}
	}
	note := filepath.Join(t.TempDir(), "socket")
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestEngineEndsWithTheTest$")
	cmd.Env = append(os.Environ(), "ENGINETEST_CHILD="+note)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var socket []byte
	waitFor(t, "the child's engine", func() bool {
		socket, _ = os.ReadFile(note)
		return len(socket) > 0
	})
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait()
	waitFor(t, "its end", func() bool {
		_, err := os.Stat(filepath.Dir(string(socket)))
		return os.IsNotExist(err)
	})
}

func waitFor(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); !ok(); time.Sleep(50 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("waited in vain for %s", what)
		}
	}
}
