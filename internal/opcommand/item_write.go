package opcommand

import (
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"rinca/internal/rinca"
)

// writeFlags are those of item create and item edit.
type writeFlags struct {
	vault, title, tags, template, url, password string
	favorite, dryRun, reveal                    bool

	changed func(flag string) bool // was it given?
}

func (f *writeFlags) add(c *cobra.Command) {
	flags := c.Flags()
	flags.StringVar(&f.vault, "vault", "", "Use this vault. Default: the only one there is.")
	flags.StringVar(&f.title, "title", "", "Set the item's title.")
	flags.StringVar(&f.tags, "tags", "", "Set the tags to the specified (comma-separated) values. An empty value removes all tags.")
	flags.StringVar(&f.template, "template", "", "Specify the filepath to read an item template from.")
	flags.StringVar(&f.url, "url", "", "Set the website where 1Password suggests and fills the item.")
	flags.BoolVar(&f.favorite, "favorite", false, "Whether the item is a favorite item.")
	flags.BoolVar(&f.dryRun, "dry-run", false, "Perform a dry run of the command and output a preview of the resulting item.")
	flags.BoolVar(&f.reveal, "reveal", false, "Don't conceal sensitive fields.")
	flags.StringVar(&f.password, "generate-password", "", "Give the item a randomly generated password. `recipe`: letters,digits,symbols,32")
	flags.Lookup("generate-password").NoOptDefVal = "letters,digits,symbols,32"
	f.changed = flags.Changed
}

// apply changes an item as the flags say.
func (f *writeFlags) apply(it *rinca.Item) error {
	if f.changed("title") {
		it.Title = f.title
	}
	if f.changed("tags") {
		it.Tags = splitTags(f.tags)
	}
	if f.changed("favorite") {
		it.Favorite = f.favorite
	}
	if f.changed("url") {
		it.URLs = slices.DeleteFunc(slices.Clone(it.URLs), func(u rinca.URL) bool { return u.Primary })
		if f.url != "" {
			it.URLs = append([]rinca.URL{{Primary: true, Href: f.url}}, it.URLs...)
		}
	}
	if f.password != "" {
		return generatePassword(it, f.password)
	}
	return nil
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

func newItemCreate(s *session) *cobra.Command {
	var f writeFlags
	var category, ssh string
	c := &cobra.Command{
		Use: "create [ - ] [ <assignment>... ] [flags]", Short: "Create an item",
		Long: `Creates an item from assignment statements, from a JSON template, or from both.

An assignment is [<section>.]<field>[[<fieldType>]]=<value>, for example
POSTGRES_USER[text]=admin. Without a field type the field is concealed. Other
processes can see the arguments of a command: give values that must stay secret
in a template, with --template or on standard input.`,
		Example: `  op item create --category "Secure Note" --title postgres.env --vault homelab --tags stack:web POSTGRES_USER[text]=admin
  op item get postgres.env --format json | op item create --vault homelab -`,
		RunE: func(_ *cobra.Command, args []string) error { return s.create(f, category, ssh, args) },
	}
	f.add(c)
	c.Flags().StringVar(&category, "category", "", "Set the item's category.")
	c.Flags().StringVar(&ssh, "ssh-generate-key", "", "The `type` of SSH key to create: Ed25519 or RSA. For RSA, specify 2048, 3072 or 4096 (default) bits.")
	c.Flags().Lookup("ssh-generate-key").NoOptDefVal = "ed25519"
	s.completeVaults(c)
	return c
}

func (s *session) create(f writeFlags, name, ssh string, args []string) error {
	statements, it, err := s.input(f, args, ssh == "" && (name == "" || f.password == ""))
	if err != nil {
		return err
	}
	if name == "" && ssh != "" {
		name = "SSH Key"
	}
	switch {
	case name != "":
		c, err := needCategory(name)
		if err != nil {
			return err
		}
		if it == nil {
			fresh := c.item()
			it = &fresh
		}
		it.Category = c.id
	case it == nil || it.Category == "":
		return fail("no item category specified. Use --category, or run `op item template list` for a list of them.")
	}
	if it.Category == rinca.CategoryDocument {
		return fail("creating documents with `op item create` isn't supported. Use `op document create` instead.")
	}
	v, err := s.vaultForNew(f.vault, it.VaultID)
	if err != nil {
		return err
	}
	it.ID, it.Version, it.VaultID = "", 0, v.ID
	if err := f.apply(it); err != nil {
		return err
	}
	if ssh != "" {
		if err := generateSSHKey(it, ssh); err != nil {
			return err
		}
	}
	if err := apply(it, statements, true); err != nil {
		return err
	}
	if it.Title == "" {
		c, _ := findCategory(string(it.Category))
		it.Title = "Untitled " + c.name + " item"
	}
	return s.store(*it, v, f, rinca.Writer.Create)
}

// input is what the arguments and the template say: statements, and the item
// that a template describes. Everything is read and checked before the vault
// is asked for anything.
func (s *session) input(f writeFlags, args []string, piped bool) ([]assignment, *rinca.Item, error) {
	data, args, err := s.readTemplate(f, args, piped)
	if err != nil {
		return nil, nil, err
	}
	statements, err := parseAssignments(args)
	if err != nil {
		return nil, nil, err
	}
	if err := s.readFiles(statements); err != nil {
		return nil, nil, err
	}
	if len(data) == 0 {
		return statements, nil, nil
	}
	it, err := parseTemplate(data)
	return statements, it, err
}

// vaultForNew chooses the vault of a new item: the one that is named, else
// the one of the template, else the only one.
func (s *session) vaultForNew(named, template string) (rinca.Vault, error) {
	if named != "" {
		return s.vault(named)
	}
	vaults, err := s.allVaults()
	if err != nil {
		return rinca.Vault{}, err
	}
	for _, v := range vaults {
		if v.ID == template || (v.Name == template && template != "") {
			return v, nil
		}
	}
	if len(vaults) == 1 {
		return vaults[0], nil
	}
	return rinca.Vault{}, fail("a vault query must be provided when there are several vaults. Use --vault.")
}

func newItemEdit(s *session) *cobra.Command {
	var f writeFlags
	c := &cobra.Command{
		Use: "edit { <itemName> | <itemID> | <shareLink> } [ <assignment> ... ] [flags]", Short: "Edit an item's details",
		Long: `Changes an item: all changes of one call are one write, and one new version.

An assignment sets a field, which is made if there is none of that name.
<field>[delete] removes it, <field>[<fieldType>] changes its type. --tags
replaces all tags. A JSON template, with --template or on standard input,
replaces all fields, sections and tags: what it leaves out is lost.`,
		Example: `  op item edit authentik.env --vault homelab AUTHENTIK_SECRET_KEY=new-key
  op item edit authentik.env OLD[delete] --tags stack:authentik,db`,
		Args: minArgs(1),
		RunE: func(_ *cobra.Command, args []string) error { return s.edit(f, args[0], args[1:]) },
	}
	f.add(c)
	s.completeItems(c, &f.vault)
	return c
}

// edit changes an item. Should somebody else change it meanwhile, the change
// is made again to what they wrote, so that neither is lost.
func (s *session) edit(f writeFlags, name string, args []string) error {
	flags := slices.ContainsFunc([]string{"title", "tags", "url", "favorite", "generate-password"}, f.changed)
	statements, template, err := s.input(f, args, !flags)
	if err != nil {
		return err
	}
	for try := 1; ; try++ {
		it, v, err := s.item(query{item: name, vault: f.vault})
		if err != nil {
			return err
		}
		if len(statements) == 0 && template == nil && !flags {
			return s.printItem(it, v, f.reveal)
		}
		if template != nil {
			replaceBy(&it, template)
		}
		it.Fields = slices.Clone(it.Fields)
		if err := f.apply(&it); err != nil {
			return err
		}
		if err := apply(&it, statements, false); err != nil {
			return err
		}
		err = s.store(it, v, f, rinca.Writer.Update)
		if rinca.CodeOf(err) != rinca.Conflict || try == 5 {
			return err
		}
	}
}

// replaceBy takes over what a template has: all that it leaves out is lost.
func replaceBy(it, template *rinca.Item) {
	it.Fields, it.Sections, it.URLs = template.Fields, template.Sections, template.URLs
	it.Tags, it.Favorite = template.Tags, template.Favorite
	if template.Title != "" {
		it.Title = template.Title
	}
}
