package webhook

import (
	"fmt"
	"time"

	"rinca/internal/rinca"
)

// runSync is the kind that makes resources what files say.
const runSync = "RunSync"

// lookAfter is how often it is asked whether a sync has ended.
const lookAfter = 300 * time.Millisecond

// syncsFirst parts the resource syncs of a push from what is started when they
// have ended: a push may change a stack's definition and its files, and the
// stack is to be deployed as it is defined then.
func syncsFirst(run []rinca.Execution) (syncs, rest []rinca.Execution) {
	for _, e := range run {
		if e.Kind == runSync {
			syncs = append(syncs, e)
		} else {
			rest = append(rest, e)
		}
	}
	return syncs, rest
}

// startInOrder starts the resource syncs of a delivery, and the rest when they
// have ended. running is one that has not; wait says that something has to be
// put off.
func (l *Listener) startInOrder(rec *record, p *push, run []rinca.Execution) (running *rinca.Update, wait time.Duration, err error) {
	syncs, rest := syncsFirst(run)
	if wait, err = l.startAll(rec, p, syncs); err != nil || wait > 0 || len(rest) == 0 {
		return nil, wait, err
	}
	running, failed, err := l.syncsOf(rec)
	if err != nil || running != nil {
		return running, 0, err
	}
	if failed != nil {
		rec.Note = fmt.Sprintf("the resource sync %s %s, so that nothing that comes after it was started; mend it, and deliver this again: rinca update show %s", failed.Target.Name, failed.State, failed.ID)
		return nil, 0, nil
	}
	wait, err = l.startAll(rec, p, rest)
	return nil, wait, err
}

// syncsOf looks at the syncs that a delivery has started: one that runs, or
// one that ended without having applied anything.
func (l *Listener) syncsOf(rec *record) (running, failed *rinca.Update, err error) {
	for _, s := range rec.Started {
		if s.Execution != runSync {
			continue
		}
		u, err := l.DB.Update(l.ctx, s.Update)
		switch {
		case rinca.CodeOf(err) == rinca.NotFound: // it is that old
		case err != nil:
			return nil, nil, err
		case !u.State.Final():
			return &u, nil, nil
		case !applied(&u):
			failed = &u
		}
	}
	return nil, failed, nil
}

// applied reports whether resources are as the files of a sync say. It may have
// failed after that: then a stack did, and others are none the worse.
func applied(u *rinca.Update) bool {
	if u.State == rinca.Succeeded {
		return true
	}
	for _, s := range u.Stages {
		if s.Name == "Apply" && s.State == rinca.Succeeded {
			return true
		}
	}
	return false
}

// afterSync goes on with a delivery when a sync has ended, also after a
// restart of the server.
func (l *Listener) afterSync(rec record, p push, u *rinca.Update) record {
	rec.Waits, rec.Due = "the rest is started when the resource sync "+u.Target.Name+" has ended", l.Now().UTC()
	l.keep(&rec)
	ended := l.ended(u.ID)
	l.begin(func() {
		select {
		case <-ended:
			l.process(rec, p)
		case <-l.ctx.Done():
		}
	})
	return rec
}

// ended returns a channel that is closed when an update has ended. All who
// wait for one have the same.
func (l *Listener) ended(id string) <-chan struct{} {
	l.mu.Lock()
	c := l.awaited[id]
	isNew := c == nil
	if isNew {
		c = make(chan struct{})
		if l.awaited == nil {
			l.awaited = map[string]chan struct{}{}
		}
		l.awaited[id] = c
	}
	l.mu.Unlock()
	if isNew {
		l.begin(func() { l.await(id, c) })
	}
	return c
}

func (l *Listener) await(id string, c chan struct{}) {
	t := time.NewTicker(lookAfter)
	defer t.Stop()
	for {
		select {
		case <-t.C:
		case <-l.ctx.Done():
			return
		}
		u, err := l.DB.Update(l.ctx, id)
		if err == nil && !u.State.Final() || err != nil && rinca.CodeOf(err) != rinca.NotFound {
			continue
		}
		l.mu.Lock()
		delete(l.awaited, id)
		close(c)
		l.mu.Unlock()
		return
	}
}
