package cli

import (
	"context"
	"fmt"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"rinca/internal/rinca"
)

// driftFlags are the flags of rinca drift.
type driftFlags struct {
	deep, repair, last, all bool
	schedule, zone          string
	run                     runningFlags
}

func newDrift(a *app) *cobra.Command {
	var f driftFlags
	c := &cobra.Command{
		Use:   "drift [STACK...]",
		Short: "Prove that what runs has the values of the vault",
		Long: `Compares every value of stacks in three places, by keyed digests: in the vault,
in the exported file, and in the running container.

  proven   the same everywhere
  stale    the file or the container has an older value
  edited   somebody changed the file or the container by hand
  held     the vault has a newer value that is kept back on purpose
  unknown  the vault, the server or the container could not be asked

It changes nothing, unless --repair exports and deploys what differs, with the
source that was deployed before. Containers are judged by the digests that they
were made with; --deep reads their real environment and files through the
engine. No value leaves the server.

Exit status 0 when all is proven, 2 when something is stale or edited, and 1
when something is unknown.`,
		Example: `  rinca drift
  rinca drift authentik --deep
  rinca drift --repair
  rinca drift --schedule 'Every day at 04:10'
  rinca drift --json | jq -r '.stacks[] | select(.state != "proven") | .stack'`,
		ValidArgsFunction: a.completeNames("/v1/stacks", true),
		RunE:              func(cmd *cobra.Command, args []string) error { return a.drift(cmd.Context(), f, args) },
	}
	fl := c.Flags()
	fl.BoolVar(&f.deep, "deep", false, "read what is in containers, in place of their labels")
	fl.BoolVar(&f.repair, "repair", false, "export and deploy what differs")
	fl.BoolVar(&f.last, "last", false, "show what the last check found, and look at nothing")
	fl.BoolVarP(&f.all, "all", "a", false, "show what is proven, too")
	fl.StringVar(&f.schedule, "schedule", "", "from now on, check at these `TIMES`, and the ages of secrets too; off ends that")
	fl.StringVar(&f.zone, "timezone", "", "`ZONE` of --schedule, such as Europe/Berlin")
	f.run.define(c)
	c.MarkFlagsMutuallyExclusive("last", "deep")
	c.MarkFlagsMutuallyExclusive("schedule", "repair", "last")
	return a.remoteFlags(c)
}

func (a *app) drift(ctx context.Context, f driftFlags, stacks []string) error {
	if f.schedule != "" || f.zone != "" {
		return a.scheduleDrift(ctx, f, stacks)
	}
	var report rinca.DriftReport
	var err error
	if f.last {
		err = a.get(ctx, "/v1/drift", &report)
		report.Stacks = slices.DeleteFunc(report.Stacks, func(s rinca.StackDrift) bool { return len(stacks) > 0 && !slices.Contains(stacks, s.Stack) })
		report.Count()
	} else {
		err = a.ask(ctx, http.MethodPost, "/v1/drift", map[string]any{"stacks": stacks, "deep": f.deep}, &report)
	}
	if err != nil {
		return err
	}
	if f.repair {
		return a.repair(ctx, f, report)
	}
	if a.json {
		err = encodeJSON(a.Stdout, report)
	} else if !a.quiet {
		err = a.printDrift(report, f.all)
	}
	if err != nil {
		return err
	}
	return driftError(report)
}

// driftError is what the exit status tells of a report.
func driftError(r rinca.DriftReport) error {
	if n := r.Counts[rinca.DriftStale] + r.Counts[rinca.DriftEdited]; n > 0 {
		return rinca.Errorf(rinca.Changes, "%s not what the vault says", nAre(n, "value")).Try("rinca drift --repair")
	}
	if n := r.Counts[rinca.DriftUnknown]; n > 0 {
		return rinca.Errorf(rinca.Partial, "%s not proven", nAre(n, "value"))
	}
	n := 0
	for _, s := range r.Stacks {
		if s.State == rinca.DriftUnknown && !s.Idle {
			n++
		}
	}
	if n > 0 {
		return rinca.Errorf(rinca.Partial, "%s not proven", nAre(n, "stack"))
	}
	return nil
}

func nAre(n int, what string) string {
	if n == 1 {
		return "1 " + what + " is"
	}
	return fmt.Sprintf("%d %ss are", n, what)
}

func driftCell(s rinca.DriftState) cell {
	switch s {
	case rinca.DriftProven:
		return cell{string(s), green}
	case rinca.DriftHeld:
		return cell{string(s), cyan}
	case rinca.DriftUnknown:
		return cell{string(s), yellow}
	}
	return cell{string(s), red}
}

func (a *app) printDrift(r rinca.DriftReport, all bool) error {
	for _, n := range r.Notes {
		fmt.Fprintf(a.Stderr, "Note: %s\n", safeLines(n))
	}
	if len(r.Stacks) == 0 {
		fmt.Fprintln(a.Stderr, "There are no stacks to look at. Try: rinca stack create NAME")
		return nil
	}
	now := time.Now()
	t := newTable("STACK", "STATE", "SINCE", "PROVEN", "VALUE", "WHY")
	for _, s := range r.Stacks {
		since := ""
		if !s.Since.IsZero() {
			since = ago(now, s.Since)
		}
		t.add(s.Stack, driftCell(s.State), since, fmt.Sprintf("%d of %d", s.Proven, len(s.Keys)), "", s.Why)
		for _, k := range s.Keys {
			if k.State == rinca.DriftProven && !all {
				continue
			}
			since := ""
			if !k.Since.IsZero() {
				since = ago(now, k.Since)
			}
			t.add("", driftCell(k.State), since, " ", keyName(k), k.Why)
		}
	}
	if err := t.print(a); err != nil {
		return err
	}
	fmt.Fprintln(a.Stdout, driftCounts(r))
	return nil
}

// keyName says which value is meant: "server DB_PASSWORD (authentik.env)".
func keyName(k rinca.DriftKey) string {
	name := k.Key
	if k.Service != "" {
		name = k.Service + " " + name
	}
	file := filepath.Base(k.File)
	switch {
	case k.File == "" || k.Key == file:
		if k.Via == "environment" {
			return name
		}
		return name + " (" + k.Via + ")"
	case k.Key == "":
		return strings.TrimSpace(name + file)
	}
	return name + " (" + file + ")"
}

func driftCounts(r rinca.DriftReport) string {
	var parts []string
	for _, s := range []struct {
		state rinca.DriftState
		word  string
	}{
		{rinca.DriftProven, "proven"},
		{rinca.DriftStale, "stale"},
		{rinca.DriftEdited, "edited by hand"},
		{rinca.DriftHeld, "held"},
		{rinca.DriftUnknown, "unknown"},
	} {
		if n := r.Counts[s.state]; n > 0 || s.state == rinca.DriftProven {
			parts = append(parts, fmt.Sprintf("%d %s", n, s.word))
		}
	}
	return strings.Join(parts, ", ")
}

// repair exports and deploys what differs, and shows that until it ends.
func (a *app) repair(ctx context.Context, f driftFlags, r rinca.DriftReport) error {
	first, second := repairs(r)
	if len(first)+len(second) == 0 {
		if a.json {
			return encodeJSON(a.Stdout, r)
		}
		if !a.quiet {
			fmt.Fprintln(a.Stdout, "There is nothing to repair: "+driftCounts(r))
		}
		if r.Counts[rinca.DriftUnknown] > 0 {
			return driftError(rinca.DriftReport{Counts: map[rinca.DriftState]int{rinca.DriftUnknown: r.Counts[rinca.DriftUnknown]}})
		}
		return nil
	}
	for _, runs := range [][]rinca.Execution{first, second} {
		if len(runs) == 0 {
			continue
		}
		if err := a.execute(ctx, f.run, runs...); err != nil {
			return err
		}
	}
	return nil
}

// repairs lists the executions that bring back what differs: first deploys of
// what an export or a label tells, and then those that have to be forced.
func repairs(r rinca.DriftReport) (first, second []rinca.Execution) {
	var deploys, exports []string
	for _, s := range r.Stacks {
		services := map[string]bool{}
		deploy, export := false, false
		for _, k := range s.Keys {
			switch k.Mend {
			case "recreate":
				services[k.Service] = true
			case "deploy":
				deploy = true
			case "export":
				export = true
			}
		}
		switch {
		case deploy, export && s.Why == "":
			deploys = append(deploys, s.Stack)
		case export:
			exports = append(exports, s.Stack)
		}
		if len(services) > 0 {
			var names []string
			for name := range services {
				names = append(names, name)
			}
			slices.Sort(names)
			second = append(second, execution("DeployStack", map[string]any{"stack": s.Stack, "services": names, "force": true, "as_deployed": true}))
		}
	}
	// The runner deploys each when those that it comes after are done.
	for _, s := range deploys {
		first = append(first, execution("DeployStack", map[string]any{"stack": s, "as_deployed": true}))
	}
	for _, s := range exports {
		first = append(first, execution("ExportSecrets", map[string]any{"stack": s}))
	}
	return first, second
}

// scheduleDrift says when the server checks by itself.
func (a *app) scheduleDrift(ctx context.Context, f driftFlags, stacks []string) error {
	switch {
	case len(stacks) > 0:
		return rinca.Errorf(rinca.Usage, "--schedule is about all stacks")
	case f.schedule == "":
		return rinca.Errorf(rinca.Usage, "--timezone belongs to --schedule").Try("rinca drift --schedule 'Every day at 04:10' --timezone Europe/Berlin")
	}
	p := rinca.DriftPolicy{Deep: f.deep}
	if f.schedule != "off" {
		p.Schedule = rinca.Schedule{Text: f.schedule, TimeZone: f.zone}
	}
	if err := a.ask(ctx, http.MethodPut, "/v1/drift/policy", p, &p); err != nil {
		return err
	}
	if !p.Schedule.IsSet() {
		return a.tell(p, "Drift is not checked by itself any more.")
	}
	return a.tell(p, "Drift is checked by itself: %s.", printable(p.Schedule.Text))
}
