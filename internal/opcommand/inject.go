package opcommand

import (
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"rinca/internal/rinca"
	"rinca/internal/vault"
)

func newInject(s *session) *cobra.Command {
	var out outFlags
	var in string
	c := &cobra.Command{
		Use: "inject [flags]", Short: "Inject secrets into a config file",
		Example: `  op inject --in-file config.yml.tpl --out-file config.yml
  echo 'password: op://homelab/postgres.env/POSTGRES_PASSWORD' | op inject`,
		Args: noArgs,
		RunE: func(*cobra.Command, []string) error {
			if _, err := out.check(); err != nil {
				return err
			}
			text, err := s.inject(in)
			if err != nil {
				return err
			}
			return s.write(out, text)
		},
	}
	out.add(c)
	c.Flags().StringVarP(&in, "in-file", "i", "", "The filename of a template file to inject.")
	return c
}

// inject renders a template by op's rules: values as they are, comments like
// any other text.
func (s *session) inject(file string) (rinca.Secret, error) {
	data, name, err := s.readInput(file, "template")
	if err != nil {
		return rinca.Secret{}, err
	}
	t, err := vault.ParseTemplate(name, string(data), vault.Syntax{Lookup: vault.Variables(s.Environ)})
	if err != nil {
		return rinca.Secret{}, s.injectError(nil, err)
	}
	r := &vault.Resolver{Now: s.Now}
	var lost *vault.Unresolved
	if len(t.Refs()) > 0 {
		if r.Provider, err = s.open(); err != nil {
			return rinca.Secret{}, err
		}
		if _, err := r.Resolve(s.ctx, t.Refs()); err != nil && !errors.As(err, &lost) {
			return rinca.Secret{}, err
		}
	}
	texts, err := vault.Render(s.ctx, r, t)
	if err != nil {
		return rinca.Secret{}, s.injectError(lost, err)
	}
	return texts[0], nil
}

// injectError says in op's words what is wrong first, where it is, and how
// much else is.
func (s *session) injectError(lost *vault.Unresolved, err error) error {
	problems, ok := errors.AsType[vault.Problems](err)
	if !ok || len(problems) == 0 {
		return err
	}
	first := problems[0]
	words := oneLine(first.Err.Error())
	if lost != nil {
		for _, f := range lost.Failures {
			if strings.HasPrefix(words, f.Ref.String()+": ") {
				words = describe(s.notInjected(f))
				break
			}
		}
	}
	more := ""
	if n := len(problems) - 1; n > 0 {
		more = fmt.Sprintf("; and %d more", n)
	}
	return fail("%s (%s:%d:%d%s)", words, first.File, first.Line, first.Column, more)
}

func (s *session) notInjected(f vault.Failure) error {
	v, err := s.vault(f.Ref.Vault)
	switch {
	case f.Part == vault.PartVault && err != nil:
		return err
	case f.Part == vault.PartItem && err == nil && rinca.CodeOf(f.Err) == rinca.NotFound:
		return fail("could not resolve item UUID for item %s: could not find item %s in vault %s", f.Ref.Item, f.Ref.Item, v.ID)
	}
	return s.unresolved(f)
}
