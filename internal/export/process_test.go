package export_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"rinca/internal/cli"
	"rinca/internal/rinca"
	"rinca/internal/vault/embedded"
)

// TestMain makes the test binary rinca itself when asked to be, so that tests
// run, and kill, real processes.
func TestMain(m *testing.M) {
	if os.Getenv("EXPORT_TEST_RINCA") != "" {
		os.Exit(cli.Main(context.Background(), cli.Env{
			Args: os.Args, Environ: os.Environ(), Stdin: os.Stdin, Stdout: os.Stdout, Stderr: os.Stderr,
		}))
	}
	os.Exit(m.Run())
}

// homelab is an embedded vault, and a destination.
type homelab struct {
	*testing.T
	home, dest string
	db         *embedded.DB
	vault      rinca.Vault
}

func newHomelab(t *testing.T) *homelab {
	t.Helper()
	h := &homelab{T: t, home: filepath.Join(t.TempDir(), "home"), dest: filepath.Join(t.TempDir(), "secrets")}
	cfg := embedded.Config{Dir: h.home}
	if err := embedded.Init(t.Context(), cfg, rinca.Secret{}); err != nil {
		t.Fatal(err)
	}
	var err error
	if h.db, err = embedded.Open(t.Context(), cfg); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { h.db.Close() })
	if h.vault, err = h.db.CreateVault(t.Context(), "homelab", ""); err != nil {
		t.Fatal(err)
	}
	return h
}

func (h *homelab) create(stack, title string, pairs ...string) rinca.Item {
	h.Helper()
	item := rinca.Item{Info: rinca.Info{
		VaultID: h.vault.ID, Title: title, Category: rinca.CategorySecureNote, Tags: []string{rinca.StackTag + stack},
	}}
	for _, p := range pairs {
		k, v, _ := strings.Cut(p, "=")
		item.Fields = append(item.Fields, rinca.Field{Label: k, Type: rinca.TypeConcealed, Value: rinca.NewSecret(v)})
	}
	item, err := h.db.Create(h.Context(), item)
	if err != nil {
		h.Fatal(err)
	}
	return item
}

// rinca prepares a process of the real program.
func (h *homelab) rinca(args ...string) *exec.Cmd {
	cmd := exec.Command(os.Args[0], args...)
	cmd.Env = []string{
		"EXPORT_TEST_RINCA=1", "RINCA_HOME=" + h.home, "RINCA_PROVIDER=embedded", "DEST_ROOT=" + h.dest,
		"HOME=" + h.home, "TMPDIR=" + h.TempDir(), "PATH=" + os.Getenv("PATH"),
	}
	return cmd
}

// run runs it, and returns its status and what it printed.
func (h *homelab) run(args ...string) (int, string) {
	h.Helper()
	out, err := h.rinca(args...).CombinedOutput()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		h.Fatal(err)
	}
	if exit != nil {
		return exit.ExitCode(), string(out)
	}
	return 0, string(out)
}

func (h *homelab) must(args ...string) string {
	h.Helper()
	status, out := h.run(args...)
	if status != 0 {
		h.Fatalf("rinca %s: status %d\n%s", strings.Join(args, " "), status, out)
	}
	return out
}

// kills is how often an export is killed: enough for every change of the code,
// and all of it with RINCA_SOAK=1.
func kills() int {
	if os.Getenv("RINCA_SOAK") != "" {
		return 300
	}
	return 30
}

// An export that rewrites 60 files is killed at random moments. A reader sees
// whole files all the time, and after the next command, whatever it is, each
// stack has all its old files or all its new ones.
func TestKilledExport(t *testing.T) {
	h := newHomelab(t)
	// The format changes every file; the vault need not.
	old, new := map[string]string{}, map[string]string{}
	for s, files := range []int{33, 3, 3, 3, 3, 3, 3, 3, 3, 3} {
		for f := range files {
			value := fmt.Sprintf("secret of %d %d ", s, f) + strings.Repeat("x", 3000)
			stack, title := fmt.Sprintf("s%02d", s), fmt.Sprintf("f%d.env", f)
			h.create(stack, title, "K="+value)
			old[stack+"/"+title] = "K=" + value + "\n"
			new[stack+"/"+title] = "K='" + value + "'\n"
		}
	}
	formats := []string{"raw", "sh"}
	h.must("export", "--all", "--format", formats[0])
	start := time.Now()
	h.must("export", "--all", "--format", formats[1])
	full := time.Since(start)

	stop, torn := h.reader(old, new)
	killed, recovered := 0, 0
	for i := range kills() {
		format := formats[0]
		if now, err := os.ReadFile(filepath.Join(h.dest, "s09/f2.env")); err == nil && string(now) == old["s09/f2.env"] {
			format = formats[1] // so that there is something to do
		}
		cmd := h.rinca("export", "--all", "--format", format)
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		h.moment(i, full)
		_ = cmd.Process.Kill()
		if err := cmd.Wait(); err != nil {
			killed++
		}
		status, out := h.run("export", "--all", "--plan", "--format", format)
		if status != 0 && status != 2 {
			t.Fatalf("the next command: status %d\n%s", status, out)
		}
		if strings.Contains(out, "an interrupted export was") {
			recovered++
		}
		h.wholeStacks(i, old, new)
	}
	stop()
	t.Logf("%d exports, %d killed, %d of them between renames", kills(), killed, recovered)
	if n := torn.Load(); n > 0 {
		t.Errorf("a reader saw %d files that were neither old nor new", n)
	}
	if killed < kills()/4 {
		t.Errorf("only %d of %d exports were killed before they ended", killed, kills())
	}
	h.must("export", "--all", "--format", "sh")
	for name, want := range new {
		if got, err := os.ReadFile(filepath.Join(h.dest, name)); err != nil || string(got) != want {
			t.Errorf("%s in the end: %d bytes, %v", name, len(got), err)
		}
	}
	h.noLeftovers()
}

// moment waits for a random moment of an export: of all of it in even rounds,
// and in odd ones of the short time in which files get their names.
func (h *homelab) moment(round int, full time.Duration) {
	if round%2 == 0 {
		time.Sleep(time.Duration(rand.Int64N(int64(full))))
		return
	}
	for end := time.Now().Add(2 * full); time.Now().Before(end); {
		if _, err := os.Lstat(filepath.Join(h.dest, ".rinca/journal")); err == nil {
			time.Sleep(time.Duration(rand.Int64N(int64(2 * time.Millisecond))))
			return
		}
		time.Sleep(50 * time.Microsecond)
	}
}

// reader reads all files again and again, as a consumer would.
func (h *homelab) reader(old, new map[string]string) (stop func(), torn *atomic.Int64) {
	torn = &atomic.Int64{}
	ctx, cancel := context.WithCancel(h.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		for ctx.Err() == nil {
			for name := range old {
				data, err := os.ReadFile(filepath.Join(h.dest, name))
				if err != nil || (string(data) != old[name] && string(data) != new[name]) {
					torn.Add(1)
				}
			}
			time.Sleep(2 * time.Millisecond)
		}
	}()
	return func() { cancel(); <-done }, torn
}

// wholeStacks checks that no stack has files of both kinds.
func (h *homelab) wholeStacks(round int, old, new map[string]string) {
	h.Helper()
	kind := map[string]string{}
	for name := range old {
		data, err := os.ReadFile(filepath.Join(h.dest, name))
		if err != nil {
			h.Fatal(err)
		}
		is := "old"
		switch string(data) {
		case new[name]:
			is = "new"
		case old[name]:
		default:
			h.Fatalf("round %d: %s is neither", round, name)
		}
		stack := filepath.Dir(name)
		if kind[stack] != "" && kind[stack] != is {
			h.Fatalf("round %d: stack %s is half replaced", round, stack)
		}
		kind[stack] = is
	}
}

func (h *homelab) noLeftovers() {
	h.Helper()
	_ = filepath.Walk(h.dest, func(path string, _ os.FileInfo, _ error) error {
		if strings.HasSuffix(path, ".tmp") || strings.HasSuffix(path, "journal") {
			h.Errorf("left behind: %s", path)
		}
		return nil
	})
}

// Two exports at once do not interleave; both succeed.
func TestTwoExportsAtOnce(t *testing.T) {
	h := newHomelab(t)
	for f := range 30 {
		h.create("a", fmt.Sprintf("f%02d.env", f), fmt.Sprintf("K=a b %d", f))
	}
	h.must("export", "a")
	for range 5 {
		var cmds []*exec.Cmd
		var outs []*bytes.Buffer
		for _, format := range []string{"raw", "sh", "raw", "sh"} {
			cmd, out := h.rinca("export", "a", "--format", format), &bytes.Buffer{}
			cmd.Stdout, cmd.Stderr = out, out
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			cmds, outs = append(cmds, cmd), append(outs, out)
		}
		for i, cmd := range cmds {
			if err := cmd.Wait(); err != nil {
				t.Errorf("%v\n%s", err, outs[i])
			}
		}
		quoted := 0
		for f := range 30 {
			data, err := os.ReadFile(filepath.Join(h.dest, fmt.Sprintf("a/f%02d.env", f)))
			if err != nil {
				t.Fatal(err)
			}
			quoted += strings.Count(string(data), "'") / 2
		}
		if quoted != 0 && quoted != 30 {
			t.Errorf("%d of 30 files are of one export, the rest of another", quoted)
		}
	}
	h.noLeftovers()
}
