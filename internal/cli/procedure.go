package cli

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"rinca/internal/client"
	"rinca/internal/rinca"
)

func newProcedure(a *app) *cobra.Command {
	return a.remoteGroup(&cobra.Command{
		Use:   "procedure",
		Short: "Run several executions in stages",
		Long: `A procedure is stages of executions: the stages one after another, the executions
of a stage at once. Who may run it needs no rights on what it does; who saves it
needs all of them.`,
		Example: `  rinca procedure set nightly --file nightly.toml
  rinca procedure set nightly --schedule 'Every day at 02:00' --timezone Europe/Berlin
  rinca procedure run nightly
  rinca procedure history nightly`,
	}, newProcedureList(a), newProcedureShow(a), newProcedureSet(a), newProcedureRun(a), newProcedureHistory(a), newProcedureDelete(a))
}

func procedurePath(name string) string { return client.Path("v1", "procedures", name) }

func newProcedureList(a *app) *cobra.Command {
	return &cobra.Command{
		Use:     "list",
		Short:   "List the procedures",
		Example: "  rinca procedure list",
		Aliases: []string{"ls"},
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			var all []rinca.Procedure
			if err := a.get(cmd.Context(), "/v1/procedures", &all); err != nil {
				return err
			}
			return list(a, all, "There are no procedures. Make one: rinca procedure set NAME --file FILE", func(t *table, p rinca.Procedure) {
				t.add(p.Name, len(p.Stages), executionsOf(&p), scheduleText(p.Schedule), strings.Join(p.Tags, ", "), p.Description)
			}, "NAME", "STAGES", "EXECUTIONS", "SCHEDULE", "TAGS", "DESCRIPTION")
		},
	}
}

func executionsOf(p *rinca.Procedure) int {
	n := 0
	for _, s := range p.Stages {
		n += len(s.Executions)
	}
	return n
}

func scheduleText(s rinca.Schedule) string {
	text := s.Text
	if s.TimeZone != "" && text != "" {
		text += " (" + s.TimeZone + ")"
	}
	if s.Disabled && text != "" {
		text += ", disabled"
	}
	return text
}

func newProcedureShow(a *app) *cobra.Command {
	return &cobra.Command{
		Use:     "show NAME",
		Short:   "Show a procedure: its stages and what runs in them",
		Example: "  rinca procedure show nightly\n  rinca procedure show nightly --json > nightly.json",
		Args:    cobra.ExactArgs(1), ValidArgsFunction: a.completeNames("/v1/procedures", false),
		RunE: func(cmd *cobra.Command, args []string) error {
			var p rinca.Procedure
			if err := a.get(cmd.Context(), procedurePath(args[0]), &p); err != nil {
				return err
			}
			if a.json {
				return encodeJSON(a.Stdout, p)
			}
			a.printProcedure(&p)
			return nil
		},
	}
}

func (a *app) printProcedure(p *rinca.Procedure) {
	facts := []fact{
		{"Procedure", p.Name},
		{"Description", p.Description},
		{"Tags", strings.Join(p.Tags, ", ")},
		{"Schedule", scheduleText(p.Schedule)},
		{"Webhook path", p.Webhook.Path},
		{"Changed", changed(p.UpdatedAt, p.UpdatedBy)},
	}
	if p.Timeout > 0 {
		facts = append(facts, fact{"Timeout", time.Duration(p.Timeout).String()})
	}
	for _, v := range p.Parameters {
		text := v.Name
		switch {
		case v.Required:
			text += ", required"
		case v.Default != "":
			text += " = " + v.Default
		}
		if v.Description != "" {
			text += ": " + v.Description
		}
		facts = append(facts, fact{"Parameter", text})
	}
	a.printFacts(facts)
	for i, s := range p.Stages {
		a.printStage(i, &s)
	}
}

func (a *app) printStage(i int, s *rinca.ProcedureStage) {
	var notes []string
	if s.Disabled {
		notes = append(notes, "disabled")
	}
	if s.OnFailure == rinca.Continue {
		notes = append(notes, "goes on after a failure")
	}
	if s.Timeout > 0 {
		notes = append(notes, "within "+time.Duration(s.Timeout).String())
	}
	if s.AtOnce > 0 {
		notes = append(notes, fmt.Sprintf("%d at once", s.AtOnce))
	}
	fmt.Fprintf(a.Stdout, "\n%d. %s%s\n", i+1, printable(s.Name), inBrackets(notes))
	for _, e := range s.Executions {
		notes = nil
		if e.Disabled {
			notes = append(notes, "disabled")
		}
		if e.Timeout > 0 {
			notes = append(notes, "within "+time.Duration(e.Timeout).String())
		}
		if e.Retries > 0 {
			notes = append(notes, fmt.Sprintf("retried up to %d times", e.Retries))
		}
		fmt.Fprintf(a.Stdout, "   %s %s%s\n", printable(e.Execution.Kind), printable(string(e.Execution.Params)), inBrackets(notes))
	}
}

func inBrackets(notes []string) string {
	if len(notes) == 0 {
		return ""
	}
	return " (" + strings.Join(notes, ", ") + ")"
}

func newProcedureRun(a *app) *cobra.Command {
	var run runningFlags
	var params []string
	c := &cobra.Command{
		Use:   "run NAME",
		Short: "Run a procedure",
		Long: `Runs a procedure, and shows each stage while it runs. Ctrl-C asks the server to
cancel what runs, and no further stage begins; a second one leaves at once.`,
		Example: `  rinca procedure run nightly
  rinca procedure run update --param STACK=web -d`,
		Args: cobra.ExactArgs(1), ValidArgsFunction: a.completeNames("/v1/procedures", false),
		RunE: func(cmd *cobra.Command, args []string) error {
			values := map[string]string{}
			for _, p := range params {
				name, value, ok := strings.Cut(p, "=")
				if !ok || name == "" {
					return rinca.Errorf(rinca.Usage, "--param takes NAME=VALUE, not %q", printable(p))
				}
				values[name] = value
			}
			in := map[string]any{"procedure": args[0]}
			if len(values) > 0 {
				in["params"] = values
			}
			return a.execute(cmd.Context(), run, execution("RunProcedure", in))
		},
	}
	c.Flags().StringArrayVar(&params, "param", nil, "`NAME=VALUE` of a parameter; may be given again")
	run.define(c)
	return c
}

func newProcedureHistory(a *app) *cobra.Command {
	var limit int
	c := &cobra.Command{
		Use:     "history NAME",
		Short:   "List the runs of a procedure, the newest first",
		Example: "  rinca procedure history nightly",
		Args:    cobra.ExactArgs(1), ValidArgsFunction: a.completeNames("/v1/procedures", false),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.procedureHistory(cmd.Context(), args[0], limit)
		},
	}
	c.Flags().IntVarP(&limit, "limit", "n", 20, "at most this `NUMBER`")
	return c
}

func (a *app) procedureHistory(ctx context.Context, name string, limit int) error {
	updates, err := a.updates(ctx, url.Values{"procedure": {name}}, limit)
	if err != nil {
		return err
	}
	if len(updates) == 0 {
		if err := a.get(ctx, procedurePath(name), &struct{}{}); err != nil {
			return err
		}
	}
	now := time.Now()
	return list(a, updates, "It never ran.", func(t *table, u rinca.Update) {
		cause := u.Cause
		if cause == "" {
			cause = u.Operator
		}
		t.add(u.ID, ago(now, u.CreatedAt), updateCell(u.State), cause, updateSummary(u))
	}, "ID", "WHEN", "STATE", "BECAUSE OF", "SUMMARY")
}

func newProcedureDelete(a *app) *cobra.Command {
	var yes bool
	c := &cobra.Command{
		Use:     "delete NAME",
		Short:   "Remove a procedure",
		Long:    "Removes a procedure that no other one calls. A run of it goes on, and its history stays.",
		Example: "  rinca procedure delete nightly --yes",
		Args:    cobra.ExactArgs(1), ValidArgsFunction: a.completeNames("/v1/procedures", false),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := a.confirm(cmd.Context(), yes, "Remove the procedure "+printable(args[0])+"?"); err != nil {
				return err
			}
			if err := a.ask(cmd.Context(), http.MethodDelete, procedurePath(args[0]), nil, nil); err != nil {
				return err
			}
			return a.tell(map[string]string{"deleted": args[0]}, "Removed the procedure %s.", printable(args[0]))
		},
	}
	c.Flags().BoolVarP(&yes, "yes", "y", false, "do not ask")
	return c
}
