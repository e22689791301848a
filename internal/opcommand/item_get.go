package opcommand

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"rinca/internal/rinca"
)

type getFlags struct {
	vault, fields                    string
	reveal, otp, archived, shareLink bool
}

func newItemGet(s *session) *cobra.Command {
	var f getFlags
	c := &cobra.Command{
		Use: "get [{ <itemName> | <itemID> | <shareLink> | - }] [flags]", Short: "Get an item's details",
		Long: `Prints an item, or the fields that --fields names. Concealed fields are shown
with --reveal, and always with --format json.

With "-" the items that standard input names are printed one after the other:
it holds what "op item list --format json" prints, or a name a line.`,
		Example: `  op item get postgres.env --vault homelab --format json
  op item get postgres.env --fields label=POSTGRES_USER,label=POSTGRES_PASSWORD --reveal
  op item list --tags stack:authentik --format json | op item get -`,
		Args: exactArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			f.archived = f.archived || s.on("OP_INCLUDE_ARCHIVE")
			q := query{item: args[0], vault: f.vault, archived: f.archived}
			if args[0] != "-" {
				return s.get(q, f)
			}
			queries, err := s.readQueries(q)
			if err != nil {
				return err
			}
			return s.getAll(queries, f)
		},
	}
	flags := c.Flags()
	flags.StringVar(&f.vault, "vault", "", "Look for the item in this vault.")
	flags.StringVar(&f.fields, "fields", "", "Return data from specific fields. Use label= to get the field by name or type= to filter fields by type.")
	flags.BoolVar(&f.reveal, "reveal", false, "Don't conceal sensitive fields.")
	flags.BoolVar(&f.otp, "otp", false, "Output the primary one-time password for this item.")
	flags.BoolVar(&f.archived, "include-archive", false, "Include items in the Archive. Can also be set using OP_INCLUDE_ARCHIVE.")
	flags.BoolVar(&f.shareLink, "share-link", false, "Not supported: items have no link.")
	s.completeItems(c, &f.vault)
	return c
}

// readQueries reads the items that standard input names: a list as op item
// list prints it, objects one after the other, or a name a line. What the
// input does not say is taken from like.
func (s *session) readQueries(like query) ([]query, error) {
	data, _, err := s.readInput("-", "list of items")
	if err != nil {
		return nil, err
	}
	type entry struct {
		ID    string   `json:"id"`
		Title string   `json:"title"`
		Vault vaultRef `json:"vault"`
	}
	var entries []entry
	input := strings.TrimSpace(string(data))
	switch {
	case input == "":
		return nil, fail("expected data on stdin but none found")
	case input[0] == '[':
		err = json.Unmarshal([]byte(input), &entries)
	case input[0] == '{':
		for dec := json.NewDecoder(strings.NewReader(input)); dec.More() && err == nil; {
			var e entry
			err = dec.Decode(&e)
			entries = append(entries, e)
		}
	default:
		for line := range strings.Lines(input) {
			entries = append(entries, entry{ID: strings.TrimSpace(line)})
		}
	}
	if err != nil { // its text would quote the input
		return nil, fail("invalid JSON: expected a list of items, as `op item list --format json` prints it")
	}
	var out []query
	for _, e := range entries {
		q := like
		q.item = cmp.Or(e.ID, e.Title)
		q.vault = cmp.Or(like.vault, e.Vault.ID, e.Vault.Name)
		if q.item != "" {
			out = append(out, q)
		}
	}
	return out, nil
}

// getAll prints many items, one document after the other, and none if one of
// them is not there. Those that are named by id are fetched a vault at a time.
func (s *session) getAll(queries []query, f getFlags) error {
	items := make([]rinca.Item, len(queries))
	where := make([]rinca.Vault, len(queries))
	byVault := map[string][]int{}
	for i, q := range queries {
		if q.vault != "" && rinca.ValidID(q.item) {
			byVault[q.vault] = append(byVault[q.vault], i)
		}
	}
	for name, indexes := range byVault {
		v, err := s.vault(name)
		if err != nil {
			return err
		}
		ids := make([]string, len(indexes))
		for n, i := range indexes {
			ids[n] = queries[i].item
		}
		found, err := s.provider.Get(s.ctx, v.ID, ids...)
		if rinca.CodeOf(err) == rinca.NotFound {
			continue // one by one, to say in op's words which
		}
		if err != nil {
			return err
		}
		for n, i := range indexes {
			items[i], where[i] = found[n], v
		}
	}
	for i, q := range queries {
		if items[i].ID != "" && (q.archived || items[i].State == rinca.Active) {
			continue
		}
		var err error
		if items[i], where[i], err = s.item(q); err != nil {
			return err
		}
	}
	for i, it := range items {
		if err := s.print(it, where[i], f); err != nil {
			return err
		}
	}
	return nil
}

func (s *session) get(q query, f getFlags) error {
	it, v, err := s.item(q)
	if err != nil {
		return err
	}
	return s.print(it, v, f)
}

// print prints what the flags ask of an item.
func (s *session) print(it rinca.Item, v rinca.Vault, f getFlags) error {
	switch {
	case f.shareLink:
		return fail("items have no private link here")
	case f.otp:
		return s.printOTP(it, v)
	case f.fields != "":
		return s.printFields(it, v, f)
	}
	return s.printItem(it, v, f.reveal)
}

func (s *session) printOTP(it rinca.Item, v rinca.Vault) error {
	for _, field := range it.Fields {
		if field.Type != rinca.TypeOTP {
			continue
		}
		if code := s.otp(field); code.IsSet() {
			if s.json() {
				return s.printJSON(s.fieldJSON(it, v, field))
			}
			_, err := fmt.Fprintln(s.Stdout, code.Reveal())
			return err
		}
	}
	return fail("item %q doesn't have a one-time password", it.Title)
}

// printItem prints an item. Values are concealed for people unless reveal is
// set; programs get them in any case.
func (s *session) printItem(it rinca.Item, v rinca.Vault, reveal bool) error {
	if s.json() {
		return s.printJSON(s.itemJSON(it, v))
	}
	err := s.pairs(
		"ID", it.ID, "Title", it.Title, "Vault", v.Name+" ("+v.ID+")", "Created", s.ago(it.CreatedAt), "Updated", s.ago(it.UpdatedAt),
		"Favorite", fmt.Sprint(it.Favorite), "Tags", strings.Join(it.Tags, ","), "Version", fmt.Sprint(it.Version), "Category", string(it.Category),
	)
	if err != nil {
		return err
	}
	var fields, urls, files [][]string
	for _, f := range it.Fields {
		if f.Value.IsEmpty() {
			continue
		}
		name := cmp.Or(f.Label, f.ID)
		if sec := sectionOf(it, f.SectionID); sec != nil && sec.Label != "" {
			name = sec.Label + "." + name
		}
		fields = append(fields, []string{"  " + name + ":", shown(it, f, reveal)})
	}
	for _, u := range it.URLs {
		primary := ""
		if u.Primary {
			primary = " (primary)"
		}
		urls = append(urls, []string{"  " + cmp.Or(u.Label, "website") + ":", u.Href + primary})
	}
	for _, f := range it.Files {
		files = append(files, []string{"  " + f.Name + ":", fmt.Sprintf("%d bytes", f.Size)})
	}
	for _, part := range []struct {
		heading string
		rows    [][]string
	}{{"Fields:\n", fields}, {"URLs:\n", urls}, {"Files:\n", files}} {
		if len(part.rows) == 0 {
			continue
		}
		if _, err := io.WriteString(s.Stdout, part.heading); err != nil {
			return err
		}
		if err := columns(s.Stdout, part.rows); err != nil {
			return err
		}
	}
	return nil
}

// shown is a value as people see it.
func shown(it rinca.Item, f rinca.Field, reveal bool) string {
	secret := slices.Contains([]rinca.FieldType{rinca.TypeConcealed, rinca.TypeOTP, rinca.TypeSSHKey, rinca.TypeCreditCardNumber}, f.Type)
	if secret && !reveal && !f.Value.IsEmpty() {
		return fmt.Sprintf("[use 'op item get %s --reveal' to reveal]", it.ID)
	}
	return plainValue(f).Reveal()
}
