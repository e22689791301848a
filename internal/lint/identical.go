package lint

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"slices"

	"rinca/internal/rinca"
)

// minIdentical is the length from which equal values are no coincidence.
const minIdentical = 8

// findIdentical compares the concealed values of different stacks, by digests
// under a key that lives as long as this call. Within a stack equal values
// are meant: a database and its client share a password.
func (l *linter) findIdentical() {
	key := make([]byte, sha256.Size)
	_, _ = rand.Read(key) // it never fails
	type use struct {
		it  *rinca.Item
		key string
	}
	uses := map[[sha256.Size]byte][]use{}
	for _, it := range l.items {
		for _, f := range it.Fields {
			if !it.Variable(f) || f.Type != rinca.TypeConcealed || f.Value.Len() < minIdentical {
				continue
			}
			mac := hmac.New(sha256.New, key)
			mac.Write([]byte(f.Value.Reveal()))
			sum := [sha256.Size]byte(mac.Sum(nil))
			uses[sum] = append(uses[sum], use{it, f.Label})
		}
	}
	l.identical = map[*rinca.Item]map[string][]Place{}
	for _, same := range uses {
		for _, u := range same {
			for _, other := range same {
				if shareStack(u.it, other.it) {
					continue
				}
				if l.identical[u.it] == nil {
					l.identical[u.it] = map[string][]Place{}
				}
				l.identical[u.it][u.key] = append(l.identical[u.it][u.key], Place{other.it.ID, other.it.Title, other.key})
			}
		}
	}
}

func shareStack(a, b *rinca.Item) bool {
	return a == b || slices.ContainsFunc(a.Stacks(), func(s string) bool { return slices.Contains(b.Stacks(), s) })
}
