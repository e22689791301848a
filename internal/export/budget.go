package export

import (
	"encoding/json"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"

	"rinca/internal/atomicfile"
	"rinca/internal/rinca"
)

const requestsFile = stateDir + "/requests"

// A Budget is how many requests may be sent within any hour and any day; 0 is
// no limit.
type Budget struct {
	Hour int
	Day  int
}

// ParseBudget reads a budget such as "200/h", "1000/d" or "200/h,1000/d".
func ParseBudget(s string) (Budget, error) {
	var b Budget
	wrong := rinca.Errorf(rinca.Usage, "%q is no budget of requests", s).Try("--max-requests 200/h,1000/d")
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

// ServiceBudget is a budget that leaves others room in the smallest plan of
// 1Password: 1,000 requests a day for everything that uses the account.
func ServiceBudget() Budget { return Budget{Hour: 100, Day: 500} }

// A ledger counts requests by the minute, in a file, so that a restart does not
// forget them. They are written down before they are sent: whoever is killed
// has counted too many, never too few.
type ledger struct {
	root   *os.Root // nil: counted in memory only
	budget Budget
	now    func() time.Time

	mu       sync.Mutex
	minutes  map[int64]int
	ahead    int   // written down, and not sent yet
	aheadFor int64 // the minute they are written down for
	batch    int
}

// maxAhead bounds how many requests are written down at a time.
const maxAhead = 16

// openLedger reads the counts. A damaged file counts as none: it was written
// whole, so that nobody but a person has changed it.
func openLedger(root *os.Root, b Budget, now func() time.Time) *ledger {
	l := &ledger{root: root, budget: b, now: now, minutes: map[int64]int{}, batch: 1}
	if root != nil {
		if data, _, err := readRegular(root, requestsFile); err == nil {
			_ = json.Unmarshal(data, &l.minutes)
		}
	}
	// A clock that was set back leaves minutes of the future. They count as
	// now, or else they would count for too long.
	minute := l.minute()
	for m, n := range l.minutes {
		if n < 0 || m < minute-24*60 {
			delete(l.minutes, m)
		} else if m > minute {
			delete(l.minutes, m)
			l.minutes[minute] += n
		}
	}
	return l
}

func (l *ledger) minute() int64 { return l.now().Unix() / 60 }

// spent returns how many requests count for a window that ends at some time.
// The minute that the window begins in counts whole.
func (l *ledger) spent(at time.Time, minutes int64) int {
	n, from := 0, at.Unix()/60-minutes
	for m, count := range l.minutes {
		if m >= from {
			n += count
		}
	}
	return n
}

// allow counts requests that are about to be sent. Those over the budget are
// refused with code RateLimited.
func (l *ledger) allow(requests int) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.aheadFor != l.minute() {
		l.takeBack()
	}
	if l.ahead < requests {
		if err := l.writeDown(requests); err != nil {
			return err
		}
	}
	l.ahead -= requests
	return nil
}

func (l *ledger) writeDown(requests int) error {
	need := requests - l.ahead
	room := l.room(l.now())
	if room < need {
		return rinca.Errorf(rinca.RateLimited, "the budget of %s requests is used up until %s", l.budget, l.next(need).Format("15:04")).
			Try("wait, or raise --max-requests")
	}
	take := min(room, max(need, l.batch))
	l.batch = min(2*l.batch, maxAhead)
	l.minutes[l.minute()] += take
	l.ahead += take
	l.aheadFor = l.minute()
	return l.save()
}

// room returns how many requests the budget has left at some time.
func (l *ledger) room(at time.Time) int {
	const plenty = 1 << 30
	room := plenty
	if l.budget.Hour > 0 {
		room = min(room, l.budget.Hour-l.spent(at, 60))
	}
	if l.budget.Day > 0 {
		room = min(room, l.budget.Day-l.spent(at, 24*60))
	}
	return max(room, 0)
}

// next returns when the budget has room for so many requests.
func (l *ledger) next(requests int) time.Time {
	for t := l.now().Truncate(time.Minute); ; t = t.Add(time.Minute) {
		if l.room(t) >= requests || t.Sub(l.now()) > 25*time.Hour {
			return t
		}
	}
}

// giveBack takes back what was written down and not sent.
func (l *ledger) giveBack() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.takeBack()
}

func (l *ledger) takeBack() {
	if l.ahead == 0 {
		return
	}
	l.minutes[l.aheadFor] -= l.ahead
	l.ahead = 0
	_ = l.save() // else too many stay counted, which is the safe side
}

func (l *ledger) save() error {
	if l.root == nil {
		return nil
	}
	data, err := json.Marshal(l.minutes)
	if err != nil {
		return rinca.Errorf(rinca.Internal, "encode the count of requests: %w", err)
	}
	return atomicfile.Write(l.root, requestsFile, data, atomicfile.Mode(0o600))
}
