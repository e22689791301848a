package alert

import (
	"time"

	"rinca/internal/rinca"
)

// The rules of what is the same alert, and of what is told.

// raise returns what becomes of an alert that is raised, old being the one
// with the same key, if any: whether alerters are told, and whether anything
// changed. An update raises once.
func raise(old *kept, x rinca.Alert, now time.Time) (next kept, tell, changed bool) {
	if old == nil || old.Resolved && !lately(old.ResolvedAt, now, again) {
		next = kept{Alert: x}
		if next.At.IsZero() {
			next.At = now
		}
		next.Count, next.LastAt = 1, now
		return next, true, true
	}
	if x.Update != "" && x.Update == old.Update {
		return *old, false, false
	}
	next = *old
	worse := x.Level.Worse(old.Level)
	if worse || old.Resolved {
		next.Level = x.Level
	}
	next.Message, next.Details, next.Lines, next.Hint, next.Update, next.To = x.Message, x.Details, x.Lines, x.Hint, x.Update, x.To
	next.Resolved, next.ResolvedAt, next.ClosedBy = false, time.Time{}, ""
	next.Count++
	next.LastAt = now
	return next, worse || !next.ToldOpen && !lately(next.ToldAt, now, atMost), true
}

// resolve returns what becomes of an alert that is well again. Who was told
// that it is open is told that too.
func resolve(old *kept, by string, now time.Time) (next kept, tell, changed bool) {
	if old == nil || old.Resolved {
		return kept{}, false, false
	}
	next = *old
	next.Resolved, next.ResolvedAt, next.ClosedBy = true, now, by
	return next, next.ToldOpen, true
}

// late reports whether alerters have to be told of an alert that opened again
// when it was too early to tell.
func late(s *kept, now time.Time) bool {
	return !s.Resolved && !s.ToldOpen && !lately(s.ToldAt, now, atMost)
}

// lately reports whether something was within a time before now. What is in
// the future, by a clock that was wrong, was not.
func lately(at, now time.Time, within time.Duration) bool {
	return !at.IsZero() && !at.After(now) && now.Sub(at) < within
}
