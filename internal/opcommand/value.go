package opcommand

import (
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"rinca/internal/rinca"
	"rinca/internal/vault"
)

// storedValue is a value as a vault keeps it: a date in seconds, a month as
// YYYYMM. A value that its type cannot have is an error, which does not show
// it.
func storedValue(typ rinca.FieldType, v rinca.Secret, field string) (rinca.Secret, error) {
	if !utf8.ValidString(v.Reveal()) { // JSON would change it without a word
		return rinca.Secret{}, fail("the value of %q isn't valid UTF-8: attach it as a file", field)
	}
	switch typ {
	case rinca.TypeDate:
		if t, err := time.Parse(time.DateOnly, v.Reveal()); err == nil {
			return rinca.NewSecret(strconv.FormatInt(t.Unix(), 10)), nil
		}
		if _, err := strconv.ParseInt(v.Reveal(), 10, 64); err == nil { // as op prints it
			return v, nil
		}
		return rinca.Secret{}, fail("the value of %q isn't a date: use YYYY-MM-DD", field)
	case rinca.TypeMonthYear:
		digits := strings.ReplaceAll(v.Reveal(), "/", "")
		if _, err := time.Parse("200601", digits); err != nil {
			return rinca.Secret{}, fail("the value of %q isn't a month: use YYYYMM or YYYY/MM", field)
		}
		return rinca.NewSecret(digits), nil
	case rinca.TypeOTP:
		if _, err := vault.TOTP(v, time.Now()); err != nil {
			return rinca.Secret{}, fail("the value of %q isn't a one-time password: use an otpauth:// address", field)
		}
	}
	return v, nil
}

// plainValue is a field's value as a person writes it.
func plainValue(f rinca.Field) rinca.Secret {
	if f.Type != rinca.TypeDate {
		return f.Value
	}
	seconds, err := strconv.ParseInt(f.Value.Reveal(), 10, 64)
	if err != nil {
		return f.Value
	}
	return rinca.NewSecret(time.Unix(seconds, 0).UTC().Format(time.DateOnly))
}
