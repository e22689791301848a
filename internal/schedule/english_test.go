package schedule_test

import (
	"strings"
	"testing"
	"time"

	"rinca/internal/rinca"
	"rinca/internal/schedule"
)

var start = time.Date(2026, 11, 26, 8, 17, 5, 0, time.UTC) // a Thursday

func parse(t testing.TB, text, zone string) *schedule.Spec {
	t.Helper()
	s, err := schedule.Parse(rinca.Schedule{Text: text, TimeZone: zone}, time.UTC)
	if err != nil {
		t.Fatalf("%q: %v (%s)", text, err, rinca.HintOf(err))
	}
	return s
}

// same compares times, and not how they are written.
func same(t *testing.T, text string, got, want *schedule.Spec) {
	t.Helper()
	for _, from := range []time.Time{start, start.AddDate(0, 3, 20), start.AddDate(1, 7, 0)} {
		g, w := got.Upcoming(from, 25), want.Upcoming(from, 25)
		for i := range w {
			if i >= len(g) || !g[i].Equal(w[i]) {
				t.Errorf("%q (%s): time %d from %s on is not that of %s:\n got %v\nwant %v", text, got.Cron(), i, from, want.Cron(), g, w)
				return
			}
		}
	}
}

// The phrases that Komodo reads, with the cron that it makes of them. They give
// the same times here.
func TestPhrasesOfKomodo(t *testing.T) {
	for _, c := range [][2]string{
		{"run second", "* * * * * ?"},
		{"every second", "* * * * * ?"},
		{"every 5 second", "0/5 * * * * ?"},
		{"every 5 second on september", "0/5 * * * SEP ?"},
		{"every 5 second on 9 month", "0/5 * * * 9 ?"},
		{"every 2 seconds, only on thursday", "0/2 * * ? * THU"},
		{"every 2 second on the 12th day", "0/2 0 0 12 * ?"},
		{"every 10 seconds Monday through thursday between 6:00 am and 8:00 pm", "0/10 * 6-20 ? * MON-THU"},
		{"every minute", "0 * * * * ?"},
		{"every 15 minutes", "0 0/15 * * * ?"},
		{"every minutes on thursday", "0 * * ? * THU"},
		{"every 2 minutes on Thursday", "0 0/2 * ? * THU"},
		{"every 10 minutes Monday through Friday every month", "0 0/10 * ? * MON-FRI"},
		{"every 1 minutes Monday through Thursday between 6am and 9pm", "0 0/1 6-21 ? * MON-THU"},
		{"every 10 minutes between 9am and 5pm", "0 0/10 9-17 * * ?"},
		{"hourly", "0 0 * * * ?"},
		{"every hour", "0 0 * * * ?"},
		{"every 3 hours", "0 0 0/3 * * ?"},
		{"every 4 hours on Sunday", "0 0 0/4 ? * SUN"},
		{"every 6 hours, starting at 1:00 pm on day Monday", "0 0 0/6 ? * MON"},
		{"every 1 hour only on weekends", "0 0 0/1 ? * SAT,SUN"},
		{"every hour only on weekends", "0 0 * ? * SAT,SUN"},
		{"every hours from January to March", "0 0 * * JAN-MAR ?"},
		{"every day", "0 0 0 */1 * ?"},
		{"every 4 days", "0 0 0 */4 * ?"},
		{"every day at 4:00 pm", "0 0 16 */1 * ?"},
		{"Every day at 03:00", "0 0 3 */1 * ?"},
		{"every day at 3am and 3pm", "0 0 3,15 */1 * ?"},
		{"every 5 day at 4:30 pm", "0 30 16 */5 * ?"},
		{"every 5 day at 4:30 pm only in September", "0 30 16 */5 SEP ?"},
		{"every 5 day at 4:30 pm Monday through Thursday", "0 30 16 ? * MON-THU"},
		{"every day from January to March", "0 0 0 */1 JAN-MAR ?"},
		{"every 3 days at noon", "0 0 12 */3 * ?"},
		{"every 2nd day of the month", "0 0 0 2 * ?"},
		{"every 1st day of the month at 2am", "0 0 2 1 * ?"},
		{"every 2 day from January to August in 2020 and 2024", "0 0 0 */2 JAN-AUG ?"},
		{"at 10:00 am", "0 0 10 * * ?"},
		{"at 12:15 pm", "0 15 12 * * ?"},
		{"6:00 pm every Monday through Friday", "0 0 18 ? * MON-FRI"},
		{"at noon every Sunday", "0 0 12 ? * SUN"},
		{"on Sunday at 12:00", "0 0 12 ? * SUN"},
		{"Every Monday at 09:00", "0 0 9 ? * MON"},
		{"every weekend at 9am", "0 0 9 ? * SAT,SUN"},
		{"every Friday at 5pm in December", "0 0 17 ? DEC FRI"},
		{"2pm on Tuesday, Wednesday and Thursday", "0 0 14 ? * TUE,WED,THU"},
		{"At midnight on the 1st and 15th of the month", "0 0 0 1,15 * ?"},
		{"midnight on Tuesdays", "0 0 0 ? * TUE"},
		{"5:15am every Tuesday", "0 15 5 ? * TUE"},
		{"7pm every Thursday", "0 0 19 ? * THU"},
		{"2pm and 6pm", "0 0 14,18 * * ?"},
		{"5am, 10am and 3pm", "0 0 5,10,15 * * ?"},
		{"4pm, 5pm and 7pm", "0 0 16,17,19 * * ?"},
		{"4pm, 5pm, and 7pm", "0 0 16,17,19 * * ?"},
		{"4pm 5pm and 7pm", "0 0 16,17,19 * * ?"},
		{"at 9:15 am, 1:15 pm and 5:15 pm", "0 15 9,13,17 * * ?"},
		{"every 1st of January at noon", "0 0 12 1 JAN ?"},
		{"every 5 minutes", "0 0/5 * * * ?"},
		{"every 30 minutes", "0 0/30 * * * ?"},
		{"every 2 hours", "0 0 0/2 * * ?"},
		{"every 12 hours", "0 0 0/12 * * ?"},
		{"every day at 3:30", "0 30 3 */1 * ?"},
		{"every day at midnight", "0 0 0 */1 * ?"},
		{"every day at noon", "0 0 12 */1 * ?"},
		{"at 03:00", "0 0 3 * * ?"},
		{"at midnight", "0 0 0 * * ?"},
		{"every sunday at 2am", "0 0 2 ? * SUN"},
		{"every saturday at 23:30", "0 30 23 ? * SAT"},
		{"monday at 9am", "0 0 9 ? * MON"},
		{"every friday at 17:00", "0 0 17 ? * FRI"},
		{"every week on monday at 9am", "0 0 9 ? * MON"},
		{"every 1st and 15th of the month at 9am", "0 0 9 1,15 * ?"},
		{"Every day at 02:00", "0 0 2 * * *"}, // of the workflow document
		{"EVERY DAY AT 02:00", "0 0 2 * * *"},
	} {
		same(t, c[0], parse(t, c[0], ""), parse(t, c[1], ""))
	}
}

// What Komodo reads wrongly, or refuses, means here what it says.
func TestPhrasesMeanWhatTheySay(t *testing.T) {
	for _, c := range [][2]string{
		{"every monday", "0 0 0 * * MON"},
		{"monthly", "0 0 0 1 * *"},
		{"every month", "0 0 0 1 * *"},
		{"every 2 weeks", "0 0 0 * * MON every 2 weeks from 1970-01-05"},
		{"every morning at 6", "0 0 6 * * *"},
		{"on the 1st of the month", "0 0 0 1 * *"},
		{"on the 1st of the month at 6pm", "0 0 18 1 * *"},
		{"on the 1st of every month at 04:00", "0 0 4 1 * *"},
		{"on the 15th of the month at 6pm", "0 0 18 15 * *"},
		{"every month on the 1st at 3am", "0 0 3 1 * *"},
		{"every month on the 5th", "0 0 0 5 * *"},
		{"every weekday at 9am", "0 0 9 * * MON-FRI"},
		{"every 15 minutes on weekdays", "0 0/15 * * * MON-FRI"},
		{"every 2nd hour", "0 0 0/2 * * *"},
		{"every second hour", "0 0 0/2 * * *"},
		{"every 2 months", "0 0 0 1 1/2 *"},
		{"last day of the month", "0 0 0 L * *"},
		{"last day of the month at 23:00", "0 0 23 L * *"},
		{"first day of the month", "0 0 0 1 * *"},
		{"every January 1st", "0 0 0 1 1 *"},
		{"every 90 minutes", "0 0 0/3 * * *; 0 30 1/3 * * *"},
		{"every 24 hours", "0 0 0 * * *"},
		{"daily", "0 0 0 * * *"},
		{"daily at 7:30 pm", "0 30 19 * * *"},
		{"weekly", "0 0 0 * * MON"},
		{"every week", "0 0 0 * * MON"},
		{"weekly on friday at 5pm", "0 0 17 * * FRI"},
		{"every night", "0 0 0 * * *"},
		{"every night at 11", "0 0 23 * * *"},
		{"every night at 2:30", "0 30 2 * * *"},
		{"every evening at 8", "0 0 20 * * *"},
		{"at 6 in the evening", "0 0 18 * * *"},
		{"every year", "0 0 0 1 JAN *"},
		{"yearly on march 3rd at noon", "0 0 12 3 MAR *"},
		{"every quarter", "0 0 0 1 1/3 *"},
		{"first monday of the month at 03:30", "0 30 3 * * MON#1"},
		{"every first monday of the month", "0 0 0 * * MON#1"},
		{"first and third tuesday of every month at 8am", "0 0 8 * * TUE#1,TUE#3"},
		{"last friday of the month at 18:00", "0 0 18 * * 5L"},
		{"last weekday of the month", "0 0 0 LW * *"},
		{"first weekday of the month at 9:00", "0 0 9 1W * *"},
		{"Run at midnight on the 1st and 15th of the month", "0 0 0 1,15 * *"},
		{"every other monday at 9am", "0 0 9 * * MON every 2 weeks from 1970-01-05"},
		{"every 2 weeks on tuesday at 04:00", "0 0 4 * * TUE every 2 weeks from 1970-01-05"},
		{"every two hours", "0 0 0/2 * * *"},
		{"every 45 minutes", "0 0,45 0/3 * * *; 0 30 1/3 * * *; 0 15 2/3 * * *"},
		{"every 90 seconds", "0 0/3 * * * *; 30 1/3 * * * *"},
		{"every 120 minutes", "0 0 0/2 * * *"},
		{"every half hour", "0 0/30 * * * *"},
		{"every 2 hours between 8am and 6pm", "0 0 8-18/2 * * *"},
		{"every hour between 10pm and 6am", "0 0 22,23,0-6 * * *"},
		{"mon-fri at 9am", "0 0 9 * * 1-5"},
		{"saturday to tuesday at 9am", "0 0 9 * * SAT,SUN,MON,TUE"},
		{"from monday to friday at 9:00", "0 0 9 * * 1-5"},
		{"at 9:15 and 10:30", "0 15 9 * * *; 0 30 10 * * *"},
		{"on friday the 13th", "0 0 0 13 * FRI"},
		{"once a week", "0 0 0 * * MON"},
		{"every day in december at 9 p.m.", "0 0 21 * DEC *"},
		{"on january 1st and 15th at 6am", "0 0 6 1,15 JAN *"},
		{"every 7 minutes", "@every 7m"},
		{"every 36 hours", "@every 36h"},
		{"every 10 days", "0 0 0 * * * every 10 days from 1970-01-05"},
		{"every 48 hours", "0 0 0 * * * every 2 days from 1970-01-05"},
	} {
		same(t, c[0], parse(t, c[0], ""), parse(t, c[1], ""))
	}
}

// What is not understood is an error that names the word, and shows examples.
func TestPhrasesThatAreRefused(t *testing.T) {
	for text, word := range map[string]string{
		"every blue moon": "blue", "tomorrow": "tomorrow", "tuesday at 25:00": "25:00", "at 13pm": "13pm", "at 24:00": "24:00",
		"every day at": "more is missing", "every": "more is missing", "at": "more is missing", "run": "more is missing",
		"every day at noon please": "please", "every fortnight": "fortnight", "biweekly": "biweekly",
		"every 0 minutes": "every 0", "every 100000 minutes": "100000", "every -5 minutes": "-",
		"every 2nd monday": "two things", "every month on monday": "which monday", "in january": "how often", "every january": "no day",
		"every 5 minutes at 9am": "both", "between 9am and 5pm": "not how often", "every day at 2 and 6pm": "am or pm",
		"every day at 9am and every monday at 10am": "and", "every 31 february": "31", "on the 32nd": "32", "every february 30th": "never",
		"every 7 minutes on mondays": "come out even", "every 6 hours starting at 1pm": "starting", "every morning": "not at what time",
		"every morning at 8pm": "go together", "every 2 days on the 5th": "day of the month", "every day at 9am every day": "two places",
		"at noon in 2030": "year", "every monday on tuesday": "two places", "0 0 * * * every day": "not understood", "every\x00day": "every", "jeden tag": "jeden", "every tag": "tag",
		"every day at ０２:００": "０２:００", "每天": "每天", "": "empty", "   ": "empty", strings.Repeat("every ", 200): "longer", "monday or tuesday": "or",
	} {
		s, err := schedule.Parse(rinca.Schedule{Text: text}, nil)
		switch {
		case err == nil:
			t.Errorf("%.60q is taken for %s", text, s.Cron())
		case rinca.CodeOf(err) != rinca.Invalid, !strings.Contains(err.Error(), word), rinca.HintOf(err) == "" && !strings.Contains(err.Error(), "no month"):
			t.Errorf("%.60q: %v, try %q; want one with %q", text, err, rinca.HintOf(err), word)
		}
	}
}
