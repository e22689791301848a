// Command bench measures Rinca against what a user would use instead. Each
// benchmark prints one JSON line: ours and theirs are medians of wall seconds
// from the same run, ratio is theirs/ours, so above 1 we are faster.
//
//	go run ./bench [name…]
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"time"
)

// A line is the result of one benchmark.
type line struct {
	Name     string  `json:"name"`
	Ours     float64 `json:"ours"`
	Theirs   float64 `json:"theirs"`
	Ratio    float64 `json:"ratio"`
	Requests int     `json:"requests,omitempty"`
	Note     string  `json:"note,omitempty"`
}

// benches lists every benchmark.
func benches() []struct {
	name string
	run  func(context.Context, *bench) ([]line, error)
} {
	return []struct {
		name string
		run  func(context.Context, *bench) ([]line, error)
	}{
		{"export", exportAgainstShell},
		{"template", exportAgainstConsulTemplate},
		{"curve", exportCurve},
		{"start", startAndIdle},
		{"redact", redaction},
		{"deploy", deployAgainstCompose},
		{"many", manyUnchanged},
		{"signed", signedRequest},
		{"api", apiLoad},
		{"idle", idleServer},
		{"rotate", rotateAgainstCompose},
		{"look", lookForChanges},
	}
}

// A bench is where a benchmark works: the binary, and a directory of its own.
type bench struct {
	rinca string
	dir   string
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, only []string) error {
	rinca, err := filepath.Abs("bin/rinca")
	if err != nil {
		return err
	}
	var failed []error
	for _, b := range benches() {
		if len(only) > 0 && !slices.Contains(only, b.name) {
			continue
		}
		dir, err := os.MkdirTemp("", "rinca-bench-")
		if err != nil {
			return err
		}
		lines, err := b.run(ctx, &bench{rinca, dir})
		os.RemoveAll(dir)
		var cannot *leftOutError
		if errors.As(err, &cannot) {
			fmt.Fprintf(os.Stderr, "bench: %s is left out: %v\n", b.name, cannot)
		} else if err != nil {
			failed = append(failed, fmt.Errorf("%s: %w", b.name, err))
		}
		for _, l := range lines {
			if err := json.NewEncoder(os.Stdout).Encode(l); err != nil {
				return err
			}
		}
	}
	return errors.Join(failed...)
}

// median runs f n times and returns the median of its wall seconds.
func median(n int, f func() error) (float64, error) {
	var times []float64
	for range n {
		start := time.Now()
		if err := f(); err != nil {
			return 0, err
		}
		times = append(times, time.Since(start).Seconds())
	}
	slices.Sort(times)
	return times[len(times)/2], nil
}

func newLine(name string, ours, theirs float64) line {
	return line{Name: name, Ours: round(ours), Theirs: round(theirs), Ratio: round(theirs / ours)}
}

func round(f float64) float64 {
	var out float64
	fmt.Sscanf(fmt.Sprintf("%.4g", f), "%g", &out)
	return out
}
