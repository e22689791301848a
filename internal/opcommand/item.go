package opcommand

import (
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"rinca/internal/rinca"
)

func newItem(s *session) *cobra.Command {
	return group("item", "List, get, create, edit or delete items",
		newItemList(s), newItemGet(s), newItemCreate(s), newItemEdit(s), newItemDelete(s), newItemTemplate(s))
}

func newItemList(s *session) *cobra.Command {
	var vault string
	var tags, cats []string
	var favorite, archived, long bool
	c := &cobra.Command{Use: "list [flags]", Aliases: []string{"ls"}, Short: "List items", Args: cobra.NoArgs, RunE: func(*cobra.Command, []string) error {
		vaults, err := s.scope(vault)
		if err != nil {
			return err
		}
		for _, name := range cats {
			if _, ok := findCategory(name); !ok {
				return fmt.Errorf("%q is not a category: see op item template list", name)
			}
		}
		out := []itemJSON{}
		for _, v := range vaults {
			infos, err := s.infos(v, archived || s.getenv("OP_INCLUDE_ARCHIVE") == "true")
			if err != nil {
				return err
			}
			for _, i := range infos {
				if hasTag(i, tags) && hasCategory(i, cats) && (!favorite || i.Favorite) {
					out = append(out, infoJSON(i, v))
				}
			}
		}
		return s.printList(out, long)
	}}
	f := c.Flags()
	f.StringVar(&vault, "vault", "", "only list items in this vault")
	f.StringSliceVar(&tags, "tags", nil, "only list items with these tags (comma-separated)")
	f.StringSliceVar(&cats, "categories", nil, "only list items in these categories (comma-separated)")
	f.BoolVar(&favorite, "favorite", false, "only list favorite items")
	f.BoolVar(&archived, "include-archive", false, "include items in the archive")
	f.BoolVar(&long, "long", false, "output a more detailed item list")
	return c
}

func (s *session) printList(items []itemJSON, long bool) error {
	if s.json() {
		return s.print(items)
	}
	t := table{s.Stdout, []string{"ID", "TITLE", "VAULT", "EDITED"}, nil}
	if long {
		t.heading = append(t.heading, "CATEGORY", "TAGS", "VERSION")
	}
	for _, i := range items {
		cells := []string{i.ID, i.Title, i.Vault.Name, s.ago(i.UpdatedAt)}
		if long {
			cells = append(cells, i.Category, strings.Join(i.Tags, ","), fmt.Sprint(i.Version))
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
		for _, t := range i.Tags {
			if strings.EqualFold(t, w) || (len(t) > len(w) && strings.EqualFold(t[:len(w)+1], w+"/")) {
				return true
			}
		}
	}
	return false
}

func hasCategory(i rinca.Info, wanted []string) bool {
	return len(wanted) == 0 || slices.ContainsFunc(wanted, func(name string) bool {
		c, ok := findCategory(name)
		return ok && c.id == i.Category
	})
}

func newItemDelete(s *session) *cobra.Command {
	var vault string
	var archive bool
	c := &cobra.Command{Use: "delete [{ <itemName> | <itemID> | <shareLink> | - }] [flags]", Aliases: []string{"remove", "rm"}, Short: "Delete or archive an item", Args: cobra.ExactArgs(1), RunE: func(_ *cobra.Command, args []string) error {
		w, err := s.writer()
		if err != nil {
			return err
		}
		queries := []query{{args[0], vault}}
		if args[0] == "-" {
			if queries, err = s.readQueries(vault); err != nil {
				return err
			}
		}
		for _, q := range queries {
			it, v, err := s.item(q.item, q.vault, false)
			if err != nil {
				return err
			}
			if !archive {
				err = w.Delete(s.ctx, v.ID, it.ID)
			} else if a, ok := s.provider.(archiver); ok {
				err = a.Archive(s.ctx, v.ID, it.ID)
			} else {
				err = fmt.Errorf("this provider cannot archive items: delete it, or archive it in 1Password")
			}
			if err != nil {
				return err
			}
		}
		return nil
	}}
	c.Flags().StringVar(&vault, "vault", "", "look for the item in this vault")
	c.Flags().BoolVar(&archive, "archive", false, "move the item to the archive")
	return c
}
