package opcommand

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"
)

// A table prints rows under a heading, four spaces apart.
type table struct {
	out     io.Writer
	heading []string
	rows    [][]string
}

func (t *table) row(cells ...string) { t.rows = append(t.rows, cells) }

// print writes nothing at all when there are no rows, as op does.
func (t *table) print() error {
	if len(t.rows) == 0 {
		return nil
	}
	w := tabwriter.NewWriter(t.out, 0, 0, 4, ' ', 0)
	for _, r := range append([][]string{t.heading}, t.rows...) {
		fmt.Fprintln(w, strings.Join(r, "\t"))
	}
	return w.Flush()
}

// pairs prints "Key: value" lines; empty values are left out.
func (s *session) pairs(keysAndValues ...string) error {
	w := tabwriter.NewWriter(s.Stdout, 0, 0, 4, ' ', 0)
	for i := 0; i+1 < len(keysAndValues); i += 2 {
		if keysAndValues[i+1] != "" {
			fmt.Fprintf(w, "%s:\t%s\n", keysAndValues[i], keysAndValues[i+1])
		}
	}
	return w.Flush()
}

// ago is a time as op prints it for people.
func (s *session) ago(t time.Time) string {
	d := s.Now().Sub(t)
	unit := func(n int, name string) string {
		if n == 1 {
			return "1 " + name + " ago"
		}
		return fmt.Sprintf("%d %ss ago", n, name)
	}
	switch {
	case t.IsZero():
		return ""
	case d < time.Minute:
		return "now"
	case d < time.Hour:
		return unit(int(d/time.Minute), "minute")
	case d < 24*time.Hour:
		return unit(int(d/time.Hour), "hour")
	case d < 30*24*time.Hour:
		return unit(int(d/(24*time.Hour)), "day")
	case d < 365*24*time.Hour:
		return unit(int(d/(30*24*time.Hour)), "month")
	}
	return unit(int(d/(365*24*time.Hour)), "year")
}
