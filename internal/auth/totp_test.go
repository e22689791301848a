package auth

import (
	"encoding/base32"
	"net/url"
	"testing"
	"time"

	"rinca/internal/rinca"
)

// The vectors of RFC 6238, cut to six digits.
func TestTOTPVectors(t *testing.T) {
	for at, want := range map[int64]string{
		59: "287082", 1111111109: "081804", 1111111111: "050471", 1234567890: "005924", 2000000000: "279037", 20000000000: "353130",
	} {
		if got := totp([]byte("12345678901234567890"), at/totpPeriod); got != want {
			t.Errorf("at %d: %s, want %s", at, got, want)
		}
	}
}

func TestMatchTOTP(t *testing.T) {
	seed := rinca.NewSecret(base32.StdEncoding.EncodeToString([]byte("12345678901234567890")))
	key := []byte("12345678901234567890")
	now := time.Unix(1111111111, 0)
	step := now.Unix() / totpPeriod
	for name, c := range map[string]struct {
		code string
		last int64
		want int64
	}{
		"now":           {totp(key, step), 0, step},
		"with a blank":  {"050 471", 0, step},
		"before":        {totp(key, step-1), 0, step - 1},
		"after":         {totp(key, step+1), 0, step + 1},
		"long before":   {totp(key, step-2), 0, 0},
		"long after":    {totp(key, step+2), 0, 0},
		"used":          {totp(key, step), step, 0},
		"older than it": {totp(key, step-1), step, 0},
		"next one":      {totp(key, step+1), step, step + 1},
		"short":         {"05047", 0, 0},
		"long":          {"0504710", 0, 0},
		"empty":         {"", 0, 0},
		"no digits":     {"abcdef", 0, 0},
	} {
		got, ok := matchTOTP(seed, c.code, now, c.last)
		if got != c.want || ok != (c.want != 0) {
			t.Errorf("%s: %d %v, want %d", name, got, ok, c.want)
		}
	}
	if _, ok := matchTOTP(rinca.Secret{}, totp(nil, step), now, 0); ok {
		t.Error("no seed matches")
	}
	if _, ok := matchTOTP(seed, totp(key, 0), time.Unix(0, 0), -1); !ok {
		t.Error("the clock at its beginning")
	}
}

func TestTOTPURI(t *testing.T) {
	seed := newSeed()
	u, err := url.Parse(totpURI("a@b+c", seed).Reveal())
	if err != nil || u.Scheme != "otpauth" || u.Host != "totp" || u.Path != "/Rinca:a@b+c" || u.Query().Get("secret") != seed.Reveal() || len(seed.Reveal()) != 32 {
		t.Errorf("%v %v", u, err)
	}
}
