package opcommand

import (
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"rinca/internal/rinca"
)

func newItem(s *session) *cobra.Command {
	return group("item", "Perform CRUD operations on the 1Password items in your vaults",
		newItemCreate(s), newItemDelete(s), newItemEdit(s), newItemGet(s), newItemList(s), newItemTemplate(s))
}

// listFlags say which items are listed.
type listFlags struct {
	vault                    string
	tags, categories         []string
	favorite, archived, long bool
}

func newItemList(s *session) *cobra.Command {
	var f listFlags
	c := &cobra.Command{
		Use: "list [flags]", Aliases: []string{"ls"}, Short: "List items",
		Example: `  op item list --vault homelab --tags stack:authentik --format json
  op item list --categories "Secure Note,Login" --long`,
		Args: noArgs, RunE: func(*cobra.Command, []string) error { return s.list(f) },
	}
	flags := c.Flags()
	flags.StringVar(&f.vault, "vault", "", "Only list items in this vault.")
	flags.StringSliceVar(&f.tags, "tags", nil, "Only list items with these tags (comma-separated).")
	flags.StringSliceVar(&f.categories, "categories", nil, "Only list items in these categories (comma-separated).")
	flags.BoolVar(&f.favorite, "favorite", false, "Only list favorite items.")
	flags.BoolVar(&f.archived, "include-archive", false, "Include items in the Archive. Can also be set using OP_INCLUDE_ARCHIVE.")
	flags.BoolVar(&f.long, "long", false, "Output a more detailed item list.")
	s.completeVaults(c)
	return c
}

func (s *session) list(f listFlags) error {
	var wanted []rinca.Category
	for _, name := range f.categories {
		c, err := needCategory(name)
		if err != nil {
			return err
		}
		wanted = append(wanted, c.id)
	}
	vaults, err := s.scope(f.vault)
	if err != nil {
		return err
	}
	out := []itemJSON{}
	for _, v := range vaults {
		infos, err := s.infos(v, f.archived || s.on("OP_INCLUDE_ARCHIVE"))
		if err != nil {
			return err
		}
		for _, i := range infos {
			if hasTag(i, f.tags) && (len(wanted) == 0 || slices.Contains(wanted, i.Category)) && (!f.favorite || i.Favorite) {
				out = append(out, s.infoJSON(i, v))
			}
		}
	}
	return s.printList(out, f.long)
}

func (s *session) printList(items []itemJSON, long bool) error {
	if s.json() {
		return s.printJSON(items)
	}
	t := table{s.Stdout, []string{"ID", "TITLE", "VAULT", "EDITED"}, nil}
	if long {
		t.heading = []string{"ID", "TITLE", "VAULT", "EDITED", "CATEGORY", "VERSION", "TAGS"}
	}
	for _, i := range items {
		cells := []string{i.ID, i.Title, i.Vault.Name, s.ago(i.UpdatedAt)}
		if long {
			cells = append(cells, i.Category, fmt.Sprint(i.Version), strings.Join(i.Tags, ","))
		}
		t.row(cells...)
	}
	return t.print()
}

// hasTag reports whether the item has one of the tags, or one nested below
// it: "a" is also found as "a/b". Only "/" nests.
func hasTag(i rinca.Info, wanted []string) bool {
	if len(wanted) == 0 {
		return true
	}
	for _, w := range wanted {
		w = strings.TrimSpace(w)
		for _, t := range i.Tags {
			if strings.EqualFold(t, w) || (len(t) > len(w) && strings.EqualFold(t[:len(w)+1], w+"/")) {
				return true
			}
		}
	}
	return false
}

func newItemDelete(s *session) *cobra.Command {
	var vault string
	var archive bool
	c := &cobra.Command{
		Use: "delete [{ <itemName> | <itemID> | <shareLink> | - }] [flags]", Aliases: []string{"remove", "rm"}, Short: "Delete or archive an item",
		Args: exactArgs(1), RunE: func(_ *cobra.Command, args []string) error { return s.remove(args[0], vault, archive) },
	}
	c.Flags().StringVar(&vault, "vault", "", "Look for the item in this vault.")
	c.Flags().BoolVar(&archive, "archive", false, "Move the item to the Archive.")
	s.completeItems(c, &vault)
	return c
}

// remove deletes or archives an item, or all that standard input names.
func (s *session) remove(name, vault string, archive bool) error {
	w, err := s.writer()
	if err != nil {
		return err
	}
	a, canArchive := w.(archiver)
	if archive && !canArchive {
		return fail("this provider has no archive: delete the item without --archive, or archive it in 1Password")
	}
	queries := []query{{item: name, vault: vault}}
	if name == "-" {
		if queries, err = s.readQueries(query{vault: vault}); err != nil {
			return err
		}
	}
	for _, q := range queries {
		it, v, err := s.item(q)
		if err != nil {
			return err
		}
		if archive {
			err = a.Archive(s.ctx, v.ID, it.ID)
		} else {
			err = w.Delete(s.ctx, v.ID, it.ID)
		}
		if err != nil {
			return err
		}
	}
	return nil
}
