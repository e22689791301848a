package cli

import (
	"context"
	"fmt"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"rinca/internal/envfile"
	"rinca/internal/rinca"
	"rinca/internal/vault"
)

func newItemList(a *app) *cobra.Command {
	var vaultName string
	c := &cobra.Command{
		Use:   "list [STACK...]",
		Short: "List the items whose titles end in .env",
		Example: `  rinca item list
  rinca item list authentik --json`,
		ValidArgsFunction: a.completeStacks(&vaultName),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.itemList(cmd.Context(), vaultName, args)
		},
	}
	vaultFlag(c, &vaultName)
	return c
}

// itemRow is an element of rinca item list --json, and the head of show.
type itemRow struct {
	ID        string    `json:"id"`
	Title     string    `json:"title"`
	Stacks    []string  `json:"stacks"`
	Tags      []string  `json:"tags"`
	Version   int64     `json:"version,omitempty"`
	UpdatedAt time.Time `json:"updated_at"`
}

func newItemRow(i rinca.Info) itemRow {
	return itemRow{i.ID, i.Title, append([]string{}, i.Stacks()...), append([]string{}, i.Tags...), i.Version, i.UpdatedAt}
}

func (a *app) itemList(ctx context.Context, vaultName string, stacks []string) error {
	p, v, done, err := a.openVault(ctx, vaultName)
	if err != nil {
		return err
	}
	defer done()
	infos, err := p.Items(ctx, v.ID)
	if err != nil {
		return err
	}
	if err := knownStacks(envInfos(infos, nil), stacks); err != nil {
		return err
	}
	infos = envInfos(infos, stacks)
	if a.json {
		rows := []itemRow{}
		for _, i := range infos {
			rows = append(rows, newItemRow(i))
		}
		return encodeJSON(a.Stdout, rows)
	}
	w := tabwriter.NewWriter(a.Stdout, 0, 0, 3, ' ', 0)
	fmt.Fprintln(w, "STACK\tTITLE\tVERSION\tUPDATED\tID")
	for _, i := range infos {
		stack := strings.Join(i.Stacks(), ",")
		if stack == "" {
			stack = "-"
		}
		fmt.Fprintf(w, "%s\t%s\t%d\t%s\t%s\n", printable(stack), printable(i.Title), i.Version, i.UpdatedAt.Format("2006-01-02 15:04"), i.ID)
	}
	return w.Flush()
}

func newItemShow(a *app) *cobra.Command {
	var vaultName string
	c := &cobra.Command{
		Use:   "show {STACK/TITLE | TITLE | ID}",
		Short: "List the variables of an item, without their values",
		Example: `  rinca item show authentik/postgres.env
  rinca item show postgres.env --json`,
		Args: cobra.ExactArgs(1),
		ValidArgsFunction: func(cmd *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
			return a.completeItems(cmd.Context(), vaultName, args), cobra.ShellCompDirectiveNoFileComp
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.itemShow(cmd.Context(), vaultName, args[0])
		},
	}
	vaultFlag(c, &vaultName)
	return c
}

func (a *app) completeItems(ctx context.Context, vaultName string, args []string) []string {
	p, v, done, err := a.openVault(ctx, vaultName)
	if err != nil || len(args) > 0 {
		return nil
	}
	defer done()
	infos, err := p.Items(ctx, v.ID)
	if err != nil {
		return nil
	}
	var names []string
	for _, i := range envInfos(infos, nil) {
		for _, s := range i.Stacks() {
			names = append(names, s+"/"+i.Title)
		}
	}
	return names
}

// itemDoc is the document of rinca item show --json.
type itemDoc struct {
	itemRow
	Category rinca.Category `json:"category"`
	Fields   []itemField    `json:"fields"`
}

type itemField struct {
	Label   string          `json:"label"`
	Type    rinca.FieldType `json:"type"`
	Section string          `json:"section,omitempty"`
	// State is set, empty or placeholder; skipped for what is no variable.
	State string `json:"state"`
}

func (a *app) itemShow(ctx context.Context, vaultName, name string) error {
	p, v, done, err := a.openVault(ctx, vaultName)
	if err != nil {
		return err
	}
	defer done()
	infos, err := p.Items(ctx, v.ID)
	if err != nil {
		return err
	}
	if stack, title, found := strings.Cut(name, "/"); found && rinca.ValidStackName(stack) {
		if err := knownStacks(envInfos(infos, nil), []string{stack}); err != nil {
			return err
		}
		infos, name = envInfos(infos, []string{stack}), title
	}
	info, err := vault.PickItem(infos, name)
	if err != nil {
		return err
	}
	items, err := p.Get(ctx, v.ID, info.ID)
	if err != nil {
		return err
	}
	return a.printItem(&items[0])
}

func (a *app) printItem(it *rinca.Item) error {
	doc := itemDoc{itemRow: newItemRow(it.Info), Category: it.Category, Fields: []itemField{}}
	for _, f := range it.Fields {
		section, _ := it.Section(f.SectionID)
		label := f.Label
		if label == "" {
			label = f.ID
		}
		doc.Fields = append(doc.Fields, itemField{label, f.Type, section.Label, fieldState(it, f)})
	}
	if a.json {
		return encodeJSON(a.Stdout, doc)
	}
	fmt.Fprintf(a.Stdout, "%s, version %d, item %s\nTags: %s\n\n", printable(it.Title), it.Version, it.ID, printable(strings.Join(it.Tags, ", ")))
	w := tabwriter.NewWriter(a.Stdout, 0, 0, 3, ' ', 0)
	fmt.Fprintln(w, "VARIABLE\tTYPE\tVALUE")
	for _, f := range doc.Fields {
		fmt.Fprintf(w, "%s\t%s\t%s\n", printable(f.Label), f.Type, f.State)
	}
	return w.Flush()
}

func fieldState(it *rinca.Item, f rinca.Field) string {
	switch {
	case !it.Variable(f):
		return "skipped"
	case f.Value.IsEmpty():
		return "empty"
	case envfile.IsPlaceholder(f.Value.Reveal()):
		return "placeholder"
	}
	return "set"
}
