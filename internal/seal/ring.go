package seal

import (
	"crypto/cipher"
	"crypto/rand"
	"encoding/hex"
	"sync"
	"time"
)

const kidSize = 8

// A KeyID names a key-encryption key.
type KeyID [kidSize]byte

// String returns the id in hexadecimal digits.
func (k KeyID) String() string { return hex.EncodeToString(k[:]) }

// ParseKeyID is the reverse of String; false when s is not an id.
func ParseKeyID(s string) (KeyID, bool) {
	b, err := hex.DecodeString(s)
	if err != nil || len(b) != kidSize {
		return KeyID{}, false
	}
	return KeyID(b), true
}

// A Ring holds the key-encryption keys of a home and its digest key. It is
// safe for use by several goroutines, and prints as nothing but its ids.
type Ring struct {
	keys   []key // oldest first; the last one is current
	digest []byte

	mu    sync.Mutex
	aeads map[KeyID]cipher.AEAD
}

type key struct {
	id      KeyID
	secret  []byte
	created time.Time
}

// String hides the keys.
func (r *Ring) String() string { return "seal.Ring(" + r.Current().String() + ")" }

// GoString hides the keys.
func (r *Ring) GoString() string { return r.String() }

func newRing(now time.Time) *Ring {
	r := &Ring{digest: random(keySize)}
	return r.withNewKey(now)
}

func (r *Ring) withNewKey(now time.Time) *Ring {
	k := key{id: KeyID(random(kidSize)), secret: random(keySize), created: now.UTC().Truncate(time.Second)}
	return &Ring{keys: append(append([]key{}, r.keys...), k), digest: r.digest}
}

func (r *Ring) only(id KeyID) *Ring {
	for _, k := range r.keys {
		if k.id == id {
			return &Ring{keys: []key{k}, digest: r.digest}
		}
	}
	return r
}

// Current returns the id of the newest key.
func (r *Ring) Current() KeyID { return r.keys[len(r.keys)-1].id }

// Created returns when the newest key was made.
func (r *Ring) Created() time.Time { return r.keys[len(r.keys)-1].created }

// Len returns how many keys the ring holds: more than one only while a
// rotation is under way.
func (r *Ring) Len() int { return len(r.keys) }

// Has reports whether the ring holds that key.
func (r *Ring) Has(id KeyID) bool {
	_, ok := r.aead(id)
	return ok
}

func (r *Ring) aead(id KeyID) (cipher.AEAD, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if a, ok := r.aeads[id]; ok {
		return a, true
	}
	for _, k := range r.keys {
		if k.id != id {
			continue
		}
		a, err := newAEAD(k.secret)
		if err != nil {
			return nil, false
		}
		if r.aeads == nil {
			r.aeads = map[KeyID]cipher.AEAD{}
		}
		r.aeads[id] = a
		return a, true
	}
	return nil, false
}

func random(n int) []byte {
	b := make([]byte, n)
	rand.Read(b)
	return b
}
