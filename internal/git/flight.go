package git

import (
	"context"
	"errors"

	"rinca/internal/rinca"
)

// A flight is a fetch that several wait for.
type flight struct {
	done    chan struct{}
	waiting int
	cancel  context.CancelFunc
	result  Fetched
	err     error
}

// join runs fetch, unless the same is running: then it waits for that one. A
// fetch is cancelled when everybody who waits for it has gone.
func (m *Mirrors) join(ctx context.Context, key string, fetch func(context.Context) (Fetched, error)) (Fetched, error) {
	m.mu.Lock()
	f := m.flights[key]
	if f == nil {
		inner, cancel := context.WithCancel(context.WithoutCancel(ctx))
		f = &flight{done: make(chan struct{}), cancel: cancel}
		if m.flights == nil {
			m.flights = map[string]*flight{}
		}
		m.flights[key] = f
		go func() {
			defer cancel()
			f.result, f.err = fetch(inner)
			m.mu.Lock()
			if m.flights[key] == f {
				delete(m.flights, key)
			}
			m.mu.Unlock()
			close(f.done)
		}()
	}
	f.waiting++
	m.mu.Unlock()
	select {
	case <-f.done:
		return f.result, f.err
	case <-ctx.Done():
	}
	m.mu.Lock()
	f.waiting--
	last := f.waiting == 0
	if last {
		delete(m.flights, key) // whoever comes now starts afresh
	}
	m.mu.Unlock()
	if last {
		f.cancel()
		<-f.done // nothing goes on behind the caller's back
	}
	return Fetched{}, ended(ctx)
}

// ended is the error of a context that has ended.
func ended(ctx context.Context) error {
	if errors.Is(ctx.Err(), context.DeadlineExceeded) {
		return rinca.Errorf(rinca.Unavailable, "get the files from Git: out of time").Because(context.Cause(ctx))
	}
	return rinca.Errorf(rinca.Canceled, "get the files from Git: canceled").Because(context.Cause(ctx))
}
