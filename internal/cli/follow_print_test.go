package cli

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"rinca/internal/rinca"
)

var t0 = time.Date(2026, 11, 23, 8, 0, 0, 0, time.UTC)

// stages makes stages that took half a second each; the last is in a state.
func stages(state rinca.UpdateState, names ...string) []rinca.Stage {
	var out []rinca.Stage
	for i, n := range names {
		s := rinca.Stage{Name: n, State: rinca.Succeeded, StartedAt: t0.Add(time.Duration(i) * time.Second)}
		if i == len(names)-1 {
			s.State = state
		}
		if s.State.Final() {
			s.EndedAt = s.StartedAt.Add(500 * time.Millisecond)
		}
		out = append(out, s)
	}
	return out
}

func deployed(state rinca.UpdateState, stages []rinca.Stage) rinca.Update {
	return rinca.Update{ID: "u1", Target: rinca.Target{Kind: rinca.KindStack, Name: "wiki"}, State: state, Stages: stages, StartedAt: t0}
}

// play draws a deploy that recreates a service, and fails or not.
func play(p progress, fails bool) {
	p.update(deployed(rinca.Queued, nil))
	p.update(deployed(rinca.Running, stages(rinca.Running, "Source")))
	p.line("u1", rinca.Line{Stage: "Source", Text: "fetched main"})
	s := stages(rinca.Running, "Source", "Plan")
	s[0].Note = "1a2b3c4 Raise the version"
	p.update(deployed(rinca.Running, s))
	s = stages(rinca.Running, "Source", "Plan", "Pull")
	s[0].Note = "1a2b3c4 Raise the version"
	p.line("u1", rinca.Line{Stage: "Plan", Service: "web", Text: "recreate web: environment (A, B); image"})
	u := deployed(rinca.Running, s)
	p.update(u)
	p.line("u1", rinca.Line{Stream: "pull", Service: "postgres:16", Current: 45_200_000, Total: 112_000_000, Transient: true})
	p.line("u1", rinca.Line{Stream: "pull", Service: "redis:7", Current: 800, Transient: true})
	p.line("u1", rinca.Line{Stream: "pull", Service: "redis:7", Text: "pulled"})
	u.Stages = append(stages(rinca.Succeeded, "Source", "Plan", "Pull"), rinca.Stage{Name: "Apply", State: rinca.Running, StartedAt: t0})
	p.update(u)
	p.line("u1", rinca.Line{Service: "web", Text: "Recreated \x1b[2J"})
	u.Stages[3].State, u.Stages[3].EndedAt = rinca.Succeeded, t0.Add(12*time.Second)
	u.State, u.Summary, u.EndedAt = rinca.Succeeded, "1 service recreated", t0.Add(15*time.Second)
	if fails {
		u.Stages[3].State, u.State, u.Summary = rinca.Failed, rinca.Failed, ""
		u.RolledBack = "the last good deploy was put back (1a2b3c4) and verified"
		u.Error = &rinca.UpdateError{Code: rinca.Unavailable, Message: "web exited with 1", Hint: "rinca stack logs wiki web"}
	}
	p.update(u)
	p.close()
}

func newText(out *bytes.Buffer, verbose bool) *textProgress {
	return &textProgress{
		app: &app{Env: Env{Stdout: out, Stderr: out}}, out: out, verbose: verbose,
		now: func() time.Time { return t0 }, views: map[string]*updateView{},
	}
}

func TestPlainLines(t *testing.T) {
	var out bytes.Buffer
	play(newText(&out, true), true)
	want := `    fetched main
✓ Source        0.5s  1a2b3c4 Raise the version
    recreate web: environment (A, B); image
✓ Plan          0.5s
    redis:7: pulled
✓ Pull          0.5s
    web: Recreated �[2J
✗ Apply          12s
↩ the last good deploy was put back (1a2b3c4) and verified
`
	if diff := cmp.Diff(want, out.String()); diff != "" {
		t.Error(diff)
	}
}

// On a terminal, what a stage says is shown when the stage fails.
func TestLinesOfWhatFailed(t *testing.T) {
	for _, fails := range []bool{false, true} {
		var out bytes.Buffer
		play(newText(&out, false), fails)
		text := out.String()
		if strings.Contains(text, "Recreated") != fails || strings.Contains(text, "fetched") || !strings.Contains(text, "recreate web: environment") {
			t.Errorf("fails %v:\n%s", fails, text)
		}
		if !fails && !strings.HasSuffix(text, "✓ wiki: 1 service recreated (15s)\n") {
			t.Errorf("%s", text)
		}
	}
}

func TestSeveralUpdates(t *testing.T) {
	var out bytes.Buffer
	p := newText(&out, true)
	p.several = true
	for _, name := range []string{"wiki", "blog"} {
		u := deployed(rinca.Failed, stages(rinca.Failed, "Source"))
		u.ID, u.Target.Name = name, name
		u.Error = &rinca.UpdateError{Code: rinca.NotFound, Message: "no branch", Hint: "rinca stack set " + name}
		p.update(u)
	}
	want := `wiki | ✗ Source        0.5s
✗ wiki: no branch
  Try: rinca stack set wiki
blog | ✗ Source        0.5s
✗ blog: no branch
  Try: rinca stack set blog
`
	if diff := cmp.Diff(want, out.String()); diff != "" {
		t.Error(diff)
	}
}

// screen is what a terminal shows after some output: it knows the few
// sequences that a live display uses.
func screen(out string) string {
	var lines []string
	row, col := 0, 0
	for i := 0; i < len(out); {
		rest := out[i:]
		switch {
		case rest[0] == '\n':
			row, col, i = row+1, 0, i+1
		case rest[0] == '\r':
			col, i = 0, i+1
		case strings.HasPrefix(rest, "\x1b[J"):
			lines, i = lines[:min(row, len(lines))], i+3
		case strings.HasPrefix(rest, "\x1b["):
			end := strings.IndexAny(rest, "Am")
			if rest[end] == 'A' {
				var n int
				_ = json.Unmarshal([]byte(rest[2:end]), &n)
				row -= n
			}
			i += end + 1
		default:
			end := strings.IndexAny(rest, "\n\r\x1b")
			if end < 0 {
				end = len(rest)
			}
			for len(lines) <= row {
				lines = append(lines, "")
			}
			if col == 0 {
				lines[row] = ""
			}
			lines[row] += rest[:end]
			col, i = col+1, i+end
		}
	}
	return strings.Join(lines, "\n")
}

func TestLive(t *testing.T) {
	var out bytes.Buffer
	text := newText(&out, false)
	p := newLive(text, func() int { return 60 })
	p.update(deployed(rinca.Queued, nil))
	p.update(deployed(rinca.Running, stages(rinca.Running, "Source", "Pull")))
	p.line("u1", rinca.Line{Stream: "pull", Service: "registry.example/a/very/long/name/postgres:16", Current: 45_200_000, Total: 112_000_000, Transient: true})
	p.line("u1", rinca.Line{Stream: "pull", Service: "redis:7", Current: 800, Transient: true})
	p.mu.Lock()
	p.frame = 0
	p.draw(true)
	got := screen(out.String())
	p.mu.Unlock()
	want := `✓ Source        0.5s
⠋ Pull          0.0s
    registry.ex…  ████████░░░░░░░░░░░░  45.2 MB of 112.0 MB
    redis:7       800 B`
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	u := deployed(rinca.Succeeded, stages(rinca.Succeeded, "Source", "Pull"))
	u.Summary, u.EndedAt = "nothing to do", t0.Add(time.Second)
	p.update(u)
	p.close()
	want = `✓ Source        0.5s
✓ Pull          0.5s
✓ wiki: nothing to do (1.0s)`
	if diff := cmp.Diff(want, screen(out.String())); diff != "" {
		t.Error(diff)
	}
}

// No line of the part that changes may be longer than the terminal: it would
// wrap, and what is drawn over it would be one line off.
func TestLiveLinesFit(t *testing.T) {
	for columns := 20; columns < 120; columns += 7 {
		var out bytes.Buffer
		text := newText(&out, false)
		text.several = true
		p := newLive(text, func() int { return columns })
		u := deployed(rinca.Running, stages(rinca.Running, "Source", "Pull"))
		p.update(u)
		for i := range 20 {
			p.line("u1", rinca.Line{Stream: "pull", Service: strings.Repeat("ü", i*10), Text: "extracting", Current: int64(i) << 40, Total: int64(i+1) << 40, Transient: true})
		}
		p.line("u1", rinca.Line{Text: strings.Repeat("x", 500)})
		p.mu.Lock()
		for _, l := range p.current() {
			if n := len([]rune(l)); n >= columns+1 {
				t.Errorf("%d columns, %d long: %s", columns, n, l)
			}
		}
		p.mu.Unlock()
		p.close()
	}
}

func TestTableFits(t *testing.T) {
	tb := newTable("NAME", "STATUS", "SOURCE")
	tb.add("authentik", statusCell(rinca.StatusHealthy), "github.com/me/homelab@main stacks/platform/auth/authentik/and/more/of/it")
	tb.add("wiki\x1b[2J", statusCell(rinca.StatusUnhealthy), "")
	want := `NAME       STATUS     SOURCE
authentik  healthy    github.com/me/homela…
wiki�[2J   unhealthy  -
`
	if diff := cmp.Diff(want, tb.text(43, false)); diff != "" {
		t.Error(diff)
	}
	if text := tb.text(0, false); !strings.Contains(text, "and/more/of/it\n") || strings.Contains(text, "\x1b") {
		t.Errorf("not on a terminal:\n%s", text)
	}
	if text := tb.text(0, true); !strings.Contains(text, "\x1b[32mhealthy\x1b[0m") {
		t.Errorf("no colour: %q", text)
	}
}

func TestTerminalSafe(t *testing.T) {
	in := "\x1b[31mred\x1b[0m \x1b[2J\x1b]0;title\x07\ttab\r"
	if got, want := terminalSafe(in, true), "\x1b[31mred\x1b[0m �[2J�]0;title�    tab�\x1b[0m"; got != want {
		t.Errorf("%q", got)
	}
	if got, want := terminalSafe(in, false), "red �[2J�]0;title�    tab�"; got != want {
		t.Errorf("%q", got)
	}
}

func TestUpdateErrors(t *testing.T) {
	for name, c := range map[string]struct {
		u    rinca.Update
		exit int
	}{
		"succeeded":   {rinca.Update{State: rinca.Succeeded}, 0},
		"failed":      {rinca.Update{State: rinca.Failed, Error: &rinca.UpdateError{Code: rinca.Unavailable}}, 1},
		"no error":    {rinca.Update{State: rinca.Failed}, 1},
		"forbidden":   {rinca.Update{State: rinca.Failed, Error: &rinca.UpdateError{Code: rinca.Forbidden}}, 3},
		"not found":   {rinca.Update{State: rinca.Failed, Error: &rinca.UpdateError{Code: rinca.NotFound}}, 4},
		"canceled":    {rinca.Update{State: rinca.CanceledRun}, 130},
		"interrupted": {rinca.Update{State: rinca.Interrupted}, 1},
	} {
		if got := exitCode(updateError(c.u)); got != c.exit {
			t.Errorf("%s: %d", name, got)
		}
	}
}
