// Package schedule reads when something runs by itself, from English or from
// cron, and tells the next times. What is not understood is an error that
// names the word, and never a guess.
//
// It has a parser and a calendar of its own: the libraries that there are miss
// or repeat runs when clocks are set, and none reads English.
package schedule

import (
	"strings"
	"sync"
	"time"
	_ "time/tzdata" // time zones, also where the machine has none

	"rinca/internal/rinca"
)

// maxText bounds the text of a schedule, in bytes.
const maxText = 500

// A Spec is a schedule that was understood.
type Spec struct {
	text  string
	cron  string
	zone  *time.Location
	rules []rule
	notes []string
}

// Parse reads a schedule. A schedule without a time zone has defaultZone; nil
// is UTC. Errors have code Invalid.
func Parse(s rinca.Schedule, defaultZone *time.Location) (*Spec, error) {
	text := strings.TrimSpace(s.Text)
	switch {
	case text == "":
		return nil, rinca.Errorf(rinca.Invalid, "the schedule is empty").Try("%s", hint)
	case len(text) > maxText:
		return nil, rinca.Errorf(rinca.Invalid, "the schedule is longer than %d bytes", maxText).Try("%s", hint)
	case s.Jitter < 0 || time.Duration(s.Jitter) > 24*time.Hour:
		return nil, rinca.Errorf(rinca.Invalid, "a schedule puts off its runs by at most 24 hours").Try(`jitter = "5m"`)
	case s.Missed != "" && s.Missed != rinca.RunOnce && s.Missed != rinca.Skip:
		return nil, rinca.Errorf(rinca.Invalid, "missed cannot be %.40q", string(s.Missed)).Try("%s or %s", rinca.RunOnce, rinca.Skip)
	}
	zone, err := zoneOf(s.TimeZone, defaultZone)
	if err != nil {
		return nil, err
	}
	spec := &Spec{text: text, zone: zone}
	format, err := formatOf(text, s.Format)
	if err != nil {
		return nil, err
	}
	if spec.cron = text; format == rinca.English {
		if spec.cron, spec.notes, err = fromEnglish(text); err != nil {
			return nil, err
		}
	}
	if spec.rules, err = parseRules(spec.cron); err != nil {
		return nil, err
	}
	forms := make([]string, len(spec.rules))
	for i := range spec.rules {
		forms[i] = spec.rules[i].String()
		if !spec.rules[i].fires() {
			return nil, rinca.Errorf(rinca.Invalid, "the schedule %q never comes: no date is like that", forms[i]).Try("look at its day and month")
		}
	}
	spec.cron = strings.Join(forms, "; ")
	return spec, nil
}

// hint is what a person sees who wrote something else.
const hint = `such as "every day at 02:00", "every weekday at 9am", "first monday of the month at 03:30", "every 15 minutes", or cron "0 2 * * *"; rinca schedule explain "…" shows the next times`

// formatOf finds out how a schedule is written.
func formatOf(text string, given rinca.ScheduleFormat) (rinca.ScheduleFormat, error) {
	looks := rinca.English
	if looksLikeCron(text) {
		looks = rinca.Cron
	}
	switch {
	case given == "", given == rinca.Cron:
		if given == "" {
			given = looks
		}
	case given != rinca.English:
		return "", rinca.Errorf(rinca.Invalid, "a schedule is not written in %.40q", string(given)).Try("%s or %s", rinca.English, rinca.Cron)
	case looks == rinca.Cron:
		return "", rinca.Errorf(rinca.Invalid, "the schedule %.100q is cron and not English", text).Try(`schedule_format = "Cron"`)
	}
	return given, nil
}

// looksLikeCron tells cron from English: its first two fields have no letters.
func looksLikeCron(text string) bool {
	if text[0] == '@' {
		return true
	}
	fields := strings.Fields(text)
	if len(fields) < 5 {
		return len(fields) > 1 && strings.ContainsAny(fields[0], "*?")
	}
	return strings.Trim(fields[0]+fields[1], "0123456789*/,-?") == ""
}

// zones are those that were asked for, by name. There are a few hundred.
var zones sync.Map

func zoneOf(name string, otherwise *time.Location) (*time.Location, error) {
	if name == "" {
		if otherwise == nil {
			return time.UTC, nil
		}
		return otherwise, nil
	}
	if z, ok := zones.Load(name); ok {
		return z.(*time.Location), nil
	}
	z, err := time.LoadLocation(name)
	if err != nil || name == "Local" || len(name) > 100 {
		return nil, rinca.Errorf(rinca.Invalid, "there is no time zone %.60q", name).Try(`a name such as "Europe/Berlin", "America/New_York" or "UTC"`)
	}
	zones.Store(name, z)
	return z, nil
}

// Text is what was written.
func (s *Spec) Text() string { return s.text }

// Cron is what the schedule means, as cron with 6 fields: second, minute,
// hour, day of the month, month, day of the week. Parse reads it again and
// gives the same times. What takes several has "; " between them; what no cron
// can say ends with "every 2 weeks from 1970-01-05", or is "@every 7m0s",
// counted from 1970-01-01 00:00 UTC.
func (s *Spec) Cron() string { return s.cron }

// Zone is where its clock stands.
func (s *Spec) Zone() *time.Location { return s.zone }

// ZoneName is the name of its time zone. That of the machine may have none; then
// it is the abbreviation that counts at the next time, such as CET.
func (s *Spec) ZoneName() string {
	if s.zone != time.Local || s.zone.String() != "Local" {
		return s.zone.String()
	}
	return s.Next(time.Now()).Format("Local (MST)")
}

// Notes are sentences about what one might not expect.
func (s *Spec) Notes() []string { return s.notes }

// Next returns the first time after a given one, in the time zone of the
// schedule; the zero time when there is none in the next 400 years.
//
// When clocks are set forward, a fixed time that is left out comes at once
// after; when they are set back, one that is there twice comes the first time.
// A schedule with * or a step in its second, minute or hour follows the clock
// on the wall.
func (s *Spec) Next(after time.Time) time.Time {
	var first time.Time
	if y := after.Year(); y < 1 || y > 9000 {
		return first
	}
	for i := range s.rules {
		if t := s.rules[i].next(after, s.zone); !t.IsZero() && (first.IsZero() || t.Before(first)) {
			first = t
		}
	}
	return first
}

// Upcoming returns the next n times.
func (s *Spec) Upcoming(after time.Time, n int) []time.Time {
	var out []time.Time
	for range n {
		if after = s.Next(after); after.IsZero() {
			break
		}
		out = append(out, after)
	}
	return out
}

// A Meaning is what a schedule means, to be shown.
type Meaning struct {
	Text  string      `json:"text"`
	Cron  string      `json:"cron"`
	Zone  string      `json:"zone"`
	Notes []string    `json:"notes,omitempty"`
	Next  []time.Time `json:"next"`
}

// Meaning tells what a schedule means, with the next n times.
func (s *Spec) Meaning(after time.Time, n int) Meaning {
	return Meaning{s.text, s.cron, s.ZoneName(), s.notes, append([]time.Time{}, s.Upcoming(after, n)...)}
}
