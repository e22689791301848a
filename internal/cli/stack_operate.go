package cli

import (
	"context"
	"net/http"
	"time"

	"github.com/spf13/cobra"

	"rinca/internal/rinca"
)

// An operation is a command that does one thing to the containers of a stack.
type operation struct {
	verb, kind, short, long string
	timeout                 bool // it takes one
}

func newStackStart(a *app) *cobra.Command {
	return a.operation(operation{
		verb: "start", kind: "StartStack", short: "Start the containers of a stack",
		long: "Starts containers that exist. It does not look at the source; a deploy does.",
	})
}

func newStackStop(a *app) *cobra.Command {
	return a.operation(operation{verb: "stop", kind: "StopStack", timeout: true, short: "Stop the containers of a stack", long: "Stops containers and keeps them."})
}

func newStackRestart(a *app) *cobra.Command {
	return a.operation(operation{
		verb: "restart", kind: "RestartStack", timeout: true, short: "Restart the containers of a stack",
		long: "Restarts containers as they are. A changed secret or source needs a deploy.",
	})
}

func newStackPull(a *app) *cobra.Command {
	return a.operation(operation{verb: "pull", kind: "PullStack", short: "Pull the images of a stack", long: "Fetches images and changes no container. The next deploy uses them."})
}

func (a *app) operation(o operation) *cobra.Command {
	var run runningFlags
	var timeout time.Duration
	c := &cobra.Command{
		Use: o.verb + " NAME [SERVICE...]", Short: o.short, Long: o.long, Args: cobra.MinimumNArgs(1),
		Example:           "  rinca stack " + o.verb + " authentik\n  rinca stack " + o.verb + " authentik worker -d",
		ValidArgsFunction: a.completeServices,
		RunE: func(cmd *cobra.Command, args []string) error {
			params := map[string]any{"stack": args[0], "services": args[1:]}
			if timeout < 0 {
				return rinca.Errorf(rinca.Usage, "--timeout is below zero")
			}
			if timeout > 0 {
				params["timeout"] = timeout.String()
			}
			return a.execute(cmd.Context(), run, execution(o.kind, params))
		},
	}
	if o.timeout {
		c.Flags().DurationVar(&timeout, "timeout", 0, "`TIME` before a container is killed (its own when not given)")
	}
	run.define(c)
	return c
}

// completeServices offers stacks, and after one its services.
func (a *app) completeServices(cmd *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
	if len(args) == 0 {
		return a.names(cmd.Context(), "/v1/stacks", nil), cobra.ShellCompDirectiveNoFileComp
	}
	ctx, cancel := context.WithTimeout(cmd.Context(), completeWithin)
	defer cancel()
	var s rinca.StackState
	if a.get(ctx, stackPath(args[0], "state"), &s) != nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	seen := map[string]bool{}
	for _, name := range args[1:] {
		seen[name] = true
	}
	var names []string
	for _, c := range s.Services {
		if !seen[c.Service] {
			seen[c.Service] = true
			names = append(names, printable(c.Service))
		}
	}
	return names, cobra.ShellCompDirectiveNoFileComp
}

func newStackDestroy(a *app) *cobra.Command {
	var run runningFlags
	var volumes, yes bool
	c := &cobra.Command{
		Use:   "destroy NAME",
		Short: "Remove the containers and networks of a stack",
		Long: `Removes containers and networks. Volumes stay unless --volumes is given; the
stack itself stays, and can be deployed again. Asks before on a terminal, and
needs --yes otherwise.`,
		Example: `  rinca stack destroy wiki
  rinca stack destroy wiki --volumes --yes`,
		Args: cobra.ExactArgs(1), ValidArgsFunction: a.completeNames("/v1/stacks", false),
		RunE: func(cmd *cobra.Command, args []string) error {
			question := "Remove the containers and networks of " + printable(args[0]) + "?"
			if volumes {
				question = "Remove the containers, networks and volumes of " + printable(args[0]) + ", and all data in them?"
			}
			if err := a.confirm(cmd.Context(), yes, question); err != nil {
				return err
			}
			return a.execute(cmd.Context(), run, destroyStack(args[0], volumes))
		},
	}
	c.Flags().BoolVar(&volumes, "volumes", false, "remove volumes too, and the data in them")
	c.Flags().BoolVarP(&yes, "yes", "y", false, "do not ask")
	run.define(c)
	return c
}

func destroyStack(name string, volumes bool) rinca.Execution {
	return execution("DestroyStack", map[string]any{"stack": name, "volumes": volumes})
}

func newStackDelete(a *app) *cobra.Command {
	var destroy, leave, yes bool
	c := &cobra.Command{
		Use:   "delete NAME",
		Short: "Forget a stack and its variables",
		Long: `Removes the stack's configuration and the variables that are for it alone. Its
updates stay. It is refused while containers exist: --destroy removes them
before, and --leave-running leaves them to themselves. Volumes always stay.`,
		Example: `  rinca stack delete wiki
  rinca stack delete wiki --destroy --yes`,
		Args: cobra.ExactArgs(1), ValidArgsFunction: a.completeNames("/v1/stacks", false),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.stackDelete(cmd.Context(), args[0], deleteFlags{destroy, leave, yes})
		},
	}
	c.Flags().BoolVar(&destroy, "destroy", false, "remove its containers and networks first")
	c.Flags().BoolVar(&leave, "leave-running", false, "leave its containers as they are")
	c.Flags().BoolVarP(&yes, "yes", "y", false, "do not ask")
	c.MarkFlagsMutuallyExclusive("destroy", "leave-running")
	return c
}

type deleteFlags struct{ destroy, leave, yes bool }

func (a *app) stackDelete(ctx context.Context, name string, f deleteFlags) error {
	var state rinca.StackState
	if err := a.get(ctx, stackPath(name, "state"), &state); err != nil {
		return err
	}
	if !f.leave && !f.destroy && state.Status != rinca.StatusDown {
		why := "still has containers"
		if state.Status == rinca.StatusUnknown {
			why = "may have containers; its server does not say"
		}
		return rinca.Errorf(rinca.Conflict, "the stack %s %s", printable(name), why).
			Try("rinca stack delete %s --destroy, or --leave-running", printable(name))
	}
	question := "Forget the stack " + printable(name) + " and its variables?"
	if f.destroy && state.Status != rinca.StatusDown {
		question = "Remove the containers of " + printable(name) + ", and forget it and its variables?"
	}
	if err := a.confirm(ctx, f.yes, question); err != nil {
		return err
	}
	if f.destroy && state.Status != rinca.StatusDown {
		// Not --json's events: the one document is about the stack.
		quiet := *a
		quiet.json, quiet.quiet = false, a.quiet || a.json
		if err := quiet.execute(ctx, runningFlags{wait: true}, destroyStack(name, false)); err != nil {
			return err
		}
	}
	if err := a.ask(ctx, http.MethodDelete, stackPath(name), nil, nil); err != nil {
		return err
	}
	return a.tell(map[string]string{"deleted": name}, "Forgot the stack %s. Its updates stay: rinca update list --stack %s", printable(name), printable(name))
}
