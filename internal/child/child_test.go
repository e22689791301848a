package child_test

import (
	"bytes"
	"context"
	"io"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/creack/pty"
	"github.com/google/go-cmp/cmp"

	"rinca/internal/child"
	"rinca/internal/redact"
	"rinca/internal/rinca"
	"rinca/internal/vault"
)

// one is a vault with one item.
type one struct{ calls int }

const vaultID, itemID = "vvvvvvvvvvvvvvvvvvvvvvvvvv", "iiiiiiiiiiiiiiiiiiiiiiiiii"

func (o *one) Vaults(context.Context) ([]rinca.Vault, error) {
	o.calls++
	return []rinca.Vault{{ID: vaultID, Name: "v"}}, nil
}

func (o *one) Items(context.Context, string) ([]rinca.Info, error) {
	o.calls++
	return []rinca.Info{{ID: itemID, Title: "i"}}, nil
}

func (o *one) Get(context.Context, string, ...string) ([]rinca.Item, error) {
	o.calls++
	return []rinca.Item{{Info: rinca.Info{ID: itemID, Title: "i"}, Fields: []rinca.Field{
		{ID: "a", Label: "PW", Value: rinca.NewSecret("hunter2-secret")},
		{ID: "b", Label: "NUL", Value: rinca.NewSecret("a\x00b")},
	}}}, nil
}

func (o *one) ReadFile(context.Context, string, string, string) (rinca.Secret, error) {
	return rinca.Secret{}, rinca.Errorf(rinca.NotFound, "no files")
}

func TestEnviron(t *testing.T) {
	e, err := child.NewEnviron(
		[]string{"HOME=/h", "A=process", "REF=op://v/i/PW", "STAGE=i", "DROP=x", "=bad", "bad"},
		child.File{Name: "one.env", Data: []byte("A=one\nB=\"$A-$HOME-$NONE\"\nC='op://v/i/PW'\nKEEP\nHOME\n")},
		child.File{Name: "two.env", Data: []byte("A=two\nD=op://v/$STAGE/pw\nE='op://v/${STAGE}/PW'\nF=not op://v/i/PW\n")},
	)
	if err != nil {
		t.Fatal(err)
	}
	e.Unset("DROP", "NEVER")
	if diff := cmp.Diff([]string{"REF", "C", "D", "E"}, e.Refs()); diff != "" {
		t.Error(diff)
	}
	p := &one{}
	secrets, err := e.Resolve(t.Context(), &vault.Resolver{Provider: p})
	if err != nil || len(secrets) != 4 || p.calls != 3 {
		t.Error(len(secrets), p.calls, err)
	}
	want := []string{
		"HOME=/h", "A=two", "REF=hunter2-secret", "STAGE=i", "B=one-/h-", "C=hunter2-secret",
		"D=hunter2-secret", "E=hunter2-secret", "F=not op://v/i/PW",
	}
	if diff := cmp.Diff(want, e.List()); diff != "" {
		t.Error(diff)
	}
}

func TestEnvironReportsAll(t *testing.T) {
	e, err := child.NewEnviron([]string{"A=op://v/i/PW", "B=op://v/i/NOPE", "C=op://x"}, child.File{Name: "f.env", Data: []byte("\nD=op://w/i/PW\nE=op://v/i/NUL\nF='op://$GONE/i/PW'\n")})
	if err != nil {
		t.Fatal(err)
	}
	before := e.List()
	_, err = e.Resolve(t.Context(), &vault.Resolver{Provider: &one{}})
	for _, part := range []string{
		"B (environment): op://v/i/NOPE: item 'v/i' does not have a field 'NOPE'", "C (environment): invalid secret reference",
		"D (f.env:2): op://w/i/PW: vault 'w' not found", "E (f.env:3): op://v/i/NUL: the value holds a NUL byte", "F (f.env:4): variable GONE is not set",
	} {
		if err == nil || !strings.Contains(err.Error(), part) {
			t.Errorf("%q is not in %v", part, err)
		}
	}
	if diff := cmp.Diff(before, e.List()); diff != "" {
		t.Error(diff)
	}
	if _, err := child.NewEnviron(nil, child.File{Name: "f.env", Data: []byte("A='x\n")}); err == nil || !strings.HasPrefix(err.Error(), "f.env: ") {
		t.Error(err)
	}
}

// run runs a shell script with a value masked.
func run(t *testing.T, script, stdin string) (status int, stdout, stderr string) {
	t.Helper()
	var out, errs bytes.Buffer
	c := child.Command{
		Args: []string{"sh", "-c", script}, Env: []string{"PATH=" + os.Getenv("PATH"), "PW=hunter2-secret"},
		Stdin: strings.NewReader(stdin), Stdout: &out, Stderr: &errs,
		Mask: redact.New([]rinca.Secret{rinca.NewSecret("hunter2-secret")}),
	}
	status, err := c.Run()
	if err != nil {
		t.Errorf("%s: %v", script, err)
	}
	return status, out.String(), errs.String()
}

func TestRunMasksAndPassesOn(t *testing.T) {
	status, out, errs := run(t, `cat; echo "o $PW"; echo "e $PW" >&2; printf %s "$PW" | base64; printf '%s' hunter2-; sleep 0.05; printf 'secret.'; exit 7`, "in\n")
	if status != 7 || out != "in\no "+redact.Mask+"\n"+redact.Mask+"\n"+redact.Mask+"." || errs != "e "+redact.Mask+"\n" {
		t.Errorf("%d %q %q", status, out, errs)
	}
}

func TestRunStatus(t *testing.T) {
	for script, want := range map[string]int{"exit 0": 0, "exit 255": 255, "kill -TERM $$": 143, "kill -KILL $$": 137} {
		if status, _, _ := run(t, script, ""); status != want {
			t.Errorf("%s: %d, want %d", script, status, want)
		}
	}
	dir := t.TempDir()
	if err := os.WriteFile(dir+"/plain", nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for arg, want := range map[string]int{"no-such-command-here": 127, dir + "/gone": 127, dir + "/plain": 126, dir: 126} {
		c := child.Command{Args: []string{arg}, Mask: redact.New(nil)}
		if status, err := c.Run(); status != want || err == nil {
			t.Errorf("%s: %d, %v", arg, status, err)
		}
	}
}

// await is a buffer that can be waited on.
type await struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (a *await) Write(p []byte) (int, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.buf.Write(p)
}

func (a *await) wait(t *testing.T, text string) {
	t.Helper()
	for end := time.Now().Add(10 * time.Second); time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
		a.mu.Lock()
		found := strings.Contains(a.buf.String(), text)
		a.mu.Unlock()
		if found {
			return
		}
	}
	t.Fatalf("no %q in %q", text, a.buf.String())
}

// TestRunForwardsSignals, and shows a prompt without a newline at once.
func TestRunForwardsSignals(t *testing.T) {
	var out await
	in, answer := io.Pipe()
	defer answer.Close()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	go func() { _, _ = io.Copy(w, in) }()
	c := child.Command{
		Args:  []string{"sh", "-c", `for s in HUP USR1 USR2 WINCH TERM; do trap "echo got $s" $s; done; printf 'Password: '; while :; do read -r x || continue; echo "$x"; [ "$x" = end ] && exit 9; done`},
		Stdin: r, Stdout: &out, Stderr: &out, Env: os.Environ(),
		Mask: redact.New([]rinca.Secret{rinca.NewSecret("hunter2-secret")}),
	}
	status := make(chan int)
	go func() {
		s, _ := c.Run()
		status <- s
	}()
	out.wait(t, "Password: ")
	for name, s := range map[string]syscall.Signal{"HUP": syscall.SIGHUP, "USR1": syscall.SIGUSR1, "USR2": syscall.SIGUSR2, "TERM": syscall.SIGTERM} {
		if err := syscall.Kill(os.Getpid(), s); err != nil {
			t.Fatal(err)
		}
		_, _ = io.WriteString(answer, "tick\n")
		out.wait(t, "got "+name)
	}
	_, _ = io.WriteString(answer, "end\n")
	if s := <-status; s != 9 {
		t.Errorf("status %d", s)
	}
}

// TestRunEndsWhenAskedTo, although the command left a process behind that
// keeps the output open.
func TestRunEndsWhenAskedTo(t *testing.T) {
	var out await
	c := child.Command{
		Args: []string{"sh", "-c", "sleep 60 & echo pid $!"}, Env: os.Environ(),
		Stdout: &out, Stderr: &out, Mask: redact.New([]rinca.Secret{rinca.NewSecret("hunter2-secret")}),
	}
	done := make(chan int)
	go func() {
		s, _ := c.Run()
		done <- s
	}()
	out.wait(t, "\n")
	time.Sleep(50 * time.Millisecond)
	if err := syscall.Kill(os.Getpid(), syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	select {
	case <-done:
	case <-time.After(10 * time.Second):
		t.Error("still waiting")
	}
	_ = exec.CommandContext(t.Context(), "kill", strings.TrimSpace(strings.TrimPrefix(out.buf.String(), "pid "))).Run()
}

// TestRunOutputCannotBePassedOn: the command is not stuck on it.
func TestRunOutputCannotBePassedOn(t *testing.T) {
	c := child.Command{
		Args: []string{"sh", "-c", "head -c 1000000 /dev/zero; exit 3"}, Env: os.Environ(),
		Stdout: full{}, Stderr: io.Discard, Mask: redact.New([]rinca.Secret{rinca.NewSecret("hunter2-secret")}),
	}
	if status, err := c.Run(); status != 3 || rinca.CodeOf(err) != rinca.Destination {
		t.Error(status, err)
	}
}

type full struct{}

func (full) Write([]byte) (int, error) { return 0, syscall.ENOSPC }

// TestRunOnTerminal: an interrupt at the terminal reaches the command once.
func TestRunOnTerminal(t *testing.T) {
	if os.Getenv("CHILD_TERMINAL") != "" {
		c := child.Command{
			Args: []string{"sh", "-c", `n=0; trap 'n=$((n+1))' INT; echo ready; read -r x; sleep 0.3; echo "interrupts $n $(test -t 0 && echo tty)"`},
			Env:  os.Environ(), Stdin: os.Stdin, Stdout: os.Stdout, Stderr: os.Stderr,
			Mask: redact.New([]rinca.Secret{rinca.NewSecret("hunter2-secret")}),
		}
		status, _ := c.Run()
		os.Exit(status)
	}
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestRunOnTerminal$")
	cmd.Env = append(os.Environ(), "CHILD_TERMINAL=1")
	tty, err := pty.Start(cmd)
	if err != nil {
		t.Skip("no terminal here:", err)
	}
	defer tty.Close()
	var out await
	go func() { _, _ = io.Copy(&out, tty) }()
	out.wait(t, "ready")
	_, _ = tty.WriteString("\x03")
	time.Sleep(200 * time.Millisecond)
	_, _ = tty.WriteString("\n")
	out.wait(t, "interrupts ")
	_ = cmd.Wait()
	out.wait(t, "interrupts 1 tty")
}

// TestRunAsFirstProcess: in a container, orphans do not stay as zombies.
func TestRunAsFirstProcess(t *testing.T) {
	if os.Getenv("CHILD_FIRST") != "" {
		if os.Getpid() != 1 {
			os.Exit(99)
		}
		c := child.Command{
			Args: []string{"sh", "-c", `for i in 1 2 3; do sh -c '(sleep 0.1; exit 3) & exit 0'; done; sleep 0.4; cat /proc/[0-9]*/stat`},
			Env:  os.Environ(), Stdout: os.Stdout, Stderr: os.Stderr,
			Mask: redact.New([]rinca.Secret{rinca.NewSecret("hunter2-secret")}),
		}
		status, _ := c.Run()
		os.Exit(status)
	}
	cmd := exec.CommandContext(t.Context(), "unshare", "-p", "-f", "--mount-proc", os.Args[0], "-test.run=^TestRunAsFirstProcess$")
	cmd.Env = append(os.Environ(), "CHILD_FIRST=1")
	out, err := cmd.CombinedOutput()
	if err != nil && len(out) == 0 || strings.Contains(string(out), "unshare") {
		t.Skipf("no namespaces here: %v %s", err, out)
	}
	if err != nil || !strings.Contains(string(out), "(sh) ") || strings.Contains(string(out), ") Z ") {
		t.Errorf("%v: %s", err, out)
	}
}
