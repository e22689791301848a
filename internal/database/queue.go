package database

import (
	"context"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// A Queue lets processes that write one database take turns. SQLite has
// waiters ask again after a pause, so that one who writes all the time keeps
// everybody else out; who waits in the queue is let in before that one's next
// transaction. It is a courtesy: what keeps writers apart is SQLite's own lock.
type Queue struct{ dir *os.File }

// NewQueue returns the queue of a home. Nobody waits in that of a home which
// cannot be listed. Close it.
func NewQueue(dir string) *Queue {
	f, _ := os.Open(dir)
	return &Queue{f}
}

// queueLimit is how long one waits for somebody who has stopped.
const queueLimit = 10 * time.Second

// Wait waits for the turn, and returns what lets the next one in; call it once
// the transaction has begun. Nobody waits where a disk has no such locks, when
// ctx ends, or for long.
func (q *Queue) Wait(ctx context.Context) (next func()) {
	if q.dir == nil {
		return func() {}
	}
	ctx, cancel := context.WithTimeout(ctx, queueLimit)
	defer cancel()
	for {
		err := unix.Flock(int(q.dir.Fd()), unix.LOCK_EX|unix.LOCK_NB)
		if err == nil {
			return func() { _ = unix.Flock(int(q.dir.Fd()), unix.LOCK_UN) }
		}
		if err != unix.EWOULDBLOCK && err != unix.EINTR { //nolint:errorlint // what the call returns
			return func() {}
		}
		select {
		case <-ctx.Done():
			return func() {}
		case <-time.After(time.Millisecond):
		}
	}
}

// Close ends it.
func (q *Queue) Close() {
	if q.dir != nil {
		_ = q.dir.Close() // nothing was written
	}
}
