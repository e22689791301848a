package vault_test

import (
	"strings"
	"testing"
	"time"

	"rinca/internal/rinca"
	"rinca/internal/vault"
)

// TestTOTP: the test vectors of RFC 6238, appendix B.
func TestTOTP(t *testing.T) {
	const sha1 = "otpauth://totp/rfc?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&digits=8"
	const sha256 = "otpauth://totp/rfc?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQGEZA&digits=8&algorithm=SHA256"
	const sha512 = "otpauth://totp/rfc?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQGEZDGNA&digits=8&algorithm=sha-512"
	for _, tt := range []struct {
		seed string
		at   int64
		want string
	}{
		{sha1, 59, "94287082"},
		{sha256, 59, "46119246"},
		{sha512, 59, "90693936"},
		{sha1, 1111111109, "07081804"},
		{sha256, 1111111109, "68084774"},
		{sha512, 1111111109, "25091201"},
		{sha1, 20000000000, "65353130"},
		{sha256, 20000000000, "77737706"},
		{sha512, 20000000000, "47863826"},
		{"GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ", 59, "287082"},
		{"gezd gnbv gy3t qojq-gezd gnbv gy3t qojq==", 59, "287082"},
		{"otpauth://totp/x?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&period=60", 119, "287082"},
	} {
		got, err := vault.TOTP(rinca.NewSecret(tt.seed), time.Unix(tt.at, 0))
		if err != nil || got.Reveal() != tt.want {
			t.Errorf("%s at %d: got %q, %v, want %s", tt.seed, tt.at, got.Reveal(), err, tt.want)
		}
	}
}

func TestTOTPRefuses(t *testing.T) {
	for _, seed := range []string{
		"", "hunter2!", "otpauth://hotp/x?secret=GEZDGNBVGY3TQOJQ", "otpauth://totp/x", "otpauth://totp/x?secret=hunter2!",
		"otpauth://totp/x?secret=GEZDGNBVGY3TQOJQ&digits=0", "otpauth://totp/x?secret=GEZDGNBVGY3TQOJQ&digits=99",
		"otpauth://totp/x?secret=GEZDGNBVGY3TQOJQ&period=hunter2!", "otpauth://totp/x?secret=GEZDGNBVGY3TQOJQ&algorithm=hunter2!", "otpauth:\x00",
	} {
		_, err := vault.TOTP(rinca.NewSecret(seed), time.Unix(59, 0))
		if rinca.CodeOf(err) != rinca.Invalid || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%q: %v", seed, err)
		}
	}
}
