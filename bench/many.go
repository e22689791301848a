package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sync/errgroup"

	"rinca/internal/rinca"
)

// manyStacks run at once; each has one service.
const manyStacks = 200

// manyUnchanged: one pass over 200 stacks from one Git repository in which
// nothing has changed, against docker compose up -d in the folder of each.
// They take turns: a pass of ours after every fifth of theirs.
func manyUnchanged(ctx context.Context, b *bench) ([]line, error) {
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
	stacks, err := makeStacks(ctx, b, p, manyStacks)
	if err != nil {
		return nil, err
	}
	pass := func() error { return p.cli(ctx, "stack", "deploy", "--all") }
	if err := pass(); err != nil { // the first one makes them
		return nil, err
	}
	// The containers are ours; docker compose takes them for its own, and so
	// has nothing to do either.
	up := func(s rinca.Stack) error {
		return e.compose(ctx, filepath.Join(b.dir, "many", s.Source.Path), "-p", s.Name, "up", "-d")
	}
	before, err := e.ids(ctx)
	if err != nil {
		return nil, err
	}
	var ours, ratios []float64
	total := 0.0
	for part := range 5 {
		theirs := 0.0
		for _, s := range stacks[part*len(stacks)/5 : (part+1)*len(stacks)/5] {
			t, err := timed(func() error { return up(s) })
			if err != nil {
				return nil, err
			}
			theirs += t
		}
		t, err := timed(pass)
		if err != nil {
			return nil, err
		}
		ours, total = append(ours, t), total+theirs
		ratios = append(ratios, 5*theirs/t)
	}
	if after, err := e.ids(ctx); err != nil || after != before {
		return nil, fmt.Errorf("something has been recreated (%w)", err)
	}
	l := newLine("many-unchanged", middle(ours), total)
	l.Ratio = round(middle(ratios))
	l.Note = fmt.Sprintf("%d stacks; goal: under 2 s, and 10 times faster than docker compose up -d for each", manyStacks)
	return []line{l}, nil
}

// makeStacks writes folders of one service each into one Git repository, and
// makes a stack of each.
func makeStacks(ctx context.Context, b *bench, p *plane, n int) ([]rinca.Stack, error) {
	dir, bare := filepath.Join(b.dir, "many"), filepath.Join(b.dir, "many.git")
	var stacks []rinca.Stack
	for i := range n {
		name := fmt.Sprintf("many-%03d", i)
		stacks = append(stacks, rinca.Stack{
			Name: name, Tags: []string{"bench"}, Verify: rinca.Verify{Skip: true},
			Source: rinca.Source{Kind: rinca.SourceGit, Repo: "file://" + bare, Branch: "main", Path: name},
		})
		if err := os.MkdirAll(filepath.Join(dir, name), 0o755); err != nil {
			return nil, err
		}
		text := fmt.Sprintf("services:\n  app:\n    image: %s\n    environment:\n      NAME: %s\n", benchImage, name)
		if err := os.WriteFile(filepath.Join(dir, name, "compose.yaml"), []byte(text), 0o644); err != nil {
			return nil, err
		}
	}
	if err := publish(ctx, dir, bare); err != nil {
		return nil, err
	}
	var g errgroup.Group
	g.SetLimit(4)
	for _, s := range stacks {
		g.Go(func() error { return p.put(ctx, s) })
	}
	return stacks, g.Wait()
}

// ids are those of all containers, as one text.
func (e *engine) ids(ctx context.Context) (string, error) {
	var list []struct{ ID string }
	err := e.call(ctx, "GET", "/containers/json?all=1", nil, &list)
	return fmt.Sprint(list), err
}

// timed returns the wall seconds of f.
func timed(f func() error) (float64, error) {
	begin := time.Now()
	err := f()
	return time.Since(begin).Seconds(), err
}
