package connect

import (
	"encoding/base64"
	"encoding/json"
	"strings"
	"time"

	"rinca/internal/rinca"
)

// CheckToken looks at a token without using it: one that cannot work is an
// error Unauthenticated. Tokens that are not JWTs are let through, because
// servers other than 1Password's may issue them. expires is zero when the
// token does not say.
func CheckToken(token rinca.Secret, now time.Time) (expires time.Time, err error) {
	t := token.Reveal()
	fix := "create a token (op connect token create, or rinca connect token create NAME --vault VAULT,r) and set OP_CONNECT_TOKEN to it"
	switch {
	case t == "":
		return time.Time{}, rinca.Errorf(rinca.Unauthenticated, "OP_CONNECT_TOKEN is not set").Try("%s", fix)
	case strings.HasPrefix(t, "ops_"):
		return time.Time{}, rinca.Errorf(rinca.Unauthenticated, "OP_CONNECT_TOKEN invalid: it holds a service account token").
			Try("unset OP_CONNECT_HOST and OP_CONNECT_TOKEN, and set OP_SERVICE_ACCOUNT_TOKEN to it")
	case strings.ContainsFunc(t, func(r rune) bool { return r <= ' ' || r > '~' }):
		return time.Time{}, rinca.Errorf(rinca.Unauthenticated, "OP_CONNECT_TOKEN invalid: it holds spaces, line breaks or other characters that no token has").
			Try("copy the token again, without anything around it")
	}
	parts := strings.Split(t, ".")
	if len(parts) != 3 {
		return time.Time{}, nil
	}
	payload, err := base64.RawURLEncoding.DecodeString(strings.TrimRight(parts[1], "="))
	if err != nil {
		return time.Time{}, nil
	}
	var claims struct {
		Exp float64 `json:"exp"`
	}
	if json.Unmarshal(payload, &claims) != nil || claims.Exp <= 0 || claims.Exp > 1e11 {
		return time.Time{}, nil
	}
	expires = time.Unix(int64(claims.Exp), 0).UTC()
	if now.After(expires) {
		return expires, rinca.Errorf(rinca.Unauthenticated, "OP_CONNECT_TOKEN invalid: it expired on %s", expires.Format(time.DateOnly)).Try("%s", fix)
	}
	return expires, nil
}

func checkToken(token rinca.Secret, now time.Time) error {
	_, err := CheckToken(token, now)
	return err
}
