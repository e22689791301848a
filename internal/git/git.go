// Package git gets the files of stacks from Git repositories: a mirror of each
// repository, shared by its stacks, and a checkout of each stack made from it.
package git

import (
	"context"
	"time"

	"rinca/internal/rinca"
)

// Mirrors are the local copies of repositories, one for each repository and
// account. Safe for use by several goroutines and processes.
type Mirrors struct {
	Dir string           // where they are kept; made when missing
	Now func() time.Time // nil means time.Now
	// Stall is how long a server may say nothing; 0 means 60 seconds.
	Stall time.Duration
}

// A Request names a source, the account for it, and where it is checked out.
type Request struct {
	Source  rinca.Source
	Account *rinca.GitAccount // nil for none
	Dest    string            // absolute: where Checkout puts the files
	Out     rinca.Output      // told what happens; may be nil
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

// Fetch asks the remote what the source is now, and gets it into the mirror.
// It never touches Dest.
func (m *Mirrors) Fetch(ctx context.Context, r Request) (Fetched, error) { panic("to come") }

// Checkout makes Dest what a commit of the mirror says. It uses no network.
func (m *Mirrors) Checkout(ctx context.Context, r Request, commit string) (Checkout, error) {
	panic("to come")
}

// Sweep removes the mirrors of repositories that no source names.
func (m *Mirrors) Sweep(ctx context.Context, keep []rinca.Source) error { panic("to come") }
