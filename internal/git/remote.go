package git

import (
	"context"
	"slices"
	"strings"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/protocol/packp"
	"github.com/go-git/go-git/v5/plumbing/protocol/packp/capability"

	"rinca/internal/rinca"
)

// A remote is a repository that somebody else keeps.
type remote interface {
	// refs asks what the repository has. It comes first.
	refs(ctx context.Context) (*advert, error)
	// get puts a want and all that it needs into the mirror.
	get(ctx context.Context, w want, to *mirror) error
	close()
}

// A want is what is asked for.
type want struct {
	hashes []plumbing.Hash
	full   bool // with its history
	out    rinca.Output
}

// An advert is what a remote says that it has.
type advert struct {
	head   string                            // what HEAD stands for: "refs/heads/main"; "" if nothing
	refs   map[string]plumbing.Hash          // by full name
	peeled map[string]plumbing.Hash          // the commits of annotated tags
	peel   func(plumbing.Hash) plumbing.Hash // when peeled is not known; may be nil
	any    bool                              // commits may be asked for that no ref names
	caps   *capability.List
}

// dial returns the remote of an address. It does not connect yet.
func (m *Mirrors) dial(a address, account *rinca.GitAccount) (remote, error) {
	switch a.scheme {
	case "file":
		return openLocal(a)
	case "ssh":
		return m.newSSH(a, account)
	}
	return m.newHTTP(a, account)
}

// readAdvert turns what a server sent into an advert.
func readAdvert(adv *packp.AdvRefs) *advert {
	ad := &advert{refs: adv.References, peeled: adv.Peeled, caps: adv.Capabilities}
	for _, s := range adv.Capabilities.Get(capability.SymRef) {
		if target, ok := strings.CutPrefix(s, "HEAD:"); ok {
			ad.head = target
		}
	}
	if ad.head == "" && adv.Head != nil {
		ad.head = guessHead(adv.References, *adv.Head)
	}
	ad.any = adv.Capabilities.Supports(capability.AllowReachableSHA1InWant) || adv.Capabilities.Supports("allow-any-sha1-in-want")
	return ad
}

// guessHead returns the branch that HEAD stands for when a server does not say.
func guessHead(refs map[string]plumbing.Hash, head plumbing.Hash) string {
	var names []string
	for name, hash := range refs {
		if hash == head && strings.HasPrefix(name, "refs/heads/") {
			names = append(names, name)
		}
	}
	for _, usual := range []string{"refs/heads/main", "refs/heads/master"} {
		if slices.Contains(names, usual) {
			return usual
		}
	}
	slices.Sort(names)
	if len(names) == 0 {
		return ""
	}
	return names[0]
}

// choose finds the ref that a source names, what to ask for, and the commit if
// the remote says which one it is.
func (ad *advert) choose(a address, s rinca.Source) (ref string, hash, commit plumbing.Hash, err error) {
	switch {
	case s.Branch != "":
		ref = "refs/heads/" + strings.TrimPrefix(s.Branch, "refs/heads/")
	case s.Tag != "":
		ref = "refs/tags/" + strings.TrimPrefix(s.Tag, "refs/tags/")
	default:
		ref = ad.head
	}
	if len(ad.refs) == 0 {
		return "", hash, commit, rinca.Errorf(rinca.NotFound, "%s has no commits yet", a.text).Try("git push something to it")
	}
	if ref == "" {
		return "", hash, commit, rinca.Errorf(rinca.NotFound, "%s has no default branch", a.text).Try("name one of %s", ad.list("refs/heads/"))
	}
	hash, ok := ad.refs[ref]
	if !ok {
		kind, prefix, name := "branch", "refs/heads/", strings.TrimPrefix(ref, "refs/heads/")
		if s.Tag != "" {
			kind, prefix, name = "tag", "refs/tags/", strings.TrimPrefix(ref, "refs/tags/")
		}
		return "", hash, commit, rinca.Errorf(rinca.NotFound, "%s has no %s %.200q", a.text, kind, name).Try("it has %s", ad.list(prefix))
	}
	commit = hash
	if peeled, ok := ad.peeled[ref]; ok {
		commit = peeled
	} else if ad.peel != nil {
		commit = ad.peel(hash)
	}
	return ref, hash, commit, nil
}

// list names a few refs.
func (ad *advert) list(prefix string) string {
	var names []string
	for ref := range ad.refs {
		if name, ok := strings.CutPrefix(ref, prefix); ok && !strings.HasSuffix(ref, "^{}") {
			names = append(names, clean(name))
		}
	}
	slices.Sort(names)
	if len(names) == 0 {
		return "none"
	}
	if len(names) > 10 {
		names = append(names[:10], "…")
	}
	return strings.Join(names, ", ")
}

// clean makes text of a remote fit for one line of a message.
func clean(s string) string {
	s = strings.Map(func(r rune) rune {
		if r < ' ' || r >= 0x7f && r < 0xa0 || r == 0xfffd {
			return ' '
		}
		return r
	}, s)
	s = strings.Join(strings.Fields(s), " ")
	if r := []rune(s); len(r) > 200 {
		s = string(r[:200]) + "…"
	}
	return s
}
