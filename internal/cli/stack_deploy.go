package cli

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"rinca/internal/client"
	"rinca/internal/deploy"
	"rinca/internal/rinca"
)

// deployFlags are the flags of rinca stack deploy.
type deployFlags struct {
	all         bool
	tags        []string
	pattern     string
	services    []string
	force       bool
	skipSecrets bool
	pull        bool
	ifChanged   bool
	dependents  bool
	dependency  bool
	ignore      bool
	run         runningFlags
}

// runningFlags say what becomes of a command whose execution runs.
type runningFlags struct {
	wait, detach, verbose bool
}

func (f *runningFlags) define(c *cobra.Command) {
	fl := c.Flags()
	fl.BoolVar(&f.wait, "wait", true, "show what happens until it ends; --wait=false is --detach")
	fl.BoolVarP(&f.detach, "detach", "d", false, "return at once; rinca update follow shows it later")
	fl.BoolVarP(&f.verbose, "verbose", "v", false, "on a terminal, show every line")
}

func newStackDeploy(a *app) *cobra.Command {
	var f deployFlags
	c := &cobra.Command{
		Use:   "deploy {NAME... | --all | --tag TAG | --pattern PATTERN}",
		Short: "Deploy stacks: fetch, fill in, export secrets, apply, verify",
		Long: `Makes the containers of a stack what its source, its variables and its secrets
say, and proves that they are well. Services that do not differ are not touched.
When it fails, what ran before is put back.

Shows each stage while it runs. Ctrl-C asks the server to cancel; a second one
leaves at once, and the server goes on. --json prints one event in each line.

--all, --tag and --pattern choose stacks, and deploy those that differ, each as
soon as those that it comes after are verified; what comes after one that failed
is left alone.

A stack is only deployed while those in its "after" are well. --with-dependencies
deploys them too, as far as they differ, and --with-dependents what comes after it.`,
		Example: `  rinca stack deploy authentik
  rinca stack deploy authentik --service worker --force
  rinca stack deploy wiki blog -d
  rinca stack deploy op-export --with-dependents
  rinca stack deploy --tag media
  rinca stack deploy --pattern 'web-*'`,
		ValidArgsFunction: a.completeNames("/v1/stacks", true),
		RunE:              func(cmd *cobra.Command, args []string) error { return a.stackDeploy(cmd.Context(), f, args) },
	}
	fl := c.Flags()
	fl.BoolVar(&f.all, "all", false, "every stack")
	fl.StringSliceVar(&f.tags, "tag", nil, "stacks with this `TAG`; with all of them when given again")
	fl.StringVar(&f.pattern, "pattern", "", "stacks whose names match `PATTERN`, with * and ?; several with commas between")
	fl.StringSliceVar(&f.services, "service", nil, "only this `SERVICE`; may be given again")
	fl.BoolVar(&f.force, "force", false, "recreate services although nothing differs")
	fl.BoolVar(&f.skipSecrets, "skip-secrets", false, "take exported files as they are")
	fl.BoolVar(&f.pull, "pull", false, "look for newer images; missing ones are always pulled")
	fl.BoolVar(&f.ifChanged, "if-changed", false, "only what differs: one-shot services do not run again")
	fl.BoolVar(&f.dependents, "with-dependents", false, "and the stacks that come after them")
	fl.BoolVar(&f.dependency, "with-dependencies", false, "and the stacks that they come after")
	fl.BoolVar(&f.ignore, "ignore-dependencies", false, "although a stack that they come after is not well")
	f.run.define(c)
	return c
}

func (f *deployFlags) check(names []string) error {
	many := f.all || len(f.tags) > 0 || f.pattern != ""
	switch {
	case many && len(names) > 0:
		return rinca.Errorf(rinca.Usage, "stacks are named, and --all, --tag or --pattern selects others")
	case f.all && (len(f.tags) > 0 || f.pattern != ""):
		return rinca.Errorf(rinca.Usage, "--all is every stack; --tag and --pattern choose among them")
	case !many && len(names) == 0:
		return rinca.Errorf(rinca.Usage, "no stack is named").Try("rinca stack deploy NAME, or --all")
	case len(f.services) > 0 && (many || len(names) > 1 || f.dependents || f.dependency):
		return rinca.Errorf(rinca.Usage, "--service is about one stack")
	}
	return nil
}

func (a *app) stackDeploy(ctx context.Context, f deployFlags, names []string) error {
	if err := f.check(names); err != nil {
		return err
	}
	if len(names) == 0 || f.dependents || f.dependency {
		pattern := f.pattern
		if len(names) > 0 {
			pattern = strings.Join(names, ",")
		}
		if pattern == "" {
			pattern = "*"
		}
		return a.execute(ctx, f.run, execution("BatchDeployStack", map[string]any{
			"pattern": pattern, "tags": f.tags, "force": f.force, "pull": f.pull, "if_changed": f.ifChanged, "skip_secrets": f.skipSecrets,
			"with_dependents": f.dependents, "with_dependencies": f.dependency, "ignore_dependencies": f.ignore,
		}))
	}
	names, err := a.inOrder(ctx, names)
	if err != nil {
		return err
	}
	var runs []rinca.Execution
	for _, name := range names {
		runs = append(runs, execution("DeployStack", map[string]any{
			"stack": name, "services": f.services, "force": f.force, "skip_secrets": f.skipSecrets, "pull": f.pull,
			"if_changed": f.ifChanged, "ignore_dependencies": f.ignore,
		}))
	}
	return a.execute(ctx, f.run, runs...)
}

// inOrder sorts stacks so that none is asked for before one that it comes
// after: a deploy waits for those that were asked for before it.
func (a *app) inOrder(ctx context.Context, names []string) ([]string, error) {
	if len(names) < 2 {
		return names, nil
	}
	var all []rinca.Stack
	if err := a.get(ctx, "/v1/stacks", &all); err != nil {
		return nil, err
	}
	order, rank := deploy.OrderOf(all), map[string]int{}
	for _, name := range names {
		rank[name] = len(order.Dependencies(name)) // those of a dependency are fewer
	}
	names = slices.Clone(names)
	slices.SortStableFunc(names, func(a, b string) int { return cmp.Compare(rank[a], rank[b]) })
	return names, nil
}

// execute asks for executions, and shows them until they end.
func (a *app) execute(ctx context.Context, f runningFlags, runs ...rinca.Execution) error {
	c, err := a.client(ctx)
	if err != nil {
		return err
	}
	updates, err := submitAll(ctx, c, runs)
	if err != nil && len(updates) > 0 {
		ids := make([]string, len(updates))
		for i, u := range updates {
			ids[i] = u.ID
		}
		fmt.Fprintf(a.Stderr, "These run already: %s\n", strings.Join(ids, " "))
	}
	if err != nil {
		return err
	}
	if !f.detach && f.wait {
		return a.follow(ctx, c, true, f.verbose, updates...)
	}
	for _, u := range updates {
		if err := a.tell(u, "%s: %s. Follow it: rinca update follow %s", printable(u.Target.Name), u.State, u.ID); err != nil {
			return err
		}
	}
	return nil
}

func submitAll(ctx context.Context, c *client.Client, runs []rinca.Execution) ([]rinca.Update, error) {
	var updates []rinca.Update
	for _, e := range runs {
		u, err := c.Submit(ctx, e)
		if err != nil {
			return updates, err
		}
		updates = append(updates, u)
	}
	return updates, nil
}
