package seal_test

import (
	"bytes"
	"errors"
	"io"
	"path/filepath"
	"testing"
	"time"

	"rinca/internal/rinca"
	"rinca/internal/seal"
)

func testRing(t *testing.T) *seal.Ring {
	t.Helper()
	r, err := seal.Create(filepath.Join(t.TempDir(), "key"), rinca.Secret{}, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func sealStream(t *testing.T, r *seal.Ring, plain []byte) []byte {
	t.Helper()
	var b bytes.Buffer
	w, err := r.NewWriter(&b, "here")
	if err != nil {
		t.Fatal(err)
	}
	for p := plain; len(p) > 0; { // in odd pieces
		n := min(len(p), 10_007)
		if _, err := w.Write(p[:n]); err != nil {
			t.Fatal(err)
		}
		p = p[n:]
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func openStream(r *seal.Ring, sealed []byte, context string) ([]byte, error) {
	in, err := r.NewReader(bytes.NewReader(sealed), context)
	if err != nil {
		return nil, err
	}
	return io.ReadAll(in)
}

func TestStream(t *testing.T) {
	r := testRing(t)
	for _, n := range []int{0, 1, 65535, 65536, 65537, 131072, 200_000} {
		plain := bytes.Repeat([]byte("canary!"), n/7+1)[:n]
		sealed := sealStream(t, r, plain)
		if n > 7 && bytes.Contains(sealed, []byte("canary")) {
			t.Errorf("%d bytes: readable", n)
		}
		if got, err := openStream(r, sealed, "here"); err != nil || !bytes.Equal(got, plain) {
			t.Errorf("%d bytes: %d came back, %v", n, len(got), err)
		}
		for _, cut := range []int{1, 16, 17, len(sealed) / 2, len(sealed) - 3} {
			if _, err := openStream(r, sealed[:len(sealed)-cut], "here"); err == nil {
				t.Errorf("%d bytes, %d cut off: no error", n, cut)
			}
		}
		for _, at := range []int{0, 5, 40, len(sealed) / 2, len(sealed) - 1} {
			bad := bytes.Clone(sealed)
			bad[at] ^= 4
			if _, err := openStream(r, bad, "here"); err == nil {
				t.Errorf("%d bytes, byte %d flipped: no error", n, at)
			}
		}
		if _, err := openStream(r, append(bytes.Clone(sealed), 'x'), "here"); err == nil {
			t.Errorf("%d bytes, one appended: no error", n)
		}
	}
}

func TestStreamChunksCannotBeMoved(t *testing.T) {
	r := testRing(t)
	sealed := sealStream(t, r, bytes.Repeat([]byte{1}, 4*65536))
	const chunk = 65536 + 16
	body := sealed[len(sealed)-4*chunk:]
	swapped := bytes.Clone(sealed)
	copy(swapped[len(sealed)-4*chunk:], body[chunk:2*chunk])
	copy(swapped[len(sealed)-3*chunk:], body[:chunk])
	if _, err := openStream(r, swapped, "here"); err == nil {
		t.Error("swapped chunks: no error")
	}
	if _, err := openStream(r, sealed[:len(sealed)-chunk], "here"); err == nil {
		t.Error("a missing last chunk: no error")
	}
	if _, err := openStream(r, sealed, "there"); err == nil {
		t.Error("another place: no error")
	}
	if _, err := openStream(testRing(t), sealed, "here"); !errors.Is(err, seal.ErrUnknownKey) {
		t.Errorf("another key: %v", err)
	}
}
