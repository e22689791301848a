package connectapi

import (
	"slices"
	"strings"

	"rinca/internal/generate"
	"rinca/internal/rinca"
	"rinca/internal/vault"
)

// generated makes a value by a recipe; without one, 32 letters, digits and
// symbols.
func generated(r *recipeJSON) (rinca.Secret, error) {
	var in generate.Recipe
	if r != nil {
		in.Exclude = r.ExcludeCharacters
		if r.Length != nil {
			if *r.Length < 1 || *r.Length > 64 {
				return rinca.Secret{}, errorf(400, "Invalid password recipe: length must be between 1 and 64")
			}
			in.Length = *r.Length
		}
		sets := slices.Clone(r.CharacterSets)
		for i := range sets {
			sets[i] = strings.ToUpper(sets[i])
		}
		for _, set := range sets {
			switch set {
			case "LETTERS":
				in.Letters = true
			case "DIGITS":
				in.Digits = true
			case "SYMBOLS":
				in.Symbols = true
			default:
				return rinca.Secret{}, errorf(400, "Invalid password recipe: characterSets holds LETTERS, DIGITS or SYMBOLS")
			}
		}
	}
	value, err := generate.Password(in)
	if err != nil {
		return rinca.Secret{}, errorf(400, "Invalid password recipe: %s", err)
	}
	return value, nil
}

// otp returns the current code of a one-time password field; not set when its
// seed is of no use.
func (s *Server) otp(f rinca.Field) rinca.Secret {
	code, err := vault.TOTP(f.Value, s.cfg.Now())
	if err != nil {
		return rinca.Secret{}
	}
	return code
}
