package auth

import (
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

func TestLimiterDoubles(t *testing.T) {
	l := &limiter{free: 3, first: time.Second, most: 10 * time.Second, keep: time.Hour, size: 10}
	now := time.Unix(1_700_000_000, 0)
	for i := range 3 {
		if wait := l.attempt("a", now); wait != 0 {
			t.Errorf("failure %d waits %v", i, wait)
		}
	}
	var total time.Duration
	var waits []time.Duration
	for range 7 {
		wait := l.attempt("a", now)
		if wait == 0 {
			wait = l.attempt("a", now)
		}
		waits = append(waits, wait)
		now, total = now.Add(wait), total+wait
	}
	if got := fmt.Sprint(waits); got != "[1s 2s 4s 8s 10s 10s 10s]" {
		t.Errorf("waits %v", got)
	}
	if l.attempt("b", now) != 0 {
		t.Error("another name waits")
	}
	l.clear("a")
	if l.attempt("a", now) != 0 {
		t.Error("a name that was cleared waits")
	}
	// Forgotten after a while.
	for range 4 {
		l.attempt("c", now)
	}
	if l.attempt("c", now.Add(2*time.Hour)) != 0 || l.names["c"].count != 1 {
		t.Error("failures are kept for ever")
	}
}

func TestLimiterRefund(t *testing.T) {
	l := &limiter{free: 1, first: time.Minute, most: time.Hour, keep: time.Hour, size: 10}
	now := time.Unix(1_700_000_000, 0)
	for range 50 {
		if l.attempt("a", now) != 0 {
			t.Fatal("an attempt that was none counts")
		}
		l.refund("a")
	}
	l.refund("nobody")
}

func TestLimiterAndTheClock(t *testing.T) {
	l := &limiter{free: 0, first: time.Second, most: time.Minute, keep: time.Hour, size: 10}
	now := time.Unix(1_700_000_000, 0)
	l.attempt("a", now.AddDate(10, 0, 0)) // the clock was wrong, and is set back
	if wait := l.attempt("a", now); wait > time.Minute {
		t.Errorf("waits %v", wait)
	}
	l.attempt("b", now)
	if wait := l.attempt("b", now.AddDate(10, 0, 0)); wait != 0 {
		t.Errorf("waits %v after the clock was set forward", wait)
	}
}

// A clock that was set back by years blocks nobody for years.
func TestClockSetBackUnblocks(t *testing.T) {
	l := &limiter{free: 0, first: time.Second, most: time.Second, keep: time.Hour, size: 10}
	now := time.Unix(1_700_000_000, 0)
	l.attempt("a", now.AddDate(10, 0, 0))
	wait := l.attempt("a", now)
	if l.attempt("a", now.Add(wait)) != 0 {
		t.Error("blocked for as long as the clock was wrong")
	}
}

func TestLimiterIsBounded(t *testing.T) {
	l := &limiter{free: 0, first: time.Minute, most: time.Hour, keep: time.Hour, size: 100}
	now := time.Unix(1_700_000_000, 0)
	for i := range 1000 {
		l.attempt(fmt.Sprint(i), now.Add(time.Duration(i)*time.Millisecond))
	}
	if len(l.names) > 100 {
		t.Errorf("%d names", len(l.names))
	}
	if l.names["999"] == nil || l.names["0"] != nil {
		t.Error("the newest went, or the oldest stayed")
	}
}

func TestLimiterAtOnce(t *testing.T) {
	l := &limiter{free: 5, first: time.Minute, most: time.Hour, keep: time.Hour, size: 100}
	now := time.Unix(1_700_000_000, 0)
	var heard atomic.Int64
	var wg sync.WaitGroup
	for range 200 {
		wg.Go(func() {
			if l.attempt("a", now) == 0 {
				heard.Add(1)
			}
		})
	}
	wg.Wait()
	if heard.Load() != 6 {
		t.Errorf("%d guesses at once were heard, want 5 free ones and the first that is delayed after", heard.Load())
	}
}

func TestNetwork(t *testing.T) {
	for remote, want := range map[string]string{
		"192.0.2.7": "192.0.2.7", "192.0.2.7:1234": "192.0.2.7", "::ffff:192.0.2.7": "192.0.2.7",
		"2001:db8:1:2:3:4:5:6": "2001:db8:1:2::/64", "[2001:db8:1:2::9]:80": "2001:db8:1:2::/64", "fe80::1%eth0": "fe80::/64",
		"": "unknown", "unix": "unknown", "a\nb": "unknown",
	} {
		if got := network(remote); got != want {
			t.Errorf("%q: %q, want %q", remote, got, want)
		}
	}
}
