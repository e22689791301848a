package database

import (
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"math/bits"
)

// A Sum is a keyed digest of a set, which can be kept up to date in constant
// time: the sum, modulo 2^256, of a keyed digest of each member. Without the
// key nobody can find another set with the same sum.
type Sum [4]uint64

// Add adds a member, by its digest.
func (s *Sum) Add(d [32]byte) {
	var carry uint64
	for i := range s {
		s[i], carry = bits.Add64(s[i], binary.LittleEndian.Uint64(d[i*8:]), carry)
	}
}

// Remove is the reverse of Add.
func (s *Sum) Remove(d [32]byte) {
	var borrow uint64
	for i := range s {
		s[i], borrow = bits.Sub64(s[i], binary.LittleEndian.Uint64(d[i*8:]), borrow)
	}
}

// MarshalText encodes the sum as hexadecimal digits.
func (s Sum) MarshalText() ([]byte, error) {
	return fmt.Appendf(nil, "%016x%016x%016x%016x", s[0], s[1], s[2], s[3]), nil
}

// UnmarshalText is the reverse of MarshalText.
func (s *Sum) UnmarshalText(text []byte) error {
	b, err := hex.DecodeString(string(text))
	if err != nil || len(b) != 32 {
		return fmt.Errorf("a sum of %d characters", len(text))
	}
	for i := range s {
		s[i] = binary.BigEndian.Uint64(b[i*8:])
	}
	return nil
}
