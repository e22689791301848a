package opcommand

import (
	"context"
	"strings"

	"rinca/internal/generate"
	"rinca/internal/rinca"
	"rinca/internal/vault"
)

// store writes an item, unless that is only tried, and prints it as it is
// then.
func (s *session) store(it rinca.Item, v rinca.Vault, f writeFlags, put func(rinca.Writer, context.Context, rinca.Item) (rinca.Item, error)) error {
	it.AdditionalInfo = ""
	for _, field := range it.Fields {
		if field.Purpose == rinca.PurposeUsername {
			it.AdditionalInfo = field.Value.Reveal()
		}
	}
	if f.dryRun {
		return s.printItem(it, v, f.reveal)
	}
	w, err := s.writer()
	if err != nil {
		return err
	}
	made, err := put(w, s.ctx, it)
	if err != nil {
		return err
	}
	return s.printItem(made, v, f.reveal)
}

// generatePassword fills the password field by a recipe such as
// "letters,digits,symbols,32".
func generatePassword(it *rinca.Item, recipe string) error {
	r, err := parseRecipe(recipe)
	if err != nil {
		return err
	}
	for i := range it.Fields {
		if it.Fields[i].Purpose == rinca.PurposePassword {
			it.Fields[i].Value, err = generate.Password(r)
			return err
		}
	}
	return fail("only Login and Password items can be given a generated password")
}

func parseRecipe(recipe string) (generate.Recipe, error) {
	r := generate.Recipe{Length: 32}
	wrong := fail("invalid recipe for a password: use letters, digits, symbols and a length from 1 to %d, as in letters,digits,32", generate.MaxLength)
	for part := range strings.SplitSeq(recipe, ",") {
		switch part = strings.TrimSpace(part); part {
		case "letters":
			r.Letters = true
		case "digits":
			r.Digits = true
		case "symbols":
			r.Symbols = true
		default:
			n := 0
			for _, c := range part {
				if c < '0' || c > '9' || n > generate.MaxLength {
					return r, wrong
				}
				n = 10*n + int(c-'0')
			}
			if n < 1 || n > generate.MaxLength {
				return r, wrong
			}
			r.Length = n
		}
	}
	return r, nil
}

// generateSSHKey fills the fields of an SSH Key item with a new key pair.
func generateSSHKey(it *rinca.Item, kind string) error {
	if it.Category != rinca.CategorySSHKey {
		return fail("an SSH key can only be generated for an SSH Key item")
	}
	recipe := map[string]string{
		"ed25519": "ed25519", "rsa": "rsa:4096", "rsa,2048": "rsa:2048", "rsa,3072": "rsa:3072", "rsa,4096": "rsa:4096",
	}[strings.ToLower(strings.ReplaceAll(kind, " ", ""))]
	if recipe == "" {
		return fail("%q isn't a type of SSH key: use ed25519, rsa, or rsa with 2048, 3072 or 4096 bits, as in rsa,3072", kind)
	}
	spec, err := generate.Parse(recipe)
	if err != nil {
		return err
	}
	private, err := spec.Make(nil)
	if err != nil {
		return err
	}
	public, fingerprint, err := vault.SSHPublicKey(private)
	if err != nil {
		return err
	}
	for i := range it.Fields {
		if it.Fields[i].ID == "private_key" {
			it.Fields[i].Value = private
		}
	}
	typ, _, _ := strings.Cut(recipe, ":")
	for _, f := range [][3]string{{"public_key", "public key", public}, {"fingerprint", "fingerprint", fingerprint}, {"key_type", "key type", typ}} {
		it.Fields = append(it.Fields, rinca.Field{ID: f[0], Label: f[1], Type: rinca.TypeString, Value: rinca.NewSecret(f[2])})
	}
	return nil
}
