package redact

import (
	"errors"
	"io"
)

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
	text, resumed := p, len(w.held) > 0
	if resumed {
		w.held = append(w.held, p...)
		text = w.held
	}
	w.mask(text, resumed)
	if w.err != nil {
		return 0, w.err
	}
	return len(p), nil
}

const chunk = 256 << 10 // what is read at once, if it is there

// ReadFrom masks everything that r has. It does what io.Copy does with Write,
// and copies less.
func (w *Writer) ReadFrom(r io.Reader) (int64, error) {
	var total int64
	buf := make([]byte, chunk)
	for w.err == nil {
		held := copy(buf, w.held)
		if len(buf)-len(w.held) < chunk/2 { // a long secret, so far
			buf = append(append(buf[:0], w.held...), make([]byte, len(w.held)+chunk)...)
			held = len(w.held)
		}
		n, err := r.Read(buf[held:])
		total += int64(n)
		if n > 0 {
			if w.masker.index == nil {
				_, w.err = w.out.Write(buf[:n])
			} else {
				w.mask(buf[:held+n], held > 0)
			}
		}
		if errors.Is(err, io.EOF) {
			err = nil
			if w.err == nil {
				return total, nil
			}
		}
		if err != nil {
			return total, err
		}
	}
	return total, w.err
}

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
			w.last(text[passed:f.start])
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
	w.last(text[passed:])
	w.held = w.held[:0]
}

// pass puts p into the buffer: to copy a chunk costs less than to write it in
// several pieces.
func (w *Writer) pass(p []byte) {
	if len(w.buf)+len(p) > 2*chunk {
		w.drain()
	}
	if len(p) <= 2*chunk {
		w.buf = append(w.buf, p...)
	} else if w.err == nil {
		_, w.err = w.out.Write(p)
	}
}

// last passes p on, and all that is in the buffer.
func (w *Writer) last(p []byte) {
	if len(w.buf) > 0 {
		w.pass(p)
		w.drain()
	} else if len(p) > 0 && w.err == nil {
		_, w.err = w.out.Write(p)
	}
}

func (w *Writer) drain() {
	if len(w.buf) > 0 && w.err == nil {
		_, w.err = w.out.Write(w.buf)
	}
	w.buf = w.buf[:0]
}
