package schedule_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	gocron "github.com/netresearch/go-cron"

	"rinca/internal/rinca"
	"rinca/internal/schedule"
)

func TestCronForms(t *testing.T) {
	for text, want := range map[string]string{
		"0 2 * * *":             "0 0 2 * * *",
		"30 0 2 * * *":          "30 0 2 * * *",
		"0 0 2 ? * mon-fri":     "0 0 2 ? * MON-FRI",
		"0 0 2 * * * *":         "0 0 2 * * *",
		"@daily":                "0 0 0 * * *",
		"@WEEKLY":               "0 0 0 * * 0",
		"@every 90m":            "@every 1h30m0s",
		"0 0 * * 1; 30 6 L * *": "0 0 0 * * 1; 0 30 6 L * *",
		"0 0 * * 1 every 2 weeks from 1970-01-05": "0 0 0 * * 1 every 2 weeks from 1970-01-05",
	} {
		if got := parse(t, text, "").Cron(); got != want {
			t.Errorf("%q is %q, want %q", text, got, want)
		}
	}
}

func TestCronThatIsRefused(t *testing.T) {
	for text, word := range map[string]string{
		"0 0 30 2 *": "never comes", "0 0 31 4,6,9,11 *": "never comes", "0 0 0 31W 2 *": "never comes", "0 0 L-30 2 *": "never comes",
		"61 * * * *": "minute", "* 24 * * *": "hour", "0 0 0 0 * *": "day of the month", "0 0 0 * 13 *": "month", "0 0 * * 8": "day of the week",
		"0 0/90 * * * ?": "step of 90", "*/0 * * * *": "minute", "0 0 * * MON#6": "day of the week", "0 0 * * L": "L alone", "0 0 W * *": "day of the month",
		"0 0 0 1 1 * 2030": "2030", "* * * *": "4 fields", "* * * * * * * *": "8 fields", "@reboot": "@reboot", "@every 1ms": "1ms", "@every 0s": "0s", "@every 99999h": "99999h",
		"0 0 * * FOO": "FOO", "1-2-3 * * * *": "1-2-3", "-1 * * * *": "-1", "1,,2 * * * *": "minute", "0 0 * * ; 0 0 * *": "4 fields",
		"0 0 H * *": "\"H\"", "? ? * * *": "minute", "99999999999999999999 * * * *": "minute", "0 0 * * * every 0 weeks from 1970-01-05": "every 0 weeks", "0 0 * * * every 2 weeks": "not understood",
	} {
		s, err := schedule.Parse(rinca.Schedule{Text: text, Format: rinca.Cron}, nil)
		if err == nil {
			t.Errorf("%q is taken for %s", text, s.Cron())
		} else if rinca.CodeOf(err) != rinca.Invalid || !strings.Contains(err.Error(), word) {
			t.Errorf("%q: %v; want one with %q", text, err, word)
		}
	}
	for _, s := range []rinca.Schedule{
		{Text: "every day", TimeZone: "Mars/Olympus"},
		{Text: "every day", TimeZone: "Local"},
		{Text: "every day", TimeZone: "../../etc/passwd"},
		{Text: "every day", Format: "Latin"},
		{Text: "every day", Format: rinca.Cron},
		{Text: "0 2 * * *", Format: rinca.English},
		{Text: "TZ=UTC 0 2 * * *", Format: rinca.Cron},
		{Text: "every day", Missed: "twice"},
		{Text: "every day", Jitter: rinca.Duration(25 * time.Hour)},
	} {
		if _, err := schedule.Parse(s, nil); rinca.CodeOf(err) != rinca.Invalid || rinca.HintOf(err) == "" {
			t.Errorf("%+v: %v, try %q", s, err, rinca.HintOf(err))
		}
	}
}

// Days that a month has to find for itself, and both days at once.
func TestCronDays(t *testing.T) {
	for _, c := range []struct{ cron, from, want string }{
		{"0 0 L * *", "2027-02-01", "2027-02-28 2027-03-31 2027-04-30"},
		{"0 0 L-2 * *", "2028-02-01", "2028-02-27 2028-03-29 2028-04-28"},
		{"0 0 LW * *", "2027-01-01", "2027-01-29 2027-02-26 2027-03-31"},
		{"0 0 15W * *", "2027-05-01", "2027-05-14 2027-06-15 2027-07-15"},
		{"0 0 1W * *", "2027-05-01", "2027-05-03 2027-06-01 2027-07-01"}, // 1 May is a Saturday; not in April
		{"0 0 31W * *", "2027-01-01", "2027-01-29 2027-03-31 2027-05-31"},
		{"0 0 * * MON#1", "2027-01-01", "2027-01-04 2027-02-01 2027-03-01"},
		{"0 0 * * 5L", "2027-01-01", "2027-01-29 2027-02-26 2027-03-26"},
		{"0 0 * * FRI#L", "2027-01-01", "2027-01-29 2027-02-26 2027-03-26"},
		{"0 0 * * MON#5", "2027-01-01", "2027-03-29 2027-05-31 2027-08-30"},
		{"0 0 * * 7", "2027-01-01", "2027-01-03 2027-01-10 2027-01-17"},
		{"0 0 * * 0", "2027-01-01", "2027-01-03 2027-01-10 2027-01-17"},
		{"0 0 * * FRI-MON", "2027-01-01", "2027-01-02 2027-01-03 2027-01-04"},
		{"0 0 13 * FRI", "2027-01-01", "2027-08-13 2028-10-13 2029-04-13"}, // both, as Komodo has it
		{"0 0 29 2 *", "2026-01-01", "2028-02-29 2032-02-29 2036-02-29"},
		{"0 0 29 2 MON", "2090-01-01", "2112-02-29 2140-02-29 2168-02-29"},
		{"0 0 * * TUE every 2 weeks from 2027-01-04", "2027-01-01", "2027-01-05 2027-01-19 2027-02-02"},
		{"0 0 31 * * every 5 months from 2027-01-01", "2027-01-02", "2027-01-31 2029-07-31 2029-12-31"},
	} {
		from, _ := time.Parse(time.DateOnly, c.from)
		var got []string
		for _, at := range parse(t, c.cron, "").Upcoming(from, 3) {
			got = append(got, at.Format(time.DateOnly))
		}
		if text := strings.Join(got, " "); text != c.want {
			t.Errorf("%s: %s, want %s", c.cron, text, c.want)
		}
	}
}

// An expression at random means what an independent library takes it for.
func TestAgreesWithAnotherLibrary(t *testing.T) {
	other := gocron.MustNewParser(gocron.Second | gocron.Minute | gocron.Hour | gocron.Dom | gocron.Month | gocron.Dow | gocron.Extended).WithMaxSearchYears(100)
	r := rand.New(rand.NewPCG(1, 2))
	checked := 0
	for range 1500 {
		text := randomCron(r)
		theirs, err := other.Parse("TZ=UTC " + text)
		if err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		mine, err := schedule.Parse(rinca.Schedule{Text: text}, nil)
		from := start.AddDate(r.IntN(8), r.IntN(12), r.IntN(31))
		if err != nil {
			if next := theirs.Next(from); !next.IsZero() {
				t.Errorf("%s: %v, and comes at %s", text, err, next)
			}
			continue
		}
		a, b := from, from
		for i := range 8 {
			a, b = mine.Next(a), theirs.Next(b)
			if b.IsZero() {
				break
			}
			if checked++; !a.Equal(b) {
				t.Errorf("%s: time %d after %s is %s, and elsewhere %s", text, i, from, a, b)
				break
			}
		}
	}
	if checked < 8000 {
		t.Errorf("only %d times were compared", checked)
	}
}

func randomCron(r *rand.Rand) string {
	var out []string
	for _, f := range [][2]int{{0, 59}, {0, 59}, {0, 23}, {1, 31}, {1, 12}, {0, 7}} {
		item := func() string {
			a, b := f[0]+r.IntN(f[1]-f[0]+1), f[0]+r.IntN(f[1]-f[0]+1)
			switch r.IntN(5) {
			case 0:
				return fmt.Sprintf("%d-%d", min(a, b), max(a, b))
			case 1:
				return fmt.Sprintf("%d-%d/%d", min(a, b), max(a, b), 1+r.IntN(max(1, max(a, b)-min(a, b))))
			case 2:
				return fmt.Sprintf("*/%d", 1+r.IntN(f[1]-f[0]))
			}
			return fmt.Sprint(a)
		}
		text := "*"
		switch n := r.IntN(10); {
		case n < 3:
			text = item() + "," + item()
		case n < 6:
			text = item()
		case n == 6 && f[1] == 31:
			text = []string{"L", "L-3", "LW", "15W", "1W", "31W", "L,10"}[r.IntN(7)]
		case n == 6 && f[1] == 7:
			text = []string{"MON#1", "FRI#3", "SUN#2", "2#5", "SAT#L"}[r.IntN(5)]
		}
		out = append(out, text)
	}
	return strings.Join(out, " ")
}

// What clocks do in autumn and spring, and in places where it is half an hour,
// or a day.
func TestWhenClocksAreSet(t *testing.T) {
	for _, c := range []struct{ why, text, zone, from, want string }{
		{
			"a fixed time that is left out runs at once after", "30 2 * * *", "America/New_York", "2027-03-13T12:00-05:00",
			"2027-03-14T03:00-04:00 2027-03-15T02:30-04:00",
		},
		{
			"a fixed time that is there twice runs once, at first", "30 1 * * *", "America/New_York", "2027-11-06T12:00-04:00",
			"2027-11-07T01:30-04:00 2027-11-08T01:30-05:00",
		},
		{
			"several that are left out run once", "every day at 2:10am and 2:50am", "America/New_York", "2027-03-13T12:00-05:00",
			"2027-03-14T03:00-04:00 2027-03-15T02:10-04:00",
		},
		{
			"one that is left out and the hour after are one", "0 2,3 * * *", "America/New_York", "2027-03-14T00:00-05:00",
			"2027-03-14T03:00-04:00 2027-03-15T02:00-04:00",
		},
		{
			"steps follow the wall: left out", "every 30 minutes", "America/New_York", "2027-03-14T01:00-05:00",
			"2027-03-14T01:30-05:00 2027-03-14T03:00-04:00",
		},
		{
			"steps follow the wall: twice", "every 30 minutes", "America/New_York", "2027-11-07T01:00-04:00",
			"2027-11-07T01:30-04:00 2027-11-07T01:00-05:00 2027-11-07T01:30-05:00 2027-11-07T02:00-05:00",
		},
		{
			"hours with a step that is left out do not run", "0 0/2 * * *", "America/New_York", "2027-03-14T00:00-05:00",
			"2027-03-14T04:00-04:00 2027-03-14T06:00-04:00",
		},
		{
			"every hour is every hour", "hourly", "Europe/Berlin", "2027-10-31T00:30+02:00",
			"2027-10-31T01:00+02:00 2027-10-31T02:00+02:00 2027-10-31T02:00+01:00 2027-10-31T03:00+01:00",
		},
		{
			"Berlin in spring", "Every day at 02:30", "Europe/Berlin", "2027-03-27T12:00+01:00",
			"2027-03-28T03:00+02:00 2027-03-29T02:30+02:00",
		},
		{
			"Berlin in autumn", "Every day at 02:30", "Europe/Berlin", "2027-10-30T12:00+02:00",
			"2027-10-31T02:30+02:00 2027-11-01T02:30+01:00",
		},
		{"asked within the second hour", "Every day at 02:30", "Europe/Berlin", "2027-10-31T02:10+01:00", "2027-11-01T02:30+01:00"},
		{
			"half an hour forward", "15 2 * * *", "Australia/Lord_Howe", "2027-10-02T12:00+10:30",
			"2027-10-03T02:30+11:00 2027-10-04T02:15+11:00",
		},
		{
			"half an hour back", "45 1 * * *", "Australia/Lord_Howe", "2027-04-03T12:00+11:00",
			"2027-04-04T01:45+11:00 2027-04-05T01:45+10:30",
		},
		{
			"half an hour back, by steps", "0/15 * * * *", "Australia/Lord_Howe", "2027-04-04T01:30+11:00",
			"2027-04-04T01:45+11:00 2027-04-04T01:30+10:30 2027-04-04T01:45+10:30",
		},
		{
			"midnight is left out", "every sunday", "America/Santiago", "2027-08-30T12:00-04:00",
			"2027-09-05T01:00-03:00 2027-09-12T00:00-03:00",
		},
		{
			"a whole day is left out", "0 10 30 12 *", "Pacific/Apia", "2011-12-29T12:00-10:00",
			"2011-12-31T00:00+14:00 2012-12-30T10:00+14:00",
		},
		{
			"the last day of a leap year", "30 1 * * *", "America/New_York", "2056-12-30T12:00-05:00",
			"2056-12-31T01:30-05:00 2057-01-01T01:30-05:00",
		},
		{
			"an interval is not touched", "every 7 minutes", "America/New_York", "2027-03-14T06:58:00Z",
			"2027-03-14T01:59-05:00 2027-03-14T03:06-04:00",
		},
	} {
		from, err := time.Parse("2006-01-02T15:04Z07:00", c.from)
		if err != nil {
			if from, err = time.Parse(time.RFC3339, c.from); err != nil {
				t.Fatal(err)
			}
		}
		want := strings.Fields(c.want)
		var got []string
		for _, at := range parse(t, c.text, c.zone).Upcoming(from, len(want)) {
			got = append(got, at.Format("2006-01-02T15:04Z07:00"))
		}
		if strings.Join(got, " ") != c.want {
			t.Errorf("%s: %s in %s from %s\n got %s\nwant %s", c.why, c.text, c.zone, c.from, strings.Join(got, " "), c.want)
		}
	}
}

// Times grow, in every zone and through every change of clocks.
func TestTimesGrow(t *testing.T) {
	for _, zone := range []string{"America/New_York", "Europe/Berlin", "Australia/Lord_Howe", "Africa/Casablanca", "Antarctica/Troll"} {
		for _, text := range []string{"0/20 * * * *", "15,45 0-4 * * *", "30 2 * * *", "every 90 minutes", "* 2 * * *"} {
			s := parse(t, text, zone)
			at := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
			for range 3000 {
				next := s.Next(at)
				if !next.After(at) {
					t.Fatalf("%s in %s: after %s comes %s", text, zone, at, next)
				}
				if again := s.Next(next.Add(-time.Second)); !again.Equal(next) {
					t.Fatalf("%s in %s: %s is not found a second before, but %s", text, zone, next, again)
				}
				at = next
			}
		}
	}
}
