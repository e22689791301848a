package git

import (
	"compress/zlib"
	"crypto"
	"encoding/binary"
	"errors"
	"io"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/filemode"
	githash "github.com/go-git/go-git/v5/plumbing/hash"
	"github.com/go-git/go-git/v5/plumbing/object"
	"github.com/go-git/go-git/v5/plumbing/storer"

	"rinca/internal/rinca"
)

// maxTree is how deep folders may lie in one another.
const maxTree = 200

// walkTrees calls blob for every file below a tree, once for each content that
// seen does not hold yet. Afterwards seen holds trees and blobs.
func walkTrees(st storer.EncodedObjectStorer, tree plumbing.Hash, seen map[plumbing.Hash]bool, depth int, blob func(plumbing.Hash) error) error {
	if seen[tree] {
		return nil
	}
	seen[tree] = true
	if depth > maxTree {
		return rinca.Errorf(rinca.Invalid, "the repository has folders more than %d deep", maxTree)
	}
	t, err := object.GetTree(st, tree)
	if err != nil {
		return incomplete(err)
	}
	for _, e := range t.Entries {
		switch {
		case e.Mode == filemode.Dir:
			if err := walkTrees(st, e.Hash, seen, depth+1, blob); err != nil {
				return err
			}
		case e.Mode == filemode.Submodule || seen[e.Hash]:
		default:
			seen[e.Hash] = true
			if err := blob(e.Hash); err != nil {
				return err
			}
		}
	}
	return nil
}

// objectsOf lists what commits need, without what skip says is not wanted.
func objectsOf(st storer.EncodedObjectStorer, commits []have, skip func(plumbing.Hash) bool) ([]plumbing.Hash, error) {
	seen := map[plumbing.Hash]bool{}
	var list []plumbing.Hash
	for _, h := range commits {
		c, err := object.GetCommit(st, h.commit)
		if err != nil {
			return nil, err
		}
		list = append(list, h.commit)
		if err := walkTrees(st, c.TreeHash, seen, 0, func(plumbing.Hash) error { return nil }); err != nil {
			return nil, err
		}
	}
	for h := range seen {
		if skip == nil || !skip(h) {
			list = append(list, h)
		}
	}
	return list, nil
}

// writePack writes objects as a pack, one after the other, without deltas.
func writePack(w io.Writer, st storer.EncodedObjectStorer, list []plumbing.Hash) error {
	sum := githash.New(crypto.SHA1)
	out := io.MultiWriter(w, sum)
	header := append([]byte("PACK"), 0, 0, 0, 2)
	header = binary.BigEndian.AppendUint32(header, uint32(len(list))) //nolint:gosec // a list of that many does not fit into memory
	if _, err := out.Write(header); err != nil {
		return err
	}
	z, err := zlib.NewWriterLevel(out, zlib.BestSpeed)
	if err != nil {
		return err
	}
	for _, h := range list {
		if err := writeObject(out, z, st, h); err != nil {
			return err
		}
	}
	_, err = w.Write(sum.Sum(nil))
	return err
}

// writeObject writes one object of a pack.
func writeObject(out io.Writer, z *zlib.Writer, st storer.EncodedObjectStorer, h plumbing.Hash) (err error) {
	o, err := st.EncodedObject(plumbing.AnyObject, h)
	if err != nil {
		return err
	}
	size := uint64(o.Size()) //nolint:gosec // sizes are not negative
	head := []byte{byte(o.Type())<<4 | byte(size&0xf)}
	for size >>= 4; size > 0; size >>= 7 {
		head[len(head)-1] |= 0x80
		head = append(head, byte(size&0x7f))
	}
	if _, err := out.Write(head); err != nil {
		return err
	}
	r, err := o.Reader()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, r.Close()) }()
	z.Reset(out)
	if _, err := io.Copy(z, r); err != nil {
		return err
	}
	return z.Close()
}
