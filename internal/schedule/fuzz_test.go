package schedule_test

import (
	"testing"
	"time"

	"rinca/internal/rinca"
	"rinca/internal/schedule"
)

// Whatever is written: no panic; what is taken tells its times fast, and its
// cron form gives the same ones.
func FuzzParse(f *testing.F) {
	for _, e := range schedule.Examples() {
		f.Add(e, uint32(1_800_000_000), uint8(0))
	}
	for _, text := range []string{
		"0 2 * * *", "@every 7m", "0 0 LW,15W,L-3 * FRI#L", "* * 29 2 1#5", "every 2 weeks on mon-fri at 1am, 2am and 3:30pm", "0 0 0 * * MON every 13 weeks from 1970-01-05; @daily",
		"59 59 23 31 12 7", "0 0/59 22-2/3 28-3 NOV-FEB FRI-MON", "every 1st", "at 9", "on the", "last", "\xff", "every 97 months on the 31st", "every 999 years on february 29th",
	} {
		f.Add(text, uint32(1_793_494_800), uint8(3))
	}
	zones := []string{"UTC", "America/New_York", "Europe/Berlin", "Australia/Lord_Howe", "Pacific/Apia", "America/Sao_Paulo"}
	f.Fuzz(func(t *testing.T, text string, from uint32, zone uint8) {
		s := rinca.Schedule{Text: text, TimeZone: zones[int(zone)%len(zones)]}
		spec, err := schedule.Parse(s, nil)
		if err != nil {
			if rinca.CodeOf(err) != rinca.Invalid {
				t.Fatalf("%q: %v", text, err)
			}
			return
		}
		again, err := schedule.Parse(rinca.Schedule{Text: spec.Cron(), TimeZone: s.TimeZone, Format: rinca.Cron}, nil)
		if err != nil {
			t.Fatalf("%q is %q, which is not taken: %v", text, spec.Cron(), err)
		}
		began, at := time.Now(), time.Unix(int64(from), 0)
		for range 12 {
			next := spec.Next(at)
			if !next.Equal(again.Next(at)) {
				t.Fatalf("%q: after %s comes %s, and by %q %s", text, at, next, spec.Cron(), again.Next(at))
			}
			if next.IsZero() {
				break
			}
			if !next.After(at) {
				t.Fatalf("%q: after %s comes %s", text, at, next)
			}
			at = next
		}
		if took := time.Since(began); took > 500*time.Millisecond {
			t.Fatalf("%q took %s", text, took)
		}
	})
}

func BenchmarkParse(b *testing.B) {
	for b.Loop() {
		if _, err := schedule.Parse(rinca.Schedule{Text: "every weekday at 9am", TimeZone: "Europe/Berlin"}, nil); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkNext(b *testing.B) {
	s := parse(b, "every weekday at 9am", "Europe/Berlin")
	at := start
	for b.Loop() {
		at = s.Next(at)
		if at.Year() > 2100 {
			at = start
		}
	}
}
