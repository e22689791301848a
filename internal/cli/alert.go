package cli

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"rinca/internal/client"
	"rinca/internal/rinca"
)

func newAlert(a *app) *cobra.Command {
	return a.remoteGroup(&cobra.Command{
		Use:   "alert",
		Short: "Look at what is wrong, and send messages",
		Example: `  rinca alert list --open
  rinca alert show ID
  rinca alert send "the backup begins" --level WARNING`,
	}, newAlertList(a), newAlertShow(a), newAlertClose(a), newAlertSend(a))
}

func alertPath(id string, more ...string) string {
	return client.Path(append([]string{"v1", "alerts", id}, more...)...)
}

func newAlertList(a *app) *cobra.Command {
	var open bool
	var typ string
	var limit int
	c := &cobra.Command{
		Use:   "list",
		Short: "List alerts, the newest first",
		Example: `  rinca alert list --open
  rinca alert list --type StackDeployFailed --json`,
		Aliases: []string{"ls"},
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if limit < 1 {
				return rinca.Errorf(rinca.Usage, "--limit begins at 1")
			}
			return a.alertList(cmd.Context(), url.Values{"open": {strconv.FormatBool(open)}, "type": {typ}}, limit)
		},
	}
	fl := c.Flags()
	fl.BoolVar(&open, "open", false, "only those that are not resolved")
	fl.StringVar(&typ, "type", "", "only those of this `TYPE`")
	fl.IntVarP(&limit, "limit", "n", 20, "at most this `NUMBER`")
	_ = c.RegisterFlagCompletionFunc("type", cobra.FixedCompletions(rinca.AlertTypes(), cobra.ShellCompDirectiveNoFileComp))
	return c
}

func (a *app) alertList(ctx context.Context, q url.Values, limit int) error {
	const most = 500
	var all []rinca.Alert
	for len(all) < limit {
		n := min(limit-len(all), most)
		q.Set("limit", strconv.Itoa(n))
		var page []rinca.Alert
		if err := a.get(ctx, "/v1/alerts?"+q.Encode(), &page); err != nil {
			return err
		}
		all = append(all, page...)
		if len(page) < n {
			break
		}
		q.Set("before", page[len(page)-1].ID)
	}
	now := time.Now()
	return list(a, all, "There are no alerts.", func(t *table, x rinca.Alert) {
		t.add(x.ID, ago(now, x.At), levelCell(x.Level), alertState(x), x.Type, x.Target.Name, x.Message)
	}, "ID", "WHEN", "LEVEL", "STATE", "TYPE", "ABOUT", "MESSAGE")
}

func levelCell(l rinca.AlertLevel) cell {
	switch l {
	case rinca.AlertCritical:
		return cell{string(l), red}
	case rinca.AlertWarning:
		return cell{string(l), yellow}
	}
	return cell{string(l), green}
}

func alertState(x rinca.Alert) cell {
	switch {
	case x.Once:
		return cell{"told", dim}
	case x.Resolved:
		return cell{"resolved", green}
	}
	return cell{"open", red}
}

func newAlertShow(a *app) *cobra.Command {
	return &cobra.Command{
		Use:     "show ID",
		Short:   "Show an alert, and what became of sending it",
		Example: "  rinca alert show 01m8betp0fa4x4eht177vzzpmy",
		Args:    cobra.ExactArgs(1), ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(cmd *cobra.Command, args []string) error {
			var doc struct {
				rinca.Alert
				Sendings []rinca.AlertSending `json:"sendings"`
			}
			if err := a.get(cmd.Context(), alertPath(args[0]), &doc); err != nil {
				return err
			}
			if a.json {
				return encodeJSON(a.Stdout, doc)
			}
			for i := range doc.Sendings { // of one alert, which the list need not repeat
				doc.Sendings[i].Alert = doc.Alert
			}
			if err := a.printAlert(doc.Alert); err != nil {
				return err
			}
			return a.printSendings(doc.Sendings)
		},
	}
}

func (a *app) printAlert(x rinca.Alert) error {
	on := a.colorful(a.Stdout)
	var b strings.Builder
	state, level := alertState(x), levelCell(x.Level)
	fmt.Fprintf(&b, "%s  %s  %s: %s\n", paint(on, level.style, level.text), paint(on, state.style, state.text), printable(x.Target.String()), printable(x.Type))
	for _, line := range append(strings.Split(x.Message, "\n"), strings.Split(x.Details, "\n")...) {
		if line != "" {
			fmt.Fprintf(&b, "  %s\n", printable(line))
		}
	}
	for _, line := range x.Lines {
		fmt.Fprintf(&b, "  │ %s\n", printable(line))
	}
	if x.Hint != "" {
		fmt.Fprintf(&b, "Try: %s\n", printable(x.Hint))
	}
	fmt.Fprintf(&b, "Raised %s", x.At.Local().Format(time.DateTime))
	if x.Count > 1 {
		fmt.Fprintf(&b, ", %d times until %s", x.Count, x.LastAt.Local().Format(time.DateTime))
	}
	if x.Resolved {
		fmt.Fprintf(&b, "; resolved %s", x.ResolvedAt.Local().Format(time.DateTime))
	}
	if x.ClosedBy != "" {
		fmt.Fprintf(&b, " by %s", printable(x.ClosedBy))
	}
	b.WriteString("\n")
	if x.Update != "" {
		fmt.Fprintf(&b, "Update: rinca update show %s\n", printable(x.Update))
	}
	if _, err := fmt.Fprint(a.Stdout, b.String()); err != nil {
		return rinca.Errorf(rinca.Destination, "write to standard output: %w", err)
	}
	return nil
}

func newAlertClose(a *app) *cobra.Command {
	return &cobra.Command{
		Use:     "close ID...",
		Short:   "Resolve alerts by hand",
		Long:    "Resolves alerts. What is still wrong raises them again.",
		Example: "  rinca alert close 01m8betp0fa4x4eht177vzzpmy",
		Args:    cobra.MinimumNArgs(1), ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(cmd *cobra.Command, args []string) error {
			closed := []rinca.Alert{}
			for _, id := range args {
				var x rinca.Alert
				if err := a.ask(cmd.Context(), http.MethodPost, alertPath(id, "close"), nil, &x); err != nil {
					return err
				}
				closed = append(closed, x)
			}
			return a.tell(closed, "Closed %d.", len(closed))
		},
	}
}

func newAlertSend(a *app) *cobra.Command {
	var run runningFlags
	var level, details string
	var alerters []string
	c := &cobra.Command{
		Use:   "send MESSAGE",
		Short: "Send a message to alerters",
		Long:  "Sends a message, as the execution SendAlert does. The level is OK when none is given.",
		Example: `  rinca alert send "maintenance begins" --level WARNING
  rinca alert send "done" --to ops --details "3 stacks were moved"`,
		Args: cobra.ExactArgs(1), ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(cmd *cobra.Command, args []string) error {
			params := map[string]any{"message": args[0]}
			if level != "" {
				params["level"] = level
			}
			if details != "" {
				params["details"] = details
			}
			if len(alerters) > 0 {
				params["alerters"] = alerters
			}
			return a.execute(cmd.Context(), run, execution("SendAlert", params))
		},
	}
	fl := c.Flags()
	fl.StringVar(&level, "level", "", "`LEVEL`: OK, WARNING or CRITICAL")
	fl.StringVar(&details, "details", "", "`TEXT` below the message")
	fl.StringSliceVar(&alerters, "to", nil, "`NAME` of the alerter, whatever its filters; may be repeated")
	run.define(c)
	a.flagNames(c, "to", "/v1/alerters")
	return c
}
