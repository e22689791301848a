package git

import (
	"context"
	"errors"
	"os"
	"path"
	"path/filepath"
	"strings"

	"github.com/go-git/go-git/v5/plumbing/object"

	"rinca/internal/atomicfile"
	"rinca/internal/rinca"
)

// Checkout makes Dest what a commit of the mirror says: the source's Path and
// Sparse, or everything. It uses no network.
//
// New files are written beside Dest first, all of them, then moved into place
// one by one; directories stay the same ones. So a full disk or a commit that
// cannot be is noticed before anything has changed, a reader never sees half a
// file, and after a crash the next Checkout finishes. A file that this package
// has not put there is never removed or replaced: one in the way is a
// Conflict. Files that somebody else has changed since are put right, and Out
// is told.
//
// Errors: NotFound when the commit was not fetched or has no such Path,
// Invalid for a commit with links that lead out, submodules or names of Git's
// own in the part that is wanted, Corrupt for a damaged mirror (which the next
// Fetch mends), Conflict, and Destination.
func (m *Mirrors) Checkout(ctx context.Context, r Request, commit string) (Checkout, error) {
	a, err := parseAddress(r.Source, r.Account)
	if err != nil {
		return Checkout{}, err
	}
	if !commitID.MatchString(commit) {
		return Checkout{}, rinca.Errorf(rinca.Invalid, "%.60q is no commit", commit)
	}
	if !filepath.IsAbs(r.Dest) || filepath.Clean(r.Dest) != r.Dest || r.Dest == "/" {
		return Checkout{}, rinca.Errorf(rinca.Invalid, "check out to %q: not an absolute path", r.Dest)
	}
	mir, err := m.open(a, false)
	if err != nil {
		return Checkout{}, err
	}
	defer mir.close()
	unlock, err := lock(ctx, mir.path("data.lock"), false)
	if err != nil {
		return Checkout{}, err
	}
	defer unlock()
	if !mir.has(hash(commit)) {
		return Checkout{}, rinca.Errorf(rinca.NotFound, "commit %s of %s has not been fetched", commit, a.text)
	}
	mir.reopen() // what was cleared while we waited is gone
	out, err := m.checkout(ctx, mir, r, commit)
	if u, ok := errors.AsType[unreadable](err); ok {
		return Checkout{}, mir.damaged(u)
	}
	return out, err
}

func (m *Mirrors) checkout(ctx context.Context, mir *mirror, r Request, commit string) (Checkout, error) {
	c, err := object.GetCommit(mir.st, hash(commit))
	if err != nil {
		return Checkout{}, unreadable{err}
	}
	entries, err := selectEntries(mir.st, c, r.Source)
	if err != nil {
		return Checkout{}, err
	}
	w, err := m.openWork(ctx, mir, r)
	if err != nil {
		return Checkout{}, err
	}
	defer w.close()
	changed, err := w.apply(ctx, commit, entries)
	if err != nil {
		return Checkout{}, err
	}
	stack, err := cleanPath(r.Source.Path)
	if err != nil {
		return Checkout{}, err
	}
	subject, _, _ := strings.Cut(strings.TrimSpace(c.Message), "\n")
	out := Checkout{
		Commit: commit, Message: clean(subject), Author: clean(c.Author.Name), When: c.Committer.When,
		Root: r.Dest, Dir: filepath.Join(r.Dest, filepath.FromSlash(stack)), Changed: changed,
	}
	for _, e := range entries {
		out.Files = append(out.Files, filepath.Join(r.Dest, filepath.FromSlash(e.path)))
	}
	return out, nil
}

// A work is a checkout that is being made.
type work struct {
	m      *Mirrors
	mir    *mirror
	r      Request
	root   *os.Root // the directory that Dest lies in
	base   string   // Dest's name in it
	man    *manifest
	unlock func()
}

// openWork opens the directory that Dest lies in, and locks Dest.
func (m *Mirrors) openWork(ctx context.Context, mir *mirror, r Request) (*work, error) {
	parent := filepath.Dir(r.Dest)
	if err := os.MkdirAll(parent, 0o755); err != nil {
		return nil, atomicfile.Error("make", parent, err)
	}
	if err := os.Mkdir(r.Dest+".state", 0o700); err != nil && !errors.Is(err, os.ErrExist) {
		return nil, atomicfile.Error("make", r.Dest+".state", err)
	}
	unlock, err := lock(ctx, r.Dest+".state/lock", true)
	if err != nil {
		return nil, err
	}
	root, err := os.OpenRoot(parent)
	if err != nil {
		unlock()
		return nil, atomicfile.Error("open", parent, err)
	}
	w := &work{m: m, mir: mir, r: r, root: root, base: filepath.Base(r.Dest), unlock: unlock}
	w.unstage() // what a killed checkout left

	if _, err = atomicfile.Sweep(root, w.base+".state", nil); err == nil { // nobody else writes there
		w.man, err = readManifest(root, w.manifestName())
	}
	if err == nil {
		err = w.makeDir(w.base)
	}
	if err != nil {
		w.close()
		return nil, err
	}
	return w, nil
}

func (w *work) close() {
	w.root.Close()
	w.unlock()
}

func (w *work) manifestName() string { return w.base + ".state/manifest.json" }

// staging is the directory that new files are written into first.
func (w *work) staging() string { return w.base + ".state/new" }

// at is the name in root of a path of the repository.
func (w *work) at(p string) string { return w.base + "/" + p }

// makeDir makes one directory, unless it is there. What is there in its place
// is a conflict.
func (w *work) makeDir(name string) error {
	err := w.root.Mkdir(name, 0o755)
	if err == nil {
		err = w.root.Chmod(name, 0o755) // whatever the umask: containers read it
	}
	if !errors.Is(err, os.ErrExist) {
		if err != nil {
			return atomicfile.Error("make", atomicfile.Path(w.root, name), err)
		}
		return nil
	}
	info, err := w.root.Lstat(name)
	if err != nil {
		return atomicfile.Error("make", atomicfile.Path(w.root, name), err)
	}
	if !info.IsDir() {
		return w.conflict(name, "is not a folder")
	}
	return nil
}

func (w *work) conflict(name, what string) error {
	full := atomicfile.Path(w.root, name)
	return rinca.Errorf(rinca.Conflict, "%s %s, and is not from the repository; the commit has something else there", full, what).
		Try("move it away: mv %s %s", atomicfile.Quote(full), atomicfile.Quote(full+".old"))
}

// A plan is what has to be done to Dest.
type plan struct {
	write   []entry
	remove  []string
	replace []string // paths of files of ours whose content somebody changed
	keep    map[string]manifestFile
	need    map[string]bool // what is to be written, and the folders it lies in
}

// apply makes Dest hold the entries, and nothing else of ours.
func (w *work) apply(ctx context.Context, commit string, entries []entry) (changed bool, err error) {
	p, err := w.plan(ctx, entries)
	if err != nil {
		return false, err
	}
	if len(p.write) == 0 && len(p.remove) == 0 && w.man.Commit == commit && p.settled(w.man) {
		return false, nil
	}
	for _, path := range p.replace {
		w.r.say(clean(path) + " was changed here; putting back what the commit has")
	}
	if len(p.write) > 0 || len(p.remove) > 0 {
		defer w.unstage()
		moves, err := w.stage(ctx, p.write)
		if err != nil {
			return false, err
		}
		if err := w.announce(p); err != nil {
			return false, err
		}
		if err := w.move(p, moves); err != nil {
			return false, err
		}
	}
	return len(p.write) > 0 || len(p.remove) > 0, w.finish(commit, entries)
}

// settled reports whether the manifest needs no new stamps.
func (p *plan) settled(man *manifest) bool {
	if len(p.keep) != len(man.Files) {
		return false
	}
	for name, f := range p.keep {
		if f.Stamp == nil || man.Files[name].Stamp == nil {
			return false
		}
	}
	return true
}

// plan compares the entries with what is there.
func (w *work) plan(ctx context.Context, entries []entry) (*plan, error) {
	p := &plan{keep: map[string]manifestFile{}}
	wanted := make(map[string]bool, len(entries))
	for _, e := range entries {
		wanted[e.path] = true
	}
	for old := range w.man.Files {
		if !wanted[old] {
			p.remove = append(p.remove, old)
		}
	}
	folders := map[string]bool{".": true}
	for _, e := range entries {
		if ctx.Err() != nil {
			return nil, ended(ctx)
		}
		if err := w.checkFolders(path.Dir(e.path), folders); err != nil {
			return nil, err
		}
		if err := w.compare(p, e); err != nil {
			return nil, err
		}
	}
	return p, nil
}

// checkFolders makes sure that nothing of somebody else is where a folder has
// to be.
func (w *work) checkFolders(dir string, good map[string]bool) error {
	if good[dir] {
		return nil
	}
	if err := w.checkFolders(path.Dir(dir), good); err != nil {
		return err
	}
	good[dir] = true
	info, err := w.root.Lstat(w.at(dir))
	if err != nil || info.IsDir() { // not there, or below something that is not
		return nil
	}
	if _, ours := w.man.Files[dir]; ours {
		return nil // it is removed first
	}
	return w.conflict(w.at(dir), "is not a folder")
}

// compare decides what becomes of one entry.
func (w *work) compare(p *plan, e entry) error {
	name := w.at(e.path)
	old, ours := w.man.Files[e.path]
	if info, err := os.Lstat(atomicfile.Path(w.root, name)); err == nil && old.Stamp.same(info) && old.Hash == e.hash.String() && old.Kind == string(e.kind) {
		p.keep[e.path] = old // as fast as can be, for this is the usual case
		return nil
	}
	info, err := w.root.Lstat(name)
	if err != nil { // not there, or below a file of ours
		p.write = append(p.write, e)
		return nil
	}
	if info.IsDir() {
		if !w.onlyOurs(e.path, true) {
			return w.conflict(name, "is a folder")
		}
		p.write = append(p.write, e)
		return nil
	}
	content := w.hashOf(name, info)
	if content != e.hash || kindOfFile(info) != e.kind {
		if !ours {
			return w.conflict(name, "is there already")
		}
		if !old.Stamp.same(info) && content.String() != old.Hash && w.man.Commit != "" {
			p.replace = append(p.replace, e.path)
		}
		p.write = append(p.write, e)
		return nil
	}
	p.keep[e.path] = manifestFile{Hash: e.hash.String(), Kind: string(e.kind), Stamp: w.fresh(info)}
	return nil
}

// fresh is the stamp of a file, unless a change of just now would not show.
func (w *work) fresh(info os.FileInfo) *stamp {
	s := stampOf(info)
	if s == nil || wallNow().UnixNano()-s.Changed < int64(settled) {
		return nil
	}
	return s
}

// onlyOurs reports whether a folder goes away with our files: it holds nothing
// else, or, if it may, nothing at all.
func (w *work) onlyOurs(dir string, empty bool) bool {
	f, err := w.root.Open(w.at(dir))
	if err != nil {
		return false
	}
	defer f.Close()
	list, err := f.ReadDir(-1)
	if err != nil {
		return false
	}
	for _, e := range list {
		p := dir + "/" + e.Name()
		if _, ours := w.man.Files[p]; !ours && (!e.IsDir() || !w.onlyOurs(p, false)) {
			return false
		}
	}
	return empty || len(list) > 0
}

// finish writes the manifest of a checkout that is whole.
func (w *work) finish(commit string, entries []entry) error {
	man := &manifest{Version: 1, Commit: commit, Files: make(map[string]manifestFile, len(entries))}
	for _, e := range entries {
		info, err := os.Lstat(atomicfile.Path(w.root, w.at(e.path)))
		if err != nil {
			return atomicfile.Error("read", atomicfile.Path(w.root, w.at(e.path)), err)
		}
		man.Files[e.path] = manifestFile{Hash: e.hash.String(), Kind: string(e.kind), Stamp: w.fresh(info)}
	}
	return man.write(w.root, w.manifestName())
}
