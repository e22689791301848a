package schedule

import (
	"slices"
	"strings"

	"rinca/internal/rinca"
)

// A phrase is a schedule in English, as far as it was read. Every word of it
// is read by a clause, or it is an error.
type phrase struct {
	words []string
	at    int

	sub     interval // every so many seconds, minutes or hours
	period  interval // … days, weeks, months or years
	times   []clock
	part    string // "morning", "night" …
	between []int  // two hours
	start   bool   // "starting at", which counts for nothing
	years   bool   // "in 2020", which counts for nothing

	weekdays []int
	nths     []nth
	dates    []int // days of the month
	ends     []string
	months   []int
	thirteen bool // "friday the 13th": both must be so
	month    bool // "every january" wants a day
}

type interval struct {
	n    int // 0: not given
	unit string
}

// fromEnglish returns the cron form of a phrase, and notes on it.
func fromEnglish(text string) (cron string, notes []string, err error) {
	p := &phrase{}
	if p.words, err = split(text); err != nil {
		return "", nil, err
	}
	for !p.end() {
		if err := p.clause(); err != nil {
			return "", nil, err
		}
	}
	return p.cron()
}

func (p *phrase) end() bool { return p.at >= len(p.words) }

func (p *phrase) peek(ahead int) string {
	if p.at+ahead >= len(p.words) {
		return ""
	}
	return p.words[p.at+ahead]
}

// accept steps over the next word if it is one of these.
func (p *phrase) accept(words ...string) bool {
	if p.end() || !slices.Contains(words, p.words[p.at]) {
		return false
	}
	p.at++
	return true
}

func (p *phrase) unknown() error {
	if p.end() {
		return invalid("the schedule ends after %.40q, where more is missing", p.words[len(p.words)-1]).Try("%s", hint)
	}
	return unknown(p.words[p.at])
}

// twice is the error of something that is said in two places.
func twice(what string) *rinca.Error {
	return invalid("the schedule says %s in two places", what).Try("%s", hint)
}

// clause reads the next part of the phrase.
func (p *phrase) clause() error {
	first := p.at == 0
	switch {
	case first && p.accept("run", "runs"):
		if p.every() { // "run second": every second
			return nil
		}
		if _, ok := unitWords[p.peek(0)]; ok {
			return p.everyWhat()
		}
		return p.more()
	case p.accept(","), p.accept("only"):
		return p.more()
	case p.every():
		return p.everyWhat()
	case p.accept("once"):
		if !p.accept("a", "per") && !p.every() {
			return p.unknown()
		}
		return p.everyWhat()
	case p.accept("at"):
		return p.readTimes(true)
	case p.accept("between"):
		return p.span("and", "-")
	case p.accept("from"):
		return p.span("to", "through", "until", "till", "-")
	case p.accept("in"):
		return p.in()
	case p.accept("on"):
		return p.on()
	case p.accept("starting"):
		return p.starting()
	case adverbs[p.peek(0)] != "":
		return p.adverb()
	case p.accept("quarterly"):
		return p.set(3, "month")
	}
	if p.isTime(false) {
		return p.readTimes(false)
	}
	return p.on()
}

// more refuses a phrase that ends after a word that joins.
func (p *phrase) more() error {
	if p.end() {
		return p.unknown()
	}
	return nil
}

func (p *phrase) every() bool { return p.accept("every", "each") }

func (p *phrase) adverb() error {
	word := p.words[p.at]
	p.at++
	if word == "nightly" {
		p.part = "night"
	}
	return p.set(1, adverbs[word])
}

// set notes an interval.
func (p *phrase) set(n int, unit string) error {
	to := &p.period
	if unit == "second" || unit == "minute" || unit == "hour" {
		to = &p.sub
	}
	if to.n != 0 {
		return twice("how often")
	}
	if n < 1 || n > 1000 {
		return invalid("the schedule says every %d %ss", n, unit).Try("a number from 1 to 1000")
	}
	*to = interval{n, unit}
	return nil
}

// everyWhat reads what comes after "every".
func (p *phrase) everyWhat() error {
	word := p.peek(0)
	if n, ok := p.count(); ok {
		return p.everyN(n)
	}
	if unit, ok := unitWords[word]; ok && !p.secondOf() {
		p.at++
		return p.set(1, unit)
	}
	if _, ok := ordinalOf(word); ok {
		return p.everyOrdinal()
	}
	if _, ok := dayParts[word]; ok {
		p.at++
		p.part = word
		return p.set(1, "day")
	}
	switch {
	case p.accept("half"):
		p.accept("an")
		if !p.accept("hour") {
			return p.unknown()
		}
		return p.set(30, "minute")
	case p.accept("quarter"):
		return p.set(3, "month")
	}
	if _, ok := named(monthNames, word); ok {
		if err := p.readMonths(); err != nil {
			return err
		}
		p.month = len(p.dates) == 0
		return nil
	}
	if p.isTime(false) {
		return p.readTimes(false)
	}
	return p.on()
}

// count reads the number of an interval.
func (p *phrase) count() (int, bool) {
	word := p.peek(0)
	n, ok := number(word)
	if !ok {
		n, ok = numberWords[word]
	}
	if word == "other" {
		n, ok = 2, true
	}
	if !ok || unitWords[p.peek(1)] == "" && word != "other" {
		return 0, false
	}
	p.at++
	return n, true
}

// everyN reads "5 minutes", "other monday".
func (p *phrase) everyN(n int) error {
	if unit, ok := unitWords[p.peek(0)]; ok {
		p.at++
		return p.set(n, unit)
	}
	if err := p.set(n, "week"); err != nil {
		return err
	}
	return p.readWeekdays()
}

// secondOf tells "every second monday" and "every second hour" from "every
// second".
func (p *phrase) secondOf() bool {
	if p.peek(0) != "second" {
		return false
	}
	_, day := named(weekdayNames, p.peek(1))
	return day || unitWords[p.peek(1)] != ""
}

// everyOrdinal reads "2nd hour", "1st and 15th of the month", "2nd day of the
// month", "first monday of the month".
func (p *phrase) everyOrdinal() error {
	from := p.at
	list, err := p.ordinals()
	if err != nil {
		return err
	}
	if unit, ok := unitWords[p.peek(0)]; ok && len(list) == 1 && list[0] > 1 && (unit != "day" || p.peek(1) != "of") {
		p.at++
		return p.set(list[0], unit)
	}
	if _, ok := named(weekdayNames, p.peek(0)); ok && list[0] > 1 && p.peek(1) != "of" {
		return invalid("the schedule says every %s %s, which may mean two things", p.words[p.at-1], p.peek(0)).
			Try(`"%s %s of the month" or "every %d weeks on %s"`, p.words[p.at-1], p.peek(0), list[0], p.peek(0))
	}
	p.at = from
	return p.on()
}

// on reads days: of the week, of the month, of a year.
func (p *phrase) on() error {
	if p.accept("day", "days") {
		if n, ok := number(p.peek(0)); ok { // "on day 5 of the month"
			p.at++
			if err := p.addDates([]int{n}); err != nil {
				return err
			}
			return p.ofMonth()
		}
		return p.readWeekdays()
	}
	if _, ok := number(p.peek(0)); ok && unitWords[p.peek(1)] == "month" { // "on 9 month"
		n, _ := number(p.peek(0))
		p.at += 2
		return p.addMonths([]int{n})
	}
	if _, ok := named(monthNames, p.peek(0)); ok {
		return p.readMonths()
	}
	p.accept("the")
	if p.peek(0) == "last" {
		return p.last()
	}
	if _, ok := ordinalOf(p.peek(0)); ok {
		return p.readOrdinals()
	}
	return p.readWeekdays()
}

// last reads "last day of the month", "last friday of the month".
func (p *phrase) last() error {
	p.at++
	switch {
	case p.accept("day"):
		if p.peek(0) != "of" {
			return p.unknown()
		}
		p.ends = append(p.ends, "L")
	case p.accept("weekday", "workday"), p.accept("business") && p.accept("day"):
		p.ends = append(p.ends, "LW")
	default:
		w, ok := named(weekdayNames, p.peek(0))
		if !ok {
			return p.unknown()
		}
		p.at++
		p.nths = append(p.nths, nth{w, 0})
	}
	if len(p.ends)+len(p.nths) > 1 {
		return twice("which day")
	}
	return p.ofMonth()
}

// readOrdinals reads "1st and 15th of the month", "first monday of the month",
// "12th day", "first weekday of the month".
func (p *phrase) readOrdinals() error {
	list, err := p.ordinals()
	if err != nil {
		return err
	}
	if w, ok := named(weekdayNames, p.peek(0)); ok {
		p.at++
		if len(p.nths) > 0 {
			return twice("which day")
		}
		for _, n := range list {
			if n > 5 {
				return invalid("no month has %d of one day of the week", n)
			}
			p.nths = append(p.nths, nth{w, n})
		}
		return p.ofMonth()
	}
	if len(list) == 1 && list[0] == 1 && (p.accept("weekday", "workday") || p.peek(0) == "business" && p.peek(1) == "day") {
		if p.accept("business") {
			p.at++
		}
		p.ends = append(p.ends, "1W")
		return p.ofMonth()
	}
	p.accept("day", "days")
	if err := p.addDates(list); err != nil {
		return err
	}
	return p.ofMonth()
}

// ordinals reads a list of them.
func (p *phrase) ordinals() ([]int, error) {
	var out []int
	for {
		n, ok := ordinalOf(p.peek(0))
		if !ok {
			return nil, p.unknown()
		}
		p.at++
		out = append(out, n)
		if !p.joined(func() bool { p.accept("the"); _, ok := ordinalOf(p.peek(0)); return ok }) {
			return out, nil
		}
	}
}

// joined steps over what joins the parts of a list, if another part follows.
func (p *phrase) joined(follows func() bool) bool {
	from := p.at
	comma := p.accept(",")
	if p.accept("and") || comma {
		if follows() {
			return true
		}
	}
	p.at = from
	return false
}

// ofMonth reads "of the month", "of every month", "of january", if it is there.
func (p *phrase) ofMonth() error {
	if !p.accept("of") {
		return nil
	}
	if p.accept("the", "each", "every", "a") {
		if !p.accept("month") {
			return p.unknown()
		}
		return nil
	}
	if p.accept("month") {
		return nil
	}
	if _, ok := named(monthNames, p.peek(0)); !ok {
		return p.unknown()
	}
	return p.readMonths()
}

func (p *phrase) addDates(list []int) error {
	if len(p.dates) > 0 {
		return twice("which day")
	}
	for _, d := range list {
		if d < 1 || d > 31 {
			return invalid("no month has a day %d", d)
		}
	}
	p.dates = list
	return nil
}

func (p *phrase) addMonths(list []int) error {
	if len(p.months) > 0 {
		return twice("which month")
	}
	for _, m := range list {
		if m < 1 || m > 12 {
			return invalid("there is no month %d", m)
		}
	}
	p.months = list
	return nil
}

// readWeekdays reads "monday through friday", "tuesday, wednesday and
// thursday", "weekdays".
func (p *phrase) readWeekdays() error {
	list, err := p.list(weekdayNames, 7)
	if err != nil {
		return err
	}
	if len(p.weekdays) > 0 {
		return twice("which day of the week")
	}
	p.weekdays = list
	if p.peek(0) == "the" && len(list) == 1 {
		p.at++
		if p.thirteen = true; p.end() {
			return p.unknown()
		}
		days, err := p.ordinals()
		if err != nil {
			return err
		}
		return p.addDates(days)
	}
	return nil
}

// readMonths reads months, and the day after a single one: "january 1st".
func (p *phrase) readMonths() error {
	list, err := p.list(monthNames, 12)
	if err != nil {
		return err
	}
	if err := p.addMonths(list); err != nil || len(list) > 1 {
		return err
	}
	p.accept("the")
	if n, ok := number(p.peek(0)); ok && n <= 31 && unitWords[p.peek(1)] == "" && p.peek(1) != "am" && p.peek(1) != "pm" {
		p.at++
		return p.addDates([]int{n})
	}
	if _, ok := ordinalOf(p.peek(0)); ok {
		days, err := p.ordinals()
		if err != nil {
			return err
		}
		return p.addDates(days)
	}
	return nil
}

// list reads names with ranges, "and" and commas. The names go round after so
// many.
func (p *phrase) list(names []string, round int) ([]int, error) {
	var out []int
	for {
		from, ok := named(names, p.peek(0))
		switch {
		case ok:
			p.at++
			out = append(out, from)
			if to, ok := named(names, p.peek(1)); ok && p.accept("through", "thru", "to", "until", "till", "-") {
				p.at++
				first := len(names) - round
				for d := from; d != to; {
					d = (d-first+1)%round + first
					out = append(out, d)
				}
			}
		case round == 7 && p.accept("weekday", "weekdays", "workday", "workdays"), round == 7 && p.peek(0) == "business":
			if p.accept("business") && !p.accept("day", "days") {
				return nil, p.unknown()
			}
			out = append(out, 1, 2, 3, 4, 5)
		case round == 7 && p.accept("weekend", "weekends"):
			out = append(out, 6, 0)
		default:
			return nil, p.unknown()
		}
		more := p.joined(func() bool {
			p.accept("on", "every")
			_, ok := named(names, p.peek(0))
			return ok || round == 7 && strings.HasPrefix(p.peek(0), "week") && unitWords[p.peek(0)] == ""
		})
		if !more {
			return out, nil
		}
	}
}

// in reads "in december", "in 2020 and 2024", "in the evening".
func (p *phrase) in() error {
	if p.accept("the") {
		if _, ok := dayParts[p.peek(0)]; ok && p.part == "" {
			p.part = p.peek(0)
			p.at++
			return nil
		}
		return p.unknown()
	}
	if isYear(p.peek(0)) {
		for isYear(p.peek(0)) {
			p.at++
			p.years = true
			if !p.joined(func() bool { return isYear(p.peek(0)) }) {
				return nil
			}
		}
	}
	if _, ok := named(monthNames, p.peek(0)); !ok {
		return p.unknown()
	}
	return p.readMonths()
}

func isYear(word string) bool {
	n, ok := number(word)
	return ok && n >= 1970 && n <= 2999
}

// span reads "6am and 9pm", "january to march", "monday to friday".
func (p *phrase) span(joins ...string) error {
	for _, names := range [][]string{weekdayNames, monthNames} {
		_, from := named(names, p.peek(0))
		_, to := named(names, p.peek(2))
		if !from || !to || !slices.Contains(joins, p.peek(1)) {
			continue
		}
		p.words[p.at+1] = "through"
		if len(names) == len(weekdayNames) {
			return p.readWeekdays()
		}
		return p.readMonths()
	}
	a, ok := p.time(true)
	if !ok || !p.accept(joins...) {
		return p.unknown()
	}
	b, ok := p.time(true)
	if !ok {
		return p.unknown()
	}
	switch {
	case len(p.between) > 0:
		return twice("between which hours")
	case a.m+a.s+b.m+b.s != 0:
		return invalid("the schedule says between times that are not full hours").Try(`"every 10 minutes between 9am and 5pm"`)
	}
	p.between = []int{a.h, b.h}
	return nil
}

func (p *phrase) starting() error {
	p.accept("at")
	if _, ok := p.time(true); !ok || p.start {
		return p.unknown()
	}
	p.start = true
	return nil
}

// time reads a time of day. A number alone is one where bare is set.
func (p *phrase) time(bare bool) (c clock, ok bool) {
	from := p.at
	defer func() {
		if !ok {
			p.at = from
		}
	}()
	switch {
	case p.accept("noon", "midday"):
		return clock{h: 12}, true
	case p.accept("midnight"):
		return clock{}, true
	}
	if c, ok = clockOf(p.peek(0)); !ok {
		return c, false
	}
	p.at++
	switch {
	case c.half && p.accept("am"):
		return c.noon(false)
	case c.half && p.accept("pm"):
		return c.noon(true)
	case p.accept("oclock"):
		return c, c.bare
	}
	return c, bare || !c.bare
}

func (p *phrase) isTime(bare bool) bool {
	from := p.at
	_, ok := p.time(bare)
	p.at = from
	return ok
}

// readTimes reads "3am and 3pm", "9:15 am, 1:15 pm and 5:15 pm".
func (p *phrase) readTimes(bare bool) error {
	if len(p.times) > 0 {
		return twice("at what time")
	}
	for {
		c, ok := p.time(bare)
		if !ok {
			return p.unknown()
		}
		p.times = append(p.times, c)
		more := p.joined(func() bool {
			p.accept("at")
			return p.isTime(bare)
		})
		if !more && !p.isTime(false) {
			return nil
		}
	}
}
