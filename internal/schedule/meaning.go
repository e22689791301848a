package schedule

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// days are the last three fields of an expression, and what is counted.
type days struct {
	dom, month, dow string
	count           string
}

func (d days) after(clock string) string {
	return clock + " " + d.dom + " " + d.month + " " + d.dow + d.count
}

// cron puts together what the clauses said.
func (p *phrase) cron() (string, []string, error) {
	if err := p.contradicts(); err != nil {
		return "", nil, err
	}
	d, notes, err := p.days()
	if err != nil {
		return "", nil, err
	}
	if p.years {
		notes = append(notes, "The year counts for nothing; it runs every year.")
	}
	if p.start {
		notes = append(notes, `"starting at" counts for nothing, as in Komodo: hours are counted from midnight.`)
	}
	if p.sub.n > 0 {
		text, err := p.often(d)
		return text, notes, err
	}
	times, err := p.clocks()
	if err != nil {
		return "", nil, err
	}
	out := make([]string, len(times))
	for i, t := range times {
		out[i] = d.after(t)
	}
	return strings.Join(out, "; "), notes, nil
}

// contradicts finds parts that cannot be meant together.
func (p *phrase) contradicts() error {
	fixed := len(p.weekdays)+len(p.nths)+len(p.dates)+len(p.ends) > 0
	switch {
	case p.sub.n > 0 && len(p.times) > 0:
		return invalid("the schedule says both at what time and every %d %ss", p.sub.n, p.sub.unit).
			Try(`"every 10 minutes between 9am and 5pm", or "at 9am and 5pm"`)
	case p.sub.n > 0 && p.part != "":
		return invalid("the schedule says %q and every %d %ss", p.part, p.sub.n, p.sub.unit).Try(`"every 10 minutes between 6am and 11am"`)
	case len(p.between) > 0 && p.sub.n == 0:
		return invalid("the schedule says between which hours, and not how often").Try(`"every 10 minutes between 9am and 5pm"`)
	case p.start && (p.sub.unit != "hour" || len(p.weekdays) == 0):
		return unknown("starting")
	case p.month && !fixed && p.sub.n == 0:
		return invalid("the schedule names a month, and no day of it").Try(`"every january 1st", or "every day in january"`)
	case len(p.weekdays) > 0 && len(p.dates)+len(p.ends) > 0 && !p.thirteen, len(p.nths) > 0 && len(p.weekdays)+len(p.dates)+len(p.ends) > 0, len(p.ends) > 0 && len(p.dates) > 0:
		return invalid("the schedule names days of the week and of the month").Try("make two schedules of it, or write it as cron")
	case !fixed && p.period.n == 0 && p.sub.n == 0 && len(p.times) == 0:
		return invalid("the schedule does not say how often").Try("%s", hint)
	case p.years && p.period.n == 0 && p.sub.n == 0:
		return invalid("the schedule names a year, and schedules have none").Try("leave it out")
	}
	return nil
}

// days says on which days.
func (p *phrase) days() (d days, notes []string, err error) {
	d = days{dom: p.domText(), month: numbers(p.months, monthText, "*"), dow: p.dowText()}
	fixed := d.dom != "*" || len(p.nths) > 0
	n := p.period.n
	switch p.period.unit {
	case "day":
		return p.everyDays(d, fixed)
	case "week":
		if fixed {
			return d, nil, invalid("the schedule says every week and a day of the month").Try(`"every 2 weeks on monday"`)
		}
		if d.dow == "*" {
			d.dow = "MON"
			notes = append(notes, "A week begins on Monday.")
		}
		if n > 1 {
			d.count = fmt.Sprintf(" every %d weeks from 1970-01-05", n)
			notes = append(notes, "Weeks are counted from Monday, 5 January 1970.")
		}
	case "month":
		if len(p.weekdays) > 0 && p.sub.n == 0 && !p.thirteen {
			return d, nil, invalid("the schedule says every month, and not which %s of it", weekdayNames[p.weekdays[0]]).
				Try(`"first %s of the month"`, weekdayNames[p.weekdays[0]])
		}
		if len(p.months) > 0 {
			return d, nil, twice("which month")
		}
		if !fixed && p.sub.n == 0 {
			d.dom = "1"
		}
		switch {
		case n > 1 && 12%n == 0:
			d.month = fmt.Sprintf("1/%d", n)
			notes = append(notes, "Months are counted from January.")
		case n > 1:
			d.count = fmt.Sprintf(" every %d months from 1970-01-01", n)
			notes = append(notes, "Months are counted from January 1970.")
		}
	case "year":
		if p.sub.n > 0 || len(p.weekdays) > 0 && !p.thirteen || fixed && len(p.months) == 0 {
			return d, nil, invalid("the schedule says every year, and not on which day").Try(`"every january 1st at noon"`)
		}
		if !fixed {
			d.dom = "1"
		}
		if len(p.months) == 0 {
			d.month = "JAN"
		}
		if n > 1 {
			d.count = fmt.Sprintf(" every %d years from 1970-01-01", n)
		}
	}
	return d, notes, nil
}

// everyDays is "every 4 days": of the month, as Komodo has it, as long as that
// is nearly the same.
func (p *phrase) everyDays(d days, fixed bool) (days, []string, error) {
	n := p.period.n
	switch {
	case n == 1:
	case fixed:
		return d, nil, invalid("the schedule says every %d days and a day of the month", n).Try(`"every %d days at 02:00"`, n)
	case d.dow != "*":
		return d, []string{fmt.Sprintf("Days of the week are given, so that every %d days counts for nothing, as in Komodo.", n)}, nil
	case n <= 6:
		d.dom = fmt.Sprintf("*/%d", n)
		return d, []string{"Days are counted from the first of each month, as in Komodo."}, nil
	default:
		d.count = fmt.Sprintf(" every %d days from 1970-01-05", n)
		return d, []string{"Days are counted from Monday, 5 January 1970."}, nil
	}
	return d, nil, nil
}

func (p *phrase) domText() string {
	if len(p.ends) > 0 {
		return p.ends[0]
	}
	return numbers(p.dates, strconv.Itoa, "*")
}

func (p *phrase) dowText() string {
	var parts []string
	for _, n := range p.nths {
		which := "#L"
		if n.n > 0 {
			which = "#" + strconv.Itoa(n.n)
		}
		parts = append(parts, weekdayText(n.weekday)+which)
	}
	if len(parts) > 0 {
		return strings.Join(parts, ",")
	}
	days := slices.Clone(p.weekdays)
	for i, d := range days {
		days[i] = (d + 6) % 7 // Monday first
	}
	return numbers(days, func(d int) string { return weekdayText((d + 1) % 7) }, "*")
}

func weekdayText(d int) string { return fieldTable[dow].Names[d] }
func monthText(m int) string   { return fieldTable[month].Names[m-1] }

// numbers writes a list as part of an expression, three or more in a row as a
// range.
func numbers(list []int, text func(int) string, none string) string {
	if len(list) == 0 {
		return none
	}
	list = slices.Compact(slices.Sorted(slices.Values(list)))
	var parts []string
	for i := 0; i < len(list); {
		end := i
		for end+1 < len(list) && list[end+1] == list[end]+1 {
			end++
		}
		if end-i < 2 {
			parts = append(parts, text(list[i]))
			i++
			continue
		}
		parts = append(parts, text(list[i])+"-"+text(list[end]))
		i = end + 1
	}
	return strings.Join(parts, ",")
}

// clocks returns the first three fields, one text for each minute at which
// something runs.
func (p *phrase) clocks() ([]string, error) {
	times := p.times
	if len(times) == 0 {
		if p.part != "" && p.part != "night" {
			return nil, invalid("the schedule says %q, and not at what time", p.part).Try(`"every %s at 8:30"`, p.part)
		}
		times = []clock{{}}
	}
	mixed := slices.ContainsFunc(times, func(c clock) bool { return c.half && c.h >= 1 && c.h <= 12 }) &&
		slices.ContainsFunc(times, func(c clock) bool { return !c.half && c != clock{} && c != clock{h: 12} })
	if mixed {
		return nil, invalid("the schedule has times with and without am or pm").Try(`"at 9am and 6pm", or "at 9:00 and 18:00"`)
	}
	groups := map[[2]int][]int{}
	for _, c := range times {
		h, err := p.hourIn(c)
		if err != nil {
			return nil, err
		}
		groups[[2]int{c.m, c.s}] = append(groups[[2]int{c.m, c.s}], h)
	}
	var out []string
	for _, at := range sortedKeys(groups) {
		out = append(out, fmt.Sprintf("%d %d %s", at[1], at[0], numbers(groups[at], strconv.Itoa, "*")))
	}
	return out, nil
}

// hourIn returns the hour that is meant in the part of the day.
func (p *phrase) hourIn(c clock) (int, error) {
	from, ok := dayParts[p.part]
	if !ok {
		return c.h, nil
	}
	h := c.h
	if c.half && h >= from && h < 12 {
		h += 12
	}
	if c.half && h == 12 && p.part == "night" {
		h = 0
	}
	right := map[string]bool{
		"morning": h < 12, "afternoon": h >= 12 && h < 19, "evening": h >= 16, "night": h >= 18 || h < 7,
	}
	if !right[p.part] {
		return 0, invalid("the schedule says %q and %02d:%02d, which do not go together", p.part, c.h, c.m).Try(`"every day at %02d:%02d"`, c.h, c.m)
	}
	return h, nil
}

func sortedKeys(groups map[[2]int][]int) [][2]int {
	var keys [][2]int
	for k := range groups {
		keys = append(keys, k)
	}
	slices.SortFunc(keys, func(a, b [2]int) int { return a[0]*60 + a[1] - b[0]*60 - b[1] })
	return keys
}

// often is every so many seconds, minutes or hours.
func (p *phrase) often(d days) (string, error) {
	n, unit := p.sub.n, p.sub.unit
	if unit == "second" && len(p.dates) > 0 && n < 60 && 60%n == 0 { // as Komodo: in the first minute of the day
		return d.after(step(0, n, 60) + " 0 0"), nil
	}
	for unit != "hour" && n%60 == 0 {
		n, unit = n/60, map[string]string{"second": "minute", "minute": "hour"}[unit]
	}
	hours := "*"
	if len(p.between) > 0 {
		hours = fmt.Sprintf("%d-%d", p.between[0], p.between[1])
	}
	switch {
	case unit == "second" && 60%n == 0:
		return d.after(step(0, n, 60) + " * " + hours), nil
	case unit == "minute" && 60%n == 0:
		return d.after("0 " + step(0, n, 60) + " " + hours), nil
	case unit == "hour" && hours != "*" && n < 24:
		if n > 1 {
			hours = fmt.Sprintf("%s/%d", hours, n)
		}
		return d.after("0 0 " + hours), nil
	case hours != "*":
		return "", invalid("the schedule says every %d %ss between hours, which does not come out even", n, unit).Try(`"every 30 minutes between 9am and 5pm"`)
	case unit == "hour" && 24%n == 0:
		if n == 24 {
			return d.after("0 0 0"), nil
		}
		return d.after("0 0 " + step(0, n, 24)), nil
	case unit == "minute" && 1440%n == 0:
		return spread(n, 60, 24, func(at int, over string) string { return d.after(fmt.Sprintf("0 %d %s", at, over)) }), nil
	case unit == "second" && 3600%n == 0:
		return spread(n, 60, 60, func(at int, over string) string { return d.after(fmt.Sprintf("%d %s *", at, over)) }), nil
	}
	if d != (days{dom: "*", month: "*", dow: "*"}) {
		return "", invalid("the schedule says every %d %ss, which does not come out even in a day, and on which days", n, unit).
			Try(`a number that divides the day, such as "every 30 minutes on weekdays"`)
	}
	if unit == "hour" && n%24 == 0 {
		return fmt.Sprintf("0 0 0 * * * every %d days from 1970-01-05", n/24), nil
	}
	return fmt.Sprintf("@every %d%c", n, unit[0]), nil
}

// step is every n-th value of a field with so many, from one on.
func step(from, n, size int) string {
	switch {
	case n == 1:
		return "*"
	case n >= size:
		return strconv.Itoa(from)
	}
	return fmt.Sprintf("%d/%d", from, n)
}

// spread writes every n-th of size*over values, such as every 90 of the
// minutes of a day, as several expressions: one for each minute of an hour.
func spread(n, size, over int, text func(at int, over string) string) string {
	var out []string
	period := n // after so many the same minute comes again
	for period%size != 0 {
		period += n
	}
	for at := 0; at < period; at += n {
		out = append(out, text(at%size, step(at/size, period/size, over)))
	}
	return strings.Join(out, "; ")
}
