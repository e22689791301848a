package cli

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"rinca/internal/client"
	"rinca/internal/redact"
	"rinca/internal/rinca"
)

func newVariable(a *app) *cobra.Command {
	return a.remoteGroup(&cobra.Command{
		Use:   "variable",
		Short: "Set, show and delete what [[NAME]] stands for in stacks",
		Example: `  rinca variable set DOMAIN --description 'where the services are'
  rinca variable set DB_PASSWORD --secret --stack wiki
  rinca variable set SMTP_TOKEN --from op://homelab/smtp.env/TOKEN
  rinca variable list`,
	}, newVariableSet(a), newVariableGet(a), newVariableList(a), newVariableDelete(a), newVariableHistory(a))
}

// variableDoc is a variable as the server shows it: without its value.
type variableDoc struct {
	rinca.Variable
	UsedBy []string `json:"used_by,omitempty"`
}

func variablePath(name, stack string, more ...string) string {
	return scoped(client.Path(append([]string{"v1", "variables", name}, more...)...), stack)
}

// variableBody is what PUT takes. What is nil is left as it is.
type variableBody struct {
	Value       *string `json:"value,omitempty"`
	From        *string `json:"from,omitempty"`
	Secret      *bool   `json:"secret,omitempty"`
	Description *string `json:"description,omitempty"`
}

// variableFlags are the flags of rinca variable set.
type variableFlags struct {
	stack, from, file, description string
	secret, keep, empty            bool
}

func newVariableSet(a *app) *cobra.Command {
	var f variableFlags
	c := &cobra.Command{
		Use:   "set NAME",
		Short: "Set a variable, for all stacks or for one",
		Long: `Sets what [[NAME]] stands for. The value is asked for on a terminal, else read
from standard input, or from --value-file; the last line break is cut. It is
never an argument, which others on the machine can read.

A --secret variable is write-only from then on: it is sealed in the database,
masked in every output, and shown to nobody without the right Reveal.

--from is a secret reference in place of a value. It is looked up in the vault
each time it is used.`,
		Example: `  rinca variable set DOMAIN
  rinca variable set DB_PASSWORD --secret --stack wiki
  openssl rand -hex 32 | rinca variable set SESSION_KEY --secret
  rinca variable set SMTP_TOKEN --from op://homelab/smtp.env/TOKEN
  rinca variable set DOMAIN --keep --description 'where the services are'`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) == 2 || len(args) == 1 && strings.Contains(args[0], "=") {
				return rinca.Errorf(rinca.Usage, "a value is not given as an argument, where others can read it").Try("rinca variable set NAME   # asks for it; or --value-file FILE")
			}
			if len(args) != 1 {
				return rinca.Errorf(rinca.Usage, "a variable needs a name").Try("rinca variable set NAME")
			}
			return nil
		},
		ValidArgsFunction: a.completeNames("/v1/variables", false),
		RunE: func(cmd *cobra.Command, args []string) error {
			body := variableBody{}
			if cmd.Flags().Changed("secret") {
				body.Secret = &f.secret
			}
			if cmd.Flags().Changed("description") {
				body.Description = &f.description
			}
			return a.variableSet(cmd.Context(), f, args[0], body)
		},
	}
	fl := c.Flags()
	fl.StringVar(&f.stack, "stack", "", "the `STACK` it is for; all of them when not given")
	fl.BoolVar(&f.secret, "secret", false, "never show the value again")
	fl.StringVar(&f.from, "from", "", "`REFERENCE` op://vault/item/field in place of a value")
	fl.StringVar(&f.file, "value-file", "", "`FILE` that holds the value; - is standard input")
	fl.StringVar(&f.description, "description", "", "what it is for")
	fl.BoolVar(&f.keep, "keep", false, "leave the value, and change what else is given")
	fl.BoolVar(&f.empty, "empty", false, "an empty value is meant")
	c.MarkFlagsMutuallyExclusive("from", "value-file", "keep")
	a.flagNames(c, "stack", "/v1/stacks")
	return c
}

func (a *app) variableSet(ctx context.Context, f variableFlags, name string, body variableBody) error {
	if !rinca.ValidVariableName(name) {
		return rinca.Errorf(rinca.Usage, "%q is no name for a variable", printable(cutText(name, 80))).Try("letters, digits and underscores, beginning with none of the digits")
	}
	why := ""
	switch {
	case f.keep:
		if body.Secret == nil && body.Description == nil {
			return rinca.Errorf(rinca.Usage, "--keep leaves the value, and nothing else is given").Try("--description or --secret")
		}
	case f.from != "":
		if _, err := rinca.ParseSecretRef(f.from); err != nil {
			return err
		}
		body.From = &f.from
	default:
		value, err := a.value(ctx, valueFrom{
			file: f.file, empty: f.empty, shown: !f.secret,
			prompt: choose(f.secret, name+" (hidden): ", name+": "),
		})
		if err != nil {
			return err
		}
		if value.Len() > rinca.MaxVariable {
			return rinca.Errorf(rinca.Invalid, "the value of %s is larger than %d bytes", name, rinca.MaxVariable)
		}
		text := value.Reveal() // on its way to the server
		body.Value = &text
		if text != "" {
			why = redact.Unmaskable(text)
		}
	}
	var v variableDoc
	if err := a.ask(ctx, http.MethodPut, variablePath(name, f.stack), body, &v); err != nil {
		return err
	}
	if v.Secret && why != "" && !a.quiet {
		fmt.Fprintf(a.Stderr, "Warning: the value of %s is %s, so it is not masked in logs; choose a longer value\n", name, why)
	}
	// Who uses it is nice to know, and nothing to fail for.
	_ = a.get(ctx, variablePath(name, f.stack), &v)
	return a.tell(v, "Set %s%s, version %d.%s", v.Name, forStack(v.Stack), v.Version, usedBy(v.UsedBy))
}

func forStack(stack string) string {
	if stack == "" {
		return ""
	}
	return " for the stack " + printable(stack)
}

// usedBy tells what a new value is for.
func usedBy(stacks []string) string {
	if len(stacks) == 0 {
		return ""
	}
	return " It is used by " + printable(strings.Join(stacks, ", ")) + ": deploy to give it to them."
}

func newVariableGet(a *app) *cobra.Command {
	var stack string
	var reveal, newline bool
	c := &cobra.Command{
		Use:   "get NAME",
		Short: "Print the value of a variable",
		Long: `Prints the value. That of a secret variable needs --reveal and the right Reveal,
and is written to the audit log. A reference has no value here: see rinca read.`,
		Example: `  rinca variable get DOMAIN
  rinca variable get DB_PASSWORD --stack wiki --reveal`,
		Args: cobra.ExactArgs(1), ValidArgsFunction: a.completeNames("/v1/variables", false),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.variableGet(cmd.Context(), args[0], stack, getFlags{reveal, newline})
		},
	}
	c.Flags().StringVar(&stack, "stack", "", "the `STACK` it is for")
	c.Flags().BoolVar(&reveal, "reveal", false, "print a secret value")
	c.Flags().BoolVarP(&newline, "no-newline", "n", false, "print no line break after it")
	a.flagNames(c, "stack", "/v1/stacks")
	return c
}

type getFlags struct{ reveal, noNewline bool }

func (a *app) variableGet(ctx context.Context, name, stack string, f getFlags) error {
	var v variableDoc
	if err := a.get(ctx, variablePath(name, stack), &v); err != nil {
		return err
	}
	switch {
	case v.From != "":
		return rinca.Errorf(rinca.Usage, "the variable %s has no value of its own: it is a reference", printable(name)).Try("rinca read '%s'", printable(v.From))
	case v.Secret && !f.reveal:
		return rinca.Errorf(rinca.Usage, "the variable %s is secret", printable(name)).Try("--reveal, if you may see its value")
	}
	var got struct {
		Value string `json:"value"`
	}
	if err := a.get(ctx, variablePath(name, stack, "value"), &got); err != nil {
		return err
	}
	var err error
	if a.json {
		err = encodeJSON(a.Stdout, struct {
			variableDoc
			Value string `json:"value"`
		}{v, got.Value})
	} else {
		_, err = fmt.Fprint(a.Stdout, got.Value+choose(f.noNewline, "", "\n"))
	}
	if err != nil {
		return rinca.Errorf(rinca.Destination, "write to standard output: %w", err)
	}
	return nil
}

func newVariableList(a *app) *cobra.Command {
	var stack string
	c := &cobra.Command{
		Use:   "list",
		Short: "List variables, without the values of any",
		Example: `  rinca variable list
  rinca variable list --stack wiki --json`,
		Aliases: []string{"ls"},
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			var rows []variableDoc
			query := url.Values{"used": {"true"}}
			if stack != "" {
				query.Set("stack", stack)
			}
			if err := a.get(cmd.Context(), "/v1/variables?"+query.Encode(), &rows); err != nil {
				return err
			}
			now := time.Now()
			return list(a, rows, "There are no variables. Try: rinca variable set NAME", func(t *table, v variableDoc) {
				t.add(v.Name, v.Stack, variableKind(v.Variable), v.Version, ago(now, v.UpdatedAt), usersText(v.UsedBy), variableNote(v.Variable))
			}, "NAME", "STACK", "KIND", "VERSION", "CHANGED", "USED BY", "NOTE")
		},
	}
	c.Flags().StringVar(&stack, "stack", "", "only those of this `STACK`")
	a.flagNames(c, "stack", "/v1/stacks")
	return c
}

// usersText names up to three stacks, and counts the others.
func usersText(stacks []string) string {
	const most = 3
	if len(stacks) <= most {
		return strings.Join(stacks, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(stacks[:most-1], ", "), len(stacks)-most+1)
}

func variableKind(v rinca.Variable) cell {
	switch {
	case v.From != "":
		return cell{"reference", cyan}
	case v.Secret:
		return cell{"secret", yellow}
	}
	return cell{"plain", plain}
}

func variableNote(v rinca.Variable) string {
	if v.Description == "" {
		return v.From
	}
	return v.Description
}

func newVariableHistory(a *app) *cobra.Command {
	var stack string
	c := &cobra.Command{
		Use:   "history NAME",
		Short: "List when a variable was changed, and by whom",
		Long: `Lists the changes of a variable, without values. Versions with the same digest
had the same value.`,
		Example: "  rinca variable history DB_PASSWORD --stack wiki",
		Args:    cobra.ExactArgs(1), ValidArgsFunction: a.completeNames("/v1/variables", false),
		RunE: func(cmd *cobra.Command, args []string) error {
			var rows []rinca.VariableVersion
			if err := a.get(cmd.Context(), variablePath(args[0], stack, "versions"), &rows); err != nil {
				return err
			}
			return list(a, rows, "There is no change on record.", func(t *table, v rinca.VariableVersion) {
				t.add(v.Version, v.UpdatedAt.Local().Format("2006-01-02 15:04"), v.UpdatedBy, choose(v.Secret, "secret", "plain"), v.Digest, v.From)
			}, "VERSION", "WHEN", "WHO", "KIND", "DIGEST", "REFERENCE")
		},
	}
	c.Flags().StringVar(&stack, "stack", "", "the `STACK` it is for")
	a.flagNames(c, "stack", "/v1/stacks")
	return c
}

func newVariableDelete(a *app) *cobra.Command {
	var stack string
	var yes bool
	c := &cobra.Command{
		Use:   "delete NAME",
		Short: "Delete a variable and its history",
		Long: `Deletes a variable. Stacks that use it cannot be deployed before it is set
again; what runs goes on. When stacks use it, asks before on a terminal, and
needs --yes otherwise.`,
		Example: "  rinca variable delete DB_PASSWORD --stack wiki --yes",
		Args:    cobra.ExactArgs(1), ValidArgsFunction: a.completeNames("/v1/variables", false),
		RunE: func(cmd *cobra.Command, args []string) error {
			ctx, name := cmd.Context(), args[0]
			var v variableDoc
			if err := a.get(ctx, variablePath(name, stack), &v); err != nil {
				return err
			}
			if len(v.UsedBy) > 0 {
				if err := a.confirm(ctx, yes, fmt.Sprintf("Delete %s, which %s cannot be deployed without?", printable(name), printable(strings.Join(v.UsedBy, ", ")))); err != nil {
					return err
				}
			}
			if err := a.ask(ctx, http.MethodDelete, variablePath(name, stack), nil, nil); err != nil {
				return err
			}
			return a.tell(map[string]string{"deleted": name, "stack": stack}, "Deleted %s%s.", printable(name), forStack(stack))
		},
	}
	c.Flags().StringVar(&stack, "stack", "", "the `STACK` it is for")
	c.Flags().BoolVarP(&yes, "yes", "y", false, "do not ask")
	a.flagNames(c, "stack", "/v1/stacks")
	return c
}
