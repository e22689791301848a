package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"rinca/internal/rinca"
	"rinca/internal/vault"
)

// readFlags are the flags of rinca read.
type readFlags struct {
	fileFlags
	noNewline bool
}

func newRead(a *app) *cobra.Command {
	var f readFlags
	c := &cobra.Command{
		Use:   "read REF...",
		Short: "Print the values that secret references name",
		Long: `Prints the value of each reference, with a newline after it:

  op://vault/item/[section/]field   names or ids; a file by its name
  …?attribute=otp                   the current one-time password
  …?attribute=type, id, purpose     of a field; of a file type, id, name, size
  …?ssh-format=openssh              a private key as ssh wants it

All references that cannot be resolved are reported at once.`,
		Example: `  rinca read op://homelab/authentik.env/AUTHENTIK_SECRET_KEY
  rinca read 'op://homelab/GitHub/one-time password?attribute=otp'
  rinca read 'op://homelab/deploy key/private key?ssh-format=openssh' -o id_deploy`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) == 0 {
				return rinca.Errorf(rinca.Usage, "no reference is named").Try("rinca read op://vault/item/field")
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error { return a.read(cmd.Context(), f, args) },
	}
	c.Flags().BoolVarP(&f.noNewline, "no-newline", "n", false, "print no newline after a value")
	f.define(c, "`FILE` that is written, exactly the value; standard output if there is none")
	return c
}

func (a *app) read(ctx context.Context, f readFlags, args []string) error {
	attr, err := f.attr()
	if err != nil {
		return err
	}
	if f.out != "" && len(args) > 1 {
		return rinca.Errorf(rinca.Usage, "one file cannot hold %d values", len(args)).Try("one reference for each -o")
	}
	var wrong []error
	refs := make([]rinca.SecretRef, len(args))
	for i, arg := range args {
		if refs[i], err = rinca.ParseSecretRef(arg); err != nil {
			wrong = append(wrong, err)
		}
	}
	if len(wrong) > 0 {
		return a.listed(errors.Join(wrong...))
	}
	p, closeProvider, err := a.provider(ctx)
	if err != nil {
		return err
	}
	defer closeProvider()
	values, err := (&vault.Resolver{Provider: p}).Resolve(ctx, refs)
	if lost, ok := errors.AsType[*vault.Unresolved](err); ok {
		for _, l := range lost.Failures {
			e := rinca.Errorf(rinca.CodeOf(l.Err), "%s: %w", l.Ref, l.Err)
			e.Hint = rinca.HintOf(l.Err)
			wrong = append(wrong, e)
		}
		err = errors.Join(wrong...)
	}
	if err != nil {
		return a.listed(err)
	}
	switch {
	case f.out != "" && f.out != "-":
		return a.writeFile(ctx, f.fileFlags, attr, values[refs[0]])
	case a.json:
		return a.printValues(args, refs, values)
	}
	var text strings.Builder
	for _, ref := range refs {
		text.WriteString(values[ref].Reveal())
		if !f.noNewline {
			text.WriteByte('\n')
		}
	}
	if _, err := fmt.Fprint(a.Stdout, text.String()); err != nil {
		return rinca.Errorf(rinca.Destination, "write to standard output: %w", err)
	}
	return nil
}

func (a *app) printValues(args []string, refs []rinca.SecretRef, values map[rinca.SecretRef]rinca.Secret) error {
	type value struct {
		Reference string `json:"reference"`
		Value     string `json:"value"`
	}
	out := make([]value, len(refs))
	for i, ref := range refs {
		out[i] = value{args[i], values[ref].Reveal()}
	}
	enc := json.NewEncoder(a.Stdout)
	enc.SetEscapeHTML(false)
	return enc.Encode(out)
}
