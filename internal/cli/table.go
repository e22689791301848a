package cli

import (
	"fmt"
	"io"
	"os"
	"strings"
	"time"
	"unicode/utf8"

	"golang.org/x/term"

	"rinca/internal/rinca"
)

// A style is how a word looks on a terminal. What it says is in the word.
type style string

const (
	plain  style = ""
	bold   style = "1"
	dim    style = "2"
	red    style = "31"
	green  style = "32"
	yellow style = "33"
	cyan   style = "36"
)

// colorful reports whether w shows colours: a terminal, unless NO_COLOR is set.
func (a *app) colorful(w io.Writer) bool {
	return isTerminal(w) && a.Getenv("NO_COLOR") == "" && a.Getenv("TERM") != "dumb"
}

// paint puts text in a style, where there are colours.
func paint(on bool, s style, text string) string {
	if !on || s == plain {
		return text
	}
	return "\x1b[" + string(s) + "m" + text + "\x1b[0m"
}

// width is how many columns w has; 0 when it is no terminal.
func width(w io.Writer) int {
	f, ok := w.(*os.File)
	if !ok || !isTerminal(w) {
		return 0
	}
	if n, _, err := term.GetSize(int(f.Fd())); err == nil && n > 0 {
		return n
	}
	return 80
}

// A cell is a word of a table.
type cell struct {
	text  string
	style style
}

// A table lines words up. On a terminal its last column is cut to fit.
type table struct {
	head []string
	rows [][]cell
}

func newTable(head ...string) *table { return &table{head: head} }

// add adds a row of strings and cells. Text that comes from elsewhere is made
// safe to show; its line breaks become blanks.
func (t *table) add(columns ...any) {
	row := make([]cell, len(columns))
	for i, c := range columns {
		switch c := c.(type) {
		case cell:
			row[i] = cell{printable(unbroken(c.text)), c.style}
		default:
			row[i] = cell{text: printable(unbroken(fmt.Sprint(c)))}
		}
		if row[i].text == "" {
			row[i] = cell{"-", dim}
		}
	}
	t.rows = append(t.rows, row)
}

// unbroken returns text in one line.
func unbroken(text string) string {
	return strings.Join(strings.FieldsFunc(text, func(r rune) bool { return r == '\n' || r == '\r' }), " ")
}

// print writes the table to standard output.
func (t *table) print(a *app) error {
	text := t.text(width(a.Stdout), a.colorful(a.Stdout))
	if _, err := io.WriteString(a.Stdout, text); err != nil {
		return rinca.Errorf(rinca.Destination, "write to standard output: %w", err)
	}
	return nil
}

// text draws the table for so many columns; 0 is without a bound.
func (t *table) text(columns int, color bool) string {
	head := make([]cell, len(t.head))
	for i, h := range t.head {
		head[i] = cell{h, bold}
	}
	rows := append([][]cell{head}, t.rows...)
	widths := make([]int, len(t.head))
	for _, row := range rows {
		for i, c := range row {
			widths[i] = max(widths[i], utf8.RuneCountInString(c.text))
		}
	}
	const gap = 2
	last, used := len(widths)-1, 0
	for _, w := range widths[:last] {
		used += w + gap
	}
	if columns > 0 && used+widths[last] > columns {
		widths[last] = max(columns-used, 8)
	}
	var b strings.Builder
	for _, row := range rows {
		for i, c := range row {
			text := c.text
			if i == last {
				b.WriteString(paint(color, c.style, cutText(text, widths[last])))
				break
			}
			b.WriteString(paint(color, c.style, text))
			b.WriteString(strings.Repeat(" ", widths[i]-utf8.RuneCountInString(text)+gap))
		}
		b.WriteByte('\n')
	}
	return b.String()
}

// cutText shortens text to n characters.
func cutText(text string, n int) string {
	if utf8.RuneCountInString(text) <= n || n < 1 {
		return text
	}
	return string([]rune(text)[:n-1]) + "…"
}

// statusCell is a status in its word and colour.
func statusCell(s rinca.StackStatus) cell {
	switch s {
	case rinca.StatusHealthy, rinca.StatusRunning, rinca.StatusDone:
		return cell{string(s), green}
	case rinca.StatusStarting:
		return cell{string(s), cyan}
	case rinca.StatusUnhealthy:
		return cell{string(s), red}
	case rinca.StatusStopped, rinca.StatusDown:
		return cell{string(s), dim}
	case "":
		return cell{string(rinca.StatusUnknown), yellow}
	}
	return cell{string(s), yellow}
}

// updateCell is the state of an update in its word and colour.
func updateCell(s rinca.UpdateState) cell {
	switch s {
	case rinca.Succeeded:
		return cell{string(s), green}
	case rinca.Failed:
		return cell{string(s), red}
	case rinca.Queued, rinca.Running:
		return cell{string(s), cyan}
	}
	return cell{string(s), yellow}
}

// ago says how long something is past, in one unit.
func ago(now, t time.Time) string {
	if t.IsZero() {
		return "never"
	}
	return span(now.Sub(t)) + " ago"
}

// span writes a duration in one unit: 12s, 5m, 3h, 9d.
func span(d time.Duration) string {
	d = max(d, 0)
	switch {
	case d < time.Minute:
		return fmt.Sprintf("%ds", d/time.Second)
	case d < time.Hour:
		return fmt.Sprintf("%dm", d/time.Minute)
	case d < 48*time.Hour:
		return fmt.Sprintf("%dh", d/time.Hour)
	}
	return fmt.Sprintf("%dd", d/(24*time.Hour))
}

// took writes how long a stage was at work: 0.3s, 12s, 2m05s.
func took(d time.Duration) string {
	d = max(d, 0)
	switch {
	case d < 10*time.Second:
		return fmt.Sprintf("%.1fs", d.Seconds())
	case d < time.Minute:
		return fmt.Sprintf("%.0fs", d.Seconds())
	}
	d = d.Round(time.Second)
	return fmt.Sprintf("%dm%02ds", d/time.Minute, d%time.Minute/time.Second)
}

// size writes a number of bytes.
func size(n int64) string {
	switch {
	case n < 1000:
		return fmt.Sprintf("%d B", n)
	case n < 1_000_000:
		return fmt.Sprintf("%.0f kB", float64(n)/1e3)
	case n < 1_000_000_000:
		return fmt.Sprintf("%.1f MB", float64(n)/1e6)
	}
	return fmt.Sprintf("%.2f GB", float64(n)/1e9)
}
