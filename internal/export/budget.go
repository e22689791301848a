package export

import (
	"encoding/json"
	"os"
	"time"

	"rinca/internal/atomicfile"
	"rinca/internal/rinca"
	"rinca/internal/vault"
)

const requestsFile = stateDir + "/requests"

// A Budget is how many requests may be sent within any hour and any day; 0 is
// no limit.
type Budget = vault.Budget

// ParseBudget reads a budget such as "200/h", "1000/d" or "200/h,1000/d".
func ParseBudget(s string) (Budget, error) {
	b, err := vault.ParseBudget(s)
	if err != nil {
		return b, rinca.Errorf(rinca.CodeOf(err), "%w", err).Try("--max-requests %s", rinca.HintOf(err))
	}
	return b, nil
}

// ServiceBudget is a budget that leaves others room in the smallest plan of
// 1Password: 1,000 requests a day for everything that uses the account.
func ServiceBudget() Budget { return Budget{Hour: 100, Day: 500} }

// A ledger counts requests in a file, so that a restart does not forget them.
type ledger struct {
	root *os.Root // nil: counted in memory only
	*vault.Ledger
}

// openLedger reads the counts. A damaged file counts as none: it was written
// whole, so that nobody but a person has changed it.
func openLedger(root *os.Root, b Budget, now func() time.Time) *ledger {
	l := &ledger{root: root}
	var minutes map[int64]int
	if root != nil {
		if data, _, err := readRegular(root, requestsFile); err == nil {
			_ = json.Unmarshal(data, &minutes)
		}
	}
	l.Ledger = vault.NewLedger(b, minutes, now, l.save)
	return l
}

// allow counts requests that are about to be sent. Those over the budget are
// refused with code RateLimited.
func (l *ledger) allow(requests int) error {
	err := l.Allow(requests)
	if rinca.CodeOf(err) == rinca.RateLimited {
		return rinca.Errorf(rinca.RateLimited, "%w", err).Try("wait, or raise --max-requests")
	}
	return err
}

// giveBack takes back what was written down and not sent.
func (l *ledger) giveBack() { l.GiveBack() }

func (l *ledger) save(minutes map[int64]int) error {
	if l.root == nil {
		return nil
	}
	data, err := json.Marshal(minutes)
	if err != nil {
		return rinca.Errorf(rinca.Internal, "encode the count of requests: %w", err)
	}
	return atomicfile.Write(l.root, requestsFile, data, atomicfile.Mode(0o600))
}
