package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// exportCurve prints how the cost grows with the number of items: all of
// them new, none changed, one changed. theirs is the figure of the smallest
// size, scaled by the number of items, so a ratio of 1 is linear.
func exportCurve(ctx context.Context, b *bench) ([]line, error) {
	s, err := startServer(ctx, b)
	if err != nil {
		return nil, err
	}
	defer s.stop()
	dest, home := filepath.Join(b.dir, "dest"), filepath.Join(b.dir, "home")
	if err := os.MkdirAll(dest, 0o755); err != nil {
		return nil, err
	}
	env := append(s.env, "DEST_ROOT="+dest, "RINCA_HOME="+home)
	export := func() error { _, err := command(ctx, env, b.rinca, "export", "--all"); return err }
	var lines []line
	var cold0, same0 float64
	const perStack, first = 10, 100
	made := 0
	for _, size := range []int{first, 1000, 10000} {
		for ; made < size; made++ {
			if err := s.create(ctx, made/perStack, made%perStack, 5); err != nil {
				return nil, err
			}
		}
		if err := empty(dest, home); err != nil {
			return nil, err
		}
		var requests, sameRequests, oneRequests int
		cold, err := median(1, func() error { requests, err = s.counted(export); return err })
		if err != nil {
			return nil, err
		}
		same, err := median(5, func() error { sameRequests, err = s.counted(export); return err })
		if err != nil {
			return nil, err
		}
		if err := s.create(ctx, made/perStack, made%perStack, 5); err != nil {
			return nil, err
		}
		made++
		one, err := median(1, func() error { oneRequests, err = s.counted(export); return err })
		if err != nil {
			return nil, err
		}
		if size == first {
			cold0, same0 = cold, same
		}
		scale := float64(size) / first
		c := newLine(fmt.Sprintf("curve-cold-%d", size), cold, cold0*scale)
		c.Requests = requests
		u := newLine(fmt.Sprintf("curve-unchanged-%d", size), same, same0)
		u.Requests, u.Note = sameRequests, "theirs: the figure for 100 items"
		o := newLine(fmt.Sprintf("curve-one-changed-%d", size), one, cold)
		o.Requests, o.Note = oneRequests, "theirs: all of them cold"
		lines = append(lines, c, u, o)
	}
	return lines, nil
}

// startAndIdle: how long --version takes, against true(1), and how much memory
// a watch that has nothing to do holds (MB; theirs is the budget of 40).
func startAndIdle(ctx context.Context, b *bench) ([]line, error) {
	ours, err := median(21, func() error { _, err := command(ctx, nil, b.rinca, "--version"); return err })
	if err != nil {
		return nil, err
	}
	theirs, err := median(21, func() error { _, err := command(ctx, nil, "true"); return err })
	if err != nil {
		return nil, err
	}
	version := newLine("version-vs-true", ours, theirs)
	version.Note = "seconds; budget 0.030"
	rss, err := idleWatch(ctx, b)
	if err != nil {
		return []line{version}, err
	}
	idle := newLine("idle-watch-megabytes", rss, 40)
	idle.Note = "resident memory in MB; theirs: the budget"
	return []line{version, idle}, nil
}

func idleWatch(ctx context.Context, b *bench) (float64, error) {
	s, err := startServer(ctx, b)
	if err != nil {
		return 0, err
	}
	defer s.stop()
	if err := s.seed(ctx, 20, 3, 12); err != nil {
		return 0, err
	}
	dest := filepath.Join(b.dir, "dest")
	if err := os.MkdirAll(dest, 0o755); err != nil {
		return 0, err
	}
	cmd := exec.CommandContext(ctx, b.rinca, "export", "--all", "--watch", "--interval", "1s")
	cmd.Env = append(s.env, "DEST_ROOT="+dest, "RINCA_HOME="+filepath.Join(b.dir, "home"))
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Start(); err != nil {
		return 0, err
	}
	defer func() { _ = cmd.Process.Kill(); _ = cmd.Wait() }()
	time.Sleep(10 * time.Second)
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", cmd.Process.Pid))
	if err != nil {
		return 0, fmt.Errorf("the watch has ended: %s", out.String())
	}
	for l := range strings.Lines(string(status)) {
		if v, ok := strings.CutPrefix(l, "VmRSS:"); ok {
			kb, err := strconv.ParseFloat(strings.Fields(v)[0], 64)
			return kb / 1024, err
		}
	}
	return 0, fmt.Errorf("no VmRSS")
}
