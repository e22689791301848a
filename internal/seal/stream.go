package seal

import (
	"bufio"
	"crypto/cipher"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"io"
)

// chunkSize is how much of a stream is sealed at once.
const chunkSize = 64 << 10

// headerLen is the length of a stream's sealed data key.
const headerLen = Overhead + keySize

// A streamNonce counts chunks and marks the last one, so that chunks cannot be
// moved, left out or cut off.
type streamNonce [nonceSize]byte

func (n *streamNonce) next(last bool) []byte {
	if last {
		n[nonceSize-1] = 1
	}
	out := *n
	binary.BigEndian.PutUint64(n[:8], binary.BigEndian.Uint64(n[:8])+1)
	return out[:]
}

// NewWriter returns a writer whose Close ends a sealed stream of any length.
// It does not close w. Without Close, the stream is one that was cut off.
func (r *Ring) NewWriter(w io.Writer, context string) (io.WriteCloser, error) {
	dek := make([]byte, keySize)
	rand.Read(dek)
	header, err := r.Seal(context, dek)
	if err != nil {
		return nil, err
	}
	a, err := newAEAD(dek)
	if err != nil {
		return nil, err
	}
	if _, err := w.Write(header); err != nil {
		return nil, err
	}
	return &streamWriter{w: w, aead: a, buf: make([]byte, 0, chunkSize)}, nil
}

type streamWriter struct {
	w     io.Writer
	aead  cipher.AEAD
	nonce streamNonce
	buf   []byte
	err   error
}

func (s *streamWriter) Write(p []byte) (n int, err error) {
	for len(p) > 0 && s.err == nil {
		if len(s.buf) == chunkSize { // and more follows, so it is not the last
			s.flush(false)
		}
		k := copy(s.buf[len(s.buf):chunkSize], p)
		s.buf = s.buf[:len(s.buf)+k]
		p, n = p[k:], n+k
	}
	return n, s.err
}

func (s *streamWriter) flush(last bool) {
	if s.err != nil {
		return
	}
	_, s.err = s.w.Write(s.aead.Seal(nil, s.nonce.next(last), s.buf, nil))
	s.buf = s.buf[:0]
}

func (s *streamWriter) Close() error {
	s.flush(true)
	err := s.err
	if err == nil {
		s.err = errors.New("the stream is closed")
	}
	return err
}

// NewReader reads what NewWriter has written for the same context. Its errors
// are those of Open; what it returns before one is authentic, and not whole.
func (r *Ring) NewReader(from io.Reader, context string) (io.Reader, error) {
	header := make([]byte, headerLen)
	if _, err := io.ReadFull(from, header); err != nil {
		return nil, cutOff(err)
	}
	dek, err := r.Open(context, header)
	if err != nil {
		return nil, err
	}
	a, err := newAEAD(dek)
	if err != nil {
		return nil, err
	}
	return &streamReader{r: bufio.NewReaderSize(from, chunkSize), aead: a}, nil
}

type streamReader struct {
	r     *bufio.Reader
	aead  cipher.AEAD
	nonce streamNonce
	plain []byte
	err   error
}

func (s *streamReader) Read(p []byte) (int, error) {
	for len(s.plain) == 0 && s.err == nil {
		s.fill()
	}
	n := copy(p, s.plain)
	s.plain = s.plain[n:]
	if n > 0 {
		return n, nil
	}
	return 0, s.err
}

func (s *streamReader) fill() {
	chunk := make([]byte, chunkSize+tagSize)
	n, err := io.ReadFull(s.r, chunk)
	if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) {
		s.err = cutOff(err)
		return
	}
	_, err = s.r.Peek(1)
	last := errors.Is(err, io.EOF)
	if err != nil && !last {
		s.err = err
		return
	}
	if s.plain, err = s.aead.Open(nil, s.nonce.next(last), chunk[:n], nil); err != nil {
		s.err = errDamaged
	} else if last {
		s.err = io.EOF
	}
}

// cutOff turns an end too early into damage; other errors stay.
func cutOff(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return errDamaged
	}
	return err
}
