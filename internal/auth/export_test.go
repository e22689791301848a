package auth

import (
	"time"

	"rinca/internal/rinca"
)

// TOTPAt is what an authenticator shows.
func TOTPAt(key []byte, at time.Time) string { return totp(key, at.Unix()/totpPeriod) }

// NewToken is a token that nobody has.
func NewToken() rinca.Secret { return newToken(keyPrefix) }
