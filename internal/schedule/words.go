package schedule

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// split cuts a phrase into words, small: commas and dashes are words too.
func split(text string) ([]string, error) {
	text = strings.ToLower(strings.TrimRight(text, ". \t"))
	text = strings.NewReplacer("a.m.", "am", "p.m.", "pm", "a.m", "am", "p.m", "pm", ",", " , ", "&", " and ", "-", " - ", "–", " - ", "o'clock", "oclock").Replace(text)
	words := strings.Fields(text)
	for _, w := range words {
		for _, c := range w {
			if c == utf8.RuneError || c != ',' && c != '-' && c != ':' && (c > unicode.MaxASCII || !unicode.IsLetter(c) && !unicode.IsDigit(c)) {
				return nil, unknown(w)
			}
		}
	}
	if len(words) == 0 {
		return nil, invalid("the schedule is empty").Try("%s", hint)
	}
	return words, nil
}

func unknown(word string) error {
	return invalid("the schedule has %.40q, which is not understood there", word).Try("%s", hint)
}

// The units of intervals, with their other spellings.
var unitWords = map[string]string{
	"second": "second", "seconds": "second", "sec": "second", "secs": "second",
	"minute": "minute", "minutes": "minute", "min": "minute", "mins": "minute",
	"hour": "hour", "hours": "hour", "hr": "hour", "hrs": "hour",
	"day": "day", "days": "day",
	"week": "week", "weeks": "week",
	"month": "month", "months": "month",
	"year": "year", "years": "year",
}

// numberWords are numbers that people write out.
var numberWords = map[string]int{
	"one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8, "nine": 9, "ten": 10,
	"eleven": 11, "twelve": 12, "fifteen": 15, "twenty": 20, "thirty": 30, "ninety": 90,
}

var ordinalWords = []string{"", "first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth"}

// adverbs are single words for a whole interval.
var adverbs = map[string]string{
	"hourly": "hour", "daily": "day", "nightly": "day", "weekly": "week", "monthly": "month", "yearly": "year", "annually": "year",
}

// dayParts are parts of a day, and the hours from which on a number without am
// and pm is meant after noon.
var dayParts = map[string]int{"morning": 13, "afternoon": 1, "evening": 1, "night": 6}

var weekdayNames = []string{"sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday"}

var monthNames = []string{"", "january", "february", "march", "april", "may", "june", "july", "august", "september", "october", "november", "december"}

// named finds a name in full, in the plural, or by its first letters.
func named(names []string, word string) (int, bool) {
	for i, n := range names {
		switch {
		case n == "":
		case word == n, word == n+"s", len(word) == 3 && strings.HasPrefix(n, word):
			return i, true
		case slices.Contains([]string{"tues", "wednes", "thur", "thurs", "sept"}, word) && strings.HasPrefix(n, word):
			return i, true
		}
	}
	return 0, false
}

// A clock is a time of day.
type clock struct {
	h, m, s int
	bare    bool // an hour without minutes, am and pm
	half    bool // without am and pm
}

// clockOf reads "18", "6:30", "06:30:15", "6pm".
func clockOf(word string) (c clock, ok bool) {
	text, pm := strings.CutSuffix(word, "pm")
	text, am := strings.CutSuffix(text, "am")
	parts := strings.Split(text, ":")
	if len(parts) > 3 || am && pm {
		return c, false
	}
	var n [3]int
	for i, p := range parts {
		if n[i], ok = number(p); !ok || len(p) > 2 || i > 0 && (len(p) != 2 || n[i] > 59) {
			return c, false
		}
	}
	c = clock{n[0], n[1], n[2], len(parts) == 1 && !am && !pm, !am && !pm}
	if am || pm {
		return c.noon(pm)
	}
	return c, c.h < 24
}

// noon takes an hour as one before or after noon.
func (c clock) noon(pm bool) (clock, bool) {
	if c.h < 1 || c.h > 12 {
		return c, false
	}
	c.h %= 12
	if pm {
		c.h += 12
	}
	c.bare, c.half = false, false
	return c, true
}

// ordinalOf reads "1st" and "first".
func ordinalOf(word string) (int, bool) {
	for _, suffix := range []string{"st", "nd", "rd", "th"} {
		if digits, ok := strings.CutSuffix(word, suffix); ok {
			if n, ok := number(digits); ok {
				return n, n >= 1 && n <= 366
			}
		}
	}
	if n := slices.Index(ordinalWords, word); n > 0 {
		return n, true
	}
	return 0, false
}
