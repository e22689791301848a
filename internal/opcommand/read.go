package opcommand

import (
	"fmt"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"rinca/internal/rinca"
	"rinca/internal/vault"
)

func newRead(s *session) *cobra.Command {
	var out outFlags
	var noNewline bool
	c := &cobra.Command{Use: "read <reference> [flags]", Short: "Read a secret reference", Args: cobra.ExactArgs(1), RunE: func(_ *cobra.Command, args []string) error {
		value, err := s.read(args[0])
		if err != nil {
			return err
		}
		if !noNewline && out.file == "" {
			value = rinca.NewSecret(value.Reveal() + "\n")
		}
		return s.write(out, value)
	}}
	out.add(c, "out-file")
	c.Flags().BoolVarP(&noNewline, "no-newline", "n", false, "do not print a new line after the secret")
	return c
}

func (s *session) read(text string) (rinca.Secret, error) {
	ref, err := rinca.ParseSecretRef(os.Expand(text, s.getenv))
	if err != nil {
		return rinca.Secret{}, fmt.Errorf("could not read secret '%s': %w", text, err)
	}
	p, err := s.open()
	if err != nil {
		return rinca.Secret{}, err
	}
	r := &vault.Resolver{Provider: p, Now: s.Now}
	values, err := r.Resolve(s.ctx, []rinca.SecretRef{ref})
	if err != nil {
		return rinca.Secret{}, s.readError(text, ref, err)
	}
	return values[ref], nil
}

// readError says in op's words which part of a reference does not exist.
func (s *session) readError(text string, ref rinca.SecretRef, err error) error {
	if rinca.CodeOf(err) != rinca.NotFound {
		return fmt.Errorf("could not read secret '%s': %w", text, err)
	}
	prefix := fmt.Sprintf("could not read secret '%s': ", text)
	if _, errVault := s.vault(ref.Vault); errVault != nil {
		return fmt.Errorf("%scould not get item %s/%s: %w", prefix, ref.Vault, ref.Item, errVault)
	}
	if _, _, errItem := s.item(ref.Item, ref.Vault, false); errItem != nil {
		return fmt.Errorf("%scould not get item %s/%s: %w", prefix, ref.Vault, ref.Item, errItem)
	}
	field := ref.Field
	if ref.Section != "" {
		field = ref.Section + "." + ref.Field
	}
	return fmt.Errorf("%sitem '%s/%s' does not have a field '%s'", prefix, ref.Vault, ref.Item, strings.TrimSpace(field))
}
