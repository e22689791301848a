package opcommand

import (
	"rinca/internal/rinca"
	"rinca/internal/vault"
)

// otp returns the current code of a one-time password field; not set when its
// seed is of no use.
func (s *session) otp(f rinca.Field) rinca.Secret {
	if f.TOTP.IsSet() {
		return f.TOTP
	}
	code, err := vault.TOTP(f.Value, s.Now())
	if err != nil {
		return rinca.Secret{}
	}
	return code
}
