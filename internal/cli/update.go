package cli

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"rinca/internal/client"
	"rinca/internal/rinca"
)

func newUpdate(a *app) *cobra.Command {
	return a.remoteGroup(&cobra.Command{
		Use:   "update",
		Short: "Look at what was done, and at what runs now",
		Example: `  rinca update list
  rinca update follow ID
  rinca update cancel ID`,
	}, newUpdateList(a), newUpdateShow(a), newUpdateFollow(a), newUpdateCancel(a))
}

func updatePath(id string, more ...string) string {
	return client.Path(append([]string{"v1", "updates", id}, more...)...)
}

func newUpdateList(a *app) *cobra.Command {
	var stack, state, parent string
	var limit int
	c := &cobra.Command{
		Use:   "list",
		Short: "List updates, the newest first",
		Example: `  rinca update list
  rinca update list --stack authentik --state failed
  rinca update list --limit 500 --json`,
		Aliases: []string{"ls"},
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.updateList(cmd.Context(), stack, state, parent, limit)
		},
	}
	fl := c.Flags()
	fl.StringVar(&parent, "parent", "", "only those that the update `ID` has started")
	fl.StringVar(&stack, "stack", "", "only those of this `STACK`")
	fl.StringVar(&state, "state", "", "only those in this `STATE`")
	fl.IntVarP(&limit, "limit", "n", 20, "at most this `NUMBER`")
	a.flagNames(c, "stack", "/v1/stacks")
	_ = c.RegisterFlagCompletionFunc("state", cobra.FixedCompletions([]string{"queued", "running", "succeeded", "failed", "canceled", "interrupted"}, cobra.ShellCompDirectiveNoFileComp))
	return c
}

func newStackHistory(a *app) *cobra.Command {
	var limit int
	c := &cobra.Command{
		Use:     "history NAME",
		Short:   "List what was done to a stack, the newest first",
		Example: "  rinca stack history authentik",
		Args:    cobra.ExactArgs(1), ValidArgsFunction: a.completeNames("/v1/stacks", false),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.stackHistory(cmd.Context(), args[0], limit)
		},
	}
	c.Flags().IntVarP(&limit, "limit", "n", 20, "at most this `NUMBER`")
	return c
}

// stackHistory lists what was done to a stack, also to one that has been
// deleted since; a stack that never was is an error.
func (a *app) stackHistory(ctx context.Context, name string, limit int) error {
	updates, err := a.updates(ctx, url.Values{"stack": {name}}, limit)
	if err != nil {
		return err
	}
	if len(updates) == 0 {
		if err := a.get(ctx, stackPath(name), &struct{}{}); err != nil {
			return err
		}
	}
	return a.printUpdates(updates)
}

func (a *app) updateList(ctx context.Context, stack, state, parent string, limit int) error {
	q := url.Values{}
	if parent != "" {
		q.Set("parent", parent)
	}
	if stack != "" {
		q.Set("stack", stack)
	}
	if state != "" {
		q.Set("state", state)
	}
	updates, err := a.updates(ctx, q, limit)
	if err != nil {
		return err
	}
	return a.printUpdates(updates)
}

func (a *app) printUpdates(updates []rinca.Update) error {
	now := time.Now()
	return list(a, updates, "There are no updates.", func(t *table, u rinca.Update) {
		t.add(u.ID, ago(now, u.CreatedAt), u.Execution.Kind, u.Target.Name, updateCell(u.State), updateSummary(u))
	}, "ID", "WHEN", "WHAT", "TARGET", "STATE", "SUMMARY")
}

// updates gets the newest updates that a query selects, page by page.
func (a *app) updates(ctx context.Context, q url.Values, limit int) ([]rinca.Update, error) {
	const most = 500
	if limit < 1 {
		return nil, rinca.Errorf(rinca.Usage, "--limit begins at 1")
	}
	var all []rinca.Update
	for len(all) < limit {
		n := min(limit-len(all), most)
		q.Set("limit", strconv.Itoa(n))
		var page []rinca.Update
		if err := a.get(ctx, "/v1/updates?"+q.Encode(), &page); err != nil {
			return nil, err
		}
		all = append(all, page...)
		if len(page) < n {
			break
		}
		q.Set("before", page[len(page)-1].ID)
	}
	return all, nil
}

// lines gets every line of an update that is kept.
func (a *app) lines(ctx context.Context, id string) ([]rinca.Line, error) {
	const most = 5000
	var all []rinca.Line
	after := int64(0)
	for {
		var page struct {
			Lines []rinca.Line `json:"lines"`
			Next  int64        `json:"next"`
		}
		q := url.Values{"after": {strconv.FormatInt(after, 10)}, "limit": {strconv.Itoa(most)}}
		if err := a.get(ctx, updatePath(id, "lines")+"?"+q.Encode(), &page); err != nil {
			return nil, err
		}
		all = append(all, page.Lines...)
		if len(page.Lines) < most || page.Next <= after {
			return all, nil
		}
		after = page.Next
	}
}

// updateSummary is what there is to say of an update in one line.
func updateSummary(u rinca.Update) string {
	switch {
	case u.Error != nil && u.RolledBack != "":
		return u.Error.Message + " (" + u.RolledBack + ")"
	case u.Error != nil:
		return u.Error.Message
	case u.Summary != "":
		return u.Summary
	}
	if u.State == rinca.Running && len(u.Stages) > 0 {
		return u.Stages[len(u.Stages)-1].Name
	}
	return ""
}

func newUpdateShow(a *app) *cobra.Command {
	var lines bool
	c := &cobra.Command{
		Use:   "show ID",
		Short: "Show an update: its stages, its plan and how it went",
		Example: `  rinca update show ID
  rinca update show ID --log`,
		Args: cobra.ExactArgs(1), ValidArgsFunction: a.completeUpdates("", ""),
		RunE: func(cmd *cobra.Command, args []string) error { return a.updateShow(cmd.Context(), args[0], lines) },
	}
	c.Flags().BoolVar(&lines, "log", false, "its lines, too")
	return c
}

func (a *app) updateShow(ctx context.Context, id string, lines bool) error {
	var doc struct {
		rinca.Update
		Lines    []rinca.Line  `json:"lines,omitempty"`
		Children []childUpdate `json:"children,omitempty"`
	}
	if err := a.get(ctx, updatePath(id), &doc.Update); err != nil {
		return err
	}
	var err error
	if doc.Children, err = a.children(ctx, doc.Update, 0); err != nil {
		return err
	}
	if lines {
		if doc.Lines, err = a.lines(ctx, id); err != nil {
			return err
		}
	}
	if a.json {
		return encodeJSON(a.Stdout, doc)
	}
	u := doc.Update
	a.printFacts([]fact{
		{"Update", u.ID},
		{"What", u.Execution.Kind},
		{"Target", u.Target.String()},
		{"State", string(u.State)},
		{"Asked for", changed(u.CreatedAt, u.Operator)},
		{"Through", u.Trigger},
		{"Because of", u.Cause},
		{"Part of", u.Parent},
		{"Commit", u.Commit},
		{"Summary", u.Summary},
		{"Rollback", u.RolledBack},
	})
	if len(u.Stages) > 0 {
		fmt.Fprintln(a.Stdout)
	}
	color := a.colorful(a.Stdout)
	p := &textProgress{app: a, out: a.Stdout, color: color, verbose: true, now: time.Now, views: map[string]*updateView{}}
	v := p.view(u.ID)
	v.u = u
	for _, s := range u.Stages {
		for _, l := range doc.Lines {
			if l.Stage == s.Name {
				p.said(v, l)
			}
		}
		p.stage(v, s)
	}
	if len(doc.Children) > 0 {
		fmt.Fprintln(a.Stdout)
		a.printChildren(doc.Children, color, "")
	}
	if u.Plan != nil {
		fmt.Fprintln(a.Stdout)
		for _, l := range planLines(*u.Plan, color, true) {
			fmt.Fprintln(a.Stdout, l)
		}
	}
	if e := u.Error; e != nil {
		fmt.Fprintf(a.Stdout, "\n%s %s\n", paint(color, red, "✗"), safeLines(e.Message))
		if e.Hint != "" {
			fmt.Fprintf(a.Stdout, "  Try: %s\n", safeLines(e.Hint))
		}
	}
	return nil
}

func newUpdateFollow(a *app) *cobra.Command {
	var verbose bool
	c := &cobra.Command{
		Use:   "follow ID",
		Short: "Show an update while it runs",
		Long: `Shows an update from its beginning until it ends; the exit status is the
update's. Ctrl-C stops watching and leaves the update running.`,
		Example: "  rinca update follow ID",
		Args:    cobra.ExactArgs(1), ValidArgsFunction: a.completeUpdates("running", "queued"),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := a.client(cmd.Context())
			if err != nil {
				return err
			}
			var u rinca.Update
			if err := c.Do(cmd.Context(), http.MethodGet, updatePath(args[0]), nil, &u); err != nil {
				return err
			}
			// Events tell of it from its beginning; what is known of its end
			// would be drawn before them.
			u.Stages, u.State = nil, rinca.Queued
			return a.follow(cmd.Context(), c, false, verbose, u)
		},
	}
	c.Flags().BoolVarP(&verbose, "verbose", "v", false, "on a terminal, show every line")
	return c
}

func newUpdateCancel(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "cancel ID",
		Short: "Ask an update to stop at the next safe point",
		Long: `Asks an update to stop. A queued one never starts; a running one stops at the
next safe point, and says what it had done.`,
		Example: "  rinca update cancel ID",
		Args:    cobra.ExactArgs(1), ValidArgsFunction: a.completeUpdates("running", "queued"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := a.ask(cmd.Context(), http.MethodPost, updatePath(args[0], "cancel"), nil, nil); err != nil {
				return err
			}
			return a.tell(map[string]string{"canceled": args[0]}, "Asked %s to stop.", printable(args[0]))
		},
	}
}

// completeUpdates offers the ids of updates in some states.
func (a *app) completeUpdates(states ...string) cobra.CompletionFunc {
	return func(cmd *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
		if len(args) > 0 {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		ctx, cancel := context.WithTimeout(cmd.Context(), completeWithin)
		defer cancel()
		var out []string
		for i, state := range states {
			if i > 0 && state == states[i-1] {
				continue
			}
			q := url.Values{}
			if state != "" {
				q.Set("state", state)
			}
			updates, err := a.updates(ctx, q, 20)
			if err != nil {
				return out, cobra.ShellCompDirectiveNoFileComp
			}
			for _, u := range updates {
				out = append(out, u.ID+"\t"+printable(u.Execution.Kind+" "+u.Target.Name))
			}
		}
		return out, cobra.ShellCompDirectiveNoFileComp
	}
}
