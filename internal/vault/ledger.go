package vault

import (
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"rinca/internal/rinca"
)

// A Budget is how many requests may be sent within any hour and any day; 0 is
// no limit.
type Budget struct {
	Hour int
	Day  int
}

// ParseBudget reads a budget such as "200/h", "1000/d" or "200/h,1000/d".
func ParseBudget(s string) (Budget, error) {
	var b Budget
	wrong := rinca.Errorf(rinca.Usage, "%.80q is no budget of requests", s).Try("200/h,1000/d")
	for part := range strings.SplitSeq(s, ",") {
		count, per, _ := strings.Cut(strings.TrimSpace(part), "/")
		n, err := strconv.Atoi(count)
		if err != nil || n < 1 {
			return Budget{}, wrong
		}
		switch {
		case per == "h" && b.Hour == 0:
			b.Hour = n
		case per == "d" && b.Day == 0:
			b.Day = n
		default:
			return Budget{}, wrong
		}
	}
	return b, nil
}

// String returns the budget as ParseBudget reads it; "" for none.
func (b Budget) String() string {
	var parts []string
	if b.Hour > 0 {
		parts = append(parts, strconv.Itoa(b.Hour)+"/h")
	}
	if b.Day > 0 {
		parts = append(parts, strconv.Itoa(b.Day)+"/d")
	}
	return strings.Join(parts, ",")
}

// Limited reports whether there is a limit at all.
func (b Budget) Limited() bool { return b != Budget{} }

// Interval returns the time between two looks that uses up to half of a
// budget, and is no shorter than least. The rest is for what has changed.
func (b Budget) Interval(least time.Duration) time.Duration {
	d := least
	if b.Hour > 0 {
		d = max(d, time.Hour/time.Duration(max(b.Hour/2, 1)))
	}
	if b.Day > 0 {
		d = max(d, 24*time.Hour/time.Duration(max(b.Day/2, 1)))
	}
	return d
}

// A Ledger counts requests by the minute. It writes them down before they are
// sent: whoever is killed has counted too many, never too few. It is safe for
// use by several goroutines.
type Ledger struct {
	budget Budget
	now    func() time.Time
	// save keeps the counts where a restart finds them; nil keeps them in
	// memory alone.
	save func(minutes map[int64]int) error

	mu       sync.Mutex
	minutes  map[int64]int
	ahead    int   // written down, and not sent yet
	aheadFor int64 // the minute they are written down for
	batch    int
}

// maxAhead bounds how many requests are written down at a time.
const maxAhead = 16

// NewLedger returns a ledger that goes on with the counts of before. Counts
// that are too old are dropped. A clock that was set back leaves minutes of
// the future: they count as now, or else they would count for too long.
func NewLedger(b Budget, minutes map[int64]int, now func() time.Time, save func(map[int64]int) error) *Ledger {
	l := &Ledger{budget: b, now: now, save: save, minutes: map[int64]int{}, batch: 1}
	for m, n := range minutes {
		l.minutes[m] = n
	}
	l.settle()
	return l
}

func (l *Ledger) settle() {
	minute := l.minute()
	for m, n := range l.minutes {
		if n <= 0 || m < minute-24*60 {
			delete(l.minutes, m)
		} else if m > minute {
			delete(l.minutes, m)
			l.minutes[minute] += n
		}
	}
}

func (l *Ledger) minute() int64 { return l.now().Unix() / 60 }

// spent returns how many requests count for a window that ends at some time.
// The minute that the window begins in counts whole.
func (l *Ledger) spent(at time.Time, minutes int64) int {
	n, from := 0, at.Unix()/60-minutes
	for m, count := range l.minutes {
		if m >= from {
			n += count
		}
	}
	return n
}

// Allow counts requests that are about to be sent. Those over the budget are
// refused with code RateLimited.
func (l *Ledger) Allow(requests int) error { return l.allow(requests, Budget{}, false) }

// allow leaves a reserve alone. What must be let through is counted all the
// same.
func (l *Ledger) allow(requests int, reserve Budget, must bool) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	minute := l.minute()
	if l.aheadFor > minute { // the clock was set back
		l.settle()
		l.aheadFor = minute
	}
	if l.aheadFor != minute {
		if err := l.takeBack(); err == nil {
			l.batch = max(l.batch/2, 1)
		}
	}
	if l.ahead >= requests && (must || l.room(l.now(), reserve) >= 0) {
		l.ahead -= requests
		return nil
	}
	if err := l.writeDown(requests, reserve, must); err != nil {
		return err
	}
	l.ahead -= requests
	return nil
}

func (l *Ledger) writeDown(requests int, reserve Budget, must bool) error {
	need := max(requests-l.ahead, 0)
	room := l.room(l.now(), reserve)
	if room < need && !must {
		return rinca.Errorf(rinca.RateLimited, "the budget of %s requests is used up until %s", l.budget, l.next(need, reserve).Format("15:04")).
			Try("wait, or raise the budget")
	}
	take := max(need, min(room, l.batch))
	l.batch = min(2*l.batch, maxAhead)
	l.minutes[l.minute()] += take
	l.ahead += take
	l.aheadFor = l.minute()
	return l.keep()
}

// room returns how many requests the budget has left at some time; less than
// none when more were sent. Those that are written down ahead are spent.
func (l *Ledger) room(at time.Time, reserve Budget) int {
	const plenty = 1 << 30
	room := plenty
	if l.budget.Hour > 0 {
		room = min(room, l.budget.Hour-reserve.Hour-l.spent(at, 60))
	}
	if l.budget.Day > 0 {
		room = min(room, l.budget.Day-reserve.Day-l.spent(at, 24*60))
	}
	return room
}

// next returns when the budget has room for so many requests.
func (l *Ledger) next(requests int, reserve Budget) time.Time {
	minutes := slices.Sorted(maps.Keys(l.minutes))
	at := l.minute()
	for _, w := range []struct {
		limit, reserve int
		minutes        int64
	}{{l.budget.Hour, reserve.Hour, 60}, {l.budget.Day, reserve.Day, 24 * 60}} {
		spent := 0
		for _, m := range slices.Backward(minutes) {
			if spent += l.minutes[m]; w.limit > 0 && spent > w.limit-w.reserve-requests {
				at = max(at, m+w.minutes+1) // when this minute is out of the window
				break
			}
		}
	}
	return time.Unix(at*60, 0).In(l.now().Location())
}

// refund takes back requests that were allowed and are not sent after all.
func (l *Ledger) refund(requests int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.aheadFor == l.minute() {
		l.ahead += requests
	}
}

// GiveBack takes back what was written down and not sent.
func (l *Ledger) GiveBack() {
	l.mu.Lock()
	defer l.mu.Unlock()
	_ = l.takeBack() // else too many stay counted, which is the safe side
}

func (l *Ledger) takeBack() error {
	if l.ahead == 0 {
		return nil
	}
	l.minutes[l.aheadFor] -= l.ahead
	l.ahead = 0
	return l.keep()
}

func (l *Ledger) keep() error {
	if l.save == nil {
		return nil
	}
	l.settle()
	return l.save(l.minutes)
}

// used returns how many requests were sent in the last hour and the last day.
func (l *Ledger) used() (hour, day int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := l.now()
	hour, day = l.spent(now, 60), l.spent(now, 24*60)
	if l.ahead > 0 && l.aheadFor >= l.minute()-60 {
		hour -= l.ahead
	}
	return max(hour, 0), max(day-l.ahead, 0)
}
