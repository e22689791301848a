package git

import (
	"context"
	"crypto"
	"errors"
	"fmt"
	"io"

	"github.com/go-git/go-git/v5/plumbing"
	githash "github.com/go-git/go-git/v5/plumbing/hash"
	"github.com/go-git/go-git/v5/storage/filesystem"
)

// readSmall reads a blob that is a path.
func readSmall(st *filesystem.Storage, h plumbing.Hash) (string, error) {
	o, err := st.EncodedObject(plumbing.BlobObject, h)
	if err != nil {
		return "", unreadable{err}
	}
	if o.Size() > 4096 {
		return "", nil // too long for a path
	}
	r, err := o.Reader()
	if err != nil {
		return "", unreadable{err}
	}
	defer r.Close()
	data, err := io.ReadAll(r)
	if err != nil {
		return "", unreadable{err}
	}
	return string(data), nil
}

// copyBlob writes a blob to w, and makes sure that it is the one it should be:
// what lies on a disk may have changed there.
func copyBlob(ctx context.Context, w io.Writer, st *filesystem.Storage, h plumbing.Hash) (err error) {
	o, err := st.EncodedObject(plumbing.BlobObject, h)
	if err != nil {
		return unreadable{err}
	}
	r, err := o.Reader()
	if err != nil {
		return unreadable{err}
	}
	defer r.Close()
	sum := newBlobHash(o.Size())
	if _, err := io.Copy(io.MultiWriter(w, sum), &reading{ctx: ctx, r: r}); err != nil {
		return err
	}
	if got := sumOf(sum); got != h {
		return unreadable{fmt.Errorf("object %s has the content of %s", h, got)}
	}
	return nil
}

// A reading tells errors of reading from errors of writing.
type reading struct {
	ctx context.Context //nolint:containedctx // as long as one copy
	r   io.Reader
}

// Read implements io.Reader.
func (r *reading) Read(p []byte) (int, error) {
	if r.ctx.Err() != nil {
		return 0, ended(r.ctx)
	}
	n, err := r.r.Read(p)
	if err != nil && !errors.Is(err, io.EOF) {
		err = unreadable{err}
	}
	return n, err
}

func newBlobHash(size int64) githash.Hash {
	sum := githash.New(crypto.SHA1)
	fmt.Fprintf(sum, "blob %d\x00", size)
	return sum
}

func sumOf(sum githash.Hash) (h plumbing.Hash) {
	copy(h[:], sum.Sum(nil))
	return h
}
