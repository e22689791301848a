package auth

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha1" //nolint:gosec // RFC 6238 says so, and authenticators know nothing else
	"crypto/subtle"
	"encoding/base32"
	"encoding/binary"
	"fmt"
	"net/url"
	"strings"
	"time"

	"rinca/internal/rinca"
)

// The parameters that every authenticator knows.
const (
	totpPeriod = 30 // seconds
	totpDigits = 6
	totpSteps  = 1 // steps of clock difference, each way
)

// newSeed makes the secret of a second factor, in base32.
func newSeed() rinca.Secret {
	seed := make([]byte, 20)
	rand.Read(seed)
	return rinca.NewSecret(base32.StdEncoding.EncodeToString(seed)) // 20 bytes need no padding
}

// totpURI returns what the authenticator's picture code holds.
func totpURI(user string, seed rinca.Secret) rinca.Secret {
	q := url.Values{"secret": {seed.Reveal()}, "issuer": {"Rinca"}, "algorithm": {"SHA1"}, "digits": {"6"}, "period": {"30"}}
	u := url.URL{Scheme: "otpauth", Host: "totp", Path: "/Rinca:" + user, RawQuery: q.Encode()}
	return rinca.NewSecret(u.String())
}

// matchTOTP returns the step whose code it is, if that step is after the last
// one that was used.
func matchTOTP(seed rinca.Secret, code string, now time.Time, last int64) (step int64, ok bool) {
	code = strings.Map(func(r rune) rune {
		if r == ' ' || r == '-' {
			return -1
		}
		return r
	}, code)
	key, err := base32.StdEncoding.DecodeString(seed.Reveal())
	if err != nil || len(key) == 0 || len(code) != totpDigits {
		return 0, false
	}
	current := now.Unix() / totpPeriod
	for s := current - totpSteps; s <= current+totpSteps; s++ {
		if s > last && s >= 0 && subtle.ConstantTimeCompare([]byte(totp(key, s)), []byte(code)) == 1 && !ok {
			step, ok = s, true
		}
	}
	return step, ok
}

// totp is RFC 6238 with SHA-1 and six digits.
func totp(key []byte, step int64) string {
	mac := hmac.New(sha1.New, key)
	_ = binary.Write(mac, binary.BigEndian, uint64(step))
	sum := mac.Sum(nil)
	at := sum[len(sum)-1] & 0xf
	return fmt.Sprintf("%06d", binary.BigEndian.Uint32(sum[at:at+4])&0x7fffffff%1_000_000)
}
