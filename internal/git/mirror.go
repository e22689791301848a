package git

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/go-git/go-billy/v5/osfs"
	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/cache"
	"github.com/go-git/go-git/v5/plumbing/format/packfile"
	"github.com/go-git/go-git/v5/plumbing/object"
	"github.com/go-git/go-git/v5/plumbing/storer"
	"github.com/go-git/go-git/v5/storage/filesystem"
	"golang.org/x/sys/unix"

	"rinca/internal/atomicfile"
	"rinca/internal/rinca"
)

// A mirror is the directory of one repository:
//
//	objects/        Git's packs, and what came in small pieces
//	commits/        an empty file for each commit that is whole here
//	url             the repository, for people
//	broken          there if an object could not be read; the next fetch clears
//	fetch.lock      held by who writes packs
//	data.lock       held shared by who reads, alone by who removes
type mirror struct {
	dir string
	st  *filesystem.Storage
}

// A have is a commit that a mirror has.
type have struct {
	commit  plumbing.Hash
	shallow bool // without its history
	at      time.Time
}

const (
	maxHaves     = 16 // that a server is told of
	maxCommits   = 60 // before the objects of a mirror are put together
	keepNewest   = 30 // commits that are kept then
	largeObject  = 8 << 20
	maxPeel      = 10        // tags of tags
	maxObjects   = 8_000_000 // of a pack; each takes memory while it is read
	shallowMark  = "s"
	completeMark = "c"
)

// open opens the mirror of an address, and makes it if told to.
func (m *Mirrors) open(a address, create bool) (*mirror, error) {
	dir := filepath.Join(m.Dir, a.name())
	if create {
		for _, sub := range []string{"objects/pack", "commits", "refs"} {
			if err := os.MkdirAll(filepath.Join(dir, sub), 0o700); err != nil {
				return nil, atomicfile.Error("make", filepath.Join(dir, sub), err)
			}
		}
		if _, err := os.Lstat(filepath.Join(dir, "url")); errors.Is(err, fs.ErrNotExist) {
			if err := os.WriteFile(filepath.Join(dir, "url"), []byte(a.text+"\n"), 0o600); err != nil {
				return nil, atomicfile.Error("write", filepath.Join(dir, "url"), err)
			}
		}
	} else if _, err := os.Stat(filepath.Join(dir, "commits")); err != nil {
		return nil, rinca.Errorf(rinca.NotFound, "%s has not been fetched yet", a.text).Because(err)
	}
	mir := &mirror{dir: dir}
	mir.reopen()
	return mir, nil
}

// reopen forgets what is known of the packs.
func (mir *mirror) reopen() {
	mir.close()
	mir.st = mir.storage()
}

// storage opens the objects of the mirror. One is not for use by several
// goroutines, of which one writes.
func (mir *mirror) storage() *filesystem.Storage {
	return filesystem.NewStorageWithOptions(osfs.New(mir.dir, osfs.WithBoundOS()), cache.NewObjectLRU(32<<20),
		filesystem.Options{KeepDescriptors: true, LargeObjectThreshold: largeObject})
}

func (mir *mirror) close() {
	if mir.st != nil {
		_ = mir.st.Close()
	}
}

func (mir *mirror) path(name string) string { return filepath.Join(mir.dir, name) }

// has reports whether a commit is whole in the mirror.
func (mir *mirror) has(commit plumbing.Hash) bool {
	if _, err := os.Lstat(mir.path("broken")); err == nil {
		return false
	}
	_, err := os.Lstat(mir.path("commits/" + commit.String()))
	return err == nil
}

// haves returns the commits that are whole here, newest first.
func (mir *mirror) haves() []have {
	entries, err := os.ReadDir(mir.path("commits"))
	if err != nil {
		return nil
	}
	var all []have
	for _, e := range entries {
		info, err := e.Info()
		if err != nil || !commitID.MatchString(e.Name()) {
			continue
		}
		kind, _ := os.ReadFile(mir.path("commits/" + e.Name()))
		all = append(all, have{commit: hash(e.Name()), shallow: string(kind) != completeMark, at: info.ModTime()})
	}
	slices.SortFunc(all, func(a, b have) int { return b.at.Compare(a.at) })
	return all
}

// keep notes that a commit is whole here, after it made sure of that and that
// it will be after a crash. before are the files of objects/pack that are
// durable already.
func (mir *mirror) keep(commit plumbing.Hash, full bool, before map[string]bool) error {
	mir.reopen()
	if err := mir.check(commit); err != nil {
		return err
	}
	if err := mir.sync(before); err != nil {
		return err
	}
	mark := shallowMark
	if full {
		mark = completeMark
	}
	root, err := os.OpenRoot(mir.path("commits"))
	if err != nil {
		return atomicfile.Error("write", mir.path("commits"), err)
	}
	defer root.Close()
	return atomicfile.Write(root, commit.String(), []byte(mark), atomicfile.Mode(0o600))
}

// sync makes new objects durable: those in the packs that were not there before,
// or, if there are none, whatever has come.
func (mir *mirror) sync(before map[string]bool) error {
	for name := range mir.packs() {
		if !before[name] {
			return syncNew(mir.path("objects/pack"), before)
		}
	}
	d, err := os.Open(mir.dir)
	if err != nil {
		return atomicfile.Error("sync", mir.dir, err)
	}
	defer d.Close()
	if err := unix.Syncfs(int(d.Fd())); err != nil && !errors.Is(err, syscall.ENOSYS) {
		return atomicfile.Error("sync", mir.dir, err)
	}
	return nil
}

// packs are the names of the files in objects/pack.
func (mir *mirror) packs() map[string]bool {
	names := map[string]bool{}
	entries, _ := os.ReadDir(mir.path("objects/pack")) // none, if it fails: then all are synced
	for _, e := range entries {
		names[e.Name()] = true
	}
	return names
}

// check makes sure that everything of a commit is here.
func (mir *mirror) check(commit plumbing.Hash) error {
	c, err := object.GetCommit(mir.st, commit)
	if err != nil {
		return incomplete(err)
	}
	seen := map[plumbing.Hash]bool{}
	return walkTrees(mir.st, c.TreeHash, seen, 0, func(blob plumbing.Hash) error {
		if err := mir.st.HasEncodedObject(blob); err != nil {
			return incomplete(err)
		}
		return nil
	})
}

func incomplete(err error) error {
	return rinca.Errorf(rinca.Unavailable, "the Git server did not send everything").Because(err)
}

// peel returns the commit that a tag stands for.
func (mir *mirror) peel(h plumbing.Hash) (plumbing.Hash, error) {
	for range maxPeel {
		tag, err := object.GetTag(mir.st, h)
		if errors.Is(err, plumbing.ErrObjectNotFound) {
			return h, nil // no tag, and perhaps nothing: that will show
		}
		if err != nil {
			return h, incomplete(err)
		}
		h = tag.Target
	}
	return h, rinca.Errorf(rinca.Invalid, "a tag of a tag of a tag, and so on")
}

// A looseStore hides that packs can be kept as they are: a thin one cannot, for
// its deltas may be to objects that it does not hold.
type looseStore struct{ storer.Storer }

// store keeps a pack: as it is, or each object of it for a thin one.
func (mir *mirror) store(r *meter, thin bool) error {
	head := make([]byte, 12)
	n, err := io.ReadFull(r, head)
	switch {
	case r.err != nil:
		return r.err
	case err != nil && n == 0:
		return packfile.ErrEmptyPackfile
	case err != nil:
		return io.ErrUnexpectedEOF
	case string(head[:4]) != "PACK":
		return errors.New("it holds no pack")
	case binary.BigEndian.Uint32(head[8:]) > maxObjects: // the parser would make room for all of them at once
		return fmt.Errorf("a pack of %d objects is too large", binary.BigEndian.Uint32(head[8:]))
	}
	var into storer.Storer = mir.st
	if thin {
		into = looseStore{mir.st}
	}
	err = packfile.UpdateObjectStorage(into, io.MultiReader(bytes.NewReader(head), r))
	if r.err != nil { // or it would read as a damaged pack
		return r.err
	}
	if errno, ok := errors.AsType[*fs.PathError](err); ok {
		return atomicfile.Error("write", mir.path("objects/pack"), errno)
	}
	return err
}

// tidy removes what killed fetches left, and everything if it is damaged. The
// fetch lock is held.
func (mir *mirror) tidy(ctx context.Context) error {
	pack := mir.path("objects/pack")
	entries, err := os.ReadDir(pack)
	if err != nil {
		return atomicfile.Error("read", pack, err)
	}
	for _, e := range entries {
		base, isIndex := strings.CutSuffix(e.Name(), ".idx")
		_, err := os.Lstat(filepath.Join(pack, base+".pack"))
		if strings.HasPrefix(e.Name(), "tmp_") || isIndex && err != nil {
			os.Remove(filepath.Join(pack, e.Name()))
		}
	}
	if _, err := os.Lstat(mir.path("broken")); err == nil {
		return mir.clear(ctx)
	}
	if commits, err := os.ReadDir(mir.path("commits")); err == nil && len(commits) > maxCommits {
		return mir.repack(ctx)
	}
	return nil
}

// clear removes every object.
func (mir *mirror) clear(ctx context.Context) error {
	unlock, err := lock(ctx, mir.path("data.lock"), true)
	if err != nil {
		return err
	}
	defer unlock()
	mir.close()
	for _, sub := range []string{"commits", "objects"} { // in this order: what is promised is there
		if err := os.RemoveAll(mir.path(sub)); err != nil {
			return atomicfile.Error("remove", mir.path(sub), err)
		}
	}
	for _, sub := range []string{"objects/pack", "commits"} {
		if err := os.MkdirAll(mir.path(sub), 0o700); err != nil {
			return atomicfile.Error("make", mir.path(sub), err)
		}
	}
	if err := os.Remove(mir.path("broken")); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return atomicfile.Error("remove", mir.path("broken"), err)
	}
	mir.reopen()
	return nil
}

// repack puts what the newest commits need into one pack, and removes the rest.
func (mir *mirror) repack(ctx context.Context) error {
	haves := mir.haves()
	if len(haves) > keepNewest {
		haves = haves[:keepNewest]
	}
	old, err := os.ReadDir(mir.path("objects/pack")) // not the one that is about to come
	if err != nil {
		return atomicfile.Error("read", mir.path("objects/pack"), err)
	}
	from := mir.storage() // beside the one that takes what is read
	written := make(chan struct{})
	defer func() {
		<-written
		_ = from.Close() // it was only read
	}()
	list, err := objectsOf(from, haves, nil)
	if err != nil {
		close(written)
		return mir.damaged(err)
	}
	reader, writer := io.Pipe()
	go func() {
		defer close(written)
		writer.CloseWithError(writePack(writer, from, list))
	}()
	err = mir.store(&meter{ctx: ctx, r: reader}, false)
	reader.CloseWithError(io.ErrClosedPipe)
	if err != nil {
		return answer(err)
	}
	if err := syncNew(mir.path("objects/pack"), nil); err != nil {
		return err
	}
	unlock, err := lock(ctx, mir.path("data.lock"), true)
	if err != nil {
		return err
	}
	defer unlock()
	kept := map[string]bool{}
	for _, h := range haves {
		kept[h.commit.String()] = true
	}
	commits, _ := os.ReadDir(mir.path("commits"))
	for _, e := range commits {
		if !kept[e.Name()] {
			os.Remove(mir.path("commits/" + e.Name()))
		}
	}
	if len(mir.packs()) == len(old) {
		return nil // the very same pack was there
	}
	for _, e := range old {
		os.Remove(mir.path("objects/pack/" + e.Name()))
	}
	loose, _ := os.ReadDir(mir.path("objects"))
	for _, e := range loose {
		if len(e.Name()) == 2 {
			os.RemoveAll(mir.path("objects/" + e.Name()))
		}
	}
	mir.reopen()
	return nil
}

// damaged notes that an object cannot be read, so that the next fetch starts
// afresh.
func (mir *mirror) damaged(err error) error {
	_ = os.WriteFile(mir.path("broken"), nil, 0o600)
	return rinca.Errorf(rinca.Corrupt, "the mirror in %s is damaged", mir.dir).
		Try("deploy again: it is fetched afresh").Because(err)
}
