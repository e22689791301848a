package git

import (
	"context"
	"errors"
	"strings"

	"github.com/go-git/go-git/v5/plumbing"

	"rinca/internal/rinca"
)

// fetch does the work of Fetch.
func (m *Mirrors) fetch(ctx context.Context, a address, r Request) (Fetched, error) {
	mir, err := m.open(a, true)
	if err != nil {
		return Fetched{}, err
	}
	defer mir.close()
	pinned := hash(r.Source.Commit)
	if r.Source.Commit != "" && mir.has(pinned) {
		return Fetched{Commit: r.Source.Commit}, nil
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
	if r.Source.Commit != "" {
		return m.fetchCommit(ctx, a, r, &transfer{mir: mir, rem: rem, ad: ad})
	}
	ref, h, commit, err := ad.choose(a, r.Source)
	if err != nil {
		return Fetched{}, err
	}
	t := &transfer{mir: mir, rem: rem, ad: ad}
	if mir.has(commit) {
		return Fetched{Commit: commit.String(), Ref: ref}, nil
	}
	r.say("Fetching " + clean(strings.TrimPrefix(strings.TrimPrefix(ref, "refs/heads/"), "refs/")) + " of " + a.text)
	commit, fresh, err := t.run(ctx, want{hashes: []plumbing.Hash{h}, out: r.Out}, commit)
	if err != nil {
		return Fetched{}, err
	}
	return Fetched{Commit: commit.String(), Ref: ref, New: fresh}, nil
}

// A transfer is one exchange with a remote.
type transfer struct {
	mir *mirror
	rem remote
	ad  *advert
}

// run gets what is wanted into the mirror, unless somebody else just has. The
// commit is the one that must be there afterwards; if it turns out to be a
// tag, the commit that this stands for.
func (t *transfer) run(ctx context.Context, w want, commit plumbing.Hash) (plumbing.Hash, bool, error) {
	unlock, err := lock(ctx, t.mir.path("fetch.lock"), true)
	if err != nil {
		return commit, false, err
	}
	defer unlock()
	if t.mir.has(commit) {
		return commit, false, nil
	}
	if err := t.mir.tidy(ctx); err != nil {
		return commit, false, err
	}
	before := t.mir.packs()
	if err := t.rem.get(ctx, w, t.mir); err != nil {
		return commit, false, err
	}
	t.mir.reopen()
	if commit, err = t.mir.peel(commit); err != nil {
		return commit, false, err
	}
	return commit, true, t.mir.keep(commit, w.full, before)
}

// fetchCommit gets one commit: by its name if the server allows that, else
// with the history of every branch.
func (m *Mirrors) fetchCommit(ctx context.Context, a address, r Request, t *transfer) (Fetched, error) {
	commit := hash(r.Source.Commit)
	w := want{hashes: []plumbing.Hash{commit}, out: r.Out}
	if !t.ad.any && !t.ad.names(commit) {
		w.full, w.hashes = true, nil
		for ref, h := range t.ad.refs {
			if strings.HasPrefix(ref, "refs/heads/") || strings.HasPrefix(ref, "refs/tags/") && !strings.HasSuffix(ref, "^{}") {
				w.hashes = append(w.hashes, h)
			}
		}
	}
	missing := rinca.Errorf(rinca.NotFound, "%s has no commit %s", a.text, commit).Try("git branch -a --contains %s", commit)
	if len(t.ad.refs) == 0 || len(w.hashes) == 0 {
		return Fetched{}, missing
	}
	r.say("Fetching commit " + commit.String()[:12] + " of " + a.text)
	_, fresh, err := t.run(ctx, w, commit)
	if rinca.CodeOf(err) == rinca.NotFound || w.full && errors.Is(err, plumbing.ErrObjectNotFound) {
		return Fetched{}, missing.Because(err)
	}
	if err != nil {
		return Fetched{}, err
	}
	return Fetched{Commit: commit.String(), New: fresh}, nil
}

// names reports whether a ref stands for a commit.
func (ad *advert) names(commit plumbing.Hash) bool {
	for _, h := range ad.refs {
		if h == commit {
			return true
		}
	}
	return false
}
