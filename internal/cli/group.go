package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"rinca/internal/auth"
	"rinca/internal/client"
	"rinca/internal/rinca"
)

func newGroup(a *app) *cobra.Command {
	return a.remoteGroup(&cobra.Command{
		Use:   "group",
		Short: "Manage groups of users",
		Example: `  rinca group set platform-ops --user bob --grant Stack=Execute --grant Stack:op-export=Write
  rinca group apply groups.toml
  rinca group list`,
	}, newGroupApply(a), newGroupDelete(a), newGroupList(a), newGroupSet(a), newGroupShow(a))
}

func groupPath(name string) string { return client.Path("v1", "groups", name) }

func newGroupList(a *app) *cobra.Command {
	return &cobra.Command{
		Use:     "list",
		Short:   "List the groups",
		Example: "  rinca group list --json",
		Aliases: []string{"ls"},
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			var rows []rinca.UserGroup
			if err := a.get(cmd.Context(), "/v1/groups", &rows); err != nil {
				return err
			}
			return list(a, rows, "There are no groups. Try: rinca group set NAME --user NAME --grant Stack=Read", func(t *table, g rinca.UserGroup) {
				t.add(g.Name, members(g), strings.Join(grantTexts(g.Rights), " "))
			}, "NAME", "MEMBERS", "GRANTS")
		},
	}
}

// members says who belongs to a group.
func members(g rinca.UserGroup) string {
	var words []string
	if g.Everyone {
		words = append(words, "everyone")
	}
	words = append(words, g.Users...)
	for _, c := range g.Claims {
		words = append(words, "claim:"+c)
	}
	return strings.Join(words, ", ")
}

func newGroupShow(a *app) *cobra.Command {
	return &cobra.Command{
		Use:     "show NAME",
		Short:   "Show a group",
		Example: "  rinca group show platform-ops",
		Args:    cobra.ExactArgs(1), ValidArgsFunction: a.completeNames("/v1/groups", false),
		RunE: func(cmd *cobra.Command, args []string) error {
			var g rinca.UserGroup
			if err := a.get(cmd.Context(), groupPath(args[0]), &g); err != nil {
				return err
			}
			if a.json {
				return encodeJSON(a.Stdout, g)
			}
			t := newTable("GROUP", g.Name)
			t.add("members", members(g))
			for _, text := range grantTexts(g.Rights) {
				t.add("grants", text)
			}
			return t.print(a)
		},
	}
}

func newGroupSet(a *app) *cobra.Command {
	var g rinca.UserGroup
	var grants []string
	c := &cobra.Command{
		Use:   "set NAME",
		Short: "Add a group, or replace it",
		Long: `Adds a group with these members and grants, or replaces the one of that name by
it, all of it. --claim names a group of the identity provider whose members
belong to this one.

` + grantHelp,
		Example: `  rinca group set platform-ops --user bob --user alice --grant Stack=Execute --grant Stack:op-export=Write
  rinca group set readers --everyone --grant Stack=Read
  rinca group set media --claim media-team --grant 'Stack:media-*=Write'`,
		Args: cobra.ExactArgs(1), ValidArgsFunction: a.completeNames("/v1/groups", false),
		RunE: func(cmd *cobra.Command, args []string) error {
			var err error
			g.Name = args[0]
			if g.Rights, err = parseGrants(grants); err != nil {
				return err
			}
			var made rinca.UserGroup
			if err := a.ask(cmd.Context(), http.MethodPut, groupPath(g.Name), g, &made); err != nil {
				return err
			}
			return a.tell(made, "Set the group %s.", printable(g.Name))
		},
	}
	f := c.Flags()
	f.StringArrayVar(&g.Users, "user", nil, "`NAME` of a member; may be repeated")
	f.StringArrayVar(&g.Claims, "claim", nil, "`NAME` of a group of the identity provider; may be repeated")
	f.BoolVar(&g.Everyone, "everyone", false, "everyone belongs to it")
	grantsFlag(c, &grants, "that its members have")
	a.flagNames(c, "user", "/v1/users")
	return c
}

func newGroupDelete(a *app) *cobra.Command {
	var yes bool
	c := &cobra.Command{
		Use:     "delete NAME",
		Short:   "Delete a group; its members stay",
		Example: "  rinca group delete platform-ops --yes",
		Aliases: []string{"remove"},
		Args:    cobra.ExactArgs(1), ValidArgsFunction: a.completeNames("/v1/groups", false),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := a.confirm(cmd.Context(), yes, "Delete the group "+printable(args[0])+"?"); err != nil {
				return err
			}
			if err := a.ask(cmd.Context(), http.MethodDelete, groupPath(args[0]), nil, nil); err != nil {
				return err
			}
			return a.tell(map[string]string{"deleted": args[0]}, "Deleted the group %s.", printable(args[0]))
		},
	}
	c.Flags().BoolVarP(&yes, "yes", "y", false, "do not ask")
	return c
}

func newGroupApply(a *app) *cobra.Command {
	var dry bool
	c := &cobra.Command{
		Use:   "apply FILE...",
		Short: "Make groups what TOML files say",
		Long: `Reads [[user_group]] tables, in the form that Komodo's have, and makes each group
what its table says. All files are read and checked before anything changes.
Groups that no file names are left alone. With --dry-run nothing changes, and
exit status 2 says that something would.`,
		Example: `  rinca group apply groups.toml
  rinca group apply --dry-run *.toml
  rinca group apply - < groups.toml`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error { return a.groupApply(cmd.Context(), args, dry) },
	}
	c.Flags().BoolVar(&dry, "dry-run", false, "only say what would change")
	return c
}

// appliedGroup is what became, or would become, of one group.
type appliedGroup struct {
	Name   string `json:"name"`
	Action string `json:"action"` // created, updated, unchanged
}

func (a *app) groupApply(ctx context.Context, files []string, dry bool) error {
	groups, err := a.readGroups(ctx, files)
	if err != nil {
		return err
	}
	var have []rinca.UserGroup
	if err := a.get(ctx, "/v1/groups", &have); err != nil {
		return err
	}
	done, changes := []appliedGroup{}, 0
	for _, g := range groups {
		action := "created"
		if i := slices.IndexFunc(have, func(h rinca.UserGroup) bool { return h.Name == g.Name }); i >= 0 {
			action = "updated"
			if sameGroup(have[i], g) {
				action = "unchanged"
			}
		}
		if action != "unchanged" {
			changes++
			if !dry {
				if err := a.ask(ctx, http.MethodPut, groupPath(g.Name), g, nil); err != nil {
					return rinca.Errorf(rinca.CodeOf(err), "group %s: %w", g.Name, err).Because(err).Try("%s", rinca.HintOf(err))
				}
			}
		}
		done = append(done, appliedGroup{g.Name, action})
		if !a.json && !a.quiet {
			fmt.Fprintf(a.Stdout, "%s: %s\n", printable(g.Name), action)
		}
	}
	if a.json {
		if err := encodeJSON(a.Stdout, done); err != nil {
			return err
		}
	}
	if dry && changes > 0 {
		return rinca.Errorf(rinca.Changes, "%d groups would change", changes)
	}
	return nil
}

func (a *app) readGroups(ctx context.Context, files []string) ([]rinca.UserGroup, error) {
	var groups []rinca.UserGroup
	from := map[string]string{}
	for _, file := range files {
		text, err := a.readText(ctx, file)
		if err != nil {
			return nil, err
		}
		some, err := auth.ParseGroupsTOML(file, text)
		if err != nil {
			return nil, err
		}
		for _, g := range some {
			if other, ok := from[g.Name]; ok {
				return nil, rinca.Errorf(rinca.Invalid, "%s and %s both have a group %q", other, file, g.Name).Try("one of them")
			}
			from[g.Name] = file
		}
		groups = append(groups, some...)
	}
	if len(groups) == 0 {
		return nil, rinca.Errorf(rinca.Invalid, "no [[user_group]] is in %s", strings.Join(files, ", "))
	}
	return groups, nil
}

// sameGroup reports whether two groups say the same.
func sameGroup(x, y rinca.UserGroup) bool {
	normal := func(g rinca.UserGroup) string {
		g.Users = slices.Compact(slices.Sorted(slices.Values(g.Users)))
		if len(g.All) == 0 {
			g.All = nil
		}
		text, _ := json.Marshal(g) // texts only
		return string(text)
	}
	return normal(x) == normal(y)
}
