package main

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

// TestDocs runs every command of the README, of docs/start and of
// docs/how-to, page by page, in a copy of examples/homelab:
//
//   - a block ```sh is run as it stands;
//   - a block ```console has commands after "$ " and, below each, lines that
//     its output must hold, in order; "…" stands for any text;
//   - a comment <!-- run … --> is run too, and not shown: it prepares what the
//     page presumes;
//   - a block ```sh needs=docker,systemd is run where those commands exist. What
//     needs a 1Password account (needs=1password) is run nowhere.
func TestDocs(t *testing.T) {
	pages := []string{"README.md"}
	for _, dir := range []string{"docs/start", "docs/how-to"} {
		files, err := filepath.Glob(filepath.Join(dir, "*.md"))
		if err != nil {
			t.Fatal(err)
		}
		pages = append(pages, files...)
	}
	dir := t.TempDir()
	for _, p := range pages {
		if _, err := os.Stat(p); err != nil {
			t.Errorf("%s is missing", p)
			continue
		}
		name := strings.NewReplacer("/", "-", ".md", "").Replace(p)
		if err := os.WriteFile(filepath.Join(dir, name+".txtar"), []byte("page "+p+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	root, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	testscript.Run(t, testscript.Params{
		Dir: dir,
		Setup: func(e *testscript.Env) error {
			e.Setenv("RINCA_HOME", e.WorkDir+"/home")
			e.Setenv("DEST_ROOT", e.WorkDir+"/secrets")
			e.Setenv("HOME", e.WorkDir)
			e.Setenv("TZ", "UTC")
			return os.CopyFS(e.WorkDir, os.DirFS(filepath.Join(root, "examples", "homelab")))
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"page": func(ts *testscript.TestScript, _ bool, args []string) {
				text, err := os.ReadFile(filepath.Join(root, args[0]))
				ts.Check(err)
				runPage(ts, string(text))
			},
		},
	})
}

// A step is a piece of shell, and what its output must hold.
type step struct {
	shell string
	want  []string
}

var blocks = regexp.MustCompile("(?ms)^```(sh|console)([^\n]*)\n(.*?)^```$|^<!-- run\n(.*?)^-->$")

func runPage(ts *testscript.TestScript, text string) {
	var script strings.Builder
	var steps []step
	for _, m := range blocks.FindAllStringSubmatch(text, -1) {
		kind, info, body := m[1], m[2], m[3]
		if m[4] != "" {
			kind, body = "sh", m[4]
		}
		if !available(info) {
			continue
		}
		if kind == "console" {
			steps = append(steps, consoleSteps(body)...)
		} else {
			steps = append(steps, step{shell: body})
		}
	}
	for i, s := range steps {
		fmt.Fprintf(&script, "echo '\x01%d'\n%s\n", i, s.shell)
	}
	err := ts.Exec("timeout", "60", "sh", "-euc", "exec 2>&1\n"+script.String())
	outputs := strings.Split(ts.ReadFile("stdout"), "\x01")[1:]
	if err != nil {
		ts.Fatalf("step %d: %v\n%s\noutput:\n%s", len(outputs), err, steps[len(outputs)-1].shell, outputs[len(outputs)-1])
	}
	for i, s := range steps {
		rest := outputs[i]
		for _, want := range s.want {
			parts := strings.Split(regexp.QuoteMeta(strings.TrimRight(want, " ")), "…")
			loc := regexp.MustCompile(`(?m)^` + strings.Join(parts, ".*") + `\s*$`).FindStringIndex(rest)
			if loc == nil {
				ts.Fatalf("$ %s\ndoes not print\n%s\nbut\n%s", s.shell, want, rest)
			}
			rest = rest[loc[1]:]
		}
	}
}

func consoleSteps(body string) []step {
	var steps []step
	for line := range strings.Lines(body) {
		line = strings.TrimSuffix(line, "\n")
		if cmd, ok := strings.CutPrefix(line, "$ "); ok {
			steps = append(steps, step{shell: cmd})
		} else if n := len(steps); n > 0 && strings.HasSuffix(steps[n-1].shell, "\\") {
			steps[n-1].shell += "\n" + line
		} else if n > 0 && strings.TrimSpace(line) != "" && strings.TrimSpace(line) != "…" {
			steps[n-1].want = append(steps[n-1].want, line)
		}
	}
	return steps
}

func available(info string) bool {
	_, needs, ok := strings.Cut(info, "needs=")
	if !ok {
		return true
	}
	for need := range strings.SplitSeq(strings.Fields(needs)[0], ",") {
		if _, err := os.Stat(filepath.Join("/usr/bin", need)); err != nil {
			return false
		}
	}
	return true
}
