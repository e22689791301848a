package opcommand

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"rinca/internal/rinca"
	"rinca/internal/vault"
)

func newRead(s *session) *cobra.Command {
	var out outFlags
	var noNewline bool
	c := &cobra.Command{
		Use: "read <reference> [flags]", Short: "Read a secret reference",
		Example: `  op read op://homelab/postgres.env/POSTGRES_PASSWORD
  op read --out-file ca.pem op://homelab/web.env/ca.pem`,
		Args: exactArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			if _, err := out.check(); err != nil {
				return err
			}
			value, file, err := s.read(args[0])
			if err != nil {
				return err
			}
			if !noNewline && !file && out.stdout() {
				value = rinca.NewSecret(value.Reveal() + "\n")
			}
			return s.write(out, value)
		},
	}
	out.add(c)
	c.Flags().BoolVarP(&noNewline, "no-newline", "n", false, "Do not print a new line after the secret.")
	return c
}

// read resolves one reference, in which variables are replaced first, and
// reports whether the value is the content of a file.
func (s *session) read(text string) (value rinca.Secret, file bool, err error) {
	prefix := fmt.Sprintf("could not read secret '%s': ", text)
	ref, err := vault.ExpandRef(text, s.lookupEnv)
	if err != nil {
		if !rinca.IsSecretRef(text) { // it may be a secret that was passed by mistake
			prefix = "could not read secret: "
		}
		return rinca.Secret{}, false, fail("%s%v", prefix, err)
	}
	p, err := s.open()
	if err != nil {
		return rinca.Secret{}, false, err
	}
	r := &vault.Resolver{Provider: p, Now: s.Now}
	values, err := r.Resolve(s.ctx, []rinca.SecretRef{ref})
	if lost, ok := errors.AsType[*vault.Unresolved](err); ok {
		return rinca.Secret{}, false, &within{prefix, s.unresolved(lost.Failures[0])}
	}
	if err != nil {
		return rinca.Secret{}, false, &within{prefix, err}
	}
	return values[ref], r.IsFile(ref), nil
}

// unresolved says in op's words why a reference has no value.
func (s *session) unresolved(f vault.Failure) error {
	if code := rinca.CodeOf(f.Err); code != rinca.NotFound && f.Part == vault.PartField {
		return fail("%s", oneLine(f.Err.Error()))
	}
	var err error
	switch f.Part {
	case vault.PartVault:
		_, err = s.vault(f.Ref.Vault)
	case vault.PartItem:
		_, _, err = s.item(query{item: f.Ref.Item, vault: f.Ref.Vault})
	case vault.PartField:
		return fail("item '%s/%s' does not have a field '%s'", f.Ref.Vault, f.Ref.Item, fieldName(f.Ref))
	}
	if err == nil { // it has appeared since
		err = f.Err
	}
	return &within{fmt.Sprintf("could not get item %s/%s: ", f.Ref.Vault, f.Ref.Item), err}
}

func fieldName(ref rinca.SecretRef) string {
	if ref.Section != "" {
		return ref.Section + "." + ref.Field
	}
	return ref.Field
}
