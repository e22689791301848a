package api

import (
	"context"
	"encoding/json"
	"strconv"
	"strings"
	"sync"
	"time"

	"rinca/internal/redact"
	"rinca/internal/rinca"
	"rinca/internal/store"
)

const eventsAtOnce = 256

// getEvents streams events from where the client stopped, or from now on.
func (s *Server) getEvents(r *request) (any, error) {
	q := r.URL.Query()
	f := store.EventFilter{Update: q.Get("update")}
	if stack := q.Get("stack"); stack != "" {
		f.Target = rinca.Target{Kind: rinca.KindStack, Name: stack}
		if on(r.who, f.Target).Level < rinca.Read {
			return nil, missing(f.Target)
		}
	}
	if types := q.Get("type"); types != "" {
		f.Types = strings.Split(types, ",")
	}
	if f.Update != "" {
		if _, err := s.update(r, f.Update, rinca.Read); err != nil {
			return nil, err
		}
	}
	after, err := resumeAfter(r)
	if err != nil {
		return nil, err
	}
	if last := s.cfg.Hub.Last(); after < 0 || after > last {
		// From now on, before the client sees an answer. Events from before a
		// database was restored are no place to go on from either.
		after = last
	}
	if f.Update != "" {
		after = max(after, s.cfg.Hub.Before(f.Update)) // spares the database the search
	}
	reader := &eventReader{server: s, filter: f, after: after, who: r.who, revision: -1, seen: map[rinca.Target]bool{}}
	return stream(reader.run), nil
}

// resumeAfter returns the number of the last event that the client has seen,
// or -1.
func resumeAfter(r *request) (int64, error) {
	after := int64(-1)
	for _, text := range []string{r.URL.Query().Get("after"), r.Header.Get("Last-Event-ID")} {
		if text == "" {
			continue
		}
		n, err := strconv.ParseInt(text, 10, 64)
		if err != nil || n < 0 {
			return 0, rinca.Errorf(rinca.Invalid, "after and Last-Event-ID are numbers of events")
		}
		after = max(after, n)
	}
	return after, nil
}

// An eventReader follows the events for one client, at the client's speed.
type eventReader struct {
	server   *Server
	filter   store.EventFilter
	after    int64
	who      *rinca.Identity
	revision int64
	looked   time.Time             // for the state of the update
	seen     map[rinca.Target]bool // what the client may read, for this revision
}

func (e *eventReader) run(out *sse) error {
	hub := e.server.cfg.Hub
	for {
		last := hub.Last()
		events, err := hub.Since(out.ctx, e.after, e.filter, eventsAtOnce)
		if err != nil {
			return err
		}
		ended, err := e.pass(out, events)
		if err != nil || ended {
			return err
		}
		if len(events) == eventsAtOnce {
			e.after = events[len(events)-1].Seq
			continue
		}
		e.after = max(e.after, last)
		if n := len(events); n > 0 {
			e.after = max(e.after, events[n-1].Seq)
		}
		if ended, err := e.wait(out); err != nil || ended {
			return err
		}
	}
}

// pass sends what the client may see of events. It reports whether the update
// that the client follows has ended.
func (e *eventReader) pass(out *sse, events []rinca.Event) (ended bool, err error) {
	if err := out.failed(); err != nil {
		return false, err
	}
	if err := e.refresh(out); err != nil {
		return false, err
	}
	masker := e.server.cfg.Known.Masker()
	out.mu.Lock()
	defer out.mu.Unlock()
	for _, ev := range events {
		if !e.visible(ev) {
			continue
		}
		data, err := e.server.events.encode(ev, masker)
		if err != nil {
			return false, err
		}
		out.put(ev.Type, ev.Seq, data)
		if out.buf.Len() > 64<<10 {
			out.flush()
		}
		ended = ended || e.filter.Update != "" && ends(ev, e.filter.Update)
	}
	if out.buf.Len() > 0 {
		out.flush()
	}
	return ended, out.err
}

// encodedEvents keeps the latest events as they are sent, since many readers
// get the same ones.
type encodedEvents struct {
	mu   sync.Mutex
	ring [1024]encodedEvent
}

type encodedEvent struct {
	seq    int64
	masker *redact.Masker // that hid values in it
	data   []byte
}

func (c *encodedEvents) encode(ev rinca.Event, masker *redact.Masker) ([]byte, error) {
	place := &c.ring[ev.Seq%int64(len(c.ring))]
	c.mu.Lock()
	kept := *place
	c.mu.Unlock()
	if kept.seq == ev.Seq && kept.masker == masker {
		return kept.data, nil
	}
	ev.Data = maskJSON(masker, ev.Data)
	data, err := json.Marshal(ev)
	if err != nil {
		return nil, rinca.Errorf(rinca.Internal, "encode event %d: %w", ev.Seq, err)
	}
	if len(data) <= 64<<10 {
		c.mu.Lock()
		*place = encodedEvent{ev.Seq, masker, data}
		c.mu.Unlock()
	}
	return data, nil
}

// ends reports whether an event says that an update has ended.
func ends(ev rinca.Event, update string) bool {
	if ev.Type != "update" {
		return false
	}
	var u struct {
		ID    string            `json:"id"`
		State rinca.UpdateState `json:"state"`
	}
	return json.Unmarshal(ev.Data, &u) == nil && u.ID == update && u.State != "" && u.State.Final()
}

// visible reports whether the client may see an event. What has no target is
// for administrators, unless the client follows the update that it is of.
func (e *eventReader) visible(ev rinca.Event) bool {
	if e.filter.Update != "" {
		return true
	}
	if ev.Target.Kind == "" || ev.Target.Kind == rinca.KindSystem {
		return e.who.On(rinca.Target{Kind: rinca.KindSystem}).Level >= rinca.Read
	}
	may, known := e.seen[ev.Target]
	if !known {
		may = on(e.who, ev.Target).Level >= rinca.Read
		e.seen[ev.Target] = may
	}
	return may
}

// refresh asks again who reads, after anything has changed that could have
// changed what they may.
func (e *eventReader) refresh(out *sse) error {
	revision := e.server.cfg.DB.Revision()
	if revision == e.revision {
		return nil
	}
	who, err := e.server.stillThere(out)
	if err != nil {
		return err
	}
	e.who, e.revision, e.seen = who, revision, map[rinca.Target]bool{}
	if e.filter.Update != "" {
		r := *out.request
		r.who = who
		if _, err := e.server.update(&r, e.filter.Update, rinca.Read); err != nil {
			return err
		}
	}
	return nil
}

// wait waits for the next event. Who follows an update that ended before they
// came, or whose last event is gone, waits for nothing: that is looked up at
// first, and when nothing has come for a while.
func (e *eventReader) wait(out *sse) (ended bool, err error) {
	if e.filter.Update == "" {
		return false, e.server.cfg.Hub.Wait(out.ctx, e.after)
	}
	for {
		patience := e.server.cfg.Heartbeat
		final := false
		if time.Since(e.looked) >= patience {
			e.looked = time.Now()
			u, err := e.server.cfg.DB.Update(out.ctx, e.filter.Update)
			if err != nil {
				return false, err
			}
			if final = u.State.Final(); final {
				patience = time.Second // it is saved before its last event is published
			}
		}
		ctx, cancel := context.WithTimeout(out.ctx, patience)
		err := e.server.cfg.Hub.Wait(ctx, e.after)
		cancel()
		switch {
		case err == nil:
			return false, nil
		case out.ctx.Err() != nil:
			return false, err
		case final:
			return true, nil
		}
	}
}
