package cli

import (
	"context"
	"encoding/json"
	"strings"

	"github.com/spf13/cobra"

	"rinca/internal/client"
	"rinca/internal/rinca"
)

// hookFlags are the flags of rinca webhook set.
type hookFlags struct {
	branch, path   string
	tags, paths    []string
	force, disable bool
}

func newWebhookSet(a *app) *cobra.Command {
	var f hookFlags
	c := &cobra.Command{
		Use:   "set TARGET",
		Short: "Say which pushes start something",
		Long: `Changes what is given and leaves the rest. An empty text, as in --branch '',
goes back to what counts without it: the branch of the source, no tag, and the
files that the resource is made of.

In --paths, * is anything but a slash and ** anything; a path without either is
a file, or a folder with all that is in it.`,
		Example: `  rinca webhook set stack/web --branch main --paths stacks/web,shared/**
  rinca webhook set stack/web --tags 'v*'
  rinca webhook set 'procedure/Export Secrets on Push' --path export-secrets
  rinca webhook set stack/web --disable`,
		Args: cobra.ExactArgs(1), ValidArgsFunction: a.completeHooks,
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.webhookSet(cmd.Context(), args[0], func(w *rinca.Webhook) bool { return f.apply(cmd.Flags().Changed, w) })
		},
	}
	fl := c.Flags()
	fl.StringVar(&f.branch, "branch", "", "`BRANCH` whose push starts it, or a pattern; * is any")
	fl.StringSliceVar(&f.tags, "tags", nil, "`PATTERNS` of tags whose push starts it")
	fl.StringSliceVar(&f.paths, "paths", nil, "`PATTERNS` of files: a push that touches none of them starts nothing")
	fl.StringVar(&f.path, "path", "", "`NAME` in the address, beside the usual one: export-secrets for /listener/github/export-secrets")
	fl.BoolVar(&f.force, "force", false, "deploy a stack even when nothing differs; --force=false again only then")
	fl.BoolVar(&f.disable, "disable", false, "start nothing; --disable=false again")
	return c
}

// apply puts what was given into a webhook, and reports whether anything was.
func (f *hookFlags) apply(given func(string) bool, w *rinca.Webhook) bool {
	something := false
	for name, set := range map[string]func(){
		"branch": func() { w.Branch = f.branch }, "tags": func() { w.Tags = someOf(f.tags) }, "paths": func() { w.Paths = someOf(f.paths) },
		"path": func() { w.Path = strings.Trim(f.path, "/") }, "force": func() { w.Force = f.force }, "disable": func() { w.Disabled = f.disable },
	} {
		if given(name) {
			set()
			something = true
		}
	}
	return something
}

// someOf leaves empty texts out.
func someOf(list []string) []string {
	var out []string
	for _, s := range list {
		if s != "" {
			out = append(out, s)
		}
	}
	return out
}

func (a *app) webhookSet(ctx context.Context, text string, change func(*rinca.Webhook) bool) error {
	target, err := hookTarget(text)
	if err != nil {
		return err
	}
	folders := map[rinca.Kind]string{rinca.KindStack: "stacks", rinca.KindProcedure: "procedures", rinca.KindSync: "syncs", rinca.KindRepo: "repos"}
	c, err := a.client(ctx)
	if err != nil {
		return err
	}
	var hook rinca.Webhook
	var saved map[string]json.RawMessage
	err = client.Edit(ctx, c, client.Path("v1", folders[target.Kind], target.Name), func(now map[string]json.RawMessage) (any, error) {
		hook = rinca.Webhook{}
		if have := now["webhook"]; have != nil {
			if err := json.Unmarshal(have, &hook); err != nil {
				return nil, rinca.Errorf(rinca.Unavailable, "the server's answer cannot be understood").Because(err)
			}
		}
		if !change(&hook) {
			return nil, rinca.Errorf(rinca.Usage, "nothing is given that would change").Try("rinca webhook set --help")
		}
		data, err := json.Marshal(hook)
		now["webhook"] = data
		return now, err
	}, &saved)
	if err != nil {
		return err
	}
	return a.tell(hook, "Changed the webhook of %s.", hookName(target))
}
