package export

import (
	"context"
	"math"
	"math/rand/v2"
	"runtime/debug"
	"time"

	"rinca/internal/rinca"
)

// A Watch exports again and again.
type Watch struct {
	// Interval is the time between two looks at the vault.
	Interval time.Duration
	// Tick is told the result of each look, and when the next one is.
	Tick func(p *Plan, err error, next time.Duration)
	// Sleep waits, or returns early when ctx is done.
	Sleep func(ctx context.Context, d time.Duration)
}

// MinInterval is the shortest time between two looks.
const MinInterval = time.Second

// maxBackoff bounds how far failures put off the next look.
const maxBackoff = 15 * time.Minute

// Watch exports until ctx is done, and then returns nil. A look that fails
// leaves the files as they are and puts the next one off, longer each time. An
// error of the command line ends it.
func (e *Exporter) Watch(ctx context.Context, req Request, w Watch) error {
	failures := 0
	for ctx.Err() == nil {
		p, err := e.Export(ctx, req)
		if ctx.Err() != nil && rinca.CodeOf(err) == rinca.Canceled {
			return nil
		}
		if rinca.CodeOf(err) == rinca.Usage {
			return err
		}
		failures++
		if err == nil && p.Err() == nil {
			failures = 0
		}
		next := pause(w.Interval, failures, rand.Float64()) //nolint:gosec // jitter
		w.Tick(p, err, next)
		// What the look needed is not needed while nothing happens.
		debug.FreeOSMemory()
		w.Sleep(ctx, next)
	}
	return nil
}

// pause returns how long to wait after so many failures in a row: doubled for
// each, up to maxBackoff, and up to a tenth more or less, so that many watchers
// do not ask at once.
func pause(interval time.Duration, failures int, random float64) time.Duration {
	d := float64(interval)
	if failures > 0 {
		d = math.Min(d*math.Pow(2, float64(min(failures, 20)-1)), math.Max(float64(interval), float64(maxBackoff)))
	}
	return time.Duration(d * (0.9 + 0.2*random))
}

// Sleep is the Sleep of a real clock.
func Sleep(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
	case <-t.C:
	}
}
