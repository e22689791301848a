package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sync/errgroup"

	"rinca/internal/client"
	"rinca/internal/rinca"
)

const rotateRounds = 5

// rotateWaves are the stacks that a changed item reaches, in the order that
// they depend on one another.
func rotateWaves() [][]string {
	return [][]string{{"base"}, {"cache", "db"}, {"jobs", "web"}}
}

// rotateAgainstCompose: an item of every stack changes in the vault, and five
// stacks in three waves get its value. Ours is from the change to the last
// stack verified: detection, plan, export, deploys in order, verification, and
// the record of it. Theirs is what the engine needs alone: docker compose
// up -d --wait of each stack, those of a wave at once, with files that somebody
// has written already.
func rotateAgainstCompose(ctx context.Context, b *bench) ([]line, error) {
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
	if err := p.cli(ctx, "rotate", "policy", "set", "--off"); err != nil { // it looks when it is told to
		return nil, err
	}
	if err := rotateSetup(ctx, b, e, p); err != nil {
		return nil, err
	}
	t := times{}
	for round := range rotateRounds + 1 {
		theirs, err := timed(func() error { return composeRotation(ctx, b, e, fmt.Sprint("theirs ", round)) })
		if err != nil {
			return nil, err
		}
		if err := setItems(ctx, b, p, fmt.Sprint("ours ", round)); err != nil {
			return nil, err
		}
		ours, err := timed(func() error { return p.rotate(ctx) })
		if err != nil {
			return nil, err
		}
		if round > 0 { // the first one warms up both
			t["compose"], t["rinca"] = append(t["compose"], theirs), append(t["rinca"], ours)
		}
	}
	l := t.line("rotate", "rinca", 1.15)
	l.Note += "; 5 stacks in 3 waves, theirs with --wait"
	return []line{l}, nil
}

func rotateFolder(b *bench, who, stack string) string {
	return filepath.Join(b.dir, "rotate", who, stack)
}

// rotateSetup makes and deploys the stacks of both sides.
func rotateSetup(ctx context.Context, b *bench, e *engine, p *plane) error {
	if err := setItems(ctx, b, p, "first"); err != nil {
		return err
	}
	var before []string
	for _, wave := range rotateWaves() {
		for _, name := range wave {
			for who, env := range map[string]string{"ours": filepath.Join(p.dest, name, name+".env"), "theirs": filepath.Join(rotateFolder(b, "theirs", name), "app.env")} {
				dir := rotateFolder(b, who, name)
				if err := os.MkdirAll(dir, 0o755); err != nil {
					return err
				}
				text := fmt.Sprintf("services:\n  app:\n    image: %s\n    stop_grace_period: 1s\n    env_file: %s\n  other:\n    image: %s\n", benchImage, env, benchImage)
				if err := os.WriteFile(filepath.Join(dir, "compose.yaml"), []byte(text), 0o644); err != nil {
					return err
				}
			}
			s := rinca.Stack{
				Name: name, After: before, Verify: rinca.Verify{Settle: rinca.Duration(100 * time.Millisecond)},
				Source: rinca.Source{Kind: rinca.SourceHost, Dir: rotateFolder(b, "ours", name)},
			}
			if err := p.put(ctx, s); err != nil {
				return err
			}
			if err := p.deploy(ctx, name); err != nil {
				return err
			}
		}
		before = wave
	}
	return composeRotation(ctx, b, e, "first")
}

// setItems gives the item of every stack a value.
func setItems(ctx context.Context, b *bench, p *plane, value string) error {
	for _, wave := range rotateWaves() {
		for _, name := range wave {
			example := filepath.Join(b.dir, "items", name, name+".env.example")
			if err := os.MkdirAll(filepath.Dir(example), 0o755); err != nil {
				return err
			}
			if err := os.WriteFile(example, []byte("VALUE=REPLACE_ME\n"), 0o644); err != nil {
				return err
			}
			file := filepath.Join(filepath.Dir(example), "value")
			if err := os.WriteFile(file, []byte(value), 0o600); err != nil {
				return err
			}
			if err := p.cli(ctx, "item", "create", example, "--yes", "--set-file", "VALUE="+file); err != nil {
				return err
			}
		}
	}
	return nil
}

// composeRotation writes the files and brings the stacks up, wave by wave.
func composeRotation(ctx context.Context, b *bench, e *engine, value string) error {
	for _, wave := range rotateWaves() {
		var g errgroup.Group
		for _, name := range wave {
			dir := rotateFolder(b, "theirs", name)
			if err := os.WriteFile(filepath.Join(dir, "app.env"), []byte("VALUE="+value+"\n"), 0o600); err != nil {
				return err
			}
			g.Go(func() error { return e.compose(ctx, dir, "-p", "theirs-"+name, "up", "-d", "--wait") })
		}
		if err := g.Wait(); err != nil {
			return err
		}
	}
	return nil
}

// rotate carries what changed to the stacks, and returns when that has ended.
func (p *plane) rotate(ctx context.Context) error {
	u, err := p.client.Submit(ctx, rinca.Execution{Kind: "RotateSecrets", Params: json.RawMessage(`{"now":true}`)})
	if err != nil {
		return err
	}
	err = p.client.Events(ctx, url.Values{"update": {u.ID}}, 0, func(e rinca.Event) error {
		var now rinca.Update
		if e.Type == "update" && json.Unmarshal(e.Data, &now) == nil && now.ID == u.ID && now.State.Final() {
			u = now
			return client.Stop()
		}
		return nil
	})
	if err == nil && u.State != rinca.Succeeded {
		err = errors.New("the rotation ended as " + string(u.State))
		if u.Error != nil {
			err = errors.New(u.Error.Message)
		}
	}
	return err
}
