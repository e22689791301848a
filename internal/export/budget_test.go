package export

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"rinca/internal/rinca"
)

func TestParseBudget(t *testing.T) {
	for s, want := range map[string]Budget{"200/h": {Hour: 200}, "1000/d": {Day: 1000}, "200/h,1000/d": {Hour: 200, Day: 1000}, " 1/d , 2/h": {Hour: 2, Day: 1}} {
		got, err := ParseBudget(s)
		if err != nil || got != want {
			t.Errorf("%q: %+v, %v", s, got, err)
		}
		if again, err := ParseBudget(got.String()); err != nil || again != want {
			t.Errorf("%q is printed as %q", s, got)
		}
	}
	for _, s := range []string{"", "200", "0/h", "-1/h", "1/h,2/h", "1/m", "x/h", "1/h,", "99999999999999999999/h"} {
		if _, err := ParseBudget(s); rinca.CodeOf(err) != rinca.Usage {
			t.Errorf("%q: %v", s, err)
		}
	}
}

func FuzzParseBudget(f *testing.F) {
	f.Add("200/h,1000/d")
	f.Fuzz(func(t *testing.T, s string) {
		b, err := ParseBudget(s)
		if err != nil {
			return
		}
		if again, err := ParseBudget(b.String()); err != nil || again != b {
			t.Errorf("%q is printed as %q", s, b)
		}
	})
}

// Whatever the vault does and however often the process is restarted or
// killed, no hour and no day has more requests than allowed.
func TestBudgetIsNeverExceeded(t *testing.T) {
	root, err := os.OpenRoot(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close()
	if err := root.Mkdir(stateDir, 0o700); err != nil {
		t.Fatal(err)
	}
	now := time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
	budget := Budget{Hour: 30, Day: 100}
	var sent []time.Time
	refused := 0
	for range 3000 {
		l := openLedger(root, budget, func() time.Time { return now })
		for range rand.IntN(12) {
			n := 1 + rand.IntN(3)
			if err := l.allow(n); err != nil {
				if rinca.CodeOf(err) != rinca.RateLimited {
					t.Fatal(err)
				}
				refused++
				break
			}
			for range n {
				sent = append(sent, now)
			}
			now = now.Add(time.Duration(rand.IntN(40)) * time.Second)
		}
		if rand.IntN(4) > 0 { // else it was killed
			l.giveBack()
		}
		now = now.Add(time.Duration(rand.IntN(600)) * time.Second)
	}
	within := func(i int, d time.Duration) int {
		n := 0
		for j := i; j >= 0 && sent[i].Sub(sent[j]) < d; j-- {
			n++
		}
		return n
	}
	most := Budget{}
	for i := range sent {
		most.Hour, most.Day = max(most.Hour, within(i, time.Hour)), max(most.Day, within(i, 24*time.Hour))
	}
	if most.Hour > budget.Hour || most.Day > budget.Day {
		t.Errorf("%s were sent, %s are allowed", most, budget)
	}
	if most.Hour < budget.Hour*2/3 || most.Day < budget.Day*2/3 || refused == 0 {
		t.Errorf("only %s were sent, %s are allowed, %d refused", most, budget, refused)
	}
}

func TestBudgetAcrossExports(t *testing.T) {
	b := newTestbed(t)
	now := time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
	b.e.Now = func() time.Time { return now }
	b.vault.put("a.env", stack("s"), "K=1")
	b.req.Budget = Budget{Hour: 5}
	b.must("s/a.env exported") // 3
	b.must("s/a.env unchanged")
	b.must("s/a.env unchanged")
	_, err := b.export()
	if rinca.CodeOf(err) != rinca.RateLimited || !strings.Contains(err.Error(), "the budget of 5/h requests is used up until 13:0") {
		t.Errorf("%v", err)
	}
	if b.vault.Requests() != 5 {
		t.Errorf("%d requests", b.vault.Requests())
	}
	now = now.Add(62 * time.Minute)
	b.must("s/a.env unchanged")
	now = now.AddDate(-1, 0, 0) // the clock is set back: the requests count as now
	for range 6 {
		_, err = b.export()
	}
	if rinca.CodeOf(err) != rinca.RateLimited || b.vault.Requests() > 10 {
		t.Errorf("%v after %d requests", err, b.vault.Requests())
	}
	if err := os.WriteFile(filepath.Join(b.dest, requestsFile), []byte("junk"), 0o600); err != nil {
		t.Fatal(err)
	}
	b.must("s/a.env unchanged")
}

// A watch looks once per interval, tells what happens, waits longer after
// failures, keeps the last good files, and ends without an error.
func TestWatch(t *testing.T) {
	b := newTestbed(t)
	b.vault.put("a.env", stack("s"), "K=1")
	ctx, cancel := context.WithCancel(t.Context())
	var told []string
	var slept []time.Duration
	down := func(string) error { return rinca.Errorf(rinca.Unavailable, "no answer") }
	w := Watch{Interval: time.Minute}
	w.Tick = func(p *Plan, err error, _ time.Duration) {
		line := fmt.Sprint(rinca.CodeOf(err))
		if err == nil {
			line = b.short(p)
		}
		told = append(told, line)
	}
	w.Sleep = func(_ context.Context, d time.Duration) {
		slept = append(slept, d)
		switch len(slept) {
		case 2:
			b.vault.put("a.env", stack("s"), "K=2")
		case 3:
			b.vault.fail = down
		case 6:
			if got := b.file("s/a.env"); got != "K=2\n" {
				t.Errorf("the last good file holds %q", got)
			}
			b.vault.fail = nil
		case 7:
			b.vault.put("a.env", stack("s"), "K=REPLACE_ME")
		case 8:
			if got := b.file("s/a.env"); got != "K=2\n" {
				t.Errorf("the last good file holds %q", got)
			}
			cancel()
		}
	}
	if err := b.e.Watch(ctx, b.req, w); err != nil {
		t.Fatal(err)
	}
	want := "s/a.env exported; s/a.env unchanged; s/a.env updated; unavailable; unavailable; unavailable; s/a.env unchanged; s failed"
	if got := strings.Join(told, "; "); got != want {
		t.Errorf("told\n  %s\nwant\n  %s", got, want)
	}
	for i, minutes := range []float64{1, 1, 1, 1, 2, 4, 1, 1} {
		if got := slept[i].Minutes(); got < minutes*0.9 || got > minutes*1.1 {
			t.Errorf("pause %d: %.2f minutes; want %v, a tenth more or less", i, got, minutes)
		}
	}
	b.req.Rules.Flags.Mode = "rw"
	if err := b.e.Watch(t.Context(), b.req, w); rinca.CodeOf(err) != rinca.Usage {
		t.Errorf("a bad command line: %v", err)
	}
	if d := pause(time.Minute, 50, 1); d > 17*time.Minute {
		t.Errorf("after 50 failures: %s", d)
	}
	if d := (Budget{Hour: 60, Day: 480}).Interval(time.Minute); d != 6*time.Minute {
		t.Errorf("interval %s", d)
	}
}
