// Package git gets the files of stacks from Git repositories: a mirror of each
// repository, shared by its stacks, and a checkout of each stack made from it.
//
// It speaks Git's protocol itself, over HTTPS and SSH, and reads local
// repositories directly: neither git nor ssh need be installed. A mirror holds
// what the commits that were asked for need, and no history.
package git

import (
	"context"
	"sync"
	"time"

	"rinca/internal/rinca"
)

// Mirrors are the local copies of repositories, one for each repository and
// account. Safe for use by several goroutines and processes; not to be copied.
type Mirrors struct {
	Dir string // where they are kept; made when missing
	// Stall is how long a server may say nothing; 0 means 3 minutes, for some
	// have to think before they send a pack.
	Stall time.Duration

	mu      sync.Mutex
	flights map[string]*flight
}

// A Request names a source, the account for it, and where it is checked out.
type Request struct {
	Source  rinca.Source
	Account *rinca.GitAccount // nil for none
	// Dest is where Checkout puts the files: an absolute path. What Checkout
	// has to remember lies beside it, in the directory Dest.state.
	Dest string
	Out  rinca.Output // told what happens; may be nil
}

// Fetched is what a source is now.
type Fetched struct {
	Commit string
	Ref    string // such as "refs/heads/main"; "" for a commit
	New    bool   // the mirror did not have it before
}

// A Checkout is what has been checked out.
type Checkout struct {
	Commit  string
	Message string // its first line
	Author  string
	When    time.Time
	Root    string   // the checkout's root, which stands for the repository's
	Dir     string   // Root and the source's Path: the stack's folder
	Files   []string // absolute paths of the tracked files, sorted
	Changed bool     // something was written or removed
}

func (r *Request) say(text string) {
	if r.Out != nil {
		r.Out(rinca.Line{Text: text})
	}
}

func (m *Mirrors) stall() time.Duration {
	if m.Stall == 0 {
		return 3 * time.Minute
	}
	return m.Stall
}

// Fetch asks the remote what the source is now, and gets it into the mirror if
// it is not there. A source that is a commit which the mirror has needs no
// network. Fetches of the same thing at the same time are one. Dest is never
// touched, and a fetch that fails changes nothing.
//
// Errors: Unavailable when the remote does not answer as it should,
// Unauthenticated and Forbidden when it refuses the account, NotFound for a
// repository, branch, tag or commit that is not there, Invalid for a source or
// an account that cannot be, Destination when the mirror cannot be written.
func (m *Mirrors) Fetch(ctx context.Context, r Request) (Fetched, error) {
	a, err := parseAddress(r.Source, r.Account)
	if err != nil {
		return Fetched{}, err
	}
	if err := checkSource(r.Source); err != nil {
		return Fetched{}, err
	}
	return m.join(ctx, a.key()+"\x00"+wanted(r.Source)+"\x00"+credential(r.Account), func(ctx context.Context) (Fetched, error) {
		return m.fetch(ctx, a, r)
	})
}
