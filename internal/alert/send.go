package alert

import (
	"cmp"
	"context"
	"errors"
	"time"

	"rinca/internal/rinca"
)

// send sends an alert to an alerter, once. Its error is for people: the
// address, which is a secret, is not in it.
func (a *Alerts) send(ctx context.Context, l *lane, alerter *rinca.Alerter, x rinca.Alert) error {
	address, err := a.address(ctx, alerter)
	if err != nil {
		return err
	}
	x = a.masked(x)
	ctx, cancel := context.WithTimeout(ctx, cmp.Or(a.Timeout, sendTime))
	defer cancel()
	to, err := parseAddress(alerter.Kind, address)
	if err != nil {
		return err
	}
	to.mask = a.masker()
	if to.library {
		return a.byLibrary(ctx, l, to, x)
	}
	req, err := request(ctx, alerter, to, &x)
	if err != nil {
		return err
	}
	return to.do(req)
}

// address returns where to, with variables filled in.
func (a *Alerts) address(ctx context.Context, alerter *rinca.Alerter) (rinca.Secret, error) {
	if alerter.URL.IsEmpty() {
		return rinca.Secret{}, rinca.Errorf(rinca.Invalid, "the alerter %s has no address", alerter.Name).Try("rinca alerter set '%s'", alerter.Name)
	}
	if a.Fill == nil {
		return alerter.URL, nil
	}
	return a.Fill(ctx, alerter.URL.Reveal()) // [[NAME]] is looked for in it
}

// masked masks an alert once more: what was not known when it was raised may
// be known now.
func (a *Alerts) masked(x rinca.Alert) rinca.Alert {
	mask := a.masker()
	x.Message, x.Details, x.Hint = mask(x.Message), mask(x.Details), mask(x.Hint)
	lines := make([]string, len(x.Lines))
	for i, l := range x.Lines {
		lines[i] = mask(l)
	}
	x.Lines = lines
	return x
}

// Test sends a test to an alerter, whatever its filters, and says how that
// went.
func (a *Alerts) Test(ctx context.Context, name string) error {
	alerter, err := a.DB.Alerter(ctx, name)
	if err != nil {
		return err
	}
	now := a.now()
	x := rinca.Alert{
		ID: a.DB.ID(), At: now, LastAt: now, Count: 1, Level: rinca.AlertOK, Type: rinca.AlertTest, Once: true,
		Target:  rinca.Target{Kind: rinca.KindAlerter, Name: name},
		Message: "If you see this message, then the alerter " + name + " works.",
	}
	a.queue.mu.Lock()
	l := a.queue.lane(name)
	a.queue.mu.Unlock()
	return a.send(ctx, l, &alerter, x)
}

// A failure is why a try failed.
type failure struct {
	err     *rinca.Error  // for people
	refused bool          // the alert itself was: to repeat it does not help
	after   time.Duration // the endpoint wants to be left alone for so long
}

// Error returns the text for people.
func (f failure) Error() string { return f.err.Message }

// Unwrap returns the error for people.
func (f failure) Unwrap() error { return f.err }

func refused(err error) bool {
	f, ok := errors.AsType[failure](err)
	return ok && f.refused
}

func retryAfter(err error) time.Duration {
	if f, ok := errors.AsType[failure](err); ok {
		return min(f.after, longWait)
	}
	return 0
}
