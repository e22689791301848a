package store

import (
	"crypto/rand"
	"encoding/binary"
	"strings"
	"time"
)

// idAlphabet sorts as it counts, and has no letters that look like digits.
const idAlphabet = "0123456789abcdefghjkmnpqrstvwxyz"

// newID returns an id of 26 letters and digits: 48 bits of time in
// milliseconds and 80 random ones. Ids sort by their time.
func newID(at time.Time) string {
	var b [16]byte
	binary.BigEndian.PutUint64(b[:8], uint64(max(at.UnixMilli(), 0))<<16) //nolint:gosec // not negative
	rand.Read(b[6:])
	hi, lo := binary.BigEndian.Uint64(b[:8]), binary.BigEndian.Uint64(b[8:])
	var out [26]byte
	for i := len(out) - 1; i >= 0; i-- {
		out[i] = idAlphabet[lo&31]
		lo = lo>>5 | hi<<59
		hi >>= 5
	}
	return string(out[:])
}

// timeOfID is when an id was made, in milliseconds; 0 for one that newID has
// not made.
func timeOfID(id string) int64 {
	if len(id) != 26 {
		return 0
	}
	var n int64
	for _, c := range id[:10] { // 50 bits, the first two of which are 0
		i := strings.IndexRune(idAlphabet, c)
		if i < 0 {
			return 0
		}
		n = n<<5 | int64(i)
	}
	return n
}
