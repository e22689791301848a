package cli

import (
	"context"
	"encoding/json"
	"strings"

	"github.com/spf13/cobra"

	"rinca/internal/rinca"
	"rinca/internal/run"
)

// newExecute runs a kind of execution by hand.
func newExecute(a *app) *cobra.Command {
	var f runningFlags
	var params []string
	var file string
	c := &cobra.Command{
		Use:   "execute KIND",
		Short: "Run any kind of execution by hand",
		Long: `Runs an execution as a procedure would. "rinca execute --help" lists no kinds:
they are in the reference, and the shell completes them.`,
		Example: `  rinca execute PruneUpdates --param max_age=720h
  rinca execute RunStackService --param stack=web --param service=migrate
  echo '{"pattern":"web-*","with_dependents":true}' | rinca execute BatchDeployStack --json-params -`,
		Args: cobra.ExactArgs(1),
		ValidArgsFunction: func(_ *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
			var names []string
			for _, k := range (&run.Runner{}).Kinds() {
				names = append(names, k.Name+"\t"+k.Doc)
			}
			if len(args) > 0 {
				names = nil
			}
			return names, cobra.ShellCompDirectiveNoFileComp
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			e, err := a.executionOf(cmd.Context(), args[0], params, file)
			if err != nil {
				return err
			}
			return a.execute(cmd.Context(), f, e)
		},
	}
	fl := c.Flags()
	fl.StringArrayVar(&params, "param", nil, "`KEY=VALUE` of a parameter; may be given again")
	fl.StringVar(&file, "json-params", "", "`FILE` of all parameters, a JSON object; - is standard input")
	c.MarkFlagsMutuallyExclusive("param", "json-params")
	f.define(c)
	return a.remoteFlags(c)
}

func (a *app) executionOf(ctx context.Context, kind string, params []string, file string) (rinca.Execution, error) {
	e := rinca.Execution{Kind: kind}
	if file == "" {
		var err error
		e.Params, err = paramsOf(params)
		return e, err
	}
	text, err := a.readText(ctx, file)
	if err != nil {
		return e, err
	}
	e.Params = json.RawMessage(strings.TrimSpace(text))
	if !json.Valid(e.Params) {
		return e, rinca.Errorf(rinca.Usage, "%s is no JSON", printable(file))
	}
	return e, nil
}
