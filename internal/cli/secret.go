package cli

import (
	"context"
	"fmt"
	"io"
	"net/url"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"rinca/internal/rinca"
)

func newSecret(a *app) *cobra.Command {
	return a.remoteGroup(&cobra.Command{
		Use:   "secret",
		Short: "Say where secrets are used, and how old they are",
		Example: `  rinca secret used-by op://homelab/postgres.env
  rinca secret list
  rinca secret list --overdue`,
	}, newSecretList(a), newSecretUsedBy(a), newSecretPolicy(a))
}

func newSecretUsedBy(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "used-by {op://VAULT/ITEM[/FIELD] | TITLE | VARIABLE}",
		Short: "Say which files, services, containers and stacks a secret reaches",
		Long: `Follows an item, one field of it, or a variable: to the files that are made of
it, the services that read them, their containers, and the stacks that come
after. It is what a change of the secret would restart. Nothing is asked of the
vault: it is known from what was exported and deployed.`,
		Example: `  rinca secret used-by op://homelab/postgres.env/POSTGRES_PASSWORD
  rinca secret used-by postgres.env
  rinca secret used-by SMTP_TOKEN --json | jq -r '.uses[].stack' | sort -u`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error { return a.usedBy(cmd.Context(), args[0]) },
	}
}

func (a *app) usedBy(ctx context.Context, what string) error {
	if _, err := rinca.ParseThing(what); err != nil {
		return err
	}
	var used rinca.UsedBy
	if err := a.get(ctx, "/v1/secrets/used-by?"+url.Values{"ref": {what}}.Encode(), &used); err != nil {
		return err
	}
	if a.json {
		return encodeJSON(a.Stdout, used)
	}
	for _, n := range used.Notes {
		fmt.Fprintf(a.Stderr, "Note: %s\n", safeLines(n))
	}
	color := a.colorful(a.Stdout)
	root := usedTree(used, time.Now())
	if _, err := io.WriteString(a.Stdout, root.text(color)); err != nil {
		return rinca.Errorf(rinca.Destination, "write to standard output: %w", err)
	}
	return nil
}

// A branch is a line of a tree, and those under it.
type branch struct {
	name  string
	note  string
	under []*branch
}

// child returns the branch of that text under b, made when it is not there.
func (b *branch) child(text, note string) *branch {
	for _, c := range b.under {
		if c.name == text {
			return c
		}
	}
	c := &branch{name: text, note: note}
	b.under = append(b.under, c)
	return c
}

func (b *branch) text(color bool) string {
	var out strings.Builder
	b.draw(&out, "", "", color)
	return out.String()
}

func (b *branch) draw(out *strings.Builder, first, others string, color bool) {
	out.WriteString(first + printable(b.name))
	if b.note != "" {
		out.WriteString("  " + paint(color, dim, printable(b.note)))
	}
	out.WriteByte('\n')
	for i, c := range b.under {
		if i == len(b.under)-1 {
			c.draw(out, others+"└─ ", others+"   ", color)
		} else {
			c.draw(out, others+"├─ ", others+"│  ", color)
		}
	}
}

// usedTree draws item → file → stack → service → containers, and dependents.
func usedTree(used rinca.UsedBy, now time.Time) *branch {
	root := &branch{name: used.What}
	for _, i := range used.Items {
		if i.ChangedAt.IsZero() {
			continue
		}
		vault := i.VaultName
		if vault == "" {
			vault = i.Vault
		}
		root.child("item "+i.Title, fmt.Sprintf("vault %s, version %d, changed %s", vault, i.Version, ago(now, i.ChangedAt)))
	}
	for _, u := range used.Uses {
		at := root
		if u.Variable != "" {
			if at = root; u.Item != "" {
				at = under(root, u.Item)
			}
			at = at.child("variable "+u.Variable, "")
		} else {
			at = under(root, u.Item).child(u.File, "")
		}
		stack := at.child("stack "+u.Stack, "on "+u.Server)
		switch {
		case u.Service != "":
			stack.child("service "+u.Service, strings.Join(append([]string{viaWord(u.Via)}, u.Containers...), ", "))
		case u.Variable != "" && len(u.Containers) > 0:
			stack.child("the stack as a whole", strings.Join(u.Containers, ", "))
		case u.File != "" && u.Via == "":
			stack.note += ", no service reads it"
		}
		if len(u.Dependents) > 0 {
			stack.child("then "+strings.Join(u.Dependents, ", "), "they come after it")
		}
	}
	for _, b := range root.under {
		last(b)
	}
	if len(used.Uses) == 0 {
		root.child("nothing uses it", "")
	}
	return root
}

// last moves what comes after a stack behind its services.
func last(b *branch) {
	for _, c := range b.under {
		last(c)
	}
	var head, tail []*branch
	for _, c := range b.under {
		if strings.HasPrefix(c.name, "then ") {
			tail = append(tail, c)
		} else {
			head = append(head, c)
		}
	}
	b.under = append(head, tail...)
}

// under is the branch of an item.
func under(root *branch, title string) *branch { return root.child("item "+title, "") }

func viaWord(via string) string {
	switch via {
	case "env_file":
		return "env file"
	case "variable":
		return "variable"
	}
	return via
}
