package cli

import (
	"context"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"rinca/internal/rinca"
)

// secretListFlags are the flags of rinca secret list.
type secretListFlags struct {
	overdue, unused, shared, equal, values, fresh bool
}

func newSecretList(a *app) *cobra.Command {
	var f secretListFlags
	c := &cobra.Command{
		Use:   "list",
		Short: "List the secrets that stacks use, with their age; no values",
		Long: `Lists the items that are exported or referred to, and secret variables: how old
they are, and which stacks use them. The age is the time since the value has
changed at the latest: an edit of a note makes no secret younger.

--overdue lists those that are older than the policy allows (rinca secret
policy), with exit status 2 when there are any. --unused lists those that no
service reads, --shared those that more stacks use than the policy allows.
--equal compares values with one another on the server, and lists those that
are in two items; it fetches every item, and shows no value.`,
		Example: `  rinca secret list
  rinca secret list --overdue
  rinca secret list --unused --json | jq -r '.secrets[].title'
  rinca secret list --equal`,
		Aliases: []string{"ls"},
		Args:    cobra.NoArgs,
		RunE:    func(cmd *cobra.Command, _ []string) error { return a.secretList(cmd.Context(), f) },
	}
	fl := c.Flags()
	fl.BoolVar(&f.overdue, "overdue", false, "only those that are older than they may be")
	fl.BoolVar(&f.unused, "unused", false, "only those that no service reads")
	fl.BoolVar(&f.shared, "shared", false, "only those that many stacks use")
	fl.BoolVar(&f.equal, "equal", false, "only those whose value is in another item, too")
	fl.BoolVar(&f.values, "values", false, "compare values, and list everything")
	fl.BoolVar(&f.fresh, "fresh", false, "ask the vault even when it was asked within a minute")
	return c
}

func (f *secretListFlags) wants(s *rinca.SecretInfo) bool {
	if !f.overdue && !f.unused && !f.shared && !f.equal {
		return true
	}
	return f.overdue && s.Overdue || f.unused && s.Unused || f.shared && s.Shared || f.equal && len(s.EqualTo) > 0
}

func (a *app) secretList(ctx context.Context, f secretListFlags) error {
	q := url.Values{}
	if f.equal || f.values {
		q.Set("values", "true")
	}
	if f.fresh {
		q.Set("fresh", "true")
	}
	var report rinca.SecretReport
	if err := a.get(ctx, "/v1/secrets?"+q.Encode(), &report); err != nil {
		return err
	}
	report.Secrets = slices.DeleteFunc(report.Secrets, func(s rinca.SecretInfo) bool { return !f.wants(&s) })
	if a.json {
		if err := encodeJSON(a.Stdout, report); err != nil {
			return err
		}
		return overdueError(f, report)
	}
	for _, n := range report.Notes {
		fmt.Fprintf(a.Stderr, "Note: %s\n", safeLines(n))
	}
	now := time.Now()
	none := "No secret is used by a stack. Try: rinca item create NAME.env.example --stack NAME"
	if f.overdue || f.unused || f.shared || f.equal {
		none = "There are none."
	}
	err := list(a, report.Secrets, none, func(t *table, s rinca.SecretInfo) {
		age := cell{"-", dim}
		if !s.ChangedAt.IsZero() {
			age = cell{span(now.Sub(s.ChangedAt)), plain}
		}
		if s.Overdue {
			age = cell{age.text + " of " + s.MaxAge.String(), red}
		} else if s.MaxAge > 0 {
			age.text += " of " + s.MaxAge.String()
		}
		t.add(s.Title, choose(s.Kind == "variable", "variable", s.VaultName), age, s.Version, usersText(s.Stacks), secretNote(s))
	}, "SECRET", "VAULT", "AGE", "VERSION", "STACKS", "NOTE")
	if err != nil {
		return err
	}
	return overdueError(f, report)
}

func overdueError(f secretListFlags, r rinca.SecretReport) error {
	n := 0
	for i := range r.Secrets {
		if r.Secrets[i].Overdue {
			n++
		}
	}
	if f.overdue && n > 0 {
		return rinca.Errorf(rinca.Changes, "%s older than the policy allows", nAre(n, "secret"))
	}
	return nil
}

// secretNote says what is remarkable about a secret.
func secretNote(s rinca.SecretInfo) string {
	var parts []string
	if s.Overdue {
		parts = append(parts, "overdue ("+s.Rule+")")
	}
	if s.Gone {
		parts = append(parts, "the vault has it no more")
	}
	if s.Unused {
		parts = append(parts, "no service reads it")
	}
	if s.Shared {
		parts = append(parts, fmt.Sprintf("shared by %d stacks", len(s.Stacks)))
	}
	if len(s.EqualTo) > 0 {
		parts = append(parts, "equal to "+strings.Join(s.EqualTo, ", "))
	}
	if s.Kind == "item" && len(s.Variables) > 0 {
		parts = append(parts, "as "+strings.Join(s.Variables, ", "))
	}
	if s.Stack != "" {
		parts = append(parts, "of the stack "+s.Stack)
	}
	return strings.Join(parts, "; ")
}
