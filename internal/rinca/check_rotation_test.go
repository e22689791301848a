package rinca

import (
	"testing"
	"time"
	_ "time/tzdata"
)

// A window goes by the clock on the wall of its zone: over midnight, on the
// day that it begins on, and on the days when clocks change.
func TestWindows(t *testing.T) {
	tests := []struct{ window, now, next string }{ // next "": it is open
		{"22:00-05:00 UTC", "2026-03-02T23:30:00Z", ""},
		{"22:00-05:00 UTC", "2026-03-03T04:59:59Z", ""},
		{"22:00-05:00 UTC", "2026-03-03T05:00:00Z", "2026-03-03T22:00:00Z"},
		{"22:00-05:00 UTC", "2026-03-03T21:59:59Z", "2026-03-03T22:00:00Z"},
		{"fri 22:00-05:00 UTC", "2026-03-07T04:00:00Z", ""}, // Saturday morning is Friday's
		{"fri 22:00-05:00 UTC", "2026-03-06T04:00:00Z", "2026-03-06T22:00:00Z"},
		{"sat,sun 00:00-24:00 UTC", "2026-03-06T23:59:00Z", "2026-03-07T00:00:00Z"},
		{"sat,sun 00:00-24:00 UTC", "2026-03-08T23:59:59Z", ""},
		{"mon-fri 09:00-17:00 America/New_York", "2026-03-06T13:59:00Z", "2026-03-06T14:00:00Z"},
		{"mon-fri 09:00-17:00 America/New_York", "2026-03-09T13:00:00Z", ""}, // an hour earlier, since the clocks changed
		// Clocks go from 2 to 3: that half hour is not there that day.
		{"02:15-02:45 Europe/Berlin", "2026-03-29T00:30:00Z", "2026-03-30T00:15:00Z"},
		{"02:15-03:30 Europe/Berlin", "2026-03-29T00:59:00Z", "2026-03-29T01:00:00Z"}, // the rest of it is
		// Clocks go from 3 to 2: that half hour is there twice.
		{"02:15-02:45 Europe/Berlin", "2026-10-25T00:20:00Z", ""},
		{"02:15-02:45 Europe/Berlin", "2026-10-25T01:20:00Z", ""},
		{"02:15-02:45 Europe/Berlin", "2026-10-25T00:50:00Z", "2026-10-25T01:15:00Z"},
	}
	for _, c := range tests {
		w, err := ParseWindow(c.window)
		if err != nil {
			t.Fatal(err)
		}
		if again, err := ParseWindow(w.String()); err != nil || again != w {
			t.Errorf("%q is read again as %v, %v", w, again, err)
		}
		now, _ := time.Parse(time.RFC3339, c.now)
		open, next := (&RotationPolicy{Windows: []Window{w}}).Open(now)
		if got := next.UTC().Format(time.RFC3339); open != (c.next == "") || !open && got != c.next {
			t.Errorf("%q at %s: open %t, next %s, and should be %s", c.window, c.now, open, got, c.next)
		}
	}
	if open, _ := (&RotationPolicy{}).Open(time.Now()); !open {
		t.Error("without a window it is not always open")
	}
	for _, bad := range []string{"", "22:00", "22:00-22:00", "24:00-05:00", "22:60-05:00", "noday 22:00-05:00", "satan 22:00-05:00", "mo 22:00-05:00", "22:00-05:00 Europe/Nowhere", "mon tue 22:00-05:00", "22:00-05:00 UTC UTC", "-", "22:00-05:00-07:00"} {
		if w, err := ParseWindow(bad); err == nil {
			t.Errorf("%q is read as %v", bad, w)
		}
	}
}
