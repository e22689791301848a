package rinca

import (
	"slices"
	"strconv"
	"strings"
	"time"
)

// The bounds of a policy, and what 0 means in it.
const (
	minLookInterval     = time.Second
	maxLookInterval     = 7 * 24 * time.Hour
	maxBatch            = 24 * time.Hour
	maxAtOnce           = 1000
	maxWindows          = 50
	defaultLookInterval = time.Minute
	defaultBatch        = time.Minute
	defaultAtOnce       = 4
)

// Check finds what is wrong with a policy. Its schedule is checked by those
// who can read one.
func (p *RotationPolicy) Check() error {
	if d := time.Duration(p.Interval); d != 0 && (d < minLookInterval || d > maxLookInterval) {
		return Errorf(Invalid, "the interval %s is not between %s and 7 days", d, minLookInterval)
	}
	if d := time.Duration(p.Batch); d < 0 || d > maxBatch {
		return Errorf(Invalid, "changes are collected for at most %s", maxBatch).Try("--batch 60s")
	}
	if p.AtOnce < 0 || p.AtOnce > maxAtOnce {
		return Errorf(Invalid, "at most %d services are replaced at once", maxAtOnce)
	}
	if len(p.Windows) > maxWindows {
		return Errorf(Invalid, "there are more than %d windows", maxWindows)
	}
	for _, w := range p.Windows {
		if err := w.Check(); err != nil {
			return err
		}
	}
	return nil
}

// Every returns the time between two looks.
func (p *RotationPolicy) Every() time.Duration {
	if p.Interval == 0 {
		return defaultLookInterval
	}
	return time.Duration(p.Interval)
}

// Collects returns how long changes are collected before a run.
func (p *RotationPolicy) Collects() time.Duration {
	if p.Batch == 0 {
		return defaultBatch
	}
	return time.Duration(p.Batch)
}

// Most returns how many services may be replaced at once.
func (p *RotationPolicy) Most() int {
	if p.AtOnce == 0 {
		return defaultAtOnce
	}
	return p.AtOnce
}

// Open reports whether a run may begin at a time, and otherwise when the next
// window opens; the zero time when none does within two weeks.
func (p *RotationPolicy) Open(now time.Time) (open bool, next time.Time) {
	if len(p.Windows) == 0 {
		return true, time.Time{}
	}
	var windows []hours
	for _, w := range p.Windows {
		if h, ok := w.hours(); ok {
			windows = append(windows, h)
		}
	}
	within := func(t time.Time) bool {
		return slices.ContainsFunc(windows, func(h hours) bool { return h.contain(t) })
	}
	if within(now) {
		return true, time.Time{}
	}
	at := now.Truncate(time.Minute)
	for range 14 * 24 * 60 {
		if at = at.Add(time.Minute); within(at) {
			return false, at
		}
	}
	return false, time.Time{}
}

// ParseWindow reads a window: "22:00-05:00", "mon-fri 22:00-05:00",
// "sat,sun 00:00-24:00 Europe/Berlin".
func ParseWindow(s string) (Window, error) {
	var w Window
	for _, word := range strings.Fields(s) {
		from, to, ok := strings.Cut(word, "-")
		switch {
		case ok && strings.Contains(word, ":") && w.From == "":
			w.From, w.To = from, to
		case w.From == "" && w.Days == "":
			w.Days = strings.ToLower(word)
		case w.From != "" && w.TimeZone == "":
			w.TimeZone = word
		default:
			return w, windowError(s)
		}
	}
	if w.From == "" {
		return w, windowError(s)
	}
	return w, w.Check()
}

func windowError(s string) error {
	return Errorf(Invalid, "%.60q is no window", s).Try(`"22:00-05:00", "mon-fri 22:00-05:00" or "sat,sun 01:00-06:00 Europe/Berlin"`)
}

// String is the window as ParseWindow reads it.
func (w Window) String() string {
	s := w.From + "-" + w.To
	if w.Days != "" {
		s = w.Days + " " + s
	}
	if w.TimeZone != "" {
		s += " " + w.TimeZone
	}
	return s
}

// Check finds what is wrong with a window.
func (w Window) Check() error {
	from, ok := clock(w.From)
	to, okTo := clock(w.To)
	if !ok || !okTo || from == 24*60 || from == to {
		return windowError(w.String())
	}
	if _, ok := weekdays(w.Days); !ok {
		return Errorf(Invalid, "%.40q are no days of a window", w.Days).Try("mon-fri, or sat,sun")
	}
	if _, err := time.LoadLocation(w.TimeZone); err != nil {
		return Errorf(Invalid, "no time zone is called %.60q", w.TimeZone).Try("Europe/Berlin, UTC")
	}
	return nil
}

// Contains reports whether a time is in the window, by the clock on the wall
// there. A window over midnight belongs to the day that it begins on.
func (w Window) Contains(t time.Time) bool {
	h, ok := w.hours()
	return ok && h.contain(t)
}

// hours is a window that was read.
type hours struct {
	zone     *time.Location
	from, to int // minutes of a day
	days     [7]bool
}

func (w Window) hours() (h hours, ok bool) {
	zone, err := time.LoadLocation(w.TimeZone)
	if w.TimeZone == "" {
		zone, err = time.Local, nil
	}
	from, okFrom := clock(w.From)
	to, okTo := clock(w.To)
	days, okDays := weekdays(w.Days)
	return hours{zone, from, to, days}, err == nil && okFrom && okTo && okDays
}

func (h hours) contain(t time.Time) bool {
	t = t.In(h.zone)
	at, today, yesterday := t.Hour()*60+t.Minute(), t.Weekday(), (t.Weekday()+6)%7
	if h.from < h.to {
		return h.days[today] && at >= h.from && at < h.to
	}
	return h.days[today] && at >= h.from || h.days[yesterday] && at < h.to
}

// clock reads "22:30" as minutes; 24:00 is the end of a day.
func clock(s string) (minutes int, ok bool) {
	h, m, found := strings.Cut(s, ":")
	hour, err := strconv.Atoi(h)
	minute, err2 := strconv.Atoi(m)
	if !found || err != nil || err2 != nil || len(h) > 2 || len(m) != 2 || hour < 0 || minute < 0 || minute > 59 || hour*60+minute > 24*60 {
		return 0, false
	}
	return hour*60 + minute, true
}

// weekdays reads "mon-fri", "sat,sun"; "" is every day.
func weekdays(s string) (days [7]bool, ok bool) {
	if s == "" {
		return [7]bool{true, true, true, true, true, true, true}, true
	}
	names := []string{"sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday"}
	index := func(name string) int {
		name = strings.ToLower(strings.TrimSpace(name))
		return slices.IndexFunc(names, func(n string) bool { return len(name) >= 3 && strings.HasPrefix(n, name) })
	}
	for part := range strings.SplitSeq(s, ",") {
		first, last, isRange := strings.Cut(part, "-")
		if !isRange {
			last = first
		}
		a, b := index(first), index(last)
		if a < 0 || b < 0 {
			return days, false
		}
		for i := a; ; i = (i + 1) % 7 {
			days[i] = true
			if i == b {
				break
			}
		}
	}
	return days, true
}
