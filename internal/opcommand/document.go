package opcommand

import (
	"cmp"
	"path/filepath"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"rinca/internal/rinca"
)

func newDocument(s *session) *cobra.Command {
	return group("document", "Perform CRUD operations on Document items in your vaults",
		newDocumentCreate(s), newDocumentDelete(s), newDocumentEdit(s), newDocumentGet(s), newDocumentList(s))
}

// documentFlags are those of document create and document edit.
type documentFlags struct {
	vault, title, tags, fileName string
	changed                      func(flag string) bool
}

func (f *documentFlags) add(c *cobra.Command) {
	c.Flags().StringVar(&f.vault, "vault", "", "Use this vault. Default: the only one there is.")
	c.Flags().StringVar(&f.title, "title", "", "Set the document item's title.")
	c.Flags().StringVar(&f.tags, "tags", "", "Set the tags to the specified (comma-separated) values.")
	c.Flags().StringVar(&f.fileName, "file-name", "", "Set the file's name.")
	f.changed = c.Flags().Changed
}

// document reads the content of a document, and says what its file is called.
func (s *session) document(path string, f documentFlags) (rinca.File, error) {
	data, name, err := s.readInput(path, "document")
	if err != nil {
		return rinca.File{}, err
	}
	return rinca.File{Name: cmp.Or(f.fileName, filepath.Base(name)), Size: int64(len(data)), Content: rinca.NewSecret(string(data))}, nil
}

func newDocumentCreate(s *session) *cobra.Command {
	var f documentFlags
	c := &cobra.Command{
		Use: "create [{ <file> | - }] [flags]", Short: "Create a document item",
		Example: `  op document create ca.pem --vault homelab --title ca
  pg_dump | op document create - --title dump --file-name dump.sql`,
		Args: maxArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			return s.createDocument(slices.Concat(args, []string{""})[0], f)
		},
	}
	f.add(c)
	s.completeVaults(c)
	return c
}

func (s *session) createDocument(path string, f documentFlags) error {
	file, err := s.document(path, f)
	if err != nil {
		return err
	}
	v, err := s.vaultForNew(f.vault, "")
	if err != nil {
		return err
	}
	w, err := s.writer()
	if err != nil {
		return err
	}
	c, _ := findCategory("Document")
	it := c.item()
	it.Title, it.VaultID, it.Tags, it.Files = f.title, v.ID, splitTags(f.tags), []rinca.File{file}
	if it.Title == "" {
		it.Title = file.Name
	}
	made, err := w.Create(s.ctx, it)
	if err != nil {
		return err
	}
	return s.printJSON(struct {
		UUID      string    `json:"uuid"`
		CreatedAt time.Time `json:"createdAt"`
		UpdatedAt time.Time `json:"updatedAt"`
		VaultUUID string    `json:"vaultUuid"`
	}{made.ID, made.CreatedAt, made.UpdatedAt, v.ID})
}

func newDocumentEdit(s *session) *cobra.Command {
	var f documentFlags
	c := &cobra.Command{
		Use: "edit { <itemName> | <itemID> } [{ <file> | - }] [flags]", Short: "Edit a document item",
		Args: checked(cobra.RangeArgs(1, 2)),
		RunE: func(_ *cobra.Command, args []string) error { return s.editDocument(args, f) },
	}
	f.add(c)
	s.completeItems(c, &f.vault)
	return c
}

// editDocument replaces the content by a file, or by what standard input
// holds, and prints nothing. Without either the flags alone count.
func (s *session) editDocument(args []string, f documentFlags) error {
	args = append(args, "")[:2]
	given := args[1] != "" && args[1] != "-"
	var file rinca.File
	var err error
	if given || args[1] == "-" || s.piped() {
		if file, err = s.document(args[1], f); err != nil {
			return err
		}
	}
	it, _, err := s.item(query{item: args[0], vault: f.vault})
	if err != nil {
		return err
	}
	if len(it.Files) == 0 {
		return notDocument(it)
	}
	it.Files = slices.Clone(it.Files)
	name := cmp.Or(f.fileName, it.Files[0].Name)
	if given {
		name = file.Name
	}
	if given || args[1] == "-" || file.Size > 0 {
		it.Files[0] = file
	}
	it.Files[0].Name = name
	it.Title = cmp.Or(f.title, it.Title)
	if f.changed("tags") {
		it.Tags = splitTags(f.tags)
	}
	w, err := s.writer()
	if err != nil {
		return err
	}
	_, err = w.Update(s.ctx, it)
	return err
}

func notDocument(it rinca.Item) error { return fail("%q isn't a document: it has no file", it.Title) }

func newDocumentDelete(s *session) *cobra.Command {
	c := newItemDelete(s)
	c.Use, c.Short = "delete [{ <itemName> | <itemID> | - }] [flags]", "Delete or archive a document item"
	return c
}

func newDocumentGet(s *session) *cobra.Command {
	var out outFlags
	var vault string
	var archived bool
	c := &cobra.Command{
		Use: "get { <itemName> | <itemID> } [flags]", Short: "Download a document",
		Args: exactArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			if _, err := out.check(); err != nil {
				return err
			}
			it, v, err := s.item(query{args[0], vault, archived || s.on("OP_INCLUDE_ARCHIVE")})
			if err != nil {
				return err
			}
			if len(it.Files) == 0 {
				return notDocument(it)
			}
			content, err := s.provider.ReadFile(s.ctx, v.ID, it.ID, it.Files[0].ID)
			if err != nil {
				return err
			}
			return s.write(out, content)
		},
	}
	out.add(c)
	c.Flags().StringVar(&out.file, "output", "", "Save the document to the file path instead of stdout.")
	c.Flags().StringVar(&vault, "vault", "", "Look for the document in this vault.")
	c.Flags().BoolVar(&archived, "include-archive", false, "Include document items in the Archive. Can also be set using OP_INCLUDE_ARCHIVE.")
	s.completeItems(c, &vault)
	return c
}

func newDocumentList(s *session) *cobra.Command {
	f := listFlags{categories: []string{"Document"}}
	c := &cobra.Command{Use: "list [flags]", Aliases: []string{"ls"}, Short: "Get a list of documents", Args: noArgs, RunE: func(*cobra.Command, []string) error {
		return s.list(f)
	}}
	c.Flags().StringVar(&f.vault, "vault", "", "Only list documents in this vault.")
	c.Flags().BoolVar(&f.archived, "include-archive", false, "Include document items in the Archive. Can also be set using OP_INCLUDE_ARCHIVE.")
	s.completeVaults(c)
	return c
}
