package schedule

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"rinca/internal/rinca"
)

// A rule is one cron expression, or an interval.
type rule struct {
	fields  [6]field
	repeats bool // * or a step in the second, minute or hour
	count   count
	every   time.Duration // in place of all the rest
}

// The fields, in the order in which they are written.
const (
	second = iota
	minute
	hour
	dom
	month
	dow
)

// A field is what one part of an expression allows.
type field struct {
	text    string // as it is shown
	bits    uint64
	last    []int // L: days before the last of the month
	nearest []int // W: the workday closest to it; 0 is the last day
	nth     []nth // #
}

// An nth is a day of the week, by its place in the month; n 0 is the last.
type nth struct{ weekday, n int }

// A count lets one of every n days, weeks, months or years through.
type count struct {
	n    int
	unit string
	from int64 // a day, since 1970
}

// A Field describes a field of a cron expression.
type Field struct {
	Name  string
	Min   int
	Max   int
	Names []string // in place of numbers, from Names at Min on
	Extra string   // what else it takes
}

// Fields lists the fields of a cron expression.
func Fields() []Field {
	return []Field{
		{"second", 0, 59, nil, ""},
		{"minute", 0, 59, nil, ""},
		{"hour", 0, 23, nil, ""},
		{"day of the month", 1, 31, nil, "`?`, `L` (the last), `L-2` (two days before), `15W` (the workday closest to the 15th), `LW` (the last workday)"},
		{"month", 1, 12, []string{"JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"}, ""},
		{"day of the week", 0, 7, []string{"SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"}, "`?`, `MON#1` (the first Monday of the month), `5L` or `FRI#L` (the last Friday)"},
	}
}

var fieldTable = Fields()

// A Nickname is a word for an expression.
type Nickname struct{ Name, Cron string }

// Nicknames lists the words that stand for an expression.
func Nicknames() []Nickname {
	return []Nickname{
		{"@yearly", "0 0 0 1 1 *"},
		{"@annually", "0 0 0 1 1 *"},
		{"@monthly", "0 0 0 1 * *"},
		{"@weekly", "0 0 0 * * 0"},
		{"@daily", "0 0 0 * * *"},
		{"@midnight", "0 0 0 * * *"},
		{"@hourly", "0 0 * * * *"},
	}
}

// parseRules reads expressions with ";" between them.
func parseRules(text string) ([]rule, error) {
	var out []rule
	for part := range strings.SplitSeq(text, ";") {
		r, err := parseRule(strings.TrimSpace(part))
		if err != nil {
			return nil, err
		}
		out = append(out, r)
	}
	if len(out) > 60 {
		return nil, rinca.Errorf(rinca.Invalid, "a schedule has at most 60 cron expressions")
	}
	return out, nil
}

func parseRule(text string) (r rule, err error) {
	if strings.HasPrefix(text, "@") {
		return parseNickname(text)
	}
	if strings.HasPrefix(text, "TZ=") || strings.HasPrefix(text, "CRON_TZ=") {
		return r, invalid("cron: the time zone is not part of the expression").Try(`timezone = "Europe/Berlin" beside it`)
	}
	parts := strings.Fields(text)
	if at := slices.Index(parts, "every"); at >= 0 {
		if r.count, err = parseCount(parts[at:]); err != nil {
			return r, err
		}
		parts = parts[:at]
	}
	switch len(parts) {
	case 5:
		parts = append([]string{"0"}, parts...)
	case 6:
	case 7:
		if parts[6] != "*" && parts[6] != "?" {
			return r, invalid("cron: %.40q is a year, and schedules have none", parts[6]).Try("leave the 7th field out")
		}
	default:
		return r, invalid("cron: %.100q has %d fields", text, len(parts)).
			Try(`5 (minute hour day month weekday) or 6 (second first), such as "0 2 * * *"`)
	}
	for i := range r.fields {
		if r.fields[i], err = parseField(i, strings.ToUpper(parts[i])); err != nil {
			return r, err
		}
	}
	for _, f := range r.fields[:dom] {
		r.repeats = r.repeats || strings.ContainsAny(f.text, "*/")
	}
	return r, nil
}

func invalid(format string, args ...any) *rinca.Error {
	return rinca.Errorf(rinca.Invalid, format, args...)
}

func parseNickname(text string) (rule, error) {
	for _, n := range Nicknames() {
		if strings.EqualFold(n.Name, text) {
			return parseRule(n.Cron)
		}
	}
	if d, ok := strings.CutPrefix(text, "@every "); ok {
		every, err := time.ParseDuration(strings.TrimSpace(d))
		if err == nil && every >= time.Second && every%time.Second == 0 && every <= 366*24*time.Hour {
			return rule{every: every}, nil
		}
		return rule{}, invalid("cron: %.40q is no interval", d).Try(`whole seconds up to a year, such as "@every 90m"`)
	}
	var names []string
	for _, n := range Nicknames() {
		names = append(names, n.Name)
	}
	return rule{}, invalid("cron: there is no %.40q", text).Try("%s or @every 90m", strings.Join(names, ", "))
}

// parseCount reads "every 2 weeks from 1970-01-05".
func parseCount(words []string) (c count, err error) {
	wrong := invalid("cron: %.80q is not understood", strings.Join(words, " ")).Try(`"0 0 9 * * MON every 2 weeks from 1970-01-05"; units are days, weeks, months and years`)
	if len(words) != 5 || words[3] != "from" || !slices.Contains([]string{"days", "weeks", "months", "years"}, words[2]) {
		return c, wrong
	}
	day, err := time.Parse(time.DateOnly, words[4])
	n, ok := number(words[1])
	if err != nil || !ok || n < 1 || n > 1000 {
		return c, wrong
	}
	return count{n, words[2], day.Unix() / daySeconds}, nil
}

// String is the rule as it is shown.
func (r *rule) String() string {
	if r.every > 0 {
		return "@every " + r.every.String()
	}
	parts := make([]string, len(r.fields))
	for i := range r.fields {
		parts[i] = r.fields[i].text
	}
	text := strings.Join(parts, " ")
	if r.count.n > 0 {
		y, m, d := dateOf(r.count.from)
		text += fmt.Sprintf(" every %d %s from %04d-%02d-%02d", r.count.n, r.count.unit, y, m, d)
	}
	return text
}

func parseField(at int, text string) (field, error) {
	f := field{text: text}
	for item := range strings.SplitSeq(text, ",") {
		if special, err := f.special(at, item); err != nil {
			return f, err
		} else if special {
			continue
		}
		if err := f.numbers(at, item); err != nil {
			return f, err
		}
	}
	if at == dow && f.bits>>7&1 != 0 { // 7 is Sunday too
		f.bits = f.bits&^(1<<7) | 1
	}
	return f, nil
}

// special reads L, W and #.
func (f *field) special(at int, item string) (bool, error) {
	bad := func() (bool, error) {
		return false, invalid("cron: %.40q is no %s", item, fieldTable[at].Name).Try("it takes numbers and %s", strings.ReplaceAll(fieldTable[at].Extra, "`", ""))
	}
	switch {
	case at == dom && item == "L":
		f.last = append(f.last, 0)
	case at == dom && item == "LW":
		f.nearest = append(f.nearest, 0)
	case at == dom && strings.HasPrefix(item, "L-"):
		n, ok := number(item[2:])
		if !ok || n < 1 || n > 30 {
			return bad()
		}
		f.last = append(f.last, n)
	case at == dom && strings.HasSuffix(item, "W"):
		n, ok := number(strings.TrimSuffix(item, "W"))
		if !ok || n < 1 || n > 31 {
			return bad()
		}
		f.nearest = append(f.nearest, n)
	case at == dow && strings.Contains(item, "#"):
		name, which, _ := strings.Cut(item, "#")
		day, ok := value(dow, name)
		n, isNumber := number(which)
		if !ok || which != "L" && (!isNumber || n < 1 || n > 5) {
			return bad()
		}
		f.nth = append(f.nth, nth{day % 7, n})
	case at == dow && len(item) > 1 && strings.HasSuffix(item, "L"):
		day, ok := value(dow, strings.TrimSuffix(item, "L"))
		if !ok {
			return bad()
		}
		f.nth = append(f.nth, nth{day % 7, 0})
	case at == dow && item == "L":
		return false, invalid("cron: L alone is no day of the week").Try("SAT for Saturdays, SATL for the last Saturday of the month")
	default:
		return false, nil
	}
	return true, nil
}

// numbers reads *, a, a-b, and each of them with a step.
func (f *field) numbers(at int, item string) error {
	info := fieldTable[at]
	from, to, step := info.Min, info.Max, 1
	if at == dow {
		to = 6
	}
	span, by, stepped := strings.Cut(item, "/")
	wrong := func() error {
		e := invalid("cron: %.40q is no %s", item, info.Name)
		text := fmt.Sprintf("%d to %d", info.Min, info.Max)
		if info.Names != nil {
			text += ", " + info.Names[0] + " to " + info.Names[len(info.Names)-1]
		}
		return e.Try("%s, *, a-b, */n or a list with commas", text)
	}
	if stepped {
		n, ok := number(by)
		if !ok || n < 1 {
			return wrong()
		}
		if n > info.Max {
			return invalid("cron: a step of %d is more than %s has", n, info.Name).Try(`in English: "every %d %ss"`, n, strings.Fields(info.Name)[0])
		}
		step = n
	}
	if span == "*" || span == "?" && (at == dom || at == dow) {
		f.set(from, to, step, info)
		return nil
	}
	low, high, ranged := strings.Cut(span, "-")
	a, ok := value(at, low)
	if !ok {
		return wrong()
	}
	switch {
	case ranged:
		b, ok := value(at, high)
		if !ok {
			return wrong()
		}
		from, to = a, b
	case stepped:
		from, to = a, info.Max
	default:
		from, to = a, a
	}
	f.set(from, to, step, info)
	return nil
}

// set allows every step-th value from one to another; a range that ends before
// it begins goes on at the beginning, as FRI-MON does.
func (f *field) set(from, to, step int, info Field) {
	size := info.Max - info.Min + 1
	if size == 8 { // days of the week, of which Sunday is there twice
		size = 7
	}
	if to < from {
		to += size
	}
	for v := from; v <= to; v += step {
		at := v
		if at > info.Max {
			at -= size
		}
		f.bits |= 1 << at
	}
}

// value reads a number or a name.
func value(at int, text string) (int, bool) {
	info := fieldTable[at]
	for i, name := range info.Names {
		if text == name {
			return info.Min + i, true
		}
	}
	n, ok := number(text)
	return n, ok && n >= info.Min && n <= info.Max
}

// number reads up to 4 digits, and nothing else.
func number(text string) (int, bool) {
	if len(text) == 0 || len(text) > 4 || strings.Trim(text, "0123456789") != "" {
		return 0, false
	}
	n, err := strconv.Atoi(text)
	return n, err == nil
}
