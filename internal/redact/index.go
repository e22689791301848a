package redact

import (
	"encoding/binary"
	"math/bits"
	"slices"
)

// An index finds patterns in text. It works as Wu and Manber's does, by blocks
// of a few bytes among the first bytes of every pattern, but looks at every
// step-th block instead of shifting by a table: a pattern of which the first
// `window` bytes are in the text covers one of these blocks wherever it
// stands, so that the looks do not wait for one another. Three filters, each
// smaller in what it lets pass, keep most text away from the comparison.
type index struct {
	patterns []string   // sorted, without repeats
	first    [257]int32 // patterns that start with byte b: first[b] to first[b+1]
	window   int        // length of the shortest pattern, within limits
	step     int        // window - block + 1

	windowMask uint64   // the bytes of a word that are in the window
	shift      uint8    // from a product to an index into the tables
	blocks     []uint64 // one bit per hash of a block
	offsets    []uint16 // by the hash of a block: bits, where in the window it stands
	starts     []uint64 // one bit per hash of a pattern's first word
}

const (
	block     = 4
	word      = 8 // bytes that are looked at together
	maxWindow = 16
)

func hash(w uint64, shift uint8) uint64 { return (w * 0x9E3779B97F4A7C15) >> (shift & 63) }

// load returns the first eight bytes of s; those that it lacks are zero.
func load(s string) uint64 {
	var w [word]byte
	copy(w[:], s)
	return binary.LittleEndian.Uint64(w[:])
}

func newIndex(patterns []string) *index {
	slices.Sort(patterns)
	patterns = slices.Compact(patterns)
	x := &index{patterns: patterns, window: maxWindow}
	for _, p := range patterns {
		x.window = min(x.window, len(p))
		x.first[int(p[0])+1]++
	}
	for b := range 256 {
		x.first[b+1] += x.first[b]
	}
	x.step = x.window - block + 1
	x.windowMask = ^uint64(0) >> (64 - 8*min(x.window, word))

	known := map[uint32]uint16{} // block → offsets
	for _, p := range patterns {
		for o := range x.step {
			known[uint32(load(p[o:]))] |= 1 << o // the first four bytes
		}
	}
	// Sixteen bits for each block keep false alarms rare; 2^18 bits still fit
	// into the first level of a processor's cache.
	size := min(max(bits.Len(uint(len(known)*16)), 10), 20)
	x.shift = uint8(64 - size)
	x.blocks, x.starts = make([]uint64, 1<<size/64), make([]uint64, 1<<size/64)
	x.offsets = make([]uint16, 1<<size)
	for b, o := range known {
		h := hash(uint64(b), x.shift)
		x.blocks[h/64] |= 1 << (h % 64)
		x.offsets[h] |= o
	}
	for _, p := range patterns {
		h := hash(load(p)&x.windowMask, x.shift)
		x.starts[h/64] |= 1 << (h % 64)
	}
	return x
}

// A find is what an index has to say about a place in the text.
type find struct {
	start int
	// length of the longest pattern there; 0 means nothing was found.
	length int
	// open means that the text ends before it is clear how long the match
	// is, or whether it is one; walk continues from there.
	open bool
	walk walk
}

// next returns the leftmost place at or after pos where a pattern stands, or
// may stand once more text is known.
func (x *index) next(text []byte, pos int) find {
	p := pos + x.step - 1
	step, shift, blocks := x.step, x.shift, x.blocks
	for ; p+word <= len(text); p += step {
		h := hash(uint64(binary.LittleEndian.Uint32(text[p:p+block])), shift)
		if blocks[h/64]&(1<<(h%64)) == 0 {
			continue
		}
		for o := x.offsets[h]; o != 0; {
			at := bits.Len16(o) - 1
			o &^= 1 << at
			s := hash(binary.LittleEndian.Uint64(text[p-at:p-at+word])&x.windowMask, shift)
			if x.starts[s/64]&(1<<(s%64)) == 0 {
				continue
			}
			if f := x.at(text, p-at); f.length > 0 || f.open {
				return f
			}
		}
	}
	// The blocks cover every place before this one.
	for start := p - step + 1; start < len(text); start++ {
		if f := x.at(text, start); f.length > 0 || f.open {
			return f
		}
	}
	return find{}
}

func (x *index) at(text []byte, start int) find {
	c := text[start]
	w := walk{lo: x.first[c], hi: x.first[int(c)+1], depth: 1}
	open := x.follow(&w, text[start:])
	return find{start: start, length: w.best, open: open, walk: w}
}

// A walk is how far a place in the text has been compared: the patterns
// lo to hi begin with its first depth bytes; best of them are a pattern.
type walk struct {
	lo, hi int32
	depth  int
	best   int
}

// follow continues a walk to the end of the longest pattern; text begins
// where the walk began. It reports whether the text ended first.
func (x *index) follow(w *walk, text []byte) (open bool) {
	for w.lo < w.hi {
		if len(x.patterns[w.lo]) == w.depth { // the shortest sorts first
			w.best = w.depth
			w.lo++
			continue
		}
		if w.depth == len(text) {
			return true
		}
		c := text[w.depth]
		if w.lo+1 == w.hi {
			return x.followOne(w, text)
		}
		at := func(p string, c byte) int { return int(p[w.depth]) - int(c) }
		in := x.patterns[w.lo:w.hi]
		skip, _ := slices.BinarySearchFunc(in, c, at)
		in = in[skip:]
		keep := len(in)
		if len(in) > 0 && in[len(in)-1][w.depth] != c {
			keep, _ = slices.BinarySearchFunc(in, int(c)+1, func(p string, c int) int { return int(p[w.depth]) - c })
		}
		w.lo += int32(skip)
		w.hi = w.lo + int32(keep)
		w.depth++
	}
	return false
}

// followOne is follow when a single pattern is left.
func (x *index) followOne(w *walk, text []byte) (open bool) {
	p := x.patterns[w.lo]
	n := min(len(p), len(text))
	if p[w.depth:n] != string(text[w.depth:n]) {
		w.hi = w.lo
		return false
	}
	w.depth = n
	if n == len(p) {
		w.best, w.hi = n, w.lo
		return false
	}
	return true
}
