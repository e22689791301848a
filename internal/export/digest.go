package export

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
)

const keySize = 32

// A key makes digests that say nothing to whoever lacks it: a plain hash of a
// short secret can be guessed.
type key []byte

func newKey() key {
	k := make(key, keySize)
	_, _ = rand.Read(k) // never fails
	return k
}

// digest returns a keyed digest of a file's content. The path is part of it,
// so that equal files do not show as equal.
func (k key) digest(path string, data []byte) string {
	return k.mac("file\x00"+path+"\x00", data)
}

// mac returns a keyed digest of data for one purpose.
func (k key) mac(purpose string, data []byte) string {
	h := hmac.New(sha256.New, k)
	h.Write([]byte(purpose))
	h.Write(data)
	return base64.RawURLEncoding.EncodeToString(h.Sum(nil)[:18])
}

// equalMAC compares in constant time.
func equalMAC(a, b string) bool { return hmac.Equal([]byte(a), []byte(b)) }
