package event_test

import (
	"testing"

	"rinca/internal/store"
)

// What is in memory of an update is all of it, or nobody says so.
func TestBeforeAnUpdate(t *testing.T) {
	h, db, _ := newHub(t)
	defer db.Close()
	defer h.Close()
	h.Publish(line("old", 0))
	if n := h.Before("old"); n != 0 {
		t.Errorf("an update of before: %d", n)
	}
	before := h.Last()
	h.Publish(line("new", 0)) // somebody is faster
	h.Begin(before, line("new", 1))
	h.Publish(line("other", 0), line("new", 2))
	for i := range 10000 {
		n := h.Before("new")
		got, err := h.Since(t.Context(), n, store.EventFilter{Update: "new"}, 10)
		if err != nil || len(got) != 3 {
			t.Fatalf("after %d more: %d events from %d on, %v", i, len(got), n, err)
		}
		if n == 0 && i < 8000 {
			t.Fatalf("after %d more it is not in memory", i)
		}
		if n == 0 {
			return
		}
		h.Publish(line("other", i))
	}
	t.Error("it is in memory for ever")
}
