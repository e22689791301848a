package alert

import (
	"cmp"
	"context"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"rinca/internal/rinca"
	"rinca/internal/store"
)

// The queue sends alerts. Each alerter has a lane of its own: what is in it
// is sent in order, and one that does not answer holds up no other.

const (
	atOnce    = 16               // lanes that send at a time
	maxLane   = 500              // alerts that wait for one alerter
	firstWait = 5 * time.Second  // after the first failure; then it doubles
	longWait  = time.Hour        // between two tries
	giveUp    = 24 * time.Hour   // after the alert
	maxHung   = 2                // senders of one lane that never came back
	sendTime  = 10 * time.Second // for one try
)

type queue struct {
	mu    sync.Mutex
	lanes map[string]*lane
	busy  int
	wake  chan struct{}
	ready bool // what waited at the start is in the lanes
}

type lane struct {
	waiting []rinca.AlertSending
	busy    bool
	hung    int
}

func (a *Alerts) sendings() store.Records[rinca.AlertSending] {
	return store.RecordsOf[rinca.AlertSending](a.DB, "alert_sending")
}

func record(s rinca.AlertSending) store.Record[rinca.AlertSending] {
	return store.Record[rinca.AlertSending]{ID: s.ID, Key: s.Alerter, At: s.At, Value: s}
}

// enqueue stores what has to be sent, and hands it over.
func (a *Alerts) enqueue(ctx context.Context, x rinca.Alert) error {
	alerters, err := a.DB.Alerters(ctx)
	if err != nil {
		return err
	}
	now := a.now()
	var recs []store.Record[rinca.AlertSending]
	for i := range alerters {
		if alerters[i].Lets(&x) {
			recs = append(recs, record(rinca.AlertSending{ID: a.DB.ID(), Alerter: alerters[i].Name, Alert: x, At: now}))
		}
	}
	if len(recs) == 0 {
		return nil
	}
	if err := a.sendings().PutAll(ctx, recs); err != nil {
		return err
	}
	q := &a.queue
	q.mu.Lock()
	for _, r := range recs {
		if q.ready { // else Run reads it with the others
			q.lane(r.Key).waiting = append(q.lane(r.Key).waiting, r.Value)
		}
	}
	q.mu.Unlock()
	a.poke()
	return nil
}

func (q *queue) lane(name string) *lane {
	if q.lanes == nil {
		q.lanes = map[string]*lane{}
	}
	if q.lanes[name] == nil {
		q.lanes[name] = &lane{}
	}
	return q.lanes[name]
}

func (q *queue) signal() chan struct{} {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.wake == nil {
		q.wake = make(chan struct{}, 1)
	}
	return q.wake
}

func (a *Alerts) poke() {
	select {
	case a.queue.signal() <- struct{}{}:
	default:
	}
}

// Retry sends what waits for an alerter now, since it was changed.
func (a *Alerts) Retry(alerter string) {
	if a == nil {
		return
	}
	a.queue.mu.Lock()
	if l := a.queue.lanes[alerter]; l != nil {
		for i := range l.waiting {
			l.waiting[i].NextAt = time.Time{}
		}
	}
	a.queue.mu.Unlock()
	a.poke()
}

// recover reads what waited when the server ended.
func (a *Alerts) recover(ctx context.Context) error {
	all, err := a.sendings().List(ctx, store.RecordFilter{Oldest: true})
	if err != nil {
		return err
	}
	slices.SortStableFunc(all, func(x, y store.Record[rinca.AlertSending]) int { return x.Value.At.Compare(y.Value.At) })
	a.queue.mu.Lock()
	defer a.queue.mu.Unlock()
	now := a.now()
	for i := range all {
		s := all[i].Value
		if s.GaveUp || !s.SentAt.IsZero() {
			continue
		}
		if s.NextAt.Sub(now) > longWait*2 { // by a clock that was wrong
			s.NextAt = now
		}
		l := a.queue.lane(s.Alerter)
		l.waiting = append(l.waiting, s)
	}
	a.queue.ready = true
	return nil
}

// deliver sends what waits until ctx ends.
func (a *Alerts) deliver(ctx context.Context) {
	for {
		err := a.recover(ctx)
		if err == nil {
			break
		}
		a.Log.Error("read alerts that wait to be sent", "error", err)
		if !sleep(ctx, time.Second) {
			return
		}
	}
	var work sync.WaitGroup
	defer work.Wait()
	wake := a.queue.signal()
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		timer.Reset(a.dispatch(ctx, &work))
		select {
		case <-ctx.Done():
			return
		case <-wake:
		case <-timer.C:
		}
	}
}

// dispatch starts what is due, and returns when to look again.
func (a *Alerts) dispatch(ctx context.Context, work *sync.WaitGroup) time.Duration {
	q, now, wait := &a.queue, a.now(), time.Minute
	q.mu.Lock()
	defer q.mu.Unlock()
	for name, l := range q.lanes {
		if len(l.waiting) == 0 && !l.busy && l.hung == 0 {
			delete(q.lanes, name)
			continue
		}
		if len(l.waiting) == 0 || l.busy {
			continue
		}
		if due := l.waiting[0].NextAt.Sub(now); due > 0 {
			wait = min(wait, due)
			continue
		}
		if q.busy >= atOnce {
			continue // the next that ends wakes us
		}
		l.busy = true
		q.busy++
		over := max(0, len(l.waiting)-maxLane)
		head, dropped := l.waiting[over], slices.Clone(l.waiting[:over])
		l.waiting = l.waiting[over:]
		work.Go(func() {
			a.drop(ctx, dropped)
			a.finish(ctx, l, a.try(ctx, l, head))
		})
	}
	return wait
}

// drop gives up what would make a lane too long.
func (a *Alerts) drop(ctx context.Context, sendings []rinca.AlertSending) {
	for _, s := range sendings {
		s.GaveUp, s.Error = true, "too many alerts wait for this alerter"
		a.save(ctx, s)
	}
}

// try sends one alert once.
func (a *Alerts) try(ctx context.Context, l *lane, s rinca.AlertSending) rinca.AlertSending {
	alerter, err := a.DB.Alerter(ctx, s.Alerter)
	switch {
	case rinca.CodeOf(err) == rinca.NotFound:
		s.GaveUp, s.Error = true, "the alerter does not exist any more"
		return s
	case err == nil && alerter.Disabled:
		s.GaveUp, s.Error = true, "the alerter was disabled"
		return s
	case err == nil:
		err = a.send(ctx, l, &alerter, s.Alert)
	}
	if ctx.Err() != nil {
		return s // the server ends; it is tried again at the next start
	}
	s.Tries++
	now := a.now()
	if err == nil {
		s.SentAt, s.Error, s.NextAt = now, "", time.Time{}
		return s
	}
	s.Error = cut(a.masker()(err.Error()), maxText)
	s.NextAt = now.Add(max(backoff(s.Tries), retryAfter(err)))
	if refused(err) || now.Sub(s.At) > giveUp || s.NextAt.Sub(s.At) > giveUp+longWait {
		s.GaveUp = true
	}
	a.Log.Warn("send an alert", "alerter", s.Alerter, "alert", s.Alert.ID, "tries", s.Tries, "gave_up", s.GaveUp, "error", s.Error)
	return s
}

// finish stores what became of a try, and lets the lane go on.
func (a *Alerts) finish(ctx context.Context, l *lane, s rinca.AlertSending) {
	if s.Tries > 0 || s.GaveUp {
		a.save(ctx, s)
	}
	q := &a.queue
	q.mu.Lock()
	if s.GaveUp || !s.SentAt.IsZero() {
		l.waiting = l.waiting[1:]
	} else {
		l.waiting[0] = s
	}
	l.busy = false
	q.busy--
	q.mu.Unlock()
	a.poke()
}

func (a *Alerts) save(ctx context.Context, s rinca.AlertSending) {
	if err := a.sendings().Put(context.WithoutCancel(ctx), record(s)); err != nil {
		a.Log.Error("note that an alert was sent", "alerter", s.Alerter, "error", err)
	}
}

// backoff is how long to wait after so many tries, give or take a fifth.
func backoff(tries int) time.Duration {
	d := longWait
	if tries < 12 {
		d = min(firstWait<<max(tries-1, 0), longWait)
	}
	return d - d/5 + rand.N(2*d/5+1) //nolint:gosec // no secret
}

func sleep(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// Sendings returns what was sent to an alerter, or of an alert, and what waits
// or was given up, the newest first. Both may be "".
func (a *Alerts) Sendings(ctx context.Context, alerter, alert string, limit int) ([]rinca.AlertSending, error) {
	if a == nil {
		return nil, nil
	}
	all, err := a.sendings().List(ctx, store.RecordFilter{Key: alerter})
	if err != nil {
		return nil, err
	}
	var out []rinca.AlertSending
	for i := range all {
		if s := all[i].Value; alert == "" || s.Alert.ID == alert {
			out = append(out, s)
		}
	}
	slices.SortStableFunc(out, func(x, y rinca.AlertSending) int { return cmp.Or(y.At.Compare(x.At), cmp.Compare(y.ID, x.ID)) })
	if limit > 0 && len(out) > limit {
		out = out[:limit]
	}
	return out, nil
}
