package opcommand

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"rinca/internal/generate"
	"rinca/internal/rinca"
)

type writeFlags struct {
	vault, category, title, tags, template, url, generatePassword string
	favorite, dryRun, reveal                                      bool
}

func (f *writeFlags) add(c *cobra.Command) {
	flags := c.Flags()
	flags.StringVar(&f.vault, "vault", "", "the vault of the item")
	flags.StringVar(&f.title, "title", "", "set the item's title")
	flags.StringVar(&f.tags, "tags", "", "set the tags to the specified (comma-separated) values")
	flags.StringVar(&f.template, "template", "", "the path of a JSON template")
	flags.StringVar(&f.url, "url", "", "the web address of the item")
	flags.BoolVar(&f.favorite, "favorite", false, "whether the item is a favorite")
	flags.BoolVar(&f.dryRun, "dry-run", false, "print the item as it would be, and change nothing")
	flags.BoolVar(&f.reveal, "reveal", false, "don't conceal sensitive fields")
	flags.StringVar(&f.generatePassword, "generate-password", "", "give the item a random password: letters,digits,symbols,32")
	flags.Lookup("generate-password").NoOptDefVal = "letters,digits,symbols,32"
}

func newItemCreate(s *session) *cobra.Command {
	var f writeFlags
	c := &cobra.Command{Use: "create [ - ] [ <assignment>... ] [flags]", Short: "Create an item", RunE: func(_ *cobra.Command, args []string) error {
		return s.create(f, args)
	}}
	f.add(c)
	c.Flags().StringVar(&f.category, "category", "", "the category of the item")
	return c
}

func (s *session) create(f writeFlags, args []string) error {
	it, args, err := s.template(f, args)
	if err != nil {
		return err
	}
	statements, err := parseAssignments(args)
	if err != nil {
		return err
	}
	if f.category != "" || it == nil {
		if f.category == "" {
			return errors.New("a category is needed: use --category, see op item template list")
		}
		cat, ok := findCategory(f.category)
		if !ok {
			return fmt.Errorf("%q is not a category: see op item template list", f.category)
		}
		if cat.id == rinca.CategoryDocument {
			return errors.New("use `op document create` to create a document")
		}
		if it == nil {
			fresh := cat.item()
			it = &fresh
		}
		it.Category = cat.id
	}
	v, err := s.vaultForNew(f.vault, it.VaultID)
	if err != nil {
		return err
	}
	it.ID, it.Version, it.VaultID = "", 0, v.ID
	if err := s.change(it, f, statements, true); err != nil {
		return err
	}
	if it.Title == "" {
		cat, _ := findCategory(string(it.Category))
		it.Title = "Untitled " + cat.name
	}
	return s.store(*it, v, f, rinca.Writer.Create)
}

// vaultForNew chooses the vault of a new item: the one that is named, else
// the one of the template, else the only one.
func (s *session) vaultForNew(named, template string) (rinca.Vault, error) {
	if named != "" {
		return s.vault(named)
	}
	if template != "" {
		return s.vault(template)
	}
	vaults, err := s.allVaults()
	if err != nil {
		return rinca.Vault{}, err
	}
	if len(vaults) == 1 {
		return vaults[0], nil
	}
	return rinca.Vault{}, errors.New("a vault query must be provided")
}

func (s *session) store(it rinca.Item, v rinca.Vault, f writeFlags, put func(rinca.Writer, context.Context, rinca.Item) (rinca.Item, error)) error {
	it.AdditionalInfo = ""
	for _, field := range it.Fields {
		if field.Purpose == rinca.PurposeUsername {
			it.AdditionalInfo = field.Value.Reveal()
		}
	}
	if f.dryRun {
		return s.printItem(it, v, f.reveal)
	}
	w, err := s.writer()
	if err != nil {
		return err
	}
	made, err := put(w, s.ctx, it)
	if err != nil {
		return err
	}
	return s.printItem(made, v, f.reveal)
}

// change applies flags and statements to an item.
func (s *session) change(it *rinca.Item, f writeFlags, statements []assignment, creating bool) error {
	if f.title != "" {
		it.Title = f.title
	}
	if f.url != "" {
		it.URLs = []rinca.URL{{Label: "website", Primary: true, Href: f.url}}
	}
	if f.favorite {
		it.Favorite = true
	}
	if f.tags != "" {
		it.Tags = splitTags(f.tags)
	}
	if f.generatePassword != "" {
		if err := generatePassword(it, f.generatePassword); err != nil {
			return err
		}
	}
	return apply(it, statements, creating)
}

func splitTags(list string) []string {
	var tags []string
	for t := range strings.SplitSeq(list, ",") {
		if t = strings.TrimSpace(t); t != "" && !slices.Contains(tags, t) {
			tags = append(tags, t)
		}
	}
	return tags
}

// generatePassword fills the password field by a recipe such as
// "letters,digits,symbols,32".
func generatePassword(it *rinca.Item, recipe string) error {
	r := generate.Recipe{Length: 32}
	for part := range strings.SplitSeq(recipe, ",") {
		switch part = strings.TrimSpace(part); part {
		case "letters":
			r.Letters = true
		case "digits":
			r.Digits = true
		case "symbols":
			r.Symbols = true
		default:
			n, err := strconv.Atoi(part)
			if err != nil || n < 1 || n > 64 {
				return fmt.Errorf("%q is not a recipe for a password: use letters, digits, symbols and a length from 1 to 64", recipe)
			}
			r.Length = n
		}
	}
	for i := range it.Fields {
		if it.Fields[i].Purpose == rinca.PurposePassword || (it.Fields[i].ID == "password" && it.Fields[i].Type == rinca.TypeConcealed) {
			value, err := generate.Password(r)
			if err != nil {
				return err
			}
			it.Fields[i].Value = value
			return nil
		}
	}
	return errors.New("only Login and Password items can be given a generated password")
}

func newItemEdit(s *session) *cobra.Command {
	var f writeFlags
	c := &cobra.Command{Use: "edit { <itemName> | <itemID> | <shareLink> } [ <assignment> ... ] [flags]", Short: "Edit an item's details", Args: cobra.MinimumNArgs(1)}
	f.add(c)
	c.RunE = func(c *cobra.Command, args []string) error {
		old, v, err := s.item(args[0], f.vault, false)
		if err != nil {
			return err
		}
		template, rest, err := s.template(f, args[1:])
		if err != nil {
			return err
		}
		statements, err := parseAssignments(rest)
		if err != nil {
			return err
		}
		it := old
		if template != nil { // what the template leaves out is lost
			it.Fields, it.Sections, it.URLs, it.Tags, it.Favorite = template.Fields, template.Sections, template.URLs, template.Tags, template.Favorite
			if template.Title != "" {
				it.Title = template.Title
			}
		}
		if c.Flags().Changed("tags") && f.tags == "" {
			it.Tags = nil
		}
		if c.Flags().Changed("favorite") {
			it.Favorite = f.favorite
		}
		it.Fields = slices.Clone(it.Fields)
		if err := s.change(&it, f, statements, false); err != nil {
			return err
		}
		return s.store(it, v, f, rinca.Writer.Update)
	}
	return c
}

// template reads the item that a JSON template describes: from --template,
// from standard input when an argument is "-", and from standard input when
// there is nothing else to say what is wanted. nil when there is none.
func (s *session) template(f writeFlags, args []string) (*rinca.Item, []string, error) {
	var data []byte
	var err error
	switch i := slices.Index(args, "-"); {
	case f.template != "":
		data, err = os.ReadFile(f.template)
	case i >= 0:
		args = slices.Delete(slices.Clone(args), i, i+1)
		data, err = io.ReadAll(io.LimitReader(s.Stdin, 64<<20))
		if err == nil && len(strings.TrimSpace(string(data))) == 0 {
			return nil, nil, errors.New("expected data on stdin but none found")
		}
	case len(args) == 0 && !s.Terminal && s.Stdin != nil && f.generatePassword == "" && f.title == "" && f.tags == "" && f.url == "":
		data, err = io.ReadAll(io.LimitReader(s.Stdin, 64<<20))
	}
	if err != nil {
		return nil, nil, fmt.Errorf("read the template: %w", err)
	}
	if len(strings.TrimSpace(string(data))) == 0 {
		return nil, args, nil
	}
	it, err := parseTemplate(data)
	return it, args, err
}

func parseTemplate(data []byte) (*rinca.Item, error) {
	var t struct {
		Title    string `json:"title"`
		Category string `json:"category"`
		Vault    struct {
			ID   string `json:"id"`
			Name string `json:"name"`
		} `json:"vault"`
		Tags     []string      `json:"tags"`
		Favorite bool          `json:"favorite"`
		URLs     []urlJSON     `json:"urls"`
		Sections []sectionJSON `json:"sections"`
		Fields   []struct {
			ID      string       `json:"id"`
			Section *sectionJSON `json:"section"`
			Type    string       `json:"type"`
			Purpose string       `json:"purpose"`
			Label   string       `json:"label"`
			Value   *string      `json:"value"`
		} `json:"fields"`
	}
	if json.Unmarshal(data, &t) != nil { // its error would quote a value
		return nil, errors.New("the item template is not valid JSON: see op item template get")
	}
	it := &rinca.Item{Info: rinca.Info{Title: t.Title, Tags: t.Tags, Favorite: t.Favorite, VaultID: t.Vault.ID}}
	if it.VaultID == "" {
		it.VaultID = t.Vault.Name
	}
	if t.Category != "" {
		c, ok := findCategory(t.Category)
		if !ok {
			return nil, fmt.Errorf("%q is not a category: see op item template list", t.Category)
		}
		it.Category = c.id
	}
	for _, u := range t.URLs {
		it.URLs = append(it.URLs, rinca.URL(u))
	}
	for _, sec := range t.Sections {
		it.Sections = append(it.Sections, rinca.Section(sec))
	}
	for _, f := range t.Fields {
		field := rinca.Field{ID: f.ID, Type: rinca.FieldType(strings.ToUpper(f.Type)), Purpose: rinca.Purpose(f.Purpose), Label: f.Label}
		if field.Type == "" {
			field.Type = rinca.TypeString
		}
		if field.ID == "" {
			field.ID = randomID()
		}
		if f.Section != nil && (f.Section.ID != "" || f.Section.Label != "") {
			field.SectionID = templateSection(it, *f.Section)
		}
		if f.Value != nil && *f.Value != "" {
			field.Value = rinca.NewSecret(*f.Value)
		}
		it.Fields = append(it.Fields, field)
	}
	return it, nil
}

func templateSection(it *rinca.Item, sec sectionJSON) string {
	for _, known := range it.Sections {
		if known.ID == sec.ID || (sec.ID == "" && known.Label == sec.Label) {
			return known.ID
		}
	}
	if sec.ID == "" {
		sec.ID = "Section_" + strings.ToUpper(randomID())
	}
	it.Sections = append(it.Sections, rinca.Section(sec))
	return sec.ID
}
