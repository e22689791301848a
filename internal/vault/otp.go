package vault

import (
	"crypto/hmac"
	"crypto/sha1" //nolint:gosec // RFC 6238 says so
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base32"
	"encoding/binary"
	"fmt"
	"hash"
	"net/url"
	"strconv"
	"strings"
	"time"

	"rinca/internal/rinca"
)

// TOTP computes the one-time password (RFC 6238) at a time. The seed is an
// otpauth://totp/ address, or a base32 key with the usual 6 digits, 30
// seconds and SHA-1. Anything else is an error Invalid that does not show it.
func TOTP(seed rinca.Secret, now time.Time) (rinca.Secret, error) {
	key, digits, period := seed.Reveal(), 6, int64(30)
	newHash := sha1.New
	if strings.HasPrefix(strings.ToLower(key), "otpauth:") {
		u, err := url.Parse(key)
		if err != nil || !strings.EqualFold(u.Host, "totp") {
			return rinca.Secret{}, rinca.Errorf(rinca.Invalid, "read one-time password: not an otpauth://totp/ address")
		}
		q := u.Query()
		key = q.Get("secret")
		if digits, err = number(q.Get("digits"), 6, 10); err != nil {
			return rinca.Secret{}, rinca.Errorf(rinca.Invalid, "read one-time password: digits %w", err)
		}
		seconds, err := number(q.Get("period"), 30, 86400)
		if err != nil {
			return rinca.Secret{}, rinca.Errorf(rinca.Invalid, "read one-time password: period %w", err)
		}
		period = int64(seconds)
		if newHash, err = hashNamed(q.Get("algorithm")); err != nil {
			return rinca.Secret{}, err
		}
	}
	key = strings.ToUpper(strings.NewReplacer(" ", "", "-", "", "=", "").Replace(key))
	raw, err := base32.StdEncoding.WithPadding(base32.NoPadding).DecodeString(key)
	if err != nil || len(raw) == 0 {
		return rinca.Secret{}, rinca.Errorf(rinca.Invalid, "read one-time password: its key is not base32")
	}
	return rinca.NewSecret(hotp(hmac.New(newHash, raw), uint64(now.Unix()/period), digits)), nil
}

// hotp is RFC 4226: the counter's digest, cut to some digits.
func hotp(mac hash.Hash, counter uint64, digits int) string {
	_ = binary.Write(mac, binary.BigEndian, counter)
	sum := mac.Sum(nil)
	at := sum[len(sum)-1] & 0xf
	code := uint64(binary.BigEndian.Uint32(sum[at:at+4]) & 0x7fffffff)
	modulus := uint64(1)
	for range digits {
		modulus *= 10
	}
	return fmt.Sprintf("%0*d", digits, code%modulus)
}

func hashNamed(name string) (func() hash.Hash, error) {
	switch strings.ToUpper(strings.ReplaceAll(name, "-", "")) {
	case "", "SHA1":
		return sha1.New, nil
	case "SHA256":
		return sha256.New, nil
	case "SHA512":
		return sha512.New, nil
	}
	return nil, rinca.Errorf(rinca.Invalid, "read one-time password: unknown algorithm; SHA1, SHA256 and SHA512 are known")
}

// number reads a small positive number; "" is the usual one.
func number(s string, usual, most int) (int, error) {
	if s == "" {
		return usual, nil
	}
	n, err := strconv.Atoi(s)
	if err != nil || n < 1 || n > most {
		return 0, fmt.Errorf("must be a number from 1 to %d", most)
	}
	return n, nil
}
