package rinca

import (
	"crypto/subtle"
	"errors"
	"fmt"
	"io"
	"log/slog"
)

// A Secret is a value that does not print. It hides from every fmt verb, from
// slog, and refuses to be encoded (as JSON, text, gob or anything built on
// them), so that it cannot be saved either, not even as the word "[secret]".
//
// The zero Secret is "no value", which is not the same as an empty one: see
// IsSet. Secrets compare with Equal, never with ==.
//
// The pointer matters: fmt cannot call methods on unexported fields, so a
// string held by value would be printed as it is when the Secret sits in an
// unexported field of another struct.
type Secret struct{ p *string }

// NewSecret wraps a value. NewSecret("") is set, and empty.
func NewSecret(value string) Secret { return Secret{&value} }

// Reveal returns the value; "" when none is set. Every use of a secret in the
// clear goes through this method, so that a review can start from its callers.
func (s Secret) Reveal() string {
	if s.p == nil {
		return ""
	}
	return *s.p
}

// IsSet reports whether there is a value at all, even an empty one.
func (s Secret) IsSet() bool { return s.p != nil }

// IsEmpty reports whether there is no value, or one of no bytes.
func (s Secret) IsEmpty() bool { return s.p == nil || *s.p == "" }

// Len returns the length of the value in bytes.
func (s Secret) Len() int { return len(s.Reveal()) }

// Equal compares two secrets in time that depends on their lengths only.
// No value equals no value, and differs from an empty one.
func (s Secret) Equal(t Secret) bool {
	if s.IsSet() != t.IsSet() {
		return false
	}
	return subtle.ConstantTimeCompare([]byte(s.Reveal()), []byte(t.Reveal())) == 1
}

const hidden = "[secret]"

var errEncode = errors.New("rinca: a Secret is not encoded")

// String returns "[secret]".
func (s Secret) String() string { return hidden }

// GoString returns "[secret]".
func (s Secret) GoString() string { return hidden }

// Format prints "[secret]" for every verb and flag.
func (s Secret) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, hidden) }

// LogValue logs "[secret]".
func (s Secret) LogValue() slog.Value { return slog.StringValue(hidden) }

// MarshalText refuses: a Secret is not encoded.
func (s Secret) MarshalText() ([]byte, error) { return nil, errEncode }

// MarshalJSON refuses: a Secret is not encoded.
func (s Secret) MarshalJSON() ([]byte, error) { return nil, errEncode }

// MarshalBinary refuses: a Secret is not encoded.
func (s Secret) MarshalBinary() ([]byte, error) { return nil, errEncode }

// GobEncode refuses: a Secret is not encoded.
func (s Secret) GobEncode() ([]byte, error) { return nil, errEncode }
