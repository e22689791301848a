package cli

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"rinca/internal/lint"
	"rinca/internal/rinca"
	"rinca/internal/vault"
)

func newItemLint(a *app) *cobra.Command {
	var vaultName string
	var all bool
	var long strings.Builder
	long.WriteString(`Looks at the items whose titles end in .env, of the named stacks, or of all with
--all or without a name, and finds:
`)
	for _, r := range lint.Rules() {
		fmt.Fprintf(&long, "\n  %-16s %s", r[0], r[1])
	}
	long.WriteString("\n\nValues are compared by keyed digests and never printed. Equal values within a\nstack are meant: a database shares its password with its clients. Status 1 when\nsomething is found.")
	c := &cobra.Command{
		Use:   "lint [STACK...]",
		Short: "Find placeholders, duplicates, illegal names, weak and identical values",
		Long:  long.String(),
		Example: `  rinca item lint --all
  rinca item lint authentik
  rinca item lint --all --json | jq -r '.findings[] | [.rule, .title, .key] | @tsv'`,
		ValidArgsFunction: a.completeStacks(&vaultName),
		RunE: func(cmd *cobra.Command, args []string) error {
			if all && len(args) > 0 {
				return rinca.Errorf(rinca.Usage, "--all takes no names of stacks").Try("rinca item lint --all, or rinca item lint %s", args[0])
			}
			return a.itemLint(cmd.Context(), vaultName, args)
		},
	}
	vaultFlag(c, &vaultName)
	c.Flags().BoolVar(&all, "all", false, "items of every stack, and of none (the default without a STACK)")
	return c
}

// lintDoc is the document of rinca item lint --json.
type lintDoc struct {
	Vault    exportVault    `json:"vault"`
	Items    int            `json:"items"`
	Findings []lint.Finding `json:"findings"`
}

func (a *app) itemLint(ctx context.Context, vaultName string, stacks []string) error {
	p, v, done, err := a.openVault(ctx, vaultName)
	if err != nil {
		return err
	}
	defer done()
	infos, err := p.Items(ctx, v.ID)
	if err != nil {
		return err
	}
	// Values are compared with those of all stacks, whichever are named.
	infos = envInfos(infos, nil)
	if err := knownStacks(infos, stacks); err != nil {
		return err
	}
	var items []rinca.Item
	if len(infos) > 0 {
		ids := make([]string, len(infos))
		for i, info := range infos {
			ids[i] = info.ID
		}
		if items, err = p.Get(ctx, v.ID, ids...); err != nil {
			return err
		}
	}
	of := func(its []string) bool {
		return len(stacks) == 0 || slices.ContainsFunc(stacks, func(s string) bool { return slices.Contains(its, s) })
	}
	doc := lintDoc{Vault: exportVault{v.ID, v.Name, v.ContentVersion}, Findings: []lint.Finding{}}
	for _, it := range items {
		if of(it.Stacks()) {
			doc.Items++
		}
	}
	for _, f := range lint.Check(items) {
		if of(f.Stacks) {
			doc.Findings = append(doc.Findings, f)
		}
	}
	return a.printLint(doc)
}

// knownStacks refuses names that no item is tagged with: nothing to find there
// would look like nothing wrong.
func knownStacks(infos []rinca.Info, stacks []string) error {
	var known []string
	for _, i := range infos {
		known = append(known, i.Stacks()...)
	}
	for _, s := range stacks {
		if slices.Contains(known, s) {
			continue
		}
		e := rinca.Errorf(rinca.NotFound, "no items for stack '%s': none with a title that ends in .env is tagged %s%s", printable(s), rinca.StackTag, printable(s))
		if near := vault.Nearest(s, known); near != "" {
			return e.Try("'%s', the nearest tag is %s%s", near, rinca.StackTag, near)
		}
		return e.Try("rinca item list")
	}
	return nil
}

func (a *app) printLint(doc lintDoc) error {
	if a.json {
		if err := encodeJSON(a.Stdout, doc); err != nil {
			return err
		}
	} else {
		last := ""
		for _, f := range doc.Findings {
			if f.Item != last {
				fmt.Fprintf(a.Stdout, "%s%s (item %s)\n", printable(f.Title), inStacks(f.Stacks), f.Item)
				last = f.Item
			}
			fmt.Fprintf(a.Stdout, "  ✗ %s%s [%s]\n", finding(f), elsewhere(f.Others), f.Rule)
		}
	}
	if len(doc.Findings) == 0 {
		if !a.json && !a.quiet {
			fmt.Fprintf(a.Stdout, "✓ Nothing found in %s\n", count(doc.Items, "item"))
		}
		return nil
	}
	if !a.json && !a.quiet {
		fmt.Fprintf(a.Stdout, "%s in %s\n", count(len(doc.Findings), "finding"), count(doc.Items, "item"))
	}
	return &reported{rinca.Errorf(rinca.Partial, "%d findings", len(doc.Findings))}
}

func inStacks(stacks []string) string {
	if len(stacks) == 0 {
		return ""
	}
	return ", stack " + printable(strings.Join(stacks, ", "))
}

func finding(f lint.Finding) string {
	if f.Key == "" {
		return printable(f.Problem)
	}
	return printable(f.Key + ": " + f.Problem)
}

func elsewhere(others []lint.Place) string {
	if len(others) == 0 {
		return ""
	}
	var list []string
	for _, o := range others {
		s := o.Title
		if o.Key != "" {
			s += "/" + o.Key
		}
		list = append(list, printable(s)+" (item "+o.Item+")")
	}
	return ": " + strings.Join(list, ", ")
}
