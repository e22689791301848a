package scheduler

import (
	"context"
	"time"

	"rinca/internal/rinca"
	"rinca/internal/schedule"
	"rinca/internal/store"
)

// reload reads the entries again if anything was changed since. While that
// fails, those that are known go on.
func (s *Scheduler) reload(ctx context.Context) {
	revision := s.DB.Revision()
	if s.loaded && revision == s.revision {
		return
	}
	err := s.read(ctx)
	if err == nil {
		s.loaded, s.revision, s.failing = true, revision, false
		return
	}
	if !s.failing && ctx.Err() == nil {
		s.Log.Error("read the schedules", "error", err)
	}
	s.failing = true
}

func (s *Scheduler) read(ctx context.Context) error {
	var list []Entry
	for _, source := range s.Sources {
		entries, err := source(ctx)
		if err != nil {
			return err
		}
		list = append(list, entries...)
	}
	kept := map[string]memory{}
	if !s.loaded {
		recs, err := s.records().List(ctx, store.RecordFilter{})
		if err != nil {
			return err
		}
		for _, r := range recs {
			kept[r.ID] = r.Value
		}
	}
	now := s.Now()
	next := make(map[string]*entry, len(list))
	var changed []*entry
	for i := range list {
		key := keyOf(&list[i])
		if next[key] != nil || !list[i].Schedule.IsSet() {
			continue
		}
		e := s.entry(key, list[i], kept, now)
		if next[key] = e; e.dirty {
			changed = append(changed, e)
		}
	}
	var gone []string
	for key := range s.entries {
		if next[key] == nil {
			gone = append(gone, key)
		}
	}
	for key := range kept {
		if next[key] == nil {
			gone = append(gone, key)
		}
	}
	s.mu.Lock()
	s.entries = next
	s.line()
	s.mu.Unlock()
	s.save(ctx, changed)
	if len(gone) > 0 {
		if err := s.records().Delete(ctx, gone...); err != nil {
			s.Log.Error("forget schedules that are gone", "error", err)
		}
	}
	return nil
}

// entry makes an entry of what is listed, with what is remembered of it.
func (s *Scheduler) entry(key string, x Entry, kept map[string]memory, now time.Time) *entry {
	e := &entry{Entry: x, key: key}
	form := s.form(x.Schedule)
	old := s.entries[key]
	switch {
	case old != nil:
		e.at, e.dirty = old.at, old.dirty
	default:
		e.at = kept[key]
	}
	if old != nil && old.Schedule == x.Schedule {
		e.spec, e.err, e.due, e.fire = old.spec, old.err, old.due, old.fire
		return e
	}
	e.spec, e.err = schedule.Parse(x.Schedule, s.TimeZone())
	off := e.err != nil || x.Schedule.Disabled
	switch {
	case e.at.Form != form: // new, or another one
		e.at = memory{Form: form, Done: now, Off: off, Last: e.at.Last, LastRun: e.at.LastRun}
		e.dirty = true
	case e.at.Off && !off, e.at.Done.Sub(now) > farBack:
		e.at.Off, e.at.Done, e.at.Missed, e.at.Note, e.dirty = off, now, 0, "", true
	case e.at.Off != off:
		e.at.Off, e.dirty = off, true
	}
	e.plan()
	return e
}

const (
	fewTimes  = 5   // of one schedule, however far away
	mostTimes = 200 // of one schedule
)

// upcoming lists the next few times, and all others until end, up to a limit.
func upcoming(spec *schedule.Spec, after, end time.Time) []time.Time {
	var out []time.Time
	for len(out) < mostTimes {
		if after = spec.Next(after); after.IsZero() || len(out) >= fewTimes && after.After(end) {
			break
		}
		out = append(out, after)
	}
	return out
}

// List tells of every schedule when it runs, by target; those that cannot be
// read and those that are disabled too. It tells the next five times, and all
// others of so many days, up to mostTimes.
func (s *Scheduler) List(ctx context.Context, days int) []rinca.Scheduled {
	if s.work.TryLock() { // what was changed a moment ago is there; if much is being started, it comes soon
		s.reload(ctx)
		s.work.Unlock()
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.Now()
	out := make([]rinca.Scheduled, 0, len(s.entries))
	for _, e := range s.entries {
		x := rinca.Scheduled{
			Target: e.Target, Execution: e.Execution.Kind, Schedule: e.Schedule,
			Last: e.at.Last, LastRun: e.at.LastRun, Missed: e.at.Missed, Note: e.at.Note,
		}
		if e.err != nil {
			x.Error = e.err.Error()
		} else {
			x.Cron, x.Zone, x.Notes = e.spec.Cron(), e.spec.ZoneName(), e.spec.Notes()
		}
		if !e.fire.IsZero() {
			from := now
			if e.at.Done.After(now) {
				from = e.at.Done
			}
			x.Next = upcoming(e.spec, from, now.AddDate(0, 0, days))
		}
		out = append(out, x)
	}
	sortScheduled(out)
	return out
}
