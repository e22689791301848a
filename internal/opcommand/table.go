package opcommand

import (
	"fmt"
	"io"
	"strings"
	"time"
	"unicode/utf8"
)

// A table prints rows under a heading, four spaces apart.
type table struct {
	out     io.Writer
	heading []string
	rows    [][]string
}

func (t *table) row(cells ...string) { t.rows = append(t.rows, cells) }

// print writes nothing at all when there are no rows.
func (t *table) print() error {
	if len(t.rows) == 0 {
		return nil
	}
	return columns(t.out, append([][]string{t.heading}, t.rows...))
}

// columns aligns the cells of rows, four spaces apart. Cells are printed as
// they are; nothing follows the last one.
func columns(out io.Writer, rows [][]string) error {
	var widths []int
	for _, r := range rows {
		for i, cell := range r {
			if i == len(widths) {
				widths = append(widths, 0)
			}
			widths[i] = max(widths[i], utf8.RuneCountInString(cell))
		}
	}
	var b strings.Builder
	for _, r := range rows {
		blanks := 0
		for i, cell := range r {
			if cell != "" { // no blanks at the end of a line
				b.WriteString(strings.Repeat(" ", blanks) + cell)
				blanks = 0
			}
			blanks += widths[i] + 4 - utf8.RuneCountInString(cell)
		}
		b.WriteByte('\n')
	}
	_, err := io.WriteString(out, b.String())
	return err
}

// pairs prints "Key: value" lines; empty values are left out.
func (s *session) pairs(keysAndValues ...string) error {
	var rows [][]string
	for i := 0; i+1 < len(keysAndValues); i += 2 {
		if keysAndValues[i+1] != "" {
			rows = append(rows, []string{keysAndValues[i] + ":", keysAndValues[i+1]})
		}
	}
	return columns(s.Stdout, rows)
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
	case s.iso:
		return t.UTC().Format(time.RFC3339)
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
