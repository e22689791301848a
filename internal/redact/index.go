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
// stands, so that the looks do not wait for one another. Two filters keep most
// text away from the comparison.
type index struct {
	patterns []string   // sorted, without repeats
	first    [257]int32 // patterns that start with byte b: first[b] to first[b+1]
	window   int        // length of the shortest pattern, at most a word
	step     int        // window - block + 1

	shift uint8 // from a product to an index into the blocks
	// blocks has, by the hash of a block, a bit for each place of a window
	// that the block can have: the lowest for the last place, so that lower
	// bits mean an earlier start.
	blocks []uint8

	windowMask uint64   // the bytes of a word that are in the window
	starts     []uint64 // one bit per hash of a window
	wideShift  uint8
}

const (
	block = 4
	word  = 8 // bytes that are looked at together
	looks = 4 // at blocks in a row
)

func hash(b uint32, shift uint8) uint32 { return b * 0x9E3779B1 >> (shift & 31) }

func wideHash(w uint64, shift uint8) uint64 { return w * 0x9E3779B97F4A7C15 >> (shift & 63) }

// load returns the first eight bytes of s; those that it lacks are zero.
func load(s string) uint64 {
	var w [word]byte
	copy(w[:], s)
	return binary.LittleEndian.Uint64(w[:])
}

func newIndex(patterns []string) *index {
	slices.Sort(patterns)
	patterns = slices.Compact(patterns)
	x := &index{patterns: patterns, window: word}
	for _, p := range patterns {
		x.window = min(x.window, len(p))
		x.first[int(p[0])+1]++
	}
	for b := range 256 {
		x.first[b+1] += x.first[b]
	}
	x.step = x.window - block + 1
	x.windowMask = ^uint64(0) >> (64 - 8*x.window)

	// Sixteen places for each block keep false alarms rare; 2^18 of them still
	// fit into the second level of a processor's cache.
	size := min(max(bits.Len(uint(len(patterns)*x.step*16)), 10), 18)
	x.shift = uint8(32 - size)
	x.blocks = make([]uint8, 1<<size)
	for _, p := range patterns {
		for o := range x.step {
			x.blocks[hash(uint32(load(p[o:])), x.shift)] |= 1 << (x.step - 1 - o) // the first four bytes
		}
	}
	x.wideShift = uint8(64 - size)
	x.starts = make([]uint64, 1<<size/64)
	for _, p := range patterns {
		h := wideHash(load(p)&x.windowMask, x.wideShift)
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
	step := x.step
	p := pos + step - 1
	for {
		var places uint32
		if places, p = x.skip(text, p); places == 0 {
			break
		}
		for ; places != 0; places &= places - 1 {
			bit := bits.TrailingZeros32(places)
			start := p + bit/8*step + bit%8 - (step - 1)
			h := wideHash(binary.LittleEndian.Uint64(text[start:start+word])&x.windowMask, x.wideShift)
			if x.starts[h/64]&(1<<(h%64)) == 0 {
				continue
			}
			if f := x.at(text, start); f.length > 0 || f.open {
				return f
			}
		}
		p += looks * step
	}
	// The blocks cover every place before this one.
	for start := p - step + 1; start < len(text); start++ {
		if start+block <= len(text) {
			b := x.blocks[hash(binary.LittleEndian.Uint32(text[start:start+block]), x.shift)]
			if b>>(step-1) == 0 {
				continue
			}
		}
		if f := x.at(text, start); f.length > 0 || f.open {
			return f
		}
	}
	return find{}
}

// skip looks at four blocks in a row until one of them may be known, and
// returns what they say, a byte for each, and where the first is. 0 means that
// the text has no four blocks any more. This is where the time goes: the looks
// do not depend on one another, and for secrets of eight bytes or more, which
// most are, the compiler knows their distance.
func (x *index) skip(text []byte, p int) (places uint32, at int) {
	const widest = word - block + 1
	shift, blocks, step := x.shift, x.blocks, x.step
	need := (looks-1)*step + word
	if step != widest {
		for ; p+need <= len(text); p += looks * step {
			t := text[p : p+need]
			a := blocks[hash(binary.LittleEndian.Uint32(t), shift)]
			b := blocks[hash(binary.LittleEndian.Uint32(t[step:]), shift)]
			c := blocks[hash(binary.LittleEndian.Uint32(t[2*step:]), shift)]
			d := blocks[hash(binary.LittleEndian.Uint32(t[3*step:]), shift)]
			if a|b|c|d != 0 {
				return uint32(a) | uint32(b)<<8 | uint32(c)<<16 | uint32(d)<<24, p
			}
		}
		return 0, p
	}
	for ; p+need <= len(text); p += looks * widest {
		t := text[p : p+looks*widest]
		a := blocks[hash(binary.LittleEndian.Uint32(t), shift)]
		b := blocks[hash(binary.LittleEndian.Uint32(t[widest:]), shift)]
		c := blocks[hash(binary.LittleEndian.Uint32(t[2*widest:]), shift)]
		d := blocks[hash(binary.LittleEndian.Uint32(t[3*widest:]), shift)]
		if a|b|c|d != 0 {
			return uint32(a) | uint32(b)<<8 | uint32(c)<<16 | uint32(d)<<24, p
		}
	}
	return 0, p
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
