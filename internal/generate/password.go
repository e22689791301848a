// Package generate makes new secrets: random ones from a recipe such as
// "base64:50", and values derived from others, such as a password hash or a
// connection string. All randomness is the operating system's.
package generate

import (
	"crypto/rand"
	"encoding/binary"
	"math"
	"strings"

	"rinca/internal/envfile"
	"rinca/internal/rinca"
)

// The sets of characters. Symbols are those of 1Password's command; each is
// safe without quotes in every reader of env files.
const (
	Letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
	Digits  = "0123456789"
	Symbols = "!@.-_*"
)

// MaxLength is the longest password that Password makes, as in the Connect API.
const MaxLength = 64

// A Recipe says how a password is made, in the terms of the Connect API.
type Recipe struct {
	// Length is the number of characters, 1 to 64; 0 is 32.
	Length int
	// Letters, Digits and Symbols choose the sets; none is all of them.
	Letters, Digits, Symbols bool
	// Exclude holds characters that must not appear.
	Exclude string
}

// Password makes a password in which every requested set is represented, all
// such passwords being equally likely. A recipe that cannot be obeyed is an
// error with code Invalid.
func Password(r Recipe) (rinca.Secret, error) {
	if r.Length == 0 {
		r.Length = 32
	}
	if r.Length < 1 || r.Length > MaxLength {
		return rinca.Secret{}, rinca.Errorf(rinca.Invalid, "a password has 1 to %d characters, not %d", MaxLength, r.Length)
	}
	return password(r)
}

// password is Password without the limit of the Connect API.
func password(r Recipe) (rinca.Secret, error) {
	if !r.Letters && !r.Digits && !r.Symbols {
		r.Letters, r.Digits, r.Symbols = true, true, true
	}
	var sets []string
	for _, s := range []struct {
		wanted      bool
		name, chars string
	}{{r.Letters, "letters", Letters}, {r.Digits, "digits", Digits}, {r.Symbols, "symbols", Symbols}} {
		if !s.wanted {
			continue
		}
		chars := strings.Map(func(c rune) rune {
			if strings.ContainsRune(r.Exclude, c) {
				return -1
			}
			return c
		}, s.chars)
		if chars == "" {
			return rinca.Secret{}, rinca.Errorf(rinca.Invalid, "the recipe asks for %s and excludes all of them", s.name)
		}
		sets = append(sets, chars)
	}
	if r.Length < len(sets) {
		return rinca.Secret{}, rinca.Errorf(rinca.Invalid, "%d characters cannot hold one of each of %d sets", r.Length, len(sets))
	}
	all := strings.Join(sets, "")
	for {
		// Starting over, rather than mending, keeps all passwords equally
		// likely.
		s := pick(all, r.Length)
		if hasAll(s, sets) && !envfile.IsPlaceholder(s) {
			return rinca.NewSecret(s), nil
		}
	}
}

func hasAll(s string, sets []string) bool {
	for _, set := range sets {
		if !strings.ContainsAny(s, set) {
			return false
		}
	}
	return true
}

// pick draws n characters.
func pick(chars string, n int) string {
	out := make([]byte, n)
	for i := range out {
		out[i] = chars[below(len(chars))]
	}
	return string(out)
}

// below returns a number in [0, n), each equally likely.
func below(n int) int {
	limit := math.MaxUint32 - math.MaxUint32%uint32(n)
	for {
		v := binary.LittleEndian.Uint32(random(4))
		if v < limit {
			return int(v % uint32(n))
		}
	}
}

// random returns n bytes from the operating system.
func random(n int) []byte {
	b := make([]byte, n)
	_, _ = rand.Read(b) // it never fails: the program ends if the system has no randomness
	return b
}
