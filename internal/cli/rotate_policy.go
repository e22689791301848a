package cli

import (
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"rinca/internal/rinca"
)

func newRotateFreeze(a *app) *cobra.Command {
	var why string
	c := &cobra.Command{
		Use: "freeze", Short: "Let no rotation begin", Long: "Lets no rotation begin until it is lifted; one that runs goes on. Deploys by hand are not held up.",
		Example: "  rinca rotate freeze --why 'release week'", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			var p rinca.RotationPolicy
			if err := a.ask(cmd.Context(), http.MethodPost, "/v1/rotation/freeze", map[string]string{"why": why}, &p); err != nil {
				return err
			}
			return a.tell(p, "Rotations are frozen. To lift it: rinca rotate unfreeze")
		},
	}
	c.Flags().StringVar(&why, "why", "", "`REASON` that others see")
	return c
}

func newRotateUnfreeze(a *app) *cobra.Command {
	return &cobra.Command{
		Use: "unfreeze", Short: "Let rotations begin again", Example: "  rinca rotate unfreeze", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			var p rinca.RotationPolicy
			if err := a.ask(cmd.Context(), http.MethodPost, "/v1/rotation/unfreeze", nil, &p); err != nil {
				return err
			}
			return a.tell(p, "Rotations may begin again.")
		},
	}
}

func newRotateQuarantine(a *app) *cobra.Command {
	ls := &cobra.Command{
		Use: "list", Short: "List versions of items that are kept away from stacks", Example: "  rinca rotate quarantine list", Aliases: []string{"ls"}, Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			var all []rinca.Quarantine
			if err := a.get(cmd.Context(), "/v1/quarantine", &all); err != nil {
				return err
			}
			now := time.Now()
			return list(a, all, "Nothing is in quarantine.", func(t *table, q rinca.Quarantine) {
				t.add(q.Title, q.VaultName, q.Version, ago(now, q.At), q.Stack, q.Why, q.ID)
			}, "ITEM", "VAULT", "VERSION", "SINCE", "STACK", "WHY", "ID")
		},
	}
	release := &cobra.Command{
		Use: "release ITEM", Short: "Let an item's version out of quarantine", Long: "Lets the version out, by the item's title or id. The next look carries it to stacks.",
		Example: "  rinca rotate quarantine release postgres.env", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			var q rinca.Quarantine
			if err := a.ask(cmd.Context(), http.MethodPost, "/v1/quarantine/release", map[string]string{"item": args[0]}, &q); err != nil {
				return err
			}
			return a.tell(q, "Released version %d of %s.", q.Version, printable(q.Title))
		},
	}
	return a.remoteGroup(&cobra.Command{
		Use: "quarantine", Short: "See and release what is kept away because stacks failed with it",
		Long: `A version of an item that made a stack fail stays in quarantine: no export writes
it, and files stay as they are. A newer version is carried as ever.`,
		Example: "  rinca rotate quarantine list",
	}, ls, release)
}

func newRotatePolicy(a *app) *cobra.Command {
	c := a.remoteGroup(&cobra.Command{
		Use: "policy", Short: "See and set when changes are looked for and carried", Example: "  rinca rotate policy\n  rinca rotate policy set --interval 5m --at-once 2",
	}, newRotatePolicySet(a))
	c.RunE = func(cmd *cobra.Command, _ []string) error {
		var p rinca.RotationPolicy
		if err := a.get(cmd.Context(), "/v1/rotation/policy", &p); err != nil {
			return err
		}
		return a.tellPolicy(p)
	}
	return c
}

func (a *app) tellPolicy(p rinca.RotationPolicy) error {
	if a.json {
		return encodeJSON(a.Stdout, p)
	}
	looks := "every " + p.Every().String() + ", or less often where the budget of the vault is small"
	if p.Schedule.IsSet() {
		looks = scheduleText(p.Schedule)
	}
	if p.Off {
		looks = "never; rotations are started by hand"
	}
	windows := "any time"
	if len(p.Windows) > 0 {
		var parts []string
		for _, w := range p.Windows {
			parts = append(parts, w.String())
		}
		windows = strings.Join(parts, "; ")
	}
	approve := "no"
	if p.Approve {
		approve = "yes"
	}
	frozen := "no"
	if p.Frozen {
		frozen = fmt.Sprintf("since %s by %s", p.FrozenAt.Format(time.RFC3339), p.FrozenBy)
		if p.FrozenWhy != "" {
			frozen += ": " + p.FrozenWhy
		}
	}
	if a.quiet {
		return nil
	}
	a.printFacts([]fact{
		{"Looks for changes", looks},
		{"Collects changes for", p.Collects().String()},
		{"Begins", windows},
		{"Waits for approval", approve},
		{"Services at once", fmt.Sprint(p.Most())},
		{"Frozen", frozen},
	})
	return nil
}

func newRotatePolicySet(a *app) *cobra.Command {
	var interval, batch time.Duration
	var windows []string
	var schedule, zone string
	var approve, off bool
	var atOnce int
	c := &cobra.Command{
		Use: "set", Short: "Set the policy; what is not given stays",
		Example: `  rinca rotate policy set --interval 5m
  rinca rotate policy set --schedule 'Every hour' --timezone Europe/Berlin
  rinca rotate policy set --window 'mon-fri 22:00-05:00' --window 'sat,sun 00:00-24:00'
  rinca rotate policy set --window none --approve=false`,
		Args: cobra.NoArgs,
	}
	fl := c.Flags()
	fl.DurationVar(&interval, "interval", 0, "look for changes this often; 0 means every minute")
	fl.StringVar(&schedule, "schedule", "", "look at the times of this `SCHEDULE` instead; none goes back to the interval")
	fl.StringVar(&zone, "timezone", "", "`ZONE` of the schedule")
	fl.DurationVar(&batch, "batch", 0, "collect changes for this long before a run; 0 means 60s")
	fl.StringArrayVar(&windows, "window", nil, "begin only in this `WINDOW`, such as 'mon-fri 22:00-05:00'; may be given again; none for any time")
	fl.BoolVar(&approve, "approve", false, "a run waits until somebody approves it")
	fl.IntVar(&atOnce, "at-once", 0, "replace at most this `NUMBER` of services at once; 0 means 4")
	fl.BoolVar(&off, "off", false, "look for nothing: rotations are started by hand")
	c.RunE = func(cmd *cobra.Command, _ []string) error {
		var p rinca.RotationPolicy
		if err := a.get(cmd.Context(), "/v1/rotation/policy", &p); err != nil {
			return err
		}
		set := func(name string) bool { return cmd.Flags().Changed(name) }
		if set("interval") {
			p.Interval = rinca.Duration(interval)
		}
		if set("batch") {
			p.Batch = rinca.Duration(batch)
		}
		if set("approve") {
			p.Approve = approve
		}
		if set("off") {
			p.Off = off
		}
		if set("at-once") {
			p.AtOnce = atOnce
		}
		if set("schedule") {
			p.Schedule = rinca.Schedule{}
			if schedule != "none" {
				p.Schedule.Text = schedule
			}
		}
		if set("timezone") {
			p.Schedule.TimeZone = zone
		}
		if set("window") {
			p.Windows = nil
			for _, text := range windows {
				if text == "none" {
					continue
				}
				w, err := rinca.ParseWindow(text)
				if err != nil {
					return err
				}
				p.Windows = append(p.Windows, w)
			}
		}
		if err := a.ask(cmd.Context(), http.MethodPut, "/v1/rotation/policy", p, &p); err != nil {
			return err
		}
		return a.tellPolicy(p)
	}
	return c
}
