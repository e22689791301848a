package cli

import (
	"context"
	"net/http"

	"github.com/spf13/cobra"

	"rinca/internal/rinca"
)

func newSecretPolicy(a *app) *cobra.Command {
	c := &cobra.Command{
		Use:   "policy",
		Short: "Show or say how old secrets may become",
		Long: `Shows the rules that say how old secrets may become. Of the rules that are about
a secret the most specific one holds: one for an item before one for a tag,
that before one for a vault, that before one for everything.

What is older is listed by rinca secret list --overdue, and told as an alert by
each check of drift (rinca drift --schedule).`,
		Example: `  rinca secret policy
  rinca secret policy set --max-age 90d --tag production
  rinca secret policy set --max-age 1h --item 'session-*.env'
  rinca secret policy delete --tag production`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			var p rinca.SecretPolicy
			if err := a.get(cmd.Context(), "/v1/secrets/policy", &p); err != nil {
				return err
			}
			return a.showPolicy(p)
		},
	}
	c.AddCommand(newSecretPolicySet(a), newSecretPolicyDelete(a))
	return c
}

func (a *app) showPolicy(p rinca.SecretPolicy) error {
	if a.json {
		return encodeJSON(a.Stdout, p)
	}
	return list(a, p.Rules, "Secrets may become as old as they like. Try: rinca secret policy set --max-age 365d", func(t *table, r rinca.AgeRule) {
		t.add(r.MaxAge, r.Item, r.Tag, r.Vault)
	}, "MAX AGE", "ITEM", "TAG", "VAULT")
}

// ruleFlags choose the secrets that a rule is about.
func ruleFlags(c *cobra.Command, r *rinca.AgeRule) {
	fl := c.Flags()
	fl.StringVar(&r.Tag, "tag", "", "secrets with this `TAG`")
	fl.StringVar(&r.Item, "item", "", "the `ITEM` of that title or id, or the variable; * and ? stand for what differs")
	fl.StringVar(&r.Vault, "vault", "", "secrets of this `VAULT`")
}

func newSecretPolicySet(a *app) *cobra.Command {
	var r rinca.AgeRule
	var age string
	var shared int
	c := &cobra.Command{
		Use:   "set {--max-age AGE [--tag TAG] [--item ITEM] [--vault VAULT] | --shared-by N}",
		Short: "Say how old some secrets may become",
		Example: `  rinca secret policy set --max-age 365d
  rinca secret policy set --max-age 90d --tag production
  rinca secret policy set --shared-by 3`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if age == "" && !cmd.Flags().Changed("shared-by") {
				return rinca.Errorf(rinca.Usage, "nothing is said").Try("rinca secret policy set --max-age 90d --tag production")
			}
			if age == "" && r != (rinca.AgeRule{}) {
				return rinca.Errorf(rinca.Usage, "--max-age is missing").Try("--max-age 90d")
			}
			if age != "" {
				var err error
				if r.MaxAge, err = rinca.ParseAge(age); err != nil {
					return rinca.Errorf(rinca.Usage, "--max-age: %w", err).Try("%s", rinca.HintOf(err))
				}
			}
			return a.changePolicy(cmd.Context(), func(p *rinca.SecretPolicy) error {
				if age != "" {
					*p = p.With(r)
				}
				if cmd.Flags().Changed("shared-by") {
					p.SharedBy = shared
				}
				return p.Check()
			})
		},
	}
	ruleFlags(c, &r)
	c.Flags().StringVar(&age, "max-age", "", "`AGE` in days or weeks, such as 90d or 12w")
	c.Flags().IntVar(&shared, "shared-by", 0, "`N` stacks may use one item without being told of; 0 is the usual 5")
	return c
}

func newSecretPolicyDelete(a *app) *cobra.Command {
	var r rinca.AgeRule
	c := &cobra.Command{
		Use:   "delete [--tag TAG] [--item ITEM] [--vault VAULT]",
		Short: "Delete the rule that was set with these flags",
		Example: `  rinca secret policy delete --tag production
  rinca secret policy delete   # the one about every secret`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.changePolicy(cmd.Context(), func(p *rinca.SecretPolicy) error {
				next := p.Without(r)
				if len(next.Rules) == len(p.Rules) {
					return rinca.Errorf(rinca.NotFound, "there is no rule about %s", r).Try("rinca secret policy")
				}
				*p = next
				return nil
			})
		},
	}
	ruleFlags(c, &r)
	return c
}

// changePolicy changes the policy as it is on the server.
func (a *app) changePolicy(ctx context.Context, change func(*rinca.SecretPolicy) error) error {
	var p rinca.SecretPolicy
	if err := a.get(ctx, "/v1/secrets/policy", &p); err != nil {
		return err
	}
	if err := change(&p); err != nil {
		return err
	}
	if err := a.ask(ctx, http.MethodPut, "/v1/secrets/policy", p, &p); err != nil {
		return err
	}
	if a.quiet && !a.json {
		return nil
	}
	return a.showPolicy(p)
}
