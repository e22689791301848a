package git

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"strings"

	gogit "github.com/go-git/go-git/v5"
	"github.com/go-git/go-git/v5/plumbing"

	"rinca/internal/rinca"
)

// A local is a repository on this machine, that is read as it lies there.
type local struct {
	repo *gogit.Repository
}

func openLocal(a address) (remote, error) {
	repo, err := gogit.PlainOpenWithOptions(a.path, &gogit.PlainOpenOptions{EnableDotGitCommonDir: true})
	if err == nil {
		return &local{repo: repo}, nil
	}
	if _, statErr := os.Stat(a.path); errors.Is(statErr, fs.ErrPermission) {
		return nil, rinca.Errorf(rinca.Forbidden, "read %s: permission denied", a.text).Because(err)
	}
	return nil, rinca.Errorf(rinca.NotFound, "%s is no Git repository", a.text).
		Try("git -C %s status", a.path).Because(err)
}

func (l *local) close() {
	if c, ok := l.repo.Storer.(io.Closer); ok {
		_ = c.Close()
	}
}

func (l *local) refs(ctx context.Context) (*advert, error) {
	ad := &advert{refs: map[string]plumbing.Hash{}, any: true, peel: func(h plumbing.Hash) plumbing.Hash {
		commit, _ := l.peel(h)
		return commit
	}}
	fail := func(err error) (*advert, error) {
		return nil, rinca.Errorf(rinca.Corrupt, "read the refs of a local repository: %s", clean(err.Error())).Because(err)
	}
	iter, err := l.repo.References()
	if err != nil {
		return fail(err)
	}
	err = iter.ForEach(func(ref *plumbing.Reference) error {
		if ctx.Err() != nil {
			return ended(ctx)
		}
		if ref.Type() == plumbing.HashReference && strings.HasPrefix(ref.Name().String(), "refs/") {
			ad.refs[ref.Name().String()] = ref.Hash()
		}
		return nil
	})
	if err != nil {
		return fail(err)
	}
	head, err := l.repo.Reference(plumbing.HEAD, false)
	if err != nil {
		return fail(err)
	}
	if head.Type() == plumbing.SymbolicReference {
		ad.head = head.Target().String()
	} else {
		ad.head = "HEAD"
		ad.refs["HEAD"] = head.Hash()
	}
	return ad, nil
}

// peel returns the commit that a tag stands for, and the tags on the way.
func (l *local) peel(h plumbing.Hash) (commit plumbing.Hash, tags []plumbing.Hash) {
	for range maxPeel {
		tag, err := l.repo.TagObject(h)
		if err != nil {
			break
		}
		tags = append(tags, h)
		h = tag.Target
	}
	return h, tags
}

// get copies what a commit needs and the mirror lacks.
func (l *local) get(ctx context.Context, w want, to *mirror) error {
	h, tags := l.peel(w.hashes[0])
	list, err := objectsOf(l.repo.Storer, []have{{commit: h}}, func(o plumbing.Hash) bool {
		return to.st.HasEncodedObject(o) == nil
	})
	if errors.Is(err, plumbing.ErrObjectNotFound) {
		return rinca.Errorf(rinca.NotFound, "the repository has no commit %s", h).Because(err)
	}
	if err != nil {
		return err
	}
	reader, writer := io.Pipe()
	go func() { writer.CloseWithError(writePack(writer, l.repo.Storer, append(list, tags...))) }()
	err = to.store(&meter{ctx: ctx, r: reader, out: w.out}, false)
	reader.CloseWithError(io.ErrClosedPipe) // the writer ends
	if errors.Is(err, plumbing.ErrObjectNotFound) {
		return rinca.Errorf(rinca.Corrupt, "the repository lacks an object of commit %s", h).Try("git fsck").Because(err)
	}
	return answer(err)
}
