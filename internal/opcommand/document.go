package opcommand

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"rinca/internal/rinca"
)

func newDocument(s *session) *cobra.Command {
	return group("document", "Create, get or list documents", newDocumentCreate(s), newDocumentGet(s), newDocumentList(s))
}

func newDocumentCreate(s *session) *cobra.Command {
	var f writeFlags
	var fileName string
	c := &cobra.Command{Use: "create [{ <file> | - }] [flags]", Short: "Create a document item", Args: cobra.ExactArgs(1), RunE: func(_ *cobra.Command, args []string) error {
		data, name, err := s.document(args[0])
		if err != nil {
			return err
		}
		if fileName != "" {
			name = fileName
		}
		if f.title == "" {
			f.title = name
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
		it.Title, it.VaultID, it.Tags = f.title, v.ID, splitTags(f.tags)
		it.Files = []rinca.File{{Name: name, Size: int64(len(data)), Content: rinca.NewSecret(string(data))}}
		made, err := w.Create(s.ctx, it)
		if err != nil {
			return err
		}
		return s.print(struct {
			UUID      string    `json:"uuid"`
			CreatedAt time.Time `json:"createdAt"`
			UpdatedAt time.Time `json:"updatedAt"`
			VaultUUID string    `json:"vaultUuid"`
		}{made.ID, made.CreatedAt, made.UpdatedAt, v.ID})
	}}
	c.Flags().StringVar(&f.vault, "vault", "", "save the document in this vault")
	c.Flags().StringVar(&f.title, "title", "", "set the document item's title")
	c.Flags().StringVar(&f.tags, "tags", "", "set the tags to the specified (comma-separated) values")
	c.Flags().StringVar(&fileName, "file-name", "", "set the file's name")
	return c
}

func (s *session) document(path string) (data []byte, name string, err error) {
	if path == "-" || path == "/dev/stdin" {
		data, err = io.ReadAll(io.LimitReader(s.Stdin, 64<<20))
		name = "document"
	} else {
		data, err = os.ReadFile(path)
		name = filepath.Base(path)
	}
	if err != nil {
		return nil, "", fmt.Errorf("read the document: %w", err)
	}
	return data, name, nil
}

func newDocumentGet(s *session) *cobra.Command {
	var out outFlags
	var vault string
	var archived bool
	c := &cobra.Command{Use: "get { <itemName> | <itemID> } [flags]", Short: "Download a document", Args: cobra.ExactArgs(1), RunE: func(_ *cobra.Command, args []string) error {
		it, v, err := s.item(args[0], vault, archived)
		if err != nil {
			return err
		}
		if len(it.Files) == 0 {
			return errors.New("the item has no document")
		}
		content, err := s.provider.ReadFile(s.ctx, v.ID, it.ID, it.Files[0].ID)
		if err != nil {
			return err
		}
		return s.write(out, content)
	}}
	out.add(c, "out-file")
	c.Flags().StringVar(&out.file, "output", "", "write to a file instead of stdout")
	c.Flags().StringVar(&vault, "vault", "", "look for the document in this vault")
	c.Flags().BoolVar(&archived, "include-archive", false, "include document items in the archive")
	return c
}

func newDocumentList(s *session) *cobra.Command {
	var vault string
	var archived bool
	c := &cobra.Command{Use: "list [flags]", Aliases: []string{"ls"}, Short: "List documents", Args: cobra.NoArgs, RunE: func(*cobra.Command, []string) error {
		vaults, err := s.scope(vault)
		if err != nil {
			return err
		}
		out := []itemJSON{}
		for _, v := range vaults {
			infos, err := s.infos(v, archived)
			if err != nil {
				return err
			}
			for _, i := range infos {
				if i.Category == rinca.CategoryDocument {
					out = append(out, infoJSON(i, v))
				}
			}
		}
		return s.printList(out, false)
	}}
	c.Flags().StringVar(&vault, "vault", "", "only list documents in this vault")
	c.Flags().BoolVar(&archived, "include-archive", false, "include document items in the archive")
	return c
}
