package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"rinca/internal/rinca"
)

const (
	deployServices = 10
	deployRounds   = 5
)

// A contender brings one copy of the stack to what its files say.
type contender struct {
	name string
	dir  string // of its files
	// begin makes a new project that nothing is known of.
	begin func(ctx context.Context, project string) error
	// commit makes a change of its files known; up is what is measured.
	commit func(ctx context.Context) error
	up     func(ctx context.Context) error
	down   func(ctx context.Context) error
}

// deployAgainstCompose: a stack of ten services with an env file each, from
// nothing, with nothing changed, and with one changed value of one service's
// environment. All contenders take turns within a round, each with a project
// of its own; ratios are made within a round, and their median is printed.
func deployAgainstCompose(ctx context.Context, b *bench) ([]line, error) {
	e, err := startEngine(ctx, b)
	if err != nil {
		return nil, err
	}
	defer e.stop()
	p, err := startPlane(ctx, b, "unix://"+e.socket)
	if err != nil {
		return nil, err
	}
	defer p.stop()
	all, err := contenders(ctx, b, e, p)
	if err != nil {
		return nil, err
	}
	t := deployTimes{times{}, times{}, times{}}
	for round := range deployRounds {
		turn := append(all[round%len(all):len(all):len(all)], all[:round%len(all)]...)
		if err := deployRound(ctx, p.dest, turn, round, &t); err != nil {
			return nil, err
		}
	}
	var lines []line
	for _, c := range all[1:] {
		who := strings.TrimPrefix(c.name, "rinca")
		lines = append(lines,
			t.first.line("deploy-first"+who, c.name, 1.1),
			t.same.line("deploy-unchanged"+who, c.name, 0.5),
			t.changed.line("deploy-one-recreated"+who, c.name, 1.1))
	}
	return lines, nil
}

// deployRound measures every contender once from nothing, three times with
// nothing changed, and once with a change.
func deployRound(ctx context.Context, dest string, turn []*contender, round int, t *deployTimes) error {
	each := func(into times, f func(*contender) error) error {
		for _, c := range turn {
			begin := time.Now()
			if err := f(c); err != nil {
				return fmt.Errorf("%s: %w", c.name, err)
			}
			if into != nil {
				into[c.name] = append(into[c.name], time.Since(begin).Seconds())
			}
		}
		return nil
	}
	project := fmt.Sprintf("bench%d", round)
	up := func(c *contender) error { return c.up(ctx) }
	steps := []struct {
		into times
		f    func(*contender) error
	}{
		{nil, func(c *contender) error { return c.begin(ctx, project) }},
		{t.first, up},
		{t.same, up},
		{t.same, up},
		{t.same, up},
		{nil, func(c *contender) error { return writeStack(c.dir, dest, fmt.Sprint("changed ", round)) }},
		{nil, func(c *contender) error { return c.commit(ctx) }},
		{t.changed, up},
		{nil, func(c *contender) error { return c.down(ctx) }},
		{nil, func(c *contender) error { return writeStack(c.dir, dest, "first") }},
		{nil, func(c *contender) error { return c.commit(ctx) }},
	}
	for _, s := range steps {
		if err := each(s.into, s.f); err != nil {
			return err
		}
	}
	return nil
}

// deployTimes are those of each kind of deploy.
type deployTimes struct{ first, same, changed times }

// times are wall seconds by contender.
type times map[string][]float64

// line compares a contender with docker compose. Ratios are made within a
// round, where both had the same machine; goal is the most times theirs.
func (t times) line(name, who string, goal float64) line {
	var ratios []float64
	for i, theirs := range t["compose"] {
		ratios = append(ratios, theirs/t[who][i])
	}
	l := newLine(name, middle(slices.Clone(t[who])), middle(slices.Clone(t["compose"])))
	l.Ratio = round(middle(ratios))
	l.Note = fmt.Sprintf("%.2f times docker compose up -d", 1/l.Ratio)
	if strings.HasSuffix(who, "verified") {
		l.Note += "; with verification, which it does not do"
	} else {
		l.Note += fmt.Sprintf("; goal: at most %.2f", goal)
	}
	return l
}

// contenders are docker compose, the command line, the API alone, and the
// command line with verification.
func contenders(ctx context.Context, b *bench, e *engine, p *plane) ([]*contender, error) {
	env := filepath.Join(b.dir, "shared", "app.env.example")
	if err := os.MkdirAll(filepath.Dir(env), 0o755); err != nil {
		return nil, err
	}
	// The recipe makes a secret; nothing is asked for.
	if err := os.WriteFile(env, []byte("# rinca: hex:32\nTOKEN=REPLACE_ME\nLEVEL=info\n"), 0o644); err != nil {
		return nil, err
	}
	if err := p.cli(ctx, "item", "create", env, "--yes"); err != nil {
		return nil, err
	}
	if err := p.cli(ctx, "export", "shared"); err != nil {
		return nil, err
	}
	all := []*contender{composeContender(b, e)}
	for _, c := range []struct {
		name string
		skip bool
		up   func(ctx context.Context, stack string) error
	}{
		{"rinca", true, func(ctx context.Context, stack string) error { return p.cli(ctx, "stack", "deploy", stack) }},
		{"rinca-api", true, p.deploy},
		{"rinca-verified", false, func(ctx context.Context, stack string) error { return p.cli(ctx, "stack", "deploy", stack) }},
	} {
		all = append(all, rincaContender(b, e, p, c.name, c.skip, c.up))
	}
	for _, c := range all {
		if err := writeStack(c.dir, p.dest, "first"); err != nil {
			return nil, err
		}
	}
	return all, nil
}

func composeContender(b *bench, e *engine) *contender {
	project := ""
	c := &contender{name: "compose", dir: filepath.Join(b.dir, "compose")}
	c.begin = func(_ context.Context, name string) error { project = name + "-compose"; return nil }
	c.commit = func(context.Context) error { return nil }
	c.up = func(ctx context.Context) error { return e.compose(ctx, c.dir, "-p", project, "up", "-d") }
	c.down = func(ctx context.Context) error { return e.compose(ctx, c.dir, "-p", project, "down", "-t", "0") }
	return c
}

// rincaContender has its files in a Git repository of its own.
func rincaContender(b *bench, e *engine, p *plane, name string, skipVerify bool, up func(context.Context, string) error) *contender {
	stack := ""
	c := &contender{name: name, dir: filepath.Join(b.dir, name, "work")}
	bare := filepath.Join(b.dir, name, "repo.git")
	c.commit = func(ctx context.Context) error { return publish(ctx, c.dir, bare) }
	c.begin = func(ctx context.Context, project string) error {
		stack = project + "-" + name
		if err := c.commit(ctx); err != nil {
			return err
		}
		return p.put(ctx, rinca.Stack{
			Name: stack, Source: rinca.Source{Kind: rinca.SourceGit, Repo: "file://" + bare, Branch: "main"},
			Secrets: rinca.Secrets{Stacks: []string{"shared"}}, Verify: rinca.Verify{Skip: skipVerify},
		})
	}
	c.up = func(ctx context.Context) error { return up(ctx, stack) }
	c.down = func(ctx context.Context) error { return e.compose(ctx, c.dir, "-p", stack, "down", "-t", "0") }
	return c
}

// writeStack writes a compose file of ten services; one of them has a value
// in its environment.
func writeStack(dir, dest, value string) error {
	var text strings.Builder
	text.WriteString("services:\n")
	for i := range deployServices {
		fmt.Fprintf(&text, "  app%d:\n    image: %s\n    restart: unless-stopped\n    env_file: %s/shared/app.env\n", i, benchImage, dest)
		if i == 3 {
			fmt.Fprintf(&text, "    environment:\n      VALUE: %q\n", value)
		}
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, "compose.yaml"), []byte(text.String()), 0o644)
}

// publish commits a folder and pushes it to a bare repository.
func publish(ctx context.Context, dir, bare string) error {
	git := func(args ...string) error {
		env := append(os.Environ(), "GIT_CONFIG_GLOBAL=/dev/null", "GIT_CONFIG_SYSTEM=/dev/null")
		args = append([]string{"-C", dir, "-c", "user.name=bench", "-c", "user.email=bench@localhost"}, args...)
		if out, err := command(ctx, env, "git", args...); err != nil {
			return fmt.Errorf("git %v: %w: %s", args, err, out)
		}
		return nil
	}
	steps := [][]string{{"add", "-A"}, {"commit", "-qm", "A change", "--allow-empty"}, {"push", "-q", bare, "HEAD:refs/heads/main"}}
	if _, err := os.Stat(bare); err != nil {
		steps = append([][]string{{"init", "-q", "--bare", "-b", "main", bare}, {"init", "-q", "-b", "main"}}, steps...)
	}
	for _, s := range steps {
		if err := git(s...); err != nil {
			return err
		}
	}
	return nil
}
