package auth

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base32"
	"strings"

	"rinca/internal/rinca"
)

// The beginnings of tokens: sessions and API keys.
const (
	sessionPrefix = "rs_"
	keyPrefix     = "rk_"
)

// A token is a prefix, 32 random bytes and a checksum of 3 bytes, which tells
// a token that was cut or mistyped from one that is not known: 3 + 56
// characters.
const (
	tokenRandom = 32
	tokenSum    = 3
	tokenText   = (tokenRandom + tokenSum) * 8 / 5
)

func tokenEncoding() *base32.Encoding {
	return base32.NewEncoding("abcdefghijklmnopqrstuvwxyz234567").WithPadding(base32.NoPadding)
}

func newToken(prefix string) rinca.Secret {
	data := make([]byte, tokenRandom, tokenRandom+tokenSum)
	rand.Read(data)
	return rinca.NewSecret(prefix + tokenEncoding().EncodeToString(append(data, checksum(prefix, data)...)))
}

func checksum(prefix string, data []byte) []byte {
	sum := sha256.Sum256(append([]byte("rinca token "+prefix), data...))
	return sum[:tokenSum]
}

// CheckToken tells, without asking anybody, whether a text can be a token of
// this program, and if not, why. Code Unauthenticated; the error never shows
// it.
func CheckToken(token rinca.Secret) error {
	_, err := parseToken(token.Reveal())
	return err
}

// parseToken returns the prefix of a token.
func parseToken(token string) (prefix string, err error) {
	refuse := func(what, hint string) (string, error) {
		return "", rinca.Errorf(rinca.Unauthenticated, "%s", what).Try("%s", hint)
	}
	switch {
	case token == "":
		return refuse("no token was given", "rinca login, or an API key in RINCA_API_KEY")
	case strings.HasPrefix(token, sessionPrefix):
		prefix = sessionPrefix
	case strings.HasPrefix(token, keyPrefix):
		prefix = keyPrefix
	default:
		return refuse("this is no token of Rinca; they begin with rs_ or rk_", "rinca login, or an API key of `rinca apikey create`")
	}
	text := token[len(prefix):]
	if len(text) < tokenText {
		return refuse("the token is cut: characters are missing at its end", "copy it again, all of it")
	}
	data, err := tokenEncoding().DecodeString(text)
	if err != nil || len(text) != tokenText || string(checksum(prefix, data[:tokenRandom])) != string(data[tokenRandom:]) {
		return refuse("the token is mistyped: its checksum is wrong", "copy it again, all of it and nothing else")
	}
	return prefix, nil
}
