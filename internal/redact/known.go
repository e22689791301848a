package redact

import (
	"slices"
	"sync"
	"sync/atomic"

	"rinca/internal/rinca"
)

// A Known is the set of all values that the program knows at the moment, by
// where they are from: "variables", "vault homelab", "update 01J…". Its
// Masker masks all of them. The zero Known is empty and ready to use. It is
// safe for use by several goroutines.
type Known struct {
	mu    sync.Mutex
	sets  map[string]knownSet
	all   []string               // the patterns of all sets, sorted, with repeats
	ready atomic.Pointer[Masker] // nil after a change
}

// knownSet keeps the forms of values, which take most of the time, so that a
// change of one set does not look at the others again.
type knownSet struct {
	secrets  []rinca.Secret
	patterns []string // sorted, without repeats
}

// Set says which values are known from key, in place of those before. A
// Masker that was taken before does not change.
func (k *Known) Set(key string, secrets []rinca.Secret) {
	k.mu.Lock()
	defer k.mu.Unlock()
	before, known := k.sets[key]
	if known && slices.EqualFunc(before.secrets, secrets, rinca.Secret.Equal) {
		return
	}
	if k.sets == nil {
		k.sets = map[string]knownSet{}
	}
	set := knownSet{slices.Clone(secrets), patternsOf(secrets)}
	k.sets[key] = set
	k.replace(before.patterns, set.patterns)
}

// Remove forgets the values of key.
func (k *Known) Remove(key string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if before, ok := k.sets[key]; ok {
		delete(k.sets, key)
		k.replace(before.patterns, nil)
	}
}

// replace merges patterns into those of all sets: to sort them again would
// take longer than everything else.
func (k *Known) replace(before, now []string) {
	all := make([]string, 0, len(k.all)+len(now)-len(before))
	for _, p := range k.all {
		if len(before) > 0 && before[0] == p {
			before = before[1:]
			continue
		}
		for len(now) > 0 && now[0] < p {
			all = append(all, now[0])
			now = now[1:]
		}
		all = append(all, p)
	}
	k.all = append(all, now...)
	k.ready.Store(nil)
}

// Masker returns a Masker of all that is known now. It is made after a
// change, by the first who asks, and costs nothing in between. Streams that
// live longer than one message ask again for each.
func (k *Known) Masker() *Masker {
	if m := k.ready.Load(); m != nil {
		return m
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if m := k.ready.Load(); m != nil {
		return m
	}
	m := &Masker{}
	if len(k.all) > 0 {
		m.index = newIndex(slices.Clone(k.all))
	}
	k.ready.Store(m)
	return m
}

// Secrets returns how many values are known.
func (k *Known) Secrets() int {
	k.mu.Lock()
	defer k.mu.Unlock()
	n := 0
	for _, set := range k.sets {
		n += len(set.secrets)
	}
	return n
}
