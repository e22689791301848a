package cli

import (
	"context"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"rinca/internal/draft"
	"rinca/internal/generate"
	"rinca/internal/rinca"
)

// createFlags are the flags of rinca item create.
type createFlags struct {
	vault             string
	names             draft.Names
	set, setFile      []string
	generate, from    []string
	yes, update, skip bool
}

func newItemCreate(a *app) *cobra.Command {
	var f createFlags
	c := &cobra.Command{
		Use:   "create PATH.env.example...",
		Short: "Make or update items from .env.example files",
		Long:  itemCreateLong(),
		Example: `  rinca item create stacks/auth/authentik/*.env.example
  rinca item create restic.env.example --stack restic --set RESTIC_REPOSITORY=/srv/restic --yes
  rinca item create app.env.example --set-file TLS_KEY=./key.pem --generate SESSION_KEY=hex:32
  pass show app/token | rinca item create app.env.example --set API_TOKEN=- --yes
  rinca item create app.env.example --from /opt/app/.env --yes`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error { return a.itemCreate(cmd.Context(), f, args) },
	}
	f.define(c)
	return c
}

func itemCreateLong() string {
	var b strings.Builder
	b.WriteString(`Each example becomes one item, tagged stack:NAME. The stack is the name of the
example's directory, the title is its name without ".example"; a file that is
called just .env.example is titled after the stack. A directory stands for the
examples in it.

What the vault has is kept. For the rest, values come from --set, --set-file and
--from, then from recipes in the example's comments, then from the example. On a
terminal, what remains is asked for; values that look secret are not shown.
An item that exists and would change can be updated or skipped. A second run
changes nothing.

--set KEY=VALUE puts the value where others on the machine can read it, so it is
refused for variables that look secret: use --set KEY=- for standard input, or
--set-file. KEY may be TITLE.env/KEY to mean one of several files.

Recipes, for --generate and for comments such as "# rinca: hex:32":
`)
	for _, u := range generate.Usage() {
		fmt.Fprintf(&b, "\n  %-25s %s", u[0], u[1])
	}
	return b.String()
}

func (f *createFlags) define(c *cobra.Command) {
	vaultFlag(c, &f.vault)
	fl := c.Flags()
	fl.StringVar(&f.names.Stack, "stack", "", "`NAME` of the stack (default: the directory's name)")
	fl.StringVar(&f.names.Title, "title", "", "`TITLE` of the item, for one file")
	fl.StringArrayVar(&f.set, "set", nil, "`KEY=VALUE` for a variable that is not secret, or KEY=- to read standard input")
	fl.StringArrayVar(&f.setFile, "set-file", nil, "`KEY=FILE` whose content is the value, without its last line break")
	fl.StringArrayVar(&f.generate, "generate", nil, "`KEY=RECIPE` for a variable that has no value yet")
	fl.StringArrayVar(&f.from, "from", nil, "`FILE.env` to take values from")
	fl.BoolVar(&f.yes, "yes", false, "do not ask: generate what can be, update what exists")
	fl.BoolVar(&f.update, "update", false, "update items that exist, without asking about that")
	fl.BoolVar(&f.skip, "skip", false, "leave items that exist as they are")
	c.MarkFlagsMutuallyExclusive("update", "skip")
	_ = c.RegisterFlagCompletionFunc("generate", func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
		return nil, cobra.ShellCompDirectiveNoFileComp | cobra.ShellCompDirectiveNoSpace
	})
}

// A creation is one run of rinca item create.
type creation struct {
	*app
	flags  createFlags
	writer rinca.Writer
	vault  rinca.Vault
	draft  *draft.Draft
	ask    *prompter // nil when nobody can be asked
}

func (a *app) itemCreate(ctx context.Context, f createFlags, args []string) error {
	files, err := readExamples(args, f.names)
	if err != nil {
		return err
	}
	gifts, err := a.gifts(f)
	if err != nil {
		return err
	}
	p, v, done, err := a.openVault(ctx, f.vault)
	if err != nil {
		return err
	}
	defer done()
	w, ok := p.(rinca.Writer)
	if !ok {
		return rinca.Errorf(rinca.Forbidden, "this provider only reads").Try("rinca provider")
	}
	c := &creation{app: a, flags: f, writer: w, vault: v}
	if !f.yes && isTerminal(a.Stdin) && isTerminal(a.Stderr) {
		c.ask = newPrompter(a)
	}
	have, err := draft.Load(ctx, p, v.ID, files)
	if err != nil {
		return err
	}
	if c.draft, err = draft.Compare(files, have); err != nil {
		return err
	}
	if err := c.give(gifts); err != nil {
		return err
	}
	if err := c.decide(ctx); err != nil {
		return err
	}
	return c.write(ctx)
}

// decide settles what is written: by asking, or by the flags.
func (c *creation) decide(ctx context.Context) error {
	if c.ask != nil {
		return c.converse(ctx)
	}
	if c.flags.skip {
		for _, it := range c.draft.Items {
			it.Skip = it.Existing != nil
		}
	}
	if err := c.complete(); err != nil {
		return err
	}
	if c.flags.yes {
		return nil
	}
	for _, it := range c.pending() {
		if it.Existing == nil && !c.flags.update && !c.flags.skip {
			return rinca.Errorf(rinca.Usage, "%s would be created, and there is no terminal to ask on", it.File.Title).Try("--yes")
		}
		if it.Existing != nil && !c.flags.update {
			c.comparison(it)
			return rinca.Errorf(rinca.Usage, "%s exists and would change, and there is no terminal to ask on", it.File.Title).Try("--update (or --yes) to change it, --skip to leave it")
		}
	}
	return nil
}

// pending lists the items that are to be written.
func (c *creation) pending() []*draft.Item {
	var items []*draft.Item
	for _, it := range c.draft.Items {
		if !it.Skip && it.Action() != draft.Unchanged {
			items = append(items, it)
		}
	}
	return items
}

// complete makes the values; those that are missing are one error.
func (c *creation) complete() error {
	open := c.draft.Make()
	if len(open) == 0 {
		return nil
	}
	var lines []string
	for _, f := range open {
		lines = append(lines, fmt.Sprintf("  %s/%s: %s", f.Item().File.Title, f.Key, printable(f.Missing)))
	}
	key := open[0].Key
	hint := fmt.Sprintf("--set %s=VALUE", key)
	if open[0].Concealed {
		hint = fmt.Sprintf("--set-file %s=FILE, or --generate %s=generate:32, or --set %s= for an empty value", key, key, key)
	}
	return rinca.Errorf(rinca.Invalid, "no value for %d of the variables; nothing was written\n%s", len(open), strings.Join(lines, "\n")).Try("%s", hint)
}

// write applies every item, and tells what became of it.
func (c *creation) write(ctx context.Context) error {
	doc := createDoc{Vault: exportVault{c.vault.ID, c.vault.Name, c.vault.ContentVersion}, Items: []createdItem{}}
	doc.Notes = c.leftovers()
	if c.ask == nil && !c.json {
		c.printNotes(doc.Notes)
	}
	var failed error
	for _, it := range c.draft.Items {
		out := createdItem{Title: it.File.Title, Stack: it.File.Stack, Action: "skipped"}
		if it.Existing != nil {
			out.ID, out.Version = it.Existing.ID, it.Existing.Version
		}
		if !it.Skip {
			action := it.Action()
			item, err := it.Apply(ctx, c.writer, c.vault.ID)
			if err != nil {
				failed = fmt.Errorf("write %s: %w", it.File.Title, err)
				break
			}
			out.done(it, action, item)
		}
		c.result(it, out)
		doc.Items = append(doc.Items, out)
	}
	if !c.json {
		return failed
	}
	doc.Error = toJSONError(failed)
	if err := encodeJSON(c.Stdout, doc); err != nil {
		return err
	}
	if failed != nil {
		return &reported{failed}
	}
	return nil
}
