package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"rinca/internal/rinca"
)

const (
	lookStacks = 200
	lookSpan   = 30 * time.Second // with a look each second
)

// lookForChanges: what it costs to find that nothing has changed, with 200
// stacks that each have an item of their own in the vault: CPU, requests to the
// vault, and what the engine has done meanwhile.
func lookForChanges(ctx context.Context, b *bench) ([]line, error) {
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
	if err := p.cli(ctx, "rotate", "policy", "set", "--off"); err != nil {
		return nil, err
	}
	if err := lookSetup(ctx, b, p); err != nil {
		return nil, err
	}
	idle, _, err := p.cost(ctx)
	if err != nil {
		return nil, err
	}
	if err := p.cli(ctx, "rotate", "policy", "set", "--off=false", "--interval", "1s"); err != nil {
		return nil, err
	}
	time.Sleep(5 * time.Second) // the first look asks the engine too
	since := time.Now().Unix()
	busy, looks, err := p.cost(ctx)
	if err != nil {
		return nil, err
	}
	did, err := e.did(ctx, since)
	if err != nil {
		return nil, err
	}
	if looks == 0 {
		return nil, fmt.Errorf("there was no look in %s", lookSpan)
	}
	l := newLine("look-cpu-milliseconds", max(0.01, (busy-idle)*1000/float64(looks)), 50)
	l.Requests = looks
	l.Note = fmt.Sprintf("for each look at %d stacks of which nothing has changed; theirs: the goal; %d looks in %s, a request to the vault for each; the engine did %d things", lookStacks, looks, lookSpan, did)
	if did > 0 {
		return nil, fmt.Errorf("nothing has changed, and the engine did %d things", did)
	}
	return []line{l}, nil
}

// lookSetup makes the stacks, an item for each, and deploys all of them.
func lookSetup(ctx context.Context, b *bench, p *plane) error {
	for i := range lookStacks {
		name := fmt.Sprintf("look-%03d", i)
		dir := filepath.Join(b.dir, "look", name)
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return err
		}
		files := map[string]string{
			"compose.yaml": fmt.Sprintf("services:\n  app:\n    image: %s\n    network_mode: none\n    env_file: %s\n", benchImage, filepath.Join(p.dest, name, name+".env")),
			"value":        "value of " + name, name + ".env.example": "VALUE=REPLACE_ME\n",
		}
		for file, text := range files {
			if err := os.WriteFile(filepath.Join(dir, file), []byte(text), 0o600); err != nil {
				return err
			}
		}
		if err := p.cli(ctx, "item", "create", filepath.Join(dir, name+".env.example"), "--yes", "--set-file", "VALUE="+filepath.Join(dir, "value")); err != nil {
			return err
		}
		if err := p.put(ctx, rinca.Stack{Name: name, Source: rinca.Source{Kind: rinca.SourceHost, Dir: dir}, Verify: rinca.Verify{Skip: true}}); err != nil {
			return err
		}
	}
	return p.cli(ctx, "stack", "deploy", "--all")
}

// cost is the CPU seconds that the server takes while lookSpan passes, and its
// requests to the vault.
func (p *plane) cost(ctx context.Context) (cpu float64, requests int, err error) {
	cpu0, requests0, err := p.spent(ctx)
	if err != nil {
		return 0, 0, err
	}
	select {
	case <-ctx.Done():
		return 0, 0, ctx.Err()
	case <-time.After(lookSpan):
	}
	cpu1, requests1, err := p.spent(ctx)
	return cpu1 - cpu0, requests1 - requests0, err
}

func (p *plane) spent(ctx context.Context) (cpu float64, requests int, err error) {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", p.cmd.Process.Pid))
	if err != nil {
		return 0, 0, err
	}
	_, rest, _ := strings.Cut(string(stat), ") ")
	fields := strings.Fields(rest)
	for _, f := range fields[11:13] { // utime, stime: hundredths of a second
		n, err := strconv.ParseFloat(f, 64)
		if err != nil {
			return 0, 0, err
		}
		cpu += n / 100
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, p.address+"/metrics", http.NoBody)
	if err != nil {
		return 0, 0, err
	}
	req.Header.Set("Authorization", "Bearer "+p.key)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, 0, err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		return 0, 0, err
	}
	for l := range strings.Lines(string(text)) {
		if v, ok := strings.CutPrefix(l, "rinca_vault_requests "); ok {
			requests, err = strconv.Atoi(strings.TrimSpace(v))
			return cpu, requests, err
		}
	}
	return 0, 0, fmt.Errorf("no requests to the vault in the metrics: %.200s", text)
}

// did counts the events of the engine since then.
func (e *engine) did(ctx context.Context, since int64) (int, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, fmt.Sprintf("http://engine/events?since=%d&until=%d", since, time.Now().Unix()), http.NoBody)
	if err != nil {
		return 0, err
	}
	resp, err := e.client.Do(req)
	if err != nil {
		return 0, err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	return strings.Count(string(text), "\n"), err
}
