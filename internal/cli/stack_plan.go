package cli

import (
	"context"
	"fmt"
	"net/http"
	"strings"

	"github.com/spf13/cobra"

	"rinca/internal/rinca"
)

func newStackPlan(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "plan NAME...",
		Short: "Say what a deploy would change, and why",
		Long: `Says for each service whether a deploy would create, recreate or leave it, and
why: names of what changed, never values. It changes nothing. Exit status 2
when something would change.`,
		Example: `  rinca stack plan authentik
  rinca stack plan authentik --json | jq -r '.services[] | select(.change != "keep") | .service'`,
		Args: cobra.MinimumNArgs(1), ValidArgsFunction: a.completeNames("/v1/stacks", true),
		RunE: func(cmd *cobra.Command, args []string) error { return a.stackPlan(cmd.Context(), args) },
	}
}

func (a *app) stackPlan(ctx context.Context, names []string) error {
	changes := false
	for i, name := range names {
		var p rinca.Plan
		if err := a.ask(ctx, http.MethodPost, stackPath(name, "plan"), nil, &p); err != nil {
			return err
		}
		changes = changes || p.Changes()
		if a.json {
			doc := struct {
				Stack string `json:"stack"`
				rinca.Plan
			}{name, p}
			if err := encodeJSON(a.Stdout, doc); err != nil {
				return err
			}
			continue
		}
		if a.quiet {
			continue
		}
		if len(names) > 1 {
			if i > 0 {
				fmt.Fprintln(a.Stdout)
			}
			fmt.Fprintf(a.Stdout, "Stack %s\n", printable(name))
		}
		color := a.colorful(a.Stdout)
		for _, l := range planLines(p, color, true) {
			fmt.Fprintln(a.Stdout, l)
		}
		fmt.Fprintln(a.Stdout, planSummary(p))
	}
	if changes {
		return rinca.Errorf(rinca.Changes, "a deploy would change something")
	}
	return nil
}

// changeMark is how a change looks in a plan.
func changeMark(c rinca.Change) (string, style) {
	switch c {
	case rinca.Create:
		return "+", green
	case rinca.Recreate:
		return "~", yellow
	case rinca.Remove:
		return "-", red
	case rinca.Start:
		return "▸", cyan
	}
	return "=", dim
}

// planLines draws a plan, one line for each service; those that are left
// alone only when all is wanted.
func planLines(p rinca.Plan, color, all bool) []string {
	wide := 0
	for _, s := range p.Services {
		if all || s.Change != rinca.Keep {
			wide = max(wide, len(printable(s.Service)))
		}
	}
	var out []string
	for _, s := range p.Services {
		if s.Change == rinca.Keep && !all {
			continue
		}
		mark, st := changeMark(s.Change)
		line := fmt.Sprintf("%s %-*s", paint(color, st, fmt.Sprintf("%s %-8s", mark, s.Change)), wide, printable(s.Service))
		if why := reasons(s.Reasons); why != "" {
			line += "  " + why
		}
		out = append(out, strings.TrimRight(line, " "))
	}
	for _, r := range p.Resources {
		out = append(out, paint(color, green, "+ create  ")+" "+printable(r))
	}
	return out
}

// reasonWords are the kinds of reasons in words.
func reasonWord(kind string) string {
	switch kind {
	case "env_file":
		return "env file"
	case "config_file":
		return "config file"
	case "again":
		return "runs at each deploy"
	case "gone":
		return "in no file any more"
	}
	return kind
}

func reasons(list []rinca.Reason) string {
	var parts []string
	for _, r := range list {
		text := reasonWord(printable(r.Kind))
		if len(r.Names) > 0 {
			text += " " + printable(strings.Join(r.Names, ", "))
		}
		parts = append(parts, text)
	}
	return strings.Join(parts, "; ")
}

// planSummary is the last line of a plan: "1 to create, 2 unchanged".
func planSummary(p rinca.Plan) string {
	count := map[rinca.Change]int{}
	for _, s := range p.Services {
		count[s.Change]++
	}
	var parts []string
	for _, c := range []struct {
		change rinca.Change
		word   string
	}{{rinca.Create, "to create"}, {rinca.Recreate, "to recreate"}, {rinca.Start, "to start"}, {rinca.Remove, "to remove"}, {rinca.Keep, "unchanged"}} {
		if n := count[c.change]; n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n, c.word))
		}
	}
	if len(parts) == 0 {
		return "No services."
	}
	return strings.Join(parts, ", ")
}
