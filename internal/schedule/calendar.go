package schedule

import (
	"math/bits"
	"time"
)

// civil is a time on the clock on the wall, as seconds since 1970 without any
// zone.
type civil = int64

const (
	daySeconds = 86400
	// cycle is how many months pass until the calendar repeats, days of the
	// week included.
	cycle = 400 * 12
)

// next returns the first time after a given one.
func (r *rule) next(after time.Time, zone *time.Location) time.Time {
	switch {
	case r.every > 0:
		p := int64(r.every / time.Second)
		return time.Unix((floor(after.Unix(), p)+1)*p, 0).In(zone)
	case r.repeats:
		return r.nextOnWall(after, zone)
	}
	return r.nextFixed(after, zone)
}

// A span is a stretch of time during which the clocks of a zone are not set.
type span struct {
	start, end time.Time // zero: without an end
	offset     int64     // of the clock, in seconds
}

func spanAt(t time.Time, zone *time.Location) span {
	t = t.In(zone)
	_, offset := t.Zone()
	start, end := t.ZoneBounds()
	if !end.IsZero() && !end.After(t) { // the package time ends leap years a day early
		end = t.Add(24 * time.Hour)
	}
	return span{start, end, int64(offset)}
}

// nextOnWall takes each span for itself: what the clock shows counts, however
// often it shows it.
func (r *rule) nextOnWall(after time.Time, zone *time.Location) time.Time {
	from := after.Unix() + 1
	for range 2 * cycle {
		s := spanAt(time.Unix(from, 0), zone)
		c, ok := r.nextCivil(from + s.offset)
		if !ok {
			return time.Time{}
		}
		if t := time.Unix(c-s.offset, 0); s.end.IsZero() || t.Before(s.end) {
			return t.In(zone)
		}
		from = s.end.Unix()
	}
	return time.Time{}
}

// nextFixed returns the first time at which a date and time is there, or would
// have been.
func (r *rule) nextFixed(after time.Time, zone *time.Location) time.Time {
	s := spanAt(after, zone)
	from := after.Unix() + s.offset + 1
	if !s.start.IsZero() {
		// Clocks were set back a moment ago: what they show again was there.
		before := spanAt(s.start.Add(-time.Second), zone)
		from = max(from, s.start.Unix()+before.offset)
	}
	c, ok := r.nextCivil(from)
	if !ok {
		return time.Time{}
	}
	return firstAt(c, zone)
}

// firstAt returns when the clocks of a zone first show c, or first jump over it.
func firstAt(c civil, zone *time.Location) time.Time {
	s := spanAt(time.Unix(c-15*3600, 0), zone) // no clock is ahead by more
	for range 100 {
		t := time.Unix(c-s.offset, 0)
		switch {
		case !s.start.IsZero() && t.Before(s.start):
			return s.start.In(zone)
		case s.end.IsZero() || t.Before(s.end):
			return t.In(zone)
		}
		s = spanAt(s.end, zone)
	}
	return time.Time{}
}

// nextCivil returns the first date and time from a given one on, by the
// calendar alone.
func (r *rule) nextCivil(from civil) (civil, bool) {
	day := floor(from, daySeconds)
	clock := from - day*daySeconds
	if r.onDay(day) {
		if c, ok := r.clock(int(clock)); ok {
			return day*daySeconds + c, true
		}
	}
	first, ok := r.clock(0)
	if !ok {
		return 0, false
	}
	if day, ok = r.nextDay(day + 1); !ok {
		return 0, false
	}
	return day*daySeconds + first, true
}

// clock returns the first time of a day from a given one on, in seconds.
func (r *rule) clock(from int) (int64, bool) {
	h, m, s := from/3600, from/60%60, from%60
	for ; h < 24; h, m, s = h+1, 0, 0 {
		if r.fields[hour].bits>>h&1 == 0 {
			continue
		}
		for ; m < 60; m, s = m+1, 0 {
			rest := r.fields[minute].bits >> m
			if rest == 0 {
				break
			}
			if skip := bits.TrailingZeros64(rest); skip > 0 {
				m, s = m+skip, 0
			}
			if rest := r.fields[second].bits >> s; rest != 0 {
				return int64(h*3600 + m*60 + s + bits.TrailingZeros64(rest)), true
			}
		}
	}
	return 0, false
}

// nextDay returns the first day from a given one on, as days since 1970.
func (r *rule) nextDay(from int64) (int64, bool) {
	y, m, d := dateOf(from)
	for range cycle + 1 {
		if r.fields[month].bits>>m&1 != 0 {
			first := dayOf(y, m, 1)
			for days := r.days(y, m, first) >> d << d; days != 0; days &= days - 1 {
				if day := first + int64(bits.TrailingZeros64(days)) - 1; r.counted(day, y, m) {
					return day, true
				}
			}
		}
		if d, m = 1, m+1; m > 12 {
			y, m = y+1, 1
		}
	}
	return 0, false
}

func (r *rule) onDay(day int64) bool {
	y, m, d := dateOf(day)
	return r.fields[month].bits>>m&1 != 0 && r.days(y, m, dayOf(y, m, 1))>>d&1 != 0 && r.counted(day, y, m)
}

// fires reports whether there is any time at all.
func (r *rule) fires() bool {
	if r.every > 0 {
		return true
	}
	_, ok := r.nextDay(dayOf(2000, 1, 1))
	return ok
}

// days returns the days of a month that both its day of the month and its day
// of the week allow; bit 1 is the first.
func (r *rule) days(y, m int, first int64) uint64 {
	length := daysIn(y, m)
	weekday := int(floorMod(first+4, 7)) // of the first; 1970 began on a Thursday
	f := &r.fields[dom]
	allowed := f.bits
	for _, back := range f.last {
		if d := length - back; d >= 1 {
			allowed |= 1 << d
		}
	}
	for _, d := range f.nearest {
		if d == 0 { // the last
			d = length
		}
		if d <= length {
			allowed |= 1 << nearestWorkday(d, length, weekday)
		}
	}
	return allowed & r.weekdays(length, weekday) & (1<<(length+1) - 2)
}

func (r *rule) weekdays(length, first int) uint64 {
	f := &r.fields[dow]
	var out uint64
	for w := range 7 {
		d := 1 + (w-first+7)%7 // the first day of that name
		if f.bits>>w&1 != 0 {
			out |= (1<<d | 1<<(d+7) | 1<<(d+14) | 1<<(d+21) | 1<<(d+28))
		}
		for _, n := range f.nth {
			if n.weekday != w {
				continue
			}
			at := d + 7*(n.n-1)
			if n.n == 0 { // the last
				at = d + 7*((length-d)/7)
			}
			if at <= length {
				out |= 1 << at
			}
		}
	}
	return out
}

// nearestWorkday returns the day from Monday to Friday that is closest to a
// day, and in the same month.
func nearestWorkday(d, length, first int) int {
	switch (first + d - 1) % 7 {
	case 6: // Saturday
		if d == 1 {
			return 3
		}
		return d - 1
	case 0: // Sunday
		if d == length {
			return d - 2
		}
		return d + 1
	}
	return d
}

// counted reports whether a day is one of every so many.
func (r *rule) counted(day int64, y, m int) bool {
	if r.count.n == 0 {
		return true
	}
	n := int64(r.count.n)
	fy, fm, _ := dateOf(r.count.from)
	switch r.count.unit {
	case "days":
		return floorMod(day-r.count.from, n) == 0
	case "weeks":
		return floorMod(floor(day+3, 7)-floor(r.count.from+3, 7), n) == 0 // a week begins on Monday
	case "months":
		return floorMod(int64(y*12+m-fy*12-fm), n) == 0
	}
	return floorMod(int64(y-fy), n) == 0
}

func floor(a, b int64) int64 {
	q := a / b
	if a%b < 0 {
		q--
	}
	return q
}

func floorMod(a, b int64) int64 { return a - floor(a, b)*b }

// dayOf returns a date as days since 1970.
func dayOf(y, m, d int) int64 {
	return floor(time.Date(y, time.Month(m), d, 0, 0, 0, 0, time.UTC).Unix(), daySeconds)
}

func dateOf(day int64) (y, m, d int) {
	yy, mm, dd := time.Unix(day*daySeconds, 0).UTC().Date()
	return yy, int(mm), dd
}

func daysIn(y, m int) int {
	switch m {
	case 4, 6, 9, 11:
		return 30
	case 2:
		if y%4 == 0 && (y%100 != 0 || y%400 == 0) {
			return 29
		}
		return 28
	}
	return 31
}
