package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestNothingLeaks runs every command with recognisable values in the vault,
// at the most talkative log level, also against a server that fails, and then
// looks for them everywhere they must not be.
func TestNothingLeaks(t *testing.T) {
	if testing.Short() {
		t.Skip("short: the leak search takes some seconds")
	}
	l := newLab(t)
	l.seed()
	l.embedded()
	l.overConnect()
	l.watch.check(t)
}

// seed puts the canaries into the vault: through standard input and files,
// never through a command line.
func (l *lab) seed() {
	l.run(call{name: "rinca init"})
	in := filepath.Join(l.dir, "work", "in")
	if err := os.MkdirAll(filepath.Join(in, "web"), 0o700); err != nil {
		l.t.Fatal(err)
	}
	l.write("in/web/web.env.example", "# the stack web\nAPI_KEY=REPLACE_ME\nQUOTED=REPLACE_ME\nPEM=REPLACE_ME\nODD=REPLACE_ME\nPLAIN=8080\n")
	for i, key := range []string{"API_KEY", "QUOTED", "PEM", "ODD"} {
		l.write("in/"+key, canaries[i])
	}
	l.run(call{name: "rinca item create in/web/web.env.example --stack web --yes" +
		" --set-file API_KEY=in/API_KEY --set-file QUOTED=in/QUOTED --set-file PEM=in/PEM --set-file ODD=in/ODD"})
	l.write("in/web.tmpl", "key: {{ op://homelab/web.env/API_KEY }}\n")
	l.write("in/broken.tmpl", "key: {{ op://homelab/web.env/API_KEY }}\nbad: {{ op://homelab/web.env/NONE }}\n")
	l.write("in/run.env", "A=op://homelab/web.env/API_KEY\nB=op://homelab/web.env/PEM\nC=op://homelab/web.env/ODD\nD=op://homelab/web.env/QUOTED\n")
}

func (l *lab) write(name, text string) {
	if err := os.WriteFile(filepath.Join(l.dir, "work", name), []byte(text), 0o600); err != nil {
		l.t.Fatal(err)
	}
}

// embedded runs the commands on the embedded vault.
func (l *lab) embedded() {
	child := `set --; printf '%s|%s|%s|%s\n' "$A" "$B" "$C" "$D"; printf '%s' "$A" | base64; printf '%s' "$D" >&2; exit 3`
	calls := []call{
		{name: "rinca version --json"},
		{name: "rinca provider"},
		{name: "rinca provider --check --json"},
		{name: "rinca item create in/web/web.env.example --stack web --yes --skip"},
		{name: "rinca item create in/web/web.env.example --stack web --yes --update --set-file API_KEY=in/API_KEY --json"},
		{name: "rinca item lint --all"},
		{name: "rinca item lint --all --json"},
		{name: "rinca item show web.env"},
		{name: "rinca item list --json"},
		{name: "rinca export web --plan", fails: true},
		{name: "rinca export web --plan --json", fails: true},
		{name: "rinca export web"},
		{name: "rinca export web"},
		{name: "rinca export --all --json"},
		{name: "rinca export web --format raw", fails: true},
		{name: "rinca export none", fails: true},
		{name: "rinca export web --vault none", fails: true},
		{name: "rinca export web --dest /dev/null/x", fails: true},
		{name: "rinca inject -i in/web.tmpl -o out/web.yml -f"},
		{name: "rinca inject -i in/web.tmpl", shows: true},
		{name: "rinca inject -i in/broken.tmpl -o out/broken.yml -f", fails: true},
		{name: "rinca read op://homelab/web.env/API_KEY", shows: true},
		{name: "rinca read op://homelab/web.env/NONE", fails: true},
		{name: "rinca doctor"},
		{name: "rinca doctor --json"},
		{name: "rinca vault list"},
		{name: "rinca vault check"},
		{name: "op vault list"},
		{name: "op vault get homelab --format json"},
		{name: "op item list --vault homelab"},
		{name: "op item list --vault homelab --format json"},
		{name: "op item get web.env --vault homelab"},
		{name: "op item get web.env --vault homelab --format json", shows: true},
		{name: "op item get web.env --vault homelab --fields API_KEY"},
		{name: "op item get web.env --vault homelab --fields API_KEY --reveal", shows: true},
		{name: "op item get none --vault homelab", fails: true},
		{name: "op read op://homelab/web.env/API_KEY", shows: true},
		{name: "op read op://homelab/web.env/NONE", fails: true},
		{name: "op read op://homelab/none/API_KEY", fails: true},
		{name: "op inject", stdin: "x {{ op://homelab/web.env/API_KEY }} {{ op://homelab/web.env/NONE }}", fails: true},
		{name: "op whoami"},
		{name: "op signin"},
		{name: "op service-account ratelimit"},
		{name: "rinca key rotate"},
		{name: "rinca export web"},
		{name: "rinca vault check"},
	}
	if err := os.MkdirAll(filepath.Join(l.dir, "work", "out"), 0o700); err != nil {
		l.t.Fatal(err)
	}
	for _, c := range calls {
		l.run(c)
	}
	for _, program := range []string{"rinca run", "op run"} {
		l.runChild(program, child)
	}
}

// runChild: the child of `run` sees the values, and its output does not show
// them, in whatever form.
func (l *lab) runChild(program, script string) {
	l.t.Helper()
	args := append(strings.Fields(program), "--env-file", "in/run.env", "--", "sh", "-c", ": the child; "+script)
	cmd := exec.CommandContext(l.t.Context(), filepath.Join(l.bin, args[0]), args[1:]...)
	cmd.Env, cmd.Dir = l.env, filepath.Join(l.dir, "work")
	out, err := cmd.CombinedOutput()
	if cmd.ProcessState.ExitCode() != 3 {
		l.t.Errorf("%s: the child's status is lost: %v\n%s", program, err, mask(string(out)))
	}
	if what := leaked(out); what != "" {
		l.t.Errorf("%s: the child's output holds %s\n%s", program, what, out)
	}
	if !bytes.Contains(out, []byte("concealed")) {
		l.t.Errorf("%s: nothing was masked: %s", program, out)
	}
}

// overConnect runs the commands that read a vault against our Connect server
// behind a proxy that breaks one answer in three.
func (l *lab) overConnect() {
	token := strings.TrimSpace(l.run(call{name: "rinca connect token create leaks --vault homelab,rw"}))
	address := freeAddress(l.t)
	var log bytes.Buffer
	ctx, stop := context.WithCancel(l.t.Context())
	serve := exec.CommandContext(ctx, filepath.Join(l.bin, "rinca"), "connect", "serve", "--listen", address)
	serve.Env, serve.Stdout, serve.Stderr = l.env, &log, &log
	serve.Cancel = func() error { return serve.Process.Signal(os.Interrupt) }
	if err := serve.Start(); err != nil {
		l.t.Fatal(err)
	}
	// The canaries now include the token: it must not be printed either.
	canariesMu.Lock()
	canaries = append(canaries, token)
	canariesMu.Unlock()
	proxy := faultyProxy(l.t, "http://"+address)
	time.Sleep(300 * time.Millisecond)
	l.checkCoreLimit(serve.Process.Pid)
	l.write("in/token", token+"\n")
	env := []string{"RINCA_PROVIDER=connect", "OP_CONNECT_HOST=" + proxy, "OP_CONNECT_TOKEN_FILE=in/token", "DEST_ROOT=" + filepath.Join(l.dir, "dest2")}
	if err := os.Mkdir(filepath.Join(l.dir, "dest2"), 0o700); err != nil {
		l.t.Fatal(err)
	}
	for _, c := range []string{"rinca provider --check", "rinca export web", "rinca export web", "rinca doctor", "rinca inject -i in/web.tmpl -o out/connect.yml -f", "op item list --vault homelab", "rinca export web --plan --json"} {
		cmd := exec.CommandContext(l.t.Context(), filepath.Join(l.bin, strings.Fields(c)[0]), strings.Fields(c)[1:]...)
		cmd.Env, cmd.Dir = append(l.env, env...), filepath.Join(l.dir, "work")
		out, _ := cmd.CombinedOutput() // it may fail, after its retries; it may not leak
		if what := leaked(out); what != "" {
			l.t.Errorf("%s, against a failing server: the output holds %s\n%s", c, what, out)
		}
	}
	stop()
	_ = serve.Wait()
	if what := leaked(log.Bytes()); what != "" {
		l.t.Errorf("the log of the Connect server holds %s", what)
	}
	l.searchFiles("dest/*/*.env", "dest2/*/*.env", "work/in/*", "work/out/*.yml")
}

// checkCoreLimit: a process of ours writes no core file.
func (l *lab) checkCoreLimit(pid int) {
	l.t.Helper()
	limits, err := os.ReadFile(fmt.Sprintf("/proc/%d/limits", pid))
	if err != nil {
		l.t.Error(err)
	}
	for line := range strings.Lines(string(limits)) {
		if rest, ok := strings.CutPrefix(line, "Max core file size"); ok {
			if soft := strings.Fields(rest)[0]; soft != "0" && soft != "1" {
				l.t.Errorf("core files of %s bytes are allowed", soft)
			}
		}
	}
}
