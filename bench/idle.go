package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"
)

const idleStacks = 100

// idleServer: how much memory a server takes that has 100 stacks, a minute
// after it started, and how long it takes from its start until it is ready.
// Where no engine can run, the stacks are there and not deployed.
func idleServer(ctx context.Context, b *bench) ([]line, error) {
	docker, running := "unix:///nonexistent/docker.sock", "not deployed, for there is no engine"
	e, err := startEngine(ctx, b)
	var cannot *leftOutError
	switch {
	case errors.As(err, &cannot):
		fmt.Fprintln(os.Stderr, "bench: idle is without an engine:", cannot)
	case err != nil:
		return nil, err
	default:
		defer e.stop()
		docker, running = "unix://"+e.socket, "that run"
	}
	p, err := startPlane(ctx, b, docker)
	if err != nil {
		return nil, err
	}
	defer func() { p.stop() }()
	if _, err := makeStacks(ctx, b, p, idleStacks); err != nil {
		return nil, err
	}
	if e != nil {
		if err := p.cli(ctx, "stack", "deploy", "--all"); err != nil {
			return nil, err
		}
	}
	var starts []float64
	for range 11 {
		p.stop()
		t, err := p.start(ctx)
		if err != nil {
			return nil, err
		}
		starts = append(starts, t)
	}
	ready := newLine("serve-start-to-ready", middle(starts), 0.2)
	ready.Note = "seconds; theirs: the goal"
	select {
	case <-time.After(time.Minute):
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	rss, err := memory(p.cmd.Process.Pid, "status", "VmRSS:")
	if err != nil {
		return nil, err
	}
	pss, err := memory(p.cmd.Process.Pid, "smaps_rollup", "Pss:")
	if err != nil {
		return nil, err
	}
	idle := newLine("serve-idle-megabytes", rss, 60)
	idle.Note = fmt.Sprintf("VmRSS in MB after a minute, with %d stacks %s; theirs: the goal; PSS %.1f MB", idleStacks, running, pss)
	return []line{ready, idle}, nil
}

// memory reads a line of a file of a process, in MB.
func memory(pid int, file, name string) (float64, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/%s", pid, file))
	if err != nil {
		return 0, err
	}
	for l := range strings.Lines(string(text)) {
		if v, ok := strings.CutPrefix(l, name); ok {
			kb, err := strconv.ParseFloat(strings.Fields(v)[0], 64)
			return kb / 1024, err
		}
	}
	return 0, fmt.Errorf("there is no %s in %s", name, file)
}
