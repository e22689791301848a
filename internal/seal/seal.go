// Package seal is envelope encryption: every record is sealed with a random
// data key of its own, which is wrapped by a key-encryption key from the key
// file. A sealed record is bound to its place, so it cannot be read from
// another, and a changed bit is an error, never another value.
package seal

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"

	"rinca/internal/rinca"
)

// ErrUnknownKey is returned for a record that was sealed with a key that the
// ring does not hold: the key was rotated by another process, or the record
// belongs to another home.
var ErrUnknownKey = errors.New("sealed with an unknown key")

// errDamaged is the one failure of authentication; which part failed is of no
// use to anybody but an attacker.
var errDamaged = errors.New("fails its authentication")

const (
	recordVersion = 1
	keySize       = 32
	nonceSize     = 12
	tagSize       = 16
	wrappedSize   = nonceSize + keySize + tagSize
	headerSize    = 1 + kidSize + wrappedSize
	// Overhead is how many bytes sealing adds to a value.
	Overhead = headerSize + nonceSize + tagSize
)

// Seal encrypts and authenticates plain, for the place that context names
// (table, id, version …). The key is the ring's current one.
func (r *Ring) Seal(context string, plain []byte) ([]byte, error) {
	return r.SealWith(r.Current(), context, plain)
}

// SealWith is Seal with the key of that id.
func (r *Ring) SealWith(kid KeyID, context string, plain []byte) ([]byte, error) {
	kek, ok := r.aead(kid)
	if !ok {
		return nil, ErrUnknownKey
	}
	dek := make([]byte, keySize)
	rand.Read(dek)
	out := make([]byte, 0, Overhead+len(plain))
	out = append(out, recordVersion)
	out = append(out, kid[:]...)
	out = sealTo(out, kek, dek, wrapData(kid, context))
	data, err := newAEAD(dek)
	if err != nil {
		return nil, err
	}
	return sealTo(out, data, plain, []byte(context)), nil
}

// Open returns what was sealed for the same context. It fails with
// ErrUnknownKey, or with an error that says that the record is damaged.
func (r *Ring) Open(context string, sealed []byte) ([]byte, error) {
	dek, err := r.unwrap(context, sealed)
	if err != nil {
		return nil, err
	}
	data, err := newAEAD(dek)
	if err != nil {
		return nil, err
	}
	return openFrom(data, sealed[headerSize:], []byte(context))
}

// Rewrap returns the record with its data key wrapped by the key of that id;
// the data itself is not touched. A record that has it already is returned
// as it is.
func (r *Ring) Rewrap(kid KeyID, context string, sealed []byte) ([]byte, error) {
	dek, err := r.unwrap(context, sealed)
	if err != nil {
		return nil, err
	}
	if KeyID(sealed[1:1+kidSize]) == kid {
		return sealed, nil
	}
	kek, ok := r.aead(kid)
	if !ok {
		return nil, ErrUnknownKey
	}
	out := make([]byte, 0, len(sealed))
	out = append(out, recordVersion)
	out = append(out, kid[:]...)
	out = sealTo(out, kek, dek, wrapData(kid, context))
	return append(out, sealed[headerSize:]...), nil
}

func (r *Ring) unwrap(context string, sealed []byte) ([]byte, error) {
	if len(sealed) < Overhead || sealed[0] != recordVersion {
		return nil, errDamaged
	}
	kid := KeyID(sealed[1 : 1+kidSize])
	kek, ok := r.aead(kid)
	if !ok {
		return nil, ErrUnknownKey
	}
	return openFrom(kek, sealed[1+kidSize:headerSize], wrapData(kid, context))
}

// wrapData binds a wrapped data key to its key and its place.
func wrapData(kid KeyID, context string) []byte {
	return append(append([]byte("wrap|"), kid[:]...), context...)
}

func newAEAD(key []byte) (cipher.AEAD, error) {
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, fmt.Errorf("aes: %w", err)
	}
	return cipher.NewGCM(block)
}

func sealTo(out []byte, a cipher.AEAD, plain, data []byte) []byte {
	nonce := make([]byte, nonceSize)
	rand.Read(nonce)
	return a.Seal(append(out, nonce...), nonce, plain, data)
}

func openFrom(a cipher.AEAD, box, data []byte) ([]byte, error) {
	plain, err := a.Open(nil, box[:nonceSize], box[nonceSize:], data)
	if err != nil {
		return nil, errDamaged
	}
	return plain, nil
}

// Digest returns a keyed digest of data: equal data has equal digests within
// one home and one purpose, and without the key file a digest says nothing,
// not even to somebody who can guess the value. It survives key rotation.
func (r *Ring) Digest(purpose string, data ...[]byte) [sha256.Size]byte {
	key, err := hkdf.Key(sha256.New, r.digest, nil, "rinca digest "+purpose, keySize)
	if err != nil { // only for a length that SHA-256 cannot give
		panic(err)
	}
	mac := hmac.New(sha256.New, key)
	for _, d := range data {
		var n [8]byte
		binary.BigEndian.PutUint64(n[:], uint64(len(d)))
		mac.Write(n[:])
		mac.Write(d)
	}
	return [sha256.Size]byte(mac.Sum(nil))
}

// DigestSecret is Digest of a secret's value.
func (r *Ring) DigestSecret(purpose string, s rinca.Secret) [sha256.Size]byte {
	return r.Digest(purpose, []byte(s.Reveal()))
}
