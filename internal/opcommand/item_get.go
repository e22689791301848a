package opcommand

import (
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"rinca/internal/rinca"
)

type getFlags struct {
	vault, fields         string
	reveal, otp, archived bool
	shareLink             bool
}

func newItemGet(s *session) *cobra.Command {
	var f getFlags
	c := &cobra.Command{Use: "get [{ <itemName> | <itemID> | <shareLink> | - }] [flags]", Short: "Get an item's details", Args: cobra.ExactArgs(1), RunE: func(_ *cobra.Command, args []string) error {
		if args[0] != "-" {
			return s.get(query{args[0], f.vault}, f)
		}
		queries, err := s.readQueries(f.vault)
		if err != nil {
			return err
		}
		return s.getAll(queries, f)
	}}
	flags := c.Flags()
	flags.StringVar(&f.vault, "vault", "", "look for the item in this vault")
	flags.StringVar(&f.fields, "fields", "", "return data from specific fields: label=a,type=b or names")
	flags.BoolVar(&f.reveal, "reveal", false, "don't conceal sensitive fields")
	flags.BoolVar(&f.otp, "otp", false, "output the primary one-time password")
	flags.BoolVar(&f.archived, "include-archive", false, "include items in the archive")
	flags.BoolVar(&f.shareLink, "share-link", false, "not supported: there is no sharing")
	return c
}

// A query names an item, and perhaps the vault to look in.
type query struct{ item, vault string }

// readQueries reads the items that op is given on standard input: a list as
// op item list prints it, objects one after the other, or a name a line.
func (s *session) readQueries(vault string) ([]query, error) {
	data, err := io.ReadAll(io.LimitReader(s.Stdin, 64<<20))
	if err != nil {
		return nil, fmt.Errorf("read standard input: %w", err)
	}
	input := strings.TrimSpace(string(data))
	if input == "" {
		return nil, errors.New("expected data on stdin but none found")
	}
	type entry struct {
		ID    string   `json:"id"`
		Title string   `json:"title"`
		Vault vaultRef `json:"vault"`
	}
	var entries []entry
	if input[0] == '[' {
		if json.Unmarshal([]byte(input), &entries) != nil {
			return nil, errors.New("the input is not a list of items")
		}
	} else if input[0] == '{' {
		for dec := json.NewDecoder(strings.NewReader(input)); dec.More(); {
			var e entry
			if dec.Decode(&e) != nil {
				return nil, errors.New("the input is not a list of items")
			}
			entries = append(entries, e)
		}
	} else {
		for line := range strings.Lines(input) {
			entries = append(entries, entry{ID: strings.TrimSpace(line)})
		}
	}
	var out []query
	for _, e := range entries {
		q := query{e.ID, vault}
		if q.item == "" {
			q.item = e.Title
		}
		if q.vault == "" {
			q.vault = e.Vault.ID
		}
		out = append(out, q)
	}
	return out, nil
}

// getAll prints many items, one document after the other. Those that are
// named by id, in one vault, are fetched in one call.
func (s *session) getAll(queries []query, f getFlags) error {
	same := len(queries) > 0 && f.fields == "" && !f.otp
	var ids []string
	for _, q := range queries {
		same = same && q.vault == queries[0].vault && q.vault != "" && rinca.ValidID(q.item)
		ids = append(ids, q.item)
	}
	if !same {
		for _, q := range queries {
			if err := s.get(q, f); err != nil {
				return err
			}
		}
		return nil
	}
	v, err := s.vault(queries[0].vault)
	if err != nil {
		return err
	}
	items, err := s.provider.Get(s.ctx, v.ID, ids...)
	if rinca.CodeOf(err) == rinca.NotFound { // which one? in op's words
		for _, q := range queries {
			if _, _, err := s.item(q.item, q.vault, f.archived); err != nil {
				return err
			}
		}
	}
	if err != nil {
		return err
	}
	for _, it := range items {
		if err := s.printItem(it, v, f.reveal); err != nil {
			return err
		}
	}
	return nil
}

func (s *session) get(q query, f getFlags) error {
	if f.shareLink {
		return errors.New("sharing links are not supported")
	}
	it, v, err := s.item(q.item, q.vault, f.archived)
	if err != nil {
		return err
	}
	switch {
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
				return s.print(s.fieldJSON(it, v, field))
			}
			_, err := fmt.Fprintln(s.Stdout, code.Reveal())
			return err
		}
	}
	return fmt.Errorf("item %s does not have a one-time password", it.ID)
}

func (s *session) printItem(it rinca.Item, v rinca.Vault, reveal bool) error {
	if s.json() {
		return s.print(s.itemJSON(it, v))
	}
	pairs := []string{
		"ID", it.ID, "Title", it.Title, "Vault", v.Name + " (" + v.ID + ")", "Created", s.ago(it.CreatedAt), "Updated", s.ago(it.UpdatedAt),
		"Favorite", fmt.Sprint(it.Favorite), "Tags", strings.Join(it.Tags, ","), "Version", fmt.Sprint(it.Version), "Category", string(it.Category),
	}
	if err := s.pairs(pairs...); err != nil {
		return err
	}
	t := table{s.Stdout, []string{"Fields:", ""}, nil}
	for _, f := range it.Fields {
		if f.Value.IsEmpty() {
			continue
		}
		name := f.Label
		if sec := sectionOf(it, f.SectionID); sec != nil && sec.Label != "" {
			name = sec.Label + "." + name
		}
		t.row("  "+name+":", shown(it, f, reveal))
	}
	if err := t.print(); err != nil {
		return err
	}
	files := table{s.Stdout, []string{"Files:", ""}, nil}
	for _, f := range it.Files {
		files.row("  "+f.Name+":", fmt.Sprintf("%d bytes", f.Size))
	}
	return files.print()
}

// shown is a value as the human output has it.
func shown(it rinca.Item, f rinca.Field, reveal bool) string {
	hide := slices.Contains([]rinca.FieldType{rinca.TypeConcealed, rinca.TypeOTP, rinca.TypeSSHKey, rinca.TypeCreditCardNumber}, f.Type)
	if hide && !reveal {
		return fmt.Sprintf("[use 'op item get %s --reveal' to reveal]", it.ID)
	}
	return f.Value.Reveal()
}

// printFields prints the fields that --fields names: one a line of CSV, or
// JSON, one object for one field.
func (s *session) printFields(it rinca.Item, v rinca.Vault, f getFlags) error {
	found, err := pick(it, f.fields)
	if err != nil {
		return err
	}
	if s.json() {
		var out []fieldJSON
		for _, field := range found {
			out = append(out, s.fieldJSON(it, v, field))
		}
		if len(out) == 1 {
			return s.print(out[0])
		}
		return s.print(out)
	}
	var values []string
	for _, field := range found {
		values = append(values, shown(it, field, f.reveal))
	}
	w := csv.NewWriter(s.Stdout)
	if err := w.Write(values); err != nil {
		return fmt.Errorf("print the fields: %w", err)
	}
	w.Flush()
	return w.Error()
}

// pick returns the fields that a list such as "label=a,type=concealed,b.c"
// names. Each part must name at least one.
func pick(it rinca.Item, list string) ([]rinca.Field, error) {
	var out []rinca.Field
	for part := range strings.SplitSeq(list, ",") {
		part = strings.TrimSpace(part)
		kind, name, ok := strings.Cut(part, "=")
		if !ok {
			kind, name = "label", part
		}
		n := len(out)
		for _, f := range it.Fields {
			if fieldIs(it, f, kind, name) {
				out = append(out, f)
			}
		}
		if len(out) == n {
			return nil, fmt.Errorf("%q isn't a field in the %q item.", name, it.Title) //nolint:staticcheck // op's own words
		}
	}
	return out, nil
}

func fieldIs(it rinca.Item, f rinca.Field, kind, name string) bool {
	if kind == "type" {
		return strings.EqualFold(string(f.Type), name) || (fieldTypeOf(strings.ToLower(name)) == f.Type && f.Type != "")
	}
	if f.ID == name || strings.EqualFold(f.Label, name) {
		return true
	}
	section, field, ok := strings.Cut(name, ".")
	return ok && inSection(it, f, section) && (f.ID == field || strings.EqualFold(f.Label, field))
}
