package redact

import "io"

// A Writer masks a stream. It holds back only bytes that may still become a
// secret with the next ones, so that a prompt appears at once. It is not safe
// for use by several goroutines.
type Writer struct {
	masker *Masker
	out    io.Writer
	held   []byte // the start of what may become a secret
	walk   walk   // how far held[0] has been compared
	buf    []byte
	err    error
}

// Writer returns a Writer that masks what goes to w. Close it, or what is
// held back at the end is lost.
func (m *Masker) Writer(w io.Writer) *Writer {
	return &Writer{masker: m, out: w}
}

// Write masks p and passes it on, apart from an end that may become a secret.
// It reports an error of the underlying writer, now and ever after.
func (w *Writer) Write(p []byte) (int, error) {
	if w.err != nil {
		return 0, w.err
	}
	if w.masker.index == nil {
		n, err := w.out.Write(p)
		w.err = err
		return n, err
	}
	n := len(p)
	// What is held and what is new have to be looked at together, but only
	// until nothing is held: the bulk of p is not copied.
	for len(w.held) > 0 && len(p) > 0 {
		k := min(len(p), joint)
		w.held = append(w.held, p[:k]...)
		p = p[k:]
		w.mask(w.held, true)
	}
	if len(p) > 0 {
		w.mask(p, false)
	}
	w.drain()
	if w.err != nil {
		return 0, w.err
	}
	return n, nil
}

const (
	joint  = 512       // bytes that are copied to follow on what is held
	direct = 128 << 10 // bytes that are worth a write of their own
)

// Flush passes on what is held back, as if the stream ended here.
func (w *Writer) Flush() error {
	for len(w.held) > 0 && w.err == nil {
		if w.walk.best > 0 {
			w.pass([]byte(Mask))
			w.again(w.walk.best)
			continue
		}
		w.pass(w.held[:1])
		w.again(1)
	}
	w.drain()
	return w.err
}

// Close flushes. It does not close the underlying writer.
func (w *Writer) Close() error { return w.Flush() }

// again masks what is held after its first n bytes, of which has been decided.
func (w *Writer) again(n int) {
	rest := append([]byte(nil), w.held[n:]...)
	w.held = w.held[:0]
	w.mask(rest, false)
}

// mask passes on text, which begins with a place that was open if resumed.
func (w *Writer) mask(text []byte, resumed bool) {
	x := w.masker.index
	passed, pos := 0, 0
	for w.err == nil {
		var f find
		if resumed {
			open := x.follow(&w.walk, text)
			f = find{length: w.walk.best, open: open, walk: w.walk}
			if resumed = false; !open && f.length == 0 {
				pos = 1
				continue
			}
		} else {
			f = x.next(text, pos)
		}
		if f.open {
			w.pass(text[passed:f.start])
			w.walk = f.walk
			w.held = append(w.held[:0], text[f.start:]...)
			return
		}
		if f.length == 0 {
			break
		}
		w.pass(text[passed:f.start])
		w.pass([]byte(Mask))
		passed = f.start + f.length
		pos = passed
	}
	w.pass(text[passed:])
	w.held = w.held[:0]
}

// pass passes p on: what is large at once, and the rest through the buffer. To
// copy a chunk costs less than to write it in two pieces.
func (w *Writer) pass(p []byte) {
	if len(w.buf)+len(p) > direct {
		w.drain()
	}
	if len(p) < direct {
		w.buf = append(w.buf, p...)
	} else if w.err == nil {
		_, w.err = w.out.Write(p)
	}
}

func (w *Writer) drain() {
	if len(w.buf) > 0 && w.err == nil {
		_, w.err = w.out.Write(w.buf)
	}
	w.buf = w.buf[:0]
}
