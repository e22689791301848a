package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"rinca/internal/client"
	"rinca/internal/rinca"
	"rinca/internal/rotation"
)

// rotateFlags are the flags of rinca rotate.
type rotateFlags struct {
	p    rotation.Params
	plan bool
	run  runningFlags
}

func newRotate(a *app) *cobra.Command {
	var f rotateFlags
	c := a.remoteGroup(&cobra.Command{
		Use:   "rotate [STACK | op://VAULT/ITEM]...",
		Short: "Carry changed secrets to the stacks that use them, all or none",
		Long: `Finds what differs between the vault and what stacks run with, exports it, and
deploys the stacks that use it: those that others come after first, each verified
before the next. When one fails, every stack that was touched goes back to what
it was, and the version of the item that did it is kept in quarantine.

Only values change: a stack keeps the commit that it was last deployed from.
Names of stacks, or references to items, choose among what has changed.

--plan says which containers would restart and why, and changes nothing; exit
status 2 means that there is something to do. Without --now it waits for the next
window of the policy, where there are windows.

--generate makes a new value for a field, where the vault can be written by
rinca; the old one is kept until the new one is verified.`,
		Example: `  rinca rotate --plan
  rinca rotate
  rinca rotate authentik --now
  rinca rotate op://homelab/postgres.env
  rinca rotate --generate op://homelab/postgres.env/POSTGRES_PASSWORD --recipe generate:40
  rinca rotate policy set --window 'mon-fri 22:00-05:00 Europe/Berlin' --approve`,
	}, newRotateList(a), newRotateShow(a), newRotateApprove(a), newRotateCancel(a), newRotateUndo(a), newRotateFreeze(a), newRotateUnfreeze(a),
		newRotateQuarantine(a), newRotatePolicy(a))
	c.Args = cobra.ArbitraryArgs
	c.ValidArgsFunction = a.completeNames("/v1/stacks", true)
	c.RunE = func(cmd *cobra.Command, args []string) error { return a.rotate(cmd.Context(), f, args) }
	fl := c.Flags()
	fl.BoolVar(&f.plan, "plan", false, "say what would be done, and why; exit status 2 when there is something")
	fl.BoolVar(&f.p.Now, "now", false, "wait for no window")
	fl.StringSliceVar(&f.p.Stacks, "stack", nil, "this `STACK`, also when it has the name of a command; may be given again")
	fl.StringSliceVar(&f.p.Generate, "generate", nil, "make a new value for this `FIELD`, op://vault/item/field; may be given again")
	fl.StringVar(&f.p.Recipe, "recipe", "", "make it by this `RECIPE`, such as generate:40 or hex:32")
	fl.StringVar(&f.p.Vault, "vault", "", "only items of this `VAULT`")
	follow := false
	fl.BoolVar(&follow, "follow", true, "show what happens until it ends; the same as --wait")
	_ = fl.MarkHidden("follow")
	f.run.define(c)
	return c
}

func (a *app) rotate(ctx context.Context, f rotateFlags, args []string) error {
	p := f.p
	for _, arg := range args {
		if strings.HasPrefix(arg, rinca.RefScheme) || strings.HasSuffix(arg, rinca.EnvSuffix) {
			p.Refs = append(p.Refs, arg)
		} else {
			p.Stacks = append(p.Stacks, arg)
		}
	}
	if err := p.Check(); err != nil {
		return err
	}
	if f.plan {
		return a.rotatePlan(ctx, p)
	}
	c, err := a.client(ctx)
	if err != nil {
		return err
	}
	params, err := json.Marshal(p)
	if err != nil {
		return rinca.Errorf(rinca.Internal, "encode the parameters: %w", err)
	}
	u, err := c.Submit(ctx, rinca.Execution{Kind: "RotateSecrets", Params: params})
	if err != nil {
		return err
	}
	return a.followRotation(ctx, c, f.run, u)
}

// followRotation shows an update of a rotation until it ends, and what became
// of each stack.
func (a *app) followRotation(ctx context.Context, c *client.Client, f runningFlags, u rinca.Update) error {
	if f.detach || !f.wait {
		return a.tell(u, "The rotation %s is %s. Follow it: rinca update follow %s", u.ID, u.State, u.ID)
	}
	err := a.follow(ctx, c, true, f.verbose, u)
	var rot rinca.Rotation
	if a.json || a.quiet || c.Do(ctx, http.MethodGet, rotationPath(u.ID), nil, &rot) != nil || len(rot.Stacks) == 0 {
		return err
	}
	a.drawRotation(rot)
	return err
}

func rotationPath(id string, more ...string) string {
	return client.Path(append([]string{"v1", "rotations", id}, more...)...)
}

func (a *app) rotatePlan(ctx context.Context, p rotation.Params) error {
	var rot rinca.Rotation
	if err := a.ask(ctx, http.MethodPost, "/v1/rotations/plan", p, &rot); err != nil {
		return err
	}
	switch {
	case a.json:
		if err := encodeJSON(a.Stdout, rot); err != nil {
			return err
		}
	case !a.quiet:
		a.drawRotation(rot)
		fmt.Fprintln(a.Stdout, printable(rot.Summary)+".")
	}
	if len(rot.Stacks) > 0 {
		return rinca.Errorf(rinca.Changes, "a rotation would change something")
	}
	return nil
}

// drawRotation prints items, waves and what became of each stack.
func (a *app) drawRotation(rot rinca.Rotation) {
	out, color := a.Stdout, a.colorful(a.Stdout)
	for _, i := range rot.Items {
		line := fmt.Sprintf("%s in %s, version %d", printable(i.Title), printable(orDash(i.VaultName)), i.Version)
		if len(i.Keys) > 0 {
			line += ": " + printable(strings.Join(i.Keys, ", "))
		}
		if len(i.Generated) > 0 {
			line += " (a new value is made)"
		}
		if i.Held != "" {
			line += paint(color, yellow, "  held: "+printable(i.Held))
		}
		fmt.Fprintln(out, "• "+line)
	}
	wave := 0
	for _, s := range rot.Stacks {
		if s.Wave != wave {
			wave = s.Wave
			fmt.Fprintf(out, "Wave %d\n", wave)
		}
		line := "  " + printable(s.Stack) + "  " + stackOutcome(s)
		if s.Gate != "" {
			line += paint(color, dim, "  until: "+printable(s.Gate))
		}
		if !s.CanRollBack {
			line += paint(color, yellow, "  cannot be rolled back")
		}
		fmt.Fprintln(out, strings.TrimRight(line, " "))
		for _, l := range planLines(rinca.Plan{Services: s.Services}, color, false) {
			fmt.Fprintln(out, "    "+l)
		}
		if len(s.Services) == 0 {
			fmt.Fprintln(out, "    no service restarts")
		}
	}
	for _, l := range rot.LeftOut {
		fmt.Fprintln(out, paint(color, yellow, "left out: ")+printable(l.Stack)+": "+safeLines(l.Why))
	}
	for _, n := range rot.Notes {
		fmt.Fprintln(out, "note: "+safeLines(n))
	}
}

func stackOutcome(s rinca.RotatedStack) string {
	switch {
	case s.Restored != "":
		return "put back: " + printable(s.Restored)
	case s.State == rinca.Succeeded:
		return "verified"
	case s.State == "" || s.State == rinca.Queued:
		return ""
	}
	return string(s.State)
}

func orDash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}

func newRotateList(a *app) *cobra.Command {
	limit := 20
	c := &cobra.Command{
		Use: "list", Short: "List rotations, the newest first", Example: "  rinca rotate list", Aliases: []string{"ls"}, Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			var all []rinca.Rotation
			if err := a.get(cmd.Context(), "/v1/rotations?"+url.Values{"limit": {fmt.Sprint(limit)}}.Encode(), &all); err != nil {
				return err
			}
			now := time.Now()
			return list(a, all, "There are no rotations.", func(t *table, r rinca.Rotation) {
				t.add(r.ID, ago(now, r.CreatedAt), string(r.State), len(r.Stacks), r.Operator, r.Cause, rotationSummary(r))
			}, "ID", "WHEN", "STATE", "STACKS", "BY", "CAUSE", "SUMMARY")
		},
	}
	c.Flags().IntVarP(&limit, "limit", "n", limit, "at most this `NUMBER`")
	return c
}

func rotationSummary(r rinca.Rotation) string {
	if r.Waits != "" {
		return r.Waits
	}
	return r.Summary
}

func newRotateShow(a *app) *cobra.Command {
	return &cobra.Command{
		Use: "show ID", Short: "Show a rotation: its items, its waves, what became of each stack", Example: "  rinca rotate show ID",
		Args: cobra.ExactArgs(1), ValidArgsFunction: a.completeRotations(),
		RunE: func(cmd *cobra.Command, args []string) error {
			var rot rinca.Rotation
			if err := a.get(cmd.Context(), rotationPath(args[0]), &rot); err != nil {
				return err
			}
			if a.json {
				return encodeJSON(a.Stdout, rot)
			}
			fmt.Fprintf(a.Stdout, "Rotation %s: %s\n", rot.ID, rot.State)
			for _, row := range [][2]string{
				{"by", rot.Operator},
				{"because of", rot.Cause},
				{"waits", rot.Waits},
				{"approved by", rot.ApprovedBy},
				{"undoes", rot.Undoes},
				{"undone by", rot.UndoneBy},
				{"summary", rot.Summary},
			} {
				if row[1] != "" {
					fmt.Fprintf(a.Stdout, "  %s: %s\n", row[0], printable(row[1]))
				}
			}
			a.drawRotation(rot)
			if rot.Error != nil {
				fmt.Fprintf(a.Stdout, "Failed: %s\n", safeLines(rot.Error.Message))
			}
			for _, l := range rot.Lines {
				fmt.Fprintln(a.Stdout, "  | "+printable(l))
			}
			return nil
		},
	}
}

func (a *app) completeRotations() cobra.CompletionFunc {
	return func(cmd *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
		ctx, cancel := context.WithTimeout(cmd.Context(), completeWithin)
		defer cancel()
		var all []rinca.Rotation
		if len(args) > 0 || a.get(ctx, "/v1/rotations?limit=20", &all) != nil {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		var ids []string
		for _, r := range all {
			ids = append(ids, r.ID+"\t"+printable(string(r.State)+" "+r.Cause))
		}
		return ids, cobra.ShellCompDirectiveNoFileComp
	}
}

// rotationCommand makes a command that does one thing to a rotation.
func (a *app) rotationCommand(verb, short, done string) *cobra.Command {
	return &cobra.Command{
		Use: verb + " ID", Short: short, Example: "  rinca rotate " + verb + " ID", Args: cobra.ExactArgs(1), ValidArgsFunction: a.completeRotations(),
		RunE: func(cmd *cobra.Command, args []string) error {
			var rot rinca.Rotation
			if err := a.ask(cmd.Context(), http.MethodPost, rotationPath(args[0], verb), nil, &rot); err != nil {
				return err
			}
			return a.tell(rot, done, rot.ID)
		},
	}
}

func newRotateApprove(a *app) *cobra.Command {
	return a.rotationCommand("approve", "Let a rotation run that waits for somebody to approve it", "Approved %s. It runs, or waits for its window.")
}

func newRotateCancel(a *app) *cobra.Command {
	return a.rotationCommand("cancel", "End a rotation that waits; one that runs puts everything back", "Canceled %s.")
}

func newRotateUndo(a *app) *cobra.Command {
	var f runningFlags
	var yes bool
	c := &cobra.Command{
		Use: "undo ID", Short: "Bring the stacks of a rotation back to what they were before it",
		Long: `Restores the files, values and images that the stacks had before the rotation,
verifies them, and keeps the versions of items that it carried in quarantine.
The values in the vault stay.`,
		Example: "  rinca rotate undo ID", Args: cobra.ExactArgs(1), ValidArgsFunction: a.completeRotations(),
		RunE: func(cmd *cobra.Command, args []string) error {
			ctx := cmd.Context()
			if err := a.confirm(ctx, yes, "Undo the rotation "+printable(args[0])+"?"); err != nil {
				return err
			}
			c, err := a.client(ctx)
			if err != nil {
				return err
			}
			var u rinca.Update
			if err := c.Do(ctx, http.MethodPost, rotationPath(args[0], "undo"), nil, &u); err != nil {
				return err
			}
			return a.followRotation(ctx, c, f, u)
		},
	}
	c.Flags().BoolVarP(&yes, "yes", "y", false, "do not ask")
	f.define(c)
	return c
}
