package scheduler

import (
	"cmp"
	"container/heap"
	"context"
	"encoding/binary"
	"fmt"
	"hash/fnv"
	"slices"
	"time"

	"rinca/internal/rinca"
)

// act deals with what is due of an entry.
func (s *Scheduler) act(ctx context.Context, e *entry, now time.Time) {
	latest, n := e.latest(now)
	tooLate := now.Sub(e.delayed(latest)) > late
	next := e.at
	next.Done = latest
	switch running := s.running(ctx, e.at.LastRun); {
	case running:
		next.Missed += n
		next.Note = fmt.Sprintf("The run of %s was left out: the one before, %s, was not finished.", clockText(latest), e.at.LastRun)
	case tooLate && e.Schedule.Missed == rinca.Skip:
		next.Missed += n
		next.Note = fmt.Sprintf("What was due up to %s was missed, and is not made up for.", clockText(latest))
	default:
		u, err := s.submit(ctx, e, latest)
		if err != nil && !final(err) {
			s.later(ctx, e, now, err)
			return
		}
		if err != nil {
			next.Missed += n
			next.Note = fmt.Sprintf("The run of %s could not be started: %v.", clockText(latest), err)
			break
		}
		next.Last, next.LastRun, next.Missed, next.Note = now, u.ID, 0, ""
		switch {
		case tooLate:
			next.Note = fmt.Sprintf("It made up for %s while the server was down, or its clock stood elsewhere.", runs(n))
		case n > 1:
			next.Note = fmt.Sprintf("It made up for %s in between.", runs(n-1))
		}
	}
	s.tell(e, next)
	s.mu.Lock()
	defer s.mu.Unlock()
	e.at, e.dirty = next, true
	e.plan()
	s.requeue(e)
}

func (s *Scheduler) requeue(e *entry) {
	if e.fire.IsZero() {
		heap.Remove(&s.queue, e.index)
		return
	}
	heap.Fix(&s.queue, e.index)
}

// later tries again in a while.
func (s *Scheduler) later(ctx context.Context, e *entry, now time.Time, err error) {
	if ctx.Err() == nil {
		s.Log.Warn("a schedule cannot start what is due, and tries again", "target", e.Target.String(), "error", err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	e.fire = now.Add(retry)
	s.requeue(e)
}

// final reports whether asking again can never help.
func final(err error) bool {
	switch rinca.CodeOf(err) {
	case rinca.Invalid, rinca.NotFound, rinca.Conflict, rinca.Forbidden, rinca.Usage:
		return true
	}
	return false
}

// submit asks for the run of a due time: once, however often it asks.
func (s *Scheduler) submit(ctx context.Context, e *entry, due time.Time) (rinca.Update, error) {
	return s.Submit(ctx, rinca.Submission{
		Execution: e.Execution, Operator: Operator, Trigger: Trigger, Cause: e.Cause,
		IdempotencyKey: e.key + " " + due.UTC().Format(time.RFC3339),
	})
}

// running reports whether an update has not come to its end.
func (s *Scheduler) running(ctx context.Context, id string) bool {
	if id == "" {
		return false
	}
	u, err := s.DB.Update(ctx, id)
	return err == nil && !u.State.Final()
}

// latest returns the last time that is to be acted on now, and how many there
// are that nobody has dealt with, up to a bound.
func (e *entry) latest(now time.Time) (time.Time, int) {
	at, n := e.due, 1
	for ; n < upTo; n++ {
		next := e.spec.Next(at)
		if next.IsZero() || e.delayed(next).After(now) {
			return at, n
		}
		at = next
	}
	// A long time has passed: look back from now, further and further.
	for _, back := range []time.Duration{time.Minute, time.Hour, 24 * time.Hour, 32 * 24 * time.Hour} {
		last := time.Time{}
		for t := e.spec.Next(now.Add(-back)); !t.IsZero() && !e.delayed(t).After(now); t = e.spec.Next(t) {
			last = t
		}
		if last.After(at) {
			return last, n + 1
		}
	}
	return at, n
}

// delayed puts a time off by up to the jitter: by as much each time that it is
// asked, and never past the next one.
func (e *entry) delayed(due time.Time) time.Time {
	most := time.Duration(e.Schedule.Jitter)
	if most <= 0 {
		return due
	}
	if next := e.spec.Next(due); !next.IsZero() {
		most = min(most, next.Sub(due))
	}
	h := fnv.New64a()
	h.Write([]byte(e.key))
	h.Write(binary.BigEndian.AppendUint64(nil, uint64(due.Unix())))
	return due.Add(time.Duration(h.Sum64() % uint64(max(1, most)))).Truncate(time.Second)
}

// tell raises and resolves alerts.
func (s *Scheduler) tell(e *entry, next memory) {
	if next.Missed > e.at.Missed {
		s.Log.Warn("a schedule did not run", "target", e.Target.String(), "why", next.Note)
	}
	if s.Alert == nil {
		return
	}
	missed := rinca.Alert{Level: rinca.AlertWarning, Type: rinca.AlertScheduleMissed, Target: e.Target, Update: next.LastRun}
	switch {
	case next.Missed > e.at.Missed:
		missed.Message = fmt.Sprintf("the schedule of %s did not run: %s", e.Target, next.Note)
		missed.Hint = "rinca schedule list"
		s.Alert(missed)
	case e.at.Missed > 0 && next.Missed == 0:
		missed.Level, missed.Resolved = rinca.AlertOK, true
		missed.Message = fmt.Sprintf("the schedule of %s runs again", e.Target)
		s.Alert(missed)
	}
	if e.Tell && next.LastRun != e.at.LastRun {
		s.Alert(rinca.Alert{
			Level: rinca.AlertOK, Type: rinca.AlertScheduleRun, Target: e.Target, Update: next.LastRun, Once: true,
			Message: fmt.Sprintf("the schedule of %s started it", e.Target),
		})
	}
}

func clockText(t time.Time) string { return t.Format("2006-01-02 15:04:05 MST") }

func runs(n int) string {
	switch {
	case n == 1:
		return "1 run that was missed"
	case n >= upTo:
		return fmt.Sprintf("%d runs or more that were missed", upTo)
	}
	return fmt.Sprintf("%d runs that were missed", n)
}

func sortScheduled(list []rinca.Scheduled) {
	slices.SortFunc(list, func(a, b rinca.Scheduled) int {
		return cmp.Or(cmp.Compare(a.Target.Kind, b.Target.Kind), cmp.Compare(a.Target.Name, b.Target.Name), cmp.Compare(a.Execution, b.Execution))
	})
}
