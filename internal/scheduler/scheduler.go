// Package scheduler starts executions when they are due, and does nothing
// else. What it remembers is in the database, so that a run that was due while
// the server was down is made up for, and none happens twice.
package scheduler

import (
	"container/heap"
	"context"
	"log/slog"
	"strings"
	"sync"
	"time"

	"rinca/internal/rinca"
	"rinca/internal/schedule"
	"rinca/internal/store"
)

// Who asks for what a schedule starts.
const (
	Operator = "schedule"
	Trigger  = "schedule"
)

const (
	tick    = 2 * time.Second  // how often it looks for changes, and at the clock
	late    = time.Minute      // what comes later was missed
	retry   = 10 * time.Second // after the database, or the queue, did not answer
	farBack = 36 * time.Hour   // a clock that goes back further was wrong before
	upTo    = 1000             // runs that were missed are counted so far
)

// An Entry is something that has a schedule.
type Entry struct {
	Target    rinca.Target
	Schedule  rinca.Schedule
	Execution rinca.Execution
	Cause     string // "schedule of Daily Secrets Export"
	Tell      bool   // raise an alert for each run
}

// A Source lists entries.
type Source func(ctx context.Context) ([]Entry, error)

// A Scheduler starts what is due. Fill in its fields, and call Run once.
type Scheduler struct {
	DB      *store.DB
	Sources []Source
	Submit  func(ctx context.Context, s rinca.Submission) (rinca.Update, error)
	Now     func() time.Time
	Zone    *time.Location    // of schedules without one; nil means the machine's
	Alert   func(rinca.Alert) // nil: nobody is told
	Log     *slog.Logger

	work     sync.Mutex // held by who changes what is below
	mu       sync.Mutex // of all below, for those who look
	entries  map[string]*entry
	queue    queue
	revision int64
	loaded   bool
	looked   time.Time // when Step last looked at the clock
	failing  bool
}

// A memory is what is kept of an entry.
type memory struct {
	// Form is the schedule that it was made for; another one begins anew.
	Form string `json:"form"`
	// Done is the time up to which everything that was due has been dealt with.
	Done time.Time `json:"done"`
	// Off says that there was no schedule for a while: what was due then was
	// not missed.
	Off     bool      `json:"off,omitempty"`
	Last    time.Time `json:"last,omitzero"`
	LastRun string    `json:"last_run,omitempty"`
	Missed  int       `json:"missed,omitempty"`
	Note    string    `json:"note,omitempty"`
}

// entry is an Entry with its times.
type entry struct {
	Entry
	key   string
	spec  *schedule.Spec // nil when it cannot be read
	err   error
	at    memory
	due   time.Time // the next time of its schedule
	fire  time.Time // and when it is acted on
	index int       // in the queue; -1: it never comes
	dirty bool      // at is to be stored
}

func (s *Scheduler) records() store.Records[memory] { return store.RecordsOf[memory](s.DB, "schedule") }

// Run starts what is due until ctx ends.
func (s *Scheduler) Run(ctx context.Context) {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-timer.C:
		}
		wait := tick
		if next := s.Step(ctx); !next.IsZero() {
			wait = max(0, min(wait, next.Sub(s.Now())))
		}
		timer.Reset(wait)
	}
}

// Step starts everything that is due now, and returns when something is due
// next; the zero time for never.
func (s *Scheduler) Step(ctx context.Context) time.Time {
	s.work.Lock()
	defer s.work.Unlock()
	s.reload(ctx)
	now := s.Now()
	if s.looked.Sub(now) > farBack {
		s.clockWentBack(now)
	}
	s.looked = now
	var done []*entry
	for len(s.queue) > 0 && !s.queue[0].fire.After(now) && ctx.Err() == nil {
		e := s.queue[0]
		s.act(ctx, e, now)
		done = append(done, e)
		if now = s.Now(); len(done) == 100 { // a crash asks again for no more than these
			s.save(ctx, done)
			done = done[:0]
		}
	}
	s.save(ctx, done)
	if len(s.queue) == 0 {
		return time.Time{}
	}
	return s.queue[0].fire
}

// save stores what is remembered of entries.
func (s *Scheduler) save(ctx context.Context, entries []*entry) {
	var recs []store.Record[memory]
	for _, e := range entries {
		if e.dirty {
			recs = append(recs, store.Record[memory]{ID: e.key, At: e.at.Done, Value: e.at})
		}
	}
	if len(recs) == 0 {
		return
	}
	// The runs have been asked for: this is stored also when the server stops.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
	defer cancel()
	if err := s.records().PutAll(ctx, recs); err != nil {
		s.Log.Error("store when schedules ran", "error", err)
		return
	}
	for _, e := range entries {
		e.dirty = false
	}
}

// clockWentBack lets times come again that a clock which was wrong had passed.
// What ran at one of them does not run again: the queue knows it.
func (s *Scheduler) clockWentBack(now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var changed []*entry
	for _, e := range s.entries {
		if e.at.Done.Sub(now) > farBack {
			e.at.Done, e.dirty = now, true
			e.at.Note = "The clock went back."
			e.plan()
			changed = append(changed, e)
		}
	}
	s.line()
	s.save(context.Background(), changed)
}

// plan finds out when an entry is due next.
func (e *entry) plan() {
	e.due, e.fire = time.Time{}, time.Time{}
	if e.spec == nil || e.Schedule.Disabled {
		return
	}
	if e.due = e.spec.Next(e.at.Done); !e.due.IsZero() {
		e.fire = e.delayed(e.due)
	}
}

// line puts the entries in a row.
func (s *Scheduler) line() {
	s.queue = s.queue[:0]
	for _, e := range s.entries {
		if e.index = -1; !e.fire.IsZero() {
			e.index = len(s.queue)
			s.queue = append(s.queue, e)
		}
	}
	heap.Init(&s.queue)
}

// A queue is a heap of entries; the one that fires first is at its front.
type queue []*entry

func (q queue) Len() int { return len(q) }
func (q queue) Less(i, j int) bool {
	if q[i].fire.Equal(q[j].fire) {
		return q[i].key < q[j].key
	}
	return q[i].fire.Before(q[j].fire)
}

func (q queue) Swap(i, j int) {
	q[i], q[j] = q[j], q[i]
	q[i].index, q[j].index = i, j
}
func (q *queue) Push(x any) { *q = append(*q, x.(*entry)) }
func (q *queue) Pop() any {
	e := (*q)[len(*q)-1]
	*q = (*q)[:len(*q)-1]
	e.index = -1
	return e
}

func keyOf(e *Entry) string { return e.Target.String() + " " + e.Execution.Kind }

// TimeZone is that of schedules which name none.
func (s *Scheduler) TimeZone() *time.Location {
	if s.Zone == nil {
		return time.Local
	}
	return s.Zone
}

// form is what a schedule is known by: when it changes, it begins anew.
func (s *Scheduler) form(x rinca.Schedule) string {
	zone := x.TimeZone
	if zone == "" {
		zone = s.TimeZone().String()
	}
	return strings.Join([]string{x.Text, string(x.Format), zone}, "\n")
}
