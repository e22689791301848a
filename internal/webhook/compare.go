package webhook

import (
	"context"
	"errors"
	"sync"
	"time"

	"rinca/internal/git"
	"rinca/internal/rinca"
)

// errSlow says that the repository has to be asked.
var errSlow = errors.New("the repository has to be asked")

// compareFor is how long a comparison may take; after that everything counts
// as touched.
const compareFor = 45 * time.Second

// compared returns the files in which the two ends of a push differ. ok is
// false when that cannot be known; the delivery says so.
func (d *decision) compared(ctx context.Context, h *hooked) (files []string, ok bool, err error) {
	why := ""
	switch {
	case d.p.before == "" || d.p.after == "":
		why = "the branch is new, or the sender does not say from where to where it went"
	case h.source.Kind != rinca.SourceGit:
		why = "the push does not say which files it touches"
	case !d.slow:
		return nil, false, errSlow
	default:
		if files, err = d.l.compare(ctx, h.source, d.p.before, d.p.after); err == nil {
			d.files = files
			return files, true, nil
		}
		if ctx.Err() != nil {
			return nil, false, ctx.Err()
		}
		d.l.Log.Warn("which files a push touches could not be found out", "target", h.target.String(), "error", err)
		why = "the commits could not be compared: " + err.Error()
	}
	d.note = "every file counts as touched: " + why
	return nil, false, nil
}

// comparisons remembers what was compared lately: one push starts several
// webhooks.
type comparisons struct {
	slots chan struct{} // how many may go on at once

	mu   sync.Mutex
	done map[string]compared
	keys []string // oldest first
}

type compared struct {
	files []string
	err   error
	at    time.Time
}

const (
	maxCompared = 32
	retryAfter  = time.Minute // a comparison that failed
)

func (c *comparisons) get(key string, now time.Time) (compared, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	r, ok := c.done[key]
	if ok && r.err != nil && (now.Sub(r.at) > retryAfter || now.Before(r.at)) {
		return r, false
	}
	return r, ok
}

func (c *comparisons) put(key string, r compared) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.done == nil {
		c.done = map[string]compared{}
	}
	if _, ok := c.done[key]; !ok {
		c.keys = append(c.keys, key)
	}
	c.done[key] = r
	for len(c.keys) > maxCompared {
		delete(c.done, c.keys[0])
		c.keys = c.keys[1:]
	}
}

// compare asks the repository of a source.
func (l *Listener) compare(ctx context.Context, s rinca.Source, before, after string) ([]string, error) {
	select {
	case l.comparisons.slots <- struct{}{}:
		defer func() { <-l.comparisons.slots }()
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	key := s.Repo + "\x00" + s.Account + "\x00" + before + "\x00" + after
	if r, ok := l.comparisons.get(key, l.Now()); ok {
		return r.files, r.err
	}
	ctx, cancel := context.WithTimeout(ctx, compareFor)
	defer cancel()
	req := git.Request{Source: rinca.Source{Kind: rinca.SourceGit, Repo: s.Repo}}
	if s.Account != "" {
		a, err := l.DB.GitAccount(ctx, s.Account)
		if err != nil {
			return nil, err
		}
		req.Account = &a
	}
	files, err := l.Mirrors.Changed(ctx, req, before, after, maxFiles)
	l.comparisons.put(key, compared{files, err, l.Now()})
	return files, err
}
