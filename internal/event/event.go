// Package event is the one stream of what happens: updates and their lines,
// states, changes of resources. It is kept in the database, so that a reader
// who comes late, or comes back, misses nothing; what is recent is also kept
// in memory, so that many readers cost little.
package event

import (
	"context"
	"log/slog"
	"slices"
	"sync"
	"time"

	"rinca/internal/rinca"
	"rinca/internal/store"
)

const (
	recent = 8192                  // events in memory
	batch  = 512                   // events in one transaction
	delay  = 40 * time.Millisecond // how long an event may wait to be stored
	most   = 1 << 16               // events that wait while the database does not take them
)

// A Hub gives events their numbers, keeps them, and wakes readers. It is safe
// for use by several goroutines.
type Hub struct {
	db  *store.DB
	log *slog.Logger
	now func() time.Time

	mu      sync.Mutex
	last    int64            // the highest number given
	ring    []rinca.Event    // ring[seq % recent]
	first   int64            // the lowest number that ring still has
	begun   map[string]int64 // no event of an update has a lower number; as long as ring has them all
	pending []rinca.Event    // to be stored
	dropped int
	wake    chan struct{} // closed at the next event

	work chan struct{} // there is something pending
	done chan struct{}
	stop context.CancelFunc
	// flushing serializes transactions, so that numbers are stored in order.
	flushing sync.Mutex
}

// New starts a Hub that goes on where the database ends.
func New(ctx context.Context, db *store.DB, log *slog.Logger) (*Hub, error) {
	last, err := db.LastEvent(ctx)
	if err != nil {
		return nil, err
	}
	// Numbers of what was passed on and not stored are not given again.
	last += 1 << 20
	run, stop := context.WithCancel(context.WithoutCancel(ctx))
	h := &Hub{
		db: db, log: log, now: time.Now, last: last, first: last + 1,
		begun: map[string]int64{},
		ring:  make([]rinca.Event, recent), wake: make(chan struct{}),
		work: make(chan struct{}, 1), done: make(chan struct{}), stop: stop,
	}
	go h.store(run)
	return h, nil
}

// Close stores what is left.
func (h *Hub) Close() {
	h.stop()
	<-h.done
}

// Publish numbers events and passes them on. It does not wait for the
// database. Lines that are transient are passed on and not stored.
func (h *Hub) Publish(events ...rinca.Event) {
	h.publish(false, events...)
}

// Transient passes events on to those who read now; they are not stored.
func (h *Hub) Transient(events ...rinca.Event) {
	h.publish(true, events...)
}

// Begin publishes an event of an update that was made when Last was after.
func (h *Hub) Begin(after int64, e rinca.Event) {
	h.mu.Lock()
	h.begun[e.Update] = after + 1
	h.mu.Unlock()
	h.publish(false, e)
}

// Before returns a number after which all events of an update come, and all
// are in memory; 0 when they may not be.
func (h *Hub) Before(update string) int64 {
	h.mu.Lock()
	defer h.mu.Unlock()
	if seq, ok := h.begun[update]; ok && seq >= h.first {
		return seq - 1
	}
	return 0
}

func (h *Hub) publish(transient bool, events ...rinca.Event) {
	h.mu.Lock()
	for _, e := range events {
		h.last++
		e.Seq = h.last
		if e.At.IsZero() {
			e.At = h.now().UTC()
		}
		place := &h.ring[e.Seq%recent]
		if seq, ok := h.begun[place.Update]; ok && seq <= place.Seq {
			delete(h.begun, place.Update)
		}
		*place = e
		if e.Seq-h.first >= recent {
			h.first = e.Seq - recent + 1
		}
		if transient {
			continue
		}
		if len(h.pending) >= most { // the database takes nothing, and memory has an end
			h.dropped++
			continue
		}
		h.pending = append(h.pending, e)
	}
	close(h.wake)
	h.wake = make(chan struct{})
	h.mu.Unlock()
	if !transient {
		select {
		case h.work <- struct{}{}:
		default:
		}
	}
}

// Last returns the number of the latest event.
func (h *Hub) Last() int64 {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.last
}

// Wait returns when there is an event with a higher number than after, or
// with ctx's error.
func (h *Hub) Wait(ctx context.Context, after int64) error {
	for {
		h.mu.Lock()
		last, wake := h.last, h.wake
		h.mu.Unlock()
		if last > after {
			return nil
		}
		select {
		case <-wake:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// Since returns up to limit events that come after a number and that the
// filter lets through, in order. A reader goes on from the last of them; one
// that got fewer than limit, from what Last returned before the call if that
// is higher.
func (h *Hub) Since(ctx context.Context, after int64, f store.EventFilter, limit int) ([]rinca.Event, error) {
	h.mu.Lock()
	if after >= h.first-1 {
		events := h.fromRing(after, f, limit)
		h.mu.Unlock()
		return events, nil
	}
	h.mu.Unlock()
	if err := h.Flush(ctx); err != nil {
		return nil, err
	}
	return h.db.Events(ctx, after, f, limit)
}

func (h *Hub) fromRing(after int64, f store.EventFilter, limit int) []rinca.Event {
	var out []rinca.Event
	for seq := after + 1; seq <= h.last && len(out) < limit; seq++ {
		if e := h.ring[seq%recent]; matches(f, e) {
			out = append(out, e)
		}
	}
	return out
}

// Flush stores what waits to be stored.
func (h *Hub) Flush(ctx context.Context) error {
	h.flushing.Lock()
	defer h.flushing.Unlock()
	for {
		h.mu.Lock()
		n := min(len(h.pending), batch)
		events := h.pending[:n:n]
		h.mu.Unlock()
		if n == 0 {
			return nil
		}
		if err := h.db.AppendEvents(ctx, events); err != nil {
			return err
		}
		h.mu.Lock()
		h.pending = h.pending[n:]
		dropped := h.dropped
		h.dropped = 0
		h.mu.Unlock()
		if dropped > 0 {
			h.log.Warn("events were not stored while the database took none", "events", dropped)
		}
	}
}

// store writes what is pending, a little later, so that many events share a
// transaction.
func (h *Hub) store(ctx context.Context) {
	defer close(h.done)
	for {
		select {
		case <-ctx.Done():
			if err := h.Flush(context.WithoutCancel(ctx)); err != nil {
				h.log.Error("store events", "error", err)
			}
			return
		case <-h.work:
		}
		pause(ctx, delay)
		if err := h.Flush(context.WithoutCancel(ctx)); err != nil {
			h.log.Error("store events", "error", err)
			pause(ctx, time.Second)
			select {
			case h.work <- struct{}{}:
			default:
			}
		}
	}
}

func pause(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
}

// matches reports whether a filter lets an event through, as the database does.
func matches(f store.EventFilter, e rinca.Event) bool {
	return (f.Update == "" || f.Update == e.Update) &&
		(len(f.Types) == 0 || slices.Contains(f.Types, e.Type)) &&
		(f.Target.Kind == "" || f.Target.Kind == e.Target.Kind) &&
		(f.Target.Name == "" || f.Target.Name == e.Target.Name)
}
