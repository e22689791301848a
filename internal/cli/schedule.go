package cli

import (
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"rinca/internal/rinca"
	"rinca/internal/schedule"
)

func newSchedule(a *app) *cobra.Command {
	return a.remoteGroup(&cobra.Command{
		Use:   "schedule",
		Short: "See what runs by itself, and what a schedule means",
		Example: `  rinca schedule explain "every weekday at 9am" --timezone Europe/Berlin
  rinca schedule list`,
	}, newScheduleExplain(a), newScheduleList(a))
}

func newScheduleExplain(a *app) *cobra.Command {
	var zone, from, format string
	c := &cobra.Command{
		Use:   "explain PHRASE",
		Short: "Say what a schedule means, and its next five times",
		Long: `Prints the cron form of a schedule, which may be English or cron, and the next
five times. It asks no server. What is not understood is an error that names
the word.

Times are those of the clock in --timezone. When clocks are set forward, a time
that is left out comes at once after; when they are set back, one that is there
twice comes the first time. A schedule with * or a step in its seconds, minutes
or hours follows the clock on the wall.`,
		Example: `  rinca schedule explain "Every day at 02:00"
  rinca schedule explain "last friday of the month at 18:00" --timezone America/New_York
  rinca schedule explain "0 2 * * MON#1" --from 2027-03-01 --json`,
		Args: cobra.MinimumNArgs(1), ValidArgsFunction: cobra.FixedCompletions(schedule.Examples(), cobra.ShellCompDirectiveNoFileComp),
		RunE: func(_ *cobra.Command, args []string) error {
			spec, err := schedule.Parse(rinca.Schedule{Text: strings.Join(args, " "), TimeZone: zone, Format: rinca.ScheduleFormat(format)}, time.Local)
			if err != nil {
				return err
			}
			after, err := timeIn(from, spec.Zone())
			if err != nil {
				return err
			}
			m := spec.Meaning(after, 5)
			if a.json {
				return encodeJSON(a.Stdout, m)
			}
			a.printFacts([]fact{{"Cron", m.Cron}, {"Time zone", m.Zone}})
			for _, note := range m.Notes {
				fmt.Fprintln(a.Stdout, note)
			}
			fmt.Fprintln(a.Stdout)
			for _, at := range m.Next {
				fmt.Fprintln(a.Stdout, at.Format(dayAndTime))
			}
			return nil
		},
	}
	fl := c.Flags()
	fl.StringVar(&zone, "timezone", "", "`ZONE` of its clock, such as Europe/Berlin; this machine's when it is left out")
	fl.StringVar(&from, "from", "", "`TIME` after which times are shown, such as 2027-03-28 or \"2027-03-28 01:30\"; now when it is left out")
	fl.StringVar(&format, "format", "", "`FORMAT`: English or Cron; it finds out when it is left out")
	_ = c.RegisterFlagCompletionFunc("format", cobra.FixedCompletions([]string{string(rinca.English), string(rinca.Cron)}, cobra.ShellCompDirectiveNoFileComp))
	return c
}

// dayAndTime is how a time to come is shown.
const dayAndTime = "Mon 2006-01-02 15:04:05 MST"

// timeIn reads a time of the clock in a zone; "" is now.
func timeIn(text string, zone *time.Location) (time.Time, error) {
	if text == "" {
		return time.Now(), nil
	}
	for _, layout := range []string{time.RFC3339, time.DateTime, "2006-01-02 15:04", "2006-01-02T15:04:05", "2006-01-02T15:04", time.DateOnly} {
		if t, err := time.ParseInLocation(layout, text, zone); err == nil {
			return t, nil
		}
	}
	return time.Time{}, rinca.Errorf(rinca.Usage, "--from: %.40q is no time", printable(text)).Try(`2027-03-28, "2027-03-28 01:30" or 2027-03-28T01:30:00+01:00`)
}

func newScheduleList(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "list",
		Short: "List what runs by itself, and when it does so next",
		Long: `Lists the schedules of what you may read: those of procedures and of resource
syncs. With --json each has its cron form and the next five times.`,
		Example: "  rinca schedule list --json",
		Aliases: []string{"ls"},
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			var rows []rinca.Scheduled
			if err := a.get(cmd.Context(), "/v1/schedules", &rows); err != nil {
				return err
			}
			now := time.Now()
			return list(a, rows, "Nothing runs by itself.", func(t *table, x rinca.Scheduled) {
				t.add(x.Target.Kind, x.Target.Name, x.Schedule.Text, nextCell(x), ago(now, x.Last), scheduleNote(x))
			}, "KIND", "NAME", "SCHEDULE", "NEXT", "LAST", "NOTE")
		},
	}
}

func nextCell(x rinca.Scheduled) cell {
	switch {
	case x.Error != "":
		return cell{"never", red}
	case x.Schedule.Disabled:
		return cell{"off", dim}
	case len(x.Next) == 0:
		return cell{"never", yellow}
	}
	next := x.Next[0]
	if zone, err := time.LoadLocation(x.Zone); err == nil && x.Schedule.TimeZone != "" {
		next = next.In(zone) // by the clock that it was written for
	}
	if next.Second() != 0 {
		return cell{text: next.Format(dayAndTime)}
	}
	return cell{text: next.Format("Mon 2006-01-02 15:04 MST")}
}

func scheduleNote(x rinca.Scheduled) cell {
	switch {
	case x.Error != "":
		return cell{x.Error, red}
	case x.Missed > 0:
		return cell{fmt.Sprintf("%d missed: %s", x.Missed, x.Note), yellow}
	}
	return cell{text: x.Note}
}
