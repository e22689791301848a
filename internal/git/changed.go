package git

import (
	"context"
	"errors"
	"path"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/filemode"
	"github.com/go-git/go-git/v5/plumbing/object"
	"github.com/go-git/go-git/v5/storage/filesystem"

	"rinca/internal/rinca"
)

// Changed lists the files that differ between two commits of a repository, in
// no order: those that were added, removed or changed. Commits that the mirror
// does not have are fetched, without their history; a server that does not
// give commits by name is not asked for everything instead.
//
// Errors: those of Fetch; NotFound also for a commit that the server does not
// give, Invalid when more than limit files differ.
func (m *Mirrors) Changed(ctx context.Context, r Request, before, after string, limit int) ([]string, error) {
	a, err := parseAddress(r.Source, r.Account)
	if err != nil {
		return nil, err
	}
	for _, commit := range []string{before, after} {
		if !commitID.MatchString(commit) || hash(commit).IsZero() {
			return nil, rinca.Errorf(rinca.Invalid, "%.60q is no commit", commit)
		}
		key := a.key() + "\x00compare " + commit + "\x00" + credential(r.Account)
		if _, err := m.join(ctx, key, func(ctx context.Context) (Fetched, error) {
			return m.fetchOne(ctx, a, r, hash(commit))
		}); err != nil {
			return nil, err
		}
	}
	mir, err := m.open(a, false)
	if err != nil {
		return nil, err
	}
	defer mir.close()
	unlock, err := lock(ctx, mir.path("data.lock"), false)
	if err != nil {
		return nil, err
	}
	defer unlock()
	mir.reopen() // what was cleared while we waited is gone
	d := difference{ctx: ctx, st: mir.st, limit: limit}
	var trees [2]plumbing.Hash
	for i, commit := range []string{before, after} {
		if !mir.has(hash(commit)) {
			return nil, rinca.Errorf(rinca.NotFound, "commit %s of %s has not been fetched", commit, a.text)
		}
		c, err := object.GetCommit(mir.st, hash(commit))
		if err != nil {
			return nil, mir.damaged(err)
		}
		trees[i] = c.TreeHash
	}
	err = d.trees(trees[0], trees[1], "", 0)
	if u, ok := errors.AsType[unreadable](err); ok {
		return nil, mir.damaged(u)
	}
	return d.files, err
}

// fetchOne gets one commit, by its name and in no other way.
func (m *Mirrors) fetchOne(ctx context.Context, a address, r Request, commit plumbing.Hash) (Fetched, error) {
	mir, err := m.open(a, true)
	if err != nil {
		return Fetched{}, err
	}
	defer mir.close()
	if mir.has(commit) {
		return Fetched{Commit: commit.String()}, nil
	}
	rem, err := m.dial(a, r.Account)
	if err != nil {
		return Fetched{}, err
	}
	defer rem.close()
	ad, err := rem.refs(ctx)
	if err != nil {
		return Fetched{}, err
	}
	if !ad.any && !ad.names(commit) {
		return Fetched{}, rinca.Errorf(rinca.NotFound, "%s does not give the commit %s by its name", a.text, commit)
	}
	t := &transfer{mir: mir, rem: rem, ad: ad}
	_, fresh, err := t.run(ctx, want{hashes: []plumbing.Hash{commit}, out: r.Out}, commit)
	return Fetched{Commit: commit.String(), New: fresh}, err
}

// A difference collects the files in which two trees differ.
type difference struct {
	ctx   context.Context //nolint:containedctx // as long as one comparison
	st    *filesystem.Storage
	limit int
	files []string
}

// trees compares two trees; the zero hash is an empty one. What is the same on
// both sides is not read.
func (d *difference) trees(before, after plumbing.Hash, dir string, depth int) error {
	if before == after {
		return nil
	}
	if depth > maxTree {
		return rinca.Errorf(rinca.Invalid, "the repository has folders more than %d deep", maxTree)
	}
	if d.ctx.Err() != nil {
		return ended(d.ctx)
	}
	old, err := d.entries(before)
	if err != nil {
		return err
	}
	now, err := d.entries(after)
	if err != nil {
		return err
	}
	for name, a := range old {
		b, there := now[name]
		if there && a == b {
			continue
		}
		if err := d.entry(a, b, path.Join(dir, name), depth); err != nil {
			return err
		}
	}
	for name, b := range now {
		if _, there := old[name]; !there {
			if err := d.entry(treeEntry{}, b, path.Join(dir, name), depth); err != nil {
				return err
			}
		}
	}
	return nil
}

// A treeEntry is what a name stands for in a tree; the zero one is nothing.
type treeEntry struct {
	hash plumbing.Hash
	mode filemode.FileMode
}

func (d *difference) entries(tree plumbing.Hash) (map[string]treeEntry, error) {
	if tree.IsZero() {
		return nil, nil
	}
	t, err := object.GetTree(d.st, tree)
	if err != nil {
		return nil, unreadable{err}
	}
	out := make(map[string]treeEntry, len(t.Entries))
	for _, e := range t.Entries {
		out[e.Name] = treeEntry{e.Hash, e.Mode}
	}
	return out, nil
}

// entry compares what a name stood for with what it stands for now.
func (d *difference) entry(a, b treeEntry, at string, depth int) error {
	var folders [2]plumbing.Hash
	isFile := false
	for i, e := range []treeEntry{a, b} {
		switch {
		case e.mode == filemode.Dir:
			folders[i] = e.hash
		case !e.hash.IsZero():
			isFile = true
		}
	}
	if isFile {
		if len(d.files) >= d.limit {
			return rinca.Errorf(rinca.Invalid, "more than %d files differ", d.limit)
		}
		d.files = append(d.files, at)
	}
	return d.trees(folders[0], folders[1], at, depth+1)
}
