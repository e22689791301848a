package event_test

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"sync"
	"testing"
	"time"

	"rinca/internal/event"
	"rinca/internal/rinca"
	"rinca/internal/store"
)

func newHub(t *testing.T) (*event.Hub, *store.DB, string) {
	t.Helper()
	dir := t.TempDir()
	db, err := store.Open(t.Context(), store.Config{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	h, err := event.New(t.Context(), db, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	return h, db, dir
}

func line(update string, n int) rinca.Event {
	data, _ := json.Marshal(rinca.Line{Text: fmt.Sprint(n)})
	return rinca.Event{Type: "line", Update: update, Target: rinca.Target{Kind: rinca.KindStack, Name: "web"}, Data: data}
}

// read follows the stream as a client does, until it has n events.
func read(ctx context.Context, h *event.Hub, after int64, f store.EventFilter, n int) ([]rinca.Event, error) {
	var out []rinca.Event
	for len(out) < n {
		last := h.Last()
		events, err := h.Since(ctx, after, f, 100)
		if err != nil {
			return out, err
		}
		out = append(out, events...)
		if n := len(events); n > 0 {
			after = max(after, events[n-1].Seq)
		}
		if len(events) == 100 {
			continue
		}
		if after = max(after, last); len(out) >= n {
			break
		}
		if err := h.Wait(ctx, after); err != nil {
			return out, err
		}
	}
	return out, nil
}

// Readers that come early, late and in between see every event once, in
// order, whether it is in memory or in the database alone.
func TestReadersMissNothing(t *testing.T) {
	h, db, _ := newHub(t)
	defer db.Close()
	defer h.Close()
	const total = 10_000 // more than memory holds
	start := h.Last()
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	var wg sync.WaitGroup
	check := func(who string, events []rinca.Event, err error) {
		if err != nil {
			t.Errorf("%s: %v", who, err)
		}
		for i, e := range events {
			var l rinca.Line
			if json.Unmarshal(e.Data, &l) != nil || l.Text != fmt.Sprint(i) {
				t.Errorf("%s: event %d is %s", who, i, e.Data)
				return
			}
		}
	}
	for i := range 6 {
		wg.Go(func() {
			events, err := read(ctx, h, start, store.EventFilter{Update: "a"}, total/2)
			check(fmt.Sprint("reader ", i), events, err)
		})
	}
	for i := range total / 2 {
		h.Publish(line("a", i), line("b", i))
	}
	wg.Wait()
	events, err := read(ctx, h, start, store.EventFilter{Update: "b", Types: []string{"line"}}, total/2)
	check("the late reader", events, err)
}

// What is transient is seen by who reads now, and is not kept; its numbers are
// not given again after a restart.
func TestTransientAndRestart(t *testing.T) {
	h, db, dir := newHub(t)
	start := h.Last()
	h.Publish(line("a", 0))
	h.Transient(line("a", 1))
	events, err := h.Since(t.Context(), start, store.EventFilter{}, 10)
	if err != nil || len(events) != 2 {
		t.Fatalf("%d events, %v", len(events), err)
	}
	seen := events[1].Seq
	h.Close()
	db.Close()
	db, err = store.Open(t.Context(), store.Config{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if h, err = event.New(t.Context(), db, slog.New(slog.DiscardHandler)); err != nil {
		t.Fatal(err)
	}
	defer h.Close()
	h.Publish(line("a", 2))
	if events, err = h.Since(t.Context(), start, store.EventFilter{}, 10); err != nil || len(events) != 2 {
		t.Fatalf("after a restart: %d events, %v", len(events), err)
	}
	if events[1].Seq <= seen {
		t.Errorf("the number %d is given again, after %d", events[1].Seq, seen)
	}
	if events, _ = h.Since(t.Context(), seen, store.EventFilter{}, 10); len(events) != 1 {
		t.Errorf("who resumes gets %d events", len(events))
	}
}

func TestWaitEndsWithItsContext(t *testing.T) {
	h, db, _ := newHub(t)
	defer db.Close()
	defer h.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if err := h.Wait(ctx, h.Last()); err == nil {
		t.Error("it waited for nothing, and said that something came")
	}
}
