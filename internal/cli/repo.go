package cli

import (
	"net/http"
	"strings"

	"github.com/spf13/cobra"

	"rinca/internal/client"
	"rinca/internal/rinca"
)

func newRepo(a *app) *cobra.Command {
	return a.remoteGroup(&cobra.Command{
		Use:   "repo",
		Short: "Name Git repositories that several stacks and syncs share",
		Example: `  rinca repo set homelab --repo https://github.com/me/homelab --account me
  rinca repo list`,
	}, newRepoList(a), newRepoShow(a), newRepoSet(a), newRepoDelete(a))
}

func repoPath(name string) string { return client.Path("v1", "repos", name) }

func newRepoList(a *app) *cobra.Command {
	return &cobra.Command{
		Use:     "list",
		Short:   "List the repos",
		Example: "  rinca repo list",
		Aliases: []string{"ls"},
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			var rows []rinca.Repo
			if err := a.get(cmd.Context(), "/v1/repos", &rows); err != nil {
				return err
			}
			return list(a, rows, "There are no repos. Try: rinca repo set NAME --repo URL", func(t *table, r rinca.Repo) {
				t.add(r.Name, sourceText(r.Source), r.Source.Account, r.Description)
			}, "NAME", "SOURCE", "ACCOUNT", "DESCRIPTION")
		},
	}
}

func newRepoShow(a *app) *cobra.Command {
	return &cobra.Command{
		Use:     "show NAME",
		Short:   "Show a repo",
		Example: "  rinca repo show homelab",
		Args:    cobra.ExactArgs(1), ValidArgsFunction: a.completeNames("/v1/repos", false),
		RunE: func(cmd *cobra.Command, args []string) error {
			var r rinca.Repo
			if err := a.get(cmd.Context(), repoPath(args[0]), &r); err != nil {
				return err
			}
			if a.json {
				return encodeJSON(a.Stdout, r)
			}
			a.printFacts([]fact{
				{"Repo", r.Name},
				{"Description", r.Description},
				{"Tags", strings.Join(r.Tags, ", ")},
				{"Source", gitText(r.Source, r.Source.Repo)},
				{"Account", r.Source.Account},
				{"Changed", changed(r.UpdatedAt, r.UpdatedBy)},
			})
			return nil
		},
	}
}

func newRepoSet(a *app) *cobra.Command {
	var r rinca.Repo
	c := &cobra.Command{
		Use:   "set NAME",
		Short: "Add a repo, or replace it",
		Long: `Adds a repo, or replaces the one of that name by it, all of it. Stacks and syncs
that name it take its address, account and branch when they are deployed or run.`,
		Example: `  rinca repo set homelab --repo https://github.com/me/homelab --account me --branch main`,
		Args:    cobra.ExactArgs(1), ValidArgsFunction: a.completeNames("/v1/repos", false),
		RunE: func(cmd *cobra.Command, args []string) error {
			r.Name, r.Source.Kind = args[0], rinca.SourceGit
			var made rinca.Repo
			if err := a.ask(cmd.Context(), http.MethodPut, repoPath(r.Name), r, &made); err != nil {
				return err
			}
			return a.tell(made, "Set the repo %s.", printable(r.Name))
		},
	}
	f := c.Flags()
	f.StringVar(&r.Description, "description", "", "what it is for")
	f.StringSliceVar(&r.Tags, "tag", nil, "`TAG`; may be given again")
	f.StringVar(&r.Source.Repo, "repo", "", "`URL` of the repository: https://, ssh://, git@host:path or file://")
	f.StringVar(&r.Source.Account, "account", "", "`NAME` of the Git account for it")
	f.StringVar(&r.Source.Branch, "branch", "", "`BRANCH` (default: its own default)")
	f.StringVar(&r.Source.Tag, "git-tag", "", "`TAG` of the repository, in place of a branch")
	f.StringVar(&r.Source.Commit, "commit", "", "`COMMIT`, in place of a branch")
	_ = c.MarkFlagRequired("repo")
	c.MarkFlagsMutuallyExclusive("branch", "git-tag", "commit")
	a.flagNames(c, "account", "/v1/git-accounts")
	return c
}

func newRepoDelete(a *app) *cobra.Command {
	var yes bool
	c := &cobra.Command{
		Use:     "delete NAME",
		Short:   "Delete a repo that no stack names",
		Example: "  rinca repo delete homelab --yes",
		Aliases: []string{"remove"},
		Args:    cobra.ExactArgs(1), ValidArgsFunction: a.completeNames("/v1/repos", false),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := a.confirm(cmd.Context(), yes, "Delete the repo "+printable(args[0])+"?"); err != nil {
				return err
			}
			if err := a.ask(cmd.Context(), http.MethodDelete, repoPath(args[0]), nil, nil); err != nil {
				return err
			}
			return a.tell(map[string]string{"deleted": args[0]}, "Deleted the repo %s.", printable(args[0]))
		},
	}
	c.Flags().BoolVarP(&yes, "yes", "y", false, "do not ask")
	return c
}
